//! The store: append, apply, read.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::backing::Backing;
use crate::error::{Error, Result};
use crate::flusher::Gate;
use crate::keyspace::{Bytes, Keyspace, WriteSet};
use crate::lock::Lock;
use crate::log::{BlockLog, Records};
use crate::options::{Options, Stats};
use crate::overlay::layer::Layer;
use crate::overlay::table::{Found, Table};
use crate::view::{Current, View};
use crate::{fault, limits, side};

/// State that readers, the writer and the flusher share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) table: Table,
    current: RwLock<Arc<Current>>,
    /// Stamp (height + 1) of the last applied block.
    applied: AtomicU64,
    pub(crate) gate: Mutex<Gate>,
    pub(crate) changed: Condvar,
    pub(crate) backing: Box<dyn Backing>,
    /// The log, where it is synced lazily: the flusher syncs it before each batch.
    pub(crate) lazy_log: Option<Arc<BlockLog>>,
    /// Last field: released after the key-value store is closed.
    _lock: Option<Lock>,
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        backing: Box<dyn Backing>,
        base: u64,
        lock: Option<Lock>,
    ) -> Self {
        let snapshot = backing.snapshot().into();
        let current = Current {
            stamp: base,
            base,
            snapshot,
            layers: Vec::new(),
        };
        Self {
            table: Table::new(base, options.cache_bytes),
            current: RwLock::new(Arc::new(current)),
            applied: AtomicU64::new(base),
            gate: Mutex::default(),
            changed: Condvar::new(),
            backing,
            lazy_log: None,
            options,
            _lock: lock,
        }
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, change: impl FnOnce(&Current) -> Current) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(change(&current));
    }
}

/// Where blocks are kept.
pub(crate) enum Log {
    Disk(Arc<BlockLog>),
    Memory(Mutex<(u64, Vec<Vec<u8>>)>),
    External,
}

/// Where side files are kept.
pub(crate) enum Side {
    Disk(PathBuf),
    Memory(Mutex<BTreeMap<String, Vec<u8>>>),
}

/// A ledger's storage: the block log, and the keyspaces derived from it.
///
/// One thread appends and applies, block by block; any number of threads read. Readers see whole
/// blocks: [`Store::view`] is the state after the last applied block, unchanged while later ones
/// are applied. [`Store::get`] reads one key of that state; two calls may see two blocks.
pub struct Store {
    shared: Arc<Shared>,
    log: Log,
    side: Side,
    /// Held while a block is applied.
    applying: Mutex<()>,
    flusher: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("applied", &self.applied_height())
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    pub(crate) fn start(shared: Shared, log: Log, side: Side) -> Result<Self> {
        let shared = Arc::new(shared);
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("store-flusher".into());
        let flusher = thread
            .spawn(move || {
                crate::background::give_way();
                own.run_flusher();
            })
            .map_err(|e| Error::new("store.io", format!("cannot start the flusher thread: {e}")))?;
        Ok(Self {
            shared,
            log,
            side,
            applying: Mutex::new(()),
            flusher: Some(flusher),
        })
    }

    /// Appends a block's record to the log and syncs it. When this returns, the block is durable:
    /// this is the commit point. Heights follow each other; the first may be any. A lazy log syncs
    /// its first record so, and later ones as [`Store::synced_height`] tells.
    ///
    /// # Errors
    /// `store.wrong_height`, `log.record_size`; `store.disk_full`, `store.io`: the block is not
    /// confirmed, and `log.poisoned` refuses all further ones until the store is opened again.
    /// The failure of an earlier flush: nothing was written.
    pub fn append(&self, height: u64, record: &[u8]) -> Result<()> {
        if let Some(failure) = &self.shared.gate().failure {
            return Err(failure.clone());
        }
        match &self.log {
            Log::Disk(log) => log.append(height, record),
            Log::Memory(records) => append_in_memory(&mut locked(records), height, record),
            Log::External => {
                let message = "this store has no log of its own (`LogMode::External`)";
                Err(Error::new("store.wrong_height", message).height(height))
            }
        }
    }

