use num_bigint::{BigInt, Sign};

use super::head::{self, Head};
use super::{MapReader, Value};
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
        Decoder { bytes, position: 0, limits }
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
        kind(initial, self.position)
    }

    /// An unsigned integer of 64 bits.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::UINT => Ok(head.argument),
            _ => Err(not_this_integer(head, start, "an unsigned integer of 64 bits")),
        }
    }

    /// An integer of 64 bits with sign.
    #[inline]
    pub fn int(&mut self) -> Result<i64, Error> {
        let (head, start) = self.head()?;
        match (head.major(), i64::try_from(head.argument)) {
            (head::UINT, Ok(argument)) => Ok(argument),
            (head::NEGATIVE, Ok(argument)) => Ok(!argument),
            _ => Err(not_this_integer(head, start, "an integer from -2^63 to 2^63 - 1")),
        }
    }

    /// An integer of any size: [`Value::Int`] or [`Value::BigInt`].
    pub fn integer(&mut self) -> Result<Value, Error> {
        let (head, start) = self.head()?;
        match head.initial {
            head::TAG_POSITIVE | head::TAG_NEGATIVE => self.bignum(head.initial, start),
            _ if head.major() <= head::NEGATIVE => Ok(small_integer(head)),
            _ => Err(wrong_type(head.initial, start, "an integer")),
        }
    }

    /// A byte string.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let (head, start) = self.head()?;
        if head.major() != head::BYTES {
            return Err(wrong_type(head.initial, start, "a byte string"));
        }
        self.take(head.argument)
    }

    /// A byte string of exactly `N` bytes, borrowed.
    #[inline]
    pub fn bytes_ref<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let start = self.position;
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| wrong_length(start, "byte string", bytes.len(), N))
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
            return Err(wrong_type(head.initial, start, "a text string"));
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
            initial => Err(wrong_type(initial, start, "false or true")),
        }
    }

    /// Null.
    #[inline]
    pub fn null(&mut self) -> Result<(), Error> {
        let (head, start) = self.head()?;
        match head.initial {
            head::NULL => Ok(()),
            initial => Err(wrong_type(initial, start, "null")),
        }
    }

    /// The head of an array: its number of items, never above the bytes that are left.
    #[inline]
    pub fn array(&mut self) -> Result<usize, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::ARRAY => self.count(head.argument, 1, start),
            _ => Err(wrong_type(head.initial, start, "an array")),
        }
    }

    /// The head of an array that MUST have exactly `items` items.
    #[inline]
    pub fn array_exact(&mut self, items: usize) -> Result<(), Error> {
        let start = self.position;
        match self.array()? {
            count if count == items => Ok(()),
            count => Err(wrong_length(start, "array", count, items)),
        }
    }

    /// The head of a map: its number of entries. [`MapReader`] checks the order of the keys.
    #[inline]
    pub fn map(&mut self) -> Result<usize, Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::MAP => self.count(head.argument, 2, start),
            _ => Err(wrong_type(head.initial, start, "a map")),
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
            left => Err(trailing(self.position, left)),
        }
    }

    fn value_within(&mut self, levels: usize) -> Result<Value, Error> {
        let (head, start) = self.head()?;
        Ok(match head.major() {
            head::UINT | head::NEGATIVE => small_integer(head),
            head::BYTES => Value::Bytes(self.take(head.argument)?.to_vec()),
            head::TEXT => Value::Text(self.utf8(head.argument)?.to_owned()),
            head::ARRAY => {
                let count = self.count(head.argument, 1, start)?;
                self.array_value(count, deeper(levels, start)?)?
            }
            head::MAP => {
                let count = self.count(head.argument, 2, start)?;
                self.map_value(count, deeper(levels, start)?)?
            }
            _ => match head.initial {
                head::NULL => Value::Null,
                head::FALSE => Value::Bool(false),
                head::TRUE => Value::Bool(true),
                head::TAG_POSITIVE | head::TAG_NEGATIVE => self.bignum(head.initial, start)?,
                initial => return Err(unsupported(initial, start)),
            },
        })
    }

    fn array_value(&mut self, count: usize, levels: usize) -> Result<Value, Error> {
        let mut items = Vec::with_capacity(count.min(limits::RESERVED_ITEMS));
        for _ in 0..count {
            items.push(self.value_within(levels)?);
        }
        Ok(Value::Array(items))
    }

    fn map_value(&mut self, count: usize, levels: usize) -> Result<Value, Error> {
        let mut entries = Vec::with_capacity(count.min(limits::RESERVED_ITEMS));
        let mut keys = MapReader::of(count);
        while let Some(key) = keys.next(self, |decoder| decoder.value_within(levels))? {
            entries.push((key, self.value_within(levels)?));
        }
        Ok(Value::Map(entries))
    }

    fn skip_within(&mut self, levels: usize) -> Result<(), Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::UINT | head::NEGATIVE => {}
            head::BYTES => drop(self.take(head.argument)?),
            head::TEXT => drop(self.utf8(head.argument)?),
            head::ARRAY => {
                let count = self.count(head.argument, 1, start)?;
                let levels = deeper(levels, start)?;
                for _ in 0..count {
                    self.skip_within(levels)?;
                }
            }
            head::MAP => {
                let mut keys = MapReader::of(self.count(head.argument, 2, start)?);
                let levels = deeper(levels, start)?;
                while keys.next(self, |decoder| decoder.skip_within(levels))?.is_some() {
                    self.skip_within(levels)?;
                }
            }
            _ => match head.initial {
                head::NULL | head::FALSE | head::TRUE => {}
                head::TAG_POSITIVE | head::TAG_NEGATIVE => drop(self.bignum_bytes(head.initial, start)?),
                initial => return Err(unsupported(initial, start)),
            },
        }
        Ok(())
    }

    /// The head and where it started.
    #[inline]
    fn head(&mut self) -> Result<(Head, usize), Error> {
        let start = self.position;
        let (head, position) = head::read(self.bytes, start)?;
        self.position = position;
        Ok((head, start))
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(taken) = rest.get(..length) else {
            return Err(head::truncated(self.position, length, rest.len()));
        };
        if length > self.limits.string_bytes {
            return Err(too_large(self.position, "string bytes", length, self.limits.string_bytes));
        }
        self.position += length;
        Ok(taken)
    }

    #[inline]
    fn utf8(&mut self, length: u64) -> Result<&'a str, Error> {
        let start = self.position;
        std::str::from_utf8(self.take(length)?).map_err(|error| not_utf8(start, error))
    }

    /// A count of items of which each takes at least `least` bytes.
    #[inline]
    fn count(&self, argument: u64, least: usize, start: usize) -> Result<usize, Error> {
        let count = usize::try_from(argument).unwrap_or(usize::MAX);
        if count > self.remaining() / least {
            return Err(head::truncated(start, count.saturating_mul(least), self.remaining()));
        }
        if count > self.limits.container_items {
            return Err(too_large(start, "items", count, self.limits.container_items));
        }
        Ok(count)
    }

    fn bignum(&mut self, tag: u8, start: usize) -> Result<Value, Error> {
        let magnitude = BigInt::from_bytes_be(Sign::Plus, self.bignum_bytes(tag, start)?);
        match tag {
            head::TAG_NEGATIVE => Ok(Value::BigInt(-1 - magnitude)),
            _ => Ok(Value::BigInt(magnitude)),
        }
    }

    /// The content of a bignum: the value, or -1 minus it for the negative tag.
    fn bignum_bytes(&mut self, tag: u8, start: usize) -> Result<&'a [u8], Error> {
        let content = self.bytes()?;
        if content.first().is_none_or(|&byte| byte == 0) {
            let message = "a bignum has no leading zeros: use the shortest form";
            return Err(Error::new("cbor.not_canonical", start, message));
        }
        if content.len() <= 8 {
            let message = "a bignum that fits 64 bits: use the plain integer";
            return Err(Error::new("cbor.not_canonical", start, message));
        }
        // -1 minus 4,096 one bits has 4,097 bits.
        let overflows = tag == head::TAG_NEGATIVE
            && content.len() == limits::INTEGER_BYTES
            && content.iter().all(|&byte| byte == 0xff);
        if content.len() > limits::INTEGER_BYTES || overflows {
            return Err(too_large(start, "integer bytes", content.len(), limits::INTEGER_BYTES));
        }
        Ok(content)
    }
}

