//! The first bytes of an item (RFC 8949 section 3): major type and argument.

use crate::Error;

pub(crate) const UINT: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const TAG_POSITIVE: u8 = 0xc2;
pub(crate) const TAG_NEGATIVE: u8 = 0xc3;
pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;

/// Initial byte and argument of an item.
#[derive(Copy, Clone)]
pub(crate) struct Head {
    pub initial: u8,
    pub argument: u64,
}

impl Head {
    pub fn major(self) -> u8 {
        self.initial >> 5
    }
}

/// Reads the head at `position`: it and the position after it.
#[inline]
pub(crate) fn read(bytes: &[u8], position: usize) -> Result<(Head, usize), Error> {
    let Some(&initial) = bytes.get(position) else {
        return Err(truncated(position, 1, 0));
    };
    let info = initial & 0x1f;
    if info < 24 {
        let head = Head {
            initial,
            argument: u64::from(info),
        };
        return Ok((head, position + 1));
    }
    read_long(bytes, position, initial)
}

#[inline]
fn read_long(bytes: &[u8], position: usize, initial: u8) -> Result<(Head, usize), Error> {
    let rest = bytes.get(position + 1..).unwrap_or_default();
    let (argument, width, smallest) = match (initial >> 5, initial & 0x1f) {
        (SIMPLE, _) => return Err(refused_simple(position, initial)),
        (_, 24) => (rest.first().map(|&byte| u64::from(byte)), 1, 24),
        (_, 25) => (
            rest.first_chunk()
                .map(|b| u64::from(u16::from_be_bytes(*b))),
            2,
            1 << 8,
        ),
        (_, 26) => (
            rest.first_chunk()
                .map(|b| u64::from(u32::from_be_bytes(*b))),
            4,
            1 << 16,
        ),
        (_, 27) => (
            rest.first_chunk().map(|b| u64::from_be_bytes(*b)),
            8,
            1 << 32,
        ),
        (_, info) => return Err(refused_info(position, initial, info)),
    };
    let Some(argument) = argument else {
        return Err(truncated(position + 1, width, rest.len()));
    };
    if argument < smallest {
        return Err(longer_than_needed(position, argument, width));
    }
    Ok((Head { initial, argument }, position + 1 + width))
}

#[cold]
#[inline(never)]
pub(crate) fn truncated(offset: usize, needed: usize, left: usize) -> Error {
    let message = format!("{needed} bytes are needed here, {left} are left");
    Error::new("cbor.truncated", offset, message)
}

#[cold]
#[inline(never)]
fn longer_than_needed(offset: usize, argument: u64, width: usize) -> Error {
    let message = format!(
        "{argument} is written in {width} more bytes, fewer suffice: use the shortest form"
    );
    Error::new("cbor.not_canonical", offset, message)
}

#[cold]
#[inline(never)]
fn refused_info(offset: usize, initial: u8, info: u8) -> Error {
    if info == 31 && (BYTES..=MAP).contains(&(initial >> 5)) {
        let message = "indefinite lengths are not allowed: write the length";
        return Error::new("cbor.unsupported", offset, message);
    }
    Error::new(
        "cbor.malformed",
        offset,
        format!("0x{initial:02x} starts no item"),
    )
}

#[cold]
#[inline(never)]
pub(crate) fn refused_simple(offset: usize, initial: u8) -> Error {
    let (code, message) = match initial & 0x1f {
        25..=27 => (
            "cbor.unsupported",
            "floats are not allowed: use an integer of a smaller unit",
        ),
        23 => ("cbor.unsupported", "undefined is not allowed: use null"),
        28..=30 => ("cbor.malformed", "a reserved head starts no item"),
        31 => (
            "cbor.malformed",
            "a break stands outside of an item of indefinite length",
        ),
        _ => (
            "cbor.unsupported",
            "no simple value but false, true and null is allowed",
        ),
    };
    Error::new(code, offset, message)
}
