"""Chains: genesis, blocks, receipts, proofs, header files and exports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker.encoding import digest, encode, tuple_key
from tests.verify.chainmaker.signing import Key, sign, sign_one
from tests.verify.chainmaker.trees import StateTree, entries_root, log_path, log_root

if TYPE_CHECKING:
    from pathlib import Path

START = 1_750_000_000_000
MINUTE = 60_000
PARAMETERS = {
    "replay_horizon_ms": 600_000,
    "block_bytes": 4_000_000,
    "block_transactions": 10_000,
    "block_gas": 10_000_000_000,
    "block_timers": 1_000,
    "timer_gas": 50_000_000,
    "transaction_bytes": 131_072,
    "transaction_gas": 10_000_000,
    "transaction_signers": 16,
}
HEADER_FIELDS = (
    *("format", "chain", "height", "consensus_height", "time", "history_root"),
    *("entries_root", "state_root", "replay_root", "sealers_hash", "rules"),
)


@dataclass
class Block:
    header: bytes
    seal: Any
    transactions: list[bytes]
    entries: list[bytes]
    rows: dict[bytes, bytes]


@dataclass
class Chain:
    """A chain under construction. `members` maps member ids to their keys."""

    name: str = "trade"
    members: dict[str, Key] = field(
        default_factory=lambda: {"alice@north": Key("alice"), "bob@south": Key("bob")}
    )
    sealer: Key = field(default_factory=lambda: Key("sealer"))
    document_changes: dict[str, Any] = field(default_factory=dict)
    genesis_changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.segments: dict[int, tuple[int, bytes]] = {}
        self.blocks: list[Block] = []
        document = self._document() | self.document_changes
        self.document = encode(document)
        self.sealers = document["sealers"]
        self._fill_state(document)
        header = self._header(0, document["time"], [self.document], self.genesis_changes)
        self.blocks.append(Block(header, None, [], [], dict(self.rows)))

    def _document(self) -> dict[str, Any]:
        organisations = sorted({member.split("@")[1] for member in self.members})
        return {
            "format": "lianheng.genesis.1",
            "chain": self.name,
            "suite": 1,
            "rules": 1,
            "time": START,
            "sealers": self.first_sealers(),
            "parameters": PARAMETERS,
            "organisations": [
                {"name": one, "title": one.title(), "uscc": "", "lei": ""} for one in organisations
            ],
            "roles": [{"name": "operator", "given": "organisation"}],
            "policies": {},
            "members": [
                {
                    "id": member,
                    "kind": self.kind_of(member),
                    "roles": ["operator"],
                    "keys": [
                        {
                            "public": key.public,
                            "custodial": False,
                            "possession": self.possession(member, key),
                        }
                    ],
                }
                for member, key in self.members.items()
            ],
            "contracts": [],
        }

    def first_sealers(self) -> list[Any]:
        return ["lianheng.sealers.1", "solo", [[self.sealer.public, 1]]]

    def kind_of(self, member: str) -> str:
        return "node" if member.startswith("node-") else "person"

    def consensus_height(self, height: int) -> int:
        return height

    def sealers_at(self, _height: int) -> Any:
        """The set that seals the header at this height."""
        return self.sealers

    def possession(self, member: str, key: Key) -> bytes:
        payload = encode(["lianheng.possession.1", self.name, member, key.id])
        return sign_one(key, payload, b"")

    def _fill_state(self, document: dict[str, Any]) -> None:
        since: dict[str, Any] = {"since": 0}
        first = since | {"version": 0}
        active = first | {"status": "active"}
        for one in document["organisations"]:
            self.write(["members", "organisations", one["name"], 0], active | one)
            self.write(["members", "seats", one["name"]], {"organisation": one["name"]})
        for role in document["roles"]:
            self.write(["members", "roles", role["name"], 0], active | role)
        for member in document["members"]:
            self._fill_member(member, active)
            self._fill_validator(member, document["sealers"], active)
        for target, policy in document["policies"].items():
            row = first | {"target": target, "policy": policy}
            self.write(["policies", "rules", target, 0], row)
        for name, value in document["parameters"].items():
            self.write(["chain", "parameters", name, 0], since | {"value": value})

    def _fill_member(self, member: dict[str, Any], active: dict[str, Any]) -> None:
        name, organisation = member["id"], member["id"].split("@")[1]
        row = {field: member[field] for field in ("id", "kind", "roles")}
        row |= {"organisation": organisation}
        self.write(["members", "members", name, 0], active | row)
        if "admin" in member["roles"]:
            row = {"organisation": organisation, "member": name}
            self.write(["members", "admins", organisation, name], row)
        for one in member["keys"]:
            key_id = digest(encode({1: 1, -1: 6, -2: one["public"]}))
            row = {field: one[field] for field in ("custodial", "public")}
            row |= {"id": key_id, "member": name}
            self.write(["members", "keys", key_id, 0], active | row)
            self.write(["members", "held", name, key_id], {"member": name, "key": key_id})

    def _fill_validator(
        self, member: dict[str, Any], sealers: list[Any], active: dict[str, Any]
    ) -> None:
        name, organisation = member["id"], member["id"].split("@")[1]
        powers = {bytes(public): power for public, power in sealers[2]}
        for one in member["keys"]:
            power = powers.get(one["public"])
            if power is None:
                continue
            if sealers[1] == "solo":
                self.write(["members", "sequencers", name], {"member": name})
                continue
            key_id = digest(encode({1: 1, -1: 6, -2: one["public"]}))
            row = {"member": name, "key": key_id, "power": power}
            self.write(["members", "validators", name, 0], active | row)
            row = {"organisation": organisation, "member": name}
            row |= {"public": one["public"], "power": power}
            self.write(["members", "votes", organisation, name], row)

    def write(self, key: list[Any], value: Any) -> None:
        self.rows[tuple_key(key)] = encode(value)

    @property
    def genesis_hash(self) -> bytes:
        return digest(self.blocks[0].header)

    @property
    def genesis_file(self) -> bytes:
        return encode(
            {
                "format": "lianheng.genesis-file.1",
                "document": self.document,
                "header": self.blocks[0].header,
            }
        )

    @property
    def hashes(self) -> list[bytes]:
        return [digest(block.header) for block in self.blocks]

    def transaction(
        self,
        sender: str = "alice@north",
        method: str = "toolshed.add",
        arguments: dict[str, Any] | None = None,
        *,
        keys: list[Key] | None = None,
        number: int = 0,
        expires: int | None = None,
        changes: dict[int, Any] | None = None,
        signed_by: list[Key] | None = None,
    ) -> bytes:
        """A signed call. `changes` replaces payload fields, `signed_by` the keys that sign."""
        keys = keys or [self.members[sender]]
        contract, name = method.split(".")
        payload = {
            1: self.name,
            2: sender,
            3: [key.id for key in keys],
            4: contract,
            5: name,
            6: arguments if arguments is not None else {"id": "crane-7"},
            7: expires if expires is not None else self._times[-1] + 5 * MINUTE,
            8: digest(b"random %d" % number)[:16],
            9: 100_000,
        } | (changes or {})
        return sign(signed_by or keys, encode(payload), self.genesis_hash)

    @property
    def time(self) -> int:
        """Time of the last block, ms."""
        return self._times[-1]

    def add(
        self,
        calls: list[tuple[bytes, dict[int, Any]]],
        writes: list[tuple[list[Any], Any]] | None = None,
        *,
        later: int = 1000,
        changes: dict[str, Any] | None = None,
        sealer: Key | None = None,
        seal_payload: Any = None,
        others: list[Any] | None = None,
    ) -> int:
        """Adds a block of calls with their results; `others` are chain-run entries. Its height."""
        time = self._times[-1] + later
        entries = [encode(entry) for entry in others or []]
        for entry in others or []:
            self._count_events(entry[2])
        for transaction, result in calls:
            one = transaction_id(transaction, self.genesis_hash)
            entries.append(encode([one, digest(transaction), result]))
            self._burn(transaction, one)
            self._count_events(result)
        for key, value in writes or []:
            self.write(key, value)
        header = self._header(len(self.blocks), time, entries, changes or {})
        seal = self.seal_of(header, sealer, seal_payload)
        transactions = [transaction for transaction, _ in calls]
        self.blocks.append(Block(header, seal, transactions, entries, dict(self.rows)))
        return len(self.blocks) - 1

    def seal_of(self, header: bytes, _key: Key | None = None, payload: Any = None) -> list[Any]:
        content = encode(payload or ["lianheng.seal.1", digest(header)])
        return ["solo", sign_one(_key or self.sealer, content, self.genesis_hash)]

    def _burn(self, transaction: bytes, one: bytes) -> None:
        segment = expires_of(transaction) // MINUTE
        count, running = self.segments.get(segment, (0, bytes(32)))
        self.segments[segment] = count + 1, digest(running + one)

    def _count_events(self, result: dict[int, Any]) -> None:
        for event in result.get(4, []):
            flat = tuple_key([event[0], "$events"])
            head = self._event_heads.get(event[0], bytes(32))
            self._event_heads[event[0]] = digest(encode(["lianheng.event.1", head, event]))
            self.rows[flat] = encode([event[1] + 1, self._event_heads[event[0]]])

    def replay_root(self, time: int) -> bytes:
        self.segments = {
            segment: content
            for segment, content in self.segments.items()
            if (segment + 1) * MINUTE > time
        }
        live = [[segment, *self.segments[segment]] for segment in sorted(self.segments)]
        return digest(encode(["lianheng.replay.1", live]))

    def _header(
        self, height: int, time: int, entries: list[bytes], changes: dict[str, Any]
    ) -> bytes:
        if height == 0:
            self._times: list[int] = []
            self._event_heads: dict[str, bytes] = {}
        values: dict[str, Any] = {
            "format": "lianheng.header.1",
            "chain": self.name,
            "height": height,
            "consensus_height": self.consensus_height(height),
            "time": time,
            "history_root": log_root(self.hashes),
            "entries_root": entries_root(entries),
            "state_root": StateTree(self.rows).root(),
            "replay_root": self.replay_root(time),
            "sealers_hash": digest(encode(self.sealers_at(height))),
            "rules": 1,
        } | changes
        self._times.append(values["time"])
        return encode([values[name] for name in HEADER_FIELDS])

    # --- files ---

    def link(self, newer: int | None, height: int, own: int) -> dict[str, Any]:
        """The link from `height` up to `newer`, or to the own header."""
        top = own if newer is None else newer
        return {
            "newer": None if newer is None else self.blocks[newer].header,
            "height": height,
            "path": log_path(height, self.hashes[:top]),
        }

    def links(self, own: int, anchor: int) -> list[dict[str, Any]]:
        links = [self.link(None, 0, own)] if own else []
        if 0 < anchor < own:
            links.append(self.link(None, anchor, own))
        if anchor > own:
            links.append(self.link(anchor, own, own))
        return links

    def receipt(self, height: int, index: int = 0, anchor: int = 0) -> dict[str, Any]:
        """A receipt as its parts; `encode` makes the file."""
        block = self.blocks[height]
        runs = len(block.entries) - len(block.transactions)
        transaction = block.transactions[index - runs]
        one = encode(transaction_id(transaction, self.genesis_hash))
        prefix = 1 + len(one) + len(encode(digest(transaction)))
        return self.with_steps(height, anchor) | {
            "format": "lianheng.receipt.1",
            "genesis": self.genesis_hash,
            "transaction": transaction,
            "keys": [self.public(key_id) for key_id in signers_of(transaction)],
            "result": block.entries[index][prefix:],
            "entry": {
                "index": index,
                "count": len(block.entries),
                "path": log_path(index, block.entries),
            },
            "header": block.header,
            "seal": block.seal,
            "links": self.links(height, anchor),
        }

    def run_receipt(self, height: int, index: int = 0, anchor: int = 0) -> dict[str, Any]:
        """A receipt of a chain's own run as its parts."""
        block = self.blocks[height]
        kind, cause, result = decode_plain(block.entries[index])
        return self.with_steps(height, anchor) | {
            "format": "lianheng.receipt.1",
            "genesis": self.genesis_hash,
            "run": encode([kind, cause]),
            "result": encode(result),
            "entry": {
                "index": index,
                "count": len(block.entries),
                "path": log_path(index, block.entries),
            },
            "header": block.header,
            "seal": block.seal,
            "links": self.links(height, anchor),
        }

    def with_steps(self, _height: int, _anchor: int) -> dict[str, Any]:
        """The field `steps`, where the sealing set is another than the anchor's."""
        return {}

    def public(self, key_id: bytes) -> bytes:
        return next(key.public for key in KNOWN if key.id == key_id)

    def proof(
        self, height: int, contract: str, table: str, key: list[Any], anchor: int = 0
    ) -> dict[str, Any]:
        """A state proof as its parts."""
        block = self.blocks[height]
        flat = tuple_key([contract, table, *key])
        siblings, other = StateTree(block.rows).prove(flat)
        return (
            self.with_steps(height, anchor)
            | {
                "format": "lianheng.proof.1",
                "genesis": self.genesis_hash,
                "contract": contract,
                "table": table,
                "key": key,
                "value": block.rows.get(flat),
                "siblings": siblings,
                "header": block.header,
                "seal": block.seal,
                "links": self.links(height, anchor),
            }
            | ({"other": list(other)} if other else {})
        )

    def header_file(self, height: int) -> dict[str, Any]:
        return {
            "format": "lianheng.header-file.1",
            "header": self.blocks[height].header,
            "seal": self.blocks[height].seal,
            "sealers": self.sealers_at(height),
            "genesis": self.genesis_hash,
            "path": log_path(0, self.hashes[:height]),
        }

    def anchor_file(self, height: int) -> bytes:
        return encode(self.header_file(height)) if height else self.genesis_file

    def export(self, folder: Path, *, blocks: bool = True) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "genesis.cbor").write_bytes(self.genesis_file)
        sealed = self.blocks[1:]
        items = [encode([block.header, block.seal]) for block in sealed]
        (folder / "headers.cbors").write_bytes(b"".join(items))
        for first in range(0, len(sealed) if blocks else 0, 1000):
            records = b"".join(block_record(block) for block in sealed[first : first + 1000])
            (folder / f"blocks-{first + 1:012}.cbors").write_bytes(records)
        return folder


def block_record(block: Block) -> bytes:
    return encode(["lianheng.block.1", block.header, block.seal, block.transactions, block.entries])


KNOWN = tuple(
    Key(name) for name in ("alice", "alice-2", "bob", "carol", "dan", "mallory", "sealer")
)


def decode_plain(data: bytes) -> Any:
    """What the maker itself encoded, read back with the library."""
    import cbor2

    return cbor2.loads(data)


def signers_of(transaction: bytes) -> list[bytes]:
    parts = decode_plain(transaction)
    if isinstance(parts[3], bytes):
        return [decode_plain(parts[0])[4]]
    return [decode_plain(row[0])[4] for row in parts[3]]


def payload_of(transaction: bytes) -> bytes:
    payload: bytes = decode_plain(transaction)[2]
    return payload


def expires_of(transaction: bytes) -> int:
    expires: int = decode_plain(payload_of(transaction))[7]
    return expires


def transaction_id(transaction: bytes, genesis_hash: bytes) -> bytes:
    return digest(encode(["lianheng.transaction.1", genesis_hash, payload_of(transaction)]))
