"""The language-neutral vectors of tests/vectors: names of files to their content.

Everything is made from fixed names and numbers, so that the same bytes come out everywhere.
Byte strings are lower-case hex; keys of rows are the CBOR array of their parts.
"""

from __future__ import annotations

from typing import Any

from tests.verify.chainmaker import faults, quorum_vectors, standing
from tests.verify.chainmaker.chain import (
    MINUTE,
    START,
    Chain,
    decode_plain,
    payload_of,
    signers_of,
    transaction_id,
)
from tests.verify.chainmaker.encoding import digest, encode, tuple_key
from tests.verify.chainmaker.scenes import SOURCE, toolshed
from tests.verify.chainmaker.signing import Key
from tests.verify.chainmaker.standing_faults import STANDING_FAULTS
from tests.verify.chainmaker.trees import StateTree, entries_root, log_path, log_root

Json = dict[str, Any]
NAMES = ("alice", "bob", "carol", "sealer")
VALUES: tuple[Any, ...] = (
    *(None, False, True, 0, 1, 10, 23, 24, 25, 100, 255, 256, 65535, 65536, 1_000_000),
    *(2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**4096 - 1),
    *(-1, -10, -24, -25, -100, -256, -257, -(2**63), -(2**63) - 1, -(2**64), -(2**64) - 1),
    *(b"", b"\x01\x02\x03\x04", "", "a", "\u00fc", "\u6c34", "\U00010151", '"\\', "x" * 24),
    *([], [1, 2, 3], [1, [2, 3], [4, 5]], list(range(25)), {}, {"a": 1, "b": [2, 3]}),
    {"b": 1, "a": 2, "aa": 3, "": 4, 1: 5, 24: 6, -1: 7},
)
NOT_CANONICAL = {
    "1817": "cbor.not_canonical",
    "190017": "cbor.not_canonical",
    "1900ff": "cbor.not_canonical",
    "1a0000ffff": "cbor.not_canonical",
    "1b00000000ffffffff": "cbor.not_canonical",
    "3817": "cbor.not_canonical",
    "580161": "cbor.not_canonical",
    "780161": "cbor.not_canonical",
    "9800": "cbor.not_canonical",
    "b800": "cbor.not_canonical",
    "a2616201616102": "cbor.not_canonical",
    "a262616101616202": "cbor.not_canonical",
    "a2616101616102": "cbor.duplicate_key",
    "c24101": "cbor.not_canonical",
    "c248ffffffffffffffff": "cbor.not_canonical",
    "c348ffffffffffffffff": "cbor.not_canonical",
    "c24900ffffffffffffffff": "cbor.not_canonical",
    "c240": "cbor.not_canonical",
    "c060": "cbor.unsupported",
    "d9010280": "cbor.unsupported",
    "d9d9f700": "cbor.unsupported",
    "f7": "cbor.unsupported",
    "e0": "cbor.unsupported",
    "f820": "cbor.unsupported",
    "f93c00": "cbor.unsupported",
    "fa3f800000": "cbor.unsupported",
    "fb3ff0000000000000": "cbor.unsupported",
    "5f4100ff": "cbor.unsupported",
    "7f6161ff": "cbor.unsupported",
    "9f01ff": "cbor.unsupported",
    "bf0102ff": "cbor.unsupported",
    "ff": "cbor.malformed",
    "1c": "cbor.malformed",
    "": "cbor.truncated",
    "19": "cbor.truncated",
    "1901": "cbor.truncated",
    "4200": "cbor.truncated",
    "8200": "cbor.truncated",
    "a100": "cbor.truncated",
    "5bffffffffffffffff": "cbor.truncated",
    "0000": "cbor.trailing",
    "61ff": "cbor.utf8",
    "63eda080": "cbor.utf8",
    "62c080": "cbor.utf8",
    "81" * 33 + "00": "cbor.too_deep",
}
KEY_TUPLES: tuple[list[Any], ...] = (
    *([], [b""], [b"\x00"], [b"\x00\xff"], [b"a"], [""], ["a"], ["a\x00b"], ["ab"], ["\u6c34"]),
    *([-(2**4096) + 1], [-(2**70)], [-(2**64)], [-(2**64) + 1], [-(2**63)], [-65536], [-256]),
    *([-255], [-1], [0], [1], [255], [256], [65535], [2**32], [2**63 - 1], [2**63], [2**64 - 1]),
    *([2**64], [2**70], [2**4096 - 1], [False], [True], ["a", 1, b"b", True], ["a", 1, b"c"]),
)


