"""`bench policies`: a chain of many organisations and members: what policies and opening take."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng import _native
from lianheng.cli.benches.machine import describe, percentiles

if TYPE_CHECKING:
    from lianheng.ledger import Ledger
    from lianheng.members import Identity

ROUNDS = 2_000
TOGETHER = 2_000  # calls a submit
CHANGES = 20
POLICIES = (
    "ANY",
    "role:operator",
    "MAJORITY role:admin",
    "2/3 role:admin",
    "ALL",
    "SELF role:admin",
    "3 role:admin of org-1,org-2,org-3,org-4 or MAJORITY role:operator and SELF",
)
HARDEST_NS = 50_000
OPENED_MS = 3_000.0


def measure(
    folder: Path, organisations: int, members: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Members of a chain by calls of their organisations' admins; then opening, then policies."""
    from lianheng.consensus import open_engine

    place = folder / "ledger"
    started = time.monotonic()
    admins, ledger = create(place, organisations)
    with ledger:
        add_members(ledger, admins, members - organisations, say)
        filled = time.monotonic() - started
        say("changing one member a block")
        changed = changes(ledger, admins[0])
    say("opening")
    opened = [open_again(place) for _ in range(3)]
    say("policies")
    engine = open_engine(place)
    found = {text: evaluated(engine, text, admins) for text in POLICIES}
    engine.close()
    slowest = max(one["p99_ns"] for one in found.values())
    return {
        "bench": "policies",
        "machine": describe(folder),
        "workload": {
            "organisations": organisations,
            "members": members,
            "fill_seconds": round(filled, 1),
            "rounds": ROUNDS,
        },
        "policies": found,
        "slowest_p99_us": round(slowest / 1_000, 2),
        "open_ms": percentiles(opened),
        "change_one_ms": percentiles(changed["one"]),
        "change_none_ms": percentiles(changed["none"]),
        "reached": slowest < HARDEST_NS and max(opened) < OPENED_MS,
    }


def create(folder: Path, organisations: int) -> tuple[list["Identity"], "Ledger"]:
    """Organisations with an admin each; the first of them seals."""
    from lianheng import create_ledger
    from lianheng.members import Genesis, Identity, MemberSpec
    from lianheng.system import contracts

    names = [f"org-{number}" for number in range(1, organisations + 1)]
    admins = [Identity.generate(f"admin@{name}", development=True) for name in names]
    sealer = Identity.generate(f"sequencer@{names[0]}", development=True)
    genesis = Genesis.create(
        chain="bench",
        organisations=names,
        members=[MemberSpec(a.member, a, roles=["admin", "operator"]) for a in admins],
        sealer=sealer,
        time_ms=time.time_ns() // 1_000_000,
        contracts=contracts(),
    )
    return admins, create_ledger(folder, genesis, sealer=sealer)


def add_members(
    ledger: "Ledger", admins: Sequence["Identity"], count: int, say: Callable[[str], None]
) -> None:
    """Through `members.add_member`; raises where one is refused."""
    from lianheng.members import Identity, prove_possession

    for first in range(0, count, TOGETHER):
        say(f"{first:,} of {count:,} members")
        signed = []
        for number in range(first, min(first + TOGETHER, count)):
            admin = admins[number % len(admins)]
            name = f"m{number}@{admin.member.organisation}"
            new = Identity.generate(name, development=True)
            arguments = {
                "id": name,
                "kind": "person",
                "roles": ["operator"],
                "public": new.public,
                "custodial": False,
                "possession": prove_possession(new, ledger.chain),
            }
            signed.append(ledger.sign(admin, "members.add_member", arguments))
        for result in ledger.submit(signed).wait():
            result.checked()


def changes(ledger: "Ledger", admin: "Identity") -> dict[str, list[float]]:
    """Milliseconds of lone calls: of those that change a member, and those that change none."""
    found: dict[str, list[float]] = {"one": [], "none": []}
    role = {"id": str(admin.member), "role": "operator"}
    rule = {"contract": "members", "method": "leave", "arguments": b"\xa0", "lasts": 1, "gas": 1}
    calls = (
        ("one", "members.take_role", role),
        ("none", "governance.propose", {**rule, "note": ""}),
        ("one", "members.give_role", role),
        ("none", "governance.propose", {**rule, "note": " "}),
    )
    for _ in range(CHANGES):
        for kind, target, arguments in calls:
            signed = ledger.sign(admin, target, arguments)
            began = time.perf_counter()
            ledger.submit(signed).one().checked()
            found[kind].append(1_000 * (time.perf_counter() - began))
    return found


def evaluated(engine: _native.Engine, text: str, admins: Sequence["Identity"]) -> dict[str, Any]:
    """A policy's time for one signer, and for a few more than half of the organisations."""
    some = [str(admin.member) for admin in admins[: len(admins) // 2 + 1]]
    subject = str(admins[0].member)
    alone, one = _native.bench_policy(engine, text, some[:1], subject, ROUNDS)
    together, many = _native.bench_policy(engine, text, some[:8], subject, ROUNDS)
    taken = sorted([*one, *many])
    return {
        "met_by_one": alone,
        "met_by_eight": together,
        "median_ns": taken[len(taken) // 2],
        "p99_ns": taken[len(taken) * 99 // 100],
    }


def open_again(folder: Path) -> float:
    """Milliseconds from a cold process's opening to its first answer."""
    program = (
        "import sys, time, json\n"
        "from lianheng.consensus import open_ledger\n"
        "start = time.perf_counter()\n"
        "with open_ledger(sys.argv[1]) as ledger:\n"
        "    ledger.status()\n"
        "    print(json.dumps(1000 * (time.perf_counter() - start)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout))
