//! Each kind of drop and refusal: its code, the state untouched, and for drops the id free.

mod support;

use codec::cbor::Value;
use crypto::Hash32;
use engine::Engine;
use support::{accounts, block, block_of, code_of, memory, Draft, GENESIS_TIME};

const NOW: u64 = GENESIS_TIME + 1_000;

/// The verdict on one transaction; checks that a block with it changes no row.
fn verdict(engine: &Engine, bytes: Vec<u8>) -> String {
    let before = (accounts(engine), engine.status().state_root);
    let outcome = block_of(engine, vec![engine.prepare(vec![bytes.into()])], NOW).remove(0);
    assert_eq!((accounts(engine), engine.status().state_root), before);
    code_of(&outcome, 0)
}

/// A draft that is dropped with this code, and may be ordered once what was wrong is mended at `later`.
fn dropped(draft: &Draft, code: &str) {
    let engine = memory();
    assert_eq!(
        verdict(&engine, draft.sign(engine.genesis_hash()).to_vec()),
        code
    );
    assert_eq!(engine.height(), 0, "a drop makes no block");
    assert!(
        engine.find(&[], None, 10).unwrap().is_empty(),
        "a drop leaves no id"
    );
}

#[test]
fn expired_and_too_far_ahead() {
    let mut draft = Draft::put("a", 1, 1);
    draft.expires = NOW;
    dropped(&draft, "dropped.expired");
    draft.expires = NOW + 600_001;
    dropped(&draft, "dropped.too_far_ahead");
    draft.expires = NOW + 600_000;
    let engine = memory();
    assert_eq!(code_of(&block(&engine, &[draft], NOW), 0), "");
}

#[test]
fn wrong_chain_and_foreign_genesis() {
    let mut draft = Draft::put("a", 1, 1);
    draft.chain = "other".into();
    dropped(&draft, "dropped.wrong_chain");
    let engine = memory();
    let foreign = Draft::put("a", 1, 1).sign(Hash32([9; 32]));
    assert_eq!(verdict(&engine, foreign.to_vec()), "dropped.bad_signature");
}

#[test]
fn unknown_key_and_foreign_key() {
    dropped(
        &Draft::put("a", 1, 1).by("mallory@north"),
        "dropped.unknown_key",
    );
    let mut draft = Draft::put("a", 1, 1);
    draft.signers = vec!["bob@south".into()];
    dropped(&draft, "dropped.unknown_key");
}

#[test]
fn a_drop_leaves_the_id_free() {
    let engine = memory();
    let mut draft = Draft::put("a", 1, 1);
    draft.expires = NOW + 600_001;
    let signed = draft.sign(engine.genesis_hash());
    let early = block_of(&engine, vec![engine.prepare(vec![signed.clone()])], NOW).remove(0);
    assert_eq!(code_of(&early, 0), "dropped.too_far_ahead");
    let later = block_of(&engine, vec![engine.prepare(vec![signed])], NOW + 1).remove(0);
    assert_eq!(code_of(&later, 0), "");
}

#[test]
fn bad_signature_in_the_midst_of_good_ones() {
    let engine = memory();
    let mut signed: Vec<_> = (0..600)
        .map(|n| Draft::put("a", 1, n).sign(engine.genesis_hash()).to_vec())
        .collect();
    let last = signed[301].len() - 1;
    signed[301][last] ^= 1;
    let prepared = engine.prepare(signed.into_iter().map(Into::into).collect());
    let drops: Vec<_> = prepared.drops().map(|(at, drop)| (at, drop.code)).collect();
    assert_eq!(drops, [(301, "dropped.bad_signature")]);
}

#[test]
fn replayed_in_one_block_in_two_blocks_and_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = || std::sync::Arc::new(support::TestRuntime);
    let engine =
        Engine::create(Some(folder.path()), &support::document("trade"), runtime()).unwrap();
    let draft = Draft::put("a", 1, 1);
    let outcome = block(&engine, &[draft.clone(), draft.clone()], NOW);
    assert_eq!(
        (code_of(&outcome, 0), code_of(&outcome, 1)),
        (String::new(), "dropped.replayed".into())
    );
    assert_eq!(
        code_of(&block(&engine, std::slice::from_ref(&draft), NOW), 0),
        "dropped.replayed"
    );
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(folder.path(), runtime(), false).unwrap();
    assert_eq!(engine.recovery().replayed, 0);
    assert_eq!(
        code_of(&block(&engine, std::slice::from_ref(&draft), NOW), 0),
        "dropped.replayed"
    );
    drop(engine);
    let engine = Engine::open(folder.path(), runtime(), false).unwrap();
    assert_eq!(
        code_of(&block(&engine, &[draft], NOW), 0),
        "dropped.replayed"
    );
}

