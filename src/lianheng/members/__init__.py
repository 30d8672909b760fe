"""Members: their keys, identity files and signatures, and the genesis that names them.

It decides nothing about who may do what: that is the chain's. Private keys leave this room only
towards the core's signing functions and, encrypted, into a file.
"""

from lianheng.members._arrival import Arrival
from lianheng.members._files import (
    DEVELOPMENT_WARNING,
    KEY_TYPES,
    PASSPHRASE_VARIABLE,
    IdentityCard,
    Passphrase,
    check_kind,
    identity_member,
    is_development,
    passphrase_from,
    read_card,
    read_identity,
    replace_file,
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
from lianheng.members._registration import Registration, is_registration
from lianheng.members._signing import CallSigner, Signers

__all__ = [
    "BY_CHAIN",
    "BY_ORGANISATION",
    "DEVELOPMENT_WARNING",
    "KEY_TYPES",
    "PASSPHRASE_VARIABLE",
    "Arrival",
    "CallSigner",
    "Genesis",
    "Identity",
    "IdentityCard",
    "MemberSpec",
    "OrganisationSpec",
    "Passphrase",
    "Registration",
    "Signers",
    "Validator",
    "check_kind",
    "identity_member",
    "is_development",
    "is_registration",
    "passphrase_from",
    "prove_possession",
    "read_card",
    "read_identity",
    "replace_file",
    "resolve_passphrase",
    "sign_message",
    "write_identity",
    "write_new_file",
]
