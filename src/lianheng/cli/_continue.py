"""Going on from the state of a chain that ended: what its store says, and the file that carries it.

HOME/carried.state    the state of the old chain after its last sealed block, checked against it

The old home is only read. Its node has to be down: who reads here is the only one who reads.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng import _native
from lianheng.cli._working import made_whole
from lianheng.ledger import STATE_NAME
from lianheng.model import (
    Continuation,
    Damaged,
    Header,
    HeaderHash,
    InvalidValue,
    NotFound,
    UsageError,
    native_errors,
)

if TYPE_CHECKING:
    from lianheng.cli._ceremony import Joining
    from lianheng.cli._home import HomeFolder
    from lianheng.ledger import Ledger
    from lianheng.members.ceremony import Terms

PRIVATE = 0o600
SHOWN = 8


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain ended, as one store has it."""

    last: bytes
    header: Header
    genesis: HeaderHash
    organisations: tuple[str, ...]
    unsealed: tuple[tuple[int, tuple[bytes, ...]], ...]

    def to_json(self) -> list[dict[str, Any]]:
        """What is left out because nobody can show that it was agreed to."""
        return [
            {"height": height, "transactions": [identity.hex() for identity in ids]}
            for height, ids in self.unsealed
        ]


@contextmanager
def opened(home: Path) -> "Iterator[tuple[Any, Ledger]]":
    """The core and the ledger of a stopped home, for reading."""
    from lianheng.cli._session import find_home
    from lianheng.consensus import open_engine
    from lianheng.ledger import DirectSequencer, EngineBackend, Ledger
    from lianheng.members import Identity

    engine = open_engine(find_home(home).ledger)
    nobody = Identity.generate("nobody@nowhere", development=True)
    sequencer: DirectSequencer[Any, Any] = DirectSequencer(engine, nobody, lambda: 0)
    with Ledger(EngineBackend(engine, sequencer)) as ledger:
        yield engine, ledger


def read_end(home: Path) -> End:
    """Its last sealed header, who took part, and what stands above it."""
    from lianheng.system.rights import Rights

    with opened(home) as (_, ledger):
        height = last_sealed(ledger)
        if height == 0:
            raise NotFound(
                "continue.nothing",
                f"no block of {ledger.chain} in {home} is sealed",
                "there is no state to carry over: begin a chain with lianheng genesis new",
            )
        last = ledger.header_file(height)
        found = Continuation(last, ())
        seats = Rights(ledger, height + 1).seats
        unsealed = tuple(
            (block.height, tuple(bytes(entry.id) for entry in block.entries))
            for block in ledger.blocks(height + 1)
        )
    return End(last, found.header, found.genesis, seats, unsealed)


def last_sealed(ledger: "Ledger") -> int:
    """The greatest height with a seal, which vouches for all below it; 0: there is none."""
    for height in range(ledger.height, 0, -1):
        found = ledger.backend.header(height)
        if found is not None and found[1] is not None:
            return height
    return 0


def parties(
    named: Sequence[str] | None, without: Sequence[str] | None, ended: End | None
) -> tuple[list[str], Continuation | None]:
    """Who begins the chain, and what it continues. Nobody is left out without being named."""
    if ended is None:
        if without is not None or named is None:
            raise UsageError(
                "ceremony.organisations",
                "nobody is named" if named is None else "--without is for --continue",
                "name all: --orgs bank-a,bank-b",
            )
        return list(named), None
    gone = sorted(without or ())
    strangers = [name for name in gone if name not in ended.organisations]
    if strangers:
        raise InvalidValue(
            "continue.unknown",
            f"{strangers[0]} is not in force on {ended.header.chain}",
            f"there are {', '.join(ended.organisations)}",
        )
    names = list(named or [name for name in ended.organisations if name not in gone])
    forgotten = [name for name in ended.organisations if name not in {*names, *gone}]
    if forgotten:
        raise InvalidValue(
            "continue.left_out",
            f"{', '.join(forgotten)} takes part in {ended.header.chain}, and is named nowhere",
            f"name it: --orgs, or --without {','.join(forgotten)}",
        )
    return names, Continuation(ended.last, tuple(gone))


def show_end(ended: End) -> None:
    """Where it ended, and what is left behind."""
    from lianheng.cli._print import console, counted, short_hash

    header = ended.header
    console().print(
        f"continues {header.chain}, genesis {short_hash(ended.genesis)}, from height "
        f"{header.height:,}, header {short_hash(header.hash)}",
        markup=False,
    )
    for height, ids in ended.unsealed:
        more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
        named = ", ".join(identity.hex() for identity in ids[:SHOWN]) + more
        console().print(
            f"! left behind: block {height:,} with {counted(len(ids), 'transaction')}, executed "
            f"here and not sealed: {named}",
            style="yellow",
            markup=False,
        )