    /// Makes a block's writes visible to readers, all at once, and hands them to the flusher. The
    /// block must have been appended (unless the log is external). Waits while more than
    /// `Options::overlay_bytes` are unflushed.
    ///
    /// # Errors
    /// `store.wrong_height`, `store.ahead_of_log`, `store.key_size`, `store.value_size`,
    /// `store.reserved_key`: nothing was applied. The failure of an earlier flush: nothing was
    /// applied; open the store again.
    pub fn apply(&self, height: u64, writes: WriteSet) -> Result<()> {
        writes.check()?;
        let _applying = locked(&self.applying);
        self.check_height(height)?;
        fault::point("store.before_apply");
        let layer = Arc::new(Layer::new(height + 1, writes));
        self.wait_for_room(layer.bytes)?;
        let shared = &self.shared;
        for write in layer.writes() {
            shared.table.write(write, layer.stamp);
        }
        shared.replace(|old| {
            // Visible from here to `get`; and, because views wait for this lock, to them at once.
            shared.applied.store(layer.stamp, Ordering::Release);
            Current {
                stamp: layer.stamp,
                base: old.base,
                snapshot: Arc::clone(&old.snapshot),
                layers: old.layers.iter().chain([&layer]).map(Arc::clone).collect(),
            }
        });
        fault::point("store.after_apply");
        shared.changed.notify_all();
        Ok(())
    }

    /// Puts rows below the first block, durable on return: a large first state, part by part. Whoever does so MUST write the same rows
    /// again where it was cut off, for a crash leaves what was written. Readers see them from here on.
    ///
    /// # Errors
    /// `store.wrong_height` once a block was applied; as [`Store::apply`].
    pub fn preload(&self, writes: &WriteSet) -> Result<()> {
        writes.check()?;
        let _applying = locked(&self.applying);
        if self.shared.applied.load(Ordering::Acquire) != 0 {
            let message = "rows are put below the first block only, and there is one";
            return Err(Error::new("store.wrong_height", message));
        }
        self.shared.backing.write(0, &mut writes.writes().iter())?;
        let snapshot = self.shared.backing.snapshot().into();
        self.shared.replace(|old| Current {
            stamp: old.stamp,
            base: old.base,
            snapshot,
            layers: old.layers.clone(),
        });
        Ok(())
    }

    fn check_height(&self, height: u64) -> Result<()> {
        let applied = self.shared.applied.load(Ordering::Acquire);
        let first = match applied {
            0 => self.first_height().unwrap_or(height),
            next => next,
        };
        if height != first || height == u64::MAX {
            let message = format!("block {height} cannot be applied: the next height is {first}");
            return Err(Error::new("store.wrong_height", message).height(height));
        }
        let external = matches!(self.log, Log::External);
        if !external && self.log_height().is_none_or(|last| height > last) {
            let message = format!("block {height} is not in the log yet: append it first");
            return Err(Error::new("store.ahead_of_log", message).height(height));
        }
        Ok(())
    }

    /// Waits until the overlay may take another block, and counts its `bytes`.
    fn wait_for_room(&self, bytes: usize) -> Result<()> {
        let shared = &self.shared;
        let mut gate = shared.gate();
        loop {
            if let Some(failure) = &gate.failure {
                return Err(failure.clone());
            }
            let full = gate.pending_bytes > shared.options.overlay_bytes
                || gate.pending_blocks >= limits::OVERLAY_BLOCKS_MAX;
            if !full {
                // Counted before the flusher can see the block and count it off again.
                gate.pending_bytes += bytes;
                gate.pending_blocks += 1;
                gate.oldest.get_or_insert_with(Instant::now);
                return Ok(());
            }
            gate.wanted = gate.wanted.max(shared.table.base() + 1);
            shared.changed.notify_all();
            gate = shared
                .changed
                .wait(gate)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The state after the last applied block.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            shared: Arc::clone(&self.shared),
            current: self.shared.current(),
        }
    }

