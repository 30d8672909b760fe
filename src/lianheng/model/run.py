"""What the chain ran by itself: a timer that fell due, with its cause and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from lianheng import _native
from lianheng.model.errors import InvalidValue
from lianheng.model.ids import ContractName, HeaderHash, Height, Milliseconds, TransactionId
from lianheng.model.result import Result
from lianheng.model.values import decode, encode, jsonable

TIMER_RUN = 1
RUN_NAME = "lianheng.run.1"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a timer: the contract's timer of this number, due at `at`, ran this method."""

    contract: ContractName
    number: int
    at: Milliseconds
    method: str
    arguments: Mapping[str, Any]
    result: Result

    @classmethod
    def from_bytes(cls, entry: bytes, height: Height, time: Milliseconds, index: int) -> Self:
        """Read an encoded entry; raise `InvalidValue` where it is none of a timer's run."""
        try:
            kind, (contract, number, at, method, arguments), result = decode(entry)
        except (TypeError, ValueError) as failure:
            raise InvalidValue("block.malformed", f"an entry is of no run: {failure}") from failure
        if kind != TIMER_RUN:
            raise InvalidValue("block.malformed", f"an entry is of a run of unknown kind {kind!r}")
        found = Result.from_bytes(encode(result), id=None, height=height, time=time, index=index)
        return cls(ContractName(contract), number, Milliseconds(at), method, arguments, found)

    @property
    def target(self) -> str:
        """`contract.method`."""
        return f"{self.contract}.{self.method}"

    def id(self, genesis: HeaderHash) -> TransactionId:
        """The id by which receipts and traces find it."""
        return run_id(genesis, self.contract, self.number)

    def named(self, genesis: HeaderHash) -> Result:
        """The result, with the run's id."""
        return replace(self.result, id=self.id(genesis))

    def to_json(self) -> dict[str, Any]:
        """For machines at the edge."""
        return {
            "timer": {
                "contract": self.contract,
                "number": self.number,
                "at": self.at,
                "method": self.method,
                "arguments": jsonable(self.arguments),
            },
            **self.result.to_json(),
        }


def run_id(genesis: HeaderHash, contract: str, number: int) -> TransactionId:
    """Id of a timer's run, known as soon as the timer has its number."""
    subject = encode([RUN_NAME, bytes(genesis), TIMER_RUN, [contract, number]])
    return TransactionId(_native.hash_bytes(subject))
