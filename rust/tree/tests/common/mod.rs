//! What the tests share: a store in memory, key makers, a plain twin.
#![allow(dead_code, reason = "each test file uses its part")]

use crypto::{Hash32, Suite};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tree::{BucketChange, BucketId, BucketReader, Change, Error, Leaf, StateTree};

pub const SUITE: Suite = Suite::One;

/// Buckets in memory.
#[derive(Default, Clone)]
pub struct Memory(pub BTreeMap<BucketId, Vec<u8>>);

impl BucketReader for Memory {
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(id).cloned())
    }
}

impl Memory {
    pub fn store(&mut self, changes: Vec<BucketChange>) {
        for (id, bytes) in changes {
            match bytes {
                Some(bytes) => self.0.insert(id, bytes),
                None => self.0.remove(&id),
            };
        }
    }

    pub fn all(&self) -> impl Iterator<Item = Result<(BucketId, Vec<u8>), Error>> + '_ {
        self.0.iter().map(|(id, bytes)| Ok((*id, bytes.clone())))
    }
}

pub fn hash(number: u64) -> Hash32 {
    SUITE.hash(&number.to_be_bytes())
}

/// A tree with its store and the plain map that it must equal.
pub struct World {
    pub tree: StateTree,
    pub memory: Memory,
    pub twin: BTreeMap<Hash32, Hash32>,
}

impl World {
    pub fn new(cache_bytes: usize) -> Self {
        let tree = StateTree::empty(SUITE).with_cache_bytes(cache_bytes);
        World {
            tree,
            memory: Memory::default(),
            twin: BTreeMap::new(),
        }
    }

    /// A tree of `count` leaves with hashed keys.
    pub fn filled(count: u64) -> Self {
        let mut world = World::new(0);
        let changes: Vec<Change> = (0..count).map(|n| (hash(n), Some(hash(!n)))).collect();
        world.update(&changes);
        world
    }

    pub fn update(&mut self, changes: &[Change]) {
        let stored = self.tree.update(&self.memory, changes).expect("updates");
        assert!(
            stored.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "ascending and unique"
        );
        self.memory.store(stored);
        for (key, value) in changes {
            match value {
                Some(value) => self.twin.insert(*key, *value),
                None => self.twin.remove(key),
            };
        }
    }

    pub fn leaves(&self) -> Vec<Leaf> {
        self.twin
            .iter()
            .map(|(key, value)| Leaf {
                key: *key,
                value: *value,
            })
            .collect()
    }

    /// The tree equals its twin, and its stored buckets rebuild to the same tree.
    pub fn check(&self) {
        assert_eq!(
            self.tree.root(),
            tree::reference::root(SUITE, &self.leaves())
        );
        assert_eq!(self.tree.len(), self.twin.len() as u64);
        let rebuilt = StateTree::rebuild(SUITE, self.memory.all()).expect("rebuilds");
        assert_eq!(rebuilt.root(), self.tree.root());
        assert_eq!(rebuilt.buckets(), self.tree.buckets());
        let stored: Vec<BucketId> = self.memory.0.keys().copied().collect();
        let known: Vec<BucketId> = self.tree.buckets().iter().map(|info| info.id).collect();
        assert_eq!(stored, known);
    }
}

/// A key whose first `shared` bits are those of a fixed pattern: small numbers give crowded trees.
pub fn clustered(shared: usize, number: u64) -> Hash32 {
    let mut key = hash(number);
    for index in 0..shared {
        let mask = 0x80u8 >> (index % 8);
        key.0[index / 8] = (key.0[index / 8] & !mask) | (0xa5 & mask);
    }
    key
}

/// A key: from a small set, so that updates meet; sometimes with a long common prefix.
pub fn any_key() -> impl Strategy<Value = Hash32> {
    let shared =
        prop_oneof![6 => Just(0usize), 1 => Just(5), 1 => Just(60), 1 => Just(64), 2 => Just(200)];
    (shared, 0..150u64).prop_map(|(shared, number)| clustered(shared, number))
}

/// One block of changes with unique keys.
pub fn any_block() -> impl Strategy<Value = Vec<Change>> {
    let value = prop_oneof![2 => any::<u64>().prop_map(|n| Some(hash(n))), 1 => Just(None)];
    prop::collection::btree_map(any_key(), value, 0..120).prop_map(|map| {
        // not in ascending order: the tree sorts for itself
        map.into_iter().rev().collect()
    })
}
