"""`lianheng contract`: begin, check, test and deploy contracts; the tools lie in contracts/."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, PassphraseFile
from lianheng.cli.contracts.check import check
from lianheng.cli.contracts.coverage import coverage
from lianheng.cli.contracts.diff import diff
from lianheng.cli.contracts.explain import explain
from lianheng.cli.contracts.fetch import fetch
from lianheng.cli.contracts.gas import gas
from lianheng.cli.contracts.interface import interface
from lianheng.cli.contracts.test import test
from lianheng.cli.contracts.upgrade import freeze, retire, thaw, upgrade, versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT_GAS = 1_000_000_000  # some seconds of work
TEMPLATES = Path(__file__).with_name("templates")
app = typer.Typer(help="Begin, check, test and deploy contracts.", no_args_is_help=True)
app.command()(check)
app.command()(test)
app.command()(gas)
app.command()(coverage)
app.command()(interface)
app.command()(diff)
app.command()(fetch)
app.command()(upgrade)
app.command()(freeze)
app.command()(thaw)
app.command()(retire)
app.command()(versions)
app.command()(explain)
File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract Python.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The contract's name: toolshed.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where; else a new folder of that name.")
    ] = None,
    json: Json = False,
) -> None:
    """Begin a contract: a small one that works, its test, and what to do next."""
    from lianheng.cli._print import console, emit
    from lianheng.model import ContractName, UsageError

    called, place = ContractName(name), folder or Path(name)
    names = {"contract": f"{called}.py", "test": f"test_{called}.py", "readme": "README.md"}
    for file in names.values():
        if (place / file).exists():
            raise UsageError("contract.exists", f"{place / file} is there", "choose another name")
    place.mkdir(parents=True, exist_ok=True)
    for template, file in names.items():
        text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        class_name = called.replace("_", " ").title().replace(" ", "")
        filled = text.replace("@name", called).replace("@Class", class_name)
        (place / file).write_text(filled, encoding="utf-8")
    if json:
        emit({"folder": str(place), "files": list(names.values())})
        return
    console().print("  ".join(str(place / file) for file in names.values()), markup=False)


@app.command("list")
def list_(home: Home = None, json: Json = False) -> None:
    """List the contracts of the chain."""
    from lianheng.cli._print import emit, short_hash, table
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        rows = [(r.key, r.value) for r in ledger.table("contracts", "versions")]
    latest = {str(key[0]): (int(key[1]), value) for key, value in rows}
    if json:
        emit({name: {"version": version, **row} for name, (version, row) in latest.items()})
        return
    table(
        ("contract", "version", "since", "status", "source", "file"),
        [
            (name, number, row["since"], row["status"], short_hash(row["source"]), row["file"])
            for name, (number, row) in latest.items()
        ],
        right=(1, 2),
    )


@app.command()
def run(
    file: File,
    gas: Annotated[int, typer.Option(min=1, help="Most gas that it may use.")] = SCRIPT_GAS,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Say what is refused; run nothing.")
    ] = False,
) -> None:
    """Run a file as a script in the VM: `print` to standard output, gas to standard error.

    Exit code 1: an error that nothing caught. 2: refused by the language.
    """
    import sys

    from lianheng import _native

    source = read_source(file)
    outcome: Mapping[str, Any] = _native.run_script(source, str(file), 0 if check_only else gas)
    sys.stdout.write(str(outcome["output"]))
    sys.stdout.flush()
    if found := outcome["diagnostics"]:
        show_script_diagnostics(found, source.splitlines(), str(file))
        raise typer.Exit(2)
    if check_only:
        sys.stderr.write("accepted\n")
        return
    error = outcome["error"]
    if error and error["code"] == "language.refused":
        show_script_refusal(error, source.splitlines(), str(file))
    elif error:
        show_script_error(error, source.splitlines(), str(file))
    sys.stderr.write(f"gas: {outcome['gas']}\n")
    if error:
        raise typer.Exit(2 if error["code"] == "language.refused" else 1)


@app.command()
def deploy(
    file: File,
    name: Annotated[str | None, typer.Option(help="Name on the chain; else the file's.")] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help="Ask the other organisations to agree first.")
    ] = False,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Put a contract on the chain."""
    import time

    from lianheng import _native
    from lianheng.cli._print import console, emit, result_line, short_hash
    from lianheng.cli._session import find_home, load_identity, open_client
    from lianheng.cli.contracts.check import refuse_if_wrong

    source = read_source(file)
    called = name or file.stem
    refuse_if_wrong(source, file, json=json)
    if propose:
        from lianheng.cli.governance import propose_source

        arguments = {"name": called, "file": file.name, "source": source}
        propose_source("deploy", arguments, (home, member, passphrase_file), json=json)
        return
    identity = load_identity(find_home(home), member, passphrase_file)
    with open_client(home) as ledger:
        started = time.monotonic()
        result = ledger.deploy(identity, called, source, file.name)
    took = (time.monotonic() - started) * 1000
    digest = _native.hash_bytes(source.encode())
    if json:
        emit({**result.to_json(), "name": called, "source_hash": digest})
    elif result.final:
        where = f"source {short_hash(digest)}, height {result.height}, {took:.0f} ms"
        console().print(f"[bold green]deployed[/] {called}, {where}")
    else:
        result_line(result)
    if not result.final:
        raise typer.Exit(1)


