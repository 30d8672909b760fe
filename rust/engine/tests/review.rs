//! Attacks: what a member, a deployer or a caller of the interface may try, and what must hold all the same.

mod support;

use std::sync::Arc;

use codec::cbor::{self, Value};
use engine::runtime::{Complaint, Contract, Runtime};
use engine::{ContractPython, Engine, Error, Policy, Range};
use support::{
    block, code_of, document, document_value, encode_document, memory, Draft, TestRuntime,
    GENESIS_TIME,
};

const NOTES: &str = include_str!("contracts/notes.py");

/// The test chain's document with roomier parameters and, where given, one contract in contract Python.
fn roomy(contract: Option<(&str, &str)>) -> Vec<u8> {
    let Value::Map(fields) = document_value("trade") else {
        panic!("a document is a map")
    };
    let change = |(name, value): (Value, Value)| match (name, value) {
        (name, Value::Map(parameters)) if name == Value::text("parameters") => {
            let widened = parameters
                .into_iter()
                .map(|(key, value)| {
                    let wider = match &key {
                        Value::Text(text) if text == "transaction_bytes" => Value::Int(1 << 20),
                        Value::Text(text) if text == "transaction_gas" => Value::Int(1 << 40),
                        Value::Text(text) if text == "block_gas" => Value::Int(1 << 40),
                        _ => value,
                    };
                    (key, wider)
                })
                .collect();
            (name, Value::Map(widened))
        }
        (name, value) => match (&contract, name == Value::text("contracts")) {
            (Some((called, source)), true) => {
                let entry = Value::Map(vec![
                    (Value::text("name"), Value::text(*called)),
                    (Value::text("file"), Value::text(format!("{called}.py"))),
                    (Value::text("source"), Value::text(*source)),
                ]);
                (name, Value::Array(vec![entry]))
            }
            _ => (name, value),
        },
    };
    encode_document(&Value::Map(fields.into_iter().map(change).collect()))
}

fn notes() -> Engine {
    let document = roomy(Some(("notes", NOTES)));
    Engine::create(None, &document, Arc::new(ContractPython)).unwrap()
}

fn note(method: &str, arguments: &[(&str, Value)], number: u64) -> Draft {
    let mut draft = Draft::new(method, arguments, number);
    draft.contract = "notes".into();
    draft.gas = 1 << 40;
    draft
}

#[test]
fn a_key_that_the_store_cannot_hold_is_refused_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::create(Some(folder.path()), &roomy(None), Arc::new(TestRuntime)).unwrap();
    let long = "k".repeat(70_000);
    let outcome = block(
        &engine,
        &[
            Draft::put(&long, 1, 1),
            Draft::put("short", 2, 2),
            Draft::new("clear", &[("id", Value::text(long.clone()))], 3),
            Draft::new(
                "move",
                &[
                    ("from", Value::text("short")),
                    ("to", Value::text(long)),
                    ("amount", Value::Int(1)),
                ],
                4,
            ),
        ],
        GENESIS_TIME + 1,
    );
    let codes: Vec<String> = (0..4).map(|at| code_of(&outcome, at)).collect();
    assert_eq!(codes, ["limit.key", "", "limit.key", "limit.key"]);
    block(&engine, &[Draft::put("later", 3, 5)], GENESIS_TIME + 2);
    drop((outcome, engine));
    let engine = Engine::open(folder.path(), Arc::new(TestRuntime), false).unwrap();
    assert_eq!(engine.height(), 2);
    assert_eq!(support::accounts(&engine).len(), 2);
}

