//! Opening a store: lock, marker, log, key-value store, and how they fit together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::backing::disk::Disk;
use crate::backing::memory::Memory;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::log::format::StoreId;
use crate::log::Opened;
use crate::options::{Options, Recovery};
use crate::store::{Log, Shared, Side, Store};
use crate::{files, limits, marker, side};

const LOG: &str = "log";
const STATE: &str = "state";
const SIDE: &str = "side";

impl Store {
    /// Opens the store in the folder `path`, or makes one there. The folder belongs to this store
    /// until it and all its views are dropped.
    ///
    /// # Errors
    /// `store.locked` names the holder. `log.corrupt`, `log.segment_missing`,
    /// `store.ahead_of_log`, `store.foreign`, `store.format`, `store.version`: nothing was
    /// changed. `store.damaged`: open with `Options::rebuild`. `store.disk_full`, `store.io`.
    pub fn open(path: &Path, options: &Options) -> Result<(Self, Recovery)> {
        files::create_folder(path)?;
        let lock = Lock::take(&path.join("lock"))?;
        let empty = !path.join(LOG).exists() && !path.join(STATE).exists();
        let id = marker::open(path, empty)?;
        let folder = path.join(LOG);
        let opened = match options.external_log {
            true => None,
            false => Some(Opened::read(&folder, &id, options.verify_bytes)?),
        };
        let (disk, stamp, set_aside) = open_state(path, &id, options)?;
        let stored_height = stamp.checked_sub(1);
        let mut recovery = Recovery {
            stored_height,
            set_aside,
            ..Recovery::default()
        };
        let log = match opened {
            None => Log::External,
            Some(opened) => {
                check_heights(path, &opened, stored_height)?;
                recovery.log_height = opened.height();
                recovery.torn_tail_bytes = opened.tail.as_ref().map_or(0, |tail| tail.bytes);
                let segment_bytes = options.segment_bytes.min(limits::SEGMENT_BYTES_MAX);
                Log::Disk(opened.finish(&folder, id, segment_bytes)?)
            }
        };
        side::clean(&path.join(SIDE))?;
        let shared = Shared::new(options.clone(), Box::new(disk), stamp, Some(lock));
        let store = Self::start(shared, log, Side::Disk(path.join(SIDE)))?;
        Ok((store, recovery))
    }

    /// The twin without files: same behaviour, nothing survives.
    ///
    /// # Panics
    /// When the operating system refuses a thread.
    #[must_use]
    pub fn in_memory(options: &Options) -> Self {
        let log = match options.external_log {
            true => Log::External,
            false => Log::Memory(Mutex::default()),
        };
        let shared = Shared::new(options.clone(), Box::new(Memory::default()), 0, None);
        let started = Self::start(shared, log, Side::Memory(Mutex::new(BTreeMap::new())));
        started.expect("a thread can be started")
    }
}

/// The log is the truth: the key-value store may lag behind it, never lead.
fn check_heights(path: &Path, opened: &Opened, stored: Option<u64>) -> Result<()> {
    opened.check_tail(stored)?;
    match stored {
        Some(stored) if opened.height().is_none_or(|last| stored > last) => {
            let last = match opened.height() {
                Some(last) => format!("ends at {last}"),
                None => "is empty".to_owned(),
            };
            let message = format!(
                "{}: the key-value store holds block {stored}, the block log {last}: confirmed \
                 blocks are missing from the log; restore it from a copy or a peer",
                path.display()
            );
            Err(Error::new("store.ahead_of_log", message).height(stored))
        }
        _ => Ok(()),
    }
}

type OpenedState = (Disk, u64, Option<(PathBuf, String)>);

fn open_state(path: &Path, id: &StoreId, options: &Options) -> Result<OpenedState> {
    let folder = path.join(STATE);
    match Disk::open(&folder, id, options.block_cache_bytes) {
        Ok((disk, stamp)) => Ok((disk, stamp, None)),
        Err(error) if error.code == "store.damaged" && options.rebuild => {
            let aside = free_name(path)?;
            std::fs::rename(&folder, &aside).map_err(|e| Error::io("set aside", &folder, &e))?;
            // Durable from here: the damaged store under its new name.
            files::sync_folder(path)?;
            let (disk, stamp) = Disk::open(&folder, id, options.block_cache_bytes)?;
            Ok((disk, stamp, Some((aside, error.message))))
        }
        Err(error) => Err(error),
    }
}

fn free_name(path: &Path) -> Result<PathBuf> {
    let names = (1..=1000).map(|number| path.join(format!("{STATE}.damaged-{number}")));
    let free = |name: &PathBuf| !name.exists();
    names.into_iter().find(free).ok_or_else(|| {
        let message = format!(
            "{}: 1000 damaged stores were set aside; remove some",
            path.display()
        );
        Error::new("store.io", message)
    })
}
