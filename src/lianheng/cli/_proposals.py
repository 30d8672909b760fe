"""Proposals as people see them: the call, what it would change, who said what, what is missing."""

import difflib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lianheng.model import InvalidValue, LedgerError, NotFound, decode

if TYPE_CHECKING:
    from lianheng.ledger import Ledger
    from lianheng.model import Result, Run

GOVERNANCE = "governance"
SOURCE_CALLS = ("deploy", "upgrade")
UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
TEXT_SHOWN = 200  # characters of an argument; `show --json` has all of it


@dataclass(frozen=True, slots=True)
class Vote:
    """What a member said last, with the roles that it has."""

    member: str
    organisation: str
    roles: tuple[str, ...]
    agrees: bool
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as the chain has it, checked against its digest."""

    row: Mapping[str, Any]
    arguments: Mapping[str, Any]
    votes: Sequence[Vote]
    missing: str
    policy: str
    diff: Sequence[str] = field(default=())

    @property
    def number(self) -> int:
        """Its number."""
        return int(self.row["number"])

    @property
    def digest(self) -> bytes:
        """What members agree to."""
        return bytes(self.row["digest"])

    @property
    def target(self) -> str:
        """`contract.method`."""
        return f"{self.row['contract']}.{self.row['method']}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be agreed to, or run."""
        return self.row["status"] in {"open", "approved"}

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        votes = [{name: getattr(v, name) for name in Vote.__slots__} for v in self.votes]
        return {
            **self.row,
            "arguments": self.arguments,
            "policy": self.policy,
            "votes": votes,
            "missing": self.missing,
            "diff": "\n".join(self.diff),
        }


def read_proposal(ledger: "Ledger", number: int) -> Proposal:
    """A proposal with all that belongs to it.

    Raise `NotFound` where there is none, `LedgerError` where its digest is that of another call.
    """
    row = ledger.view("governance.proposal", {"number": number})
    if row is None:
        raise NotFound(
            "proposal.unknown", f"there is no proposal {number}", "lianheng governance list"
        )
    check_digest(row)
    given = decode(bytes(row["arguments"]))
    arguments = given if isinstance(given, dict) else {}
    is_open = row["status"] in {"open", "approved"}
    return Proposal(
        row,
        arguments,
        read_votes(ledger, number),
        str(ledger.view("governance.missing", {"number": number})) if is_open else "",
        policy_of(ledger, row["contract"], row["method"]),
        source_diff(ledger, row, arguments),
    )


def check_digest(row: Mapping[str, Any]) -> None:
    """Raise `LedgerError` where the digest is not that of the call that is shown."""
    from lianheng.system.governance import digest_of

    contract, method = row["contract"], row["method"]
    found = digest_of(contract, method, bytes(row["arguments"]), bytes(row["source"]))
    if found != bytes(row["digest"]):
        raise LedgerError(
            "proposal.digest",
            f"proposal {row['number']} has the digest {bytes(row['digest']).hex()}, "
            f"and the call that is shown has {found.hex()}",
            "ask another node, and agree to nothing meanwhile",
        )


def read_votes(ledger: "Ledger", number: int) -> list[Vote]:
    """What members said, by time."""
    found = []
    for row in ledger.view("governance.votes_of", {"number": number}):
        member = ledger.view("members.member", {"id": row["member"]})
        roles = tuple(member["roles"]) if member is not None else ()
        at, reason = int(row["at"]), str(row["reason"])
        found.append(
            Vote(row["member"], row["organisation"], roles, bool(row["agrees"]), at, reason)
        )
    return sorted(found, key=lambda vote: (vote.at, vote.member))


def policy_of(ledger: "Ledger", contract: str, method: str) -> str:
    """The policy in force of a call; empty where there is no such call."""
    from lianheng.system.rights import Rights

    try:
        rule = Rights(ledger).rule(contract, method)
    except NotFound:
        return ""
    return f"{rule.policy} (set by the chain)" if rule.by_chain else rule.policy


def source_diff(
    ledger: "Ledger", row: Mapping[str, Any], arguments: Mapping[str, Any]
) -> list[str]:
    """Lines of a unified diff: the source that was in force, and the one that is proposed."""
    if row["contract"] != "contracts" or row["method"] not in SOURCE_CALLS:
        return []
    new, name, file = (str(arguments.get(key, "")) for key in ("source", "name", "file"))
    before = bytes(row["source"])
    known = ledger.table("contracts", "sources").get(before) if before else None
    old = "" if known is None else str(known)
    return list(
        difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            f"{name} in force {before.hex()[:8]}" if before else "nothing in force",
            f"{name} proposed, {file}",
            lineterm="",
        )
    )


def changed_lines(diff: Iterable[str]) -> tuple[int, int]:
    """How many lines come, and how many go."""
    body = list(diff)[2:]
    return sum(x.startswith("+") for x in body), sum(x.startswith("-") for x in body)


