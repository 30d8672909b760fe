"""Messages that a member signs outside of transactions, for contracts to check."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianheng.members._identity import Identity
from lianheng.model import ChainName, HeaderHash, MemberId, encode, member_message


def sign_message(identity: Identity, genesis: HeaderHash, message: bytes) -> bytes:
    """A member's signature over a message for one chain: 64 bytes, Ed25519 (RFC 8032).

    `genesis` is the hash of the chain's genesis header. On that chain the contract function
    `signed_by(member, message, signature)` is true for it, as often as it is asked: put into the
    message what makes it unique, and the contract that it is meant for.
    """
    key = Ed25519PrivateKey.from_private_bytes(identity.seed)
    return key.sign(member_message(bytes(genesis), identity.member, message))


def prove_possession(identity: Identity, chain: ChainName) -> bytes:
    """What shows the contract `members` that somebody has a key: 64 bytes, Ed25519 (RFC 8032)."""
    key = Ed25519PrivateKey.from_private_bytes(identity.seed)
    return key.sign(possession_statement(chain, identity.member))


def possession_statement(chain: ChainName, member: MemberId) -> bytes:
    """The bytes that `prove_possession` signs."""
    text = f"lianheng.possession.1 {chain} {member}".encode()
    return encode(["lianheng.message.v1", text])