fn small_integer(head: Head) -> Value {
    match (head.major(), i64::try_from(head.argument)) {
        (head::UINT, Ok(argument)) => Value::Int(argument),
        (head::UINT, Err(_)) => Value::BigInt(BigInt::from(head.argument)),
        (_, Ok(argument)) => Value::Int(!argument),
        (_, Err(_)) => Value::BigInt(-1 - BigInt::from(head.argument)),
    }
}

fn kind(initial: u8, offset: usize) -> Result<Kind, Error> {
    match (initial >> 5, initial) {
        (head::UINT | head::NEGATIVE, _) | (_, head::TAG_POSITIVE | head::TAG_NEGATIVE) => Ok(Kind::Int),
        (head::BYTES, _) => Ok(Kind::Bytes),
        (head::TEXT, _) => Ok(Kind::Text),
        (head::ARRAY, _) => Ok(Kind::Array),
        (head::MAP, _) => Ok(Kind::Map),
        (_, head::FALSE | head::TRUE) => Ok(Kind::Bool),
        (_, head::NULL) => Ok(Kind::Null),
        _ => Err(unsupported(initial, offset)),
    }
}

#[inline]
fn deeper(levels: usize, offset: usize) -> Result<usize, Error> {
    levels.checked_sub(1).ok_or_else(|| {
        Error::new("cbor.too_deep", offset, "arrays and maps are nested too deep here: flatten them")
    })
}