#[test]
fn long_keys_are_refused_in_contract_python_and_in_its_indexes_and_views() {
    let engine = notes();
    let long = || Value::text("k".repeat(70_000));
    let add =
        |id: Value, author: Value, number| note("add", &[("id", id), ("author", author)], number);
    let outcome = block(
        &engine,
        &[
            add(long(), Value::text("ann"), 1),
            add(Value::text("a"), long(), 2),
            add(Value::text("b"), Value::text("ann"), 3),
        ],
        GENESIS_TIME + 1,
    );
    let codes: Vec<String> = (0..3).map(|at| code_of(&outcome, at)).collect();
    assert_eq!(codes, ["limit.key", "limit.key", ""]);
    for (method, name) in [("read", "id"), ("by_author", "author")] {
        let arguments = cbor::encode(&Value::Map(vec![(Value::text(name), long())])).unwrap();
        let answer = engine
            .view("notes", method, &arguments, None, 1 << 40)
            .unwrap();
        let shown = format!("{:?}", cbor::decode(&answer).unwrap());
        assert!(shown.contains("limit.key"), "{shown}");
    }
}

#[test]
fn every_entry_can_be_read_again_however_deep_its_event_is() {
    let engine = notes();
    for (number, levels) in (1_u64..).zip(1..=40) {
        let drafts = [note("nest", &[("levels", Value::Int(levels))], number)];
        let outcome = block(&engine, &drafts, GENESIS_TIME + number);
        let result = outcome.result(0).unwrap().unwrap();
        cbor::decode(result).unwrap();
        engine
            .receipt(&outcome.prepared.id(0).unwrap(), None)
            .unwrap();
    }
}

#[test]
fn results_are_bounded_so_that_a_block_can_be_logged_and_sent() {
    let engine = notes();
    let drafts: Vec<_> = (0..40)
        .map(|number| {
            note(
                "shout",
                &[("times", Value::Int(5)), ("size", Value::Int(100_000))],
                number,
            )
        })
        .collect();
    let outcome = block(&engine, &drafts, GENESIS_TIME + 1);
    let (succeeded, _, dropped) = outcome.counts().unwrap();
    assert!(succeeded > 10 && dropped > 0, "{succeeded} {dropped}");
    let bytes: usize = outcome.entries.iter().map(Vec::len).sum();
    assert!(bytes < 10 << 20, "{bytes}");
    let again: Vec<_> = (0..40)
        .filter(|at| code_of(&outcome, *at) == "dropped.over_share")
        .map(|at| drafts[at].clone())
        .collect();
    let later = block(&engine, &again, GENESIS_TIME + 2);
    assert_eq!(code_of(&later, 0), "");
    let large = note(
        "shout",
        &[("times", Value::Int(900)), ("size", Value::Int(100_000))],
        90,
    );
    let outcome = block(&engine, &[large], GENESIS_TIME + 3);
    assert_eq!(code_of(&outcome, 0), "limit.result");
}

#[test]
fn what_a_call_writes_is_bounded() {
    let engine = notes();
    let fill = |count, number| note("fill", &[("count", Value::Int(count))], number);
    let outcome = block(
        &engine,
        &[fill(3, 1), fill(40, 2), fill(3, 3)],
        GENESIS_TIME + 1,
    );
    let codes: Vec<String> = (0..3).map(|at| code_of(&outcome, at)).collect();
    assert_eq!(codes, ["", "limit.writes", ""]);
}

fn put_some(engine: &Engine) {
    let drafts: Vec<_> = (0..5).map(|n| Draft::put(&format!("a{n}"), 1, n)).collect();
    block(engine, &drafts, GENESIS_TIME + 1);
}

#[test]
fn a_cursor_from_elsewhere_shows_no_row_of_another_table() {
    let engine = memory();
    put_some(&engine);
    for reverse in [false, true] {
        for after in [&[][..], &[0], &[2], &[0xfe], &[0xff; 40]] {
            let range = Range {
                contract: "bank",
                table: "accounts",
                prefix: &[],
                after: Some(after),
                limit: 1_000,
                reverse,
            };
            let prefix = codec::key::prefix("bank", "accounts");
            let rows = engine.scan(&range).unwrap();
            assert!(rows.iter().all(|(key, _)| key.starts_with(&prefix)));
            let beside = (after >= &prefix[..]) != reverse;
            assert_eq!(
                rows.len(),
                if beside { 0 } else { 5 },
                "{reverse} {after:?}"
            );
        }
    }
}

