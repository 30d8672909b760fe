"""Trying a ceremony out before all have joined: whether the core would begin such a chain."""

from lianheng import _native
from lianheng.members._genesis import MemberSpec, OrganisationSpec
from lianheng.members._identity import Identity
from lianheng.members.ceremony._file import Ceremony
from lianheng.members.ceremony._part import ADMIN, NodePlace, Part, admin_of
from lianheng.members.ceremony._terms import Terms
from lianheng.model import MemberId, native_errors

_STANDIN_ADDRESS = "stand-in.invalid"
_FIRST_PORT = 1


def rehearse(ceremony: Ceremony) -> None:
    """Begin the chain in memory, with stand-ins for who is missing.

    Raise what the core finds wrong: a parameter out of bounds, a contract that does not compile,
    a policy with an unknown role, a register number with a wrong check digit. The state of a chain
    that is continued is not looked at: `check_state` does that.
    """
    for number, organisation in enumerate(ceremony.missing):
        ceremony = ceremony.join(_stand_in(ceremony.terms, organisation, number))
    with native_errors():
        _native.check_document(ceremony.genesis().encoded)
        _native.Engine.create(None, ceremony.genesis(alone=True).encoded).close()


def _stand_in(terms: Terms, organisation: str, number: int) -> Part:
    admin, node = admin_of(organisation), MemberId(f"node-1@{organisation}")
    members = [
        MemberSpec(admin, Identity.generate(admin), roles=[ADMIN]),
        MemberSpec(node, Identity.generate(node), kind="node"),
    ]
    place = NodePlace(node, f"{_STANDIN_ADDRESS}:{_FIRST_PORT + number}", f"{number:040x}")
    return Part.make(terms, organisation, OrganisationSpec(organisation), members, place)
