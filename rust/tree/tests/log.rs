//! The log against the recursive definition of RFC 9162 and third-party vectors.

mod common;

use common::{hash, SUITE};
use crypto::Hash32;
use proptest::prelude::*;
use serde_json::Value;
use std::cell::Cell;
use std::collections::HashMap;
use std::path::PathBuf;
use tree::log::{self, Frontier, History, NodeId, NodeReader};
use tree::Error;

/// `MTH` of section 2.1.1 over leaf hashes, word by word.
fn plain_root(leaves: &[Hash32]) -> Hash32 {
    if leaves.len() < 2 {
        return leaves.first().copied().unwrap_or_else(|| SUITE.hash(b""));
    }
    let k = (0..)
        .map(|n| 1 << n)
        .take_while(|k| *k < leaves.len())
        .last()
        .expect("a power");
    let (left, right) = (plain_root(&leaves[..k]), plain_root(&leaves[k..]));
    SUITE.hash_parts(&[&[1], &left.0, &right.0])
}

/// Nodes in memory that count how often they are read.
#[derive(Default)]
struct Nodes {
    hashes: HashMap<NodeId, Hash32>,
    reads: Cell<usize>,
}

impl NodeReader for Nodes {
    fn node(&self, id: NodeId) -> Result<Hash32, Error> {
        self.reads.set(self.reads.get() + 1);
        self.hashes
            .get(&id)
            .copied()
            .ok_or_else(|| Error::new("test.missing", format!("{id:?}")))
    }
}

fn leaves(count: u64) -> Vec<Hash32> {
    (0..count)
        .map(|n| log::leaf_hash(SUITE, &n.to_be_bytes()))
        .collect()
}

fn grown(count: u64) -> (Frontier, Nodes) {
    let (mut frontier, mut nodes) = (Frontier::new(SUITE), Nodes::default());
    for leaf in leaves(count) {
        for (id, hash) in frontier.append(leaf) {
            assert_eq!(nodes.hashes.insert(id, hash), None, "each node once");
        }
    }
    (frontier, nodes)
}

#[test]
fn hashes_are_those_of_the_standard() {
    assert_eq!(log::empty_root(SUITE), SUITE.hash(b""));
    assert_eq!(log::leaf_hash(SUITE, b"x"), SUITE.hash(b"\0x"));
    let data = [b"a".to_vec(), b"b".to_vec()];
    let both = [&[1u8][..], &SUITE.hash(b"\0a").0, &SUITE.hash(b"\0b").0].concat();
    assert_eq!(log::root_of(SUITE, &data), SUITE.hash(&both));
}

#[test]
fn every_path_in_every_small_tree() {
    let all = leaves(70);
    let (frontier, nodes) = grown(70);
    let history = History::new(&frontier, &nodes);
    for size in 0..=70 {
        let here = &all[..size];
        let root = plain_root(here);
        assert_eq!(log::root(SUITE, here), root);
        assert_eq!(history.root_at(size as u64), Ok(root));
        for index in 0..size {
            let path = log::path(SUITE, here, index).expect("in range");
            assert_eq!(history.path(index as u64, size as u64), Ok(path.clone()));
            let check = |index, size, path: &[Hash32]| {
                log::verify_inclusion(SUITE, root, here[index], index as u64, size as u64, path)
            };
            assert_eq!(check(index, size, &path), Ok(()));
            bent_paths_fail(&path, &|bent| check(index, size, bent).is_ok());
            for other in (0..size).filter(|other| *other != index) {
                assert!(
                    check(other, size, &path).is_err(),
                    "{other} for {index} of {size}"
                );
            }
        }
        assert_eq!(
            log::path(SUITE, here, size).expect_err("outside").code,
            "log.out_of_range"
        );
    }
}

fn bent_paths_fail(path: &[Hash32], accepted: &dyn Fn(&[Hash32]) -> bool) {
    for at in 0..path.len() {
        let mut bent = path.to_vec();
        bent[at].0[at % 32] ^= 1;
        assert!(!accepted(&bent));
        bent.remove(at);
        assert!(!accepted(&bent));
        bent = path.to_vec();
        bent.insert(at, hash(1));
        assert!(!accepted(&bent));
    }
    assert!(!accepted(&[path, &[hash(1)]].concat()));
}

