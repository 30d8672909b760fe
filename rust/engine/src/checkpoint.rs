//! The tree's inner levels on disk, so that a start need not read every bucket.
//!
//! Each block journals the buckets that it changed. From time to time a thread writes the inner levels with their height, once the
//! store holds that height; a start takes them and reads again the buckets that were journalled since.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use store::{Keyspace, Store, WriteSet};
use tree::{BucketId, StateTree};

use crate::head::meta;
use crate::{limits, Error};

/// Journal entries dropped with one block; one is added.
const DELETES_PER_BLOCK: u64 = 64;

/// Name of the side file.
pub(crate) const FILE: &str = "tree";

/// When checkpoints are due, and which journal entries they make useless.
#[derive(Default)]
pub(crate) struct Checkpoints {
    changed: usize,
    /// Height of the last checkpoint written.
    written: Arc<AtomicU64>,
    /// Oldest height whose journal entry may still stand.
    oldest: u64,
    writer: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// A ledger that begins, or whose last checkpoint is at `written` and whose journal begins at `oldest`.
    pub fn new(written: u64, oldest: u64) -> Self {
        Checkpoints {
            written: Arc::new(AtomicU64::new(written)),
            oldest,
            ..Checkpoints::default()
        }
    }

    /// Journals the buckets of a block, and drops what the last checkpoint covers.
    pub fn journal(&mut self, height: u64, changed: &[BucketId], writes: &mut WriteSet) {
        let ids: Vec<u8> = changed.iter().flat_map(BucketId::storage_key).collect();
        writes.put(Keyspace::Meta, meta::buckets(height).as_slice(), ids);
        let written = self.written.load(Ordering::Acquire);
        // A few at a time: a checkpoint may cover millions of heights, and no block should pay for all of them.
        let end = self.oldest.saturating_add(DELETES_PER_BLOCK).min(height);
        while self.oldest <= written && self.oldest < end {
            writes.delete(Keyspace::Meta, meta::buckets(self.oldest).as_slice());
            self.oldest += 1;
        }
    }

    /// Starts a checkpoint where one is due. The clone shares the tree and costs nothing.
    pub fn after_block(
        &mut self,
        store: &Arc<Store>,
        tree: &StateTree,
        height: u64,
        changed: usize,
    ) {
        self.changed += changed;
        let due = self.changed
            >= limits::CHECKPOINT_BUCKETS.max(usize::try_from(tree.len() / 32).unwrap_or(0));
        if !due
            || self
                .writer
                .as_ref()
                .is_some_and(|writer| !writer.is_finished())
        {
            return;
        }
        self.changed = 0;
        let (store, tree, written) = (Arc::clone(store), tree.clone(), Arc::clone(&self.written));
        self.writer = Some(std::thread::spawn(move || {
            // A checkpoint must never be ahead of the store.
            for _ in 0..600 {
                if store.stored_height().is_some_and(|stored| stored >= height) {
                    if store.write_side_file(FILE, &encode(&tree, height)).is_ok() {
                        written.store(height, Ordering::Release);
                    }
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }));
    }

    /// Writes a checkpoint now; the store MUST hold `height`.
    pub fn write_now(&mut self, store: &Store, tree: &StateTree, height: u64) -> Result<(), Error> {
        if let Some(writer) = self.writer.take() {
            // A panic of the writer leaves the last checkpoint in place, which is enough.
            drop(writer.join());
        }
        if self.written.load(Ordering::Acquire) < height {
            store.write_side_file(FILE, &encode(tree, height))?;
            self.written.store(height, Ordering::Release);
        }
        Ok(())
    }
}

fn encode(tree: &StateTree, height: u64) -> Vec<u8> {
    let mut bytes = height.to_be_bytes().to_vec();
    bytes.extend_from_slice(&tree.checkpoint());
    bytes
}

/// Height and tree bytes of a checkpoint.
pub(crate) fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (height, tree) = bytes.split_at_checked(8)?;
    Some((u64::from_be_bytes(height.try_into().ok()?), tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_pays_for_all_entries_that_a_checkpoint_covers() {
        let mut checkpoints = Checkpoints::new(0, 1);
        checkpoints.written.store(1_000, Ordering::Release);
        let mut blocks = 0;
        while checkpoints.oldest <= 1_000 {
            let mut writes = WriteSet::new();
            checkpoints.journal(2_000 + blocks, &[], &mut writes);
            assert!(writes.len() <= 65, "{}", writes.len());
            blocks += 1;
        }
        assert_eq!(blocks, 1_000_u64.div_ceil(64));
    }
}