def all_vectors() -> dict[str, Json]:
    chain = toolshed()
    return {
        "cbor.json": cbor(),
        "row-keys.json": row_keys(),
        "keys.json": keys(chain),
        "log.json": logs(),
        "state.json": states(),
        "transactions.json": transactions(chain),
        "entries.json": entries(chain),
        "replay.json": replay(),
        "headers.json": headers(chain),
        "genesis.json": geneses(chain),
        "receipts.json": files(receipts(chain), faults.RECEIPT_FAULTS, "receipt"),
        "proofs.json": files(proofs(chain), faults.STATE_FAULTS, "proof"),
        "members.json": files(standing_receipts(), STANDING_FAULTS, "receipt"),
        **quorum_vectors.all_vectors(files, headers),
    }


def cbor() -> Json:
    return {
        "about": "Core deterministic CBOR: what is accepted, and codes of what is refused.",
        "valid": [encode(value).hex() for value in VALUES],
        "invalid": [{"data": data, "code": code} for data, code in NOT_CANONICAL.items()],
    }


def row_keys() -> Json:
    return {
        "about": "Tuple encoding of row keys: `parts` is a CBOR array; ascending inside a type.",
        "cases": [
            {"parts": encode(parts).hex(), "flat": tuple_key(parts).hex()} for parts in KEY_TUPLES
        ],
    }


def keys(chain: Chain) -> Json:
    sealers = ["lianheng.sealers.1", "solo", [[chain.sealer.public, 1]]]
    return {
        "about": "Key ids (RFC 9679); seed = SHA-256 of the name. The hash of a solo set.",
        "keys": [
            {
                "name": key.name,
                "seed": key.seed.hex(),
                "public": key.public.hex(),
                "cose_key": encode({1: 1, -1: 6, -2: key.public}).hex(),
                "key_id": key.id.hex(),
            }
            for key in map(Key, NAMES)
        ],
        "sealers": {"encoded": encode(sealers).hex(), "hash": digest(encode(sealers)).hex()},
    }


def logs() -> Json:
    cases = []
    for count in (0, 1, 2, 3, 4, 5, 7, 8, 9, 33):
        leaves = [digest(b"leaf %d" % number) for number in range(count)]
        cases.append(
            {
                "leaves": hexes(leaves),
                "root": log_root(leaves).hex(),
                "paths": [hexes(log_path(index, leaves)) for index in range(count)],
            }
        )
    return {"about": "RFC 9162 trees; leaf data are 32 bytes, as in histories.", "cases": cases}


def states() -> Json:
    cases = []
    for count in (0, 1, 2, 3, 10, 100):
        rows = {
            tuple_key(["shed", "rows", number]): encode({"n": number}) for number in range(count)
        }
        tree = StateTree(rows)
        asked = [*list(rows)[:5], tuple_key(["shed", "rows", "none"]), tuple_key(["shed", "x"])]
        cases.append(
            {
                "rows": [{"key": key.hex(), "value": rows[key].hex()} for key in rows],
                "root": tree.root().hex(),
                "proofs": [state_proof(tree, rows, key) for key in asked],
            }
        )
    return {"about": "State roots and proofs; siblings from the bottom up.", "cases": cases}


def state_proof(tree: StateTree, rows: dict[bytes, bytes], key: bytes) -> Json:
    siblings, other = tree.prove(key)
    return {
        "key": key.hex(),
        "key_hash": digest(key).hex(),
        "value": rows[key].hex() if key in rows else None,
        "siblings": hexes(siblings),
        "other": hexes(list(other)) if other else None,
    }


def transactions(chain: Chain) -> Json:
    made = [(block, one) for block in chain.blocks for one in block.transactions]
    return {
        "about": "COSE_Sign1 for one signer, COSE_Sign for several; AAD is the genesis hash.",
        "genesis_hash": chain.genesis_hash.hex(),
        "valid": [
            {
                "transaction": one.hex(),
                "payload": payload_of(one).hex(),
                "keys": [chain.public(key_id).hex() for key_id in signers_of(one)],
                "id": transaction_id(one, chain.genesis_hash).hex(),
                "signed_hash": digest(one).hex(),
            }
            for _, one in made
        ],
        "invalid": malformed_transactions(chain),
    }


