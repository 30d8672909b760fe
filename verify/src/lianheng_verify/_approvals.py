"""Who agreed to a run: the proposal that the timer of `governance` ran, and the votes for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _shape, _show
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import digest
from lianheng_verify._standing import Rows, field_of, member_of, names_sentence

if TYPE_CHECKING:
    from lianheng_verify._standing import Person, Standing

CONTRACT: Final = "governance"
GOVERNANCE: Final = (CONTRACT, "run")
"""The timer whose runs are those of proposals."""
_DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal that ran: its number, its call, and those who agreed and were in force.

    That they were enough is what the chain's rules say: the policy is not asked again.
    """

    number: int
    contract: str
    method: str
    arguments: dict[str, _cbor.Value]
    agreed: tuple[Person, ...]


def proved(standing: Standing, rows: Rows, timer: int, number: int) -> Approval:
    """The proposal that this timer ran. Raises VerificationError (`members.*`)."""
    proposal = standing.proposal
    if proposal is None:
        raise VerificationError("members.proof", "the proposal's row is not there")
    rows.present(proposal, CONTRACT, "proposals", [number])
    row = _shape.plain_map(proposal.value, "governance.proposals")
    if field_of(row, "run", int) != timer or field_of(row, "status", str) != _DONE:
        raise VerificationError(
            "members.other_run", f"timer {timer} did not run proposal {number}, as its row tells"
        )
    contract, method = field_of(row, "contract", str), field_of(row, "method", str)
    data, source = field_of(row, "arguments", bytes), field_of(row, "source", bytes)
    head = f"lianheng.proposal.1 {contract}.{method} {len(data)} ".encode()
    if digest(head + data + source) != field_of(row, "digest", bytes):
        raise VerificationError(
            "members.digest", f"proposal {number} has another digest than its call"
        )
    arguments = _shape.plain_map(_cbor.decode(data, "arguments"), "arguments")
    return Approval(number, contract, method, arguments, _agreed(standing, rows, number))


def _agreed(standing: Standing, rows: Rows, number: int) -> tuple[Person, ...]:
    names: list[str] = []
    for vote in standing.votes:
        content = _shape.plain_map(vote.value, "governance.votes")
        name = member_of(content)
        rows.present(vote, CONTRACT, "votes", [number, name])
        if names and name <= names[-1]:
            raise VerificationError("members.votes", "the votes are not in order, each once")
        if not field_of(content, "agrees", bool):
            raise VerificationError("members.votes", f"{name} does not agree")
        names.append(name)
    return rows.people(names)


def sentence(approval: Approval, rows: Rows) -> str:
    """What was agreed to, and by whom."""
    called = _show.call(approval.contract, approval.method, approval.arguments)
    agreed = names_sentence(approval.agreed)
    return f"members: {agreed} agreed to proposal {approval.number}, {called}; {rows.where}"