#[cold]
#[inline(never)]
fn unsupported(initial: u8, offset: usize) -> Error {
    if initial >> 5 == head::SIMPLE {
        return head::refused_simple(offset, initial);
    }
    Error::new("cbor.unsupported", offset, "no tag but 2 and 3 (bignums) is allowed")
}

#[cold]
#[inline(never)]
fn wrong_type(initial: u8, offset: usize, wanted: &str) -> Error {
    match kind(initial, offset) {
        Ok(found) => Error::new("cbor.type", offset, format!("{wanted} belongs here, this is {found:?}")),
        Err(error) => error,
    }
}

#[cold]
#[inline(never)]
fn not_this_integer(head: Head, offset: usize, wanted: &str) -> Error {
    match kind(head.initial, offset) {
        Ok(Kind::Int) => Error::new("cbor.out_of_range", offset, format!("{wanted} belongs here")),
        _ => wrong_type(head.initial, offset, wanted),
    }
}

#[cold]
#[inline(never)]
fn wrong_length(offset: usize, what: &str, found: usize, wanted: usize) -> Error {
    Error::new("cbor.length", offset, format!("this {what} has length {found}, it must be {wanted}"))
}

#[cold]
#[inline(never)]
fn too_large(offset: usize, what: &str, found: usize, limit: usize) -> Error {
    Error::new("cbor.too_large", offset, format!("{found} {what} are above the limit of {limit}"))
}

#[cold]
#[inline(never)]
fn not_utf8(start: usize, error: std::str::Utf8Error) -> Error {
    Error::new("cbor.utf8", start + error.valid_up_to(), "this text is not UTF-8")
}

#[cold]
#[inline(never)]
fn trailing(offset: usize, left: usize) -> Error {
    Error::new("cbor.trailing", offset, format!("{left} bytes follow the item: remove them"))
}