def malformed_transactions(chain: Chain) -> list[Json]:
    """Transactions that no engine may take in, whatever their signatures say."""
    one = decode_plain(chain.transaction())
    several = decode_plain(chain.transaction(keys=[Key("alice"), Key("bob")]))
    key_id = Key("alice").id
    cases: dict[str, Any] = {
        "one signature as COSE_Sign": [*several[:3], several[3][:1]],
        "no signatures": [*several[:3], []],
        "unprotected header": [one[0], {1: -19}, *one[2:]],
        "algorithm -8": [encode({1: -8, 4: key_id}), *one[1:]],
        "no key id": [encode({1: -19}), *one[1:]],
        "more in the protected header": [encode({1: -19, 3: 0, 4: key_id}), *one[1:]],
        "short signature": [*one[:3], one[3][:63]],
        "protected body of COSE_Sign": [one[0], *several[1:]],
        "detached payload": [*one[:2], None, one[3]],
        "five parts": [*one, b""],
    }
    found = [{"name": name, "transaction": encode(case).hex()} for name, case in cases.items()]
    found.append({"name": "tagged", "transaction": "d2" + encode(one).hex()})
    for name, changes in PAYLOAD_CHANGES.items():
        data = chain.transaction(changes=changes)
        found.append({"name": name, "transaction": data.hex()})
    return found


PAYLOAD_CHANGES: dict[str, dict[int, Any]] = {
    "unknown field": {13: 0},
    "sender of another form": {2: "Alice@north"},
    "chain of another form": {1: "Trade"},
    "contract of another form": {4: "tool-shed"},
    "long method": {5: "x" * 64},
    "arguments with integer keys": {6: {1: 2}},
    "negative expiry": {7: -1},
    "short random": {8: bytes(15)},
    "gas beyond 64 bits": {9: 2**64},
    "short code": {10: bytes(31)},
    "empty application": {11: ""},
    "long application": {11: "x" * 129},
    "no attachments": {12: []},
    "many attachments": {12: [bytes(32)] * 17},
}


def entries(chain: Chain) -> Json:
    heads, head = [], bytes(32)
    for number in range(3):
        event = ["toolshed", number, "Lent", {"id": "crane-7", "n": number}]
        head = digest(encode(["lianheng.event.1", head, event]))
        heads.append({"event": encode(event).hex(), "head": head.hex()})
    return {
        "about": "Entries of blocks; `tree`: their RFC 9162 root, `root`: the entries root.",
        "source": {"text": SOURCE.decode(), "hash": digest(SOURCE).hex()},
        "none": rooted([]),
        "genesis": rooted([chain.document]),
        "blocks": [rooted(block.entries) for block in chain.blocks[1:]],
        "events": heads,
    }


def rooted(made: list[bytes]) -> Json:
    return {
        "entries": hexes(made),
        "tree": log_root(made).hex(),
        "root": entries_root(made).hex(),
    }