def state_file(home: "HomeFolder") -> Path:
    """Where a home keeps the state that its chain will begin with."""
    return home.path / STATE_NAME


def own_state(terms: "Terms", home: "HomeFolder") -> None:
    """Raise unless this home has the state that the terms continue, every row of it."""
    if terms.continues is None:
        return
    file = state_file(home)
    if not file.is_file():
        raise NotFound(
            "continue.no_state",
            f"{file} is not there",
            "join with --continue HOME, or with --state FILE",
        )
    with native_errors():
        _native.check_state(terms.continues.last, str(file))


def take_state(terms: "Terms", home: "HomeFolder", old: Path | None, given: Path | None) -> None:
    """Write the carried state into a home: from its own store, or from somebody else's file.

    Nothing is written where it is not the state that the terms continue.
    """
    continues = terms.continues
    if continues is None:
        raise UsageError(
            "continue.not_asked",
            f"the terms of {terms.chain} continue no chain",
            "leave --continue and --state out",
        )
    if (old is None) == (given is None):
        raise UsageError(
            "continue.no_state",
            f"{terms.chain} continues {continues.header.chain}: its state is needed",
            "your home of that chain: --continue HOME; without one, another's file: --state FILE",
        )
    with made_whole(home.path, (), mode=0o700) as working:
        made = working / STATE_NAME
        if old is not None:
            write_state(continues, old, made, working / "again")
        elif given is not None:
            copy_file(given, made)
        made.chmod(PRIVATE)
        with native_errors():
            _native.check_state(continues.last, str(made))
        made.replace(state_file(home))


def copy_file(source: Path, target: Path) -> None:
    """Copy; raise `NotFound` where it is not there."""
    if not source.is_file():
        raise NotFound("continue.no_state", f"{source} is not there", "name the file of the state")
    shutil.copyfile(source, target)


def write_state(continues: Continuation, old: Path, target: Path, work: Path) -> None:
    """The state at the height of the terms, from this store. Raise where it is of another end."""
    wanted = continues.header
    with opened(old) as (engine, ledger):
        if (ledger.chain, ledger.genesis_hash) != (wanted.chain, continues.genesis):
            raise InvalidValue(
                "continue.other_chain",
                f"{old} is of {ledger.chain}, genesis {ledger.genesis_hash.hex()}; the terms "
                f"continue {wanted.chain}, genesis {continues.genesis.hex()}",
                "compare the genesis hashes by phone",
            )
        if ledger.height < wanted.height:
            raise UsageError(
                "continue.behind",
                f"this store ends at height {ledger.height:,}, the terms go on from "
                f"{wanted.height:,}",
                "take the state from an organisation that has it: --state FILE; it is checked "
                "against the sealed header",
            )
        with native_errors():
            found = engine.header(wanted.height)
        sealed = last_sealed(ledger)
        ours = Header.from_bytes(found[0])
        if ours.hash != wanted.hash:
            raise Damaged(
                "continue.other_header",
                f"block {wanted.height:,} is {ours.hash.hex()} here, {wanted.hash.hex()} in the "
                f"terms; state roots {ours.state_root.hex()} and {wanted.state_root.hex()}",
                "one of the two is not what the chain agreed to: compare with a third store",
            )
        if sealed > wanted.height:
            raise UsageError(
                "continue.older",
                f"the terms go on from height {wanted.height:,}, this store has sealed blocks up "
                f"to {sealed:,}",
                "begin anew with `lianheng genesis new --continue` at this home, or final calls "
                "would be lost",
            )
        work.mkdir()
        with native_errors():
            engine.write_state(wanted.height, str(target), str(work))


def not_taken(old: Path, joining: "Joining") -> list[str]:
    """Members of the organisation, in force on the old chain, who do not begin the new one."""
    from lianheng.members.ceremony import ADMIN
    from lianheng.system.rights import Rights

    taken = {f"{name}@{joining.organisation}" for name in (ADMIN, *joining.members)}
    with opened(old) as (_, ledger):
        people = Rights(ledger).people
    return [
        one.member
        for one in people
        if one.in_force
        and one.organisation == joining.organisation
        and one.kind != "node"
        and one.member not in taken
    ]


def copy_identities(old: "HomeFolder", home: "HomeFolder", joining: "Joining") -> None:
    """Members keep the keys that they had: their files, encrypted as they are."""
    from lianheng.members.ceremony import ADMIN

    home.identities.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (ADMIN, *joining.members):
        member = f"{name}@{joining.organisation}"
        source, target = old.identity_file(member), home.identity_file(member)
        if source.is_file() and not target.exists():
            shutil.copyfile(source, target)
            target.chmod(PRIVATE)
