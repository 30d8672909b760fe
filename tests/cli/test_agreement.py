"""`lianheng governance`, `members` and `policy`: what people type to agree, and to ask."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lianheng.cli._proposals import check_digest, in_words, parse_duration
from lianheng.consensus import open_ledger
from lianheng.members import Identity, Registration, write_identity
from lianheng.model import InvalidValue, LedgerError, encode

ALICE, BOB, CAROL = (("--as", who) for who in ("alice@bank-a", "bob@bank-b", "carol@grid"))
DAY = 86_400_000


@pytest.fixture
def governed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chain of three organisations on which nobody deploys alone."""
    monkeypatch.chdir(tmp_path)
    orgs = ("--orgs", "bank-a,bank-b,grid", "--chain", "trade")
    assert cli("init", "--dev", "--governed", *orgs).code == 0
    assert cli("contract", "new", "toolshed", "--dir", ".").code == 0
    return tmp_path


def verify(folder: Path, proofs: Path) -> subprocess.CompletedProcess[str]:
    """The separate program on all proofs of an answer."""
    files = sorted(map(str, proofs.glob("*.cbor")))
    command = [str(Path(sys.executable).with_name("lianheng-verify")), "state", *files]
    return subprocess.run(
        [*command, "--anchor", str(folder / "genesis.cbor")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def hand_over(folder: Path, member: str, *, chain: str = "trade") -> Identity:
    """A new key; its public part lies in `new.json`, its identity beside those of the home."""
    made = Identity.generate(member, development=True)
    (folder / "new.json").write_bytes(Registration.make(made, chain).encoded)
    kept = folder / "identities" / f"{member}.identity"
    kept.unlink(missing_ok=True)
    write_identity(kept, made)
    return made


def test_organisations_agree_to_a_contract(governed: Path, cli: Cli) -> None:
    alone = cli("contract", "deploy", "toolshed.py", *ALICE)
    told = cli("policy", "explain", "contracts.deploy", *ALICE)
    assert (alone.code, told.code) == (1, 1)
    sentence = told.out.splitlines()[0]
    assert sentence in alone.out
    assert "could give it: bob@bank-b, carol@grid" in told.out
    made = cli("governance", "propose", "contracts.deploy", "source=@toolshed.py", *ALICE)
    assert "proposal 1 is open" in made.out
    assert (
        "missing: a member with the role admin of one of bank-b, grid; open in 6 days" in made.out
    )
    against = cli("governance", "reject", "1", "--reason", "too long", *BOB)
    assert against.code == 0
    assert "+++ toolshed proposed, toolshed.py" in against.out
    shown = cli("governance", "show", "1")
    assert 'disagrees  bob@bank-b (operator, admin), bank-b: "too long"' in shown.out
    assert "agrees     alice@bank-a (operator, admin), bank-a" in shown.out
    assert re.search(r"source = [\d,]+ characters, hash \w{4}…\w{4}, \+25 -0 lines", shown.out)
    decided = cli("governance", "approve", "1", *CAROL)
    assert decided.code == 0
    assert "proposal 1 is approved" in decided.out
    assert re.search(r"final  height 5  tx \w{8}…", decided.out)
    assert cli("call", "toolshed.add", "id=crane-7", *BOB).code == 0
    assert cli("governance", "show", "1", "--json").json["outcome"]["status"] == "final"
    late = cli("governance", "approve", "1", *BOB)
    assert late.code == 1
    assert governed.is_dir()
    assert "contract.rejected status" in late.out


def test_an_upgrade_is_shown_as_what_it_changes(governed: Path, cli: Cli) -> None:
    propose = ("governance", "propose")
    assert cli("contract", "deploy", "toolshed.py", "--propose", *ALICE).code == 0
    assert cli("governance", "approve", "1", *BOB).code == 0
    source = (governed / "toolshed.py").read_text()
    (governed / "toolshed.py").write_text(source.replace("already here", "here"))
    made = cli(*propose, "contracts.upgrade", "source=@toolshed.py", *ALICE, "--json")
    assert made.json["value"]["status"] == "open"
    shown = cli("governance", "show", "2").out
    assert '-        require(id not in self.tools, "exists", f"{id} is already here")' in shown
    assert '+        require(id not in self.tools, "exists", f"{id} is here")' in shown
    assert "+1 -1 lines" in shown
    done = cli("governance", "approve", "2", *CAROL, "--json").json
    assert (done["value"]["status"], done["run"]["status"]) == ("approved", "final")
    (governed / "toolshed.py").write_text(source)
    assert cli("contract", "upgrade", "toolshed.py", "--propose", *ALICE).code == 0
    assert "+1 -1 lines" in cli("governance", "show", "3").out
    # What it changed is still shown when it is in force.
    assert "+1 -1 lines" in cli("governance", "show", "2").out


def test_a_run_that_is_refused_says_so_and_may_be_settled(governed: Path, cli: Cli) -> None:
    arguments = ("id=carol@grid", "role=nobody")
    assert cli("governance", "propose", "members.appoint", *arguments, *ALICE).code == 0
    ran = cli("governance", "approve", "1", *BOB)
    assert ran.code == 1
    assert "contract.rejected role" in ran.out
    assert "lianheng governance settle 1" in ran.out
    again = cli("governance", "settle", "1", *CAROL)
    assert again.code == 1
    assert "contract.rejected role" in again.out
    assert cli("governance", "withdraw", "1", *ALICE).code == 0
    listed = cli("governance", "list", "--status", "withdrawn", "--json").json["proposals"]
    assert [row["number"] for row in listed] == [1]
    assert governed.is_dir()


def test_only_what_was_shown_is_agreed_to(governed: Path, cli: Cli) -> None:
    arguments = ("id=carol@grid", "role=auditor")
    made = cli("governance", "propose", "members.appoint", *arguments, *ALICE, "--json")
    digest = made.json["value"]["digest"].removeprefix("0x")
    other = cli("governance", "approve", "1", "--digest", f"{digest[:6]}0000", *BOB)
    assert other.code == 2
    assert "proposal.digest" in other.err
    assert cli("governance", "approve", "1", "--digest", digest[:10], *BOB).code == 0
    shown = cli("members", "show", "carol@grid")
    assert "operator, admin, auditor" in shown.out
    assert governed.is_dir()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("propose", "members.nothing"), "contract.no_method"),
        (("propose", "contracts.close"), "contract.no_method"),
        (("propose", "members.appoint", "id=x@grid"), "value.missing"),
        (("propose", "contracts.deploy", "source=@nowhere.py"), "contract.no_file"),
        (
            ("propose", "members.leave", "name=grid", "reason=", "--lasts", "soon"),
            "value.malformed",
        ),
        (("show", "7"), "proposal.unknown"),
        (("approve", "7"), "proposal.unknown"),
        (("list", "--status", "odd"), "value.unknown"),
    ],
)
def test_wrong_usage_is_named(
    governed: Path, cli: Cli, arguments: tuple[str, ...], code: str
) -> None:
    who = () if arguments[0] in {"show", "list"} else ALICE
    ran = cli("governance", *arguments, *who)
    assert ran.code == 2
    assert code in ran.err
    assert governed.is_dir()


