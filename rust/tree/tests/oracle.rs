//! The state tree against the `jmt` crate: same content, same root, same siblings.

mod common;

use common::{any_block, hash, World, SUITE};
use crypto::Hash32;
use jmt::mock::MockTreeStore;
use jmt::proof::SparseMerkleProof;
use jmt::{KeyHash, RootHash, SimpleHasher};
use proptest::prelude::*;
use tree::{inner_hash, leaf_hash, Change, Proof, EMPTY};

/// Our suite's hash as jmt wants it.
struct Hasher(Vec<u8>);

impl SimpleHasher for Hasher {
    fn new() -> Self {
        Hasher(Vec::new())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.extend_from_slice(data);
    }

    fn finalize(self) -> [u8; 32] {
        SUITE.hash(&self.0).0
    }
}

struct Oracle {
    store: MockTreeStore,
    version: u64,
}

impl Oracle {
    fn new() -> Self {
        Oracle {
            store: MockTreeStore::default(),
            version: 0,
        }
    }

    /// Values are given as the bytes whose hash the leaf holds.
    fn update(&mut self, block: &[(Hash32, Option<Vec<u8>>)]) -> Hash32 {
        let set = block
            .iter()
            .map(|(key, value)| (KeyHash(key.0), value.clone()));
        let tree = jmt::JellyfishMerkleTree::<_, Hasher>::new(&self.store);
        let (root, batch) = tree.put_value_set(set, self.version).expect("jmt updates");
        self.store
            .write_tree_update_batch(batch)
            .expect("jmt stores");
        self.version += 1;
        Hash32(root.0)
    }

    fn prove(&self, key: Hash32) -> (Option<Vec<u8>>, SparseMerkleProof<Hasher>) {
        let tree = jmt::JellyfishMerkleTree::<_, Hasher>::new(&self.store);
        tree.get_with_proof(KeyHash(key.0), self.version - 1)
            .expect("jmt proves")
    }
}

fn bytes(value: &serde_json::Value) -> Hash32 {
    let list = value.as_array().expect("a list of bytes");
    let bytes: Vec<u8> = list
        .iter()
        .map(|n| n.as_u64().expect("a byte") as u8)
        .collect();
    Hash32(bytes.try_into().expect("32 bytes"))
}

fn leaf(value: &serde_json::Value) -> (Hash32, Hash32) {
    (bytes(&value["key_hash"]), bytes(&value["value_hash"]))
}

/// A proof of jmt, its siblings hashed.
fn converted(proof: &SparseMerkleProof<Hasher>, key: Hash32) -> Proof {
    let json = serde_json::to_value(proof).expect("as JSON");
    let siblings = json["siblings"]
        .as_array()
        .expect("siblings")
        .iter()
        .map(|sibling| {
            if let Some(inner) = sibling.get("Internal") {
                inner_hash(
                    SUITE,
                    &bytes(&inner["left_child"]),
                    &bytes(&inner["right_child"]),
                )
            } else if let Some(node) = sibling.get("Leaf") {
                let (key, value) = leaf(node);
                leaf_hash(SUITE, &key, &value)
            } else {
                EMPTY
            }
        });
    let other = Some(&json["leaf"]).filter(|node| !node.is_null()).map(leaf);
    let other = other.filter(|other| other.0 != key);
    Proof {
        siblings: siblings.collect(),
        other: other.map(|(key, value)| tree::Leaf { key, value }),
    }
}

/// The bytes behind a value hash in these tests: the value hash of the twin is their hash.
fn value_bytes(value: &Hash32) -> Vec<u8> {
    value.0.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn same_content_same_root_same_proof(blocks in prop::collection::vec(any_block(), 1..8)) {
        let (mut world, mut oracle) = (World::new(1 << 16), Oracle::new());
        for block in blocks.iter().filter(|block| !block.is_empty()) {
            let theirs: Vec<_> =
                block.iter().map(|(key, value)| (*key, value.as_ref().map(value_bytes))).collect();
            let ours: Vec<Change> = theirs
                .iter()
                .map(|(key, value)| (*key, value.as_ref().map(|bytes| SUITE.hash(bytes))))
                .collect();
            world.update(&ours);
            let root = oracle.update(&theirs);
            prop_assert_eq!(world.tree.root(), root);
            for (key, _) in ours.iter().take(20).chain(&[(hash(9_999), None)]) {
                let (value, proof) = oracle.prove(*key);
                proof.verify(RootHash(root.0), KeyHash(key.0), value.as_ref()).expect("jmt accepts");
                let own = world.tree.prove(&world.memory, *key).expect("proves");
                prop_assert_eq!(&own, &converted(&proof, *key));
                match value {
                    Some(value) => {
                        let value = SUITE.hash(&value);
                        prop_assert_eq!(own.verify_presence(SUITE, root, *key, value), Ok(()));
                    }
                    None => prop_assert_eq!(own.verify_absence(SUITE, root, *key), Ok(())),
                }
            }
        }
    }
}