#[test]
fn every_step_between_small_trees() {
    let all = leaves(40);
    let (frontier, nodes) = grown(40);
    let history = History::new(&frontier, &nodes);
    for new in 1..=40usize {
        for old in 1..=new {
            let (before, after) = (plain_root(&all[..old]), plain_root(&all[..new]));
            let proof = log::consistency(SUITE, &all[..new], old).expect("in range");
            assert_eq!(
                history.consistency(old as u64, new as u64),
                Ok(proof.clone())
            );
            let check = |before, after, proof: &[Hash32]| {
                log::verify_consistency(SUITE, before, old as u64, after, new as u64, proof).is_ok()
            };
            assert!(check(before, after, &proof), "{old} to {new}");
            bent_paths_fail(&proof, &|bent| check(before, after, bent));
            assert!(!check(hash(1), after, &proof));
            assert!(!check(before, hash(1), &proof));
            assert_eq!(check(after, before, &proof), old == new);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn large_trees(size in 1..5_000usize, at in any::<prop::sample::Index>()) {
        let all = leaves(size as u64);
        let index = at.index(size);
        let root = log::root(SUITE, &all);
        prop_assert_eq!(root, plain_root(&all));
        let path = log::path(SUITE, &all, index).expect("in range");
        let leaf = all[index];
        prop_assert_eq!(
            log::verify_inclusion(SUITE, root, leaf, index as u64, size as u64, &path), Ok(())
        );
        let (frontier, nodes) = grown(size as u64);
        prop_assert_eq!(frontier.root(), root);
        let history = History::new(&frontier, &nodes);
        prop_assert_eq!(history.path(index as u64, size as u64), Ok(path));
        prop_assert!(nodes.reads.get() <= 2 * 14, "{} reads", nodes.reads.get());
    }

    #[test]
    fn a_frontier_goes_on_from_its_bytes(size in 0..300u64) {
        let (frontier, _) = grown(size);
        let bytes = frontier.encode();
        let mut again = Frontier::decode(SUITE, &bytes).expect("decodes");
        prop_assert_eq!(&again, &frontier);
        again.append(log::leaf_hash(SUITE, &size.to_be_bytes()));
        prop_assert_eq!(again.root(), grown(size + 1).0.root());
        for length in 0..bytes.len() {
            let error = Frontier::decode(SUITE, &bytes[..length]).expect_err("cut");
            prop_assert_eq!(error.code, "log.malformed");
        }
    }

    #[test]
    fn frontier_bytes_have_one_form(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(frontier) = Frontier::decode(SUITE, &bytes) {
            prop_assert_eq!(frontier.encode(), bytes);
        }
    }

    /// No sizes, however large, hang or panic.
    #[test]
    fn any_sizes_end(a in any::<u64>(), b in any::<u64>(), count in 0..70usize) {
        let path = vec![hash(1); count];
        prop_assert!(log::verify_inclusion(SUITE, hash(2), hash(3), a, b, &path).is_err());
        prop_assert!(log::verify_consistency(SUITE, hash(2), a, hash(3), b, &path).is_err());
    }
}

#[test]
fn a_history_answers_only_for_what_it_holds() {
    let (frontier, nodes) = grown(10);
    let history = History::new(&frontier, &nodes);
    assert_eq!(
        history.root_at(11).expect_err("ahead").code,
        "log.out_of_range"
    );
    assert_eq!(
        history.path(3, 11).expect_err("ahead").code,
        "log.out_of_range"
    );
    assert_eq!(
        history.path(5, 5).expect_err("outside").code,
        "log.out_of_range"
    );
    assert_eq!(
        history.consistency(0, 5).expect_err("from nothing").code,
        "log.out_of_range"
    );
    assert_eq!(
        history.consistency(6, 5).expect_err("backwards").code,
        "log.out_of_range"
    );
}

fn vectors(kind: &str) -> Vec<(String, Value)> {
    let data = std::env::var_os("LIANHENG_DATA").unwrap_or_else(|| "../shared/data".into());
    // relative to the checkout, wherever the test runs
    let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = checkout
        .join(data)
        .join("vectors/merkle-rfc6962")
        .join(kind);
    if !folder.is_dir() {
        eprintln!(
            "skipped: no vectors in {}, set LIANHENG_DATA",
            folder.display()
        );
        return Vec::new();
    }
    let (mut found, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder).expect("a folder") {
            let path = item.expect("an item").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("readable");
            found.push((
                path.display().to_string(),
                serde_json::from_str(&text).expect("JSON"),
            ));
        }
    }
    assert!(found.len() > 40, "the {kind} vectors are not all there");
    found
}

fn base64(value: &Value) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let text = value.as_str().unwrap_or_default().trim_end_matches('=');
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::from(digit(byte));
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// None when it is not 32 bytes long: our types cannot even carry it.
fn hash_of(value: &Value) -> Option<Hash32> {
    base64(value).try_into().ok().map(Hash32)
}

fn proof_of(value: &Value) -> Option<Vec<Hash32>> {
    value
        .as_array()
        .map_or(Some(Vec::new()), |list| list.iter().map(hash_of).collect())
}

#[test]
fn inclusion_vectors() {
    for (name, case) in vectors("inclusion") {
        let number = |field: &str| case[field].as_u64().expect("a number");
        let accepted = (|| {
            let (root, leaf) = (hash_of(&case["root"])?, hash_of(&case["leafHash"])?);
            let proof = proof_of(&case["proof"])?;
            let (index, size) = (number("leafIdx"), number("treeSize"));
            log::verify_inclusion(SUITE, root, leaf, index, size, &proof).ok()
        })();
        assert_eq!(
            accepted.is_none(),
            case["wantErr"].as_bool().expect("a verdict"),
            "{name}"
        );
    }
}

#[test]
fn consistency_vectors() {
    for (name, case) in vectors("consistency") {
        let number = |field: &str| case[field].as_u64().expect("a number");
        let accepted = (|| {
            let (old, new) = (hash_of(&case["root1"])?, hash_of(&case["root2"])?);
            let proof = proof_of(&case["proof"])?;
            let (before, after) = (number("size1"), number("size2"));
            log::verify_consistency(SUITE, old, before, new, after, &proof).ok()
        })();
        assert_eq!(
            accepted.is_none(),
            case["wantErr"].as_bool().expect("a verdict"),
            "{name}"
        );
    }
}
