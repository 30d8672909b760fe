use std::ops::Range;

use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use super::{head, Value};
use crate::{limits, Error};

/// Writes items in deterministic encoding.
///
/// The typed methods write heads and content as they are called: the caller MUST write as many
/// items as announced, and the keys of a map in ascending order of their encoding.
/// [`value`](Encoder::value) does both by itself.
#[derive(Clone, Default, Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Encoder::default()
    }

    /// An empty encoder with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Encoder {
            bytes: Vec::with_capacity(bytes),
        }
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, integer: u64) -> &mut Self {
        self.head(head::UINT, integer)
    }

    /// Writes an integer with sign.
    pub fn int(&mut self, integer: i64) -> &mut Self {
        match u64::try_from(integer) {
            Ok(argument) => self.head(head::UINT, argument),
            // -1 - n is the complement of n.
            Err(_) => self.head(head::NEGATIVE, !(integer as u64)),
        }
    }

    /// Writes an integer of any size. The caller MUST keep it within 4,096 bits, or decoders
    /// refuse it; [`value`](Encoder::value) checks that.
    pub fn bigint(&mut self, integer: &BigInt) -> &mut Self {
        let negative = integer.sign() == Sign::Minus;
        let content = if negative {
            -1 - integer
        } else {
            integer.clone()
        };
        match (content.to_u64(), negative) {
            (Some(argument), false) => self.head(head::UINT, argument),
            (Some(argument), true) => self.head(head::NEGATIVE, argument),
            (None, _) => {
                self.bytes.push(if negative {
                    head::TAG_NEGATIVE
                } else {
                    head::TAG_POSITIVE
                });
                self.bytes(&content.to_bytes_be().1)
            }
        }
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(head::BYTES, bytes.len() as u64).raw(bytes)
    }

    /// Writes a text string.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(head::TEXT, text.len() as u64)
            .raw(text.as_bytes())
    }

    /// Writes false or true.
    pub fn bool(&mut self, bool: bool) -> &mut Self {
        self.bytes.push(if bool { head::TRUE } else { head::FALSE });
        self
    }

    /// Writes null.
    pub fn null(&mut self) -> &mut Self {
        self.bytes.push(head::NULL);
        self
    }

    /// Writes the head of an array of `length` items, which the caller writes next.
    pub fn array(&mut self, length: usize) -> &mut Self {
        self.head(head::ARRAY, length as u64)
    }

    /// Writes the head of a map of `length` entries, which the caller writes next, in order.
    pub fn map(&mut self, length: usize) -> &mut Self {
        self.head(head::MAP, length as u64)
    }

    /// Writes bytes that are already encoded.
    pub fn raw(&mut self, encoded: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(encoded);
        self
    }

    /// Writes a value; sorts the entries of maps.
    ///
    /// Refuses, leaving what was written before: a key twice (`cbor.duplicate_key`), too much
    /// nesting (`cbor.too_deep`), integers, strings and containers above their limit
    /// (`cbor.too_large`). What it accepts, the default decoder accepts.
    pub fn value(&mut self, value: &Value) -> Result<&mut Self, Error> {
        let start = self.bytes.len();
        match self.value_within(value, limits::DEPTH_LEVELS) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// What was written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn value_within(&mut self, value: &Value, levels: usize) -> Result<(), Error> {
        match value {
            Value::Null => drop(self.null()),
            Value::Bool(bool) => drop(self.bool(*bool)),
            Value::Int(integer) => drop(self.int(*integer)),
            Value::BigInt(integer) => {
                self.within("integer bits", integer.bits(), limits::INTEGER_BITS)?;
                self.bigint(integer);
            }
            Value::Bytes(bytes) => {
                self.within(
                    "string bytes",
                    bytes.len() as u64,
                    limits::STRING_BYTES as u64,
                )?;
                self.bytes(bytes);
            }
            Value::Text(text) => {
                self.within(
                    "string bytes",
                    text.len() as u64,
                    limits::STRING_BYTES as u64,
                )?;
                self.text(text);
            }
            Value::Array(items) => {
                let levels = self.open(head::ARRAY, items.len(), levels)?;
                for item in items {
                    self.value_within(item, levels)?;
                }
            }
            Value::Map(entries) => {
                let levels = self.open(head::MAP, entries.len(), levels)?;
                self.entries(entries, levels)?;
            }
        }
        Ok(())
    }

    /// Writes the head of a container; gives the levels left inside of it.
    fn open(&mut self, major: u8, length: usize, levels: usize) -> Result<usize, Error> {
        self.within("items", length as u64, limits::CONTAINER_ITEMS as u64)?;
        let inside = levels.checked_sub(1).ok_or_else(|| {
            let message = "arrays and maps are nested too deep here: flatten them";
            Error::new("cbor.too_deep", self.bytes.len(), message)
        })?;
        self.head(major, length as u64);
        Ok(inside)
    }

    /// Writes entries as they come, and puts them in order only if they were not.
    fn entries(&mut self, entries: &[(Value, Value)], levels: usize) -> Result<(), Error> {
        let start = self.bytes.len();
        let mut previous: Range<usize> = start..start;
        let mut sorted = true;
        let mut spans = Vec::new();
        for (index, (key, value)) in entries.iter().enumerate() {
            let begin = self.bytes.len();
            self.value_within(key, levels)?;
            let key = begin..self.bytes.len();
            sorted &= index == 0 || self.bytes[previous] < self.bytes[key.clone()];
            self.value_within(value, levels)?;
            previous = key.clone();
            spans.push((key, self.bytes.len()));
        }
        if sorted {
            return Ok(());
        }
        self.reorder(start, spans)
    }

    fn reorder(
        &mut self,
        start: usize,
        mut spans: Vec<(Range<usize>, usize)>,
    ) -> Result<(), Error> {
        let written = self.bytes.split_off(start);
        let at = |range: &Range<usize>| &written[range.start - start..range.end - start];
        spans.sort_by(|(a, _), (b, _)| at(a).cmp(at(b)));
        if let Some(pair) = spans
            .windows(2)
            .find(|pair| at(&pair[0].0) == at(&pair[1].0))
        {
            let message = "the map has one key twice";
            return Err(Error::new("cbor.duplicate_key", pair[1].0.start, message));
        }
        for (key, end) in spans {
            self.raw(&written[key.start - start..end - start]);
        }
        Ok(())
    }

    fn within(&self, what: &str, found: u64, limit: u64) -> Result<(), Error> {
        if found <= limit {
            return Ok(());
        }
        let message = format!("{found} {what} are above the limit of {limit}");
        Err(Error::new("cbor.too_large", self.bytes.len(), message))
    }

    fn head(&mut self, major: u8, argument: u64) -> &mut Self {
        let major = major << 5;
        match argument {
            0..=23 => self.bytes.push(major | argument as u8),
            24..=0xff => self.bytes.extend_from_slice(&[major | 24, argument as u8]),
            0x100..=0xffff => self.long_head(major | 25, &(argument as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.long_head(major | 26, &(argument as u32).to_be_bytes()),
            _ => self.long_head(major | 27, &argument.to_be_bytes()),
        }
        self
    }

    fn long_head(&mut self, initial: u8, argument: &[u8]) {
        self.bytes.push(initial);
        self.bytes.extend_from_slice(argument);
    }
}