def test_members_come_get_keys_and_go(governed: Path, cli: Cli) -> None:
    hand_over(governed, "dan@grid")
    added = cli("members", "add", "new.json", "--roles", "operator", *CAROL)
    assert added.code == 0, added
    assert cli("members", "add", "new.json", *CAROL).code == 1
    hand_over(governed, "dan@grid")
    assert cli("members", "rotate", "new.json", *ALICE).code == 1
    assert cli("members", "rotate", "new.json", *CAROL).code == 0
    assert cli("members", "suspend", "dan@grid", "--reason", "away", *CAROL).code == 0
    assert cli("governance", "withdraw", "9", "--as", "dan@grid").code == 1
    assert cli("members", "reinstate", "dan@grid", *CAROL).code == 0
    assert cli("members", "remove", "dan@grid", *CAROL).code == 0
    keys = cli("members", "show", "dan@grid", "--json").json["keys"]
    assert sorted(key["status"] for key in keys) == ["removed", "removed"]


def test_a_public_part_is_for_one_chain(governed: Path, cli: Cli) -> None:
    hand_over(governed, "dan@grid", chain="other")
    ran = cli("members", "add", "new.json", *CAROL)
    assert ran.code == 1
    assert "identity.wrong_chain" in ran.err


def test_old_heights_are_told_and_proved(governed: Path, cli: Cli) -> None:
    hand_over(governed, "dan@grid")
    assert cli("members", "add", "new.json", "--roles", "operator", *CAROL).code == 0
    assert cli("members", "suspend", "dan@grid", *CAROL).code == 0
    first = 2
    for height, wanted in {1: [], 2: ["active"], 3: ["suspended"]}.items():
        told = cli("members", "--org", "grid", "--at", str(height), "--json").json["members"]
        assert [m["status"] for m in told if m["member"] == "dan@grid"] == wanted
    for height in (first - 1, first, first + 1):
        proofs = governed / f"proofs-{height}"
        asked = ("members", "--at", str(height), "--proof", str(proofs))
        assert cli(*asked).code == 0
        done = verify(governed, proofs)
        assert done.returncode == 0, done.stdout
        shown = re.findall(r"members\.members\['dan@grid', (\d)\] (=|is absent)", done.stdout)
        versions = {first: [("0", "="), ("1", "=")], first + 1: [("1", "="), ("2", "is absent")]}
        assert shown == versions.get(height, [])
    refused = cli("members", "--at", "99")
    assert refused.code == 2
    assert "height.unknown" in refused.err


