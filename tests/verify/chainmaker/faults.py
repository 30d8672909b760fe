"""Faulty files, each wrong in one thing: which check fails, with which code, and how to make it.

A fault is made as a liar would make it: everything around it is consistent and sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker.chain import START, Chain, decode_plain, transaction_id
from tests.verify.chainmaker.encoding import digest, encode, tuple_key
from tests.verify.chainmaker.scenes import TOOL, held_by, refused, succeeded, toolshed
from tests.verify.chainmaker.signing import Key, sign_one
from tests.verify.chainmaker.trees import log_root

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Case:
    """Parts of a receipt or proof, and the anchor file to check it against."""

    parts: dict[str, Any]
    anchor: bytes


@dataclass(frozen=True)
class Fault:
    check: str
    code: str
    build: Callable[[], Case]
    source: bytes | None = None


def with_call(
    chain: Chain | None = None, result: dict[int, Any] | None = None, **call: Any
) -> Case:
    """A block whose one call is made with these arguments."""
    chain = chain or Chain()
    height = chain.add([(chain.transaction(**call), result or succeeded())])
    return Case(chain.receipt(height), chain.genesis_file)


def with_transaction(change: Callable[[bytes], bytes]) -> Case:
    chain = Chain()
    chain.add([(change(chain.transaction()), succeeded())])
    return Case(chain.receipt(1), chain.genesis_file)


def with_parts(**changes: Any) -> Case:
    """The second receipt of the toolshed with some parts replaced."""
    chain = toolshed()
    return Case(chain.receipt(2) | changes, chain.genesis_file)


def with_entry(**changes: Any) -> Case:
    chain = toolshed()
    parts = chain.receipt(3, 1)
    return Case(parts | {"entry": parts["entry"] | changes}, chain.genesis_file)


def with_block(**block: Any) -> Case:
    """A third block made with these faults, and a receipt in it under the genesis."""
    chain = toolshed()
    height = chain.add([(chain.transaction(number=50), succeeded())], **block)
    return Case(chain.receipt(height), chain.genesis_file)


def spoil(signed: bytes) -> bytes:
    """A COSE_Sign1 with one bit of its signature changed."""
    parts = decode_plain(signed)
    signature = bytearray(parts[3])
    signature[3] ^= 1
    parts[3] = bytes(signature)
    return encode(parts)


def spoil_seal(parts: dict[str, Any]) -> dict[str, Any]:
    return parts | {"seal": ["solo", spoil(parts["seal"][1])]}


def sealed_for(aad: bytes | None, kind: str) -> Case:
    chain = toolshed()
    parts = chain.receipt(2)
    content = encode(["lianheng.seal.1", chain.hashes[3 if kind == "header" else 2]])
    seal = sign_one(chain.sealer, content, chain.genesis_hash if aad is None else aad)
    return Case(parts | {"seal": ["solo", seal]}, chain.genesis_file)


def under(height: int, anchor: int, change: Callable[[list[Any]], list[Any]] = list) -> Case:
    """A receipt at `height` whose links are changed, checked against the header file `anchor`."""
    chain = toolshed()
    parts = chain.receipt(height, 0, anchor)
    return Case(parts | {"links": change(parts["links"])}, chain.anchor_file(anchor))


def linked_for(height: int, made_for: int, checked_with: int) -> Case:
    chain = toolshed()
    return Case(chain.receipt(height, 0, made_for), chain.anchor_file(checked_with))


def fork_at(height: int, anchor: int) -> Case:
    """A receipt at `height` under the anchor of another history of the same chain."""
    chain, other = toolshed(), Chain()
    for number in range(6):
        other.add([(other.transaction(number=90 + number), succeeded())])
    return Case(chain.receipt(height, 0, anchor), other.anchor_file(anchor))


def other_genesis() -> Case:
    other = Chain(document_changes={"time": START - 1})
    return Case(toolshed().receipt(2), other.genesis_file)


def earlier_than_anchor() -> Case:
    chain = Chain()
    chain.add([(chain.transaction(), succeeded())])
    late = chain.transaction(number=2)
    chain.add([(late, succeeded())], changes={"time": START + 1})
    return Case(chain.receipt(2, 0, 1), chain.anchor_file(1))


def wrong_key_in_genesis() -> Case:
    return with_call(sender="bob@south", keys=[Key("alice")])


def path_changed(links: list[Any], which: int) -> list[Any]:
    path = [*links[which]["path"][:-1], bytes(32)]
    return [*links[:which], links[which] | {"path": path}, *links[which + 1 :]]


def _header_of_another_chain() -> Case:
    chain = Chain()
    call = chain.transaction(changes={1: "other"})
    chain.add([(call, succeeded())], changes={"chain": "other"})
    return Case(chain.receipt(1), chain.genesis_file)


def _bad_seal_newer() -> Case:
    case = under(3, 5)
    return Case(spoil_seal(case.parts), case.anchor)


def _unbound_root() -> Case:
    """A block whose entries root is the tree's root itself."""
    chain = toolshed()
    call, result = chain.transaction(number=50), succeeded()
    entry = encode([transaction_id(call, chain.genesis_hash), digest(call), result])
    chain.add([(call, result)], changes={"entries_root": log_root([entry])})
    return Case(chain.receipt(7), chain.genesis_file)


