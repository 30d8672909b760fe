"""A generated program as a contract: what it would print is what its one call returns."""

import re

from tests.contract.differential.statements import HEAD

SHOW = """
        out = []
        def show(*values, sep=" ", end="\\n"):
            out.append(sep.join([str(value) for value in values]) + end)
"""

CHANGED = "    global calls\n    calls += 1\n"
"""A variable of the module that a function changes: scripts may, contracts may not."""


def as_contract(program: str) -> str:
    """The program's declarations on top, the rest in a call."""
    head = HEAD.replace("contract import (", "contract import (\n    Contract, call,", 1)
    head = head.replace(CHANGED, "")
    body = re.sub(r"\bprint\(", "show(", program.removeprefix(HEAD).lstrip("\n"))
    body = "\n".join("        " + line for line in body.splitlines())
    method = (
        f'    @call(by="ANY")\n    def run(self) -> str:{SHOW}{body}\n        return "".join(out)\n'
    )
    return f"{head}\n\nclass Wrapped(Contract):\n{method}"
