"""Field numbers and types, against the .proto files of the CometBFT that is installed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianheng.consensus.cometbft import _schema, _version
from lianheng.consensus.cometbft._protobuf import Kind, Message

FILES = ("abci/types.proto", "types/validator.proto", "crypto/keys.proto")
# Not in CometBFT's tree: protobuf's own definition, which never changes.
ELSEWHERE = {
    "google.protobuf.Timestamp": {
        "seconds": (1, "int64", False),
        "nanos": (2, "int32", False),
    }
}
FIELD = re.compile(r"(repeated\s+)?([\w.]+)\s+(\w+)\s*=\s*(\d+)\s*(?:\[|;)")
Fields = dict[str, tuple[int, str, bool]]


@pytest.fixture(scope="module")
def proto() -> Path:
    """The folder of the .proto files in Go's module cache."""
    try:
        asked = subprocess.run(
            ["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=False
        )
    except OSError:
        pytest.skip("Go is not installed, so its module cache cannot be looked at")
    folder = Path(asked.stdout.strip()) / f"{_version.MODULE}@{_version.VERSION}"
    if not folder.is_dir():
        pytest.skip("CometBFT's source is not in Go's module cache: make cometbft")
    return folder / "proto" / "tendermint"


def definitions(text: str) -> Iterator[tuple[str, str, str]]:
    """`message` or `enum`, name and body of each definition, nested ones as well."""
    text = re.sub(r"//[^\n]*", "", text)
    for found in re.finditer(r"\b(message|enum)\s+(\w+)\s*\{", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield found[1], found[2], text[found.end() : end - 1]


def parse(folder: Path) -> tuple[dict[str, Fields], dict[str, dict[str, int]]]:
    messages: dict[str, Fields] = dict(ELSEWHERE)
    enums: dict[str, dict[str, int]] = {}
    for name in FILES:
        text = (folder / name).read_text()
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
        assert package is not None
        for word, title, body in definitions(text):
            if word == "enum":
                pairs = re.findall(r"(\w+)\s*=\s*(\d+)\s*(?:\[|;)", body)
                enums[title] = {key: int(number) for key, number in pairs}
                continue
            flat = re.sub(r"\benum\s+\w+\s*\{[^}]*\}", "", body)
            messages[f"{package[1]}.{title}"] = {
                field[3]: (int(field[4]), field[2], bool(field[1]))
                for field in FIELD.finditer(flat)
            }
    return messages, enums


def reachable(message: Message, found: dict[str, Message]) -> dict[str, Message]:
    """This message and all in its fields."""
    found[message.name] = message
    for field in message.fields:
        if isinstance(field.kind, Message):
            reachable(field.kind, found)
    return found


def written(name: str, kind: Kind | Message, enum: str) -> set[str]:
    """How a type may stand in the file of the message `name`."""
    full = kind.name if isinstance(kind, Message) else enum or kind.value
    return {full, full.removeprefix(name.rpartition(".")[0] + ".")}


def test_every_field_is_where_the_definition_has_it(proto: Path) -> None:
    messages, _ = parse(proto)
    used: dict[str, Message] = {}
    for root in (_schema.REQUEST, _schema.RESPONSE):
        reachable(root, used)
    compared = 0
    for message in used.values():
        theirs = messages[message.name]
        for field in message.fields:
            number, kind, repeated = theirs[field.name]
            assert (field.number, field.repeated) == (number, repeated), (message.name, field.name)
            assert kind in written(message.name, field.kind, field.enum), (message.name, field.name)
            compared += 1
    assert compared > 90


def test_every_request_and_response_is_known(proto: Path) -> None:
    messages, _ = parse(proto)
    assert {field.name for field in _schema.REQUEST.fields} == set(
        messages["tendermint.abci.Request"]
    )
    never_given = {"insert_tx", "reap_txs"}  # of an application with a mempool of its own
    answers = {field.name for field in _schema.RESPONSE.fields} | never_given
    assert answers == set(messages["tendermint.abci.Response"])


def test_numbers_of_enumerations(proto: Path) -> None:
    _, enums = parse(proto)
    assert enums["CheckTxType"]["RECHECK"] == _schema.CHECK_TX_RECHECK
    for name in ("ProposalStatus", "VerifyStatus"):
        assert (enums[name]["ACCEPT"], enums[name]["REJECT"]) == (_schema.ACCEPT, _schema.REJECT)
    text = (proto / "abci/types.proto").read_text()
    results = [body for word, title, body in definitions(text) if title == "Result"]
    assert len(results) == 2
    assert all(f"ABORT = {_schema.ABORT_SNAPSHOT};" in body for body in results)
    assert set(enums["BlockIDFlag"].values()) == {0, 1, 2, 3}


def test_the_go_that_it_needs(proto: Path) -> None:
    needed = re.search(r"^go (\d+)\.(\d+)", (proto.parents[1] / "go.mod").read_text(), re.MULTILINE)
    assert needed is not None
    assert (int(needed[1]), int(needed[2])) == _version.GO_VERSION
