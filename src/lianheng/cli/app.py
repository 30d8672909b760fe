"""The composition of the command line: every command, and the one place where failures end."""

import sys
from collections.abc import Sequence

import typer

from lianheng.cli import (
    _errors,
    bench,
    block,
    call,
    contract,
    demo,
    doctor,
    down,
    export,
    fsck,
    genesis,
    governance,
    identity,
    init,
    members,
    network,
    policy,
    prove,
    receipt,
    replay,
    status,
    trace,
    up,
    validator,
    view,
)

app = typer.Typer(
    name="lianheng",
    help="A ledger that several organisations run together, without a coin.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
START, WORK, AGREE, PROVE, TEND = "Start", "Work", "Agree", "Prove", "Tend"
app.command(rich_help_panel=START)(demo.demo)
app.command(rich_help_panel=START)(init.init)
app.command(rich_help_panel=START)(up.up)
app.command(rich_help_panel=START)(down.down)
app.add_typer(genesis.app, name="genesis", rich_help_panel=START)
app.add_typer(identity.app, name="identity", rich_help_panel=START)
app.add_typer(contract.app, name="contract", rich_help_panel=WORK)
app.command(rich_help_panel=WORK)(call.call)
app.command(rich_help_panel=WORK)(view.view)
app.command(rich_help_panel=WORK)(block.block)
app.command(rich_help_panel=WORK)(trace.trace)
app.add_typer(governance.app, name="governance", rich_help_panel=AGREE)
app.add_typer(members.app, name="members", rich_help_panel=AGREE)
app.add_typer(policy.app, name="policy", rich_help_panel=AGREE)
app.add_typer(validator.app, name="validator", rich_help_panel=AGREE)
app.command(rich_help_panel=PROVE)(receipt.receipt)
app.command(rich_help_panel=PROVE)(prove.prove)
app.command(rich_help_panel=PROVE)(export.export)
app.command(rich_help_panel=PROVE)(replay.replay)
app.command(rich_help_panel=TEND)(status.status)
app.command(rich_help_panel=TEND)(doctor.doctor)
app.command(rich_help_panel=TEND)(fsck.fsck)
app.add_typer(network.app, name="network", rich_help_panel=TEND)
app.add_typer(bench.app, name="bench", rich_help_panel=TEND)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """A ledger that several organisations run together, without a coin."""
    if version:
        from lianheng import __version__

        print(f"lianheng {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; gives the exit code. No failure leaves as a traceback."""
    json = "--json" in arguments
    try:
        # Typer prints its own usage errors and ends with 2.
        app(list(arguments), prog_name="lianheng")
    except SystemExit as end:
        return exit_code(end)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return closed_pipe()
    except Exception as error:  # noqa: BLE001 - the border to people: they get a sentence
        return _errors.report(error, json=json)
    return 0


def exit_code(end: SystemExit) -> int:
    """The number in a SystemExit."""
    if end.code is None:
        return 0
    return end.code if isinstance(end.code, int) else _errors.FAILED


def closed_pipe() -> int:
    """The reader of our output went away (`| head`): end quietly, as other tools do."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
