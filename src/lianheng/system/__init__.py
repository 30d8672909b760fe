"""The contracts that every chain begins with: who belongs, who may do what, what was agreed.

They are contract Python in files of their own, part of the genesis and run like any contract. This
room only reads them; the engine and CPython run them.
"""

from importlib.resources import files

from lianheng.model import ContractSource

NAMES = ("members", "policies", "governance")


def contracts() -> list[ContractSource]:
    """Names, files and sources of the system's contracts."""
    return [ContractSource(name, f"{name}.py", _source(name)) for name in NAMES]


def _source(name: str) -> str:
    return files(__package__).joinpath(f"{name}.py").read_text(encoding="utf-8")
