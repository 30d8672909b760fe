//! Envelopes: gathered here, opened there; and all that comes from outside.

mod support;

use std::sync::Arc;

use codec::cbor::{self, Encoder, Value};
use crypto::{Hash32, SigningKey};
use engine::formats::genesis::{possession_payload, Genesis};
use engine::{limits, Engine, Envelope, EnvelopeHead, Error, Gathered, Prepared};
use proptest::prelude::*;
use support::{
    block, block_of, document_value, encode_document, key_of, Draft, TestRuntime, GENESIS_TIME,
    SUITE,
};

const NODE: &str = "node-1@north";
const OTHER_NODE: &str = "node-1@south";

fn node(id: &str) -> Value {
    let key = key_of(id);
    let payload = possession_payload("trade", id, SUITE.key_id(key.public()));
    let proof = crypto::cose::sign(SUITE, &[&key], &payload, &[]).unwrap();
    let key = Value::Map(vec![
        (Value::text("public"), Value::bytes(key.public().to_vec())),
        (Value::text("custodial"), Value::Bool(false)),
        (Value::text("possession"), Value::bytes(proof)),
    ]);
    Value::Map(vec![
        (Value::text("id"), Value::text(id)),
        (Value::text("kind"), Value::text("node")),
        (Value::text("roles"), Value::Array(Vec::new())),
        (Value::text("keys"), Value::Array(vec![key])),
    ])
}

/// The fields of a document with two nodes, after `change`.
fn document(change: impl Fn(&str, Value) -> Value) -> Vec<u8> {
    let Value::Map(fields) = document_value("trade") else {
        panic!("a document is a map")
    };
    let fields = fields.into_iter().map(|(name, mut value)| {
        let Value::Text(text) = &name else {
            panic!("text keys")
        };
        if let ("members", Value::Array(members)) = (text.as_str(), &mut value) {
            members.extend([node(NODE), node(OTHER_NODE)]);
        }
        let value = change(text, value);
        (name, value)
    });
    encode_document(&Value::Map(fields.collect()))
}

fn engine() -> Engine {
    Engine::create(None, &document(|_, value| value), Arc::new(TestRuntime)).unwrap()
}

fn drafts(count: u64) -> Vec<Draft> {
    (0..count)
        .map(|number| Draft {
            expires: GENESIS_TIME + 100_000 + number,
            ..Draft::put("a", 1, number)
        })
        .collect()
}

fn signed(engine: &Engine, drafts: &[Draft]) -> Vec<Arc<[u8]>> {
    let sign = |draft: &Draft| draft.sign(engine.genesis_hash());
    drafts.iter().map(sign).collect()
}

fn sign_head(engine: &Engine, payload: &[u8], key: &SigningKey) -> Vec<u8> {
    crypto::cose::sign(SUITE, &[key], payload, &engine.genesis_hash().0).unwrap()
}

fn seal(engine: &Engine, gathered: &Gathered) -> (Envelope, Vec<u8>) {
    let head = sign_head(engine, gathered.payload(), &key_of(NODE));
    gathered.seal(&head).unwrap()
}

fn good(engine: &Engine, count: u64) -> (Envelope, Vec<u8>) {
    let prepared = engine.prepare_fresh(signed(engine, &drafts(count)), None);
    seal(engine, &engine.gather(&prepared, NODE, 7).unwrap())
}

/// An envelope of these transactions whose head was changed before it was signed.
fn forged(
    engine: &Engine,
    transactions: &[Arc<[u8]>],
    change: impl Fn(&mut EnvelopeHead),
    key: &SigningKey,
) -> Vec<u8> {
    let mut list = Encoder::new();
    list.array(transactions.len());
    for transaction in transactions {
        list.bytes(transaction);
    }
    let mut head = EnvelopeHead {
        node: NODE.to_owned(),
        number: 7,
        expires: GENESIS_TIME + 100_000 + transactions.len() as u64 - 1,
        gas: 50 * transactions.len() as u64,
        count: transactions.len() as u64,
        transactions_hash: SUITE.hash(list.as_slice()),
    };
    change(&mut head);
    join(&sign_head(engine, &head.encode(), key), list.as_slice())
}

fn join(head: &[u8], transactions: &[u8]) -> Vec<u8> {
    let mut envelope = Encoder::new();
    envelope.array(2).bytes(head).bytes(transactions);
    envelope.into_bytes()
}

fn code<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| error.code).unwrap_or_default()
}

fn dropped(prepared: &Prepared) -> Vec<(usize, &'static str)> {
    prepared.drops().map(|(at, drop)| (at, drop.code)).collect()
}

