use super::head::{self, Head};
use super::{refusal, walk, Value};
use crate::{limits, Error};

/// What a decoder accepts.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Nested arrays and maps below [`Decoder::value`] and [`Decoder::skip`], in levels.
    pub depth_levels: usize,
    /// Longest byte or text string, in bytes.
    pub string_bytes: usize,
    /// Most items of an array or entries of a map.
    pub container_items: usize,
}

impl Limits {
    /// The limits of [`crate::limits`].
    pub const DEFAULT: Limits = Limits {
        depth_levels: limits::DEPTH_LEVELS,
        string_bytes: limits::STRING_BYTES,
        container_items: limits::CONTAINER_ITEMS,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// Type of the next item.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Null.
    Null,
    /// False or true.
    Bool,
    /// An integer of any size.
    Int,
    /// A byte string.
    Bytes,
    /// A text string.
    Text,
    /// An array.
    Array,
    /// A map.
    Map,
}

/// Pulls items out of bytes, strictly, borrowing strings from the input.
///
/// After an error the position is unspecified: give the decoder up.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
    limits: Limits,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`, with the default limits.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decoder::with_limits(bytes, Limits::DEFAULT)
    }

    /// A decoder at the start of `bytes`.
    pub fn with_limits(bytes: &'a [u8], limits: Limits) -> Self {
        Decoder {
            bytes,
            position: 0,
            limits,
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The bytes read since an earlier [`position`](Decoder::position), empty if it lies ahead.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.position).unwrap_or_default()
    }

    /// The type of the next item, which is not read; its content is not checked yet.
    pub fn peek(&self) -> Result<Kind, Error> {
        let Some(&initial) = self.bytes.get(self.position) else {
            return Err(head::truncated(self.position, 1, 0));
        };
        refusal::kind(initial, self.position)
    }

    /// An unsigned integer of 64 bits.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::UINT => Ok(head.argument),
            _ => Err(refusal::not_this_integer(
                head,
                start,
                "an unsigned integer of 64 bits",
            )),
        }
    }

    /// An integer of 64 bits with sign.
    #[inline]
    pub fn int(&mut self) -> Result<i64, Error> {
        let (head, start) = self.head()?;
        match (head.major(), i64::try_from(head.argument)) {
            (head::UINT, Ok(argument)) => Ok(argument),
            (head::NEGATIVE, Ok(argument)) => Ok(!argument),
            _ => Err(refusal::not_this_integer(
                head,
                start,
                "an integer from -2^63 to 2^63 - 1",
            )),
        }
    }

    /// An integer of any size: [`Value::Int`] or [`Value::BigInt`].
    pub fn integer(&mut self) -> Result<Value, Error> {
        let (head, start) = self.head()?;
        match head.initial {
            head::TAG_POSITIVE | head::TAG_NEGATIVE => self.bignum(head.initial, start),
            _ if head.major() <= head::NEGATIVE => Ok(walk::small_integer(head)),
            _ => Err(refusal::wrong_type(head.initial, start, "an integer")),
        }
    }

    /// A byte string.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let (head, start) = self.head()?;
        if head.major() != head::BYTES {
            return Err(refusal::wrong_type(head.initial, start, "a byte string"));
        }
        self.take(head.argument)
    }

    /// A byte string of exactly `N` bytes, borrowed.
    #[inline]
    pub fn bytes_ref<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let start = self.position;
        let bytes = self.bytes()?;
        bytes
            .try_into()
            .map_err(|_| refusal::wrong_length(start, "byte string", bytes.len(), N))
    }

    /// A byte string of exactly `N` bytes, copied.
    #[inline]
    pub fn bytes_exact<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.bytes_ref().copied()
    }

    /// A text string.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Error> {
        let (head, start) = self.head()?;
        if head.major() != head::TEXT {
            return Err(refusal::wrong_type(head.initial, start, "a text string"));
        }
        self.utf8(head.argument)
    }

    /// False or true.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, Error> {
        let (head, start) = self.head()?;
        match head.initial {
            head::FALSE => Ok(false),
            head::TRUE => Ok(true),
            initial => Err(refusal::wrong_type(initial, start, "false or true")),
        }
    }

    /// Null.
    #[inline]
    pub fn null(&mut self) -> Result<(), Error> {
        let (head, start) = self.head()?;
        match head.initial {
            head::NULL => Ok(()),
            initial => Err(refusal::wrong_type(initial, start, "null")),
        }
    }

    /// The head of an array: its number of items, never above the bytes that are left.
    #[inline]
    pub fn array(&mut self) -> Result<usize, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::ARRAY => self.count(head.argument, 1, start),
            _ => Err(refusal::wrong_type(head.initial, start, "an array")),
        }
    }

    /// The head of an array that MUST have exactly `items` items.
    #[inline]
    pub fn array_exact(&mut self, items: usize) -> Result<(), Error> {
        let start = self.position;
        match self.array()? {
            count if count == items => Ok(()),
            count => Err(refusal::wrong_length(start, "array", count, items)),
        }
    }

    /// The head of a map: its number of entries. [`MapReader`](super::MapReader) checks the order of the keys.
    #[inline]
    pub fn map(&mut self) -> Result<usize, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::MAP => self.count(head.argument, 2, start),
            _ => Err(refusal::wrong_type(head.initial, start, "a map")),
        }
    }

    /// The next item, whatever it is.
    pub fn value(&mut self) -> Result<Value, Error> {
        self.value_within(self.limits.depth_levels)
    }

    /// Checks the next item as strictly as [`value`](Decoder::value) does; gives its bytes.
    pub fn skip(&mut self) -> Result<&'a [u8], Error> {
        let start = self.position;
        self.skip_within(self.limits.depth_levels)?;
        Ok(self.since(start))
    }

    /// Refuses bytes that were not read.
    #[inline]
    pub fn finish(&self) -> Result<(), Error> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(refusal::trailing(self.position, left)),
        }
    }

    /// The head and where it started.
    #[inline]
    pub(super) fn head(&mut self) -> Result<(Head, usize), Error> {
        let start = self.position;
        let (head, position) = head::read(self.bytes, start)?;
        self.position = position;
        Ok((head, start))
    }

    #[inline]
    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(taken) = rest.get(..length) else {
            return Err(head::truncated(self.position, length, rest.len()));
        };
        if length > self.limits.string_bytes {
            return Err(refusal::too_large(
                self.position,
                "string bytes",
                length,
                self.limits.string_bytes,
            ));
        }
        self.position += length;
        Ok(taken)
    }

    #[inline]
    pub(super) fn utf8(&mut self, length: u64) -> Result<&'a str, Error> {
        let start = self.position;
        std::str::from_utf8(self.take(length)?).map_err(|error| refusal::not_utf8(start, error))
    }

    /// A count of items of which each takes at least `least` bytes.
    #[inline]
    pub(super) fn count(&self, argument: u64, least: usize, start: usize) -> Result<usize, Error> {
        let count = usize::try_from(argument).unwrap_or(usize::MAX);
        if count > self.remaining() / least {
            return Err(head::truncated(
                start,
                count.saturating_mul(least),
                self.remaining(),
            ));
        }
        if count > self.limits.container_items {
            return Err(refusal::too_large(
                start,
                "items",
                count,
                self.limits.container_items,
            ));
        }
        Ok(count)
    }
}
