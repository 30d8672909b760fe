"""A ceremony ends in one document whatever the order, and no altered byte of it goes unseen."""

from base64 import b64encode
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianheng import _native
from lianheng.members import Identity, MemberSpec, OrganisationSpec
from lianheng.members.ceremony import (
    WORDS,
    Ceremony,
    Fingerprint,
    NodePlace,
    Part,
    Terms,
    admin_of,
    rehearse,
)
from lianheng.model import (
    ContractSource,
    Hash32,
    InvalidValue,
    LianhengError,
    MemberId,
    OrganisationName,
    UsageError,
    decode,
    encode,
)
from lianheng.system import contracts

NAMES = ("bank-a", "bank-b", "grid")
PEOPLE = {
    name: {
        admin_of(name): Identity.generate(f"admin@{name}"),
        f"alice@{name}": Identity.generate(f"alice@{name}"),
        f"node-1@{name}": Identity.generate(f"node-1@{name}"),
    }
    for name in NAMES
}
TERMS = Terms.create(
    chain="trade",
    organisations=NAMES,
    time_ms=5,
    contracts=contracts(),
    policies={"contracts.deploy": "2/3 role:admin"},
    roles={"checker": "organisation"},
)
PORT = 26_656


def part(
    name: str,
    terms: Terms = TERMS,
    people: dict[str, Identity] | None = None,
    *,
    spec: OrganisationSpec | None = None,
    roles: Sequence[str] = ("operator", "checker"),
) -> Part:
    them = people or PEOPLE[name]
    members = [
        MemberSpec(admin_of(name), them[admin_of(name)], roles=["admin"]),
        MemberSpec(f"alice@{name}", them[f"alice@{name}"], roles=roles),
        MemberSpec(f"node-1@{name}", them[f"node-1@{name}"], kind="node"),
    ]
    number = terms.organisations.index(name) if name in terms.organisations else 99
    place = NodePlace(MemberId(f"node-1@{name}"), f"127.0.0.1:{PORT + number}", f"{number:040x}")
    return Part.make(terms, name, spec or OrganisationSpec(name), members, place)


def joined(order: Sequence[str] = NAMES, terms: Terms = TERMS) -> Ceremony:
    ceremony = Ceremony(terms)
    for name in order:
        ceremony = ceremony.join(part(name, terms))
    return ceremony


def signed(ceremony: Ceremony, names: Sequence[str] = NAMES) -> Ceremony:
    for name in names:
        ceremony = ceremony.sign(PEOPLE[name][admin_of(name)])
    return ceremony


JOINED = joined()
SIGNED = signed(JOINED)
STAGES = (Ceremony(TERMS), joined(NAMES[:2]), JOINED, signed(JOINED, NAMES[:1]), SIGNED)


def test_the_order_does_not_matter() -> None:
    files = {joined(order).encoded for order in permutations(NAMES)}
    assert len(files) == 1
    signatures = {signed(JOINED, order).encoded for order in permutations(NAMES)}
    assert len(signatures) == 1
    assert Ceremony.from_bytes(signatures.pop()) == SIGNED


def test_parallel_joins_are_merged() -> None:
    one, two = joined(NAMES[:1]), joined(NAMES[1:])
    assert one.merge(two).encoded == two.merge(one).encoded == JOINED.encoded
    left, right = signed(JOINED, NAMES[:2]), signed(JOINED, NAMES[2:])
    assert left.merge(right).encoded == SIGNED.encoded
    assert left.merge(JOINED).encoded == left.encoded


def test_the_core_begins_the_chain_that_all_signed() -> None:
    genesis = SIGNED.genesis()
    engine = _native.Engine.create(None, genesis.encoded)
    assert engine.chain == "trade"
    engine.close()
    document = genesis.document
    assert [o["name"] for o in document.organisations] == list(NAMES)
    assert {m["id"] for m in document.members} == {m for them in PEOPLE.values() for m in them}
    keys = {PEOPLE[name][f"node-1@{name}"].public for name in NAMES}
    assert {bytes(key) for key, _ in document.sealers[2]} == keys
    assert document.policies == {"contracts.deploy": "2/3 role:admin"}
    assert {"name": "checker", "given": "organisation"} in document.roles


