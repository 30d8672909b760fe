//! Bytes of the block log. All integers are little-endian.
//!
//! ```text
//! segment = header record*
//! header  = "LHBLOCKS" version:u32 id:16 first_height:u64 previous_first:u64 previous_length:u64
//!           crc32:u32 mark:8                                                        (64 bytes)
//! mark    = zero:8 | synced:u32 crc32:u32
//! record  = length:u32 height:u64 zero_sectors:u32 payload_crc32:u32 header_crc32:u32 payload
//! ```
//! `previous_*` name the segment before this one (all ones: none), so a missing or shortened
//! segment is found without reading records. A lazy log notes in `mark`, after a sync, how many
//! records that sync covered: a bad one among them is damage, never the remains of a crash. The mark
//! itself reaches the disk with a later sync; its checksum covers the id and the first height. `zero_sectors` counts the 512-byte sectors of the
//! file whose part of the payload is all zero: a torn write shows more of them, a flipped bit never
//! does. `header_crc32` also covers the log's random id and
//! the record's offset, so bytes inside a payload never pass for a record.

use crate::error::{Error, Result};
use crate::limits;

pub(crate) const MAGIC: &[u8; 8] = b"LHBLOCKS";
pub(crate) const VERSION: u32 = 1;
pub(crate) const SEGMENT_HEADER: usize = 64;
pub(crate) const RECORD_HEADER: usize = 24;
/// Disks write sectors whole.
pub(crate) const SECTOR: usize = 512;
const NONE: u64 = u64::MAX;

/// Identity shared by the log and the key-value store of one ledger.
pub(crate) type StoreId = [u8; 16];

/// First bytes of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub id: StoreId,
    pub first_height: u64,
    /// First height and length in bytes of the segment before; `None` for the first one.
    pub previous: Option<(u64, u64)>,
    /// Records that were noted as synced, where the log is synced lazily.
    pub marked: u32,
}

/// Where the mark stands in a segment.
pub(crate) const MARK_AT: usize = 56;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(part.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(part.try_into().ok()?))
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (previous_first, previous_length) = self.previous.unwrap_or((NONE, NONE));
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&self.first_height.to_le_bytes());
        bytes.extend_from_slice(&previous_first.to_le_bytes());
        bytes.extend_from_slice(&previous_length.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.resize(MARK_AT, 0);
        bytes.extend_from_slice(&self.encode_mark());
        bytes
    }

    /// The eight bytes at [`MARK_AT`].
    pub(crate) fn encode_mark(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        if self.marked != 0 {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(b"mark");
            hasher.update(&self.id);
            hasher.update(&self.first_height.to_le_bytes());
            hasher.update(&self.marked.to_le_bytes());
            bytes[..4].copy_from_slice(&self.marked.to_le_bytes());
            bytes[4..].copy_from_slice(&hasher.finalize().to_le_bytes());
        }
        bytes
    }

    /// Reads a header; the error has no path yet.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt =
            |what: &str| Error::new("log.corrupt", format!("segment header: {what}")).at(0);
        let bytes = bytes
            .get(..SEGMENT_HEADER)
            .ok_or_else(|| corrupt("too short"))?;
        if !bytes.starts_with(MAGIC) {
            return Err(corrupt("not a block log segment"));
        }
        let stored = u32_at(bytes, 52);
        if stored != Some(crc32fast::hash(&bytes[..52])) {
            return Err(corrupt("checksum differs"));
        }
        let version = u32_at(bytes, 8).unwrap_or(0);
        if version != VERSION {
            let message = format!("block log format {version}; this version reads {VERSION}");
            return Err(Error::new("store.version", message));
        }
        let read = |at| u64_at(bytes, at).ok_or_else(|| corrupt("too short"));
        let mut id = StoreId::default();
        id.copy_from_slice(&bytes[12..28]);
        let (first_height, first, length) = (read(28)?, read(36)?, read(44)?);
        let previous = (first != NONE).then_some((first, length));
        let header = Self {
            id,
            first_height,
            previous,
            marked: u32_at(bytes, MARK_AT).unwrap_or(0),
        };
        if bytes[MARK_AT..] != header.encode_mark() {
            return Err(corrupt("checksum of its mark differs"));
        }
        Ok(header)
    }
}

/// First bytes of a record.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub length: u32,
    pub height: u64,
    pub zero_sectors: u32,
    pub payload_crc: u32,
}

/// Parts of `bytes`, which lie at `offset` of the file, between sector borders.
pub(crate) fn sectors(bytes: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let past = (offset % SECTOR as u64) as usize;
    let (head, tail) = bytes.split_at((SECTOR - past).min(bytes.len()));
    std::iter::once(head)
        .chain(tail.chunks(SECTOR))
        .filter(|part| !part.is_empty())
}

pub(crate) fn is_zero(part: &[u8]) -> bool {
    part.iter().all(|byte| *byte == 0)
}

/// How many of [`sectors`] are all zero.
pub(crate) fn zero_sectors(bytes: &[u8], offset: u64) -> u32 {
    let count = sectors(bytes, offset).filter(|part| is_zero(part)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl RecordHeader {
    /// The header of `payload` in a record that starts at `offset`.
    pub(crate) fn of(height: u64, payload: &[u8], offset: u64) -> Result<Self> {
        let length = Self::check_size(height, payload)?;
        let zero_sectors = zero_sectors(payload, offset.saturating_add(RECORD_HEADER as u64));
        Ok(Self {
            length,
            height,
            zero_sectors,
            payload_crc: crc32fast::hash(payload),
        })
    }

    /// The length of `payload`, which must be within the limit.
    pub(crate) fn check_size(height: u64, payload: &[u8]) -> Result<u32> {
        let size = payload.len();
        match u32::try_from(size) {
            Ok(length) if size <= limits::RECORD_BYTES_MAX => Ok(length),
            _ => {
                let most = limits::RECORD_BYTES_MAX;
                let message = format!("record of {size} bytes; it must have at most {most}");
                Err(Error::new("log.record_size", message).height(height))
            }
        }
    }

    fn checksum(&self, id: &StoreId, offset: u64) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(id);
        hasher.update(&offset.to_le_bytes());
        hasher.update(&self.length.to_le_bytes());
        hasher.update(&self.height.to_le_bytes());
        hasher.update(&self.zero_sectors.to_le_bytes());
        hasher.update(&self.payload_crc.to_le_bytes());
        hasher.finalize()
    }

    pub(crate) fn encode(&self, id: &StoreId, offset: u64) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.height.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.zero_sectors.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[20..].copy_from_slice(&self.checksum(id, offset).to_le_bytes());
        bytes
    }

    /// The header at `at` of `bytes`, whose first byte lies at `base` of the segment; `None` when
    /// it is incomplete or its checksum differs.
    pub(crate) fn decode(bytes: &[u8], at: usize, id: &StoreId, base: u64) -> Option<Self> {
        let header = Self {
            length: u32_at(bytes, at)?,
            height: u64_at(bytes, at.checked_add(4)?)?,
            zero_sectors: u32_at(bytes, at.checked_add(12)?)?,
            payload_crc: u32_at(bytes, at.checked_add(16)?)?,
        };
        let stored = u32_at(bytes, at.checked_add(20)?)?;
        let offset = base.checked_add(u64::try_from(at).ok()?)?;
        (stored == header.checksum(id, offset)).then_some(header)
    }

    /// The height field at `at`, unchecked: a cheap filter before [`Self::decode`].
    pub(crate) fn height_at(bytes: &[u8], at: usize) -> Option<u64> {
        u64_at(bytes, at.checked_add(4)?)
    }
}
