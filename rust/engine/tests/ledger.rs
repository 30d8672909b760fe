//! The ledger as a whole: blocks that survive, roots that agree, evidence that verifies, faults that are named.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::Value;
use engine::formats::genesis::Genesis;
use engine::formats::header::Header;
use engine::{Engine, Replay};
use proptest::prelude::*;
use support::{
    accounts, block, block_of, document, document_value, encode_document, key_of, member_with,
    memory, Draft, TestRuntime, GENESIS_TIME,
};

fn runtime() -> Arc<TestRuntime> {
    Arc::new(TestRuntime)
}

fn quiet() -> impl FnMut(u64, u64) -> bool {
    |_, _| true
}

fn draft(kind: u8, from: u8, to: u8, amount: i64, number: u64) -> Draft {
    let name = |n: u8| format!("account-{}", n % 20);
    match kind % 4 {
        0 | 1 => Draft::put(&name(from), amount, number),
        2 => Draft::new("clear", &[("id", Value::text(name(from)))], number),
        _ => Draft::new(
            "move",
            &[
                ("from", Value::text(name(from))),
                ("to", Value::text(name(to))),
                ("amount", Value::Int(amount)),
            ],
            number,
        ),
    }
}

/// What the bank's rows are after these calls, told without engine, store or tree.
fn model(calls: &[(u8, u8, u8, i64)]) -> BTreeMap<String, i64> {
    let mut rows = BTreeMap::new();
    for (kind, from, to, amount) in calls {
        let (from, to) = (
            format!("account-{}", from % 20),
            format!("account-{}", to % 20),
        );
        match kind % 4 {
            0 | 1 => {
                rows.insert(from, *amount);
            }
            2 => {
                rows.remove(&from);
            }
            _ => {
                let left = rows.get(&from).copied().unwrap_or(0) - amount;
                if left >= 0 {
                    rows.insert(from, left);
                    *rows.entry(to).or_insert(0) += amount;
                }
            }
        }
    }
    rows
}

fn rows(engine: &Engine) -> BTreeMap<String, i64> {
    let row = |(key, value): (Vec<u8>, Vec<u8>)| {
        let Some(Value::Text(id)) = engine::decode_parts(&key).unwrap().pop() else {
            panic!("a text")
        };
        let Value::Int(balance) = engine::decode_value(&value).unwrap() else {
            panic!("an integer")
        };
        (id, balance)
    };
    accounts(engine).into_iter().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Memory and disk, reopened at any point with and without a clean end, give one history; fsck and an outsider's replay agree.
    #[test]
    fn one_history(
        calls in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0_i64..50), 1..60),
        cuts in prop::collection::vec((1_usize..8, any::<u8>()), 1..20),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Engine::create(Some(folder.path()), &document("trade"), runtime()).unwrap();
        let memory = memory();
        let mut drafts = calls.iter().zip(0..).map(|((k, f, t, a), n)| draft(*k, *f, *t, *a, n)).peekable();
        let (mut time, mut step) = (GENESIS_TIME, 0);
        while drafts.peek().is_some() {
            let (size, after) = cuts[step % cuts.len()];
            step += 1;
            // At most 153 s in all: no call expires on the way.
            time += u64::from(after) * 10;
            let batch: Vec<_> = drafts.by_ref().take(size).collect();
            block(&disk, &batch, time);
            block(&memory, &batch, time);
            if after % 5 == 0 {
                if after % 2 == 0 {
                    disk.close().unwrap();
                }
                drop(disk);
                disk = Engine::open(folder.path(), runtime(), false).unwrap();
            }
        }
        prop_assert_eq!(rows(&disk), model(&calls));
        prop_assert_eq!(disk.status().header_hash, memory.status().header_hash);
        let checked = disk.fsck(&mut quiet()).unwrap();
        prop_assert_eq!(checked.faults, Vec::new());
        prop_assert_eq!(checked.transactions, calls.len() as u64);
        let replay = Replay::begin(&disk.genesis_file(), runtime()).unwrap();
        for height in 1..=disk.height() {
            replay.apply(&disk.block(height).unwrap().unwrap()).unwrap();
        }
    }
}

