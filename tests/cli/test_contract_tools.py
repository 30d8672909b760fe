"""`lianheng contract` for authors: check, test, gas, coverage, interface, diff."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lianheng.cli.contracts._budget import lines_of
from lianheng.contract.checks import check, looks_personal

SHED = """from lianheng.contract import Contract, Enum, Event, Record, Table, call, require, view

class Kind(Enum):
    HAND = "hand"
    POWER = "power"

class Tool(Record):
    id: str
    holder: str
    kind: Kind = Kind.HAND

class Lent(Event):
    id: str

class Shed(Contract):
    tools = Table(Tool, key="id", indexes=["holder"])

    @call(by="role:operator")
    def add(self, id: str, many: int = 1) -> Tool:
        for number in range(many):
            if number > 2:
                return self.tools[id]
            self.tools[id] = Tool(id=id, holder=self.caller.organisation)
        return self.tools[id]

    @view
    def held(self, holder: str) -> list[str]:
        tools = self.tools.by("holder", holder, limit=10)
        if not tools:
            return []
        return [tool.id for tool in tools]
"""
TEST = """
def test_add(ledger):
    shed = ledger.deploy("shed.py")
    assert shed.as_("alice@north").add("x").id == "x"
    assert shed.held("north") == ["x"]
"""
Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shed.py").write_text(SHED)
    (tmp_path / "test_shed.py").write_text(TEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_line_says_how_the_tests_ended(cli: Cli, folder: Path) -> None:
    for place in ((), ("shed.py",), ("test_shed.py",), (str(folder),)):
        ran = cli("contract", "test", *place)
        assert ran.code == 0
        assert re.fullmatch(
            r"1 passed on VM and CPython: same results, events, state, errors"
            r" · add [\d,]+ gas · \d+\.\d s\n",
            ran.out,
        )


def test_failures_are_shown_and_counted(cli: Cli, folder: Path) -> None:
    test = TEST + "\ndef test_other(ledger):\n    assert ledger.height == 7\n"
    (folder / "test_shed.py").write_text(test)
    ran = cli("contract", "test")
    assert ran.code == 1
    assert "assert 0 == 7" in ran.out
    assert re.search(r"^1 failed, 1 passed · ", ran.out, re.MULTILINE)
    machine = cli("contract", "test", "--json").json
    assert machine["failures"] == ["test_shed.py::test_other"]
    assert cli("contract", "test", "-k", "add").code == 0


def test_what_cannot_be_run_is_said(cli: Cli, folder: Path) -> None:
    (folder / "test_shed.py").unlink()
    assert "has no tests" in cli("contract", "test").err
    assert "there is no nowhere" in cli("contract", "test", "nowhere").err


@pytest.mark.usefixtures("folder")
def test_gas_is_shown_by_call_and_line_and_kept_in_a_budget(cli: Cli) -> None:
    ran = cli("contract", "gas", "--write-budget", "gas.json")
    assert ran.code == 0
    assert re.search(r"shed\.py +add +1 ", ran.out)
    assert re.search(r"\d+ +[\d,]+ +1  self\.tools\[id\] = Tool\(", ran.out)
    budget = json.loads(Path("gas.json").read_text())
    assert set(budget["shed.py"]) == {"add", "held"}
    assert cli("contract", "gas", "--budget", "gas.json").code == 0
    budget["shed.py"]["add"] -= 1
    budget["shed.py"]["gone"] = 5
    del budget["shed.py"]["held"]
    Path("gas.json").write_text(json.dumps(budget))
    over = cli("contract", "gas", "--budget", "gas.json")
    assert over.code == 1
    assert "1 more than its budget" in over.err
    assert "no test calls it" in over.err
    assert "and no budget" in over.err
    Path("gas.json").write_text("[]")
    assert "no map of file" in cli("contract", "gas", "--budget", "gas.json").err


@pytest.mark.usefixtures("folder")
def test_a_budget_holds_lines_and_survives_other_edits(cli: Cli) -> None:
    wrote = cli(
        "contract", "gas", "--no-lines", "--budget-lines", "3", "--write-budget", "gas.json"
    )
    assert wrote.code == 0
    budget = json.loads(Path("gas.json").read_text())["shed.py"]
    lines = {(name, text) for name, texts in budget["by line"].items() for text in texts}
    dearest = "self.tools[id] = Tool(id=id, holder=self.caller.organisation)"
    assert len(lines) == 3
    assert ("Shed.add", dearest) in lines
    # Lines that move, are indented otherwise or get a comment are the same lines.
    source = Path("shed.py").read_text()
    moved = source.replace("class Shed", "LIMIT = 3\n\n\nclass Shed").replace(
        dearest, f"{dearest}  # kept"
    )
    Path("shed.py").write_text(moved)
    assert cli("contract", "gas", "--no-lines", "--budget", "gas.json").code == 0
    number = moved.splitlines().index(f"            {dearest}  # kept") + 1
    spent = budget["by line"]["Shed.add"][dearest]
    budget["by line"]["Shed.add"] |= {dearest: spent - 1, "gone = 1": 5}
    Path("gas.json").write_text(json.dumps({"shed.py": budget}))
    over = cli("contract", "gas", "--no-lines", "--budget", "gas.json")
    assert over.code == 1
    told = f"`{dearest}`: {spent:,} gas, 1 more than its budget of {spent - 1:,}"
    assert f"shed.py:{number} in Shed.add: {told}" in over.err.replace("\n", " ")
    assert "no test passes the line `gone = 1`; its budget is 5 gas" in over.err.replace("\n", " ")
    machine = cli("contract", "gas", "--budget", "gas.json", "--json").json
    assert [(one["line"], one["allowed"], one["most"]) for one in machine["over"]] == [
        (None, 5, None),
        (number, spent - 1, spent),
    ]


@pytest.mark.parametrize(
    "lines", [[], {"Shed.add": 5}, {"Shed.add": {"x": "5"}}, {"f": {"x": True}}]
)
@pytest.mark.usefixtures("folder")
def test_a_malformed_budget_of_lines_is_refused(cli: Cli, lines: object) -> None:
    Path("gas.json").write_text(json.dumps({"shed.py": {"add": 9_999, "by line": lines}}))
    ran = cli("contract", "gas", "--budget", "gas.json")
    assert ran.code != 0
    assert "no map of file, method and gas" in ran.err.replace("\n", " ")


def test_a_line_costs_what_one_call_spends_in_it(cli: Cli, folder: Path) -> None:
    dearest = "self.tools[id] = Tool(id=id, holder=self.caller.organisation)"
    found = []
    for many in (1, 3):
        test = TEST.replace('add("x")', f'add("x", many={many})')
        (folder / "test_shed.py").write_text(test + test.replace("test_add", "test_again"))
        assert cli("contract", "gas", "--budget-lines", "9", "--write-budget", "gas.json").code == 0
        lines = json.loads(Path("gas.json").read_text())["shed.py"]["by line"]
        found.append(lines["Shed.add"][dearest])
    assert found[1] > 2 * found[0]


def test_lines_of_one_text_are_told_apart() -> None:
    source = "def f():\n    x = 1  # one\n    if x:\n        x = 1\n    def g():\n        x = 1\n"
    found = {number: tuple(line) for number, line in lines_of(source).items()}
    assert found == {
        1: ("f", "def f():"),
        2: ("f", "x = 1"),
        3: ("f", "if x:"),
        4: ("f", "x = 1 #2"),
        5: ("f.g", "def g():"),
        6: ("f.g", "x = 1"),
    }


@pytest.mark.usefixtures("folder")
def test_findings_about_types_are_shown_with_the_tests(cli: Cli, folder: Path) -> None:
    wrong = SHED.replace("-> list[str]:", "-> list[int]:")
    (folder / "shed.py").write_text(wrong)
    ran = cli("contract", "test")
    assert ran.code == 0
    assert re.search(r"shed\.py:\d+:\d+  type\.", ran.out)
    assert cli("contract", "test", "--json").json["advice"][0]["code"].startswith("type.")


CALLER = """from lianheng.contract import Contract, Interface, Record, Uses, call, view

