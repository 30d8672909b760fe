//! Reading records back, each checked.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError};

use super::format::{RecordHeader, RECORD_HEADER};
use super::open::corrupt;
use super::{BlockLog, Segment};
use crate::error::{Error, Result};
use crate::limits;

impl BlockLog {
    fn segment_of(&self, height: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.header.first_height <= height);
        after
            .checked_sub(1)
            .and_then(|index| segments.get(index))
            .map(Arc::clone)
    }

    /// The record of `height`, checked; `None` when the log does not hold it.
    pub(crate) fn record(&self, height: u64) -> Result<Option<Vec<u8>>> {
        if self.height().is_none_or(|last| height > last) {
            return Ok(None);
        }
        let Some(segment) = self.segment_of(height) else {
            return Ok(None);
        };
        let Some(offset) = segment.offset_of(height)? else {
            return Err(corrupt(&segment.path, 0, height, "record missing"));
        };
        let failed = |e: std::io::Error| Error::io("read", &segment.path, &e).height(height);
        let file = File::open(&segment.path).map_err(failed)?;
        let offset = u64::from(offset);
        let damaged = |why: &str| corrupt(&segment.path, offset, height, why);
        let mut head = [0; RECORD_HEADER];
        file.read_exact_at(&mut head, offset).map_err(failed)?;
        let header = RecordHeader::decode(&head, 0, &self.id, offset)
            .filter(|header| header.height == height)
            .ok_or_else(|| damaged("record header damaged"))?;
        let length = header.length as usize;
        if length > limits::RECORD_BYTES_MAX {
            return Err(damaged("record longer than the limit"));
        }
        let mut payload = vec![0; length];
        file.read_exact_at(&mut payload, offset + RECORD_HEADER as u64)
            .map_err(failed)?;
        if crc32fast::hash(&payload) != header.payload_crc {
            return Err(damaged("payload checksum differs"));
        }
        Ok(Some(payload))
    }

    /// Verifies every record of every segment; returns how many there are.
    pub(crate) fn verify(&self) -> Result<u64> {
        let Some((first, last)) = self.first_height().zip(self.height()) else {
            return Ok(0);
        };
        for height in first..=last {
            if self.record(height)?.is_none() {
                let message = format!("no record of height {height}");
                return Err(Error::new("log.corrupt", message).height(height));
            }
        }
        Ok(last - first + 1)
    }
}

/// Records in the order of their heights; ends after the height that was last when it was made,
/// or after the first error.
pub struct Records<'a> {
    read: Box<dyn Fn(u64) -> Result<Option<Vec<u8>>> + 'a>,
    next: u64,
    /// First height not to read.
    end: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn new(
        next: u64,
        end: u64,
        read: impl Fn(u64) -> Result<Option<Vec<u8>>> + 'a,
    ) -> Self {
        Self {
            read: Box::new(read),
            next,
            end,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let height = self.next;
        self.next += 1;
        let item = (self.read)(height)
            .transpose()
            .map(|record| record.map(|bytes| (height, bytes)));
        if !matches!(item, Some(Ok(_))) {
            self.end = self.next;
        }
        item
    }
}