#[test]
fn a_pending_block_that_is_dropped_leaves_no_trace() {
    let engine = memory();
    let signed = |n| vec![engine.prepare(vec![Draft::put("a", 1, n).sign(engine.genesis_hash())])];
    let before = engine.status().state_root;
    let first = engine.execute(signed(1), GENESIS_TIME, None).unwrap();
    let root = first.header().unwrap().0.state_root;
    drop(first);
    assert_eq!(engine.status().state_root, before);
    let again = engine.execute(signed(1), GENESIS_TIME, None).unwrap();
    assert_eq!(again.header().unwrap().0.state_root, root);
    let other = engine.execute(signed(2), GENESIS_TIME, None).unwrap();
    let seal = |pending: &engine::Pending| support::seal(&engine, pending.header().unwrap().2);
    let (one, two) = (seal(&again), seal(&other));
    engine.commit(again, Some(&one)).unwrap();
    assert_eq!(
        engine.commit(other, Some(&two)).err().unwrap().code,
        "block.stale"
    );
}

#[test]
fn a_wrong_seal_is_refused_before_anything_is_written() {
    let engine = memory();
    let prepared = engine.prepare(vec![Draft::put("a", 1, 1).sign(engine.genesis_hash())]);
    let pending = engine.execute(vec![prepared], GENESIS_TIME, None).unwrap();
    let wrong = support::seal(&engine, crypto::Hash32([1; 32]));
    assert_eq!(
        engine.commit(pending, Some(&wrong)).err().unwrap().code,
        "seal.bad"
    );
    assert_eq!(engine.height(), 0);
}

#[test]
fn an_idle_chain_makes_no_block_and_time_does_not_go_back() {
    let engine = memory();
    assert!(block_of(&engine, vec![engine.prepare(Vec::new())], GENESIS_TIME + 5).len() == 1);
    assert_eq!(engine.height(), 0);
    block(&engine, &[Draft::put("a", 1, 1)], GENESIS_TIME + 10);
    let late = engine.execute(Vec::new(), GENESIS_TIME + 9, None);
    assert_eq!(late.err().unwrap().code, "block.time_backwards");
}

#[test]
fn receipts_and_proofs_hold_under_their_headers() {
    let engine = memory();
    for n in 0..9 {
        let drafts: Vec<_> = (0..=n)
            .map(|m| Draft::put(&format!("a{m}"), 1, n * 100 + m))
            .collect();
        block(&engine, &drafts, GENESIS_TIME + n);
    }
    let suite = support::SUITE;
    for id in engine.find(&[], None, 1_000).unwrap() {
        let receipt = engine::decode_value(&engine.receipt(&id, None).unwrap()).unwrap();
        let bytes = |name: &str| match receipt.get(name) {
            Some(Value::Bytes(bytes)) => bytes.clone(),
            other => panic!("{name}: {other:?}"),
        };
        let header = Header::decode(&bytes("header")).unwrap();
        let Some(entry) = receipt.get("entry") else {
            panic!("no entry")
        };
        let number = |name: &str| match entry.get(name) {
            Some(Value::Int(int)) => *int as u64,
            other => panic!("{name}: {other:?}"),
        };
        let hash = |value: &Value| match value {
            Value::Bytes(bytes) => crypto::Hash32(bytes.as_slice().try_into().unwrap()),
            other => panic!("{other:?}"),
        };
        let Some(Value::Array(path)) = entry.get("path") else {
            panic!("no path")
        };
        let path: Vec<_> = path.iter().map(hash).collect();
        let mut leaf = codec::cbor::Encoder::new();
        leaf.array(3)
            .bytes(&id.0)
            .bytes(&suite.hash(&bytes("transaction")).0)
            .raw(&bytes("result"));
        let leaf = tree::log::leaf_hash(suite, leaf.as_slice());
        let index = usize::try_from(number("index")).unwrap();
        let block = engine.block(header.height).unwrap().unwrap();
        let block = engine::formats::block::Block::decode(&block).unwrap();
        assert_eq!(number("count"), block.entries.len() as u64);
        assert_eq!(tree::log::leaf_hashes(suite, &block.entries)[index], leaf);
        let root = tree::log::root_of(suite, &block.entries);
        tree::log::verify_inclusion(suite, root, leaf, number("index"), number("count"), &path)
            .unwrap();
        assert_eq!(
            engine::formats::header::entries_root(suite, &block.entries),
            header.entries_root
        );
    }
    let head = engine.header(engine.height()).unwrap().unwrap().0;
    let root = Header::decode(&head).unwrap().state_root;
    for (id, present) in [("a0", true), ("nobody", false)] {
        let proof = engine
            .prove("bank", "accounts", &[Value::text(id)], None)
            .unwrap();
        let proof = engine::decode_value(&proof).unwrap();
        assert_eq!(proof.get("value") != Some(&Value::Null), present);
    }
    assert_eq!(root, engine.status().state_root);
}

