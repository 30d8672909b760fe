"""`lianheng contract upgrade`, `freeze`, `thaw`, `retire`, `versions`: a contract's later life."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, PassphraseFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lianheng.ledger import BrokenCaller, Ledger, Rehearsal
    from lianheng.members import Identity
    from lianheng.model import Result

File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract Python.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name on the chain.")]
Called = Annotated[str | None, typer.Option("--name", help="Name on the chain; else the file's.")]
With = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="MEMBER", help="Who signs as well; may be repeated."),
]
Rehearse = Annotated[
    bool, typer.Option("--rehearse", help="Say what would happen; exit code 1 where it is refused.")
]


def upgrade(
    file: File,
    called: Called = None,
    rehearse: Rehearse = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Ask the other organisations to agree first.")
    ] = False,
    member: As = None,
    others: With = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Put another source in force for a contract, after a rehearsal, or propose it."""
    from lianheng import _native
    from lianheng.cli._print import console, emit, result_line, short_hash
    from lianheng.cli._session import open_client
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong

    source, name = read_source(file), called or file.stem
    refuse_if_wrong(source, file, json=json)
    if propose and not rehearse:
        from lianheng.cli.governance import propose_source

        arguments = {"name": name, "file": file.name, "source": source}
        propose_source("upgrade", arguments, (home, member, passphrase_file), json=json)
        return
    signers = [] if rehearse else identities(home, member, others, passphrase_file)
    names = [str(signer.member) for signer in signers] or [*([member] if member else [])]
    if rehearse:
        names += others or []
    with open_client(home) as ledger:
        rehearsed = ledger.rehearse_upgrade(name, source, file.name, names)
        if not json:
            show(rehearsed, name)
        if rehearse or rehearsed.refusal is not None:
            if json:
                emit({"name": name, "rehearsal": rehearsed.to_json()})
            raise typer.Exit(0 if rehearsed.refusal is None else 1)
        result = ledger.upgrade(signers, name, source, file.name)
    digest = _native.hash_bytes(source.encode())
    if json:
        shown = {"rehearsal": rehearsed.to_json(), "source_hash": digest}
        emit({**result.to_json(), "name": name, **shown})
    elif result.final:
        where = f"source {short_hash(digest)}, height {result.height}, {result.gas:,} gas"
        console().print(f"[bold green]upgraded[/] {name}, {where}")
    else:
        result_line(result)
    if not result.final:
        raise typer.Exit(1)


def changing(verb: str, meaning: str) -> "Callable[..., None]":
    """The command that changes whether a contract may be called, by the ledger's method `verb`."""

    def command(
        name: Name,
        member: As = None,
        home: Home = None,
        passphrase_file: PassphraseFile = None,
        json: Json = False,
    ) -> None:
        from lianheng.ledger import Ledger

        change(getattr(Ledger, verb), name, (home, member, passphrase_file), json=json)

    command.__name__, command.__doc__ = verb, meaning
    return command


freeze = changing("freeze", "Let a contract take no calls until it is thawed; its views answer.")
thaw = changing("thaw", "Let a frozen contract take calls again.")
retire = changing(
    "retire", "End a contract for good: it is never called again, its rows and history stay."
)


def versions(name: Name, home: Home = None, json: Json = False) -> None:
    """List every source and status that a contract has had, oldest first."""
    from lianheng.cli._print import emit, short_hash, table
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        found = ledger.versions(name)
    if json:
        emit([version.to_json() for version in found])
        return
    columns = ("version", "source", "since", "status", "file", "from_version")
    sources = 0
    rows: list[tuple[object, ...]] = []
    for before, version in zip([None, *found], found, strict=False):
        sources += before is not None and before.source != version.source
        digest = short_hash(version.source)
        rows.append((version.number, digest, version.since, version.status, version.file, sources))
    table(columns, rows, right=(0, 2, 5))


def identities(
    home: Path | None, member: str | None, others: "Sequence[str] | None", secret: Path | None
) -> "list[Identity]":
    """The keys of the sender and of those who sign as well."""
    from lianheng.cli._session import find_home, load_identity

    place = find_home(home)
    return [load_identity(place, who, secret) for who in (member, *(others or []))]


def change(
    act: "Callable[[Ledger, Identity, str], Result]",
    name: str,
    signer: tuple[Path | None, str | None, Path | None],
    *,
    json: bool,
) -> None:
    """Make one of the calls that change a contract's status, and say what it is then."""
    from lianheng.cli._print import console, emit, result_line
    from lianheng.cli._session import open_client

    home, member, secret = signer
    (identity,) = identities(home, member, None, secret)
    with open_client(home) as ledger:
        result = act(ledger, identity, name)
    if json:
        emit(result.to_json())
    elif result.final:
        value: Any = result.value
        console().print(f"[bold green]{value['status']}[/] {name}, height {result.height}")
    else:
        result_line(result)
    if not result.final:
        raise typer.Exit(1)


def show_callers(callers: "Iterable[BrokenCaller]", name: str) -> None:
    """Which calls of other contracts the upgrade would leave unfit, where there are any."""
    from lianheng.cli._print import console, table

    rows = [
        (one.contract, f"{one.interface}.{one.method}" if one.method else one.interface, one.why)
        for one in callers
    ]
    if rows:
        table(("contract", "expects", "why it no longer fits"), rows)
        told = f"these calls of {name} would be refused: upgrade their contracts as well"
        console().print(told, style="bold yellow", markup=False)


def show(rehearsed: "Rehearsal", name: str) -> None:
    """What would change, what it costs, and why it would be refused."""
    from lianheng.cli._print import console, counted, line, printable, table

    rows = [
        (change.what, change.how, "migration" if change.needs_migration else "")
        for change in rehearsed.changes
    ]
    if rows:
        table(("what", "change", "needs"), rows)
    show_callers(rehearsed.callers, name)
    out = console()
    if rehearsed.refusal is None:
        told = [
            f"from_version {rehearsed.from_version}",
            f"{rehearsed.gas:,} gas",
            f"{counted(rehearsed.rows, 'row')} written",
            f"{counted(rehearsed.index_entries, 'index entry')}",
        ]
        out.print(f"rehearsed {name}: " + ", ".join(told), style="dim", markup=False)
        return
    error = rehearsed.refusal
    rule = f"{error.code} {error.reason}" if error.reason else error.code
    line("refused", rule, error.place or "", f'"{error.message}"', "rehearsal", style="bold red")
    if error.hint:
        out.print(f"  {printable(error.hint)}", style="dim", markup=False)