#[test]
fn what_one_node_gathers_another_opens() {
    let (here, there) = (engine(), engine());
    let (envelope, data) = good(&here, 20);
    let opened = there.open_envelope(&data).unwrap();
    assert_eq!(opened.head, envelope.head);
    assert_eq!(
        (opened.hash, envelope.hash),
        (SUITE.hash(&data), SUITE.hash(&data))
    );
    assert_eq!(
        (opened.bad, opened.head.count, opened.head.gas),
        (0, 20, 1_000)
    );
    assert_eq!(opened.head.expires, GENESIS_TIME + 100_019);
    assert_eq!(opened.head.organisation(), "north");
    assert!(opened.prepared.ids().eq(envelope.prepared.ids()));
    assert_eq!(there.envelope_head(&data).unwrap(), opened.head);
    there.admit_envelope(&opened).unwrap();
    here.admit_envelope(&envelope).unwrap();
    // Both give the same block.
    let run = |engine: &Engine, envelope: &Envelope| {
        block_of(engine, vec![envelope.prepared.clone()], GENESIS_TIME + 1);
        engine.status().header_hash
    };
    assert_eq!(run(&here, &envelope), run(&there, &opened));
    assert_eq!(there.height(), 1);
}

#[test]
fn fresh_drops_what_is_in_vain_and_gathering_leaves_it_out() {
    let engine = engine();
    let done = Draft::put("a", 1, 1);
    block(&engine, std::slice::from_ref(&done), GENESIS_TIME + 1_000);
    let with = |number: u64, change: &dyn Fn(&mut Draft)| {
        let mut draft = Draft::put("a", 1, number);
        change(&mut draft);
        draft
    };
    let list = [
        done,
        with(2, &|draft| draft.expires = GENESIS_TIME + 1_000),
        with(3, &|draft| draft.gas = 101),
        with(4, &|draft| draft.expires = GENESIS_TIME + 400_001),
        with(5, &|draft| draft.chain = "other".into()),
        with(6, &|_| ()),
    ];
    let mut bytes = signed(&engine, &list);
    let mut broken = bytes[5].to_vec();
    *broken.last_mut().unwrap() ^= 1;
    bytes.extend([broken.into(), vec![1, 2].into()]);
    let fresh = engine.prepare_fresh(bytes.clone(), Some(GENESIS_TIME + 400_000));
    let wanted = [
        (0, "dropped.replayed"),
        (1, "dropped.expired"),
        (2, "dropped.over_quota"),
        (3, "dropped.too_far_ahead"),
        (4, "dropped.wrong_chain"),
        (6, "dropped.bad_signature"),
        (7, "dropped.undecodable"),
    ];
    assert_eq!(dropped(&fresh), wanted);
    let ids: Vec<_> = fresh.ids().collect();
    assert_eq!(ids.iter().filter(|id| id.is_some()).count(), 7);
    assert!(ids[7].is_none());
    let (envelope, data) = seal(&engine, &engine.gather(&fresh, NODE, 7).unwrap());
    assert_eq!((envelope.head.count, envelope.head.gas), (1, 50));
    assert_eq!(envelope.prepared.ids().collect::<Vec<_>>(), vec![ids[5]]);
    assert_eq!(engine.open_envelope(&data).unwrap().bad, 0);
    // Whoever does not gather keeps what only the block can decide.
    let plain = engine.prepare(bytes);
    assert_eq!(dropped(&plain), wanted[4..]);
    let nothing = engine.prepare_fresh(vec![vec![1].into()], None);
    assert_eq!(code(engine.gather(&nothing, NODE, 7)), "envelope.empty");
}

#[test]
fn bad_transactions_of_an_envelope_are_counted_and_add_what_they_say() {
    let engine = engine();
    let mut transactions = signed(&engine, &drafts(2));
    let mut broken = transactions[1].to_vec();
    *broken.last_mut().unwrap() ^= 1;
    transactions.push(broken.into());
    transactions.push(vec![0x80].into());
    let mut foreign = Draft::put("a", 1, 9);
    foreign.chain = "other".into();
    foreign.expires = GENESIS_TIME + 700_000;
    transactions.extend(signed(&engine, &[foreign]));
    let data = forged(
        &engine,
        &transactions,
        |head| (head.gas, head.expires) = (200, GENESIS_TIME + 700_000),
        &key_of(NODE),
    );
    let opened = engine.open_envelope(&data).unwrap();
    assert_eq!((opened.bad, opened.head.count), (3, 5));
    let outcome = block_of(&engine, vec![opened.prepared], GENESIS_TIME + 1).remove(0);
    assert_eq!(outcome.counts().unwrap(), (2, 0, 3));
    // Where nothing decodes there is no gas and no expiry.
    let rubbish = [Arc::from([1_u8, 2, 3].as_slice())];
    let data = forged(
        &engine,
        &rubbish,
        |head| (head.gas, head.expires) = (0, 0),
        &key_of(NODE),
    );
    assert_eq!(engine.open_envelope(&data).unwrap().bad, 1);
}

