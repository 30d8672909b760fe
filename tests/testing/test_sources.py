"""What a test hears about a contract when it deploys it."""

from pathlib import Path

import pytest

from lianheng.testing import ContractWarning, EnginesDiffer, LedgerFixture, _sources

WRONG = """from lianheng.contract import Contract, view

class Sums(Contract):
    @view
    def total(self, items: list[int]) -> str:
        return sum(items)

    @view
    def fine(self) -> int:
        return 1
"""


def test_findings_about_types_are_warnings_at_their_lines(
    ledger: LedgerFixture, tmp_path: Path
) -> None:
    (tmp_path / "sums.py").write_text(WRONG)
    with pytest.warns(ContractWarning, match=r"sums.py:6: type") as told:
        sums = ledger.deploy(tmp_path / "sums.py")
    assert [(Path(one.filename), one.lineno) for one in told] == [(tmp_path / "sums.py", 6)]
    assert sums.fine() == 1
    with pytest.warns(ContractWarning, match="sums.py:6"):
        ledger.upgrade_source(sums, WRONG + "\n", file="sums.py")


@pytest.mark.filterwarnings("error")
def test_a_sound_contract_is_deployed_without_a_word(ledger: LedgerFixture) -> None:
    ledger.deploy_source(WRONG.replace("-> str", "-> int"), name="sums", file="sums.py")


def test_a_declaration_that_cpython_reads_otherwise_is_refused(
    ledger: LedgerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = [("calls", "[]", "[{'name': 'total'}]")]
    monkeypatch.setattr(_sources, "differences", lambda *_: other)
    with pytest.raises(EnginesDiffer, match=r"differ in what sums\.py declares"):
        ledger.deploy_source(WRONG.replace("-> str", "-> int"), name="sums", file="sums.py")
