//! Opening the log: which segments there are, what they hold, and where the log ends.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};

use super::format::{SegmentHeader, StoreId, SEGMENT_HEADER};
use super::scan::{is_torn, scan, Scan};
use super::{open_for_writing, BlockLog, Segment, Writer};
use crate::error::{Error, Result};
use crate::{fault, files};

/// The remains of an append that a crash interrupted. Nothing is cut before the caller has
/// compared its height with the key-value store's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub path: PathBuf,
    /// Where the valid records end.
    pub offset: u64,
    /// Bytes behind `offset`.
    pub bytes: u64,
    /// Height that the torn record would have had.
    pub height: u64,
}

/// A log that was opened for reading; [`Opened::finish`] makes it writable.
pub(crate) struct Opened {
    segments: Vec<Arc<Segment>>,
    length: u64,
    stamp: u64,
    lazy: bool,
    pub tail: Option<Tail>,
}

/// What may stand behind the last good record of a segment.
#[derive(Copy, Clone)]
enum End {
    /// Nothing: a later segment follows, made when all of this one was synced.
    Closed,
    /// The remains of one append.
    Torn,
    /// Anything from a record on that was never synced, as far as the log itself knows: one that is
    /// not marked, and not the log's first.
    Unsynced { log_first: u64 },
}

impl End {
    fn allows(self, bytes: &[u8], found: &Scan, header: &SegmentHeader, height: u64) -> bool {
        let torn = || is_torn(bytes, found.end, &header.id, height);
        match self {
            Self::Closed => false,
            Self::Torn => torn(),
            Self::Unsynced { log_first } => {
                let marked = found.offsets.len() < header.marked as usize;
                !marked && (height > log_first || torn())
            }
        }
    }
}

/// Adds the file's name to an error of its bytes.
fn named(error: Error, path: &Path) -> Error {
    Error {
        message: format!("{}: {}", path.display(), error.message),
        ..error
    }
}

