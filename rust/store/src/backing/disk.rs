//! The key-value store on disk (fjall). Derived from the block log and rebuildable from it.
//!
//! fjall cuts its journals silently at a bad entry, per journal file. So that a loss is always
//! noticed, each batch also writes its height under [`MARKER`] into every keyspace and its number
//! into a trail of slots; at open all markers must agree and the trail must have no gap. What is
//! lost at the very end is found again by replay; anything else is `store.damaged`.

use std::ops::Bound;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fjall::config::{
    BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy,
};
use fjall::{Database, KeyspaceCreateOptions, PersistMode, Readable};

use super::{Backing, Pairs, Snapshot};
use crate::background::giving_way;
use crate::error::{Error, Result};
use crate::keyspace::{Bytes, Keyspace, Write, MARKER};
use crate::limits;
use crate::log::format::StoreId;
use crate::options::Options;

/// Keyspace of the store's own entries.
const MARKS: &str = "marks";
/// Format of the key-value store's content.
const VERSION: u64 = 1;

pub(crate) struct Disk {
    path: PathBuf,
    database: Database,
    keyspaces: [fjall::Keyspace; Keyspace::ALL.len()],
    marks: fjall::Keyspace,
    /// One writer at a time.
    batches: Mutex<Batches>,
    /// Most bytes of the largest memtable.
    largest_memtable: u64,
}

/// What was written.
#[derive(Default)]
struct Batches {
    /// Number of the last batch.
    last: u64,
    /// Bytes of each keyspace since its memtable was last begun, about.
    since_rotation: [u64; Keyspace::ALL.len()],
}

/// Runs a call into fjall. It asserts and panics on some damage, which must not end the node.
fn guarded<T>(path: &Path, call: impl FnOnce() -> fjall::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(named(path, &error)),
        Err(_) => Err(damaged(path, "the key-value engine refused its content")),
    }
}

fn io_cause(error: &fjall::Error) -> Option<&std::io::Error> {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => Some(error),
        _ => None,
    }
}

fn named(path: &Path, error: &fjall::Error) -> Error {
    use std::io::ErrorKind::{AlreadyExists, InvalidData, InvalidInput, NotFound, UnexpectedEof};
    match (error, io_cause(error)) {
        // Files that are missing or too short are damage, not trouble of the operating system.
        (_, Some(e))
            if matches!(
                e.kind(),
                AlreadyExists | NotFound | UnexpectedEof | InvalidData | InvalidInput
            ) =>
        {
            damaged(path, &e.to_string())
        }
        (_, Some(e)) => Error::io("use", path, e),
        (fjall::Error::Locked, _) => {
            let message = format!("{} is in use; close every view of it", path.display());
            Error::new("store.locked", message)
        }
        (fjall::Error::Poisoned, _) => {
            let message = format!("{}: an earlier write failed; open again", path.display());
            Error::new("store.failed", message)
        }
        (other, _) => damaged(path, &other.to_string()),
    }
}

/// Names damage and leaves a note of it beside the store: damage that only a read finds would be
/// invisible to the next opening otherwise.
fn damaged(path: &Path, why: &str) -> Error {
    let note = note_path(path);
    if !note.exists() {
        // Best effort: without the note the damage is found by the same read again.
        let _ = std::fs::write(note, why);
    }
    damage(path, why)
}

/// Where the note of the store in `path` lies.
pub(crate) fn note_path(path: &Path) -> PathBuf {
    let mut note = path.as_os_str().to_owned();
    note.push("-damaged");
    note.into()
}

/// The error for a damaged store.
pub(crate) fn damage(path: &Path, why: &str) -> Error {
    let message = format!(
        "{} is damaged ({why}); it holds nothing that the block log does not: open with `rebuild` \
         to set it aside and replay the log",
        path.display()
    );
    Error::new("store.damaged", message)
}

/// Most bytes of a keyspace's memtable where the largest one has `largest`.
fn memtable(keyspace: Keyspace, largest: u64) -> u64 {
    let largest = largest.min(limits::MEMTABLE_BYTES);
    match keyspace {
        Keyspace::Buckets => largest,
        Keyspace::State | Keyspace::Index | Keyspace::Transactions => largest / 2,
        Keyspace::History | Keyspace::Meta => largest / 8,
    }
}

