//! What envelopes and quorum seals cost: `cargo run --release -p lianheng-engine --example envelopes`.

#[path = "../tests/comet/mod.rs"]
mod comet;
#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use codec::cbor::{self, Value};
use comet::Network;
use engine::formats::genesis::possession_payload;
use engine::Engine;
use support::{document_value, encode_document, key_of, Draft, TestRuntime, GENESIS_TIME, SUITE};

const NODE: &str = "node-1@north";
const TRANSACTIONS: u64 = 1_000;

const SENDERS: u64 = 250;

fn sender(number: u64) -> String {
    format!("p{}@north", number % SENDERS)
}

fn member(id: &str, kind: &str) -> Value {
    let key = key_of(id);
    let payload = possession_payload("trade", id, SUITE.key_id(key.public()));
    let proof = crypto::cose::sign(SUITE, &[&key], &payload, &[]).expect("signed");
    let key = Value::Map(vec![
        (Value::text("public"), Value::bytes(key.public().to_vec())),
        (Value::text("custodial"), Value::Bool(false)),
        (Value::text("possession"), Value::bytes(proof)),
    ]);
    Value::Map(vec![
        (Value::text("id"), Value::text(id)),
        (Value::text("kind"), Value::text(kind)),
        (Value::text("roles"), Value::Array(Vec::new())),
        (Value::text("keys"), Value::Array(vec![key])),
    ])
}

fn document() -> Vec<u8> {
    let Value::Map(mut fields) = document_value("trade") else {
        unreachable!("a map")
    };
    for (name, value) in &mut fields {
        if let (true, Value::Array(members)) = (*name == Value::text("members"), value) {
            members.push(member(NODE, "node"));
            members.extend((0..SENDERS).map(|number| member(&sender(number), "person")));
        }
    }
    encode_document(&Value::Map(fields))
}

/// Microseconds of the fastest of several rounds.
fn measure<T>(what: &str, rounds: usize, mut work: impl FnMut() -> T) {
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let started = Instant::now();
        black_box(work());
        best = best.min(started.elapsed().as_secs_f64() * 1e6);
    }
    println!("{what:<58} {best:>10.1} us");
}

fn main() {
    let engine = Engine::create(None, &document(), Arc::new(TestRuntime)).expect("a ledger");
    let sign = |number| {
        let mut draft = Draft::put(&format!("account-{number:06}"), 1, number).by(&sender(number));
        draft.expires = GENESIS_TIME + 100_000;
        draft.sign(engine.genesis_hash())
    };
    let signed: Vec<Arc<[u8]>> = (0..TRANSACTIONS).map(sign).collect();
    let prepared = engine.prepare_fresh(signed.clone(), None);
    let gathered = engine.gather(&prepared, NODE, 7).expect("gathered");
    let aad = engine.genesis_hash();
    let head = crypto::cose::sign(SUITE, &[&key_of(NODE)], gathered.payload(), &aad.0);
    let head = head.expect("signed");
    let (envelope, data) = gathered.seal(&head).expect("sealed");
    println!(
        "{TRANSACTIONS} transactions of {SENDERS} senders, {} bytes",
        data.len()
    );
    measure("prepare, fresh", 20, || {
        engine.prepare_fresh(signed.clone(), None)
    });
    measure("gather", 50, || engine.gather(&prepared, NODE, 7));
    measure("seal", 50, || gathered.seal(&head));
    measure("open_envelope", 20, || engine.open_envelope(&data));
    measure("open_envelope, signature of the head bad", 50, || {
        let mut bad = data.clone();
        let within = head.len() - 50;
        bad[within] ^= 1;
        engine.open_envelope(&bad).map(|_| ())
    });
    measure("envelope_head", 1_000, || engine.envelope_head(&data));
    measure("admit_envelope", 1_000, || engine.admit_envelope(&envelope));
    for count in [4, 100, 1_000] {
        let network = Network::of(&vec![10; count]);
        let seal = cbor::encode(&network.seal(&vec![2; count])).expect("encoded");
        let what = format!(
            "check_quorum_seal, {count} validators, {} bytes",
            seal.len()
        );
        measure(&what, 50, || network.check(&seal).expect("good"));
    }
    for bad in [1, 10, 100, 1_000] {
        let mut list = signed.clone();
        for transaction in list.iter_mut().take(bad) {
            let mut bytes = transaction.to_vec();
            *bytes.last_mut().expect("not empty") ^= 1;
            *transaction = bytes.into();
        }
        measure(&format!("prepare, {bad} bad signatures"), 10, || {
            engine.prepare(list.clone())
        });
    }
}