#[test]
fn over_quota() {
    let mut draft = Draft::put("a", 1, 1);
    draft.gas = 101;
    dropped(&draft, "dropped.over_quota");
    let long = Draft::put(&"a".repeat(9_000), 1, 1);
    dropped(&long, "dropped.over_quota");
    // 100 calls spend the block's 1,000 gas; the next one is dropped, and its id is free.
    let engine = memory();
    let drafts: Vec<_> = (0..101).map(|n| Draft::put("a", 1, n)).collect();
    let outcome = block(&engine, &drafts, NOW);
    assert_eq!(outcome.counts().unwrap(), (100, 0, 1));
    assert_eq!(code_of(&outcome, 100), "dropped.over_share");
    assert_eq!(code_of(&block(&engine, &drafts[100..], NOW), 0), "");
}

#[test]
fn undecodable() {
    let engine = memory();
    let good = Draft::put("a", 1, 1).sign(engine.genesis_hash()).to_vec();
    for end in 0..good.len() {
        assert_eq!(
            verdict(&engine, good[..end].to_vec()),
            "dropped.undecodable"
        );
    }
    let mut trailing = good.clone();
    trailing.push(0);
    assert_eq!(verdict(&engine, trailing), "dropped.undecodable");
}

#[test]
fn every_changed_byte_is_dropped() {
    let engine = memory();
    let good = Draft::put("a", 1, 1).sign(engine.genesis_hash()).to_vec();
    for at in 0..good.len() {
        for flip in [1, 0x80] {
            let mut changed = good.clone();
            changed[at] ^= flip;
            let code = verdict(&engine, changed);
            assert!(code.starts_with("dropped."), "byte {at}: '{code}'");
        }
    }
}

/// A draft that is refused with this code: entry written, id burnt, state untouched.
fn refused(draft: &Draft, code: &str) {
    let engine = memory();
    block(&engine, &[Draft::put("a", 5, 99)], NOW);
    let before = (accounts(&engine), engine.status().state_root);
    let outcome = block(&engine, std::slice::from_ref(draft), NOW);
    assert_eq!(code_of(&outcome, 0), code);
    assert_eq!((accounts(&engine), engine.status().state_root), before);
    assert_eq!(engine.height(), 2);
    assert_eq!(
        code_of(&block(&engine, std::slice::from_ref(draft), NOW), 0),
        "dropped.replayed",
        "the id is burnt"
    );
}

#[test]
fn refusals() {
    refused(&Draft::new("fail", &[], 1), "contract.rejected");
    refused(&Draft::new("nothing", &[], 1), "call.unknown_method");
    refused(
        &Draft::new("read", &[("id", Value::text("a"))], 1),
        "call.is_a_view",
    );
    refused(&Draft::new("guarded", &[], 1), "policy.denied");
    let mut draft = Draft::put("a", 1, 1);
    draft.contract = "absent".into();
    refused(&draft, "call.unknown_contract");
    let mut draft = Draft::put("a", 1, 1);
    draft.code = Some(Hash32([1; 32]));
    refused(&draft, "code.mismatch");
}

#[test]
fn a_write_before_the_refusal_is_undone() {
    let arguments = [
        ("from", Value::text("a")),
        ("to", Value::text("b")),
        ("amount", Value::Int(100)),
    ];
    refused(&Draft::new("move", &arguments, 1), "contract.rejected");
}

#[test]
fn a_panic_takes_the_gas_and_nothing_else() {
    refused(&Draft::new("panic", &[], 1), "engine.fault");
    let engine = memory();
    let outcome = block(
        &engine,
        &[Draft::new("panic", &[], 1), Draft::put("b", 2, 2)],
        NOW,
    );
    assert_eq!(outcome.counts().unwrap(), (1, 1, 0));
}

#[test]
fn the_pinned_code_and_the_role_let_pass() {
    let engine = memory();
    let mut draft = Draft::put("a", 1, 1);
    draft.code = Some(support::SUITE.hash(b"bank"));
    let guarded = Draft::new("guarded", &[("id", Value::text("g"))], 2).by("bob@south");
    let mut both = Draft::new("guarded", &[("id", Value::text("h"))], 3);
    both.signers = vec!["alice@north".into(), "bob@south".into()];
    let outcome = block(&engine, &[draft, guarded, both], NOW);
    assert_eq!(outcome.counts().unwrap(), (3, 0, 0));
}

#[test]
fn deploying() {
    let deploy = |name: &str, source: &str, number: u64| {
        let arguments = [
            ("name", Value::text(name)),
            ("file", Value::text("x.py")),
            ("source", Value::text(source)),
        ];
        let mut draft = Draft::new("deploy", &arguments, number);
        draft.contract = "contracts".into();
        draft.gas = 100;
        draft
    };
    refused(&deploy("bank", "bank", 1), "contract.exists");
    refused(&deploy("members", "bank", 1), "contract.reserved");
    refused(&deploy("Bank", "bank", 1), "call.bad_arguments");
    refused(&deploy("two", "bang", 1), "contract.invalid");
    refused(&deploy("two", "bankbank", 1), "gas.exhausted");
    refused(&deploy("two", "bank", 1).by("carol@south"), "policy.denied");
    let engine = memory();
    let mut call = Draft::put("a", 1, 2);
    call.contract = "two".into();
    let outcome = block(&engine, &[deploy("two", "bank", 1), call], NOW);
    assert_eq!(
        outcome.counts().unwrap(),
        (2, 0, 0),
        "a contract may be called in the block that deploys it"
    );
}
