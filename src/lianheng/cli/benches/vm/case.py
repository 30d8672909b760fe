"""A case: one operation of the language, and what has to stand around it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """`statement` is measured; `setup` runs once, `before` in front of each statement."""

    name: str
    statement: str
    setup: str = "pass"
    before: str = ""
    most_times: int = 2_000  # turns of the loop, where the language limits them


@dataclass(frozen=True, slots=True)
class UpgradeCase:
    """An upgrade from `old` to `new`, once with rows that `old.fill(count)` wrote, once without."""

    name: str
    old: str
    new: str
    rows: int


def group(setup: str, statements: dict[str, str]) -> list[Case]:
    """Cases that share their values."""
    return [Case(name, statement, setup) for name, statement in statements.items()]


def sizes(setup: str, statements: dict[str, str], *counts: int) -> list[Case]:
    """The same with values of several sizes, wherever SIZE stands."""
    return [
        Case(
            f"{name}, {count:,}",
            statement.replace("SIZE", str(count)),
            setup.replace("SIZE", str(count)),
        )
        for name, statement in statements.items()
        for count in counts
    ]
