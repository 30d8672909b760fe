//! The language-neutral vectors of `tests/vectors`, made by an independent implementation, checked by this one.

mod support;

use std::path::Path;
use std::sync::Arc;

use codec::cbor::{self, Value as Cbor};
use codec::key;
use crypto::{Hash32, SigningKey};
use engine::formats::{block, header, result, transaction};
use engine::Engine;
use serde_json::Value;
use support::{TestRuntime, SUITE};
use tree::{NoBuckets, Proof, StateTree};

fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).expect("the vectors are part of the tree")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex text");
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn hash(value: &Value) -> Hash32 {
    Hash32(hex(value).try_into().expect("32 bytes"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = value[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name} is a list"));
    assert!(!list.is_empty(), "{name} holds cases");
    list
}

#[test]
fn encodings() {
    let vectors = load("cbor.json");
    for valid in list(&vectors, "valid") {
        let bytes = hex(valid);
        let value = cbor::decode(&bytes).unwrap_or_else(|error| panic!("{valid}: {error}"));
        assert_eq!(cbor::encode(&value).unwrap(), bytes);
    }
    for invalid in list(&vectors, "invalid") {
        assert!(cbor::decode(&hex(&invalid["data"])).is_err(), "{invalid}");
    }
}

#[test]
fn row_keys() {
    for case in list(&load("row-keys.json"), "cases") {
        let Cbor::Array(parts) = cbor::decode(&hex(&case["parts"])).unwrap() else {
            panic!("an array")
        };
        let flat = hex(&case["flat"]);
        assert_eq!(engine::encode_parts(&parts).unwrap(), flat, "{case}");
        let back: Vec<_> = key::decode(&flat)
            .unwrap()
            .into_iter()
            .map(engine::part_value)
            .collect();
        assert_eq!(back, parts, "{case}");
    }
}

#[test]
fn keys_and_sealers() {
    let vectors = load("keys.json");
    for case in list(&vectors, "keys") {
        let key = SigningKey::from_seed(&hex(&case["seed"]).try_into().unwrap());
        assert_eq!(key.public().to_vec(), hex(&case["public"]));
        assert_eq!(SUITE.cose_key(key.public()), hex(&case["cose_key"]));
        assert_eq!(SUITE.key_id(key.public()), hash(&case["key_id"]));
    }
    let encoded = hex(&vectors["sealers"]["encoded"]);
    assert_eq!(header::Sealers::decode(&encoded).unwrap().encode(), encoded);
    assert_eq!(SUITE.hash(&encoded), hash(&vectors["sealers"]["hash"]));
}

#[test]
fn transactions() {
    let vectors = load("transactions.json");
    let genesis = hash(&vectors["genesis_hash"]);
    for case in list(&vectors, "valid") {
        let bytes = hex(&case["transaction"]);
        let parsed = crypto::cose::parse(SUITE, &bytes, 16).unwrap();
        assert_eq!(parsed.payload, hex(&case["payload"]));
        transaction::Payload::decode(parsed.payload, 0).unwrap();
        assert_eq!(
            transaction::transaction_id(SUITE, genesis, parsed.payload),
            hash(&case["id"])
        );
        assert_eq!(SUITE.hash(&bytes), hash(&case["signed_hash"]));
        for (index, key) in list(case, "keys").iter().enumerate() {
            let input = crypto::cose::signing_input(&parsed, index, &genesis.0);
            SUITE
                .verify(
                    &hex(key).try_into().unwrap(),
                    &input,
                    parsed.signatures[index].signature,
                )
                .unwrap();
        }
    }
    for case in list(&vectors, "invalid") {
        assert!(!acceptable(&hex(&case["transaction"])), "{}", case["name"]);
    }
}

/// Whether form and signers are in order; signatures need keys and are another matter.
fn acceptable(bytes: &[u8]) -> bool {
    let Ok(parsed) = crypto::cose::parse(SUITE, bytes, 16) else {
        return false;
    };
    let Ok(payload) = transaction::Payload::decode(parsed.payload, 0) else {
        return false;
    };
    payload
        .signers
        .iter()
        .copied()
        .eq(parsed.signatures.iter().map(|signature| signature.key_id))
}

#[test]
fn headers() {
    let vectors = load("headers.json");
    let mut history = tree::log::Frontier::new(SUITE);
    for case in list(&vectors, "headers") {
        let bytes = hex(&case["header"]);
        let decoded = header::Header::decode(&bytes).unwrap();
        assert_eq!(decoded.encode(), bytes);
        assert_eq!(Some(decoded.height), case["height"].as_u64());
        assert_eq!(Some(decoded.time), case["time"].as_u64());
        assert_eq!(decoded.history_root, history.root());
        assert_eq!(decoded.state_root, hash(&case["state_root"]));
        let own = SUITE.hash(&bytes);
        assert_eq!(own, hash(&case["hash"]));
        history.append(tree::log::leaf_hash(SUITE, &own.0));
    }
}

#[test]
fn genesis() {
    let vectors = load("genesis.json");
    let engine = Engine::create(None, &hex(&vectors["document"]), Arc::new(TestRuntime)).unwrap();
    assert_eq!(engine.genesis_hash(), hash(&vectors["genesis_hash"]));
    assert_eq!(engine.genesis_file(), hex(&vectors["genesis_file"]));
    assert_eq!(engine.status().state_root, hash(&vectors["state_root"]));
    for row in list(&vectors, "rows") {
        assert_eq!(
            engine.get(&hex(&row["key"])).unwrap().as_deref(),
            Some(hex(&row["value"]).as_slice())
        );
    }
    assert_eq!(
        engine
            .status()
            .numbers
            .iter()
            .find(|(name, _)| *name == "rows")
            .unwrap()
            .1,
        { list(&vectors, "rows").len() as u64 }
    );
}

#[test]
fn entries_and_events() {
    let vectors = load("entries.json");
    for case in list(&vectors, "blocks") {
        let entries: Vec<Vec<u8>> = list(case, "entries").iter().map(hex).collect();
        assert_eq!(header::entries_root(SUITE, &entries), hash(&case["root"]));
        let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let block = block::Block {
            header: &[],
            seal: None,
            transactions: Vec::new(),
            entries: slices,
        };
        assert_eq!(
            block::Block::decode(&block.encode()).unwrap().entries,
            block.entries
        );
    }
    let mut head = Hash32([0; 32]);
    for case in list(&vectors, "events") {
        let event = hex(&case["event"]);
        let Cbor::Array(fields) = cbor::decode(&event).unwrap() else {
            panic!("an array")
        };
        let [Cbor::Text(contract), Cbor::Int(number), Cbor::Text(name), data] = fields.as_slice()
        else {
            panic!("four fields")
        };
        let data = cbor::encode(data).unwrap();
        assert_eq!(
            result::encode_event(contract, *number as u64, name, &data),
            event
        );
        let mut link = cbor::Encoder::new();
        link.array(3)
            .text("lianheng.event.1")
            .bytes(&head.0)
            .raw(&event);
        head = SUITE.hash(link.as_slice());
        assert_eq!(head, hash(&case["head"]));
    }
}

#[test]
fn logs() {
    for case in list(&load("log.json"), "cases") {
        let leaves: Vec<Vec<u8>> = case["leaves"].as_array().unwrap().iter().map(hex).collect();
        assert_eq!(tree::log::root_of(SUITE, &leaves), hash(&case["root"]));
        let hashes = tree::log::leaf_hashes(SUITE, &leaves);
        for (index, path) in case["paths"].as_array().unwrap().iter().enumerate() {
            let path: Vec<Hash32> = path.as_array().unwrap().iter().map(hash).collect();
            assert_eq!(tree::log::path(SUITE, &hashes, index).unwrap(), path);
        }
    }
}

#[test]
fn states() {
    for case in list(&load("state.json"), "cases") {
        let rows = case["rows"].as_array().unwrap();
        let change = |row: &Value| {
            (
                SUITE.hash(&hex(&row["key"])),
                Some(SUITE.hash(&hex(&row["value"]))),
            )
        };
        let changes: Vec<_> = rows.iter().map(change).collect();
        let mut state = StateTree::empty(SUITE);
        let stored = state.update(&NoBuckets, &changes).unwrap();
        assert_eq!(state.root(), hash(&case["root"]));
        let reader = Stored(stored);
        for proof in list(case, "proofs") {
            let key = SUITE.hash(&hex(&proof["key"]));
            assert_eq!(key, hash(&proof["key_hash"]));
            let siblings = proof["siblings"]
                .as_array()
                .unwrap()
                .iter()
                .map(hash)
                .collect();
            let other = proof["other"].as_array();
            let other = other.map(|pair| tree::Leaf {
                key: hash(&pair[0]),
                value: hash(&pair[1]),
            });
            let expected = Proof { siblings, other };
            assert_eq!(state.prove(&reader, key).unwrap(), expected);
            match proof["value"].is_null() {
                true => expected.verify_absence(SUITE, state.root(), key).unwrap(),
                false => {
                    let value = SUITE.hash(&hex(&proof["value"]));
                    expected
                        .verify_presence(SUITE, state.root(), key, value)
                        .unwrap();
                }
            }
        }
    }
}

struct Stored(Vec<tree::BucketChange>);

impl tree::BucketReader for Stored {
    fn bucket(&self, id: &tree::BucketId) -> Result<Option<Vec<u8>>, tree::Error> {
        Ok(self
            .0
            .iter()
            .find(|(stored, _)| stored == id)
            .and_then(|(_, bytes)| bytes.clone()))
    }
}

#[test]
fn replay_roots() {
    let vectors = load("replay.json");
    let mut digests = engine::Digests::default();
    assert_eq!(digests.root(SUITE), hash(&vectors["empty"]));
    for case in list(&vectors, "blocks") {
        digests.expire(case["time"].as_u64().unwrap());
        for burnt in case["burnt"].as_array().unwrap() {
            digests.add(
                SUITE,
                burnt["expires"].as_u64().unwrap(),
                hash(&burnt["id"]),
            );
        }
        assert_eq!(digests.root(SUITE), hash(&case["root"]));
    }
}
