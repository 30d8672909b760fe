"""Calls of another contract, and timers made and removed."""

from dataclasses import replace

from lianheng.cli.benches.vm.case import Case, group, sizes

# Deployed beside the contract of each case; whoever calls it pays for what it does.
OTHER = """\
from lianheng.contract import Contract, call, view


class Other(Contract):
    @call(by="via:bench")
    def take(self, value: int) -> int:
        return value

    @call(by="via:bench")
    def pass_on(self, text: str) -> str:
        return text

    @call(by="via:bench")
    def stocked(self, text: str, numbers: list[int]) -> list[int]:
        return numbers

    @view
    def look(self, value: int) -> int:
        return value
"""
LATER = "1_800_000_000_000"
CALLS = group(
    "n = [1, 2, 3]",
    {
        "call of a contract": "x = self.other.take(5)",
        "view of a contract": "x = self.other.look(5)",
        "call of a contract with several values": "x = self.other.stocked('some text', n)",
    },
)
LARGE_CALLS = sizes(
    "t = 'x' * SIZE; n = list(range(SIZE // 10))",
    {
        "call of a contract with a text": "x = self.other.pass_on(t)",
        "call of a contract with numbers": "x = self.other.stocked('', n)",
    },
    1_000,
    20_000,
)
# The gas that a timer may use is paid when it is made, for its run: 1 here.
TIMERS = [
    Case("due", f"x = self.due({LATER}, 'later', gas=1, id=5)"),
    Case(
        "due at other moments", f"i += 7; x = self.due({LATER} - i, 'later', gas=1, id=5)", "i = 0"
    ),
    Case("due and cancel", f"x = self.cancel(self.due({LATER}, 'later', gas=1, id=5))"),
    Case("cancel what waits no longer", "x = self.cancel(7)"),
    Case(
        "cancel among a thousand",
        "x = self.cancel(7_000)",
        f"x = [self.due({LATER} + i, 'later', gas=1, id=i) for i in range(1_000)]",
    ),
]
LARGE_TIMERS = sizes(
    "t = 'x' * SIZE; n = list(range(SIZE // 10))",
    {"due with arguments": f"x = self.due({LATER}, 'told_later', gas=1, text=t, numbers=n)"},
    1_000,
    8_000,
)
# A call may write 16 MB.
FEW_TIMES = [replace(case, most_times=100) for case in LARGE_TIMERS]
CASES = [*CALLS, *LARGE_CALLS, *TIMERS, *FEW_TIMES]
