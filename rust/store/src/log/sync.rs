//! Syncing a lazy log: when, and what is noted of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::format::{SegmentHeader, MARK_AT};
use super::{BlockLog, Segment, Writer};
use crate::error::{Error, Result};
use crate::{fault, limits};

fn poisoned() -> Error {
    let message = "an earlier append or sync failed, so what is on disk is unknown; \
                   open the ledger again";
    Error::new("log.poisoned", message)
}

impl BlockLog {
    /// Last height that a crash of the machine leaves in place.
    pub(crate) fn synced_height(&self) -> Option<u64> {
        self.synced.load(Ordering::Acquire).checked_sub(1)
    }

    /// Syncs since the log was opened.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Whether an append must sync before it returns.
    pub(super) fn is_sync_due(&self, writer: &Writer) -> bool {
        let stamp = self.stamp.load(Ordering::Acquire);
        let blocks = stamp.saturating_sub(self.synced.load(Ordering::Acquire));
        blocks >= limits::LAZY_SYNC_BLOCKS || writer.unsynced >= limits::LAZY_SYNC_BYTES
    }

    /// The writer, once the last segment takes a record of `length` or all of it is synced: a
    /// segment begins only behind one that a crash cannot shorten.
    pub(super) fn writer_with_room(&self, length: u64) -> Result<MutexGuard<'_, Writer>> {
        loop {
            let writer = self.writer();
            if writer.poisoned {
                return Err(poisoned());
            }
            let unsynced = self.synced.load(Ordering::Acquire) < self.stamp.load(Ordering::Acquire);
            if !unsynced || !self.needs_segment(&writer, length) {
                return Ok(writer);
            }
            drop(writer);
            fault::point("segment.before_roll_sync");
            self.sync()?;
        }
    }

    /// Syncs all records appended before this call. Appends may go on meanwhile.
    pub(crate) fn sync(&self) -> Result<()> {
        let _turn = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.writer();
        if writer.poisoned {
            return Err(poisoned());
        }
        let stamp = self.stamp.load(Ordering::Acquire);
        let Some((file, segment)) = writer.file.as_ref() else {
            return Ok(());
        };
        if self.synced.load(Ordering::Acquire) >= stamp {
            return Ok(());
        }
        let (file, segment) = (Arc::clone(file), Arc::clone(segment));
        writer.unsynced = 0;
        drop(writer);
        fault::point("log.before_lazy_sync");
        // Durable from here: every record so far; earlier segments were synced before this one began.
        let synced = file.sync_data();
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let marked = synced.and_then(|()| {
            fault::point("log.after_lazy_sync");
            self.synced.fetch_max(stamp, Ordering::AcqRel);
            write_mark(&file, &segment, stamp)
        });
        if let Err(error) = marked {
            self.writer().poisoned = true;
            return Err(Error::io("sync", &segment.path, &error));
        }
        fault::point("log.after_mark");
        Ok(())
    }
}

/// Notes that the records below `stamp` are synced. Durable with a later sync: a mark that is missing
/// only lets more be cut.
pub(super) fn write_mark(file: &File, segment: &Segment, stamp: u64) -> io::Result<()> {
    let records = stamp.saturating_sub(segment.header.first_height);
    let header = SegmentHeader {
        marked: u32::try_from(records).unwrap_or(0),
        ..segment.header.clone()
    };
    file.write_all_at(&header.encode_mark(), MARK_AT as u64)
}