#[test]
fn a_cursor_from_elsewhere_does_not_break_an_index() {
    let engine = notes();
    for number in 0..3 {
        let arguments = [
            ("id", Value::text(format!("n{number}"))),
            ("author", Value::text("ann")),
        ];
        block(
            &engine,
            &[note("add", &arguments, number)],
            GENESIS_TIME + number,
        );
    }
    for reverse in [false, true] {
        for after in [&[][..], &[2], &[0xff; 40], b"\x02notes\0\x02items:z\0"] {
            let range = Range {
                contract: "notes",
                table: "items",
                prefix: &[],
                after: Some(after),
                limit: 10,
                reverse,
            };
            let rows = engine.index_rows(&range, "author").unwrap();
            assert!(rows.is_empty() || rows.len() == 3);
        }
    }
}

#[test]
fn a_pinned_code_is_no_part_of_a_deployment() {
    let engine = memory();
    let arguments = |name: &str| {
        [
            ("name", Value::text(name)),
            ("file", Value::text("bank.py")),
            ("source", Value::text("bank")),
        ]
    };
    let mut draft = Draft::new("deploy", &arguments("bank_two"), 1);
    draft.contract = "contracts".into();
    draft.gas = 100;
    draft.code = Some(crypto::Hash32([7; 32]));
    let outcome = block(&engine, &[draft.clone()], GENESIS_TIME + 1);
    // A receipt of a success would be refused by every verifier: no code ran that has this hash.
    assert_eq!(code_of(&outcome, 0), "code.mismatch");
    draft.code = None;
    let outcome = block(&engine, &[draft], GENESIS_TIME + 2);
    assert_eq!(code_of(&outcome, 0), "");
}

/// A runtime with a defect.
struct Panicking;

impl Runtime for Panicking {
    fn compile(&self, source: &str, file: &str) -> Result<Vec<u8>, Vec<Complaint>> {
        assert!(source != "boom", "on purpose");
        TestRuntime.compile(source, file)
    }

    fn load(&self, code: &[u8]) -> Result<Arc<dyn Contract>, Error> {
        TestRuntime.load(code)
    }
}

#[test]
fn a_panic_while_deploying_is_a_refusal() {
    let engine = Engine::create(None, &document("trade"), Arc::new(Panicking)).unwrap();
    let arguments = [
        ("name", Value::text("bad")),
        ("file", Value::text("bad.py")),
        ("source", Value::text("boom")),
    ];
    let mut draft = Draft::new("deploy", &arguments, 1);
    (draft.contract, draft.gas) = ("contracts".into(), 90);
    let outcome = block(&engine, &[draft, Draft::put("a", 1, 2)], GENESIS_TIME + 1);
    assert_eq!(code_of(&outcome, 0), "engine.fault");
    assert_eq!(code_of(&outcome, 1), "");
}

#[test]
fn a_policy_is_short_because_every_call_reads_it() {
    let long = vec!["role:a"; 200].join(" or ");
    assert!(Policy::parse(&long).is_err());
    assert!(Policy::parse(&vec!["role:a"; 50].join(" or ")).is_ok());
}

#[test]
fn blocks_are_made_while_fsck_reads() {
    let engine = memory();
    put_some(&engine);
    let mut made = false;
    let checked = engine
        .fsck(&mut |_, _| {
            if !made {
                made = true;
                block(&engine, &[Draft::put("meanwhile", 1, 50)], GENESIS_TIME + 9);
            }
            true
        })
        .unwrap();
    assert_eq!(checked.faults, Vec::new());
    assert_eq!((checked.blocks, engine.height()), (1, 2));
}

