"""`lianheng governance`: calls that organisations agree to, and that then run by themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, Pairs, PassphraseFile, Target

if TYPE_CHECKING:
    from lianheng.cli._proposals import Proposal
    from lianheng.ledger import Closing, Ledger
    from lianheng.model import Result, Run

RUN_GAS = 20_000_000
MOST_SHARE = 2  # a call leaves half of its gas for itself: the other half may go to the run
STATUSES = ("open", "approved", "done", "rejected", "withdrawn", "expired")
app = typer.Typer(
    help="Propose calls, agree to them, see who agreed to what.", no_args_is_help=True
)
Number = Annotated[int, typer.Argument(metavar="N", help="The proposal's number.", min=1)]
Digest = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="First digits of the digest that you were shown."),
]
Lasts = Annotated[str, typer.Option(metavar="TIME", help="How long it is open: 7d, 12h, 30m.")]
Note = Annotated[str, typer.Option(help="Why, for those who are asked.")]
RunGas = Annotated[int | None, typer.Option("--gas", help="Most gas of the call's run.", min=1)]


@app.command()
def propose(
    target: Target,
    pairs: Pairs = None,
    lasts: Lasts = "7d",
    note: Note = "",
    gas: RunGas = None,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Propose a call; the proposer agrees to it. It runs by itself once its policy is met.

    For contracts.deploy and contracts.upgrade: source=@FILE reads the file, and gives its name.
    """
    from lianheng.cli._rule_hint import hint_of_rule
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        arguments = parse_call(ledger, target, pairs or [])
        ended = propose_call(
            ledger, (home, member, passphrase_file), target, arguments, (lasts, note, gas)
        )
        finish(ledger, ended, json=json)
        if not json:
            hint_of_rule(ledger, target, arguments)


