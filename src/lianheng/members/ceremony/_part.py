"""What one organisation adds to a ceremony: its members' public keys and where its node listens."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lianheng import _native
from lianheng.members._genesis import (
    MemberSpec,
    OrganisationSpec,
    member_fields,
    possession_payload,
)
from lianheng.members.ceremony._refusals import AGAIN, malformed, reading
from lianheng.members.ceremony._terms import Terms
from lianheng.model import (
    MEMBER_KINDS,
    Hash32,
    InvalidValue,
    KeyId,
    LianhengError,
    MemberId,
    OrganisationName,
    decode,
    encode,
    limits,
    native_errors,
)

PART_NAME = "lianheng.ceremony-part.1"
ADMIN = "admin"
"""Role, and name before the @, of the member who signs for an organisation."""

_TITLE_BYTES = 200
_NODE_ID = re.compile(r"[0-9a-f]{40}")
_ADDRESS = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}"
)
_COSE_PARTS = 4
_PUBLIC_BYTES = 32
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class NodePlace:
    """An organisation's validator: a member of kind node, and how others reach it."""

    member: MemberId
    address: str
    id: str


@dataclass(frozen=True, slots=True)
class Part:
    """An organisation's part. Its admin signed it, and each of its keys was proved."""

    organisation: OrganisationName
    spec: OrganisationSpec
    members: tuple[Mapping[str, Any], ...]
    node: NodePlace
    encoded: bytes = field(repr=False)

    @staticmethod
    def make(
        terms: Terms,
        organisation: str,
        spec: OrganisationSpec,
        members: Sequence[MemberSpec],
        node: NodePlace,
    ) -> "Part":
        """Write and sign a part; `members` hold admin@organisation and the node.

        Raise `InvalidValue` naming what cannot be.
        """
        admin = admin_of(organisation)
        signer = next((each.identity for each in members if each.id == admin), None)
        if signer is None:
            raise InvalidValue("ceremony.admin", f"{admin} is not among the members")
        content = {
            "format": PART_NAME,
            "terms": terms.hash,
            "name": organisation,
            **spec._asdict(),
            "members": [
                member_fields(terms.chain, each) for each in sorted(members, key=lambda m: m.id)
            ],
            "node": {"member": node.member, "address": node.address, "id": node.id},
        }
        return Part.from_bytes(organisation, signer.sign(encode(content), b""), terms)

    @staticmethod
    def from_bytes(organisation: str, data: bytes, terms: Terms) -> "Part":
        """Read and check the part that stands under this name. Raise `InvalidValue`."""
        what = f"the part of {str(organisation)[:80]}"
        with reading(what):
            signed = decode(data)
            if not isinstance(signed, list) or len(signed) != _COSE_PARTS:
                raise malformed(what, "it is not signed by one")
            content = decode(signed[2])
            part = _read(content, data)
            if part.organisation != organisation:
                raise malformed(what, f"it is that of {part.organisation}")
            _check_signature(part)
            _check_terms(part, content["terms"], terms)
            _check_members(part, terms)
        return part

    @property
    def hash(self) -> Hash32:
        """What the agreement names."""
        return Hash32(_native.hash_bytes(self.encoded))

    @property
    def admin_key(self) -> bytes:
        """The public key that signs for the organisation."""
        return self.key_of(admin_of(self.organisation))

    def key_of(self, member: str) -> bytes:
        """A member's public key; raise `InvalidValue` where the part has no such member."""
        for each in self.members:
            if each["id"] == member:
                return public_of(each)
        raise malformed(f"the part of {self.organisation}", f"{member} is not among its members")


def admin_of(organisation: str) -> MemberId:
    """Who signs for an organisation."""
    return MemberId(f"{ADMIN}@{organisation}")