pub(super) fn corrupt(path: &Path, offset: u64, height: u64, why: &str) -> Error {
    let message = format!(
        "{}: {why} at offset {offset}, height {height}; restore the file from a copy or a peer",
        path.display()
    );
    Error::new("log.corrupt", message).at(offset).height(height)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| Error::io("list", folder, &e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("blocks") => paths.push(path),
            // Left by a crash before the segment got its name: it never held a record.
            Some("tmp") => fs::remove_file(&path).map_err(|e| Error::io("remove", &path, &e))?,
            _ => {}
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_header(path: &Path) -> Result<(SegmentHeader, u64)> {
    let failed = |e: std::io::Error| Error::io("read", path, &e);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::with_capacity(SEGMENT_HEADER);
    file.take(SEGMENT_HEADER as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let header = SegmentHeader::decode(&bytes).map_err(|e| named(e, path))?;
    let expected = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .and_then(|s| s.parse().ok());
    if expected != Some(header.first_height) {
        return Err(corrupt(
            path,
            0,
            header.first_height,
            "file name and header differ",
        ));
    }
    Ok((header, length))
}

/// Checks that each segment follows the one before it.
fn check_chain(segments: &[(PathBuf, SegmentHeader, u64)], id: &StoreId) -> Result<()> {
    let mut before: Option<(u64, u64)> = None;
    for (path, header, length) in segments {
        if header.id != *id {
            let message = format!("{} belongs to another ledger", path.display());
            return Err(Error::new("store.foreign", message).height(header.first_height));
        }
        match (before, header.previous) {
            (found, expected) if found == expected => {}
            (Some((first, found)), Some((expected, bytes))) if first == expected => {
                let why = format!("the segment before has {found} bytes, not {bytes}");
                return Err(corrupt(path, found, header.first_height, &why));
            }
            (_, expected) => {
                let missing = expected.map_or(0, |(first, _)| first);
                let message = format!(
                    "the log segment from height {missing} to {} is missing before {}; \
                     restore it from a copy or a peer",
                    header.first_height.saturating_sub(1),
                    path.display()
                );
                return Err(Error::new("log.segment_missing", message).height(missing));
            }
        }
        before = Some((header.first_height, *length));
    }
    Ok(())
}

impl Segment {
    /// Reads the whole segment and verifies every record but the last segment's tail.
    fn load(
        path: &Path,
        header: &SegmentHeader,
        end: End,
    ) -> Result<(Vec<u32>, u64, Option<Tail>)> {
        let bytes = fs::read(path).map_err(|e| Error::io("read", path, &e))?;
        let found = scan(&bytes, &header.id, header.first_height);
        let height = header
            .first_height
            .saturating_add(found.offsets.len() as u64);
        let offset = found.end as u64;
        let tail = match found.bad {
            None if found.offsets.len() < header.marked as usize => {
                return Err(corrupt(path, offset, height, "a synced record is missing"));
            }
            None => None,
            Some(_) if end.allows(&bytes, &found, header, height) => {
                let bytes = bytes.len() as u64 - offset;
                Some(Tail {
                    path: path.to_owned(),
                    offset,
                    bytes,
                    height,
                })
            }
            Some(why) => return Err(corrupt(path, offset, height, why)),
        };
        Ok((found.offsets, offset, tail))
    }

    /// Fills in the offsets of an older segment, verifying it.
    pub(super) fn offset_of(&self, height: u64) -> Result<Option<u32>> {
        let index = height.checked_sub(self.header.first_height);
        let index = index.and_then(|index| usize::try_from(index).ok());
        {
            let offsets = self
                .offsets
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(offsets) = offsets.as_ref() {
                return Ok(index.and_then(|index| offsets.get(index).copied()));
            }
        }
        let (loaded, _, _) = Self::load(&self.path, &self.header, End::Closed)?;
        let found = index.and_then(|index| loaded.get(index).copied());
        let mut offsets = self
            .offsets
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        offsets.get_or_insert(loaded);
        Ok(found)
    }
}

impl Opened {
    /// Reads the log in `folder`, verifying its newest `verify_bytes` bytes, at least the last
    /// segment that holds records.
    pub(crate) fn read(folder: &Path, id: &StoreId, lazy: bool, verify_bytes: u64) -> Result<Self> {
        files::create_folder(folder)?;
        let mut headers = Vec::new();
        for path in list(folder)? {
            let (header, length) = read_header(&path)?;
            headers.push((path, header, length));
        }
        check_chain(&headers, id)?;
        let last_end = match headers.first() {
            Some((_, header, _)) if lazy => End::Unsynced {
                log_first: header.first_height,
            },
            _ => End::Torn,
        };
        let mut budget = verify_bytes;
        let mut segments = Vec::with_capacity(headers.len());
        let mut opened = Self {
            segments: Vec::new(),
            length: 0,
            stamp: 0,
            lazy,
            tail: None,
        };
        let mut next_first: Option<u64> = None;
        for (path, header, length) in headers.into_iter().rev() {
            let first_height = header.first_height;
            let mut offsets = None;
            if next_first.is_none() || opened.stamp == 0 || budget >= length {
                budget = budget.saturating_sub(length);
                let (found, end, tail) = Self::verify(&path, &header, last_end, next_first)?;
                if next_first.is_none() {
                    opened.length = end;
                    opened.tail = tail;
                }
                if opened.stamp == 0 && !found.is_empty() {
                    opened.stamp = first_height + found.len() as u64;
                }
                offsets = Some(found);
            }
            next_first = Some(first_height);
            segments.push(Arc::new(Segment {
                path,
                header,
                offsets: RwLock::new(offsets),
            }));
        }
        segments.reverse();
        opened.segments = segments;
        Ok(opened)
    }

    fn verify(
        path: &Path,
        header: &SegmentHeader,
        last_end: End,
        next_first: Option<u64>,
    ) -> Result<(Vec<u32>, u64, Option<Tail>)> {
        let allowed = next_first.map_or(last_end, |_| End::Closed);
        let (found, end, tail) = Segment::load(path, header, allowed)?;
        let next = header.first_height + found.len() as u64;
        match next_first {
            Some(first) if first != next => {
                let why = format!("the next segment starts at height {first}");
                Err(corrupt(path, end, next, &why))
            }
            _ => Ok((found, end, tail)),
        }
    }

    /// Last height held.
    pub(crate) fn height(&self) -> Option<u64> {
        self.stamp.checked_sub(1)
    }

    /// Refuses to cut the tail when `stored` proves that its record was confirmed or synced.
    pub(crate) fn check_tail(&self, stored: Option<u64>) -> Result<()> {
        match (&self.tail, stored) {
            (Some(tail), Some(stored)) if stored >= tail.height => {
                let why = format!("record damaged (the store holds its block, up to {stored})");
                Err(corrupt(&tail.path, tail.offset, tail.height, &why))
            }
            _ => Ok(()),
        }
    }

    /// Cuts the tail and opens the last segment for writing.
    pub(crate) fn finish(
        mut self,
        folder: &Path,
        id: StoreId,
        segment_bytes: u64,
    ) -> Result<BlockLog> {
        if let Some(tail) = &self.tail {
            fault::point("open.before_cut");
            let failed = |e: std::io::Error| Error::io("cut the torn tail of", &tail.path, &e);
            let file = open_for_writing(&tail.path)?;
            file.set_len(tail.offset).map_err(failed)?;
            // Durable from here: the log without what was never confirmed or never synced.
            file.sync_all().map_err(failed)?;
            fault::point("open.after_cut");
        }
        if self.stamp == 0 {
            // A crash before the very first record: begin anew, at whatever height comes first.
            for segment in self.segments.drain(..) {
                let failed = |e: std::io::Error| Error::io("remove", &segment.path, &e);
                fs::remove_file(&segment.path).map_err(failed)?;
            }
            files::sync_folder(folder)?;
        }
        let file = match self.segments.last() {
            Some(last) => Some((Arc::new(open_for_writing(&last.path)?), Arc::clone(last))),
            None => None,
        };
        let log = BlockLog {
            folder: folder.to_owned(),
            id,
            segment_bytes,
            lazy: self.lazy,
            segments: RwLock::new(self.segments),
            writer: Mutex::new(Writer {
                file,
                offset: self.length,
                unsynced: 0,
                poisoned: false,
            }),
            stamp: AtomicU64::new(self.stamp),
            synced: AtomicU64::new(if self.lazy { 0 } else { self.stamp }),
            syncing: Mutex::default(),
            syncs: AtomicU64::new(0),
        };
        // What a process left in the system's memory when it was killed may not be on disk yet.
        log.sync()?;
        Ok(log)
    }
}
