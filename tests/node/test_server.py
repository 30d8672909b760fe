"""The local socket: ordinary use, many at once, and everything a client can do wrong."""

import asyncio
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.node.support import RawClient, frame, make_home, serving
from tests.rooms import People

from lianheng.client import AsyncLocalClient, Home, LocalClient, RemoteBackend, connect, wire
from lianheng.ledger import tally
from lianheng.model import (
    CallRefused,
    InvalidValue,
    LianhengError,
    NodeError,
    NotFound,
    Status,
    UsageError,
    limits,
)
from lianheng.node._methods import METHODS


class Place:
    def __init__(self, folder: Path, them: People) -> None:
        self.folder = folder
        self.them = them


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("home")
    them = make_home(folder)
    with serving(folder):
        yield Place(folder, them)


def still_serves(place: Place) -> None:
    with LocalClient.connect(place.folder) as client:
        assert client.height >= 0


def test_a_client_does_what_the_ledger_does(place: Place) -> None:
    with connect(place.folder) as client:
        assert isinstance(client, LocalClient)
        before = client.height
        result = client.call(place.them.alice, "toolshed.add", id="remote").checked()
        assert result.value == {"id": "remote", "holder": "north"}
        assert (result.height, result.index) == (before + 1, 0)
        assert result.id is not None
        assert client.result(result.id) == result
        assert client.find(result.id.hex()[:12]) == result.id
        assert client.view("toolshed.where", {"id": "remote"}) == "north"
        table = client.table("toolshed", "tools")
        assert table.get("remote")["holder"] == "north"
        assert ("remote",) in [row.key for row in table]
        assert [row.key for row in table.by("holder", "north")]
        assert client.source("toolshed")[0] == "toolshed.py"
        assert client.block(result.height or 0).entry(0).id == result.id
        assert [block.height for block in client.blocks(client.height)] == [client.height]
        assert client.receipt(result.id)
        assert client.prove("toolshed", "tools", ["remote"])
        assert client.header_file(1)
        assert client.trace(result.id)
        assert client.status()["node"]["pid"] == os.getpid()
        assert client.genesis.hash == client.genesis_hash
        with pytest.raises(CallRefused):
            client.view("toolshed.where", {"id": "nothing"})
        with pytest.raises(NotFound):
            client.block(10**6)


def test_refusals_and_drops_cross_the_socket_whole(place: Place) -> None:
    with connect(place.folder) as client:
        refused = client.call(place.them.dora, "toolshed.add", id="x")
        assert refused.error is not None
        assert (refused.status, refused.error.code) == (Status.REFUSED, "policy.denied")
        dropped = client.submit([b"\xff", client.sign(place.them.stranger, "toolshed.add")])
        first, second = dropped.wait(10)
        assert first.error is not None
        assert second.error is not None
        assert first.id is None
        assert second.id is not None
        assert first.error.code == "dropped.undecodable"
        assert (second.error.code, bool(second.error.hint)) == ("dropped.unknown_key", True)


def test_a_client_exports_and_checks_the_chain(place: Place, tmp_path: Path) -> None:
    with connect(place.folder) as client:
        client.call(place.them.alice, "toolshed.add", id="exported")
        assert client.export(tmp_path / "out") == client.height
        assert client.fsck()["faults"] == []


def test_progress_is_told_on_the_way(place: Place) -> None:
    heard: list[tuple[int, int]] = []
    with connect(place.folder) as client:
        client.call(place.them.alice, "toolshed.add", id="progress")
        client.fsck(progress=lambda done, total: heard.append((done, total)))
    assert heard
    assert all(done <= total for done, total in heard)


def test_requests_are_pipelined_on_one_connection(place: Place) -> None:
    with RawClient(place.folder) as raw:
        raw.send(b"".join(frame([number, "head", {}]) for number in range(1, 400)))
        answers = [raw.read() for _ in range(399)]
    assert sorted(answer.id for answer in answers) == list(range(1, 400))
    assert {answer.kind for answer in answers} == {wire.VALUE}


def test_many_clients_submit_at_once(place: Place) -> None:
    failures: list[object] = []

    def work(worker: int) -> None:
        with LocalClient.connect(place.folder) as client:
            calls = [("toolshed.add", {"id": f"m{worker}-{number}"}) for number in range(50)]
            signed = client.sign_many(place.them.alice, calls)
            submissions = [client.submit(signed[at : at + 10]) for at in range(0, 50, 10)]
            tallies = [tally(submission.wait(30)) for submission in submissions]
            if tallies != [(10, 0, 0)] * 5:
                failures.append(tallies)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_answers_larger_than_a_frame_come_in_parts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAGE_BYTES", 2_000)
    with LocalClient.connect(place.folder) as client:
        calls = [("toolshed.add", {"id": f"part{number}"}) for number in range(100)]
        results = client.submit(client.sign_many(place.them.alice, calls)).wait(30)
        assert [result.value["id"] for result in results] == [c[1]["id"] for c in calls]
        assert [block.height for block in client.blocks()] == list(range(1, client.height + 1))