def parse_duration(text: str) -> int:
    """`7d`, `12h`, `1d12h` in ms; raise `InvalidValue` for something else."""
    parts = re.findall(r"(\d{1,9})([dhms])", text, re.ASCII)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidValue(
            "value.malformed", f"{text!r} is no length of time", "for example 7d, 12h or 1d12h"
        )
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def in_words(milliseconds: int) -> str:
    """`6 days 23 hours`: the two largest units, rounded down."""
    from lianheng.cli._print import counted

    left, words = max(milliseconds, 0), []
    for noun, length in zip(("day", "hour", "minute", "second"), UNITS.values(), strict=True):
        number, left = divmod(left, length)
        if number:
            words.append(counted(number, noun))
    return " ".join(words[:2]) or "less than a second"


def expiry(row: Mapping[str, Any], now: int) -> str:
    """When its time is over, in words."""
    from lianheng.cli._print import moment

    at = int(row["expires"])
    when = f"ended {in_words(now - at)} ago" if at <= now else f"in {in_words(at - now)}"
    return f"{when} ({moment(at)[:16]} UTC)"


def wait_for_run(ledger: "Ledger", timer: int, seconds: float = WAIT_SECONDS) -> "Run | None":
    """The run of a proposal, once it is there; None where it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ledger.run(GOVERNANCE, timer)
        except NotFound:
            if time.monotonic() > deadline:
                return None
        time.sleep(POLL_SECONDS)


def show_proposal(proposal: Proposal, now: int) -> None:
    """All of it, for people."""
    from lianheng.cli._print import console, facts, printable, short_hash

    row = proposal.row
    out = console()
    out.print(f"proposal {proposal.number}: {proposal.target}", style="bold", markup=False)
    for name, value in shown_arguments(proposal).items():
        out.print(f"  {name} = {printable(value)}", markup=False)
    source = bytes(row["source"])
    about = {
        "status": row["status"],
        "policy": proposal.policy or "none: there is no such call",
        "proposed": f"by {row['proposer']}",
        **({"expires": expiry(row, now)} if proposal.is_open else {}),
        "source": short_hash(source) if source else "none in force",
        "digest": short_hash(proposal.digest),
        "gas": f"{row['gas']:,}",
    }
    if row["note"]:
        about["note"] = row["note"]
    facts(about)
    show_votes(proposal.votes)
    if proposal.is_open:
        lacks = f"missing: {proposal.missing}" if proposal.missing else "missing: nothing, it runs"
        out.print(printable(lacks), style="yellow", markup=False)
    show_diff(proposal.diff)


def shown_arguments(proposal: Proposal) -> dict[str, str]:
    """The arguments as a contract would write them; a source by its hash and length."""
    from lianheng import _native
    from lianheng.cli._print import counted, short_hash

    found = {}
    for name, value in proposal.arguments.items():
        text = value.hex() if isinstance(value, bytes) else repr(value)
        if proposal.diff and name == "source":
            digest = _native.hash_bytes(str(value).encode())
            plus, minus = changed_lines(proposal.diff)
            told = f"+{plus:,} -{minus:,} lines"
            text = f"{counted(len(str(value)), 'character')}, hash {short_hash(digest)}, {told}"
        more = len(text) - TEXT_SHOWN
        found[name] = text if more <= 0 else f"{text[:TEXT_SHOWN]}… and {more:,} characters more"
    return found


def show_votes(votes: Sequence[Vote]) -> None:
    """Who agreed and who did not."""
    from lianheng.cli._print import console, printable

    for vote in votes:
        word, style = ("agrees", "green") if vote.agrees else ("disagrees", "red")
        roles = ", ".join(vote.roles) or "no role"
        why = f': "{vote.reason}"' if vote.reason else ""
        text = f"{word:9}  {vote.member} ({roles}), {vote.organisation}{why}"
        console().print(printable(text), style=style, markup=False)


def show_diff(lines: Iterable[str]) -> None:
    """A unified diff, coloured where the terminal has colours."""
    from lianheng.cli._print import console, printable

    styles = {"+": "green", "-": "red", "@": "cyan"}
    for text in lines:
        style = "bold" if text.startswith(("+++", "---")) else styles.get(text[:1])
        console().print(printable(text), style=style, markup=False)


def show_run(ledger: "Ledger", run: "Run | None", number: int) -> None:
    """How the proposed call ended."""
    from lianheng.cli._print import console, result_line

    if run is None:
        told = f"proposal {number} waits for its block; look again: lianheng governance show"
        console().print(f"{told} {number}", style="yellow", markup=False)
        return
    result: Result = run.named(ledger.genesis_hash)
    result_line(result, result.value)
    if not result.final:
        told = (
            f"nothing was changed; until it expires: lianheng governance settle {number} "
            "runs it again"
        )
        console().print(f"  {told}", style="dim", markup=False)
