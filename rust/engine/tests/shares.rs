//! Blocks that several organisations want: what each gets, the same in every execution, and what rows are booked on whom.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::{self, Value};
use engine::{Engine, Range};
use support::{accounts, block_of, code_of, memory, Draft, TestRuntime, GENESIS_TIME};

const NOW: u64 = GENESIS_TIME + 1;

/// Calls of 10 gas each; `limit` is what they ask for.
fn calls(member: &str, count: u64, limit: u64, first: u64) -> Vec<Draft> {
    (first..first + count)
        .map(|number| {
            let mut draft = Draft::put(&format!("{member}{number}"), 1, number).by(member);
            draft.gas = limit;
            draft
        })
        .collect()
}

/// How many of each organisation found room in one block, in which each slice is one batch.
fn taken(engine: &Engine, batches: &[Vec<Draft>], time: u64) -> BTreeMap<String, usize> {
    let prepared = batches
        .iter()
        .map(|drafts| {
            let signed = drafts.iter().map(|draft| draft.sign(engine.genesis_hash()));
            engine.prepare(signed.collect())
        })
        .collect();
    let outcomes = block_of(engine, prepared, time);
    let mut found = BTreeMap::new();
    for (outcome, drafts) in outcomes.iter().zip(batches) {
        for (at, draft) in drafts.iter().enumerate() {
            let organisation = draft.sender.split('@').nth(1).unwrap_or_default();
            if code_of(outcome, at).is_empty() {
                *found.entry(organisation.to_owned()).or_insert(0) += 1;
            }
        }
    }
    found
}

fn expect(north: usize, south: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([("north".to_owned(), north), ("south".to_owned(), south)])
}

#[test]
fn a_flood_leaves_the_others_their_share() {
    // A block has 1,000 gas: 100 calls. The flood comes first, each of its calls asks for as much as a call may.
    let flood = calls("alice@north", 300, 100, 0);
    let few = calls("bob@south", 50, 10, 1_000);
    assert_eq!(
        taken(&memory(), &[flood.clone(), few.clone()], NOW),
        expect(50, 50)
    );
    let some = few[..7].to_vec();
    assert_eq!(taken(&memory(), &[flood.clone(), some], NOW), expect(93, 7));
    // Both ask for too much: they take turns.
    let many = calls("bob@south", 300, 100, 1_000);
    assert_eq!(taken(&memory(), &[flood, many], NOW), expect(50, 50));
}

#[test]
fn what_is_dropped_says_why_and_may_come_again() {
    let engine = memory();
    let flood = calls("alice@north", 120, 10, 0);
    let few = calls("bob@south", 50, 10, 1_000);
    let signed = |drafts: &[Draft]| {
        let signed = drafts.iter().map(|draft| draft.sign(engine.genesis_hash()));
        engine.prepare(signed.collect())
    };
    let outcomes = block_of(&engine, vec![signed(&flood), signed(&few)], NOW);
    assert_eq!(code_of(&outcomes[0], 49), "");
    assert_eq!(code_of(&outcomes[0], 50), "dropped.over_share");
    let engine::Verdict::Dropped(drop) = &outcomes[0].verdicts[50] else {
        panic!("it was dropped")
    };
    assert!(
        drop.message.contains("north had its share: 500 of 500 gas"),
        "{}",
        drop.message
    );
    let again = block_of(&engine, vec![signed(&flood[50..])], NOW + 1).remove(0);
    assert_eq!(again.counts().unwrap(), (70, 0, 0));
}

#[test]
fn a_copy_that_waits_is_no_second_call() {
    let engine = memory();
    let mut flood = calls("alice@north", 60, 10, 0);
    flood.push(flood[55].clone());
    flood.push(flood[3].clone());
    let few = calls("bob@south", 3, 10, 1_000);
    let signed = |drafts: &[Draft]| {
        let signed = drafts.iter().map(|draft| draft.sign(engine.genesis_hash()));
        engine.prepare(signed.collect())
    };
    let outcomes = block_of(&engine, vec![signed(&flood), signed(&few)], NOW);
    assert_eq!(outcomes[0].counts().unwrap(), (60, 0, 2));
    for at in [60, 61] {
        assert_eq!(code_of(&outcomes[0], at), "dropped.replayed");
    }
}

