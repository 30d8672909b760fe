"""What every chain begins with: who belongs, who may do what, what was agreed, who has how much.

These contracts are contract Python in files of their own, part of the genesis and run like any
contract. This room only reads them; the engine and CPython run them.
"""

from importlib.resources import files

from lianheng.model import ContractSource

NAMES = ("members", "policies", "governance", "shares")

LOCAL_POLICIES = {
    "contracts.deploy": "role:operator or role:admin",
    "contracts.freeze": "role:admin",
    "contracts.retire": "role:admin",
    "contracts.thaw": "role:admin",
    "contracts.upgrade": "role:admin",
}
"""For chains that one person makes to develop on: nobody has to be asked about contracts.

Organisations that begin a chain together leave them out: most of them agree to each contract.
"""


def contracts() -> list[ContractSource]:
    """Names, files and sources of the system's contracts."""
    return [ContractSource(name, f"{name}.py", _source(name)) for name in NAMES]


def _source(name: str) -> str:
    return files(__package__).joinpath(f"{name}.py").read_text(encoding="utf-8")
