//! Walks the records of one segment and decides what a bad one is.

use super::format::{
    is_zero, sectors, zero_sectors, RecordHeader, StoreId, RECORD_HEADER, SEGMENT_HEADER,
};

/// Heights beyond the expected one in which a later valid record is searched.
const HEIGHT_WINDOW: u64 = 1 << 20;

/// A segment's valid records, up to the first bad one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Offset of each valid record.
    pub offsets: Vec<u32>,
    /// Where the valid records end.
    pub end: usize,
    /// Why the record at `end` is bad; `None` when the segment ends there.
    pub bad: Option<&'static str>,
}

/// Reads the segment `bytes` from its first record on.
pub(crate) fn scan(bytes: &[u8], id: &StoreId, first_height: u64) -> Scan {
    let mut offsets = Vec::new();
    let mut at = SEGMENT_HEADER;
    let mut height = first_height;
    while at < bytes.len() {
        let next = match record(bytes, at, id, height) {
            Ok(next) => next,
            Err(why) => {
                return Scan {
                    offsets,
                    end: at,
                    bad: Some(why),
                }
            }
        };
        let Ok(offset) = u32::try_from(at) else {
            return Scan {
                offsets,
                end: at,
                bad: Some("segment longer than 4 GiB"),
            };
        };
        offsets.push(offset);
        at = next;
        height = height.saturating_add(1);
    }
    Scan {
        offsets,
        end: at,
        bad: None,
    }
}

/// Checks the record at `at`; returns where the next one starts.
fn record(bytes: &[u8], at: usize, id: &StoreId, height: u64) -> Result<usize, &'static str> {
    let header = RecordHeader::decode(bytes, at, id, 0).ok_or("record header damaged")?;
    if header.height != height {
        return Err("record has another height");
    }
    let start = at + RECORD_HEADER;
    let end = start + header.length as usize;
    let payload = bytes.get(start..end).ok_or("record cut short")?;
    if crc32fast::hash(payload) != header.payload_crc {
        return Err("payload checksum differs");
    }
    Ok(end)
}

/// Whether the bytes from `end` on can only be the remains of one interrupted append, which was
/// never confirmed. Whatever else it may be, the answer is no.
///
/// One append at a time is under way and each is synced before the next begins, so at most the
/// last record is torn: it stops before its announced length, or sectors of it were never written.
pub(crate) fn is_torn(bytes: &[u8], end: usize, id: &StoreId, height: u64) -> bool {
    let rest = bytes.len() - end;
    if rest < RECORD_HEADER {
        return true;
    }
    if valid_record_after(bytes, end, id, height) {
        return false;
    }
    match RecordHeader::decode(bytes, end, id, 0) {
        Some(header) => {
            let start = end + RECORD_HEADER;
            let whole = RECORD_HEADER + header.length as usize;
            let unwritten = || zero_sectors(&bytes[start..], start as u64) > header.zero_sectors;
            header.height == height && (rest < whole || (rest == whole && unwritten()))
        }
        None => header_unwritten(bytes, end),
    }
}

fn valid_record_after(bytes: &[u8], end: usize, id: &StoreId, height: u64) -> bool {
    let last = height.saturating_add(HEIGHT_WINDOW);
    (end + 1..bytes.len()).any(|at| {
        RecordHeader::height_at(bytes, at).is_some_and(|found| (height..=last).contains(&found))
            && RecordHeader::decode(bytes, at, id, 0).is_some()
    })
}

/// Whether a sector that holds part of the header was never written.
fn header_unwritten(bytes: &[u8], from: usize) -> bool {
    let mut seen = 0;
    for part in sectors(&bytes[from..], from as u64) {
        if seen >= RECORD_HEADER {
            return false;
        }
        if is_zero(part) {
            return true;
        }
        seen += part.len();
    }
    false
}