fn tuned(keyspace: Keyspace, largest: u64) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default()
        .max_memtable_size(memtable(keyspace, largest))
        .index_block_pinning_policy(PinningPolicy::all(true))
        .filter_block_pinning_policy(PinningPolicy::all(true));
    let bits = |bits| {
        FilterPolicy::all(FilterPolicyEntry::Bloom(
            BloomConstructionPolicy::BitsPerKey(bits),
        ))
    };
    // Hashes and random ids do not compress; trying costs time in every compaction.
    let options = match keyspace {
        Keyspace::State | Keyspace::Index | Keyspace::Meta => options,
        _ => options.data_block_compression_policy(CompressionPolicy::disabled()),
    };
    match keyspace {
        Keyspace::State => options.filter_policy(bits(10.0)),
        // Buckets are read only when they exist: no filter on the last level.
        Keyspace::Buckets => options
            .filter_policy(bits(10.0))
            .expect_point_read_hits(true),
        Keyspace::Index => options.filter_policy(FilterPolicy::disabled()),
        // Looked up mostly for ids that do not exist.
        Keyspace::Transactions => options.filter_policy(bits(12.0)),
        Keyspace::History | Keyspace::Meta => options,
    }
}

impl Disk {
    /// Opens or creates the store in `path`; also tells the stamp (height + 1) that it holds.
    pub(crate) fn open(path: &Path, id: &StoreId, options: &Options) -> Result<(Self, u64)> {
        if let Ok(why) = std::fs::read_to_string(note_path(path)) {
            return Err(damage(path, &why));
        }
        let disk = guarded(path, || {
            // Its workers flush and compact: they inherit the priority of the thread that opens.
            let database = giving_way(|| {
                Database::builder(path)
                    .cache_size(options.block_cache_bytes)
                    .max_journaling_size(limits::JOURNAL_BYTES_MAX)
                    .worker_threads(2)
                    .open()
            })?;
            let marks =
                database.keyspace(MARKS, || tuned(Keyspace::Meta, options.memtable_bytes))?;
            let mut keyspaces = Vec::new();
            for keyspace in Keyspace::ALL {
                keyspaces.push(
                    database
                        .keyspace(keyspace.name(), || tuned(keyspace, options.memtable_bytes))?,
                );
            }
            let keyspaces = match keyspaces.try_into() {
                Ok(keyspaces) => keyspaces,
                Err(_) => unreachable!("one handle per keyspace was pushed"),
            };
            Ok(Self {
                path: path.to_owned(),
                database,
                keyspaces,
                marks,
                batches: Mutex::default(),
                largest_memtable: options.memtable_bytes,
            })
        })?;
        let stamp = disk.check(id)?;
        Ok((disk, stamp))
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins new memtables where the present ones are large enough. The engine does so itself by
    /// the sizes with which a keyspace was made; these may be smaller.
    fn rotate(&self, batches: &mut Batches) -> Result<()> {
        for keyspace in Keyspace::ALL {
            let written = &mut batches.since_rotation[keyspace.number()];
            if *written >= memtable(keyspace, self.largest_memtable) {
                *written = 0;
                let handle = &self.keyspaces[keyspace.number()];
                guarded(&self.path, || handle.rotate_memtable())?;
            }
        }
        Ok(())
    }

    fn mark(&self, key: &[u8]) -> Result<Option<u64>> {
        number(
            &self.path,
            guarded(&self.path, || self.marks.get(key))?.as_deref(),
        )
    }

    /// Checks identity, markers and trail; returns the stored stamp.
    fn check(&self, id: &StoreId) -> Result<u64> {
        let found = guarded(&self.path, || self.marks.get(b"id"))?;
        let Some(found) = found else {
            return self.begin(id);
        };
        if *found != *id {
            let message = format!("{} belongs to another ledger", self.path.display());
            return Err(Error::new("store.foreign", message));
        }
        let version = self.mark(b"version")?.unwrap_or(0);
        if version != VERSION {
            let path = self.path.display();
            let message = format!("{path}: store format {version}; this version reads {VERSION}");
            return Err(Error::new("store.version", message));
        }
        let stamp = self.mark(b"stamp")?.unwrap_or(0);
        for (keyspace, handle) in Keyspace::ALL.iter().zip(&self.keyspaces) {
            let marker = guarded(&self.path, || handle.get(MARKER))?;
            let marker = number(&self.path, marker.as_deref())?.unwrap_or(0);
            if marker != stamp {
                let name = keyspace.name();
                let why = format!("`{name}` stands at block {marker}, the store at {stamp}");
                return Err(damaged(&self.path, &why));
            }
        }
        self.check_trail()?;
        Ok(stamp)
    }

    /// A new store: nothing is in it, and its first entries say whose it is.
    fn begin(&self, id: &StoreId) -> Result<u64> {
        for handle in &self.keyspaces {
            if !guarded(&self.path, || handle.is_empty())? {
                return Err(damaged(&self.path, "its identity is gone"));
            }
        }
        guarded(&self.path, || {
            let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
            batch.insert(&self.marks, b"id", &id[..]);
            batch.insert(&self.marks, b"version", VERSION.to_be_bytes());
            batch.commit()
        })?;
        Ok(0)
    }

    /// The last batches' numbers must all be there.
    fn check_trail(&self) -> Result<()> {
        let last = self.mark(b"batch")?.unwrap_or(0);
        let mut seen = 0;
        for item in self.marks.prefix(b"trail") {
            let (_, value) = guarded(&self.path, || item.into_inner())?;
            let batch = number(&self.path, Some(&*value))?.unwrap_or(0);
            if batch > last || batch.saturating_add(limits::TRAIL_SLOTS) <= last {
                return Err(damaged(&self.path, "batches are missing"));
            }
            seen += 1;
        }
        if seen != last.min(limits::TRAIL_SLOTS) {
            return Err(damaged(&self.path, "batches are missing"));
        }
        self.batches().last = last;
        Ok(())
    }
}

fn number(path: &Path, bytes: Option<&[u8]>) -> Result<Option<u64>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let bytes = bytes
        .try_into()
        .map_err(|_| damaged(path, "a mark has a wrong length"))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

impl Backing for Disk {
    fn write(&self, stamp: u64, writes: &mut dyn Iterator<Item = &Write>) -> Result<()> {
        let mut batches = self.batches();
        let next = batches.last + 1;
        let mut written = batches.since_rotation;
        guarded(&self.path, || {
            // Durable when the commit returns: all writes with the height, in one journal entry.
            let mut batch = self
                .database
                .batch()
                .durability(Some(PersistMode::SyncData));
            for write in writes {
                let handle = &self.keyspaces[write.keyspace.number()];
                written[write.keyspace.number()] += write.cost() as u64;
                match &write.value {
                    Some(value) => batch.insert(handle, &*write.key, &**value),
                    None => batch.remove(handle, &*write.key),
                }
            }
            for handle in &self.keyspaces {
                batch.insert(handle, MARKER, stamp.to_be_bytes());
            }
            let mut slot = b"trail".to_vec();
            slot.extend_from_slice(&(next % limits::TRAIL_SLOTS).to_be_bytes());
            batch.insert(&self.marks, slot, next.to_be_bytes());
            batch.insert(&self.marks, b"batch", next.to_be_bytes());
            batch.insert(&self.marks, b"stamp", stamp.to_be_bytes());
            batch.commit()
        })?;
        batches.last = next;
        batches.since_rotation = written;
        self.rotate(&mut batches)
    }

