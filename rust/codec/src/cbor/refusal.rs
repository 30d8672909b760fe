//! What a decoder says where it refuses. Kept out of the reading code, which is hot.

use super::decoder::Kind;
use super::head::{self, Head};
use crate::Error;

/// The type that an initial byte stands for.
pub(super) fn kind(initial: u8, offset: usize) -> Result<Kind, Error> {
    match (initial >> 5, initial) {
        (head::UINT | head::NEGATIVE, _) | (_, head::TAG_POSITIVE | head::TAG_NEGATIVE) => {
            Ok(Kind::Int)
        }
        (head::BYTES, _) => Ok(Kind::Bytes),
        (head::TEXT, _) => Ok(Kind::Text),
        (head::ARRAY, _) => Ok(Kind::Array),
        (head::MAP, _) => Ok(Kind::Map),
        (_, head::FALSE | head::TRUE) => Ok(Kind::Bool),
        (_, head::NULL) => Ok(Kind::Null),
        _ => Err(unsupported(initial, offset)),
    }
}

#[cold]
#[inline(never)]
pub(super) fn unsupported(initial: u8, offset: usize) -> Error {
    if initial >> 5 == head::SIMPLE {
        return head::refused_simple(offset, initial);
    }
    Error::new(
        "cbor.unsupported",
        offset,
        "no tag but 2 and 3 (bignums) is allowed",
    )
}

#[cold]
#[inline(never)]
pub(super) fn wrong_type(initial: u8, offset: usize, wanted: &str) -> Error {
    match kind(initial, offset) {
        Ok(found) => Error::new(
            "cbor.type",
            offset,
            format!("{wanted} belongs here, this is {found:?}"),
        ),
        Err(error) => error,
    }
}

#[cold]
#[inline(never)]
pub(super) fn not_this_integer(head: Head, offset: usize, wanted: &str) -> Error {
    match kind(head.initial, offset) {
        Ok(Kind::Int) => Error::new(
            "cbor.out_of_range",
            offset,
            format!("{wanted} belongs here"),
        ),
        _ => wrong_type(head.initial, offset, wanted),
    }
}

#[cold]
#[inline(never)]
pub(super) fn wrong_length(offset: usize, what: &str, found: usize, wanted: usize) -> Error {
    Error::new(
        "cbor.length",
        offset,
        format!("this {what} has length {found}, it must be {wanted}"),
    )
}

#[cold]
#[inline(never)]
pub(super) fn too_large(offset: usize, what: &str, found: usize, limit: usize) -> Error {
    Error::new(
        "cbor.too_large",
        offset,
        format!("{found} {what} are above the limit of {limit}"),
    )
}

#[cold]
#[inline(never)]
pub(super) fn not_utf8(start: usize, error: std::str::Utf8Error) -> Error {
    Error::new(
        "cbor.utf8",
        start + error.valid_up_to(),
        "this text is not UTF-8",
    )
}

#[cold]
#[inline(never)]
pub(super) fn trailing(offset: usize, left: usize) -> Error {
    Error::new(
        "cbor.trailing",
        offset,
        format!("{left} bytes follow the item: remove them"),
    )
}
