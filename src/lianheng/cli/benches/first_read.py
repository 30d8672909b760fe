"""A process of its own: opens a ledger, reads one row, prints how long that took as JSON."""

import json
import sys
import time

READS = 1_000
STEP = 7_919


def main(path: str, key: int) -> None:
    """Measures from after the imports, as a running program would see it."""
    from lianheng import open_ledger

    started = time.perf_counter()
    with open_ledger(path) as ledger:
        table = ledger.table("accounts", "accounts")
        found = table.get(key)
        first = time.perf_counter() - started
        assert found is not None  # noqa: S101 - a bench of an absent row measures something else
        begun = time.perf_counter()
        for turn in range(READS):
            table.get(turn * STEP % (2 * key))
        each = (time.perf_counter() - begun) / READS
    json.dump({"first_read_ms": first * 1e3, "scattered_read_us": each * 1e6}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
