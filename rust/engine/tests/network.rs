//! A chain that a network orders and seals: seals come after their blocks, and the log is synced lazily.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use codec::cbor::{self, Encoder, Value};
use crypto::{Hash32, SigningKey};
use engine::formats::genesis::possession_payload;
use engine::formats::header::Header;
use engine::formats::quorum::{
    address, chain_id, validators_hash, Ballot, BlockId, CometHeader, Time,
};
use engine::{Engine, Replay};
use proptest::prelude::*;
use support::{
    accounts, block, document_value, encode_document, key_of, Draft, TestRuntime, GENESIS_TIME,
    SUITE,
};

const NODES: [&str; 4] = [
    "node-1@north",
    "node-2@north",
    "node-1@south",
    "node-2@south",
];

fn runtime() -> Arc<TestRuntime> {
    Arc::new(TestRuntime)
}

fn quiet() -> impl FnMut(u64, u64) -> bool {
    |_, _| true
}

/// Keys of the validators, in CometBFT's order.
fn validators() -> Vec<SigningKey> {
    let mut keys: Vec<_> = NODES.iter().map(|id| key_of(id)).collect();
    keys.sort_by_key(|key| address(key.public()));
    keys
}

fn node(chain: &str, id: &str) -> Value {
    let key = key_of(id);
    let payload = possession_payload(chain, id, SUITE.key_id(key.public()));
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

/// The test chain, sealed by four validators of power 10.
fn document() -> Vec<u8> {
    let Value::Map(fields) = document_value("trade") else {
        panic!("a document is a map")
    };
    let power =
        |key: &SigningKey| Value::Array(vec![Value::bytes(key.public().to_vec()), Value::Int(10)]);
    let change = |(name, value): (Value, Value)| match (&name, value) {
        (Value::Text(text), _) if text == "sealers" => {
            let set = validators().iter().map(power).collect();
            let tag = Value::text("lianheng.sealers.1");
            let sealers = vec![tag, Value::text("cometbft"), Value::Array(set)];
            (name, Value::Array(sealers))
        }
        (Value::Text(text), Value::Array(mut members)) if text == "members" => {
            members.extend(NODES.iter().map(|id| node("trade", id)));
            (name, Value::Array(members))
        }
        (_, value) => (name, value),
    };
    encode_document(&Value::Map(fields.into_iter().map(change).collect()))
}

/// In memory where that exists: a killed process loses nothing that it wrote, on whatever disk.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn create(path: &Path) -> Engine {
    Engine::create(Some(path), &document(), runtime()).unwrap()
}

fn open(path: &Path) -> Engine {
    Engine::open(path, runtime(), false).unwrap()
}

/// A block at a consensus height: three of them for each of ours, as where empty ones lie between.
fn decide(engine: &Engine, drafts: &[Draft], time: u64) -> Hash32 {
    let sign = |draft: &Draft| draft.sign(engine.genesis_hash());
    let prepared = engine.prepare(drafts.iter().map(sign).collect());
    let consensus = engine.consensus_height() + 3;
    let pending = engine
        .execute(vec![prepared], time, Some(consensus))
        .unwrap();
    let hash = pending.header().unwrap().2;
    engine.commit(pending, None).unwrap();
    assert_eq!(
        (engine.header_hash(), engine.consensus_height()),
        (hash, consensus)
    );
    hash
}

fn put(engine: &Engine, number: u64) -> Hash32 {
    let draft = Draft::put(&format!("account-{}", number % 7), number as i64, number);
    decide(engine, &[draft], GENESIS_TIME + number)
}

fn id_of(engine: &Engine, draft: &Draft) -> Hash32 {
    let signed = draft.sign(engine.genesis_hash());
    engine.prepare(vec![signed]).id(0).unwrap()
}

