//! The thread that writes applied blocks to the backing store, several in one batch.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::fault;
use crate::keyspace::Write;
use crate::overlay::layer::Layer;
use crate::overlay::merge::Merged;
use crate::store::Shared;
use crate::view::Current;

/// What writer and flusher tell each other.
#[derive(Default)]
pub(crate) struct Gate {
    /// Bytes and blocks applied and not yet flushed.
    pub pending_bytes: usize,
    pub pending_blocks: usize,
    /// When the oldest of them was applied.
    pub oldest: Option<Instant>,
    /// Flush everything up to this stamp now.
    pub wanted: u64,
    pub stop: bool,
    pub failure: Option<Error>,
    pub batches: u64,
    pub flushed_writes: u64,
    pub flush_time: Duration,
}

impl Shared {
    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until the store is dropped or a write fails.
    pub(crate) fn run_flusher(&self) {
        let run = || {
            while self.wait_for_work() {
                self.flush_batch()?;
            }
            Ok(())
        };
        // A panic here would leave writers waiting for ever; it becomes a failure that they see.
        let ended = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            Err(Error::new(
                "store.failed",
                "the flusher panicked; open the ledger again",
            ))
        });
        if let Err(error) = ended {
            self.gate().failure = Some(error);
            self.changed.notify_all();
        }
    }

    /// Waits until a batch is due; `false` when the store closes.
    fn wait_for_work(&self) -> bool {
        let mut gate = self.gate();
        let mut sorted = 0;
        loop {
            if gate.stop {
                return false;
            }
            let base = self.table.base();
            let age = gate.oldest.map(|oldest| oldest.elapsed());
            let due = gate.pending_blocks > 0
                && (gate.wanted > base
                    || gate.pending_bytes >= self.options.flush_bytes
                    || gate.pending_blocks > crate::limits::OVERLAY_BLOCKS_MAX / 2
                    || age.is_some_and(|age| age >= self.options.flush_age));
            if due {
                return true;
            }
            if self.current().stamp > sorted {
                drop(gate);
                sorted = self.sort_layers();
                gate = self.gate();
                continue;
            }
            gate = match age {
                None => self
                    .changed
                    .wait(gate)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(age) => {
                    let left = self.options.flush_age.saturating_sub(age);
                    let waited = self
                        .changed
                        .wait_timeout(gate, left.max(Duration::from_millis(1)));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Sorts what was applied lately, which scans would otherwise do when they first meet it.
    fn sort_layers(&self) -> u64 {
        let current = self.current();
        for layer in current
            .layers
            .iter()
            .rev()
            .take_while(|layer| !layer.is_sorted())
        {
            layer.all();
        }
        current.stamp
    }

    /// The oldest layers that make one batch.
    fn next_layers(&self) -> Vec<Arc<Layer>> {
        let current = self.current();
        let mut bytes = 0;
        let fits = |layer: &&Arc<Layer>| {
            let first = bytes == 0;
            bytes += layer.bytes;
            first || bytes <= crate::limits::BATCH_BYTES_MAX
        };
        current.layers.iter().take_while(fits).cloned().collect()
    }

    fn flush_batch(&self) -> Result<()> {
        let layers = self.next_layers();
        let Some(stamp) = layers.last().map(|layer| layer.stamp) else {
            return Ok(());
        };
        let started = Instant::now();
        let merged: Vec<&Write> =
            Merged::new(layers.iter().map(|layer| layer.all()), false).collect();
        if let Some(log) = &self.lazy_log {
            // Durable from here: the blocks of this batch, so that the key-value store never leads.
            log.sync()?;
        }
        fault::point("flush.before_batch");
        // Durable when this returns: these blocks' writes and their height, all or none.
        self.backing.write(stamp, &mut merged.iter().copied())?;
        fault::point("flush.after_batch");
        self.table.advance(stamp);
        let snapshot = self.backing.snapshot().into();
        self.replace(|old| Current {
            stamp: old.stamp,
            base: stamp,
            snapshot,
            layers: old
                .layers
                .iter()
                .filter(|layer| layer.stamp > stamp)
                .cloned()
                .collect(),
        });
        fault::point("flush.after_publish");
        for write in &merged {
            self.table.settle(write);
        }
        let mut gate = self.gate();
        gate.pending_bytes -= layers.iter().map(|layer| layer.bytes).sum::<usize>();
        gate.pending_blocks -= layers.len();
        gate.oldest = (gate.pending_blocks > 0).then(Instant::now);
        gate.batches += 1;
        gate.flushed_writes += merged.len() as u64;
        gate.flush_time += started.elapsed();
        drop(gate);
        self.changed.notify_all();
        Ok(())
    }
}
