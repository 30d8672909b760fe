"""Sources of deployed contracts, as modules: `lianheng.chain.stock_0123456789abcdef`.

A module's name is a label and the first 16 digits of its source's hash. On the chain the compiler
takes the source from the state. Here `lianheng contract fetch` puts it into this folder, where
editors, type checkers and CPython find it like any module.

This room holds no code of the product. What lies in it is what the digits say: a file that was
changed is not imported.
"""

from lianheng.contract.imports import install

install()