/// A seal of the header at `height` by the first `signers` validators.
fn seal(engine: &Engine, height: u64, signers: usize) -> Vec<u8> {
    let (bytes, _) = engine.header(height).unwrap().unwrap();
    let ours = SUITE.hash(&bytes);
    let sealers = &engine.genesis().sealers;
    let set = validators_hash(sealers);
    let keys = validators();
    let proposer = address(keys[0].public());
    let chain = chain_id(engine.genesis_hash());
    let header = CometHeader {
        version: (11, 1),
        chain_id: &chain,
        height: Header::decode(&bytes).unwrap().consensus_height as i64 + 1,
        time: Time {
            seconds: 1_700_000_000,
            nanoseconds: height as u32,
        },
        last_block: None,
        hashes: [&[], &[], &set.0, &set.0, &[], &ours.0, &[], &[]],
        proposer: &proposer,
    };
    let hash = header.hash();
    let parts = Hash32([7; 32]);
    let id = BlockId {
        hash: &hash.0,
        parts: 1,
        parts_hash: &parts.0,
    };
    let ballot = Ballot {
        height: header.height,
        round: 0,
        block: id,
        chain_id: &chain,
    };
    let mut encoder = Encoder::new();
    encoder
        .array(4)
        .text("cometbft")
        .array(14)
        .array(2)
        .uint(11)
        .uint(1)
        .text(&chain);
    encoder.uint(header.height as u64);
    let time = |encoder: &mut Encoder, time: Time| {
        encoder
            .array(2)
            .int(time.seconds)
            .uint(u64::from(time.nanoseconds));
    };
    time(&mut encoder, header.time);
    encoder.null();
    header.hashes.iter().for_each(|hash| {
        encoder.bytes(hash);
    });
    encoder.bytes(&proposer);
    encoder.array(4).uint(header.height as u64).uint(0);
    encoder.array(3).bytes(&hash.0).uint(1).bytes(&parts.0);
    encoder.array(keys.len());
    for (at, key) in keys.iter().enumerate() {
        if at >= signers {
            encoder.null();
            continue;
        }
        encoder.array(4).uint(2).bytes(&address(key.public()));
        time(&mut encoder, header.time);
        encoder.bytes(&key.sign(&ballot.sign_bytes(true, header.time)));
    }
    encoder.raw(&sealers.encode());
    encoder.into_bytes()
}

fn code<T: std::fmt::Debug>(result: Result<T, engine::Error>) -> String {
    result.unwrap_err().code
}

/// The field of a map with text keys.
fn field(file: &[u8], name: &str) -> Value {
    cbor::decode(file).unwrap().get(name).unwrap().clone()
}

#[test]
fn a_receipt_waits_for_its_seal() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    assert_eq!((engine.sealed_height(), engine.synced_height()), (0, 0));
    engine
        .prove("bank", "accounts", &[Value::text("a")], None)
        .unwrap();
    let draft = Draft::put("a", 5, 1);
    decide(&engine, std::slice::from_ref(&draft), GENESIS_TIME + 1);
    let id = id_of(&engine, &draft);
    let evidence = |engine: &Engine| {
        vec![
            engine.receipt(&id, None),
            engine.receipt(&id, Some(&engine.genesis_file())),
            engine.prove("bank", "accounts", &[Value::text("a")], None),
            engine.header_file(1),
        ]
    };
    for early in evidence(&engine) {
        assert_eq!(code(early), "seal.not_yet");
    }
    let unsealed = |engine: &Engine| {
        let proof = engine.prove_unsealed("bank", "accounts", &[Value::text("a")], None);
        cbor::decode(&proof.unwrap()).unwrap()
    };
    assert_eq!(unsealed(&engine).get("seal"), Some(&Value::Null));
    assert_eq!(engine.unsealed(10).unwrap(), vec![(1, 3)]);
    let good = seal(&engine, 1, 3);
    engine.add_seal(1, &good).unwrap();
    engine.add_seal(1, &seal(&engine, 1, 4)).unwrap();
    let shown = cbor::decode(&good).unwrap();
    for file in evidence(&engine) {
        assert_eq!(field(&file.unwrap(), "seal"), shown);
    }
    assert_eq!(engine.header(1).unwrap().unwrap().1.unwrap(), good);
    let Value::Array(parts) = cbor::decode(&engine.block(1).unwrap().unwrap()).unwrap() else {
        panic!("a block is an array")
    };
    assert_eq!(parts[2], shown);
    assert_eq!(
        (engine.unsealed(10).unwrap(), engine.sealed_height()),
        (vec![], 1)
    );
}

#[test]
fn a_bad_seal_is_refused_and_nothing_is_kept_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    for number in 1..=3 {
        put(&engine, number);
    }
    let mut flipped = seal(&engine, 1, 4);
    let last_vote = flipped.len() - 200;
    flipped[last_vote] ^= 1;
    for (height, bytes, wanted) in [
        (1, seal(&engine, 1, 2), "seal.no_quorum"),
        (1, seal(&engine, 2, 4), "seal.wrong_header"),
        (
            1,
            vec![0x82, 0x64, b's', b'o', b'l', b'o', 0x40],
            "seal.wrong_kind",
        ),
        (0, seal(&engine, 1, 4), "seal.not_needed"),
        (4, seal(&engine, 1, 4), "block.unknown"),
    ] {
        assert_eq!(code(engine.add_seal(height, &bytes)), wanted);
    }
    engine.add_seal(1, &flipped).unwrap_err();
    engine.add_seal(1, &[]).unwrap_err();
    assert_eq!(engine.unsealed(2).unwrap(), vec![(1, 3), (2, 6)]);
    let solo = support::memory();
    block(&solo, &[Draft::put("a", 1, 1)], GENESIS_TIME + 1);
    let own = solo.header(1).unwrap().unwrap().1.unwrap();
    solo.add_seal(1, &own).unwrap();
    assert_eq!(
        (solo.sealed_height(), solo.unsealed(9).unwrap()),
        (1, vec![])
    );
}