#[test]
fn the_log_is_executed_to_the_same_headers() {
    let folder = tempfile::tempdir().unwrap();
    let document = support::document("trade");
    let runtime = || Arc::new(TestRuntime);
    let engine = Engine::create(Some(folder.path()), &document, runtime()).unwrap();
    for round in 0..4 {
        // Mixed limits: some run at once, some wait, some are dropped.
        let mut flood = calls("alice@north", 120, 10, round * 10_000);
        for (at, draft) in flood.iter_mut().enumerate() {
            draft.gas = if at % 17 == 16 { 100 } else { 10 };
        }
        let others = calls("carol@south", 60, 30, round * 10_000 + 5_000);
        taken(&engine, &[flood, others], NOW + round);
    }
    let (header, rows) = (engine.status().header_hash, accounts(&engine));
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(folder.path(), runtime(), true).unwrap();
    assert!(engine.recovery().rebuilt);
    assert_eq!(
        (engine.status().header_hash, accounts(&engine)),
        (header, rows)
    );
}

/// Bytes that the state books on organisations.
fn booked(engine: &Engine) -> BTreeMap<String, i64> {
    let range = Range {
        contract: "chain",
        table: "storage",
        prefix: &[],
        after: None,
        limit: 10,
        reverse: false,
    };
    let rows = engine.scan(&range).unwrap().into_iter();
    rows.map(|(key, value)| {
        let (_, _, rest) = codec::key::split(&key).unwrap();
        let codec::key::Part::Text(name) = codec::key::decode(rest).unwrap().remove(0) else {
            panic!("a name is a text")
        };
        let Some(Value::Int(bytes)) = cbor::decode(&value).unwrap().get("bytes").cloned() else {
            panic!("bytes are a number")
        };
        (name, bytes)
    })
    .collect()
}

#[test]
fn rows_are_booked_on_whoever_changed_them() {
    let engine = memory();
    let one = |draft: Draft, time| {
        let outcome = support::block(&engine, &[draft], time);
        assert_eq!(code_of(&outcome, 0), "");
    };
    let size = || {
        let rows = accounts(&engine).into_iter();
        rows.map(|(key, value)| key.len() + value.len())
            .sum::<usize>() as i64
    };
    one(Draft::put("a", 1, 1), NOW);
    let first = size();
    assert_eq!(booked(&engine), BTreeMap::from([("north".into(), first)]));
    one(Draft::put("a", 1 << 40, 2).by("bob@south"), NOW + 1);
    let grown = size() - first;
    assert!(grown > 0);
    assert_eq!(booked(&engine)["south"], grown);
    // Who deletes gets it back, below zero too.
    one(
        Draft::new("clear", &[("id", Value::text("a"))], 3).by("bob@south"),
        NOW + 2,
    );
    assert_eq!(size(), 0);
    assert_eq!(booked(&engine)["south"], -first);
    // Deployed sources are rows as well.
    let arguments = [
        ("name", Value::text("two")),
        ("file", Value::text("x.py")),
        ("source", Value::text("bank")),
    ];
    let mut draft = Draft::new("deploy", &arguments, 4);
    (draft.contract, draft.gas) = ("contracts".into(), 100);
    one(draft, NOW + 3);
    assert!(booked(&engine)["north"] > first);
    let (parts, blocks) = engine.parts().unwrap();
    let names: Vec<_> = parts
        .iter()
        .map(|part| part.organisation.as_str())
        .collect();
    assert_eq!((names, blocks), (vec!["north", "south"], 4));
    assert!(parts.iter().all(|part| part.weight == 1 && part.gas > 0));
    assert_eq!(parts[1].storage, -first);
}