def _root_of_another_count() -> Case:
    """A block of three entries sealed as one of four: the receipt tells the tree's own count."""
    chain = toolshed()
    calls = [(chain.transaction(number=50 + one), succeeded()) for one in range(3)]
    entries = [
        encode([transaction_id(call, chain.genesis_hash), digest(call), result])
        for call, result in calls
    ]
    lie = digest(encode(["lianheng.entries.1", 4, log_root(entries)]))
    chain.add(calls, changes={"entries_root": lie})
    return Case(chain.receipt(7, 0), chain.genesis_file)


RECEIPT_FAULTS: dict[str, Fault] = {
    "signers in another order": Fault(
        "form",
        "transaction.signers",
        lambda: with_call(keys=[Key("alice"), Key("bob")], signed_by=[Key("bob"), Key("alice")]),
    ),
    "a signer stripped": Fault(
        "form",
        "transaction.signers",
        lambda: with_call(keys=[Key("alice"), Key("bob")], signed_by=[Key("alice")]),
    ),
    "a signer added": Fault(
        "form",
        "transaction.signers",
        lambda: with_call(keys=[Key("alice")], signed_by=[Key("alice"), Key("bob")]),
    ),
    "a signer twice": Fault(
        "form", "transaction.signers", lambda: with_call(keys=[Key("alice"), Key("alice")])
    ),
    "signed for another chain": Fault(
        "form", "transaction.wrong_chain", lambda: with_call(changes={1: "other"})
    ),
    "bad signature": Fault("signature", "signature.bad", lambda: with_transaction(spoil)),
    "another key shown": Fault(
        "signature", "signature.keys", lambda: with_parts(keys=[Key("bob").public])
    ),
    "a key too many": Fault(
        "signature",
        "signature.keys",
        lambda: with_parts(keys=[Key("alice").public, Key("bob").public]),
    ),
    "another member's key": Fault("signature", "signature.not_senders_key", wrong_key_in_genesis),
    "other code than meant": Fault(
        "code", "code.not_meant", lambda: with_call(changes={10: digest(b"other")})
    ),
    "another source file": Fault("code", "code.differs", with_parts, source=b"print()\n"),
    "no source ran": Fault(
        "code", "code.none", lambda: with_call(result={1: 0, 2: 1}), source=b"print()\n"
    ),
    "expired at block time": Fault(
        "time", "transaction.expired", lambda: with_call(expires=START + 1000)
    ),
    "another result": Fault(
        "entry", "entry.not_in_block", lambda: with_parts(result=encode(refused()))
    ),
    "more gas": Fault(
        "entry",
        "entry.not_in_block",
        lambda: with_parts(result=encode(succeeded(held_by("south")) | {2: 1205})),
    ),
    "another index": Fault("entry", "entry.not_in_block", lambda: with_entry(index=2)),
    "another count": Fault("entry", "entry.not_in_block", lambda: with_entry(count=5)),
    "another count with a path of the same length": Fault(
        "entry", "entry.not_in_block", lambda: with_entry(count=4)
    ),
    "a root without its count": Fault("entry", "entry.not_in_block", _unbound_root),
    "a root with another count": Fault("entry", "entry.not_in_block", _root_of_another_count),
    "index beyond": Fault("entry", "entry.not_in_block", lambda: with_entry(index=3)),
    "short path": Fault("entry", "entry.not_in_block", lambda: with_entry(path=[])),
    "long path": Fault("entry", "entry.not_in_block", lambda: with_entry(path=[bytes(32)] * 4)),
    "another entries root": Fault(
        "entry",
        "entry.not_in_block",
        lambda: with_block(changes={"entries_root": bytes(32)}),
    ),
    "no link to the genesis": Fault("anchor", "link.missing", lambda: with_parts(links=[])),
    "no link to the genesis, equal anchor": Fault(
        "anchor", "link.missing", lambda: under(3, 3, lambda _: [])
    ),
    "no link to the older anchor": Fault(
        "anchor", "link.missing", lambda: under(3, 2, lambda links: links[:1])
    ),
    "no link to the newer anchor": Fault(
        "anchor", "link.missing", lambda: under(3, 5, lambda links: links[:1])
    ),
    "bad path to the genesis": Fault(
        "anchor", "link.bad", lambda: under(3, 0, lambda links: path_changed(links, 0))
    ),
    "bad path to the older anchor": Fault(
        "anchor", "link.bad", lambda: under(3, 2, lambda links: path_changed(links, 1))
    ),
    "bad path to the newer anchor": Fault(
        "anchor", "link.bad", lambda: under(3, 5, lambda links: path_changed(links, 1))
    ),
    "a link for another older anchor": Fault("anchor", "link.unused", lambda: linked_for(5, 2, 0)),
    "a link for another newer anchor": Fault("anchor", "link.missing", lambda: linked_for(2, 5, 4)),
    "a newer link under the genesis": Fault("anchor", "link.unused", lambda: linked_for(2, 5, 0)),
    "another history root": Fault(
        "anchor", "link.bad", lambda: with_block(changes={"history_root": bytes(32)})
    ),
    "older anchor of another history": Fault("anchor", "link.bad", lambda: fork_at(5, 2)),
    "equal anchor of another history": Fault("anchor", "anchor.differs", lambda: fork_at(3, 3)),
    "newer anchor of another history": Fault("anchor", "link.missing", lambda: fork_at(3, 5)),
    "another genesis": Fault("anchor", "genesis.differs", other_genesis),
    "earlier than the anchor": Fault("anchor", "header.time", earlier_than_anchor),
    "consensus height": Fault(
        "anchor",
        "header.consensus_height",
        lambda: with_block(changes={"consensus_height": 3}),
    ),
    "header of another chain": Fault(
        "anchor",
        "header.chain",
        _header_of_another_chain,
    ),
    "sealed by another key": Fault(
        "seal", "seal.wrong_key", lambda: with_block(sealer=Key("mallory"))
    ),
    "sealed for another header": Fault(
        "seal", "seal.other_header", lambda: sealed_for(None, "header")
    ),
    "sealed under another genesis": Fault(
        "seal", "seal.bad", lambda: sealed_for(bytes(32), "genesis")
    ),
    "bad seal": Fault(
        "seal",
        "seal.bad",
        lambda: Case(spoil_seal(toolshed().receipt(2)), toolshed().genesis_file),
    ),
    "another set of sealers": Fault(
        "seal",
        "seal.other_sealers",
        lambda: with_block(changes={"sealers_hash": digest(b"other")}),
    ),
    "bad seal under a newer anchor": Fault("seal", "seal.bad", _bad_seal_newer),
}


