//! Opening a store: lock, marker, log, key-value store, and how they fit together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::backing::disk::{note_path, Disk};
use crate::backing::memory::Memory;
use crate::error::{Error, Result};
use crate::files::Points;
use crate::limits::SET_ASIDE_MAX;
use crate::lock::Lock;
use crate::log::format::StoreId;
use crate::log::Opened;
use crate::marker::Marker;
use crate::options::{LogMode, Options, Recovery};
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
        let asked_lazy = options.log == LogMode::Lazy;
        let Marker { id, lazy } = marker::open(path, empty, asked_lazy)?;
        let folder = path.join(LOG);
        let opened = match options.log {
            LogMode::External => None,
            _ => Some(Opened::read(&folder, &id, lazy, options.verify_bytes)?),
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
                recovery.cut_height = opened.tail.as_ref().map(|tail| tail.height);
                let segment_bytes = options.segment_bytes.min(limits::SEGMENT_BYTES_MAX);
                Log::Disk(Arc::new(opened.finish(&folder, id, segment_bytes)?))
            }
        };
        side::clean(&path.join(SIDE))?;
        let mut shared = Shared::new(options.clone(), Box::new(disk), stamp, Some(lock));
        if let Log::Disk(log) = &log {
            shared.lazy_log = lazy.then(|| Arc::clone(log));
        }
        let store = Self::start(shared, log, Side::Disk(path.join(SIDE)))?;
        Ok((store, recovery))
    }

    /// Whether the folder says that its log is synced lazily; asks nothing else of it.
    #[must_use]
    pub fn folder_is_lazy(path: &Path) -> bool {
        marker::open(path, false, false).is_ok_and(|marker| marker.lazy)
    }

    /// The twin without files: same behaviour, nothing survives.
    ///
    /// # Panics
    /// When the operating system refuses a thread.
    #[must_use]
    pub fn in_memory(options: &Options) -> Self {
        let log = match options.log {
            LogMode::External => Log::External,
            _ => Log::Memory(Mutex::default()),
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

/// Says that the key-value store was made completely: one without it is the remains of a crash
/// while it was made, and holds nothing.
const MADE: &str = "state-made";

/// What a replay of the log heals.
const REBUILDABLE: [&str; 2] = ["store.damaged", "store.version"];

const MADE_POINTS: Points = Points {
    written: "open.after_state_made",
    renamed: "open.after_state_made",
    synced: "open.after_state_made",
};

fn open_state(path: &Path, id: &StoreId, options: &Options) -> Result<OpenedState> {
    let (folder, made) = (path.join(STATE), path.join(MADE));
    if folder.exists() && !made.exists() {
        set_aside(path)?;
    }
    let mut aside = None;
    if folder.exists() {
        match Disk::open(&folder, id, options) {
            Ok((disk, stamp)) if !options.rebuild => return Ok((disk, stamp, None)),
            // Damage that only the caller sees, such as a root that differs, is healed like any other.
            Ok(opened) => {
                drop(opened);
                aside = Some((set_aside(path)?, "asked for".to_owned()));
            }
            Err(error) if options.rebuild && REBUILDABLE.contains(&error.code) => {
                aside = Some((set_aside(path)?, error.message));
            }
            Err(error) => return Err(error),
        }
    }
    let (disk, stamp) = Disk::open(&folder, id, options)?;
    files::write_atomic(&made, &[b"made\n"], &MADE_POINTS)?;
    Ok((disk, stamp, aside))
}

/// Moves the key-value store, and the note of its damage, to a free name; nothing is deleted.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let (folder, made) = (path.join(STATE), path.join(MADE));
    let failed = |e: std::io::Error| Error::io("set aside", &folder, &e);
    if made.exists() {
        // First, so that a crash from here on leads here again.
        std::fs::remove_file(&made).map_err(failed)?;
        files::sync_folder(path)?;
    }
    let aside = free_name(path)?;
    std::fs::rename(&folder, &aside).map_err(failed)?;
    let note = note_path(&folder);
    if note.exists() {
        std::fs::rename(&note, note_path(&aside)).map_err(failed)?;
    }
    // Durable from here: the store under its new name.
    files::sync_folder(path)?;
    Ok(aside)
}

fn free_name(path: &Path) -> Result<PathBuf> {
    let mut names = (1..=SET_ASIDE_MAX).map(|number| path.join(format!("{STATE}.aside-{number}")));
    names.find(|name| !name.exists()).ok_or_else(|| {
        let path = path.display();
        let message = format!("{path}: {SET_ASIDE_MAX} stores were set aside; remove some");
        Error::new("store.io", message)
    })
}
