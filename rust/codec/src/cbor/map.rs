use super::decoder::Decoder;
use crate::Error;

/// Reads the keys of a map in turn and checks that they ascend strictly, without allocating.
///
/// ```
/// # fn main() -> Result<(), codec::Error> {
/// use codec::cbor::{Decoder, MapReader};
/// let mut decoder = Decoder::new(&[0xa2, 0x01, 0x0a, 0x04, 0x0b]);
/// let mut map = MapReader::open(&mut decoder)?;
/// while let Some(key) = map.int_key(&mut decoder)? {
///     let value = decoder.uint()?;
///     assert!(matches!((key, value), (1, 10) | (4, 11)));
/// }
/// decoder.finish()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MapReader<'a> {
    remaining: usize,
    previous: Option<&'a [u8]>,
}

impl<'a> MapReader<'a> {
    /// Reads the head of a map. The caller MUST read one value after each key.
    pub fn open(decoder: &mut Decoder<'a>) -> Result<Self, Error> {
        Ok(MapReader::of(decoder.map()?))
    }

    /// A reader of `entries` entries whose head has been read.
    pub(crate) fn of(entries: usize) -> Self {
        MapReader {
            remaining: entries,
            previous: None,
        }
    }

    /// Entries whose keys have not been read yet.
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// The next key, which MUST be an integer of 64 bits with sign; `None` after the last entry.
    pub fn int_key(&mut self, decoder: &mut Decoder<'a>) -> Result<Option<i64>, Error> {
        self.next(decoder, Decoder::int)
    }

    /// The next key, which MUST be an unsigned integer of 64 bits; `None` after the last entry.
    pub fn uint_key(&mut self, decoder: &mut Decoder<'a>) -> Result<Option<u64>, Error> {
        self.next(decoder, Decoder::uint)
    }

    /// The next key, which MUST be a text string; `None` after the last entry.
    pub fn text_key(&mut self, decoder: &mut Decoder<'a>) -> Result<Option<&'a str>, Error> {
        self.next(decoder, Decoder::text)
    }

    /// The next key, of any type, as its encoded bytes; `None` after the last entry.
    pub fn raw_key(&mut self, decoder: &mut Decoder<'a>) -> Result<Option<&'a [u8]>, Error> {
        self.next(decoder, Decoder::skip)
    }

    #[inline]
    pub(crate) fn next<T>(
        &mut self,
        decoder: &mut Decoder<'a>,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let start = decoder.position();
        let key = read(decoder)?;
        let encoded = decoder.since(start);
        if let Some(previous) = self.previous.filter(|previous| *previous >= encoded) {
            return Err(out_of_order(previous == encoded, start));
        }
        self.previous = Some(encoded);
        self.remaining -= 1;
        Ok(Some(key))
    }
}

#[cold]
#[inline(never)]
fn out_of_order(duplicate: bool, offset: usize) -> Error {
    if duplicate {
        return Error::new("cbor.duplicate_key", offset, "the map has this key twice");
    }
    let message = "this key sorts before the one in front of it: sort entries by encoded key";
    Error::new("cbor.not_canonical", offset, message)
}
