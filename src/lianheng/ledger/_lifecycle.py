"""What an upgrade would do, and what versions a contract has had, as types."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from lianheng.model import CallError, CallRefused, Gas, Height, SourceHash


@dataclass(frozen=True, slots=True)
class UpgradeChange:
    """One difference of two sources: of which table, cell, call or view, and in words."""

    what: str
    how: str
    needs_migration: bool

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Read what the core gives."""
        return cls(str(fields["what"]), str(fields["how"]), bool(fields["needs_migration"]))


@dataclass(frozen=True, slots=True)
class BrokenCaller:
    """A call of another contract that fits the source in force and would not fit the new one.

    It refuses no upgrade: the call is refused (`contract.interface`, `policy.denied`,
    `code.mismatch`) when it is made.
    """

    contract: str
    """The contract that calls."""
    attribute: str
    interface: str
    method: str
    """Empty where the whole contract is meant: the caller names another source."""
    why: str

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Read what the core gives."""
        names = ("contract", "attribute", "interface", "method", "why")
        return cls(*(str(fields[name]) for name in names))


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An upgrade that was tried on a copy of the last state."""

    changes: tuple[UpgradeChange, ...]
    from_version: int
    """How many other sources were in force before the present one: what `@migrate` names."""
    gas: Gas
    rows: int
    """Rows that it would write or delete, beside those of the system."""
    index_entries: int
    callers: tuple[BrokenCaller, ...]
    """Calls of other contracts that would no longer fit, by contract."""
    planned: bool
    """Whether the new source compiles and could follow: else nothing but the refusal is known."""
    refusal: CallError | None
    """Why it would be refused, if it would."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Read what a backend gives."""
        refusal = fields["refusal"]
        return cls(
            tuple(UpgradeChange.from_fields(change) for change in fields["changes"]),
            int(fields["from_version"]),
            Gas(fields["gas"]),
            int(fields["rows"]),
            int(fields["index_entries"]),
            tuple(BrokenCaller.from_fields(caller) for caller in fields["callers"]),
            bool(fields["planned"]),
            None if refusal is None else CallError(**refusal),
        )

    @property
    def migrates(self) -> bool:
        """Whether stored rows do not fit the new layout as they are."""
        return any(change.needs_migration for change in self.changes)

    def checked(self) -> Self:
        """The rehearsal itself. Raise `CallRefused` where the upgrade would be refused."""
        if self.refusal is not None:
            error = self.refusal
            raise CallRefused(
                error.code,
                error.message,
                error.hint or "",
                reason=error.reason,
                file=error.file,
                line=error.line,
            )
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A line of a contract's history: a source in force, or another status."""

    number: int
    source: SourceHash
    file: str
    status: str
    """`active`, `frozen` or `retired`."""
    since: Height

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def version_from(key: Sequence[Any], row: Mapping[str, Any]) -> ContractVersion:
    """Read a row of `contracts.versions`."""
    return ContractVersion(
        int(key[1]),
        SourceHash(bytes(row["source"])),
        str(row["file"]),
        str(row["status"]),
        Height(row["since"]),
    )
