//! The block log: append-only, checksummed, one sync a block, or (lazy) one every few blocks. It is
//! the truth from which everything else is rebuilt.
//!
//! It knows heights and bytes, not blocks. Rules: heights follow each other without a gap; a record
//! is confirmed when [`BlockLog::append`] returns; only the torn tail of the last segment is ever
//! cut; after a failed append nothing more is appended until the log is opened again, because what
//! a failed sync left on disk is unknown. A lazy log is synced when [`BlockLog::sync`] returns, and
//! before its next segment begins; of it, what was not synced may be cut.

pub(crate) mod format;
mod open;
mod read;
pub(crate) mod scan;
mod sync;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::fault;
use crate::files::{write_atomic, Points};
use format::{RecordHeader, SegmentHeader, StoreId, RECORD_HEADER, SEGMENT_HEADER};

pub(crate) use open::Opened;
pub use read::Records;

const SEGMENT_POINTS: Points = Points {
    written: "segment.after_create",
    renamed: "segment.after_rename",
    synced: "segment.after_dirsync",
};

/// One file of the log.
pub(crate) struct Segment {
    path: PathBuf,
    header: SegmentHeader,
    /// Offsets of its records; `None` until an older segment is first read.
    offsets: RwLock<Option<Vec<u32>>>,
}

struct Writer {
    /// The last segment, open for writing; `None` before the first record.
    file: Option<(Arc<File>, Arc<Segment>)>,
    /// Where the next record goes.
    offset: u64,
    /// Bytes written since the last sync.
    unsynced: u64,
    poisoned: bool,
}

/// An open block log.
pub(crate) struct BlockLog {
    folder: PathBuf,
    id: StoreId,
    segment_bytes: u64,
    /// Appends after the first are not synced one by one.
    lazy: bool,
    segments: RwLock<Vec<Arc<Segment>>>,
    writer: Mutex<Writer>,
    /// Last confirmed height + 1; 0 for none.
    stamp: AtomicU64,
    /// Last synced height + 1; 0 for none.
    synced: AtomicU64,
    /// Held while the log is synced: the system tells a failure to one sync only.
    syncing: Mutex<()>,
    syncs: AtomicU64,
}

fn segment_path(folder: &Path, first_height: u64) -> PathBuf {
    folder.join(format!("{first_height:020}.blocks"))
}

impl BlockLog {
    /// Last confirmed height.
    pub(crate) fn height(&self) -> Option<u64> {
        self.stamp.load(Ordering::Acquire).checked_sub(1)
    }

    /// First height held.
    pub(crate) fn first_height(&self) -> Option<u64> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.first().map(|segment| segment.header.first_height)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one record and syncs it. When this returns, the record survives a crash: this is
    /// the commit point. A lazy log syncs its first record so, later ones in groups.
    pub(crate) fn append(&self, height: u64, payload: &[u8]) -> Result<()> {
        let length = RecordHeader::check_size(height, payload)?;
        self.append_record(height, payload, length)
            .and_then(|due| if due { self.sync() } else { Ok(()) })
            .map_err(|error| error.height(height))
    }

    /// Appends; true where a sync is due.
    fn append_record(&self, height: u64, payload: &[u8], length: u32) -> Result<bool> {
        let mut writer = self.writer_with_room(u64::from(length))?;
        let stamp = self.stamp.load(Ordering::Acquire);
        if (stamp != 0 && height != stamp) || height == u64::MAX {
            let message = format!("block {height} cannot follow: the log's next height is {stamp}");
            return Err(Error::new("store.wrong_height", message).height(height));
        }
        let written = self.write(&mut writer, height, payload, length);
        writer.poisoned = written.is_err();
        written?;
        Ok(self.lazy && self.is_sync_due(&writer))
    }

    fn write(&self, writer: &mut Writer, height: u64, payload: &[u8], length: u32) -> Result<()> {
        fault::point("log.before_append");
        self.roll(writer, height, u64::from(length))?;
        let (file, segment) = writer.file.as_ref().ok_or_else(|| closed(&self.folder))?;
        let failed = |e: std::io::Error| Error::io("append to", &segment.path, &e);
        let offset = writer.offset;
        let head = RecordHeader::of(height, payload, offset)?.encode(&self.id, offset);
        file.write_all_at(&head, offset).map_err(failed)?;
        fault::point("log.mid_append");
        file.write_all_at(payload, offset + RECORD_HEADER as u64)
            .map_err(failed)?;
        fault::point("log.after_append_before_sync");
        let syncs = !self.lazy || self.stamp.load(Ordering::Acquire) == 0;
        if syncs {
            // Durable from here: the record and the file length that covers it (fdatasync writes
            // the length too, because the data could not be read back without it).
            file.sync_data().map_err(failed)?;
            self.syncs.fetch_add(1, Ordering::Relaxed);
            fault::point("log.after_sync");
            if self.lazy {
                sync::write_mark(file, segment, height + 1).map_err(failed)?;
            }
        }
        let place = u32::try_from(offset).map_err(|_| closed(&segment.path))?;
        let mut offsets = segment
            .offsets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        offsets.get_or_insert_default().push(place);
        drop(offsets);
        let size = RECORD_HEADER as u64 + payload.len() as u64;
        writer.offset = offset + size;
        self.stamp.store(height + 1, Ordering::Release);
        if syncs {
            self.synced.store(height + 1, Ordering::Release);
        } else {
            writer.unsynced += size;
        }
        Ok(())
    }

    /// Whether a record does not fit into the last segment.
    fn needs_segment(&self, writer: &Writer, length: u64) -> bool {
        let size = RECORD_HEADER as u64 + length;
        let empty = writer.offset <= SEGMENT_HEADER as u64;
        writer.file.is_none() || !(empty || writer.offset + size <= self.segment_bytes)
    }

    /// Begins the next segment when the record does not fit into this one.
    fn roll(&self, writer: &mut Writer, height: u64, length: u64) -> Result<()> {
        if !self.needs_segment(writer, length) {
            return Ok(());
        }
        let previous = writer
            .file
            .as_ref()
            .map(|(_, last)| (last.header.first_height, writer.offset));
        let header = SegmentHeader {
            id: self.id,
            first_height: height,
            previous,
            marked: 0,
        };
        let path = segment_path(&self.folder, height);
        // Durable from here: an empty segment under its name. A crash before the first record
        // leaves a segment without records, which is a valid end of the log.
        write_atomic(&path, &[&header.encode()], &SEGMENT_POINTS)?;
        let file = Arc::new(open_for_writing(&path)?);
        let segment = Arc::new(Segment {
            path,
            header,
            offsets: RwLock::new(Some(Vec::new())),
        });
        writer.offset = SEGMENT_HEADER as u64;
        writer.file = Some((file, Arc::clone(&segment)));
        self.segments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(segment);
        Ok(())
    }
}

fn open_for_writing(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(|e| Error::io("open", path, &e))
}

fn closed(path: &Path) -> Error {
    Error::new(
        "store.io",
        format!("no writable segment in {}", path.display()),
    )
}
