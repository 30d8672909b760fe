"""The largest procedures: beside the tests whose gas is a budget."""

from tests.packs.case.cast import ANN, ASKED, DAY, REG, ROLES, move, permit

from blocks import CASE
from lianheng.testing import LedgerFixture


def test_terms_that_follow_each_other_end_one_by_one(ledger: LedgerFixture) -> None:
    """The call that begins the first term pays for all of them, however large the procedure."""
    crowd = [f"{number:02}{'o' * 55}" for number in range(32)]
    moves = [
        move("first", "escalate", "filed", "asked"), move("second", "escalate", "asked", "refused"),
        move("third", "escalate", "refused", "denied"),
        *[move(f"{n:02}{'m' * 60}", "decide", "filed", "denied", organisations=crowd)
          for n in range(61)],
    ]  # fmt: skip
    ends = zip(("filed", "asked", "refused"), ("first", "second", "third"), strict=True)
    terms = [{"state": state, "span": DAY, "lapse": lapse} for state, lapse in ends]
    large = permit(final=["denied"], transitions=moves, terms=terms)
    for member, roles in ROLES.items():
        ledger.member(member, roles=roles)
    case = ledger.deploy(CASE)
    case.as_(REG).declare(large)
    case.as_(ANN).open("p2", "permit", 1, ASKED)
    assert [run.result.final for run in ledger.advance(days=2)] == [True, True]
    assert (case.case("p2").state, case.case("p2").closed) == ("refused", False)
    case.as_(REG).prolong("p2", 3, int(ledger.time) + 2 * DAY)
    ledger.advance(days=2)
    assert (case.case("p2").state, case.case("p2").closed) == ("denied", True)