#[test]
fn a_head_that_does_not_tell_the_truth_is_refused() {
    let engine = engine();
    let transactions = signed(&engine, &drafts(3));
    let key = key_of(NODE);
    let opened = |change: &dyn Fn(&mut EnvelopeHead), key: &SigningKey| {
        code(engine.open_envelope(&forged(&engine, &transactions, change, key)))
    };
    assert_eq!(opened(&|_| (), &key), "");
    assert_eq!(opened(&|head| head.expires += 1, &key), "envelope.expires");
    assert_eq!(opened(&|head| head.gas -= 1, &key), "envelope.gas");
    assert_eq!(opened(&|head| head.count += 1, &key), "envelope.count");
    assert_eq!(opened(&|head| head.count = 0, &key), "envelope.malformed");
    let most = limits::ENVELOPE_TRANSACTIONS as u64;
    assert_eq!(opened(&|head| head.count = most, &key), "envelope.count");
    assert_eq!(
        opened(&|head| head.count = most + 1, &key),
        "envelope.too_large"
    );
    let other = Hash32([1; 32]);
    assert_eq!(
        opened(&|head| head.transactions_hash = other, &key),
        "envelope.hash"
    );
    for name in [OTHER_NODE, "alice@north", "nobody@north"] {
        assert_eq!(
            opened(&|head| head.node = name.into(), &key),
            "envelope.unknown_node"
        );
    }
    assert_eq!(
        opened(&|head| head.node = "Node".into(), &key),
        "envelope.malformed"
    );
    let alice = key_of("alice@north");
    let as_alice = |head: &mut EnvelopeHead| head.node = "alice@north".into();
    assert_eq!(
        opened(&as_alice, &alice),
        "envelope.unknown_node",
        "a person"
    );
    assert_eq!(
        opened(&|_| (), &key_of("stranger")),
        "envelope.unknown_node"
    );
}

/// Nobody is held to blame for such an envelope, so it may be sent without end.
#[test]
fn a_lie_in_the_head_costs_no_signature_check() {
    let engine = engine();
    let transactions = signed(&engine, &drafts(1_000));
    let truth = forged(&engine, &transactions, |_| (), &key_of(NODE));
    let lie = forged(&engine, &transactions, |head| head.gas += 1, &key_of(NODE));
    let fastest = |data: &[u8]| {
        let tries = (0..5).map(|_| {
            let start = std::time::Instant::now();
            let found = code(engine.open_envelope(data));
            (start.elapsed(), found)
        });
        tries.min().unwrap()
    };
    let (honest, lying) = (fastest(&truth), fastest(&lie));
    assert_eq!((honest.1.as_str(), lying.1.as_str()), ("", "envelope.gas"));
    assert!(lying.0 * 3 < honest.0, "{:?}, {:?}", lying.0, honest.0);
}

#[test]
fn a_head_of_another_chain_or_envelope_or_form_is_refused() {
    let engine = engine();
    let (_, data) = good(&engine, 2);
    let Value::Array(parts) = cbor::decode(&data).unwrap() else {
        panic!("an array")
    };
    let [Value::Bytes(head), Value::Bytes(list)] = parts.as_slice() else {
        panic!("two strings")
    };
    let parsed = crypto::cose::parse(SUITE, head, 1).unwrap();
    let node = key_of(NODE);
    let foreign = crypto::cose::sign(SUITE, &[&node], parsed.payload, &[9; 32]).unwrap();
    assert_eq!(
        code(engine.open_envelope(&join(&foreign, list))),
        "envelope.bad_signature"
    );
    assert_eq!(
        code(engine.envelope_head(&join(&foreign, list))),
        "",
        "it looks at no signature"
    );
    let both = [&node, &key_of(OTHER_NODE)];
    let two = crypto::cose::sign(SUITE, &both, parsed.payload, &engine.genesis_hash().0).unwrap();
    assert_eq!(
        code(engine.open_envelope(&join(&two, list))),
        "envelope.malformed"
    );
    let long = sign_head(&engine, &[0x40; 2_000], &node);
    assert_eq!(
        code(engine.envelope_head(&join(&long, list))),
        "envelope.too_large"
    );
    let prepared = engine.prepare(signed(&engine, &drafts(3)));
    let gathered = engine.gather(&prepared, NODE, 7).unwrap();
    assert_eq!(code(gathered.seal(head)), "envelope.malformed");
    assert_eq!(code(gathered.seal(&[])), "envelope.malformed");
    let by_other = sign_head(&engine, gathered.payload(), &key_of(OTHER_NODE));
    assert_eq!(code(gathered.seal(&by_other)), "envelope.unknown_node");
    let mut bent = sign_head(&engine, gathered.payload(), &node);
    *bent.last_mut().unwrap() ^= 1;
    assert_eq!(code(gathered.seal(&bent)), "envelope.bad_signature");
    for name in ["alice@north", "nobody@north", "", "\u{7f}"] {
        assert_eq!(
            code(engine.gather(&prepared, name, 7)),
            "envelope.unknown_node"
        );
    }
    let other = Engine::create(None, &support::document("other"), Arc::new(TestRuntime)).unwrap();
    assert_eq!(code(other.gather(&prepared, NODE, 7)), "block.foreign");
}

