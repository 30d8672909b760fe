"""The genesis file: the document that starts a chain, and its header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _cose, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._ed25519 import check_public_key
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import EMPTY_TREE, digest, entries_root, key_id, leaf_hash
from lianheng_verify._header import Header, parse_header
from lianheng_verify._sealers import COMETBFT, Sealers, parse_sealers

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

FORMAT: Final = "lianheng.genesis-file.1"
_PARAMETERS: Final = frozenset(
    (
        "replay_horizon_ms",
        "block_bytes",
        "block_transactions",
        "block_gas",
        "block_timers",
        "timer_gas",
        "transaction_bytes",
        "transaction_gas",
        "transaction_signers",
    )
)
_NODE: Final = "node"
_KINDS: Final = frozenset(("person", "service", "device", _NODE))
_DOCUMENT_FIELDS: Final = (
    *("format", "chain", "suite", "rules", "time", "sealers"),
    *("parameters", "organisations", "roles", "members", "policies", "contracts"),
)


@dataclass(frozen=True, slots=True)
class Continued:
    """The chain that a genesis continues: a header file of its last block, and who is left out."""

    last: bytes
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Genesis:
    """A checked genesis: its header, its set of sealers, and whose keys it registers by key id."""

    header: Header
    sealers: Sealers
    members_by_key: dict[bytes, str]
    organisations: tuple[str, ...] = ()
    continues: Continued | None = None


def parse_genesis(data: bytes) -> Genesis:
    """The genesis file, its document and header compared.

    Raises UnreadableError where it is not of the format, VerificationError (`genesis.*`) where
    header and document do not fit, or a key's possession is not proved.
    """
    content = _shape.fields(
        _cbor.decode(data, "genesis file"), "genesis file", ("format", "document", "header")
    )
    _shape.constant(content["format"], FORMAT, "genesis file: format")
    document_bytes, document_value = _shape.embedded(content["document"], "genesis document")
    document = _shape.fields(document_value, "genesis document", _DOCUMENT_FIELDS, ("continues",))
    header = parse_header(_shape.octets(content["header"], "genesis header"), "genesis header")
    _check_document(document)
    sealers = parse_sealers(document["sealers"])
    _check_header(header, document, document_bytes, sealers)
    organisations = _organisations(document["organisations"])
    _roles(document["roles"])
    _policies(document["policies"])
    members, nodes = _members(document["members"], header.chain, organisations)
    _check_sealers(sealers, nodes, members)
    _contracts(document["contracts"])
    continues = None
    if "continues" in document:
        continues = _continued(document["continues"], organisations)
    return Genesis(header, sealers, members, tuple(sorted(organisations)), continues)


def _continued(value: Value, organisations: frozenset[str]) -> Continued:
    content = _shape.fields(value, "continues", ("last", "without"))
    names = [
        _shape.text(item, "continues: without", _shape.ORGANISATION)
        for item in _shape.array(content["without"], "continues", 0, limits.CONTAINER_ITEMS)
    ]
    if names != sorted(_distinct(names, "organisation")) or organisations & set(names):
        raise VerificationError(
            "genesis.continues", "who is left out takes part, or is not named once and in order"
        )
    return Continued(_shape.octets(content["last"], "continues: last"), tuple(names))


def _check_document(document: dict[Value, Value]) -> None:
    where = "genesis document"
    _shape.constant(document["format"], "lianheng.genesis.1", f"{where}: format")
    _shape.text(document["chain"], f"{where}: chain", _shape.ORGANISATION)
    _shape.constant(document["suite"], 1, f"{where}: suite")
    _shape.constant(document["rules"], 1, f"{where}: rules")
    _shape.uint(document["time"], f"{where}: time")
    parameters = _shape.fields(document["parameters"], f"{where}: parameters", _PARAMETERS)
    for value in parameters.values():
        _shape.uint(value, f"{where}: parameters")


def _check_header(
    header: Header, document: dict[Value, Value], document_bytes: bytes, sealers: Sealers
) -> None:
    empty_replay = digest(_cbor.encode(["lianheng.replay.1", []]))
    for name, fits in (
        ("chain", header.chain == document["chain"]),
        ("height", header.height == 0),
        ("consensus height", header.consensus_height == 0),
        ("time", header.time == document["time"]),
        ("history root", header.history_root == EMPTY_TREE),
        ("entries root", header.entries_root == entries_root(1, leaf_hash(document_bytes))),
        ("replay root", header.replay_root == empty_replay),
        ("sealers hash", header.sealers_hash == sealers.hash),
        ("rules", header.rules == document["rules"]),
    ):
        if not fits:
            raise VerificationError(
                "genesis.header_differs", f"the genesis header's {name} does not fit its document"
            )


def _check_sealers(
    sealers: Sealers, nodes: frozenset[bytes], members_by_key: dict[bytes, str]
) -> None:
    """Each key of a quorum is the one key of a node: there its possession is proved."""
    if sealers.kind != COMETBFT:
        return
    for number, one in enumerate(sealers.members, 1):
        if key_id(one.public) not in nodes:
            raise VerificationError(
                "genesis.sealers",
                f"key {number} of {len(sealers.members)} that seal, {one.public.hex()[:8]}…, "
                "is no key of a member of kind node",
            )
    keys = Counter(members_by_key.values())
    for one in sealers.members:
        member = members_by_key[key_id(one.public)]
        if keys[member] > 1:
            raise VerificationError(
                "genesis.sealers", f"{member} seals and has {keys[member]} keys, not one"
            )


def _organisations(value: Value) -> frozenset[str]:
    names = []
    for item in _shape.array(value, "organisations", 1, limits.CONTAINER_ITEMS):
        content = _shape.fields(item, "organisation", ("name", "title", "uscc", "lei"))
        names.append(_shape.text(content["name"], "organisation: name", _shape.ORGANISATION))
        for field in ("title", "uscc", "lei"):
            _shape.text(content[field], f"organisation: {field}")
    return _distinct(names, "organisation")


def _roles(value: Value) -> None:
    names = []
    for item in _shape.array(value, "roles", 0, limits.CONTAINER_ITEMS):
        content = _shape.fields(item, "role", ("name", "given"))
        names.append(_shape.text(content["name"], "role: name", _shape.CONTRACT))
        if content["given"] not in ("organisation", "chain"):
            raise _shape.refuse("role: given", "neither organisation nor chain")
    _distinct(names, "role")


def _policies(value: Value) -> None:
    if not isinstance(value, dict):
        raise _shape.refuse("policies", "not a map")
    for target, policy in value.items():
        _shape.text(target, "policies")
        _shape.text(policy, "policies")


def _contracts(value: Value) -> None:
    names = []
    for item in _shape.array(value, "contracts", 0, limits.CONTAINER_ITEMS):
        content = _shape.fields(item, "contract", ("name", "file", "source"))
        names.append(_shape.text(content["name"], "contract: name", _shape.CONTRACT))
        _shape.text(content["file"], "contract: file")
        _shape.text(content["source"], "contract: source")
    _distinct(names, "contract")


def _members(
    value: Value, chain: str, organisations: frozenset[str]
) -> tuple[dict[bytes, str], frozenset[bytes]]:
    """Members by the ids of their keys, and the ids of keys of nodes."""
    names: list[str] = []
    keys: dict[bytes, str] = {}
    nodes: set[bytes] = set()
    for item in _shape.array(value, "members", 0, limits.CONTAINER_ITEMS):
        content = _shape.fields(item, "member", ("id", "kind", "roles", "keys"))
        member = _shape.text(content["id"], "member: id", _shape.MEMBER)
        names.append(member)
        if member.partition("@")[2] not in organisations:
            raise VerificationError("genesis.unknown_organisation", f"{member} has no organisation")
        kind = _shape.text(content["kind"], "member: kind")
        if kind not in _KINDS:
            raise _shape.refuse("member: kind", "not person, service, device or node")
        for role in _shape.array(content["roles"], "member: roles", 0, limits.CONTAINER_ITEMS):
            _shape.text(role, "member: roles")
        for key in _shape.array(content["keys"], "member: keys", 1, limits.CONTAINER_ITEMS):
            registered = _member_key(key, chain, member)
            if registered in keys:
                raise VerificationError("genesis.duplicate", f"a key of {member} stands twice")
            keys[registered] = member
            if kind == _NODE:
                nodes.add(registered)
    _distinct(names, "member")
    return keys, frozenset(nodes)


def _member_key(value: Value, chain: str, member: str) -> bytes:
    content = _shape.fields(value, "member key", ("public", "custodial", "possession"))
    public = _shape.octets(content["public"], "member key: public", 32)
    _shape.boolean(content["custodial"], "member key: custodial")
    possession = _shape.octets(content["possession"], "member key: possession")
    signed = _cose.parse_sign1(possession, "possession")
    registered = key_id(public)
    payload = _cbor.encode(["lianheng.possession.1", chain, member, registered])
    if signed.signatures[0].key_id != registered or signed.payload != payload:
        raise VerificationError(
            "genesis.possession",
            f"the proof of possession of a key of {member} is for another key, member or chain",
        )
    try:
        check_public_key(public)
        signed.verify(0, public, b"")
    except VerificationError as error:
        raise VerificationError(
            "genesis.possession", f"a key of {member} is not proved: {error.message}"
        ) from error
    return registered


def _distinct(names: list[str], what: str) -> frozenset[str]:
    distinct = frozenset(names)
    if len(distinct) != len(names):
        raise VerificationError("genesis.duplicate", f"an {what} stands twice in the genesis")
    return distinct
