"""What an organisation hands to those whose chain it wants to join: its admin and its node.

It holds no secret, and counts for one chain only.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from lianheng.members._genesis import OrganisationSpec
from lianheng.members._registration import Registration
from lianheng.model import IdentityError, OrganisationName, limits

ARRIVAL_FORMAT = "lianheng.organisation.1"
_TEXTS = ("format", "title", "uscc", "lei")
_PARTS = ("admin", "node")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An organisation that wants in. It was checked that the holders of both keys made it."""

    spec: OrganisationSpec
    admin: Registration
    node: Registration

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read and check one; raise `IdentityError` saying what is wrong with it."""
        content = _content(data)
        admin, node = (
            Registration.from_bytes(json.dumps(content[name]).encode()) for name in _PARTS
        )
        if (admin.chain, admin.member.organisation) != (node.chain, node.member.organisation):
            raise _malformed("its admin and its node belong to different organisations or chains")
        if node.kind != "node":
            raise _malformed(f"{node.member} is no node but a {node.kind}")
        spec = OrganisationSpec(*(content[name] for name in _TEXTS[1:]))
        return cls(spec, admin, node)

    @property
    def name(self) -> OrganisationName:
        """The organisation."""
        return self.admin.member.organisation

    @property
    def encoded(self) -> bytes:
        """One JSON document."""
        texts = {"title": self.spec.title, "uscc": self.spec.uscc, "lei": self.spec.lei}
        parts = {"admin": self.admin.fields(), "node": self.node.fields()}
        fields = {"format": ARRIVAL_FORMAT, **texts, **parts}
        return (json.dumps(fields, indent=2, ensure_ascii=False) + "\n").encode()

    @property
    def arguments(self) -> dict[str, Any]:
        """Of `members.add_organisation`."""
        return {
            "name": str(self.name),
            "title": self.spec.title,
            "uscc": self.spec.uscc,
            "lei": self.spec.lei,
            "admin": str(self.admin.member),
            "public": self.admin.public,
            "possession": self.admin.possession,
            "node": str(self.node.member),
            "node_public": self.node.public,
            "node_possession": self.node.possession,
        }


def _content(data: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(data) if len(data) <= limits.IDENTITY_FILE_BYTES else None
    except (ValueError, RecursionError) as failure:
        raise _malformed("it is not JSON") from failure
    if (
        not isinstance(content, dict)
        or set(content) != {*_TEXTS, *_PARTS}
        or not all(isinstance(content[name], str) for name in _TEXTS)
        or not all(isinstance(content[name], dict) for name in _PARTS)
        or content["format"] != ARRIVAL_FORMAT
    ):
        raise _malformed(f"its fields are not those of {ARRIVAL_FORMAT}")
    return content


def _malformed(reason: str) -> IdentityError:
    return IdentityError(
        "identity.organisation",
        f"this organisation's file cannot be read: {reason}",
        "ask the organisation for another: lianheng genesis follow writes it",
    )