#[test]
fn size_is_bounded_but_for_a_lone_transaction() {
    let large = |field: &str, value: Value| match (field, value) {
        ("parameters", Value::Map(entries)) => {
            let change = |(name, value): (Value, Value)| match &name {
                Value::Text(text) if text.starts_with("block_bytes") => (name, Value::Int(4 << 20)),
                Value::Text(text) if text == "transaction_bytes" => (name, Value::Int(1 << 20)),
                _ => (name, value),
            };
            Value::Map(entries.into_iter().map(change).collect())
        }
        (_, value) => value,
    };
    let engine = Engine::create(None, &document(large), Arc::new(TestRuntime)).unwrap();
    let draft = |bytes: usize, number: u64| Draft::put(&"x".repeat(bytes), 1, number);
    let gather = |sizes: &[usize]| {
        let drafts: Vec<_> = (0..)
            .zip(sizes)
            .map(|(number, bytes)| draft(*bytes, number))
            .collect();
        engine.gather(&engine.prepare(signed(&engine, &drafts)), NODE, 7)
    };
    let (_, data) = seal(&engine, &gather(&[400_000]).unwrap());
    engine.open_envelope(&data).unwrap();
    assert_eq!(code(gather(&[131_000, 131_000])), "envelope.too_large");
    // The last byte that fits.
    let (_, data) = seal(&engine, &gather(&[130_000, 131_000]).unwrap());
    let left = limits::ENVELOPE_BYTES - data.len();
    let (_, full) = seal(&engine, &gather(&[130_000, 131_000 + left]).unwrap());
    assert_eq!(full.len(), limits::ENVELOPE_BYTES);
    engine.open_envelope(&full).unwrap();
    assert_eq!(
        code(gather(&[130_000, 131_001 + left])),
        "envelope.too_large"
    );
    let many = signed(&engine, &drafts(1));
    let many = vec![many[0].clone(); limits::ENVELOPE_TRANSACTIONS + 1];
    assert_eq!(
        code(engine.gather(&engine.prepare(many), NODE, 7)),
        "envelope.too_large"
    );
}

#[test]
fn every_changed_byte_and_every_cut_is_refused() {
    let engine = engine();
    let (_, data) = good(&engine, 2);
    for at in 0..data.len() {
        for result in [
            engine.open_envelope(&data[..at]).map(|_| ()),
            engine.envelope_head(&data[..at]).map(|_| ()),
        ] {
            assert_eq!(code(result), "envelope.malformed", "cut at {at}");
        }
        for flip in [1, 0x20, 0x80] {
            let mut bytes = data.clone();
            bytes[at] ^= flip;
            let refused = code(engine.open_envelope(&bytes));
            assert!(refused.starts_with("envelope."), "byte {at}: '{refused}'");
        }
    }
}

/// A document whose blocks validators seal: with this key.
fn network_document(key: &SigningKey) -> Vec<u8> {
    let member = Value::Array(vec![Value::bytes(key.public().to_vec()), Value::Int(10)]);
    let sealers = Value::Array(vec![
        Value::text("lianheng.sealers.1"),
        Value::text("cometbft"),
        Value::Array(vec![member]),
    ]);
    document(|name, value| {
        if name == "sealers" {
            sealers.clone()
        } else {
            value
        }
    })
}

#[test]
fn the_keys_of_validators_are_keys_of_nodes() {
    Genesis::decode(&network_document(&key_of(NODE))).unwrap();
    for stranger in ["alice@north", "stranger"] {
        let key = key_of(stranger);
        let error = Genesis::decode(&network_document(&key)).unwrap_err();
        assert_eq!(error.code, "genesis.bad_sealers");
        let hex = Hash32(*key.public()).to_string();
        assert!(error.message.contains(&hex), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_give_a_verdict(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..1_000,
        cut in 0_usize..40,
    ) {
        let engine = engine();
        let refused = code(engine.open_envelope(&bytes));
        prop_assert!(refused.starts_with("envelope."), "{}", refused);
        // The same bytes within a good envelope.
        let (_, mut data) = good(&engine, 3);
        let at = at % data.len();
        let end = (at + cut).min(data.len());
        data.splice(at..end, bytes);
        let refused = code(engine.open_envelope(&data));
        prop_assert!(refused.is_empty() || refused.starts_with("envelope."), "{}", refused);
    }
}
