"""`lianheng call`: one signed call, printed once it is final."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, Pairs, PassphraseFile, Target

if TYPE_CHECKING:
    from lianheng.model import Result, SourceHash


def call(
    target: Target,
    pairs: Pairs = None,
    member: As = None,
    home: Home = None,
    gas: Annotated[int | None, typer.Option(help="Most gas it may spend.", min=1)] = None,
    code: Annotated[
        str | None,
        typer.Option(metavar="FILE|HASH", help="The source that you mean; another is refused."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Call a method that changes state, and wait until the result is final."""
    from lianheng.cli._arguments import parse_pairs, split_target
    from lianheng.cli._print import emit
    from lianheng.cli._rule_hint import hint_of_rule
    from lianheng.cli._session import find_home, load_identity, open_client
    from lianheng.cli._show import method_of, print_result

    contract, method = split_target(target)
    identity = load_identity(find_home(home), member, passphrase_file)
    with open_client(home) as ledger:
        interface = ledger.interface(contract)
        declared = method_of(interface, contract, method, "calls")
        arguments = parse_pairs(pairs or [], declared, interface)
        options: dict[str, Any] = {}
        if gas is not None:
            options["gas"] = gas
        if code is not None:
            options["code"] = source_hash(code)
        result = ledger.submit(ledger.sign(identity, target, arguments, **options)).wait()[0]
        if json:
            emit(result.to_json())
        else:
            print_result(result, interface, method)
            if result.final:
                hint_of_rule(ledger, target, arguments)
    end(result)


def source_hash(given: str) -> "SourceHash":
    """The hash of this file, or the hash itself; raise `InvalidValue` where it is neither."""
    from pathlib import Path

    from lianheng import _native
    from lianheng.model import InvalidValue, SourceHash

    if Path(given).is_file():
        return SourceHash(_native.hash_bytes(Path(given).read_bytes()))
    try:
        return SourceHash(bytes.fromhex(given))
    except (ValueError, InvalidValue) as failure:
        raise InvalidValue(
            "value.malformed",
            f"--code {given!r} is neither a file nor 64 hexadecimal digits",
            "name the contract's file",
        ) from failure


def end(result: "Result") -> None:
    """Exit code 1 where the call did not succeed."""
    if not result.final:
        raise typer.Exit(1)