    /// The value of `key` after the last applied block.
    ///
    /// # Errors
    /// `store.io`, `store.damaged`.
    pub fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let applied = self.shared.applied.load(Ordering::Acquire);
        match self.shared.table.get(keyspace, key, applied) {
            Found::Value(value) => Ok(value),
            _ => self.view().get(keyspace, key),
        }
    }

    /// [`View::scan`] of the state after the last applied block.
    ///
    /// # Errors
    /// `store.io`, `store.damaged`.
    pub fn scan(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.view().scan(keyspace, from, to, reverse, limit)
    }

    /// The record of `height`, verified; `None` when the log does not hold it.
    ///
    /// # Errors
    /// `log.corrupt`, `store.io`.
    pub fn record(&self, height: u64) -> Result<Option<Vec<u8>>> {
        match &self.log {
            Log::Disk(log) => log.record(height),
            Log::Memory(records) => {
                let (first, records) = &*locked(records);
                let index = height
                    .checked_sub(*first)
                    .and_then(|i| usize::try_from(i).ok());
                Ok(index.and_then(|index| records.get(index)).cloned())
            }
            Log::External => Ok(None),
        }
    }

    /// The records from `from` (or the first held) to the last height, in order.
    #[must_use]
    pub fn records(&self, from: u64) -> Records<'_> {
        let end = self.log_height().map_or(0, |last| last + 1);
        let from = from.max(self.first_height().unwrap_or(0));
        Records::new(from, end, |height| self.record(height))
    }

    /// Verifies every record of the log, however old; returns their number.
    ///
    /// # Errors
    /// `log.corrupt` with file, offset and height; `store.io`.
    pub fn verify_log(&self) -> Result<u64> {
        match &self.log {
            Log::Disk(log) => log.verify(),
            Log::Memory(records) => Ok(locked(records).1.len() as u64),
            Log::External => Ok(0),
        }
    }

    /// Reads everything that is stored, which verifies the key-value engine's checksums; returns
    /// the number of pairs. What they should be is for the caller to check.
    ///
    /// # Errors
    /// `store.damaged`, `store.io`.
    pub fn verify_state(&self) -> Result<u64> {
        let view = self.view();
        let mut count = 0;
        for keyspace in Keyspace::ALL {
            for pair in view.range(keyspace, Bound::Unbounded, Bound::Unbounded, false) {
                pair?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// First height of the log.
    #[must_use]
    pub fn first_height(&self) -> Option<u64> {
        match &self.log {
            Log::Disk(log) => log.first_height(),
            Log::Memory(records) => {
                let (first, records) = &*locked(records);
                (!records.is_empty()).then_some(*first)
            }
            Log::External => None,
        }
    }

    /// Last height of the log: everything up to it is confirmed, here or (a lazy log) by whoever
    /// gives the blocks.
    #[must_use]
    pub fn log_height(&self) -> Option<u64> {
        match &self.log {
            Log::Disk(log) => log.height(),
            Log::Memory(records) => {
                let (first, records) = &*locked(records);
                (first + records.len() as u64)
                    .checked_sub(1)
                    .filter(|_| !records.is_empty())
            }
            Log::External => None,
        }
    }

    /// Last height of the log that a crash of the machine leaves in place; where each append is
    /// synced, the last one.
    #[must_use]
    pub fn synced_height(&self) -> Option<u64> {
        match &self.log {
            Log::Disk(log) => log.synced_height(),
            _ => self.log_height(),
        }
    }

    /// Syncs the log now: all that was appended before this call is durable when it returns.
    ///
    /// # Errors
    /// `store.disk_full`, `store.io`: nothing further is appended until the store is opened again.
    pub fn sync(&self) -> Result<()> {
        match &self.log {
            Log::Disk(log) => log.sync(),
            _ => Ok(()),
        }
    }

    /// Whether the log is synced lazily.
    #[must_use]
    pub fn is_lazy(&self) -> bool {
        self.shared.lazy_log.is_some()
    }

    /// Last applied height: what readers see.
    #[must_use]
    pub fn applied_height(&self) -> Option<u64> {
        self.shared.applied.load(Ordering::Acquire).checked_sub(1)
    }

    /// Last height whose writes are stored durably.
    #[must_use]
    pub fn stored_height(&self) -> Option<u64> {
        self.shared.table.base().checked_sub(1)
    }

    /// Waits until everything applied so far is stored durably.
    ///
    /// # Errors
    /// The flusher's failure.
    pub fn flush(&self) -> Result<()> {
        let shared = &self.shared;
        let applied = shared.applied.load(Ordering::Acquire);
        let mut gate = shared.gate();
        gate.wanted = gate.wanted.max(applied);
        shared.changed.notify_all();
        loop {
            if let Some(failure) = &gate.failure {
                return Err(failure.clone());
            }
            if shared.table.base() >= applied {
                return Ok(());
            }
            gate = shared
                .changed
                .wait(gate)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Syncs, flushes and closes. Dropping without it is safe too: the next start replays more.
    ///
    /// # Errors
    /// As [`Store::sync`] and [`Store::flush`].
    pub fn close(self) -> Result<()> {
        self.sync()?;
        self.flush()
    }

    /// Counters since open.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let gate = self.shared.gate();
        Stats {
            pending_bytes: gate.pending_bytes,
            pending_blocks: gate.pending_blocks,
            cached_bytes: self.shared.table.cached_bytes(),
            batches: gate.batches,
            flushed_writes: gate.flushed_writes,
            flush_time: gate.flush_time,
            log_syncs: match &self.log {
                Log::Disk(log) => log.syncs(),
                _ => 0,
            },
        }
    }

    /// Replaces the side file `name` (a-z, 0-9, `-`, `_`) atomically and durably.
    ///
    /// # Errors
    /// `side.name`, `side.size`, `store.disk_full`, `store.io`: the old content stays.
    pub fn write_side_file(&self, name: &str, data: &[u8]) -> Result<()> {
        match &self.side {
            Side::Disk(folder) => side::write(folder, name, data),
            Side::Memory(files) => {
                side::check_name(name)?;
                locked(files).insert(name.to_owned(), data.to_vec());
                Ok(())
            }
        }
    }

    /// The content of the side file `name`, verified; `None` when there is none.
    ///
    /// # Errors
    /// `side.corrupt`, `side.name`, `store.io`.
    pub fn read_side_file(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match &self.side {
            Side::Disk(folder) => side::read(folder, name),
            Side::Memory(files) => {
                side::check_name(name)?;
                Ok(locked(files).get(name).cloned())
            }
        }
    }

    /// Removes the side file `name`; it need not exist.
    ///
    /// # Errors
    /// `side.name`, `store.io`.
    pub fn remove_side_file(&self, name: &str) -> Result<()> {
        match &self.side {
            Side::Disk(folder) => side::remove(folder, name),
            Side::Memory(files) => {
                side::check_name(name)?;
                locked(files).remove(name);
                Ok(())
            }
        }
    }
}

fn append_in_memory(log: &mut (u64, Vec<Vec<u8>>), height: u64, record: &[u8]) -> Result<()> {
    crate::log::format::RecordHeader::check_size(height, record)?;
    let (first, records) = log;
    if records.is_empty() {
        *first = height;
    }
    let next = *first + records.len() as u64;
    if height != next || height == u64::MAX {
        let message = format!("block {height} cannot follow: the log's next height is {next}");
        return Err(Error::new("store.wrong_height", message).height(height));
    }
    records.push(record.to_vec());
    Ok(())
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.gate().stop = true;
        self.shared.changed.notify_all();
        if let Some(flusher) = self.flusher.take() {
            // A panic of the flusher was already printed; there is nobody left to tell.
            let _ = flusher.join();
        }
    }
}
