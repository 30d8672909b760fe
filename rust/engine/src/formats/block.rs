//! A block as the log keeps it and as exports carry it.

use codec::cbor::{Decoder, Encoder};

use super::header::expect_tag;
use crate::Error;

const TAG: &str = "lianheng.block.1";

/// A decoded block: slices of the record it came from.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The header's bytes.
    pub header: &'a [u8],
    /// The seal, encoded, where there is one.
    pub seal: Option<&'a [u8]>,
    /// Full signed bytes of every transaction carried.
    pub transactions: Vec<&'a [u8]>,
    /// Encoded entries.
    pub entries: Vec<&'a [u8]>,
}

impl<'a> Block<'a> {
    /// Decodes strictly; what lies inside the byte strings is not looked at.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(5)?;
        expect_tag(&mut decoder, TAG)?;
        let header = decoder.bytes()?;
        let seal = decoder.skip()?;
        let transactions = strings(&mut decoder)?;
        let entries = strings(&mut decoder)?;
        decoder.finish()?;
        Ok(Block {
            header,
            seal: (seal != [0xf6]).then_some(seal),
            transactions,
            entries,
        })
    }

    /// The transaction of an entry; none where the entry is of a run of the chain's own, which stand first.
    pub fn transaction_of(&self, index: usize) -> Option<&'a [u8]> {
        let runs = self.entries.len().saturating_sub(self.transactions.len());
        let position = index.checked_sub(runs)?;
        self.transactions.get(position).copied()
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let size = |items: &[&[u8]]| items.iter().map(|item| item.len() + 5).sum::<usize>();
        let mut encoder =
            Encoder::with_capacity(512 + size(&self.transactions) + size(&self.entries));
        encoder.array(5).text(TAG).bytes(self.header);
        match self.seal {
            Some(seal) => encoder.raw(seal),
            None => encoder.null(),
        };
        for items in [&self.transactions, &self.entries] {
            encoder.array(items.len());
            for item in items {
                encoder.bytes(item);
            }
        }
        encoder.into_bytes()
    }
}

fn strings<'a>(decoder: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>, Error> {
    let count = decoder.array()?;
    let mut items = Vec::with_capacity(count.min(4_096));
    for _ in 0..count {
        items.push(decoder.bytes()?);
    }
    Ok(items)
}
