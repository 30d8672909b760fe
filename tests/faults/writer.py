"""A process that is to be killed: confirms calls and writes each confirmed id to standard output.

    python -m tests.faults.writer FOLDER SEED

The ledger is made in FOLDER/ledger when there is none. Identities come from fixed seeds, so that
the next process can go on. A line is written only after the ledger confirmed its call.
"""

import os
import random
import sys
from pathlib import Path

from tests.rooms import People, genesis

from lianheng.consensus import create_ledger, open_ledger
from lianheng.ledger import Ledger
from lianheng.members import Identity

SEEDS = {"alice@north": 1, "bob@south": 2, "dora@south": 3, "eve@north": 4, "sequencer@north": 5}


def fixed_people() -> People:
    return People(
        *(Identity(name, bytes([seed]) * 32, development=True) for name, seed in SEEDS.items())
    )


def open_or_create(folder: Path, them: People) -> Ledger:
    path = folder / "ledger"
    if (path / "store").exists():
        return open_ledger(path)
    return create_ledger(path, genesis(them), sealer=them.sealer)


def confirm_some(ledger: Ledger, them: People, choice: random.Random, run: str) -> None:
    """Submit a few batches that overlap, as a busy client does, and report what is confirmed."""
    submissions = []
    for number in range(choice.randint(1, 5)):
        size = choice.choice((1, 1, 3, 40, 150))
        names = [f"{run}-{choice.getrandbits(40):010x}-{number}" for _ in range(size)]
        # Every third call is refused: refused ids are burnt and must survive as well.
        calls: list[tuple[str, dict[str, str]]] = [
            ("toolshed.add", {"id": name})
            if at % 3
            else ("toolshed.lend", {"id": name, "to": "south"})
            for at, name in enumerate(names)
        ]
        submissions.append(ledger.submit(ledger.sign_many(them.alice, calls)))
    for submission in submissions:
        lines = []
        for result in submission.wait(60):
            if result.id is None or result.height is None:
                raise SystemExit(f"dropped: {result.error}")
            lines.append(f"{result.id.hex()} {result.height} {result.status}\n")
        # One write for each submission: what is cut off by the kill was not reported.
        os.write(1, "".join(lines).encode())


def main(folder: Path, seed: str) -> None:
    choice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    them = fixed_people()
    os.write(1, b"started\n")
    while True:
        # Opening and closing again and again passes the points that lie there.
        with open_or_create(folder, them) as ledger:
            for _ in range(choice.randint(1, 3)):
                confirm_some(ledger, them, choice, seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
