//! Whole items: reading them into values, or over them with the same checks.

use num_bigint::{BigInt, Sign};

use super::decoder::Decoder;
use super::head::{self, Head};
use super::{refusal, MapReader, Value};
use crate::{limits, Error};

impl<'a> Decoder<'a> {
    pub(super) fn value_within(&mut self, levels: usize) -> Result<Value, Error> {
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
                initial => return Err(refusal::unsupported(initial, start)),
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

    pub(super) fn skip_within(&mut self, levels: usize) -> Result<(), Error> {
        let (head, start) = self.head()?;
        match head.major() {
            head::UINT | head::NEGATIVE => {}
            head::BYTES => {
                self.take(head.argument)?;
            }
            head::TEXT => {
                self.utf8(head.argument)?;
            }
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
                while keys
                    .next(self, |decoder| decoder.skip_within(levels))?
                    .is_some()
                {
                    self.skip_within(levels)?;
                }
            }
            _ => match head.initial {
                head::NULL | head::FALSE | head::TRUE => {}
                head::TAG_POSITIVE | head::TAG_NEGATIVE => {
                    self.bignum_bytes(head.initial, start)?;
                }
                initial => return Err(refusal::unsupported(initial, start)),
            },
        }
        Ok(())
    }

    pub(super) fn bignum(&mut self, tag: u8, start: usize) -> Result<Value, Error> {
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
            return Err(refusal::too_large(
                start,
                "integer bytes",
                content.len(),
                limits::INTEGER_BYTES,
            ));
        }
        Ok(content)
    }
}

pub(super) fn small_integer(head: Head) -> Value {
    match (head.major(), i64::try_from(head.argument)) {
        (head::UINT, Ok(argument)) => Value::Int(argument),
        (head::UINT, Err(_)) => Value::BigInt(BigInt::from(head.argument)),
        (_, Ok(argument)) => Value::Int(!argument),
        (_, Err(_)) => Value::BigInt(-1 - BigInt::from(head.argument)),
    }
}

#[inline]
fn deeper(levels: usize, offset: usize) -> Result<usize, Error> {
    levels.checked_sub(1).ok_or_else(|| {
        Error::new(
            "cbor.too_deep",
            offset,
            "arrays and maps are nested too deep here: flatten them",
        )
    })
}
