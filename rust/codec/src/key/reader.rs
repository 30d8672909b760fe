use num_bigint::{BigInt, Sign};

use super::{
    Part, BYTES, ESCAPE, FALSE, LARGEST, LARGE_NEGATIVE, LARGE_POSITIVE, SMALLEST, TEXT, TRUE, ZERO,
};
use crate::{limits, Error};

/// Reads a key part by part.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    key: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `key`.
    pub fn new(key: &'a [u8]) -> Self {
        Reader { key, position: 0 }
    }

    /// The parts that were not read yet, encoded.
    pub fn rest(&self) -> &'a [u8] {
        self.key.get(self.position..).unwrap_or_default()
    }

    /// The next part; `None` at the end.
    pub fn next_part(&mut self) -> Result<Option<Part>, Error> {
        let start = self.position;
        let Some(&code) = self.key.get(start) else {
            return Ok(None);
        };
        self.position += 1;
        let part = match code {
            FALSE | TRUE => Part::Bool(code == TRUE),
            BYTES => Part::Bytes(self.string()?),
            TEXT => Part::Text(self.utf8(start)?),
            SMALLEST..=LARGEST => self.small(code, start)?,
            LARGE_NEGATIVE | LARGE_POSITIVE => self.large(code == LARGE_NEGATIVE, start)?,
            _ => {
                let message = format!("0x{code:02x} starts no key part");
                return Err(Error::new("key.malformed", start, message));
            }
        };
        Ok(Some(part))
    }

    /// The next part, which MUST be text; `what` names it in the error.
    pub(super) fn text(&mut self, what: &str) -> Result<String, Error> {
        let start = self.position;
        match self.next_part()? {
            Some(Part::Text(text)) => Ok(text),
            Some(_) => Err(Error::new(
                "key.malformed",
                start,
                format!("{what} must be text"),
            )),
            None => Err(Error::new(
                "key.truncated",
                start,
                format!("{what} is missing"),
            )),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let rest = self.rest();
        let Some(taken) = rest.get(..length) else {
            let message = format!("{length} bytes are needed here, {} are left", rest.len());
            return Err(Error::new("key.truncated", self.position, message));
        };
        self.position += length;
        Ok(taken)
    }

    fn string(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        loop {
            let rest = self.rest();
            let Some(run) = rest.iter().position(|&byte| byte == 0) else {
                let message = "the string has no end: 00 is missing";
                return Err(Error::new("key.truncated", self.key.len(), message));
            };
            bytes.extend_from_slice(&rest[..run]);
            self.position += run + 1;
            if rest.get(run + 1) != Some(&ESCAPE) {
                return Ok(bytes);
            }
            self.position += 1;
            bytes.push(0);
        }
    }

    fn utf8(&mut self, start: usize) -> Result<String, Error> {
        let malformed = |_| Error::new("key.malformed", start, "this text is not UTF-8");
        String::from_utf8(self.string()?).map_err(malformed)
    }

    fn small(&mut self, code: u8, start: usize) -> Result<Part, Error> {
        let negative = code < ZERO;
        let mask = if negative { 0xff } else { 0 };
        let bytes = self.take(usize::from(code.abs_diff(ZERO)))?;
        let magnitude = bytes
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(byte ^ mask));
        if bytes.first() == Some(&mask) {
            return Err(not_shortest(start));
        }
        let integer = if negative {
            -i128::from(magnitude)
        } else {
            i128::from(magnitude)
        };
        match i64::try_from(integer) {
            Ok(integer) => Ok(Part::Int(integer)),
            Err(_) => Ok(Part::BigInt(BigInt::from(integer))),
        }
    }

    fn large(&mut self, negative: bool, start: usize) -> Result<Part, Error> {
        let mask = if negative { 0xff } else { 0 };
        let length = self
            .take(2)?
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(byte ^ mask));
        if length > limits::INTEGER_BYTES {
            let message = format!(
                "an integer of {length} bytes is above the limit of {}",
                limits::INTEGER_BYTES
            );
            return Err(Error::new("key.too_large", start, message));
        }
        let magnitude: Vec<u8> = self.take(length)?.iter().map(|byte| byte ^ mask).collect();
        if length <= 8 || magnitude.first() == Some(&0) {
            return Err(not_shortest(start));
        }
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(Part::BigInt(BigInt::from_bytes_be(sign, &magnitude)))
    }
}

fn not_shortest(offset: usize) -> Error {
    Error::new(
        "key.not_canonical",
        offset,
        "the integer is not in its shortest form",
    )
}
