"""Who there is on a chain, as a running call can ask, and what members sign outside of calls."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from lianheng.contract._arguments import check_bytes, check_str, shown
from lianheng.contract._ed25519 import verifies
from lianheng.model import member_message


class Directory(Protocol):
    """Organisations, members and keys in force at the last block."""

    @property
    def genesis(self) -> bytes:
        """Hash of the chain's genesis header, 32 bytes."""

    def is_party(self, name: str) -> bool:
        """Whether a name is a member or an organisation."""

    def keys_of(self, member: str) -> Sequence[bytes]:
        """The public keys of a member, in the order of their ids; none of an unknown one."""


class Nobody:
    """The directory of a chain where nobody is registered."""

    genesis = bytes(32)

    def is_party(self, name: str) -> bool:  # noqa: ARG002 - the protocol's parameter
        """False."""
        return False

    def keys_of(self, member: str) -> Sequence[bytes]:  # noqa: ARG002 - the protocol's parameter
        """None."""
        return ()


_ASKED: ContextVar[Directory | None] = ContextVar("_ASKED", default=None)
# A function of a contract file has no `self` to ask: it finds the chain of the call that runs.


@contextmanager
def asking(directory: Directory) -> Iterator[None]:
    """Have `signed_by` ask this directory (for hosts, not for contracts)."""
    token = _ASKED.set(directory)
    try:
        yield
    finally:
        _ASKED.reset(token)


def signed_by(member: str, message: bytes, signature: bytes) -> bool:
    """Say whether a member signed `message` for this chain, outside of a transaction.

    Any key in force of the member at the last block counts: Ed25519 under ZIP-215 over the
    canonical CBOR of `["lianheng.member-message.v1", genesis hash, member, message]`. False for a
    member that is not registered; ValueError for a name that cannot be a member's. The same
    signature counts again: put an id and a contract's name into the message.
    """
    check_str("signed_by", "member", member)
    check_bytes("signed_by", "message", message)
    check_bytes("signed_by", "signature", signature)
    if "@" not in member:
        raise ValueError(f"signed_by() takes a member such as 'ann@north', not {shown(member)}")
    directory = _ASKED.get()
    if directory is None:
        raise RuntimeError(
            "signed_by() has no ledger: call the contract through the `ledger` fixture"
        )
    signed = member_message(directory.genesis, member, message)
    return any(verifies(key, signed, signature) for key in directory.keys_of(member))