def proof_of(row: list[Any], anchor: int = 0, **changes: Any) -> Case:
    chain = toolshed()
    parts = chain.proof(3, "toolshed", "tools", row, anchor)
    return Case(parts | changes, chain.anchor_file(anchor))


def _absent_without_value() -> Case:
    case = proof_of(["crane-7"])
    return Case(case.parts | {"value": None}, case.anchor)


def _other_is_the_row() -> Case:
    case = proof_of(["crane-7"])
    own = [digest(tuple_key(TOOL)), digest(case.parts["value"])]
    return Case(case.parts | {"value": None, "other": own}, case.anchor)


def _invented() -> Case:
    case = proof_of(["none"])
    parts = {name: part for name, part in case.parts.items() if name != "other"}
    return Case(parts | {"value": encode({"id": "none"})}, case.anchor)


def _state_root() -> Case:
    chain = toolshed()
    height = chain.add([], [(TOOL, held_by("east"))], changes={"state_root": bytes(32)})
    return Case(chain.proof(height, "toolshed", "tools", ["crane-7"]), chain.genesis_file)


def _bad_link() -> Case:
    case = proof_of(["crane-7"])
    return Case(case.parts | {"links": path_changed(case.parts["links"], 0)}, case.anchor)


def _bad_proof_seal() -> Case:
    case = proof_of(["crane-7"])
    return Case(spoil_seal(case.parts), case.anchor)


STATE_FAULTS: dict[str, Fault] = {
    "another value": Fault(
        "proof", "proof.bad", lambda: proof_of(["crane-7"], value=encode(held_by("east")))
    ),
    "another key": Fault("proof", "proof.bad", lambda: proof_of(["crane-7"], key=["crane-8"])),
    "another table": Fault("proof", "proof.bad", lambda: proof_of(["crane-7"], table="loans")),
    "another contract": Fault("proof", "proof.bad", lambda: proof_of(["crane-7"], contract="shed")),
    "present row shown as absent": Fault("proof", "proof.bad", _absent_without_value),
    "the row as the other leaf": Fault("proof", "proof.bad", _other_is_the_row),
    "absent row shown as present": Fault("proof", "proof.bad", _invented),
    "another leaf invented": Fault(
        "proof", "proof.bad", lambda: proof_of(["none"], other=[bytes(32), bytes(32)])
    ),
    "siblings missing": Fault("proof", "proof.bad", lambda: proof_of(["crane-7"], siblings=[])),
    "another state root": Fault("proof", "proof.bad", _state_root),
    "no link": Fault("anchor", "link.missing", lambda: proof_of(["crane-7"], links=[])),
    "bad link": Fault("anchor", "link.bad", _bad_link),
    "bad seal": Fault("seal", "seal.bad", _bad_proof_seal),
}
