"""A ledger that several organisations run together: the product's public face.

    ledger = lianheng.open_ledger("home/ledger")
    result = ledger.call(identity, "toolshed.add", id="crane-7")

Names are imported when first used, so that `import lianheng` costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lianheng.consensus import create_ledger, open_ledger
    from lianheng.ledger import Ledger, Submission
    from lianheng.members import (
        Genesis,
        Identity,
        MemberSpec,
        Validator,
        read_identity,
        write_identity,
    )
    from lianheng.model import LianhengError, Result, SignedTransaction

__version__ = "0.1.0"

__all__ = [
    "Genesis",
    "Identity",
    "Ledger",
    "LianhengError",
    "MemberSpec",
    "Result",
    "SignedTransaction",
    "Submission",
    "Validator",
    "__version__",
    "create_ledger",
    "open_ledger",
    "read_identity",
    "write_identity",
]

_ROOMS = {
    "Genesis": "members",
    "Identity": "members",
    "Ledger": "ledger",
    "LianhengError": "model",
    "MemberSpec": "members",
    "Result": "model",
    "SignedTransaction": "model",
    "Submission": "ledger",
    "Validator": "members",
    "create_ledger": "consensus",
    "open_ledger": "consensus",
    "read_identity": "members",
    "write_identity": "members",
}


def __getattr__(name: str) -> Any:
    """Import the room that holds this name."""
    from importlib import import_module

    if name not in _ROOMS:
        raise AttributeError(f"module 'lianheng' has no attribute {name!r}")
    return getattr(import_module(f"lianheng.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
