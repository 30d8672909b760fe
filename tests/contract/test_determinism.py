"""The same transactions give the same roots, gas and errors: in other processes, on one thread and
on two, and in a debug build, whose arithmetic is checked."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.contract.differential.generator import programs
from tests.contract.differential.wrapped import as_contract
from tests.rooms import TOOLSHED, People, people
from tools.setup import ROOT, core_environment

from lianheng import _native
from lianheng.consensus import create_ledger
from lianheng.ledger import Ledger
from lianheng.ledger._export import read_sequence
from lianheng.members import Genesis, MemberSpec
from lianheng.model import ContractSource, decode, encode

PROGRAMS = 200
BATCH = 40
GAS = 1_000_000
ATTEMPTS = 3  # of a call, each with another gas limit
DEBUG_SECONDS = 1_200.0
CALLS: list[tuple[str, dict[str, object]]] = [
    ("toolshed.add", {"id": "crane-7"}),
    ("toolshed.lend", {"id": "crane-7", "to": "south"}),
    ("toolshed.lend", {"id": "crane-7", "to": "south"}),  # refused: not the holder any more
    ("toolshed.lend", {"id": "none", "to": "south"}),
    ("toolshed.lend", {"id": 7, "to": "south"}),
    ("toolshed.nothing", {}),
    ("accounts.open", {"first": 0, "count": 50, "balance": 1_000}),
    ("accounts.transfer", {"source": 1, "to": 2, "amount": 5}),
    ("accounts.transfer", {"source": 1, "to": 2, "amount": 5_000}),
    ("accounts.transfer", {"source": 2, "to": 1, "amount": 5}),
    ("accounts.transfer", {"source": 99, "to": 1, "amount": 5}),
]


@dataclass(frozen=True)
class Exported:
    """Blocks in files, and what became of the calls in them."""

    folder: Path
    height: int
    codes: Counter[str]


def chain_of_programs(them: People) -> Genesis:
    """Every generated program that the language takes, and two contracts with tables."""
    accounts = ROOT / "src" / "lianheng" / "cli" / "benches" / "accounts.py"
    sources = [
        ContractSource("toolshed", "toolshed.py", TOOLSHED.read_text(encoding="utf-8")),
        ContractSource("accounts", "accounts.py", accounts.read_text(encoding="utf-8")),
    ]
    for seed, program in programs(0, PROGRAMS, Counter()):
        source = as_contract(program)
        if not _native.check_contract(source, "program.py"):
            sources.append(ContractSource(f"program{seed}", "program.py", source))
    return Genesis.create(
        chain="trade",
        organisations=["north", "south"],
        members=[
            MemberSpec("alice@north", them.alice, roles=["operator"]),
            MemberSpec("bob@south", them.bob, roles=["operator"]),
        ],
        sealer=them.sealer,
        time_ms=time.time_ns() // 1_000_000,
        contracts=sources,
    )


def all_calls(document: Genesis) -> list[tuple[str, dict[str, object], int]]:
    """Target, arguments and gas limit of each; the same on every run of the tests."""
    chance = random.Random(5)  # noqa: S311 - a repeatable choice
    names = [str(contract["name"]) for contract in document.document.contracts]
    runs: list[tuple[str, dict[str, object]]] = [
        (f"{name}.run", {}) for name in names if name.startswith("program")
    ]
    calls = [*CALLS, *runs]
    return [
        (target, dict(arguments), GAS if attempt == 0 else chance.randint(60, 2_000))
        for attempt in range(ATTEMPTS)
        for target, arguments in calls
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """What a first process made of them."""
    them = people()
    document = chain_of_programs(them)
    codes: Counter[str] = Counter()
    folder = tmp_path_factory.mktemp("export")
    with create_ledger(None, document, sealer=them.sealer) as ledger:
        calls = all_calls(document)
        for begin in range(0, len(calls), BATCH):
            batch = [
                ledger.sign((them.alice, them.bob)[number % 2], target, arguments, gas=gas)
                for number, (target, arguments, gas) in enumerate(calls[begin : begin + BATCH])
            ]
            for result in ledger.submit(batch).wait():
                codes[result.error.code if result.error else "final"] += 1
        write_blocks(ledger, folder)
        return Exported(folder, int(ledger.height), codes)


def write_blocks(ledger: Ledger, folder: Path) -> None:
    """The genesis and each block in a file."""
    ledger.export(folder / "all")
    (folder / "genesis.cbor").write_bytes((folder / "all" / "genesis.cbor").read_bytes())
    parts = sorted((folder / "all").glob("blocks-*.cbors"))
    blocks = (block for part in parts for block in read_sequence(part))
    for number, block in enumerate(blocks, start=1):
        (folder / f"{number:06}.block").write_bytes(block)


def replayed(folder: Path, threads: int) -> subprocess.Popen[str]:
    """Another process that executes the blocks again."""
    code = """
import pathlib, sys
from lianheng import _native
folder = pathlib.Path(sys.argv[1])
replay = _native.replay_open((folder / "genesis.cbor").read_bytes())
for block in sorted(folder.glob("*.block")):
    replay.apply(block.read_bytes())
print(replay.height)
"""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "RAYON_NUM_THREADS": str(threads)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_calls_end_in_many_ways(exported: Exported) -> None:
    for code in ("final", "contract.error", "gas.exhausted"):
        assert exported.codes[code] > PROGRAMS // 8, exported.codes
    for code in ("contract.rejected", "call.bad_arguments"):
        assert exported.codes[code] > 0, exported.codes


def test_processes_and_threads_agree(exported: Exported) -> None:
    running = [replayed(exported.folder, threads) for threads in (1, 2)]
    for process in running:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert int(out) == exported.height


def test_a_unit_of_gas_more_is_found(exported: Exported) -> None:
    """The comparison can fail: entries hold the gas, and the header their root."""
    replay = _native.replay_open((exported.folder / "genesis.cbor").read_bytes())
    block = decode((exported.folder / "000001.block").read_bytes())
    entry = decode(block[4][0])
    result = dict(entry[2])
    gas = next(name for name, value in result.items() if isinstance(value, int) and value > 50)
    result[gas] += 1
    block[4][0] = encode([entry[0], entry[1], result])
    with pytest.raises(_native.NativeError):
        replay.apply(encode(block))


@pytest.mark.long
def test_a_debug_build_agrees(exported: Exported) -> None:
    command = ["cargo", "run", "--quiet", "--locked", "-p", "lianheng-engine"]
    ran = subprocess.run(
        [*command, "--example", "replay", "--", str(exported.folder)],
        cwd=ROOT,
        env=core_environment(),
        capture_output=True,
        text=True,
        timeout=DEBUG_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) == exported.height
