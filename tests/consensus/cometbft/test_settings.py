"""lianheng.toml: what is written is read again; what is not allowed is named."""

import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.consensus.cometbft.settings import (
    LOG_LEVELS,
    SETTINGS_NAME,
    Address,
    ConsensusSettings,
    Peer,
    read_cache_mb,
    read_kind,
    read_settings,
    settings_text,
    write_settings,
)
from lianheng.model import ChainName, HeaderHash, MemberId, UsageError, limits

GENESIS = "ab" * 32
PEER = "0123456789abcdef0123456789abcdef01234567@127.0.0.1:26657"
GOOD = f"""\
chain = "trade"
genesis = "{GENESIS}"
[node]
member = "node-1@bank-a"
[consensus]
kind = "cometbft"
listen = "127.0.0.1:26656"
peers = ["{PEER}"]
"""

hosts = st.one_of(
    st.just("[::1]"),
    st.ip_addresses(v=4).map(str),
    st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20),
)
addresses = st.builds(Address, hosts, st.integers(1, 65_535))
peers = st.builds(Peer, st.text("0123456789abcdef", min_size=40, max_size=40), addresses)
names = st.text(
    st.characters(blacklist_characters="\0/", blacklist_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name.strip(".") != "")


def refusal(folder: Path, text: str) -> UsageError:
    file = folder / SETTINGS_NAME
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as failure:
        read_settings(file)
    assert str(file) in failure.value.message
    return failure.value


def test_a_good_file_with_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / SETTINGS_NAME
    file.write_text(GOOD)
    assert read_kind(file) == "cometbft"
    assert read_settings(file) == ConsensusSettings(
        folder=tmp_path,
        chain=ChainName("trade"),
        genesis=HeaderHash.from_hex(GENESIS),
        member=MemberId("node-1@bank-a"),
        listen=Address("127.0.0.1", 26_656),
        peers=(Peer.parse(PEER),),
        siblings=(),
        cometbft=None,
        mempool_bytes=limits.MEMPOOL_BYTES,
        retain_blocks=0,
        log_level="info",
    )


@given(st.data())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("home")
    listen = data.draw(addresses)
    others = data.draw(st.lists(peers, max_size=4, unique_by=lambda peer: peer.node_id))
    settings = ConsensusSettings(
        folder=folder,
        chain=ChainName("trade"),
        genesis=HeaderHash(data.draw(st.binary(min_size=32, max_size=32))),
        member=MemberId("node-1@bank-a"),
        listen=listen,
        peers=tuple(peer for peer in others if peer.address != listen),
        siblings=tuple(folder.parent / name for name in data.draw(st.lists(names, max_size=3))),
        cometbft=data.draw(st.none() | names.map(lambda name: folder / name)),
        mempool_bytes=data.draw(st.integers(limits.MEMPOOL_BYTES_LEAST, limits.MEMPOOL_BYTES_MOST)),
        retain_blocks=data.draw(st.just(0) | st.integers(limits.RETAIN_BLOCKS_LEAST, 2**40)),
        log_level=data.draw(st.sampled_from(LOG_LEVELS)),
        cache_mb=data.draw(st.integers(limits.CACHE_MB_LEAST, limits.CACHE_MB_MOST)),
    )
    assert read_settings(write_settings(settings)) == settings


def test_a_second_file_is_not_written_over_the_first(tmp_path: Path) -> None:
    file = tmp_path / SETTINGS_NAME
    file.write_text(GOOD)
    settings = read_settings(file)
    with pytest.raises(UsageError) as failure:
        write_settings(replace(settings, log_level="debug"))
    assert failure.value.code == "consensus.settings_exist"
    assert file.read_text() == GOOD


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ('chain = "trade"\n', "", "missing", "chain"),
        ('kind = "cometbft"\n', "", "missing", "kind"),
        ("[node]", "[node]\nextra = 1", "unknown", "extra"),
        ("[node]", "[nodes]\nx = 1\n[node]", "unknown", "nodes"),
        ('listen = "', 'lisen = 1\nlisten = "', "unknown", "lisen"),
        ('"127.0.0.1:26656"', '"127.0.0.1"', "invalid", "listen"),
        ('"127.0.0.1:26656"', '"127.0.0.1:0"', "invalid", "listen"),
        ('"127.0.0.1:26656"', '"127.0.0.1:65536"', "invalid", "listen"),
        ('"127.0.0.1:26656"', '"127.0.0.1:٤٢"', "invalid", "listen"),
        ('"127.0.0.1:26656"', '"a b:26656"', "invalid", "listen"),
        ('"127.0.0.1:26656"', '"tcp://127.0.0.1:26656"', "invalid", "listen"),
        ('"127.0.0.1:26656"', "26656", "invalid", "listen"),
        (f'["{PEER}"]', f'"{PEER}"', "invalid", "peers"),
        (f'["{PEER}"]', "[1]", "invalid", "peers"),
        (f'["{PEER}"]', '["127.0.0.1:26657"]', "invalid", "peers"),
        (f'["{PEER}"]', f'["{PEER.upper()}"]', "invalid", "peers"),
        (f'["{PEER}"]', f'["{PEER}", "{PEER}"]', "invalid", "peers"),
        ("26657", "26656", "invalid", "peers"),
        ('"cometbft"', '"solo"', "invalid", "kind"),
        ('"cometbft"', "1", "invalid", "kind"),
        (GENESIS, GENESIS[2:], "invalid", "genesis"),
        (GENESIS, "zz", "invalid", "genesis"),
        ('"trade"', '"Trade!"', "invalid", "chain"),
        ('"node-1@bank-a"', '"node-1"', "invalid", "member"),
        ("peers =", "mempool_bytes = 1\npeers =", "invalid", "mempool_bytes"),
        ("peers =", "mempool_bytes = true\npeers =", "invalid", "mempool_bytes"),
        ("peers =", "retain_blocks = 5\npeers =", "invalid", "retain_blocks"),
        ("peers =", "retain_blocks = false\npeers =", "invalid", "retain_blocks"),
        ("peers =", "retain_blocks = -1\npeers =", "invalid", "retain_blocks"),
        ("peers =", 'log_level = "loud"\npeers =', "invalid", "log_level"),
        ("peers =", "siblings = [1]\npeers =", "invalid", "siblings"),
        ("peers =", 'cometbft = ""\npeers =', "invalid", "cometbft"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, code: str, told: str) -> None:
    assert old in GOOD
    failure = refusal(tmp_path, GOOD.replace(old, new))
    assert failure.code == f"consensus.setting_{code}"
    assert told in failure.message
    assert failure.hint


@pytest.mark.parametrize("table", ["node", "consensus"])
def test_a_table_that_is_none(tmp_path: Path, table: str) -> None:
    other = "consensus" if table == "node" else "node"
    text = f'chain = "trade"\ngenesis = "{GENESIS}"\n{table} = 1\n[{other}]\n'
    assert refusal(tmp_path, text).code.startswith("consensus.setting_")


def test_files_that_are_not_toml(tmp_path: Path) -> None:
    assert refusal(tmp_path, "chain = ").code == "consensus.settings_malformed"
    assert refusal(tmp_path, "x = " + "[" * 20_000).code == "consensus.settings_malformed"
    assert refusal(tmp_path, "#" * 70_000).code == "consensus.settings_malformed"
    (tmp_path / SETTINGS_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as failure:
        read_settings(tmp_path / SETTINGS_NAME)
    assert failure.value.code == "consensus.settings_malformed"
    with pytest.raises(UsageError) as failure:
        read_settings(tmp_path / "missing.toml")
    assert failure.value.code == "consensus.settings_unreadable"


@given(st.binary(max_size=200))
def test_no_bytes_make_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("home") / SETTINGS_NAME
    file.write_bytes(data)
    with pytest.raises(UsageError):
        read_settings(file)


def test_the_file_of_an_embedded_ledger_is_solo(tmp_path: Path) -> None:
    file = tmp_path / SETTINGS_NAME
    file.write_text(f'chain = "trade"\ngenesis = "{GENESIS}"\n')
    assert read_kind(file) == "solo"
    file.write_text('[consensus]\nkind = "raft"\n')
    with pytest.raises(UsageError) as failure:
        read_kind(file)
    assert failure.value.code == "consensus.setting_invalid"
    file.write_text("consensus = 1\n")
    with pytest.raises(UsageError):
        read_kind(file)


def test_paths_are_from_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "bank-a" / SETTINGS_NAME
    file.parent.mkdir()
    file.write_text(GOOD + 'siblings = ["../bank-b"]\ncometbft = "/opt/cometbft"\n')
    settings = read_settings(file)
    assert settings.siblings == (tmp_path / "bank-b",)
    assert settings.cometbft == Path("/opt/cometbft")
    assert '"../bank-b"' in settings_text(settings)


def test_memory_of_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / SETTINGS_NAME
    file.write_text(GOOD)
    assert read_settings(file).cache_mb == limits.CACHE_MB
    file.write_text(f"{GOOD}[store]\ncache_mb = 96\n")
    assert read_settings(file).cache_mb == read_cache_mb(file) == 96
    # A solo node's file has no table [consensus].
    file.write_text("[store]\ncache_mb = 16\n")
    assert read_cache_mb(file) == 16


@pytest.mark.parametrize("value", ["15", "65537", '"64"', "true", "64.0"])
def test_memory_that_no_ledger_may_have_is_refused(tmp_path: Path, value: str) -> None:
    failure = refusal(tmp_path, f"{GOOD}[store]\ncache_mb = {value}\n")
    assert failure.code == "consensus.setting_invalid"
    assert "[store]" in failure.message
    failure = refusal(tmp_path, f"{GOOD}[store]\ncache = 64\n")
    assert failure.code == "consensus.setting_unknown"