class Tool(Record):
    id: str
    holder: str
    kind: str

class Shed(Interface):
    @view
    def held(self, holder: str) -> list[str]: ...

class Hire(Contract):
    shed = Uses(Shed, contract="shed")

    @view
    def mine(self, holder: str) -> int:
        return len(self.shed.held(holder))
"""


def test_diff_names_callers_that_break(cli: Cli, folder: Path) -> None:
    (folder / "hire.py").write_text(CALLER)
    (folder / "new.py").write_text(SHED.replace("def held(", "def owned("))
    fine = cli("contract", "diff", "shed.py", "shed.py", "--caller", "hire.py")
    assert fine.code == 0
    ran = cli("contract", "diff", "shed.py", "new.py", "--caller", "hire.py")
    assert ran.code == 1
    assert "it has no method held" in ran.out
    machine = cli("contract", "diff", "shed.py", "new.py", "--caller", "hire.py", "--json").json
    assert machine["callers"] == [
        {
            "contract": "hire", "attribute": "shed", "interface": "Shed", "method": "held",
            "why": "it has no method held",
        }
    ]  # fmt: skip
    other = cli("contract", "diff", "shed.py", "new.py", "--caller", "hire.py", "--name", "store")
    assert other.code == 0


@pytest.mark.usefixtures("folder")
def test_coverage_knows_lines_and_branches(cli: Cli) -> None:
    machine = cli("contract", "coverage", "--json").json
    (missing,) = (found["missing"] for found in machine["files"].values())
    untested = [n for n, line in enumerate(SHED.splitlines(), 1) if "return []" in line]
    assert missing == [
        SHED.splitlines().index("                return self.tools[id]") + 1,
        *untested,
    ]
    shown = cli("contract", "coverage")
    assert re.search(r"shed\.py +\d+ +2 +6 +2 ", shown.out)
    assert Path(".coverage").read_bytes().startswith(b"SQLite format 3")
    assert cli("contract", "coverage", "--fail-under", "99").code == 1


def test_a_loop_that_never_runs_is_not_covered(cli: Cli, folder: Path) -> None:
    (folder / "test_shed.py").write_text(
        "def test_none(ledger):\n"
        "    shed = ledger.deploy('shed.py')\n"
        "    with ledger.rejects('KeyError'):\n"
        "        shed.as_('alice@north').add('x', many=0)\n"
    )
    machine = cli("contract", "coverage", "--json").json
    (missing,) = (found["missing"] for found in machine["files"].values())
    inside = SHED.splitlines().index("            if number > 2:") + 1
    assert {inside, inside + 1, inside + 2} <= set(missing)


def test_the_interface_is_json(cli: Cli, folder: Path) -> None:
    found = cli("contract", "interface", "shed.py").json
    assert [call["name"] for call in found["calls"]] == ["add"]
    assert found["tables"][0]["indexes"] == [["holder"]]
    assert found["format"] == "lianheng.interface/1"
    assert found["calls"][0]["parameters"][1]["default"] == 1
    (folder / "bad.py").write_text("x = 1.5\n")
    assert cli("contract", "interface", "bad.py").code == 1


@pytest.mark.parametrize(
    "change",
    [
        ("    kind: Kind =", '    note: str = ""\n    kind: Kind =', "Tool.note", "compatible"),
        ("    holder: str\n", "    holder: str | None\n", "Tool.holder", "compatible"),
        ('    HAND = "hand"\n', '    HAND = "hand"\n    AIR = "air"\n', "Kind.AIR", "compatible"),
        ('    POWER = "power"\n', "", "Kind.POWER", "migration"),
        ("    kind: Kind = Kind.HAND\n", "", "Tool.kind", "migration"),
        (', indexes=["holder"])', ', indexes=["holder", "kind"])', "tools", "compatible"),
        ('key="id"', 'key=("id", "holder")', "tools", "migration"),
        ("role:operator", "role:admin", "add", "authority"),
        ("many: int = 1)", "many: int)", "", ""),
        ("many: int = 1)", 'many: int = 1, more: str = "")', "add(more)", "compatible"),
        ("def held(", "def owned(", "held", "callers"),
        ("class Lent(Event):\n    id: str", "class Lent(Event):\n    tool: str", "Lent", "callers"),
    ],
)
def test_diff_says_whom_a_change_concerns(
    cli: Cli, folder: Path, change: tuple[str, str, str, str]
) -> None:
    old, new, where, effect = change
    changed = SHED.replace(old, new)
    if "key=(" in new:
        changed = changed.replace("self.tools[id]", "self.tools[id, id]")
    (folder / "new.py").write_text(changed)
    ran = cli("contract", "diff", "shed.py", "new.py", "--json")
    found: dict[str, str] = {}
    for one in ran.json["changes"]:  # the gravest comes first
        found.setdefault(one["where"], one["effect"])
    if where:
        assert found[where] == effect
    assert ran.code == (1 if effect == "migration" else 0)
    shown = cli("contract", "diff", "shed.py", "new.py").out
    assert ("needs a migration" in shown) == (effect == "migration")


def test_a_contract_is_compatible_with_itself(cli: Cli, folder: Path) -> None:
    assert cli("contract", "diff", "shed.py", "shed.py").out == "same interface and layout\n"
    assert folder.is_dir()


def test_several_findings_come_in_one_run_with_places() -> None:
    source = (
        SHED.replace("id: str, many", "id: str, email: str, many")
        .replace("return []", "return [1.5]")
        .replace("role:operator", "roles:operator")
    )
    found = check(source, "shed.py")
    assert [(d.code, d.severity) for d in found] == [
        ("policy.malformed", "error"), ("privacy.argument", "warning"), ("language.float", "error"),
    ]  # fmt: skip
    for item in found:
        marked = item.source[item.column - 1 : item.column - 1 + item.width]
        assert marked in ('"roles:operator"', "email", "1.5")
        assert item.message
        assert item.help


def test_names_of_policies_are_compared_with_those_of_a_chain() -> None:
    assert check(SHED, "shed.py", roles=["operator"], organisations=[]) == []
    (found,) = check(SHED, "shed.py", roles=["operatr", "bank"], organisations=[])
    assert found.code == "policy.unknown"
    assert found.help == "did you mean role:operatr?"


@pytest.mark.parametrize(
    "name", ["email", "phone_number", "date_of_birth", "passportNo", "id_card"]
)
def test_personal_names_are_known(name: str) -> None:
    assert looks_personal(name)
    assert not looks_personal(f"{name}_hash")


@pytest.mark.parametrize(
    "name", ["id", "holder", "amount", "fingerprint", "birth_count", "addressee"]
)
def test_other_names_are_not(name: str) -> None:
    assert not looks_personal(name)


def test_a_syntax_error_is_a_finding_too(cli: Cli, folder: Path) -> None:
    (folder / "broken.py").write_text("class X(:\n")
    ran = cli("contract", "check", "broken.py", "--json")
    assert ran.code == 1
    assert ran.json["diagnostics"][0]["code"].startswith("syntax.")


def test_a_break_that_never_runs_is_not_covered(cli: Cli, folder: Path) -> None:
    (folder / "shed.py").write_text(
        "from lianheng.contract import Contract, view\n"
        "class Loops(Contract):\n"
        "    @view\n"
        "    def first(self, xs: list[int]) -> int:\n"
        "        n = 0\n"
        "        for x in xs:\n"
        "            n += 1\n"
        "            if x == 3:\n"
        "                break\n"
        "        while n > 100:\n"
        "            n -= 1\n"
        "            if n == 5:\n"
        "                break\n"
        "        if n > 50:\n"
        "            n = 1\n"
        "        return n\n"
    )
    (folder / "test_shed.py").write_text(
        "def test_all(ledger):\n"
        "    loops = ledger.deploy('shed.py')\n"
        "    assert loops.first([1, 2]) == 2\n"
        "    assert loops.first([1] * 102) == 1\n"
    )
    machine = cli("contract", "coverage", "--json").json
    (missing,) = (found["missing"] for found in machine["files"].values())
    assert missing == [9, 13]


def test_files_of_one_name_have_budgets_of_their_own(cli: Cli, folder: Path) -> None:
    for name, many in (("a", 1), ("b", 3)):
        (folder / name).mkdir()
        (folder / name / "shed.py").write_text(SHED)
        (folder / name / f"test_{name}.py").write_text(
            TEST.replace('"shed.py"', f'"{name}/shed.py"').replace(
                'add("x")', f'add("x", many={many})'
            )
        )
    (folder / "test_shed.py").unlink()
    (folder / "kept").mkdir()
    assert cli("contract", "gas", "--write-budget", "kept/gas.json").code == 0
    budget = json.loads(Path("kept/gas.json").read_text())
    assert set(budget) == {"../a/shed.py", "../b/shed.py"}
    assert budget["../a/shed.py"]["add"] < budget["../b/shed.py"]["add"]
    assert cli("contract", "gas", "--budget", "kept/gas.json").code == 0


def test_a_record_in_rows_and_arguments_concerns_both(cli: Cli, folder: Path) -> None:
    source = SHED.replace("id: str, many: int = 1)", "tool: Tool, id: str, many: int = 1)")
    (folder / "old.py").write_text(source)
    changed = source.replace("    holder: str\n", "    holder: int\n")
    changed = changed.replace("holder=self.caller.organisation", "holder=number")
    changed = changed.replace("def held(self, holder: str)", "def held(self, holder: int)")
    (folder / "new.py").write_text(changed)
    found = cli("contract", "diff", "old.py", "new.py", "--json").json
    effects = [one["effect"] for one in found["changes"] if one["where"] == "Tool.holder"]
    assert effects == ["migration", "callers"]


def test_what_a_script_is_refused_when_it_runs_names_line_and_rule(cli: Cli, folder: Path) -> None:
    (folder / "s.py").write_text("s = {1, 2}\nfor x in s:\n    print(x)\n")
    ran = cli("contract", "run", "s.py")
    assert ran.code == 2
    assert ran.err.startswith("s.py:2: language.refused: the order of a set is arbitrary")
    assert "Traceback" not in ran.err