    fn snapshot(&self) -> Box<dyn Snapshot> {
        Box::new(DiskSnapshot {
            path: self.path.clone(),
            snapshot: self.database.snapshot(),
            keyspaces: self.keyspaces.clone(),
        })
    }
}

struct DiskSnapshot {
    path: PathBuf,
    snapshot: fjall::Snapshot,
    keyspaces: [fjall::Keyspace; Keyspace::ALL.len()],
}

impl Snapshot for DiskSnapshot {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let handle = &self.keyspaces[keyspace.number()];
        let value = guarded(&self.path, || self.snapshot.get(handle, key))?;
        Ok(value.map(|value| Bytes::from(&*value)))
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
    ) -> Pairs<'_> {
        let handle = &self.keyspaces[keyspace.number()];
        let mut iter = self.snapshot.range::<&[u8], _>(handle, (from, to));
        let mut next = move || -> Result<Option<(Bytes, Bytes)>> {
            guarded(&self.path, || {
                let item = if reverse {
                    iter.next_back()
                } else {
                    iter.next()
                };
                let Some(item) = item else { return Ok(None) };
                let (key, value) = item.into_inner()?;
                Ok(Some((Bytes::from(&*key), Bytes::from(&*value))))
            })
        };
        let pairs = std::iter::from_fn(move || next().transpose());
        Box::new(pairs.filter(|pair| !matches!(pair, Ok((key, _)) if **key == MARKER)))
    }
}
