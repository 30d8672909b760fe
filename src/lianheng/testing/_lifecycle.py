"""The later life of contracts under CPython: upgrades, freezing and thawing, and the end.

Follows what a transaction calls of `contracts`, in the order of the engine's own checks
(rust/engine/src/lifecycle.rs), so that its refusals are compared as those of contracts are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from lianheng.contract.twin import Call, Failure, Outcome, Question, denial, load, upgrade
from lianheng.model import Result, encode
from lianheng.testing._chain import Chain
from lianheng.testing._twins import Twin, compare, refusal

POLICY = "MAJORITY role:admin"
"""What the engine asks for, unless the chain sets another policy."""

_NEXT = {
    ("freeze", "active"): "frozen",
    ("thaw", "frozen"): "active",
    ("retire", "active"): "retired",
    ("retire", "frozen"): "retired",
}
_METHODS = frozenset({"upgrade", "freeze", "thaw", "retire"})
_ENGINE_ONLY = frozenset(
    {"call.bad_arguments", "contract.invalid", "contract.interface", "code.mismatch"}
)
"""What the engine decides before a contract runs: forms, sources, whether interfaces fit."""


def follow(
    twins: dict[str, Twin],
    chain: Chain,
    call: Call,
    result: Result,
    path: str | None = None,
) -> None:
    """Do to the twins what a call of `contracts` did. Raise `EnginesDiffer` where they disagree.

    `path` is where debuggers find the source that the call brings.
    """
    error, given = result.error, call.arguments
    if error is not None and error.code in _ENGINE_ONLY:
        return
    name = str(given["name"]) if "name" in given else None
    if call.method == "deploy":
        if name is not None and result.final:
            twins[name] = Twin.of(str(given["source"]), str(given["file"]), path)
        return
    twin = None if name is None else twins.get(name)
    if name is None or twin is None or call.method not in _METHODS:
        return
    call = replace(call, contract=name)
    outcome, after = changed(twin, call, path, twins)
    if compare({**twins, name: after}, chain, call, result, outcome):
        twins[name] = after


def changed(
    twin: Twin, call: Call, path: str | None, twins: Mapping[str, Twin]
) -> tuple[Outcome, Twin]:
    """What a call of `contracts` does to one contract; the twin itself where it is refused."""
    question = Question("contracts", call.method, POLICY, call.signers, None, None)
    judgement = call.directory.judge(question)
    if judgement.lacks:
        return Outcome(failure=Failure("policy.denied", denial(question, judgement))), twin
    if call.method == "upgrade":
        return _upgraded(twin, call, path, twins)
    status = _NEXT.get((call.method, twin.status))
    if status is None:
        message = f"{call.contract} is {twin.status}: there is nothing to {call.method}"
        return Outcome(failure=Failure("contract.status", message)), twin
    value = encode({"name": call.contract, "status": status})
    return Outcome(value), replace(twin, status=status)


def _upgraded(
    twin: Twin, call: Call, path: str | None, twins: Mapping[str, Twin]
) -> tuple[Outcome, Twin]:
    if twin.status == "retired":
        return Outcome(failure=refusal(call.contract, twin.status, view=False)), twin
    source, file = str(call.arguments["source"]), str(call.arguments["file"])
    if source == twin.source:
        message = f"{call.contract} runs this source already"
        return Outcome(failure=Failure("contract.unchanged", message)), twin
    program = load(source, file, path)
    for use in program.uses:
        if (used := twins.get(use.contract)) is not None and used.status == "retired":
            message = f"it uses {use.contract}, which is retired"
            return Outcome(failure=Failure("contract.retired", message)), twin
    outcome, state = upgrade(twin, program, twin.from_version, call, twins)
    if outcome.failure is not None:
        return outcome, twin
    value = encode({"name": call.contract, "source": hashlib.sha256(source.encode()).digest()})
    version = twin.from_version + 1
    return replace(outcome, value=value), Twin(program, state, twin.status, source, version)