#[test]
fn half_a_byte_is_below_sixteen() {
    let engine = memory();
    put_some(&engine);
    let found = engine.find(&[], Some(16), 10);
    assert_eq!(found.unwrap_err().code, "id.bad_digit");
    let all: usize = (0..16)
        .map(|half| engine.find(&[], Some(half), 10).unwrap().len())
        .sum();
    assert_eq!(all, 5);
}

#[test]
fn a_transaction_prepared_for_one_chain_is_not_executed_by_another() {
    let (one, other) = (memory(), {
        let mut value = document_value("trade");
        if let Value::Map(fields) = &mut value {
            for (name, field) in fields.iter_mut() {
                if *name == Value::text("time") {
                    *field = Value::Int(GENESIS_TIME as i64 + 1);
                }
            }
        }
        Engine::create(None, &encode_document(&value), Arc::new(TestRuntime)).unwrap()
    });
    let prepared = one.prepare(vec![Draft::put("a", 1, 1).sign(one.genesis_hash())]);
    let executed = other.execute(vec![prepared], GENESIS_TIME + 5, None);
    assert_eq!(
        executed.err().map(|error| error.code).as_deref(),
        Some("block.foreign")
    );
}

#[test]
fn a_block_holds_no_more_than_the_genesis_allows() {
    let engine = memory();
    let drafts: Vec<_> = (0..1_010)
        .map(|n| {
            let mut draft = Draft::new("unknown", &[], n);
            draft.gas = 0;
            draft
        })
        .collect();
    let outcome = block(&engine, &drafts, GENESIS_TIME + 1);
    assert_eq!(outcome.entries.len(), 1_000);
    assert_eq!(code_of(&outcome, 1_009), "dropped.over_share");
}

#[test]
fn a_split_into_batches_changes_no_header() {
    let drafts: Vec<_> = (0..60)
        .map(|n| match n % 4 {
            0 => Draft::put(&format!("a{}", n % 7), 9, n),
            1 => Draft::new(
                "move",
                &[
                    ("from", Value::text(format!("a{}", n % 7))),
                    ("to", Value::text("sum")),
                    ("amount", Value::Int(4)),
                ],
                n,
            ),
            2 => Draft::put("again", 1, n / 8),
            _ => Draft::new("panic", &[], n),
        })
        .collect();
    let headers: Vec<_> = [1, 7, 60]
        .iter()
        .map(|size| {
            let engine = memory();
            let batches = drafts
                .chunks(*size)
                .map(|chunk| {
                    let signed = chunk.iter().map(|draft| draft.sign(engine.genesis_hash()));
                    engine.prepare(signed.collect())
                })
                .collect();
            support::block_of(&engine, batches, GENESIS_TIME + 1);
            engine.status().header_hash
        })
        .collect();
    assert!(headers.iter().all(|hash| *hash == headers[0]));
}

#[test]
fn reads_with_giant_keys_find_nothing_on_disk_as_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Engine::create(Some(folder.path()), &roomy(None), Arc::new(TestRuntime)).unwrap();
    for engine in [memory(), disk] {
        put_some(&engine);
        engine.close().unwrap();
        let long = [b"\x02bank\0\x02accounts\0".as_slice(), &[2; 70_000]].concat();
        assert!(engine.get(&long).unwrap().is_none());
        let part = [Value::text("k".repeat(70_000))];
        let encoded = engine::encode_parts(&part).unwrap();
        engine.prove("bank", "accounts", &part, None).unwrap();
        assert_eq!(engine.find(&[7; 70_000], None, 10).unwrap(), []);
        for reverse in [false, true] {
            for (prefix, after) in [(&encoded[..], None), (&[], Some(&long[..]))] {
                let range = Range {
                    contract: "bank",
                    table: "accounts",
                    prefix,
                    after,
                    limit: 10,
                    reverse,
                };
                let found = engine.scan(&range).unwrap().len();
                // The long key lies before all five.
                assert_eq!(found, if prefix.is_empty() && !reverse { 5 } else { 0 });
                engine.scan_index(&range).unwrap();
            }
        }
    }
}
