"""Whose keys signed a call: proved in force, registered by the genesis, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import key_id
from lianheng_verify._standing import Person, Rows, field_of, member_of, names_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianheng_verify._anchor import TrustAnchor
    from lianheng_verify._standing import Standing

PROVED: Final = "proved"
GENESIS: Final = "genesis"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signed, and whose it is.

    `standing` is "proved" where rows of the chain's state show the key, its member and the member's
    organisation in force at the block; "genesis" where the anchor, a genesis, registers the key,
    and nothing tells whether it was still in force; "unknown" where whose it is, is the chain's
    word alone, and `member` is None. `roles` and `custodial` are told where they are proved.
    """

    key_id: bytes
    member: str | None
    standing: str
    roles: tuple[str, ...] = ()
    custodial: bool | None = None


def registered(keys: Sequence[bytes], anchor: TrustAnchor) -> tuple[Signer, ...]:
    """What the anchor alone tells of these key ids."""
    found = []
    for one in keys:
        member = anchor.members_by_key.get(one)
        found.append(Signer(one, member, UNKNOWN if member is None else GENESIS))
    return tuple(found)


def proved(
    standing: Standing, rows: Rows, keys: Sequence[bytes], anchor: TrustAnchor
) -> tuple[Signer, ...]:
    """Whose these public keys are, as the rows prove it. Raises VerificationError (`members.*`)."""
    if len(standing.keys) != len(keys):
        raise VerificationError(
            "members.number", f"{len(standing.keys)} keys are proved, {len(keys)} signed"
        )
    owners, custodial = [], []
    for public, one in zip(keys, standing.keys, strict=True):
        own = key_id(public)
        row = rows.in_force(one, "keys", own)
        if field_of(row, "id", bytes) != own or field_of(row, "public", bytes) != public:
            raise VerificationError("members.row", f"the row of key {own.hex()} is of another key")
        owners.append(member_of(row))
        custodial.append(field_of(row, "custodial", bool))
        genesis = anchor.members_by_key.get(own, owners[-1])
        if genesis != owners[-1]:
            raise VerificationError(
                "members.genesis_differs",
                f"the key is {owners[-1]}'s by its row, the genesis registers it to {genesis}",
            )
    people = rows.people(owners)
    return tuple(
        Signer(key_id(public), person.member, PROVED, person.roles, kept)
        for public, person, kept in zip(keys, people, custodial, strict=True)
    )


def check_sender(signers: Sequence[Signer], sender: str) -> None:
    """That the first key is the sender's. Raises VerificationError."""
    if signers[0].member != sender:
        raise VerificationError(
            "members.not_senders_key",
            f"it says {sender} sent it, the first key is {signers[0].member}'s",
        )


def words(signers: Sequence[Signer]) -> str:
    """Who signed, as proved."""
    people = [Person(signer.member or "", signer.roles) for signer in signers]
    return names_sentence(people, ["custodial key" if one.custodial else "" for one in signers])
