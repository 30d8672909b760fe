"""Nothing that three organisations have holds a private key of the fourth, or a passphrase.

A network is begun by ceremony, with encrypted keys and logs at their most talkative, and does what
networks do. Then everything that lies about is searched: homes, stores, logs, exports, receipts,
proofs, and what commands print.
"""

import os
import secrets
import shutil
import subprocess
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.test_network import BIN, Shell
from tests.secrets import expanded, forms_of, holds, secrets_of, views_of

from lianheng.consensus.cometbft.process import find_binary
from lianheng.model import NodeError

pytestmark = pytest.mark.xdist_group("network")

ORGANISATIONS = ("bank-a", "bank-b", "grid", "hospital")
ASKED = ("bank-a", "hospital")
PEOPLE = dict(zip(ORGANISATIONS, ("alice", "bob", "carol", "dan"), strict=True))
PASSPHRASE = "a phrase that stands in no file: 7 crows"
SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hex": lambda key: key.hex().encode(),
    "HEX": lambda key: key.hex().upper().encode(),
    "base64": b64encode,
    "base64 after one": lambda key: b64encode(b"x" + key),
    "base64 after two": lambda key: b64encode(b"xy" + key + b"z"),
    "base64 for addresses": urlsafe_b64encode,
    "base64 in lines": lambda key: b"\n".join([b64encode(key)[:20], b64encode(key)[20:]]),
    "numbers": lambda key: str(list(key)).encode(),
}


class Played(Shell):
    """What lies about after a network worked: each organisation's folder, and what is open."""

    @property
    def network(self) -> Path:
        return self.folder / "net"

    def by(self, name: str, *arguments: str) -> str:
        """A command in an organisation's home, as its person; what it prints is kept."""
        signed = ("--as", f"{PEOPLE[name]}@{name}") if arguments[0] in SIGNED else ()
        done = self.run(*arguments, *signed, "--home", f"net/{name}")
        assert done.returncode == 0, done
        with (self.folder / f"{name}.out").open("a", encoding="utf-8") as kept:
            kept.write(done.stdout + done.stderr)
        return done.stdout

    def of(self, name: str) -> list[Path]:
        """Every file that only this organisation has."""
        own = [self.network / name, self.folder / "given" / name]
        files = [file for folder in own for file in folder.rglob("*") if file.is_file()]
        return [*files, self.folder / f"{name}.out"]

    def of_others(self, name: str) -> list[Path]:
        """Every file but those."""
        own = set(self.of(name))
        return [f for f in self.folder.rglob("*") if f.is_file() and f not in own]


KEY = "net/grid/identities/carol@grid.identity"
SIGNED = ("call", "governance")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Played, bytes]]:
    """All of it, and bytes that were written on the chain on purpose."""
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    shell = Played(tmp_path_factory.mktemp("secrets"))
    shell.environment |= {"LIANHENG_PASSPHRASE": PASSPHRASE, "LIANHENG_DEBUG": "1"}
    orgs = ",".join(ORGANISATIONS)
    shell.ok("init", "net", "--validators", "--governed", "--orgs", orgs, "--chain", "trade")
    for name in ORGANISATIONS:
        settings = shell.network / name / "lianheng.toml"
        settings.write_text(settings.read_text() + 'log_level = "debug"\n')
    told = secrets.token_bytes(32)
    try:
        shell.ok("network", "up", "net")
        work(shell, told)
        shell.folder.joinpath("logs.out").write_text(
            shell.ok("network", "logs", "net", "-n", "5000")
        )
    finally:
        shell.run("network", "down", "net")
    offline(shell)
    yield shell, told
    shutil.rmtree(shell.folder)


def work(shell: Played, told: bytes) -> None:
    """Proposals, a deployment, a new key, a refusal; what was told is a title on the chain."""
    toolshed = Path(__file__).parents[1] / "contracts" / "toolshed.py"
    shutil.copy(toolshed, shell.folder / "toolshed.py")
    source = ("contracts.deploy", "source=@toolshed.py")
    shell.by("bank-a", "governance", "propose", *source)
    shell.by("bank-b", "governance", "approve", "1")
    shell.by("grid", "governance", "approve", "1")
    shell.by("hospital", "call", "toolshed.add", "id=drill")
    title = ("name=bank-a", f"title={told.hex()}", "uscc=", "lei=")
    shell.by("bank-a", "call", "members.describe_organisation", *title)
    given = shell.folder / "given" / "hospital"
    given.mkdir(parents=True)
    new, public = str(given / "dan.identity"), str(shell.folder / "dan.json")
    shell.ok("identity", "new", "dan@hospital", "-o", new)
    shell.ok("identity", "export", new, "--public", "--chain", "trade", "-o", public)
    home = ("--home", "net/hospital", "--as", "admin@hospital")
    shell.ok("members", "rotate", public, *home)
    shell.ok(
        "identity", "import", new, "--replace", "--home", "net/hospital", *same_passphrase(shell)
    )
    refused = shell.run("call", "members.leave", "name=grid", "reason=", *home)
    assert refused.returncode == 1
    shell.by("hospital", "call", "toolshed.add", "id=saw")
    for name in ASKED:
        shell.by(name, "status")
        shell.by(name, "doctor")
        shell.by(name, "members", "--json", "--proof", f"proofs-{name}")
        shell.by(name, "receipt", "1:0", "-o", f"receipt-{name}.cbor")
        shell.by(name, "prove", "toolshed.tools", "drill", "-o", f"proof-{name}.cbor")


