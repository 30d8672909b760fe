"""What tests of several rooms share: a small chain and its identities."""

import time
from dataclasses import dataclass
from pathlib import Path

from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.model import ContractSource
from lianheng.system import LOCAL_POLICIES

TOOLSHED = Path(__file__).with_name("contracts") / "toolshed.py"


@dataclass(frozen=True)
class People:
    """Identities of a small chain."""

    alice: Identity
    bob: Identity
    dora: Identity
    stranger: Identity
    sealer: Identity


def people(*, development: bool = True) -> People:
    names = ("alice@north", "bob@south", "dora@south", "eve@north", "sequencer@north")
    return People(*(Identity.generate(name, development=development) for name in names))


def genesis(
    them: People, *, time_ms: int | None = None, parameters: dict[str, int] | None = None
) -> Genesis:
    """Alice and Bob are operators, Dora has no role; Eve has no key on the chain."""
    return Genesis.create(
        chain="trade",
        organisations=["north", "south"],
        members=[
            MemberSpec("alice@north", them.alice, roles=["operator", "admin"]),
            MemberSpec("bob@south", them.bob, roles=["operator"]),
            MemberSpec("dora@south", them.dora),
        ],
        sealer=them.sealer,
        time_ms=time.time_ns() // 1_000_000 if time_ms is None else time_ms,
        contracts=[ContractSource("toolshed", "toolshed.py", TOOLSHED.read_text())],
        parameters=parameters,
        policies=LOCAL_POLICIES,
    )