#[test]
fn a_block_names_the_consensus_height_that_decided_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    put(&engine, 1);
    let execute = |height| {
        engine
            .execute(Vec::new(), GENESIS_TIME + 5, height)
            .map(|_| ())
    };
    for height in [None, Some(0), Some(3)] {
        assert_eq!(code(execute(height)), "block.consensus_height");
    }
    // Nothing in it: no header, and the app hash stays.
    let before = engine.header_hash();
    let pending = engine
        .execute(Vec::new(), GENESIS_TIME + 5, Some(4))
        .unwrap();
    assert!(pending.header().is_none());
    engine.commit(pending, None).unwrap();
    assert_eq!(
        (engine.header_hash(), engine.consensus_height()),
        (before, 3)
    );
}

fn number(engine: &Engine, name: &str) -> u64 {
    let numbers = engine.status().numbers;
    numbers.iter().find(|(found, _)| *found == name).unwrap().1
}

#[test]
fn solo_syncs_each_block_and_a_network_few() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let solo = Engine::create(
        Some(folders[0].path()),
        &support::document("trade"),
        runtime(),
    )
    .unwrap();
    let network = create(folders[1].path());
    for height in 1..=40 {
        block(&solo, &[Draft::put("a", 1, height)], GENESIS_TIME + height);
        assert_eq!(number(&solo, "log_syncs"), height + 1);
        assert_eq!(
            (solo.synced_height(), solo.sealed_height()),
            (height, height)
        );
        put(&network, height);
    }
    assert!(number(&network, "log_syncs") < 20);
    network.sync().unwrap();
    assert_eq!(
        (network.synced_height(), number(&network, "synced_height")),
        (40, 40)
    );
    assert_eq!(
        (
            number(&network, "consensus_height"),
            number(&network, "sealed_height")
        ),
        (120, 0)
    );
}

/// The one file of a network's log.
fn log_of(path: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(path.join("log")).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn blocks_that_a_crash_took_are_given_again_by_consensus() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    let mut hashes = vec![engine.header_hash()];
    hashes.extend((1..=6).map(|number| put(&engine, number)));
    engine.close().unwrap();
    drop(engine);
    let safe = fs::metadata(log_of(folder.path())).unwrap().len();
    let engine = open(folder.path());
    hashes.extend((7..=12).map(|number| put(&engine, number)));
    drop(engine);
    // What was synced stands; of the rest the machine wrote some pages, and some as zeros.
    let file = log_of(folder.path());
    let mut bytes = fs::read(&file).unwrap();
    let middle = (safe as usize + bytes.len()) / 2;
    bytes[middle..].fill(0);
    fs::write(&file, &bytes).unwrap();
    let engine = match Engine::open(folder.path(), runtime(), false) {
        Ok(engine) => engine,
        // The flusher was quick: the store holds these blocks, so their loss is damage.
        Err(error) => return assert_eq!(error.code, "log.corrupt"),
    };
    let left = engine.height();
    assert!((6..12).contains(&left), "{left}");
    assert_eq!(engine.recovery().cut_height, Some(left + 1));
    assert!(engine.recovery().torn_tail_bytes > 0);
    assert_eq!(engine.header_hash(), hashes[left as usize]);
    let again = (left + 1..=12).map(|number| put(&engine, number));
    assert!(again.eq(hashes[left as usize + 1..].iter().copied()));
    assert_eq!(engine.fsck(&mut quiet()).unwrap().faults, vec![]);
}

#[test]
fn replay_trace_and_fsck_go_without_seals_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    for number in 1..=9 {
        put(&engine, number);
    }
    for height in [2, 3, 7] {
        engine.add_seal(height, &seal(&engine, height, 4)).unwrap();
    }
    put(&engine, 10);
    let checked = engine.fsck(&mut quiet()).unwrap();
    assert_eq!(
        (checked.blocks, checked.seals, checked.unsealed),
        (10, 3, 7)
    );
    assert_eq!(checked.faults, vec![]);
    let replay = Replay::begin(&engine.genesis_file(), runtime()).unwrap();
    for height in 1..=10 {
        replay
            .apply(&engine.block(height).unwrap().unwrap())
            .unwrap();
        let sealed = [2, 3, 7].into_iter().rfind(|sealed| *sealed <= height);
        assert_eq!(replay.sealed_height(), sealed.unwrap_or(0));
    }
    let draft = Draft::put("account-1", 8, 8);
    engine.trace(&id_of(&engine, &draft), &mut quiet()).unwrap();
    // An exported block whose seal was swapped for that of another one.
    let other = Replay::begin(&engine.genesis_file(), runtime()).unwrap();
    other.apply(&engine.block(1).unwrap().unwrap()).unwrap();
    let Value::Array(mut parts) = cbor::decode(&engine.block(2).unwrap().unwrap()).unwrap() else {
        panic!("a block is an array")
    };
    parts[2] = cbor::decode(&seal(&engine, 3, 4)).unwrap();
    let swapped = cbor::encode(&Value::Array(parts)).unwrap();
    assert_eq!(code(other.apply(&swapped)), "seal.wrong_header");
}

