//! Measurements of the core that must not be slowed by anything around it.

mod contract;
mod execute;
mod policies;

use std::path::Path;
use std::time::Instant;

use crypto::{Hash32, Suite};
use store::{Keyspace, Options, Store, WriteSet};
use tree::StateTree;

use crate::audit::Progress;
use crate::head::Buckets;
use crate::Error;

pub use contract::{contract, upgrade, BenchCall, CallFigures, Workload};
pub use execute::{execute, BlockFigures, Transactions};
pub use policies::policies;

/// What [`state`] measured.
#[derive(Debug, Default)]
pub struct StateFigures {
    /// Keys in the state.
    pub keys: u64,
    /// Updates in each block.
    pub updates: usize,
    /// Seconds to load the keys.
    pub load_seconds: f64,
    /// Each block from its updates to durable and visible, ms.
    pub block_milliseconds: Vec<f64>,
    /// Of which: bucket reads and root, ms.
    pub root_milliseconds: Vec<f64>,
    /// Of which: log append and fsync, ms.
    pub log_milliseconds: Vec<f64>,
    /// Of which: handing the writes to the store, ms.
    pub apply_milliseconds: Vec<f64>,
}

/// Keys loaded in one block.
const LOAD: u64 = 20_000;

/// A splitmix64 step: a fixed sequence, so that runs compare.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Loads `keys` rows, then updates `updates` random ones a block for `seconds`: flat rows and buckets are written, the root is
/// computed, the block's writes go durably to the log.
pub fn state(
    path: &Path,
    keys: u64,
    updates: usize,
    seconds: f64,
    progress: Progress<'_>,
) -> Result<StateFigures, Error> {
    let (store, _) = Store::open(path, &Options::default())?;
    let mut bench = Bench {
        store,
        tree: StateTree::empty(Suite::One).with_cache_bytes(crate::limits::TREE_CACHE_BYTES),
        height: 0,
        figures: StateFigures::default(),
    };
    let started = Instant::now();
    for first in (0..keys).step_by(usize::try_from(LOAD).unwrap_or(1)) {
        let numbers: Vec<u64> = (first..(first + LOAD).min(keys)).collect();
        bench.block(&numbers, 0)?;
        if !progress(first, keys) {
            return Err(Error::new("bench.stopped", "stopped by the caller"));
        }
    }
    let load_seconds = started.elapsed().as_secs_f64();
    bench.figures = StateFigures {
        keys,
        updates,
        load_seconds,
        ..StateFigures::default()
    };
    let (started, mut random) = (Instant::now(), 1);
    while started.elapsed().as_secs_f64() < seconds {
        let numbers: std::collections::BTreeSet<u64> =
            (0..updates).map(|_| next(&mut random) % keys).collect();
        bench.block(&numbers.into_iter().collect::<Vec<_>>(), random)?;
        if !progress(started.elapsed().as_secs(), seconds as u64) {
            return Err(Error::new("bench.stopped", "stopped by the caller"));
        }
    }
    bench.store.flush()?;
    Ok(bench.figures)
}

struct Bench {
    store: Store,
    tree: StateTree,
    height: u64,
    figures: StateFigures,
}

impl Bench {
    fn block(&mut self, numbers: &[u64], salt: u64) -> Result<(), Error> {
        let rows: Vec<([u8; 24], [u8; 64])> =
            numbers.iter().map(|number| row(*number, salt)).collect();
        let started = Instant::now();
        let suite = Suite::One;
        let changes: Vec<(Hash32, Option<Hash32>)> = rows
            .iter()
            .map(|(key, value)| (suite.hash(key), Some(suite.hash(value))))
            .collect();
        let view = self.store.view();
        let buckets = self.tree.update(&Buckets(&view), &changes)?;
        let mut writes = WriteSet::with_capacity(rows.len() + buckets.len());
        let mut record = Vec::with_capacity(rows.len() * 88);
        for (key, value) in &rows {
            record.extend_from_slice(key);
            record.extend_from_slice(value);
            writes.put(Keyspace::State, key.as_slice(), value.as_slice());
        }
        for (id, bytes) in buckets {
            writes.push(
                Keyspace::Buckets,
                id.storage_key().as_slice(),
                bytes.map(Into::into),
            );
        }
        drop(view);
        let rooted = started.elapsed();
        self.store.append(self.height, &record)?;
        let logged = started.elapsed();
        self.store.apply(self.height, writes)?;
        let applied = started.elapsed();
        self.height += 1;
        let milliseconds = |duration: std::time::Duration| duration.as_secs_f64() * 1_000.0;
        self.figures.block_milliseconds.push(milliseconds(applied));
        self.figures.root_milliseconds.push(milliseconds(rooted));
        self.figures
            .log_milliseconds
            .push(milliseconds(logged - rooted));
        self.figures
            .apply_milliseconds
            .push(milliseconds(applied - logged));
        Ok(())
    }
}

/// Key and value of a numbered row, of the sizes that an account has.
fn row(number: u64, salt: u64) -> ([u8; 24], [u8; 64]) {
    let (mut key, mut value) = ([0; 24], [0; 64]);
    key[..8].copy_from_slice(b"accounts");
    key[16..].copy_from_slice(&number.to_be_bytes());
    value[..8].copy_from_slice(&number.to_le_bytes());
    value[8..16].copy_from_slice(&salt.to_le_bytes());
    (key, value)
}
