"""The command: files in, checks out. Exit 0: all verified; 1: something does not; 2: unreadable."""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import lianheng_verify
from lianheng_verify import _limits as limits
from lianheng_verify import _show
from lianheng_verify._anchor import TrustAnchor, load_anchor
from lianheng_verify._approvals import GOVERNANCE
from lianheng_verify._checks import Check
from lianheng_verify._compare import Comparison, compare_exports
from lianheng_verify._continues import verify_continuation
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._export import verify_chain
from lianheng_verify._proof import verify_state
from lianheng_verify._receipt import Source, VerifiedReceipt, verify_receipt
from lianheng_verify._run import VerifiedRun, is_run, verify_run
from lianheng_verify._signers import PROVED
from lianheng_verify._standing import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from lianheng_verify._approvals import Approval
    from lianheng_verify._signers import Signer

VERIFIED: Final = 0
NOT_VERIFIED: Final = 1
UNREADABLE: Final = 2


@dataclass(frozen=True, slots=True)
class _Report:
    """What one file's verification is told as."""

    name: str
    exit_code: int
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    people: Mapping[str, object] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character gets its escape, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    run: Callable[[argparse.Namespace], int] = options.run
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lianheng-verify",
        description="Checks receipts, state proofs and exports of a Lianheng ledger, offline.",
        epilog="Exit code: 0 verified, 1 does not verify, 2 unreadable.",
    )
    parser.add_argument("--version", action="version", version=lianheng_verify.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    receipt = _command(commands, "receipt", "that calls, results and events lie in your chain")
    receipt.add_argument("files", nargs="+", metavar="FILE")
    receipt.add_argument(
        "--source", metavar="FILE", help="the contract's source that should have run"
    )
    receipt.set_defaults(run=_receipts)
    state = _command(commands, "state", "that rows hold a value, or are absent")
    state.add_argument("files", nargs="+", metavar="FILE")
    state.set_defaults(run=_states)
    chain = _command(commands, "chain", "every header of an export, and its blocks")
    chain.add_argument("folder", metavar="DIR")
    chain.set_defaults(run=_chain)
    continues = _command(commands, "continues", "that a genesis continues your chain")
    continues.add_argument("file", metavar="GENESIS")
    continues.add_argument(
        "--state", metavar="FILE", help="the state that is carried over, to be checked row by row"
    )
    continues.set_defaults(run=_continuation)
    compare = commands.add_parser("compare", help="where two exports of one chain part")
    compare.add_argument("first", metavar="A")
    compare.add_argument("second", metavar="B")
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(run=_compare)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"Checks {text}.")
    parser.add_argument(
        "--anchor",
        required=True,
        metavar="FILE",
        help="what you trust: a genesis file or a header file that you got out of band",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _receipts(options: argparse.Namespace) -> int:
    def verify(data: bytes, anchor: TrustAnchor, source: Source | None) -> _Report:
        if is_run(data):
            run = verify_run(data, anchor, source)
            left_open = _limits(anchor, run.sealed_height)
            people = _approval(run.approval)
            return _Report("", VERIFIED, run.checks, _run_notes(run), left_open, people)
        verified = verify_receipt(data, anchor, source)
        notes = _receipt_notes(verified, anchor)
        left_open = _limits(anchor, verified.sealed_height)
        people = {"signers": [_signer(one) for one in verified.signers]}
        return _Report("", VERIFIED, verified.checks, notes, left_open, people)

    return _files(options, "receipt", limits.RECEIPT_BYTES, verify)


def _states(options: argparse.Namespace) -> int:
    def verify(data: bytes, anchor: TrustAnchor, _: Source | None) -> _Report:
        verified = verify_state(data, anchor)
        return _Report("", VERIFIED, verified.checks, (), _limits(anchor, verified.height))

    return _files(options, "proof", limits.PROOF_BYTES, verify)


def _limits(anchor: TrustAnchor, height: int) -> tuple[str, ...]:
    return anchor.limits(height, time.time_ns() // 1_000_000)


def _signer(signer: Signer) -> dict[str, object]:
    detail = asdict(signer)
    return {**detail, "key_id": signer.key_id.hex()}


def _approval(approval: Approval | None) -> dict[str, object]:
    if approval is None:
        return {}
    call = f"{approval.contract}.{approval.method}"
    agreed = [asdict(person) for person in approval.agreed]
    return {"approval": {"number": approval.number, "call": call, "agreed": agreed}}


def _run_notes(verified: VerifiedRun) -> tuple[str, ...]:
    """What of a proposal's run is the chain's word."""
    if verified.approval is not None or verified.result.refusal is not None:
        return ()
    if (verified.run.contract, verified.run.method) != GOVERNANCE:
        return ()
    return ("what was agreed to, and by whom, is the chain's word: a receipt made anew shows it",)


def _receipt_notes(verified: VerifiedReceipt, anchor: TrustAnchor) -> tuple[str, ...]:
    """What of the signers is the chain's word."""
    notes = []
    known = [one.member for one in verified.signers if one.member and one.standing != PROVED]
    if known:
        keys = f"the key{'s' * (len(known) > 1)} of {listed(list(dict.fromkeys(known)))}"
        height = verified.height
        word = f"that {keys} still held at block {height} is the chain's word"
        notes.append(f"{word}: your genesis registers what held when the chain began")
    unknown = [place for place, one in enumerate(verified.signers) if one.member is None]
    if not unknown:
        return tuple(notes)
    if unknown[0] == 0:
        word = f"that the key is {verified.transaction.sender}'s is the chain's word"
        notes.append(f"{word}: {_why(anchor, 1)}")
    others = len(unknown) - (unknown[0] == 0)
    if others:
        whose = "whose 1 other key is" if others == 1 else f"whose {others} other keys are"
        notes.append(f"{whose}, is the chain's word: {_why(anchor, others)}")
    return tuple(notes)


def _why(anchor: TrustAnchor, keys: int) -> str:
    why = "a header registers no keys"
    if anchor.is_genesis:
        why = f"your genesis does not register {'it' if keys == 1 else 'them'}"
    return f"{why}; a receipt made for this anchor shows it"


def _files(
    options: argparse.Namespace,
    what: str,
    most: int,
    verify: Callable[[bytes, TrustAnchor, Source | None], _Report],
) -> int:
    try:
        anchor = _anchor(options)
        source = _source(getattr(options, "source", None))
    except VerificationError as error:
        return _finish(options, what, [_failed("your anchor", error)])
    reports = []
    for name in options.files:
        try:
            found = verify(_read(name, most), anchor, source)
            reports.append(replace(found, name=name))
        except VerificationError as error:
            reports.append(_failed(name, error))
    return _finish(options, what, reports)


def _chain(options: argparse.Namespace) -> int:
    name = options.folder
    try:
        anchor = _anchor(options)
        verified = verify_chain(Path(name), anchor)
    except VerificationError as error:
        return _finish(options, "export", [_failed(name, error)])
    blocks = verified.blocks_checked
    note = (
        "blocks were compared with their headers, not executed: `lianheng replay` does that"
        if blocks
        else "headers only: no blocks lie in this export"
    )
    left_open = _limits(anchor, verified.height)
    return _finish(
        options, "export", [_Report(name, VERIFIED, verified.checks, (note,), left_open)]
    )


def _continuation(options: argparse.Namespace) -> int:
    name = options.file
    try:
        anchor = _anchor(options)
        data = _read(name, limits.GENESIS_BYTES)
        with _opened(options.state) as stream:
            verified = verify_continuation(data, anchor, stream)
    except VerificationError as error:
        return _finish(options, "genesis", [_failed(name, error)])
    names = f"{verified.chain} is another chain than {verified.old_chain}"
    notes = (
        f"{names}: compare its genesis hash, and who begins it, by phone",
        "its rows were not derived: `lianheng replay` of an export does that",
    )
    limit = _limits(anchor, verified.height)
    report = _Report(name, VERIFIED, verified.checks, notes, limit)
    return _finish(options, "genesis", [report])


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO | None]:
    if name is None:
        yield None
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise UnreadableError(
            "file.unreadable", f"{_show.safe(name)}: {why}", "check the path"
        ) from error
    with stream:
        yield stream


def _compare(options: argparse.Namespace) -> int:
    try:
        found = compare_exports(Path(options.first), Path(options.second))
    except VerificationError as error:
        return _finish(options, "comparison", [_failed("A and B", error)])
    code = VERIFIED if found.one_history else NOT_VERIFIED
    if options.json:
        detail = asdict(found)
        detail["one_history"] = found.one_history
        _say(json.dumps(detail, indent=2))
        return code
    for check in found.checks:
        _print_check(check)
    _print_verdict_of(found)
    return code


def _print_verdict_of(found: Comparison) -> None:
    if found.equivocation:
        _say(f"PROOF OF EQUIVOCATION: {found.blame} at block {found.height}; keep both exports")
    _say("ONE HISTORY" if found.one_history else "NOT ONE HISTORY")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _anchor(options: argparse.Namespace) -> TrustAnchor:
    return load_anchor(_read(options.anchor, limits.GENESIS_BYTES))


def _source(name: str | None) -> Source | None:
    if name is None:
        return None
    return Source(Path(name).name, _read(name, limits.SOURCE_BYTES))


def _read(name: str, most: int) -> bytes:
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(most + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise UnreadableError(
            "file.unreadable", f"{_show.safe(name)}: {why}", "check the path"
        ) from error
    if len(data) > most:
        raise UnreadableError("format.too_large", f"{_show.safe(name)}: longer than {most} bytes")
    return data


def _failed(name: str, error: VerificationError) -> _Report:
    code = UNREADABLE if isinstance(error, UnreadableError) else NOT_VERIFIED
    alone = Check("file", passed=False, text=error.message, code=error.code, hint=error.hint)
    return _Report(name, code, error.checks or (alone,))


def _finish(options: argparse.Namespace, what: str, reports: list[_Report]) -> int:
    """Prints the reports; the exit code is 1 if anything does not verify, else 2 if unreadable."""
    codes = {report.exit_code for report in reports}
    code = next((one for one in (NOT_VERIFIED, UNREADABLE) if one in codes), VERIFIED)
    if options.json:
        _print_json(reports, verified=code == VERIFIED)
        return code
    for report in reports:
        if len(reports) > 1:
            _say(_show.safe(report.name))
        for check in report.checks:
            _print_check(check)
        for note in report.notes:
            _say(f"note    {note}")
        if len(reports) > 1:
            _say("")
    for limit in _limits_of(reports):
        _say(f"limit   {limit}")
    if len(reports) > 1:
        good = sum(report.exit_code == VERIFIED for report in reports)
        _say(f"{good} of {len(reports)} {what}s verified")
    verdict = {VERIFIED: "VERIFIED", NOT_VERIFIED: "NOT VERIFIED", UNREADABLE: "UNREADABLE"}[code]
    _say(verdict if len(reports) > 1 else f"{verdict}  {_show.safe(reports[0].name)}")
    return code


def _limits_of(reports: list[_Report]) -> list[str]:
    """The limits of all files, each once, in order."""
    return list(dict.fromkeys(limit for report in reports for limit in report.limits))


def _print_check(check: Check) -> None:
    if check.passed:
        _say(f"passed  {check.text}")
        return
    _say(f"failed  {check.name}: {check.text}  [{check.code}]")
    if check.hint:
        _say(f"        {check.hint}")


def _print_json(reports: list[_Report], *, verified: bool) -> None:
    """ASCII only: whatever a name or a message holds, it arrives as escapes."""
    words = {VERIFIED: "verified", NOT_VERIFIED: "not_verified", UNREADABLE: "unreadable"}
    files = [
        {
            "file": report.name,
            "outcome": words[report.exit_code],
            "checks": [asdict(check) for check in report.checks],
            "notes": list(report.notes),
            **report.people,
        }
        for report in reports
    ]
    content = {"verified": verified, "limits": _limits_of(reports), "files": files}
    _say(json.dumps(content, indent=2))