def same_passphrase(shell: Played) -> tuple[str, str]:
    """`import` asks for the new one, or reads it from a file, which is then removed."""
    file = shell.folder / "given" / "hospital" / "pass"
    file.write_text(PASSPHRASE)
    return ("--new-passphrase-file", str(file))


def offline(shell: Played) -> None:
    """Exports and checks of the stopped homes; and what a wrong passphrase is told."""
    (shell.folder / "given" / "hospital" / "pass").unlink()
    for name in ASKED:
        shell.by(name, "export", f"export-{name}")
        shell.by(name, "fsck")
    shell.environment |= {"LIANHENG_PASSPHRASE": PASSPHRASE[:-1]}
    (shell.folder / "wrong.out").write_text(failure_of(shell))
    shell.environment |= {"LIANHENG_PASSPHRASE": PASSPHRASE}


def failure_of(shell: Played) -> str:
    """What a developer sees of a key that does not open: all there is to see."""
    ran = subprocess.run(
        [BIN / "lianheng", "identity", "export", KEY, "-o", "x"],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "identity.locked" in ran.stderr
    assert "Traceback" in ran.stderr
    return ran.stdout + ran.stderr


def test_no_private_key_is_with_others(played: tuple[Played, bytes]) -> None:
    shell, _ = played
    for name in ORGANISATIONS:
        home = shell.network / name
        seeds = secrets_of(home, PASSPHRASE)
        assert len(seeds) == (5 if name == "hospital" else 4)
        files = shell.of_others(name)
        for other in set(ORGANISATIONS) - {name}:
            theirs = shell.network / other
            own = {f.relative_to(theirs).parts[0] for f in files if f.is_relative_to(theirs)}
            assert {"ledger", "comet", "node.log", "comet.log", "identities"} <= own
        data = [file.read_bytes() for file in files]
        assert sum(map(len, data)) > 3_000_000
        wanted = {
            form for seed in seeds for key in (seed, *expanded(seed)) for form in forms_of(key)
        }
        views = [view for each in data for view in views_of(each)]
        assert not any(form in view for form in wanted for view in views)


def test_an_encrypted_key_is_nowhere_in_plain(played: tuple[Played, bytes]) -> None:
    shell, _ = played
    data = [file.read_bytes() for file in shell.folder.rglob("*") if file.is_file()]
    views = [view for each in data for view in views_of(each)]
    for name in ORGANISATIONS:
        home = shell.network / name
        people = secrets_of(home, PASSPHRASE)[:-1]
        for seed in people:
            found = any(form in view for form in forms_of(seed) for view in views)
            node = seed in secrets_open(home)
            assert found == node, "only the keys that CometBFT reads are open, in their own home"


def secrets_open(home: Path) -> list[bytes]:
    """The keys of the node, which CometBFT reads in plain."""
    from lianheng.members import read_identity

    return [read_identity(home / "node.identity").seed]


def test_no_passphrase_is_in_any_file(played: tuple[Played, bytes]) -> None:
    shell, _ = played
    forms = {
        form
        for text in (PASSPHRASE, PASSPHRASE[:-1], "7 crows")
        for form in forms_of(text.encode())
    }
    for file in shell.folder.rglob("*"):
        if file.is_file():
            assert not any(form in file.read_bytes() for form in forms), file


def test_the_search_finds_what_is_there(played: tuple[Played, bytes]) -> None:
    shell, told = played
    # Told on the chain: it is in the store, the log of blocks and the export of everybody.
    for name in ORGANISATIONS:
        for folder in ("ledger", "comet"):
            files = [f for f in (shell.network / name / folder).rglob("*") if f.is_file()]
            assert holds((f.read_bytes() for f in files), told), (name, folder)
    for name in ASKED:
        export = shell.folder / f"export-{name}"
        assert holds((f.read_bytes() for f in export.iterdir()), told)
    # Planted beside other bytes, in every spelling.
    key = os.urandom(32)
    for name, spell in SPELLINGS.items():
        noise = os.urandom(1_000).replace(b"\0", b"0")
        assert holds([noise + spell(key) + noise], key), name
        assert not holds([noise + spell(os.urandom(32)) + noise], key), name
    # And its own home does hold the node's key, which CometBFT reads.
    home = shell.network / "grid"
    data = [file.read_bytes() for file in shell.of("grid")]
    assert all(holds(data, seed) for seed in secrets_open(home))