def test_large_rows_come_in_pages_that_fit_a_frame(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalClient.connect(place.folder) as client:
        calls = [("toolshed.add", {"id": f"row{number:02}" + "x" * 500}) for number in range(40)]
        client.submit(client.sign_many(place.them.alice, calls)).wait(30)
        table = client.table("toolshed", "tools")
        rows = {row.key: row.value for row in table}
        indexed = [row.key for row in table.by("holder", "north", 1_000)]
        monkeypatch.setattr(limits, "PAGE_BYTES", 3_000)
        assert {row.key: row.value for row in table} == rows
        for reverse in (False, True):
            large = 0
            scanned, after = [], None
            while page := table.scan((), 30, after=after, reverse=reverse):
                large += all(row.key[0].startswith("row") for row in page)
                assert len(page) <= 3 or any(len(row.key[0]) < 100 for row in page)
                scanned += [row.key for row in page]
                after = page.after
                if after is None:
                    break
            assert scanned == sorted(rows, reverse=reverse)
            # Keys count as well as values.
            assert large >= 10
            found, after = [], None
            while page := table.by("holder", "north", after=after, reverse=reverse):
                found += [row.key for row in page]
                after = page.after
                if after is None:
                    break
            assert found == (indexed[::-1] if reverse else indexed)
        monkeypatch.setattr(limits, "PAGE_BYTES", 1)
        assert len(table.scan((), 30)) == 1


def test_a_client_gets_no_more_gas_for_a_view_than_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalClient.connect(place.folder) as client:
        client.call(place.them.alice, "toolshed.add", id="gas")
        assert client.view("toolshed.where", {"id": "gas"}, gas=2**63) == "north"
        monkeypatch.setattr(limits, "VIEW_GAS", 1)
        with pytest.raises(CallRefused) as caught:
            client.view("toolshed.where", {"id": "gas"}, gas=10**9)
        assert caught.value.code.startswith("gas.")
        for wrong in (-1, "much"):
            with pytest.raises(LianhengError):
                client.view("toolshed.where", {"id": "gas"}, gas=wrong)  # type: ignore[arg-type]


def test_an_unknown_member_is_named_through_the_socket(place: Place) -> None:
    with LocalClient.connect(place.folder) as client, pytest.raises(NotFound) as caught:
        client.view("toolshed.where", {"id": "gas"}, as_="nobody@north")
    assert caught.value.code == "member.unknown"


def test_the_asynchronous_client_does_the_same(place: Place) -> None:
    async def work() -> None:
        async with await AsyncLocalClient.connect(place.folder) as client:
            results = await asyncio.gather(
                *(client.call(place.them.alice, "toolshed.add", id=f"a{n}") for n in range(30))
            )
            assert all(result.final for result in results)
            assert await client.view("toolshed.where", {"id": "a3"}) == "north"
            assert (await client.get("toolshed", "tools", ["a4"]))["holder"] == "north"
            assert await client.get("toolshed", "tools", ["none"]) is None
            with pytest.raises(NodeError, match="method_unknown"):
                await client.request("nonsense")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.request("head"), 0)
            assert await client.request("head")

    asyncio.run(work())


BAD_FRAMES = [
    (b"\0\0\0\0", "node.frame_size"),
    (b"\xff\xff\xff\xff", "node.frame_size"),
    ((limits.FRAME_BYTES + 1).to_bytes(4, "big"), "node.frame_size"),
    (b"\0\0\0\1\xff", "cbor."),
    (b"\0\0\0\2\x18\x01", "cbor."),
    (b"GET / HTTP/1.1\r\n\r\n", "node.frame_size"),
    (frame(1), "node.request_malformed"),
    (frame([]), "node.request_malformed"),
    (frame([0, "head", {}]), "node.request_malformed"),
    (frame([-1, "head", {}]), "node.request_malformed"),
    (frame([True, "head", {}]), "node.request_malformed"),
    (frame([2**60, "head", {}]), "node.request_malformed"),
    (frame([1, 5, {}]), "node.request_malformed"),
    (frame([1, "head", []]), "node.request_malformed"),
    (frame([1, "head", {1: 2}]), "node.request_malformed"),
    (frame([1, "head", {}, 1]), "node.request_malformed"),
]


@pytest.mark.parametrize(("data", "code"), BAD_FRAMES)
def test_a_malformed_frame_is_named_and_ends_the_connection(
    place: Place, data: bytes, code: str
) -> None:
    with RawClient(place.folder) as raw:
        raw.send(data)
        answer = raw.read()
        assert (answer.id, answer.kind) == (wire.NO_REQUEST, wire.ERROR)
        assert answer.value["code"].startswith(code)
        assert answer.value["message"]
        assert raw.ended()
    still_serves(place)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(min_size=4, max_size=200))
def test_any_bytes_leave_the_node_well(place: Place, data: bytes) -> None:
    with RawClient(place.folder) as raw:
        raw.send(data)
    still_serves(place)