def test_who_could_call_what_when(governed: Path, cli: Cli) -> None:
    def how(height: str) -> dict[str, str]:
        ran = cli("policy", "who", "members.declare_role", "--at", height, "--json")
        return {one["member"]: one["how"] for one in ran.json["members"]}

    rule = ("target=members.declare_role", "policy=role:auditor or role:operator of grid")
    assert cli("governance", "propose", "policies.set", *rule, *ALICE).code == 0
    decided = cli("governance", "approve", "1", *BOB, "--json").json
    changed = decided["run"]["height"] + 1
    assert how(str(changed)) == {"carol@grid": "alone"}
    assert how(str(changed - 1)) == dict.fromkeys(
        ("alice@bank-a", "bob@bank-b", "carol@grid"), "others"
    )
    listed = cli("policy", "members.declare_role", "--json").json["policies"]
    assert listed[0]["set_by_chain"] is True
    assert listed[0]["declared"] == "MAJORITY role:admin"
    for height in (changed - 1, changed):
        proofs = governed / f"proofs-{height}"
        asked = ("policy", "who", "members.declare_role", "--at", str(height))
        assert cli(*asked, "--proof", str(proofs)).code == 0
        done = verify(governed, proofs)
        assert done.returncode == 0
        assert "policies.rules['members.declare_role', 0] = " in done.stdout
    met = cli("policy", "explain", "members.declare_role", *CAROL)
    assert met.code == 0
    assert "met by carol@grid" in met.out
    own = cli("policy", "explain", "members.leave", "name=grid", *ALICE, "--json").json
    assert own["missing"] == "a member of grid with the role admin"
    assert own["could_give_it"] == ["carol@grid"]
    assert cli("policy", "explain", "members.leave", "name=grid", *CAROL).code == 0


def test_proofs_never_overwrite(governed: Path, cli: Cli) -> None:
    ran = cli("members", "--proof", str(governed))
    assert ran.code == 2
    assert "proof.not_empty" in ran.err


def test_the_same_through_a_running_node(governed: Path, cli: Cli) -> None:
    assert cli("up", "--detach").code == 0
    try:
        made = cli("governance", "propose", "contracts.deploy", "source=@toolshed.py", *ALICE)
        assert made.code == 0
        decided = cli("governance", "approve", "1", *BOB, "--json").json
        assert decided["run"]["status"] == "final"
        proofs = governed / "proofs"
        assert cli("policy", "who", "toolshed.lend", "--proof", str(proofs)).code == 0
        assert verify(governed, proofs).returncode == 0
    finally:
        assert cli("down").code == 0


def test_a_call_under_the_digest_of_another_is_not_shown(governed: Path, cli: Cli) -> None:
    arguments = ("id=carol@grid", "role=auditor")
    assert cli("governance", "propose", "members.appoint", *arguments, *ALICE).code == 0
    with open_ledger(governed / "ledger") as ledger:
        row = ledger.view("governance.proposal", {"number": 1})
    check_digest(row)
    other = encode({"id": "alice@bank-a", "role": "auditor"})
    for change in ({"arguments": other}, {"method": "give_role"}, {"source": bytes(32)}):
        with pytest.raises(LedgerError) as caught:
            check_digest({**row, **change})
        assert caught.value.code == "proposal.digest"


def test_lengths_of_time() -> None:
    assert parse_duration("7d") == 7 * DAY
    assert parse_duration("1d12h") == DAY + DAY // 2
    for wrong in ("", "7", "d", "7 d", "-1d", "1w"):
        with pytest.raises(InvalidValue):
            parse_duration(wrong)
    assert in_words(DAY + 3_600_000) == "1 day 1 hour"
    assert in_words(59_000) == "59 seconds"
    assert in_words(0) == "less than a second"


def test_a_rule_with_a_role_that_nobody_has_yet_is_told(governed: Path, cli: Cli) -> None:
    assert governed.is_dir()
    rule = ("policies.set", "target=toolshed.lend")
    ran = cli("governance", "propose", *rule, "policy=role:auditor or role:operator", *ALICE)
    assert ran.code == 0
    assert "! nobody in force has the role auditor yet" in ran.err
    plain = cli("governance", "propose", *rule, "policy=role:operator", *ALICE)
    assert "nobody in force" not in plain.err + plain.out
    assert cli("governance", "propose", *rule, "policy=role:king", *ALICE).code == 0
    refused = cli("governance", "approve", "3", *BOB)
    assert refused.code == 1
    assert "never_met" in refused.out
    assert "missing: a member with the role king" in refused.out