def _read(content: Any, data: bytes) -> Part:
    """The fields, each of its type and no others."""
    what = f"the part of {str(content['name'])[:80]}"
    spec = OrganisationSpec(content["title"], content["uscc"], content["lei"])
    node = NodePlace(MemberId(content["node"]["member"]), **_without(content["node"], "member"))
    part = Part(OrganisationName(content["name"]), spec, tuple(content["members"]), node, data)
    if not all(isinstance(text, str) for text in (*spec, node.address, node.id)):
        raise malformed(what, "title, numbers, address and node id are texts")
    if len(spec.title.encode()) > _TITLE_BYTES or any(map(_CONTROL.search, spec)):
        raise malformed(what, f"a title has up to {_TITLE_BYTES} bytes, no control characters")
    if _ADDRESS.fullmatch(node.address) is None or _NODE_ID.fullmatch(node.id) is None:
        raise malformed(what, f"{node.address[:80]!r} is not host:port, or the node id is none")
    again = {
        "format": PART_NAME,
        "terms": Hash32(content["terms"]),
        "name": part.organisation,
        **spec._asdict(),
        "members": part.members,
        "node": {"member": node.member, "address": node.address, "id": node.id},
    }
    if encode(again) != encode(content):
        raise malformed(what, f"its fields are not those of {PART_NAME}")
    return part


def _check_signature(part: Part) -> None:
    try:
        with native_errors():
            _native.cose_verify(part.encoded, [part.admin_key], b"")
    except LianhengError as failure:
        if failure.code.startswith("ceremony."):
            raise
        raise InvalidValue(
            "ceremony.part_altered",
            f"the part of {part.organisation} is not what its admin signed",
            AGAIN,
        ) from failure


def _check_terms(part: Part, named: bytes, terms: Terms) -> None:
    if named != terms.hash:
        raise InvalidValue(
            "ceremony.other_terms",
            f"{part.organisation} joined the terms {named.hex()[:16]}, "
            f"this file has {terms.hash.hex()[:16]}",
            "the terms were altered, or the part is of another ceremony: " + AGAIN,
        )


def _check_members(part: Part, terms: Terms) -> None:
    what = f"the part of {part.organisation}"
    ids = [str(each["id"]) for each in part.members]
    if ids != sorted(set(ids)) or not 1 <= len(ids) <= limits.CEREMONY_MEMBERS:
        raise malformed(what, "its members do not stand in order, each once")
    for each in part.members:
        _check_member(what, each, terms, part.organisation)
    kinds = {each["id"]: each["kind"] for each in part.members}
    if kinds.get(part.node.member) != "node":
        raise malformed(what, f"{part.node.member} is not among its nodes")
    admin = next(each for each in part.members if each["id"] == admin_of(part.organisation))
    if ADMIN not in admin["roles"]:
        raise malformed(what, f"{admin['id']} has not the role {ADMIN}")


def public_of(member: Mapping[str, Any]) -> bytes:
    """The public key in a member's fields; raise `InvalidValue` where it is none."""
    public = member["keys"][0]["public"]
    # bytes() of a number would be as many zero bytes.
    if not isinstance(public, bytes) or len(public) != _PUBLIC_BYTES:
        raise malformed(f"the key of {str(member['id'])[:80]}", "it is not 32 bytes")
    return public


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _check_member(what: str, fields: Mapping[str, Any], terms: Terms, organisation: str) -> None:
    with reading(what):
        member, (key,) = MemberId(fields["id"]), fields["keys"]
        public, roles = public_of(fields), fields["roles"]
        with native_errors():
            _native.check_public_key(public)
            statement = possession_payload(terms.chain, member, KeyId(_native.key_id(public)))
        again = {
            "id": member,
            "kind": fields["kind"],
            "roles": roles,
            "keys": [
                {"public": public, "custodial": key["custodial"], "possession": key["possession"]}
            ],
        }
        if encode(again) != encode(fields) or type(key["custodial"]) is not bool:
            raise malformed(what, f"the fields of {member} are not those of a member")
    if member.organisation != organisation or fields["kind"] not in MEMBER_KINDS:
        raise malformed(what, f"{member} is of another organisation, or of an unknown kind")
    unknown = [role for role in roles if role not in terms.roles]
    if unknown or len(set(roles)) != len(roles):
        raise InvalidValue(
            "ceremony.role_unknown",
            f"{member} is to have {', '.join(map(str, roles))[:200]}",
            f"roles of this chain are {', '.join(sorted(terms.roles))}, each once",
        )
    _check_possession(member, public, key["possession"], statement)


def _check_possession(member: MemberId, public: bytes, proof: bytes, statement: bytes) -> None:
    try:
        with native_errors():
            proved = _native.cose_verify(proof, [public], b"") == statement
    except (LianhengError, TypeError):
        proved = False
    if not proved:
        raise InvalidValue(
            "ceremony.possession",
            f"nobody proved to have the key that is given for {member}",
            "whoever joined as its organisation has to join again with keys of its own",
        )