#[test]
fn an_altered_block_is_named_by_the_replay() {
    let engine = memory();
    block(
        &engine,
        &[Draft::put("a", 1, 1), Draft::put("b", 2, 2)],
        GENESIS_TIME,
    );
    let good = engine.block(1).unwrap().unwrap();
    let mut accepted = Vec::new();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let replay = Replay::begin(&engine.genesis_file(), runtime()).unwrap();
        if replay.apply(&changed).is_ok() {
            accepted.push(at);
        }
    }
    assert_eq!(accepted, Vec::<usize>::new());
}

#[test]
fn an_altered_genesis_file_is_refused_or_is_another_chain() {
    let engine = memory();
    let good = engine.genesis_file();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        if let Ok(replay) = Replay::begin(&changed, runtime()) {
            panic!(
                "byte {at} changed, and the replay began at height {}",
                replay.height()
            );
        }
    }
}

#[test]
fn a_damaged_store_is_named_and_built_again_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::create(Some(folder.path()), &document("trade"), runtime()).unwrap();
    for n in 0..30 {
        block(
            &engine,
            &[Draft::put(&format!("a{n}"), 1, n)],
            GENESIS_TIME + n,
        );
    }
    let root = engine.status().state_root;
    engine.close().unwrap();
    drop(engine);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let engine = Engine::open(folder.path(), runtime(), false).unwrap();
    assert_eq!(engine.recovery().replayed, 30);
    assert_eq!(engine.status().state_root, root);
    assert!(engine.fsck(&mut quiet()).unwrap().faults.is_empty());
}

#[test]
fn genesis_documents_with_faults_are_refused_with_the_field() {
    let replace = |name: &str, value: Value| {
        let Value::Map(mut fields) = support::document_value("trade") else {
            panic!("a map")
        };
        for (key, old) in &mut fields {
            if *key == Value::text(name) {
                *old = value.clone();
            }
        }
        support::encode_document(&Value::Map(fields))
    };
    let cases = [
        ("chain", Value::text("Trade"), "chain"),
        ("chain", Value::text("other"), "members.keys.possession"),
        ("suite", Value::Int(2), "genesis.suite"),
        ("rules", Value::Int(9), "genesis.rules"),
        (
            "parameters",
            Value::Map(Vec::new()),
            "parameters.replay_horizon_ms",
        ),
        ("organisations", Value::Array(Vec::new()), "organisations"),
        ("format", Value::text("x"), "genesis.format"),
    ];
    for (name, value, field) in cases {
        let error = Engine::create(None, &replace(name, value), runtime())
            .err()
            .unwrap();
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
    }
}

#[test]
fn a_rebuild_that_is_asked_for_sets_a_sound_store_aside_too() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::create(Some(folder.path()), &document("trade"), runtime()).unwrap();
    for n in 0..5 {
        block(
            &engine,
            &[Draft::put(&format!("a{n}"), 1, n)],
            GENESIS_TIME + n,
        );
    }
    let root = engine.status().state_root;
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(folder.path(), runtime(), true).unwrap();
    assert!(engine.recovery().rebuilt);
    assert_eq!(engine.recovery().replayed, 5);
    assert_eq!(engine.status().state_root, root);
    assert!(engine.fsck(&mut quiet()).unwrap().faults.is_empty());
}

#[test]
fn a_solo_chain_commits_no_block_without_its_seal() {
    let engine = memory();
    let prepared = engine.prepare(vec![Draft::put("a", 1, 1).sign(engine.genesis_hash())]);
    let pending = engine.execute(vec![prepared], GENESIS_TIME, None).unwrap();
    assert_eq!(
        engine.commit(pending, None).err().unwrap().code,
        "seal.missing"
    );
    assert_eq!(engine.height(), 0);
}

#[test]
fn a_member_has_at_most_sixteen_keys() {
    let decoded = |count: u8| {
        let keys: Vec<_> = (0..count)
            .map(|number| key_of(&number.to_string()))
            .collect();
        let Value::Map(mut fields) = document_value("keys") else {
            panic!("a document is a map");
        };
        for (name, value) in &mut fields {
            if *name == Value::text("members") {
                let member = member_with("keys", "alice@north", &["operator"], &keys);
                *value = Value::Array(vec![member]);
            }
        }
        Genesis::decode(&encode_document(&Value::Map(fields)))
    };
    assert_eq!(decoded(16).expect("sixteen fit").members[0].keys.len(), 16);
    let error = decoded(17).expect_err("seventeen do not");
    assert_eq!(error.code, "genesis.bad_field");
    assert!(
        error.message.contains("17 keys, at most 16"),
        "{}",
        error.message
    );
}