@app.command()
def approve(
    number: Number,
    digest: Digest = None,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Show a proposal and agree to exactly what is shown."""
    vote(number, digest, (home, member, passphrase_file), None, json=json)


@app.command()
def reject(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why, for the others.")] = "",
    digest: Digest = None,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Show a proposal and disagree; one may change one's mind until it is decided."""
    vote(number, digest, (home, member, passphrase_file), reason, json=json)


@app.command()
def withdraw(
    number: Number,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Take one's own proposal back."""
    change("withdraw", number, (home, member, passphrase_file), json=json)


@app.command()
def settle(
    number: Number,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Look again whether it is agreed to: members or policies changed, or its run was refused."""
    change("settle", number, (home, member, passphrase_file), json=json)


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(STATUSES)}; else all.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List proposals, oldest first."""
    from lianheng.cli._print import emit, short_hash, table
    from lianheng.cli._proposals import expiry
    from lianheng.cli._session import open_client
    from lianheng.model import InvalidValue

    if status is not None and status not in STATUSES:
        raise InvalidValue(
            "value.unknown", f"{status!r} is no status", f"one of {', '.join(STATUSES)}"
        )
    with open_client(home) as ledger:
        rows = [row.value for row in ledger.table("governance", "proposals")]
        now = ledger.signer.now_ms()
        closing = ledger.closing
    found = [row for row in rows if status in {None, row["status"]}]
    if json:
        emit({"proposals": found, "closed": None if closing is None else closing.fields})
        return
    show_closing(closing)
    table(
        ("number", "call", "status", "by", "digest", "expires"),
        [
            (
                row["number"],
                f"{row['contract']}.{row['method']}",
                row["status"],
                row["proposer"],
                short_hash(row["digest"]),
                expiry(row, now) if row["status"] in {"open", "approved"} else "",
            )
            for row in found
        ],
        right=(0,),
    )


@app.command()
def show(number: Number, home: Home = None, json: Json = False) -> None:
    """Show a proposal: the call, who said what, what is missing, what of the source changes."""
    from lianheng.cli._print import emit
    from lianheng.cli._proposals import read_proposal, show_proposal, show_run
    from lianheng.cli._session import open_client
    from lianheng.cli.validator import show_effect

    with open_client(home) as ledger:
        proposal = read_proposal(ledger, number)
        now = ledger.signer.now_ms()
        run = ran(ledger, proposal)
        if json:
            closed = None if ledger.closing is None else ledger.closing.fields
            outcome = None if run is None else run.to_json()
            emit({**proposal.to_json(), "outcome": outcome, "closed": closed})
            return
        show_closing(ledger.closing)
        show_proposal(proposal, now)
        if proposal.is_open:
            show_effect(ledger, proposal.target, proposal.arguments)
        if run is not None:
            show_run(ledger, run, number)


def show_closing(closing: "Closing | None") -> None:
    """That nothing is decided any more, where the chain was closed."""
    from lianheng.cli._print import console, printable

    if closing is not None:
        told = printable(f"the chain is {closing.sentence}")
        console().print(told, style="bold red", markup=False)


def ran(ledger: "Ledger", proposal: "Proposal") -> "Run | None":
    """Its last run, where it ran."""
    from lianheng.cli._proposals import wait_for_run

    timer = int(proposal.row["run"])
    return wait_for_run(ledger, timer, 0.0) if timer else None


Signing = tuple[Path | None, str | None, Path | None]
"""The options --home, --as and --passphrase-file."""


def sign_call(ledger: "Ledger", signing: Signing, method: str, arguments: Any) -> "Result":
    """One call of `governance`, with the gas that a run may need."""
    from lianheng.cli._session import find_home, load_identity

    home, member, secret = signing
    identity = load_identity(find_home(home), member, secret)
    gas = ledger.genesis.document.parameters["transaction_gas"]
    signed = ledger.sign(identity, f"governance.{method}", arguments, gas=gas)
    return ledger.submit(signed).one()


def propose_call(
    ledger: "Ledger",
    signing: Signing,
    target: str,
    arguments: dict[str, Any],
    how: tuple[str, str, int | None],
) -> "Result":
    """Propose a call with these arguments; `how`: how long, a note, and gas of the run."""
    from lianheng.cli._arguments import split_target
    from lianheng.cli._proposals import parse_duration
    from lianheng.model import encode

    contract, method = split_target(target)
    lasts, note, gas = how
    parameters = ledger.genesis.document.parameters
    most = min(parameters["timer_gas"], parameters["transaction_gas"] // MOST_SHARE)
    wanted = {
        "contract": contract,
        "method": method,
        "arguments": encode(arguments),
        "lasts": parse_duration(lasts),
        "gas": gas or (most if target == "contracts.upgrade" else min(RUN_GAS, most)),
        "note": note,
    }
    return sign_call(ledger, signing, "propose", wanted)


def propose_source(method: str, arguments: dict[str, Any], signing: Signing, *, json: bool) -> None:
    """Propose to deploy or upgrade a contract, open for a week."""
    from lianheng.cli._session import open_client

    with open_client(signing[0]) as ledger:
        ended = propose_call(ledger, signing, f"contracts.{method}", arguments, ("7d", "", None))
        finish(ledger, ended, json=json)


def parse_call(ledger: "Ledger", target: str, pairs: list[str]) -> dict[str, Any]:
    """The arguments of the call, typed as its contract declares."""
    from lianheng.cli._arguments import parse_pairs, split_target
    from lianheng.cli._show import method_of
    from lianheng.model import NotFound
    from lianheng.system.rights import CONTRACTS, CONTRACTS_CALLS

    contract, method = split_target(target)
    if contract != CONTRACTS:
        interface = ledger.interface(contract)
        return parse_pairs(pairs, method_of(interface, contract, method, "calls"), interface)
    types = CONTRACTS_CALLS.get(method)
    if types is None:
        raise NotFound(
            "contract.no_method",
            f"contracts has no call {method}",
            f"it has {', '.join(CONTRACTS_CALLS)}",
        )
    declared = {"parameters": [{"name": name, "type": kind} for name, kind in types.items()]}
    return parse_pairs(with_file(pairs), declared, {})


def with_file(pairs: list[str]) -> list[str]:
    """`source=@toolshed.py` as the file's text; its name stands for `file` and `name`."""
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.model import NotFound

    found, given = [], {pair.partition("=")[0] for pair in pairs}
    for pair in pairs:
        name, _, text = pair.partition("=@")
        if name != "source" or not text:
            found.append(pair)
            continue
        file = Path(text)
        if not file.exists():
            raise NotFound("contract.no_file", f"there is no file {file}", "source=@toolshed.py")
        source = read_source(file)
        refuse_if_wrong(source, file)
        found.append(f"source={source}")
        found += [f"file={file.name}"] if "file" not in given else []
        found += [f"name={file.stem}"] if "name" not in given else []
    return found


def vote(
    number: int, digest: str | None, signing: Signing, reason: str | None, *, json: bool
) -> None:
    """Agree, or disagree for a reason, to what is shown."""
    from lianheng.cli._proposals import read_proposal, show_proposal
    from lianheng.cli._session import open_client
    from lianheng.model import InvalidValue

    with open_client(signing[0]) as ledger:
        proposal = read_proposal(ledger, number)
        if digest is not None and not (digest and proposal.digest.hex().startswith(digest.lower())):
            raise InvalidValue(
                "proposal.digest",
                f"proposal {number} has the digest {proposal.digest.hex()}, not {digest}",
                f"read it again: lianheng governance show {number}",
            )
        if not json:
            show_proposal(proposal, ledger.signer.now_ms())
        arguments: dict[str, Any] = {"number": number, "digest": proposal.digest}
        if reason is not None:
            arguments["reason"] = reason
        method = "approve" if reason is None else "reject"
        finish(ledger, sign_call(ledger, signing, method, arguments), json=json)


def change(method: str, number: int, signing: Signing, *, json: bool) -> None:
    """Withdraw or settle."""
    from lianheng.cli._session import open_client

    with open_client(signing[0]) as ledger:
        result = sign_call(ledger, signing, method, {"number": number})
        finish(ledger, result, json=json)


def finish(ledger: "Ledger", result: "Result", *, json: bool) -> None:
    """How it stands then; where that decided it, how its run ended. Exit code 1 for a refusal."""
    from lianheng.cli._print import emit, result_line
    from lianheng.cli._proposals import show_run, wait_for_run

    if not result.final:
        if json:
            emit(result.to_json())
        else:
            result_line(result)
        raise typer.Exit(1)
    row: Any = result.value
    run = wait_for_run(ledger, row["run"]) if row["status"] == "approved" else None
    if json:
        decided = {} if run is None else {"run": run.named(ledger.genesis_hash).to_json()}
        emit({**result.to_json(), **decided})
    else:
        stands(ledger, row, result)
        if row["status"] == "approved":
            show_run(ledger, run, row["number"])
    if run is not None and not run.result.final:
        raise typer.Exit(1)


def stands(ledger: "Ledger", row: Any, result: "Result") -> None:
    """One line: how a proposal stands, and what it lacks."""
    from lianheng.cli._print import console, printable, short_hash
    from lianheng.cli._proposals import expiry

    number, status = row["number"], row["status"]
    text = f"proposal {number} is {status}, height {result.height}, digest "
    text += short_hash(row["digest"])
    style = {"rejected": "bold red", "approved": "bold green"}.get(status, "bold")
    console().print(text, style=style, markup=False)
    if status != "open":
        return
    lacks = ledger.view("governance.missing", {"number": number})
    told = f"  missing: {lacks}; open {expiry(row, ledger.signer.now_ms())}"
    console().print(printable(told), markup=False)
