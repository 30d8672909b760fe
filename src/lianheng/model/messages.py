"""What a member signs outside of transactions, for contracts of one chain to check."""

from lianheng.model.values import encode

MEMBER_MESSAGE_DOMAIN = "lianheng.member-message.v1"
"""Keeps a member's message apart from everything else that a key signs."""


def member_message(genesis: bytes, member: str, message: bytes) -> bytes:
    """The bytes under a member's signature (docs/protocol/formats.md, Messages of members).

    `genesis` is the hash of the chain's genesis header: what was signed for one chain says nothing
    on another.
    """
    return encode([MEMBER_MESSAGE_DOMAIN, genesis, str(member), message])