def read_source(file: Path) -> str:
    """The file's text; raise `UsageError` where it is not UTF-8."""
    from lianheng.model import UsageError

    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as failure:
        raise UsageError(
            "contract.not_text", f"{file} is not UTF-8 at byte {failure.start}", "save it as UTF-8"
        ) from failure
    except IsADirectoryError as failure:
        raise UsageError("contract.not_text", f"{file} is a folder", "name a file") from failure


def summary(source: str, file: str) -> str:
    """What the contract offers, in one line."""
    from lianheng import _native
    from lianheng.cli._print import counted
    from lianheng.contract.imports import by_digits

    interface: Mapping[str, Any] = _native.contract_interface(source, file, by_digits(source))
    parts = [counted(len(interface[f"{kind}s"]), kind) for kind in ("call", "view", "table")]
    return f"{interface.get('name', file)}: {', '.join(parts)}"


def show_script_error(error: "Mapping[str, Any]", source: "Sequence[str]", file: str) -> None:
    """The places that it passed and its last line, in CPython's form, to standard error."""
    import sys

    lines = ["Traceback (most recent call last):"]
    for row, function in error["traceback"]:
        lines.append(f'  File "{file}", line {row}, in {function}')
        if 0 < row <= len(source):
            lines.append(f"    {source[row - 1].strip()}")
    lines.append(str(error["last_line"]))
    sys.stderr.write("\n".join(lines) + "\n")


def show_script_refusal(error: "Mapping[str, Any]", source: "Sequence[str]", file: str) -> None:
    """What the language refused when it ran: place, rule, the line. The rule says a way round."""
    import sys

    row = int(error["line"])
    lines = [f"{file}:{row}: {error['code']}: {error['message']}"]
    if 0 < row <= len(source):
        lines.append(f"    {source[row - 1]}")
    sys.stderr.write("\n".join(lines) + "\n")


def show_script_diagnostics(
    found: "Sequence[Mapping[str, Any]]", source: "Sequence[str]", file: str
) -> None:
    """What the language refuses: place, rule, the line, and what to write instead."""
    import sys

    for item in found:
        row, column = int(item["line"]), int(item["column"])
        lines = [f"{file}:{row}:{column}: {item['code']}: {item['message']}"]
        if 0 < row <= len(source):
            marks = "^" * max(1, int(item["width"]))
            lines += [f"    {source[row - 1]}", "    " + " " * (column - 1) + marks]
        if item["help"]:
            lines.append(f"  {item['help']}")
        sys.stderr.write("\n".join(lines) + "\n")
