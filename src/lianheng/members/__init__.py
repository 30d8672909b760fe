"""Members: their keys, identity files and signatures, and the genesis that names them.

It decides nothing about who may do what: that is the chain's. Private keys leave this room only
towards the core's signing functions and, encrypted, into a file.
"""

from lianheng.members._files import (
    DEVELOPMENT_WARNING,
    PASSPHRASE_VARIABLE,
    Passphrase,
    identity_member,
    is_development,
    passphrase_from,
    read_identity,
    resolve_passphrase,
    write_identity,
    write_new_file,
)
from lianheng.members._genesis import (
    BY_CHAIN,
    BY_ORGANISATION,
    Genesis,
    MemberSpec,
    OrganisationSpec,
    Validator,
)
from lianheng.members._identity import Identity
from lianheng.members._messages import prove_possession, sign_message
from lianheng.members._public import PublicIdentity, read_public_identity
from lianheng.members._signing import CallSigner, Signers

__all__ = [
    "BY_CHAIN",
    "BY_ORGANISATION",
    "DEVELOPMENT_WARNING",
    "PASSPHRASE_VARIABLE",
    "CallSigner",
    "Genesis",
    "Identity",
    "MemberSpec",
    "OrganisationSpec",
    "Passphrase",
    "PublicIdentity",
    "Signers",
    "Validator",
    "identity_member",
    "is_development",
    "passphrase_from",
    "prove_possession",
    "read_identity",
    "read_public_identity",
    "resolve_passphrase",
    "sign_message",
    "write_identity",
    "write_new_file",
]
