"""Stores of a network that stopped: each has blocks and seals as far as it came."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli, Ran
from tests.verify.chainmaker import comet
from tests.verify.chainmaker.signing import Key

import lianheng_verify
from lianheng import _native
from lianheng.consensus import open_engine, open_ledger
from lianheng.members import CallSigner, read_identity
from lianheng.members.ceremony import Ceremony
from lianheng.model import ChainName, GenesisFile, HeaderHash, decode, encode, native_errors

NAMES = ("a", "b", "c", "d")
PEOPLE = dict(zip(NAMES, ("alice", "bob", "carol", "dan"), strict=True))
CONTRACT = (Path(__file__).parents[1] / "contracts" / "toolshed.py").resolve()
GAP = 2


@dataclass(frozen=True)
class NodeKey(Key):
    """A node's key, as CometBFT's votes are signed with it."""

    secret: bytes

    @property
    def seed(self) -> bytes:
        return self.secret


class Stopped:
    """Homes of a network in FOLDER/net whose blocks and seals this makes, without CometBFT."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        made = cli(
            *("network", "new", "net", "--orgs", ",".join(NAMES), "--chain", "trade"),
            *("--contracts", str(CONTRACT)),
        )
        assert made.code == 0, made.err
        self.folder = folder
        genesis = GenesisFile.from_bytes((folder / "net" / "a" / "genesis.cbor").read_bytes())
        self.genesis, self.now = genesis, genesis.document.time
        nodes = [read_identity(folder / "net" / name / "node.identity") for name in NAMES]
        self.set = comet.ordered([(NodeKey(str(n.member), n.seed), 1) for n in nodes])
        self.seals: dict[int, Any] = {}

    def home(self, name: str) -> Path:
        return self.folder / "net" / name

    def sign(self, tool: str) -> bytes:
        signer = CallSigner(ChainName("trade"), HeaderHash(self.genesis.hash), lambda: self.now)
        person = read_identity(self.home("a") / "identities" / "alice@a.identity")
        return signer.sign(person, "toolshed.add", {"id": tool})

    def block(self, *tools: str, at: str = "abcd", sealed: str = "abcd", height: int) -> None:
        """The block of this height on some homes; some of them get its seal."""
        transactions = [self.sign(tool) for tool in tools]
        time = self.now + height
        for name in at:
            engine = open_engine(self.home(name) / "ledger")
            with native_errors():
                assert engine.height == height - 1
                pending = engine.execute([engine.prepare(transactions)], time, height * GAP)
                header = pending.header_hash
                engine.commit(pending, None)
                if name in sealed:
                    engine.add_seal(height, encode(self.seal(height, header)))
                engine.close()

    def seal(self, height: int, application: bytes) -> Any:
        consensus = height * GAP + 1
        fields = {
            "chain_id": self.genesis.hash[:24].hex(),
            "height": consensus,
            "time": [self.now // 1000 + consensus, 0],
            "application": application,
            "validators": comet.validators_hash(self.set),
            "next_validators": comet.validators_hash(self.set),
            "proposer": comet.address(self.set[0][0].public),
        }
        return comet.make_seal(comet.make_header(fields), self.set, comet.Ballot({3: None}))


@pytest.fixture
def stopped(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """Two sealed blocks on all, a third one that only `a` and `b` executed, and `d` has sealed."""
    monkeypatch.chdir(tmp_path)
    made = Stopped(cli, tmp_path)
    made.block("crane", height=1)
    made.block("saw", "drill", height=2, at="abd")
    made.block("ladder", height=3, at="abd", sealed="d")
    return made


def new(cli: Cli, home: str = "net/a", *more: str, file: str = "g.cbor") -> Ran:
    return cli("genesis", "new", "trade-2", "--continue", home, "-o", file, *more)


def join(cli: Cli, org: str, *more: str, file: str = "g.cbor") -> Ran:
    return cli(*("genesis", "join", file, "--org", org, "--home", f"new/{org}", "--dev"), *more)


@pytest.mark.usefixtures("stopped")
def test_the_unsealed_tail_is_named_and_left_behind(cli: Cli, tmp_path: Path) -> None:
    made = new(cli, "net/a", "--without", "c,d")
    assert made.code == 0, made.err
    assert "left behind: block 3 with 1 transaction" in made.out
    with open_ledger(tmp_path / "net" / "a" / "ledger") as ledger:
        assert ledger.block(3).entries[0].id.hex() in made.out
    shown = cli("genesis", "show", "g.cbor", "--json").json["continues"]
    assert (shown["height"], shown["without"]) == (2, ["c", "d"])
    for name in "ab":
        done = join(cli, name, "--continue", f"net/{name}", "--member", f"{PEOPLE[name]}=operator")
        assert done.code == 0, done.err
    files = [tmp_path / "new" / name / "carried.state" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    for name in "ab":
        assert cli("genesis", "sign", "g.cbor", "--home", f"new/{name}").code == 0
    for name in "ab":
        done = cli("genesis", "finish", "g.cbor", "--home", f"new/{name}")
        assert done.code == 0, done.err
    genesis = [(tmp_path / "new" / name / "genesis.cbor").read_bytes() for name in "ab"]
    assert genesis[0] == genesis[1]
    tools = [
        cli("view", "toolshed.where", f"id={tool}", "--home", "new/b", "--json")
        for tool in ("crane", "saw", "drill", "ladder")
    ]
    assert [tool.code for tool in tools] == [0, 0, 0, 1]
    assert not list((tmp_path / "new" / "a").glob(".lianheng-*"))
    assert "carried.state" in {f.name for f in (tmp_path / "new/a/ledger/store").iterdir()}
    anchor = (tmp_path / "net" / "c" / "genesis.cbor").read_bytes()
    with files[0].open("rb") as state:
        verified = lianheng_verify.verify_continuation(genesis[0], anchor, state)
    assert (verified.height, verified.without) == (2, ("c", "d"))
    assert verified.organisations == ("a", "b")
    # Who signed on after that block shows it.
    made_file = cli("block", "3", "-o", "three.cbor", "--home", "net/d")
    assert made_file.code == 0, made_file.err
    with pytest.raises(lianheng_verify.VerificationError) as refused:
        lianheng_verify.verify_continuation(genesis[0], Path("three.cbor").read_bytes())
    assert refused.value.code == "continues.earlier"


def test_a_later_seal_vouches_for_a_block_that_lacks_its_own(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Stopped(cli, tmp_path)
    made.block("crane", height=1, sealed="")
    made.block("saw", height=2)
    done = new(cli, "net/a", "--without", "d")
    assert done.code == 0, done.err
    assert cli("genesis", "show", "g.cbor", "--json").json["continues"]["height"] == 2


def refused_with(done: Ran, code: str, *texts: str) -> None:
    assert done.code != 0
    assert code in done.err, done.err
    for text in texts:
        assert text in done.err, done.err


@pytest.mark.usefixtures("stopped")
def test_a_store_that_ends_elsewhere_is_refused(cli: Cli, tmp_path: Path) -> None:
    assert new(cli, "net/a", "--without", "d").code == 0
    behind = join(cli, "c", "--continue", "net/c")
    refused_with(behind, "continue.behind", "ends at height 1", "2")
    assert not (tmp_path / "new" / "c" / "carried.state").exists()
    assert new(cli, "net/a", "--without", "b", file="late.cbor").code == 0
    older = join(cli, "d", "--continue", "net/d", file="late.cbor")
    refused_with(older, "continue.older", "from height 2", "up to 3")
    neither = join(cli, "b")
    refused_with(neither, "continue.no_state", "--continue")
    # Who is behind takes the file of another, and checks it.
    joined = join(cli, "a", "--continue", "net/a")
    assert joined.code == 0
    assert "not taken along: 1 member, alice@a" in joined.out
    good = tmp_path / "new" / "a" / "carried.state"
    data = good.read_bytes()
    bad = tmp_path / "bad.state"
    bad.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    altered = join(cli, "c", "--state", str(bad))
    refused_with(altered, "genesis.other_state", "state root")
    assert not (tmp_path / "new" / "c" / "carried.state").exists()
    assert join(cli, "c", "--state", str(good)).code == 0
    assert join(cli, "b", "--continue", "net/b").code == 0
    good.write_bytes(bad.read_bytes())
    refused_with(cli("genesis", "sign", "g.cbor", "--home", "new/a"), "genesis.other_state")
    good.unlink()
    refused_with(cli("genesis", "sign", "g.cbor", "--home", "new/a"), "continue.no_state")


def test_another_history_is_refused_with_both_values(
    cli: Cli, stopped: Stopped, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "net" / "c", tmp_path / "net" / "forked")
    stopped.block("other", height=2, at=("forked",), sealed=())  # type: ignore[arg-type]
    assert new(cli, "net/a", "--without", "d").code == 0
    ours, theirs = (header_of(tmp_path / "net" / name, 2) for name in ("forked", "a"))
    forked = join(cli, "c", "--continue", "net/forked")
    refused_with(forked, "continue.other_header", ours, theirs)
    other = cli("network", "new", "else", "--orgs", "a,b", "--chain", "trade")
    assert other.code == 0
    of_other = join(cli, "a", "--continue", "else/a")
    refused_with(of_other, "continue.other_chain", stopped.genesis.hash.hex())
    refused_with(new(cli, "else/a", file="n.cbor"), "continue.nothing")


def header_of(home: Path, height: int) -> str:
    engine = open_engine(home / "ledger")
    with native_errors():
        found = engine.header(height)
        engine.close()
    assert found is not None
    return _native.hash_bytes(found[0]).hex()


@pytest.mark.usefixtures("stopped")
def test_nobody_is_left_out_by_accident(cli: Cli) -> None:
    forgotten = new(cli, "net/a", "--orgs", "a,b,fresh", "--without", "c")
    refused_with(forgotten, "continue.left_out", "d takes part")
    refused_with(new(cli, "net/a", "--without", "nobody"), "continue.unknown")
    same = cli("genesis", "new", "trade", "--continue", "net/a", "-o", "g.cbor")
    refused_with(same, "genesis.bad_continuation")
    alone = cli("genesis", "new", "trade-2", "--without", "a", "-o", "g.cbor")
    refused_with(alone, "ceremony.organisations")
    assert not Path("g.cbor").exists()
    assert new(cli, "net/a", "--orgs", "a,b,fresh", "--without", "c,d").code == 0
    assert cli("genesis", "show", "g.cbor", "--json").json["missing"] == ["a", "b", "fresh"]


@pytest.mark.usefixtures("stopped")
def test_an_altered_document_is_refused(cli: Cli) -> None:
    assert new(cli, "net/a", "--without", "c,d").code == 0
    fields = decode(Path("g.cbor").read_bytes())
    terms = decode(fields["terms"])
    wrong = {**terms["continues"], "last": terms["continues"]["last"][:-1] + b"x"}
    for continues in (wrong, {"last": b"", "without": []}, {**terms["continues"], "without": 5}):
        changed = {**fields, "terms": encode({**terms, "continues": continues})}
        del changed["check"]
        check = _native.hash_bytes(encode(changed))
        Path("bad.cbor").write_bytes(encode({**changed, "check": check}))
        done = join(cli, "a", "--continue", "net/a", file="bad.cbor")
        assert done.code != 0
        assert not Path("new/a/lianheng.toml").exists()
    # The continuation is part of what the words stand for.
    plain = Ceremony.from_bytes(Path("g.cbor").read_bytes()).terms
    assert cli("genesis", "new", "trade-2", "--orgs", "a,b", "-o", "p.cbor").code == 0
    assert Ceremony.from_bytes(Path("p.cbor").read_bytes()).terms.hash != plain.hash
    not_asked = join(cli, "a", "--continue", "net/a", file="p.cbor")
    refused_with(not_asked, "continue.not_asked")