@pytest.mark.parametrize(
    ("method", "parameters", "code"),
    [
        ("__init__", {}, "node.method_unknown"),
        ("close", {}, "node.method_unknown"),
        ("head", {"x": 1}, "node.parameters"),
        ("block", {}, "node.parameters"),
        ("block", {"height": "1"}, "node.parameters"),
        ("block", {"height": -1}, "node.parameters"),
        ("block", {"height": 2**80}, "node.parameters"),
        ("get", {"contract": 1, "table": "t", "key": []}, "node.parameters"),
        ("find", {"prefix": "ab", "odd_nibble": None, "limit": 5}, "node.parameters"),
        ("locate", {"transaction": b"short"}, ""),
        ("submit", {"transactions": []}, "transaction.none"),
        ("submit", {"transactions": 5}, "node.parameters"),
        ("submit", {"transactions": [1]}, "transaction.not_bytes"),
        ("hello", {"protocol": 99}, "node.protocol"),
    ],
)
def test_a_wrong_request_is_answered_and_the_connection_goes_on(
    place: Place, method: str, parameters: dict[str, object], code: str
) -> None:
    with RawClient(place.folder) as raw:
        raw.send(frame([7, method, parameters]))
        answer = raw.read()
        assert (answer.id, answer.kind) == (7, wire.ERROR)
        assert answer.value["code"].startswith(code)
        raw.ask(8, "head")
        assert raw.read().kind == wire.VALUE


def test_a_client_that_hangs_up_loses_only_its_answers(place: Place) -> None:
    with LocalClient.connect(place.folder) as client:
        before = client.height
        calls = [("toolshed.add", {"id": f"gone{number}"}) for number in range(300)]
        signed = client.sign_many(place.them.alice, calls)
    with RawClient(place.folder) as raw:
        raw.ask(1, "submit", transactions=[bytes(item) for item in signed])
    with RawClient(place.folder) as raw:
        raw.send(frame([1, "head", {}])[:-1])
    with LocalClient.connect(place.folder) as client:
        deadline = time.monotonic() + 20
        while client.table("toolshed", "tools").get("gone299") is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert client.height > before


def test_a_client_that_does_not_read_holds_up_nobody(tmp_path: Path) -> None:
    them = make_home(tmp_path)
    with (
        serving(tmp_path, stall_seconds=0.5),
        RawClient(tmp_path) as slow,
        LocalClient.connect(tmp_path) as client,
    ):
        signed = [
            client.sign(them.alice, "toolshed.add", {"id": f"{n}-" + "x" * 2_000})
            for n in range(500)
        ]
        assert tally(client.submit(signed).wait(30)) == (500, 0, 0)
        height = client.height
        # Far more than the socket's buffers hold, and never read.
        slow.send(b"".join(frame([n, "block", {"height": 1}]) for n in range(1, 200)))
        started = time.monotonic()
        assert client.call(them.alice, "toolshed.add", id="quick").height == height + 1
        assert time.monotonic() - started < 2
        deadline = time.monotonic() + 15
        while client.status()["node"]["connections"] > 1:
            assert time.monotonic() < deadline, "the stalled client was not cut off"
            time.sleep(0.05)


def test_large_frames_pass_and_larger_ones_are_named(place: Place) -> None:
    with LocalClient.connect(place.folder) as client:
        junk = [os.urandom(100_000) for _ in range(150)]
        results = client.submit(junk).wait(60)
        assert {result.status for result in results} == {Status.DROPPED}
        with pytest.raises(NodeError) as caught:
            client.submit([os.urandom(1_000_000) for _ in range(17)])
        assert caught.value.code == "node.frame_too_large"
        assert client.height >= 0


def test_connections_are_bounded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECTIONS", 3)
    time.sleep(0.1)
    clients = [RawClient(place.folder) for _ in range(3)]
    for client in clients:
        client.ask(1, "head")
        client.read()
    with RawClient(place.folder) as one_more:
        assert one_more.read().value["code"] == "node.too_many_connections"
        assert one_more.ended()
    for client in clients:
        client.socket.close()


def test_the_socket_is_its_owners_alone(place: Place) -> None:
    assert stat.S_IMODE(Home(place.folder).socket.stat().st_mode) == 0o600


def test_client_and_node_know_the_same_methods() -> None:
    assert [name for name in METHODS if not hasattr(RemoteBackend, name)] == []


def test_errors_cross_the_socket_as_their_class() -> None:
    given_error = UsageError("usage.what", "m", "h", candidates=["a"], odd=1.5)
    again = wire.error_from(wire.error_fields(given_error))
    assert type(again) is UsageError
    assert (again.code, again.message, again.hint) == ("usage.what", "m", "h")
    assert again.details == {"candidates": ["a"], "odd": "1.5"}
    assert isinstance(wire.error_from(5), NodeError)


@given(st.binary(max_size=100))
def test_any_bytes_as_an_answer_are_refused_or_read(data: bytes) -> None:
    try:
        wire.parse_answer(data)
    except (InvalidValue, NodeError):
        return
    except LianhengError as failure:
        pytest.fail(f"another error: {failure!r}")