/// A seal moves from memory to the store while it is read: it must never seem to be gone.
#[test]
fn a_seal_that_was_there_stays_while_blocks_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let engine = create(folder.path());
    let (sealed, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                for (height, _) in engine.unsealed(5).unwrap() {
                    engine.add_seal(height, &seal(&engine, height, 3)).unwrap();
                    sealed.store(height, Ordering::Release);
                }
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let last = sealed.load(Ordering::Acquire);
                assert!(engine.sealed_height() >= last);
                for height in last.saturating_sub(3).max(1)..=last {
                    engine.header_file(height).unwrap();
                }
            }
        });
        for number in 1..=300 {
            put(&engine, number);
        }
        done.store(true, Ordering::Release);
    });
    assert!(sealed.load(Ordering::Acquire) > 10);
    assert_eq!(engine.fsck(&mut quiet()).unwrap().faults, vec![]);
}

#[derive(Clone, Debug)]
enum Step {
    Block,
    Seal(usize),
    Close,
    Kill,
    Rebuild,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Block),
        6 => any::<usize>().prop_map(Step::Seal),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => Just(Step::Rebuild),
    ]
}

/// What is kept agrees with what is said to be missing, at every place where a seal is read.
fn check(engine: &Engine, kept: &BTreeMap<u64, Vec<u8>>) {
    let missing: Vec<u64> = (1..=engine.height())
        .filter(|height| !kept.contains_key(height))
        .collect();
    let told: Vec<u64> = engine
        .unsealed(1_000)
        .unwrap()
        .iter()
        .map(|(height, _)| *height)
        .collect();
    assert_eq!(told, missing);
    let sealed = missing.first().map_or(engine.height(), |first| first - 1);
    assert_eq!(engine.sealed_height(), sealed);
    for height in 1..=engine.height() {
        assert_eq!(
            engine.header(height).unwrap().unwrap().1,
            kept.get(&height).cloned()
        );
        assert_eq!(
            engine.header_file(height).is_ok(),
            kept.contains_key(&height)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// Seals in any order, with ends clean and unclean: one that was kept over a clean end stays, one lost in a crash is asked for again.
    #[test]
    fn no_seal_is_forgotten(steps in prop::collection::vec(step(), 1..40)) {
        let folder = scratch();
        let mut engine = create(folder.path());
        let mut kept = BTreeMap::new();
        for step in steps {
            match step {
                Step::Block => { put(&engine, engine.height() + 1); }
                Step::Seal(at) => {
                    let missing = engine.unsealed(1_000).unwrap();
                    if missing.is_empty() { continue }
                    let (height, consensus) = missing[at % missing.len()];
                    prop_assert_eq!(consensus, height * 3);
                    let bytes = seal(&engine, height, 3 + at % 2);
                    engine.add_seal(height, &bytes).unwrap();
                    kept.insert(height, bytes);
                }
                Step::Close => {
                    engine.close().unwrap();
                    drop(engine);
                    engine = open(folder.path());
                }
                Step::Rebuild => {
                    engine.close().unwrap();
                    drop(engine);
                    engine = Engine::open(folder.path(), runtime(), true).unwrap();
                    prop_assert!(engine.recovery().rebuilt);
                }
                Step::Kill => {
                    drop(engine);
                    engine = open(folder.path());
                    // Some were not written yet: those are asked for again.
                    for (height, _) in engine.unsealed(1_000).unwrap() {
                        kept.remove(&height);
                    }
                }
            }
            check(&engine, &kept);
        }
        let checked = engine.fsck(&mut quiet()).unwrap();
        prop_assert_eq!(checked.faults, vec![]);
        prop_assert_eq!(checked.seals, kept.len() as u64);
        prop_assert_eq!(checked.seals + checked.unsealed, engine.height());
        prop_assert_eq!(accounts(&engine).len() as u64, engine.height().min(7));
    }
}