def test_no_secret_travels() -> None:
    for stage in STAGES:
        for them in PEOPLE.values():
            for identity in them.values():
                seed = identity.seed
                for form in (seed, seed.hex().encode(), b64encode(seed).rstrip(b"=")):
                    assert form not in stage.encoded
                    assert form.upper() not in stage.encoded


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_altered_byte_is_found_and_named(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(STAGES)).encoded)
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LianhengError) as caught:
        Ceremony.from_bytes(bytes(file))
    assert caught.value.code.startswith("ceremony.")
    assert caught.value.message


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_cut_or_doubled_files_are_found(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(STAGES)).encoded
    start = data.draw(st.integers(0, len(file) - 1))
    end = data.draw(st.integers(start + 1, len(file)))
    for changed in (file[:start], file[:start] + file[end:], file[:end] + file[start:]):
        if changed != file:
            with pytest.raises(InvalidValue) as caught:
                Ceremony.from_bytes(changed)
            assert caught.value.code.startswith("ceremony.")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_other_bytes_are_no_ceremony(data: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        Ceremony.from_bytes(data)
    assert caught.value.code == "ceremony.malformed"


def reforged(change: Any, stage: Ceremony = SIGNED) -> bytes:
    """A file whose content somebody changed, its check value made anew."""
    fields = decode(stage.encoded)
    del fields["check"]
    change(fields)
    return encode({**fields, "check": _native.hash_bytes(encode(fields))})


def other_terms(**changes: Any) -> Terms:
    given = {
        "chain": "trade",
        "organisations": NAMES,
        "time_ms": 5,
        "contracts": contracts(),
        "roles": {"checker": "chain"},
    }
    return Terms.create(**{**given, **changes})


OTHER_CHAIN = other_terms(chain="other")
MALLORY = {
    **PEOPLE["grid"],
    admin_of("grid"): Identity.generate("admin@grid"),
}


def edited(name: str, change: Any, signer: Identity | None = None) -> bytes:
    """A part whose content somebody changed and, where he could, signed again."""
    cose = decode(JOINED.parts[OrganisationName(name)].encoded)
    content = decode(cose[2])
    change(content)
    if signer is not None:
        return signer.sign(encode(content), b"")
    return encode([cose[0], cose[1], encode(content), cose[3]])


def move(content: dict[str, Any]) -> None:
    content["node"]["address"] = "evil.example:26656"


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (lambda f: f["parts"].pop("grid"), "ceremony.part_missing", "grid"),
        (lambda f: f["parts"].update(grid=f["parts"]["bank-a"]), "ceremony.malformed", "bank-a"),
        (
            lambda f: f["signatures"].update(grid=f["signatures"]["bank-a"]),
            "ceremony.signature",
            "grid",
        ),
        (lambda f: f["signatures"].update(grid=b""), "ceremony.signature", "grid"),
        (lambda f: f["signatures"].update(grid=5), "ceremony.signature", "grid"),
        (
            lambda f: f["signatures"].update(zoo=f["signatures"]["grid"]),
            "ceremony.not_a_party",
            "zoo",
        ),
        (lambda f: f.update(terms=other_terms().encoded), "ceremony.other_terms", "grid"),
        (
            lambda f: f["parts"].update(grid=part("grid", OTHER_CHAIN).encoded),
            "ceremony.other_terms",
            "grid",
        ),
        (lambda f: f["parts"].update(grid=edited("grid", move)), "ceremony.part_altered", "grid"),
        (
            lambda f: f["parts"].update(grid=part("grid", people=MALLORY).encoded),
            "ceremony.signature",
            "bank-a",
        ),
        (
            lambda f: f["parts"].update(
                grid=edited("grid", move, PEOPLE["grid"][admin_of("grid")])
            ),
            "ceremony.signature",
            "bank-a",
        ),
        (lambda f: f.update(extra=1), "ceremony.damaged", "check value"),
        (lambda f: f.update(parts=[]), "ceremony.malformed", "type"),
        (lambda f: f.pop("terms"), "ceremony.malformed", "terms"),
        (
            lambda f: f.update(format="lianheng.ceremony.2"),
            "ceremony.malformed",
            "lianheng.ceremony.1",
        ),
    ],
)
def test_what_somebody_changed_on_purpose_is_named(change: Any, code: str, named: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Ceremony.from_bytes(reforged(change))
    assert (caught.value.code, named in caught.value.message) == (code, True), str(caught.value)


def with_field(path: Sequence[Any], value: object) -> Any:
    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


def possession_of_another(content: dict[str, Any]) -> None:
    content["members"][1]["keys"][0]["possession"] = content["members"][0]["keys"][0]["possession"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (with_field(["name"], "bank-a"), "ceremony.malformed"),
        (with_field(["title"], "bell\x07"), "ceremony.malformed"),
        (with_field(["title"], "x" * 201), "ceremony.malformed"),
        (with_field(["title"], 5), "ceremony.malformed"),
        (with_field(["node", "address"], "nowhere"), "ceremony.malformed"),
        (with_field(["node", "address"], "a.example:70000000"), "ceremony.malformed"),
        (with_field(["node", "id"], "ab"), "ceremony.malformed"),
        (with_field(["node", "member"], "alice@grid"), "ceremony.malformed"),
        (with_field(["node", "extra"], 1), "ceremony.malformed"),
        (with_field(["extra"], 1), "ceremony.malformed"),
        (with_field(["members"], []), "ceremony.malformed"),
        (with_field(["members", 1, "id"], "alice@bank-a"), "ceremony.possession"),
        (with_field(["members", 1, "kind"], "robot"), "ceremony.malformed"),
        (with_field(["members", 1, "roles"], ["king"]), "ceremony.role_unknown"),
        (with_field(["members", 1, "roles"], "operator"), "ceremony.role_unknown"),
        (with_field(["members", 0, "roles"], ["operator"]), "ceremony.malformed"),
        (with_field(["members", 1, "keys", 0, "public"], b"\x00" * 32), "ceremony.malformed"),
        (with_field(["members", 1, "keys", 0, "public"], 2**40), "ceremony.malformed"),
        (with_field(["members", 0, "keys", 0, "public"], 2**40), "ceremony.malformed"),
        (with_field(["members", 1, "keys", 0, "custodial"], 1), "ceremony.malformed"),
        (with_field(["members", 1, "keys"], []), "ceremony.malformed"),
        (with_field(["terms"], b"\x00" * 32), "ceremony.other_terms"),
        (possession_of_another, "ceremony.possession"),
    ],
)
def test_a_part_that_an_organisation_made_wrongly_is_refused(change: Any, code: str) -> None:
    data = edited("grid", change, PEOPLE["grid"][admin_of("grid")])
    with pytest.raises(InvalidValue) as caught:
        Part.from_bytes("grid", data, TERMS)
    assert caught.value.code in {code, "ceremony.malformed"}
    assert "grid" in caught.value.message or "alice" in caught.value.message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.binary(max_size=40)
    | st.text(max_size=20)
    | st.sampled_from(["admin@grid", "grid", "node", "admin", "alice@grid", b"\x00" * 32]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree of maps and arrays."""
    steps = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    return [at, *(place for step, inner in steps for place in places(inner, (*at, step)))]


def put_somewhere(data: st.DataObject, tree: Any) -> Any:
    """The tree with another value at one place, or without what was there."""
    place = data.draw(st.sampled_from(places(tree)[1:]))
    holder = tree
    for step in place[:-1]:
        holder = holder[step]
    if data.draw(st.booleans()):
        holder[place[-1]] = data.draw(VALUES)
    else:
        del holder[place[-1]]
    return tree


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_an_organisation_signs_is_read_or_refused_by_name(data: st.DataObject) -> None:
    signer = PEOPLE["grid"][admin_of("grid")]
    content = decode(decode(JOINED.parts[OrganisationName("grid")].encoded)[2])
    signed_part = signer.sign(encode(put_somewhere(data, content)), b"")
    try:
        read = Part.from_bytes("grid", signed_part, TERMS)
    except InvalidValue as failure:
        refused = failure.code
    else:
        refused = "ceremony."
        assert read.encoded == signed_part
        assert Ceremony(TERMS).join(read).missing == ["bank-a", "bank-b"]
    assert refused.startswith("ceremony.")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_file_is_read_or_refused_by_name(data: st.DataObject) -> None:
    fields = decode(SIGNED.encoded)
    fields["terms"] = decode(fields["terms"])
    changed = put_somewhere(data, fields)
    changed.pop("check", None)
    if "terms" in changed:
        changed["terms"] = encode(changed["terms"])
    file = encode({**changed, "check": _native.hash_bytes(encode(changed))})
    if file != SIGNED.encoded:
        try:
            read = Ceremony.from_bytes(file)
        except InvalidValue as failure:
            refused = failure.code
        else:
            # A signature fewer is what the file was before somebody signed.
            refused = "ceremony."
            assert read.parts == SIGNED.parts
            assert set(read.signatures) < set(SIGNED.signatures)
        assert refused.startswith("ceremony.")


def raw_map(pairs: Sequence[tuple[str, bytes]]) -> bytes:
    """A map as somebody writes it who keeps no order."""
    return bytes([0xA0 + len(pairs)]) + b"".join(encode(key) + value for key, value in pairs)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_doubled_and_reordered_parts_are_refused(data: st.DataObject) -> None:
    fields = decode(SIGNED.encoded)
    parts = [(name, encode(part)) for name, part in fields["parts"].items()]
    order = data.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=5))
    outer = [
        (name, raw_map(order) if name == "parts" else encode(value))
        for name, value in sorted(fields.items(), key=lambda pair: (len(pair[0]), pair[0]))
    ]
    file = raw_map(outer)
    if order == parts:
        assert file == SIGNED.encoded
        return
    with pytest.raises(InvalidValue) as caught:
        Ceremony.from_bytes(file)
    assert caught.value.code in {"ceremony.malformed", "ceremony.part_missing"}


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_whatever_way_copies_take_they_end_in_one_file(data: st.DataObject) -> None:
    copies = [Ceremony(TERMS)]
    for name in data.draw(st.permutations(NAMES)):
        start = data.draw(st.sampled_from(copies))
        copies.append(start.join(part(name)))
    whole = data.draw(st.permutations(copies))
    merged = whole[0]
    for other in whole[1:]:
        merged = merged.merge(other)
    assert merged.encoded == JOINED.encoded
    halves = [signed(merged, [name]) for name in data.draw(st.permutations(NAMES))]
    assert halves[0].merge(halves[1]).merge(halves[2]).encoded == SIGNED.encoded


def test_who_joins_in_anothers_name_is_seen() -> None:
    stolen = joined(NAMES[:2]).join(part("grid", people=MALLORY))
    with pytest.raises(InvalidValue) as caught:
        stolen.join(part("grid"))
    assert caught.value.code == "ceremony.two_parts"
    with pytest.raises(InvalidValue) as caught:
        stolen.merge(JOINED)
    assert caught.value.code == "ceremony.two_parts"
    with pytest.raises(InvalidValue) as caught:
        stolen.sign(PEOPLE["grid"][admin_of("grid")])
    assert caught.value.code == "ceremony.part_replaced"
    assert stolen.fingerprint != JOINED.fingerprint


def test_joining_again_changes_nothing() -> None:
    assert JOINED.join(part("grid")).encoded == JOINED.encoded


def test_keys_and_addresses_are_ones_own() -> None:
    for change in (
        with_field(["node", "address"], f"127.0.0.1:{PORT}"),
        with_field(["node", "id"], f"{0:040x}"),
    ):
        data = edited("grid", change, PEOPLE["grid"][admin_of("grid")])
        with pytest.raises(InvalidValue) as caught:
            joined(NAMES[:2]).join(Part.from_bytes("grid", data, TERMS))
        assert caught.value.code == "ceremony.twice"
        assert "bank-a" in caught.value.message


def test_nobody_signs_before_all_have_joined() -> None:
    with pytest.raises(UsageError) as caught:
        signed(joined(NAMES[:2]), NAMES[:1])
    assert caught.value.code == "ceremony.not_joined"
    with pytest.raises(UsageError) as caught:
        signed(JOINED, NAMES[:2]).require_signed()
    assert (caught.value.code, "grid" in caught.value.message) == ("ceremony.not_signed", True)
    with pytest.raises(UsageError) as caught:
        JOINED.sign(Identity.generate("admin@zoo"))
    assert caught.value.code == "ceremony.not_a_party"
    with pytest.raises(InvalidValue) as refused:
        JOINED.sign(PEOPLE["grid"]["alice@grid"])
    assert refused.value.code == "ceremony.part_replaced"


@pytest.mark.parametrize(
    "change",
    [
        {"organisations": []},
        {"organisations": ["a", "a"]},
        {"organisations": ["A"]},
        {"organisations": ["b\u0430nk"]},
        {"parameters": {"block_size": 1}},
        {"parameters": {"block_gas": -1}},
        {"roles": {"x": "nobody"}},
        {"time_ms": -1},
        {"time_ms": 2**60},
        {"time_ms": True},
        {"policies": {"deploy": "ANY"}},
        {"policies": {"contracts.deploy": "MOST"}},
        {"contracts": [ContractSource("9", "9.py", "")]},
    ],
)
def test_terms_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(LianhengError):
        other_terms(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"block_gas": 0}},
        {"contracts": [*contracts(), ContractSource("bad", "bad.py", "x = 1.5\n")]},
    ],
)
def test_a_rehearsal_finds_what_the_core_would_refuse(change: dict[str, Any]) -> None:
    rehearse(Ceremony(other_terms()))
    with pytest.raises(LianhengError):
        rehearse(Ceremony(other_terms(**change)))


def test_a_rehearsal_finds_a_wrong_check_digit() -> None:
    wrong = part("grid", spec=OrganisationSpec("Grid", lei="5493001KJTIIGC8Y1R13"))
    with pytest.raises(LianhengError) as caught:
        rehearse(Ceremony(TERMS).join(wrong))
    assert "lei" in str(caught.value) + str(caught.value.details)


def test_words_tell_bytes_apart() -> None:
    assert len(WORDS) == len(set(WORDS)) == len({word[:3] for word in WORDS}) == 256
    assert list(WORDS) == sorted(WORDS)
    assert all(word.isascii() and word.islower() and word.isalpha() for word in WORDS)
    made = Fingerprint.of(Hash32(bytes(32)))
    assert [WORDS.index(word) for word in made.words.split()] == list(made.data)
    assert bytes.fromhex(made.digits.replace("-", "")) == made.data
    assert made.digits == "ebbd-e709-9f08-81eb-c921", "as docs/protocol/formats.md gives it"
    assert made.words == "uncle quartz tulip atlas olive arrow library uncle ruby canoe"