def replay() -> Json:
    """Blocks in order: their time, the ids they burn, the root after them."""
    segments: dict[int, tuple[int, bytes]] = {}
    cases = []
    plan: tuple[tuple[int, list[int]], ...] = (
        *((0, [1, 2, 1]), (1_000, []), (59_999, [9]), (60_000, [1]), (130_000, [2, 3])),
        (10 * MINUTE, [5]),
    )
    start = START - START % MINUTE
    for block, (after, minutes) in enumerate(plan):
        time = start + after
        burnt = []
        for place, minute in enumerate(minutes):
            one = digest(b"id %d %d" % (block, place))
            expires = time + minute * MINUTE
            count, running = segments.get(expires // MINUTE, (0, bytes(32)))
            segments[expires // MINUTE] = count + 1, digest(running + one)
            burnt.append({"id": one.hex(), "expires": expires})
        segments = {
            number: content for number, content in segments.items() if (number + 1) * MINUTE > time
        }
        live = [[number, *segments[number]] for number in sorted(segments)]
        root = digest(encode(["lianheng.replay.1", live]))
        cases.append({"time": time, "burnt": burnt, "root": root.hex()})
    empty = digest(encode(["lianheng.replay.1", []]))
    return {"about": "Replay roots, block after block.", "empty": empty.hex(), "blocks": cases}


def headers(chain: Chain) -> Json:
    cases = []
    for height, block in enumerate(chain.blocks):
        row = decode_plain(block.header)
        cases.append(
            {
                "header": block.header.hex(),
                "hash": digest(block.header).hex(),
                "chain": row[1],
                "height": row[2],
                "consensus_height": row[3],
                "time": row[4],
                "history_root": log_root(chain.hashes[:height]).hex(),
                "entries_root": row[6].hex(),
                "state_root": StateTree(block.rows).root().hex(),
                "replay_root": row[8].hex(),
                "sealers_hash": row[9].hex(),
                "rules": row[10],
                "seal": encode(block.seal).hex() if block.seal else None,
                "anchor_file": chain.anchor_file(height).hex(),
            }
        )
    return {
        "about": "A chain's headers from the genesis on, with their seals and anchor files.",
        "headers": cases,
    }


def geneses(chain: Chain) -> Json:
    return {
        "about": "A genesis without contracts: its state is the system tables of its document.",
        "document": chain.document.hex(),
        "genesis_file": chain.genesis_file.hex(),
        "genesis_hash": chain.genesis_hash.hex(),
        "state_root": StateTree(chain.blocks[0].rows).root().hex(),
        "rows": [
            {"key": key.hex(), "value": value.hex()}
            for key, value in sorted(chain.blocks[0].rows.items())
        ],
    }


def receipts(chain: Chain) -> dict[str, faults.Case]:
    return {
        f"block {height} entry {index} under block {anchor}": case(
            chain, chain.receipt(height, index, anchor), anchor
        )
        for height, index in ((1, 0), (2, 0), (3, 1), (3, 2), (4, 1))
        for anchor in (0, 2, 4, 6)
    }


def standing_receipts() -> dict[str, faults.Case]:
    """Calls and a run that prove who stood behind them, by their own state or a later one."""
    made: dict[str, faults.Case] = {}
    for name, chain in standing.chains().items():
        for at, anchor in ((0, 0), (5, 0), (6, 3), (5, 6)):
            by = f"by the state after block {at}" if at else "by their own state"
            for height in (2, 3):
                parts = standing.receipt(chain, height, 0, at, anchor)
                made[f"{name}: block {height} {by} under block {anchor}"] = case(
                    chain, parts, anchor
                )
            parts = standing.run_receipt(chain, at, anchor)
            made[f"{name}: a run {by} under block {anchor}"] = case(chain, parts, anchor)
    return made


def proofs(chain: Chain) -> dict[str, faults.Case]:
    rows: dict[str, tuple[str, str, list[Any]]] = {
        "present": ("toolshed", "tools", ["crane-7"]),
        "absent": ("toolshed", "tools", ["crane-8"]),
        "many types": ("toolshed", "counts", [-(2**70), True, b"\x00\xff"]),
        "events": ("toolshed", "$events", []),
        "member": ("members", "members", ["alice@north", 0]),
    }
    return {
        f"{name} after block {height} under block {anchor}": case(
            chain, chain.proof(height, *row, anchor), anchor
        )
        for name, row in rows.items()
        for height, anchor in ((0, 0), (4, 0), (4, 2), (4, 4), (4, 6))
    }


def case(chain: Chain, parts: dict[str, Any], anchor: int) -> faults.Case:
    return faults.Case(parts, chain.anchor_file(anchor))


def files(good: dict[str, faults.Case], bad: dict[str, faults.Fault], what: str) -> Json:
    """Cases that share their anchors: `files` holds each once, by its SHA-256."""
    stored: dict[str, str] = {}

    def store(data: bytes) -> str:
        name = digest(data).hex()
        stored[name] = data.hex()
        return name

    def told(one: faults.Case) -> Json:
        return {what: encode(one.parts).hex(), "anchor": store(one.anchor)}

    valid = [{"name": name, **told(one)} for name, one in good.items()]
    invalid = [
        {"name": name, "check": fault.check, "code": fault.code}
        | ({"source": fault.source.hex()} if fault.source else {})
        | told(fault.build())
        for name, fault in bad.items()
    ]
    about = f"Each {what} with the anchor to check it against; `invalid` fails one check alone."
    return {"about": about, "files": stored, "valid": valid, "invalid": invalid}


def hexes(items: list[bytes]) -> list[str]:
    return [item.hex() for item in items]
