"""What the commands print, word for word. `LIANHENG_GOLDEN=write pytest tests/cli` renews it."""

import os
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, steady

GOLDEN = Path(__file__).with_name("golden")
STORY = {
    "add": ("call", "toolshed.add", "id=crane-7", "--as", "alice@north"),
    "lend": ("call", "toolshed.lend", "id=crane-7", "to=south", "--as", "alice@north"),
    "refused": ("call", "toolshed.lend", "id=crane-7", "to=north", "--as", "alice@north"),
    "broken": ("call", "toolshed.lend", "id=none", "to=north", "--as", "alice@north"),
    "unknown-argument": ("call", "toolshed.lend", "name=crane-7", "--as", "alice@north"),
    "missing-argument": ("call", "toolshed.lend", "id=crane-7", "--as", "alice@north"),
    "unknown-method": ("call", "toolshed.loan", "id=crane-7", "--as", "alice@north"),
    "unknown-contract": ("call", "garage.lend", "id=crane-7", "--as", "alice@north"),
    "unknown-member": ("call", "toolshed.add", "id=x", "--as", "mallory@north"),
    "unclear-member": ("call", "toolshed.add", "id=x"),
    "little-gas": ("call", "toolshed.add", "id=y", "--as", "alice@north", "--gas", "50"),
    "rows": ("view", "toolshed.tools"),
    "block": ("block", "3"),
    "last-block": ("block",),
    "no-block": ("block", "99"),
    "status": ("status",),
    "contracts": ("contract", "list"),
    "receipt": ("receipt", "3:0", "-o", "lend.cbor"),
    "no-receipt": ("receipt", "ffffffff", "-o", "none.cbor"),
    "prove": ("prove", "toolshed.tools", "crane-7", "-o", "crane.cbor"),
    "prove-absence": ("prove", "toolshed.tools", "crane-8", "-o", "absent.cbor"),
    "trace": ("trace", "3:0"),
    "trace-refused": ("trace", "4:0"),
    "export": ("export", "copy"),
    "replay": ("replay", "copy"),
    "fsck": ("fsck",),
    "check": ("contract", "check", "toolshed.py"),
    "not-running": ("down",),
    "network-new": ("network", "new", "net", "--orgs", "bank-a,bank-b,hospital,grid"),
    "network-again": ("network", "new", "net", "--orgs", "bank-a"),
    "network-status": ("network", "status", "net"),
    "network-down": ("network", "down", "net"),
    "no-network": ("network", "up", "nowhere"),
}


def told(cli: Cli, arguments: tuple[str, ...]) -> str:
    ran = cli(*arguments)
    text = f"$ lianheng {' '.join(arguments)}\n{ran.out}{ran.err}exit {ran.code}\n"
    return steady(text)


@pytest.fixture
def story(cli: Cli, home: Path) -> dict[str, str]:
    assert home.is_dir()
    place = str(home.resolve())
    return {name: told(cli, arguments).replace(place, "HOME") for name, arguments in STORY.items()}


def test_the_commands_print_what_they_printed_before(story: dict[str, str]) -> None:
    if os.environ.get("LIANHENG_GOLDEN") == "write":
        for name, text in story.items():
            (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")
    expected = {f.stem: f.read_text(encoding="utf-8") for f in GOLDEN.glob("*.txt")}
    assert story == expected


def test_every_command_that_asks_the_chain_speaks_json(cli: Cli, home: Path) -> None:
    added = cli(*STORY["add"], "--json")
    assert added.code == 0
    assert added.json["status"] == "final"
    assert added.json["value"] == {"holder": "north", "id": "crane-7"}
    identity = added.json["id"]
    refused = cli("call", "toolshed.lend", "id=crane-7", "to=x", "--as", "bob@south", "--json")
    assert refused.code == 1
    assert refused.json["error"]["reason"] == "not_holder"
    assert refused.json["error"]["file"] == "toolshed.py"
    assert refused.json["error"]["line"] > 0
    assert cli("status", "--json").json["height"] == 3
    assert cli("block", "2", "--json").json["entries"][0]["id"] == identity
    assert cli("view", "toolshed.tools", "--json").json["rows"][0]["id"] == "crane-7"
    for digits in (identity, identity[:8], "2:0"):
        output = home / f"receipt-{len(digits)}.cbor"
        written = cli("receipt", digits, "-o", str(output), "--json")
        assert written.json["id"] == identity
        assert written.json["bytes"] == output.stat().st_size
    shorter, longer = home / "receipt-3.cbor", home / "members.cbor"
    cli("receipt", identity, "-o", str(longer), "--members", "--json")
    assert longer.stat().st_size > shorter.stat().st_size + 1_000
    assert cli("trace", "2:0", "--json").json["result"]["status"] == "final"
    assert cli("fsck", "--json").json["faults"] == []
    assert "toolshed" in cli("contract", "list", "--json").json
    assert cli("doctor", "--json").json["findings"]


def test_a_refused_deployment_shows_line_and_rule(cli: Cli, home: Path) -> None:
    bad = home / "bad.py"
    bad.write_text("from lianheng.contract import Contract\nx = 1.5\n", encoding="utf-8")
    for command in (("contract", "check"), ("contract", "deploy", "--as", "alice@north")):
        ran = cli(*command, str(bad))
        assert ran.code == 1
        assert "bad.py:2" in ran.out
        assert "1.5" in ran.out
    assert cli("status", "--json").json["height"] == 1
