//! Seals of a network's headers. They come after their blocks: a seal is the next block's commit.
//!
//! A seal is checked, kept in memory at once, and written with the next block, since the store is written by blocks only. What still
//! waits when the ledger is closed goes into a side file; what a crash loses is fetched and added again. Solo chains seal first and
//! come by here only to read.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, MutexGuard, PoisonError};

use codec::cbor::{Decoder, Encoder};
use crypto::Hash32;
use store::{Keyspace, Store, View, WriteSet};

use crate::engine::Engine;
use crate::formats::genesis::Genesis;
use crate::formats::header::{check_seal, Header};
use crate::head::{self, meta, Head};
use crate::members::damaged;
use crate::{limits, Error};

/// Name of the side file with the seals that no block took along.
const FILE: &str = "seals";

/// Whether a chain is sealed by a quorum, and its blocks kept by a consensus engine.
pub(crate) fn is_network(genesis: &Genesis) -> bool {
    genesis.sealers.kind == "cometbft"
}

/// Heights without seal, as ranges: first to last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heights(BTreeMap<u64, u64>);

impl Heights {
    fn range_of(&self, height: u64) -> Option<(u64, u64)> {
        let (first, last) = self.0.range(..=height).next_back()?;
        (height <= *last).then_some((*first, *last))
    }

    fn add(&mut self, height: u64) {
        if self.range_of(height).is_some() {
            return;
        }
        let before = height.checked_sub(1).and_then(|below| self.range_of(below));
        let after = height.checked_add(1).and_then(|above| self.range_of(above));
        let first = before.map_or(height, |(first, _)| first);
        let last = after.map_or(height, |(_, last)| last);
        if let Some((above, _)) = after {
            self.0.remove(&above);
        }
        self.0.insert(first, last);
    }

    fn remove(&mut self, height: u64) {
        let Some((first, last)) = self.range_of(height) else {
            return;
        };
        self.0.remove(&first);
        if first < height {
            self.0.insert(first, height - 1);
        }
        if height < last {
            self.0.insert(height + 1, last);
        }
    }

    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// Where there are very many ranges, the last ones are joined: heights too many are asked for again, none is forgotten.
    fn encode(&self) -> Vec<u8> {
        let kept = self.0.len().min(limits::UNSEALED_RANGES);
        let mut encoder = Encoder::with_capacity(8 + kept * 16);
        encoder.array(kept);
        for (position, (first, last)) in self.0.iter().take(kept).enumerate() {
            let end = self.0.values().next_back().unwrap_or(last);
            let last = if position + 1 == kept { end } else { last };
            encoder.array(2).uint(*first).uint(*last);
        }
        encoder.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        let mut ranges = BTreeMap::new();
        for _ in 0..decoder.array()? {
            decoder.array_exact(2)?;
            ranges.insert(decoder.uint()?, decoder.uint()?);
        }
        decoder.finish()?;
        Ok(Heights(ranges))
    }
}

/// Which headers lack a seal, and the seals that no block took along yet.
#[derive(Default)]
pub(crate) struct Seals {
    waiting: BTreeMap<u64, Arc<[u8]>>,
    waiting_bytes: usize,
    missing: Heights,
}

impl Seals {
    /// As the store's books say.
    pub fn load(view: &View) -> Result<Self, Error> {
        let missing = match view.get(Keyspace::Meta, meta::UNSEALED)? {
            Some(bytes) => Heights::decode(&bytes)?,
            None => Heights::default(),
        };
        Ok(Seals {
            missing,
            ..Seals::default()
        })
    }

    fn keep(&mut self, height: u64, seal: Arc<[u8]>) {
        self.waiting_bytes += seal.len();
        if let Some(old) = self.waiting.insert(height, seal) {
            self.waiting_bytes -= old.len();
        }
        self.missing.remove(height);
    }

    fn written(&mut self, heights: &[u64]) {
        for height in heights {
            if let Some(seal) = self.waiting.remove(height) {
                self.waiting_bytes -= seal.len();
            }
        }
    }

    /// The first seals that wait, as many as one block takes along.
    fn next(&self) -> Vec<(u64, Arc<[u8]>)> {
        let mut bytes = 0;
        let fits = |entry: &(&u64, &Arc<[u8]>)| {
            let first = bytes == 0;
            bytes += entry.1.len();
            first || bytes <= limits::SEALS_BLOCK_BYTES
        };
        let taken = self.waiting.iter().take_while(fits);
        taken
            .map(|(height, seal)| (*height, Arc::clone(seal)))
            .collect()
    }
}

impl Engine {
    fn seals(&self) -> MutexGuard<'_, Seals> {
        self.seals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the chain is sealed by a quorum, after the fact.
    pub(crate) fn is_network(&self) -> bool {
        is_network(&self.genesis)
    }

    /// Whether the books ask for the seal of a height.
    pub(crate) fn lacks_seal(&self, height: u64) -> bool {
        self.seals().missing.range_of(height).is_some()
    }

    /// The seal of a height, wherever it is kept.
    pub(crate) fn seal_of(&self, height: u64) -> Result<Option<Arc<[u8]>>, Error> {
        // In this order: a seal leaves the first place only when it can be seen in the second.
        if let Some(seal) = self.seals().waiting.get(&height) {
            return Ok(Some(Arc::clone(seal)));
        }
        match self.store.get(Keyspace::Meta, &meta::header(height))? {
            Some(bytes) => Ok(head::decode_sealed(&bytes)?.1.map(Into::into)),
            None => Ok(None),
        }
    }

    /// The seal that evidence at this height must carry; none at height 0.
    ///
    /// Errors: `seal.not_yet`.
    pub(crate) fn evidence_seal(&self, height: u64) -> Result<Option<Arc<[u8]>>, Error> {
        let seal = self.seal_of(height)?;
        if seal.is_none() && height > 0 {
            let message = format!("the header of height {height} has no seal yet");
            return Err(Error::new("seal.not_yet", message).hint(
                "ask again in a moment: the block is final, its seal comes with the next one",
            ));
        }
        Ok(seal)
    }

    /// All headers up to this height have their seal.
    pub fn sealed_height(&self) -> u64 {
        let height = self.height();
        let missing = self.seals().missing.iter().next();
        missing.map_or(height, |first| height.min(first.saturating_sub(1)))
    }

    /// Height and consensus height of headers that lack their seal, ascending; none while more wait to be written than memory should hold.
    pub fn unsealed(&self, limit: usize) -> Result<Vec<(u64, u64)>, Error> {
        let head = self.head();
        let seals = self.seals();
        if seals.waiting_bytes >= limits::SEALS_WAITING_BYTES {
            return Ok(Vec::new());
        }
        let within = |height: &u64| *height <= head.height();
        let missing = seals.missing.iter().take_while(within);
        let heights: Vec<u64> = missing.take(limit.min(limits::SCAN_ROWS)).collect();
        drop(seals);
        let one = |height| {
            Ok((
                height,
                self.stored_header(&head, height)?.1.consensus_height,
            ))
        };
        heights.into_iter().map(one).collect()
    }

    pub(crate) fn stored_header(
        &self,
        head: &Head,
        height: u64,
    ) -> Result<(Vec<u8>, Header), Error> {
        let sealed = if height > head.height() {
            None
        } else {
            head::sealed(&head.view, height)?
        };
        let Some((bytes, _)) = sealed else {
            let message = format!("there is no height {height}; the last is {}", head.height());
            return Err(Error::new("block.unknown", message));
        };
        let header = Header::decode(&bytes)?;
        Ok((bytes, header))
    }

    /// Checks the seal of a header and keeps it. One that has its seal keeps the one it has.
    ///
    /// Errors: `block.unknown`, `seal.not_needed` (height 0), `seal.*`.
    pub fn add_seal(&self, height: u64, seal: &[u8]) -> Result<(), Error> {
        if height == 0 {
            let message = "height 0 carries no seal: it is the trust anchor";
            return Err(Error::new("seal.not_needed", message).hint("seals begin at height 1"));
        }
        let (bytes, header) = self.stored_header(&self.head(), height)?;
        if self.seal_of(height)?.is_some() {
            return Ok(());
        }
        let hash = head::header_hash(self.suite(), &bytes);
        self.check_seal(&header, hash, seal)?;
        self.seals().keep(height, seal.into());
        Ok(())
    }

    /// Checks a seal against the set in force at the header's height, up to the next one.
    pub(crate) fn check_seal(
        &self,
        header: &Header,
        hash: Hash32,
        seal: &[u8],
    ) -> Result<(), Error> {
        let head = self.head();
        let set = head
            .set_at(header.height)
            .ok_or_else(|| damaged("sealers"))?;
        let (suite, sealers) = (self.suite(), &set.sealers);
        check_seal(suite, sealers, self.genesis_hash, header, hash, seal).map_err(|error| Error {
            message: format!("height {}: {}", header.height, error.message),
            ..error
        })
    }

    /// Adds the seals that wait to the writes of the block after `parent`, and books which headers lack theirs. Returns the heights written.
    pub(crate) fn take_seals(
        &self,
        parent: &Head,
        sealed: bool,
        writes: &mut WriteSet,
    ) -> Result<Vec<u64>, Error> {
        if !self.is_network() {
            return Ok(Vec::new());
        }
        let mut seals = self.seals();
        let taken = seals.next();
        for (height, seal) in &taken {
            let (header, _) = self.stored_header(parent, *height)?;
            let row = head::encode_sealed(&header, Some(seal));
            writes.put(Keyspace::Meta, meta::header(*height).as_slice(), row);
        }
        if !sealed {
            seals.missing.add(parent.height() + 1);
        }
        let mut missing = seals.missing.clone();
        // What waits on is lost in a crash: the books, as they stand then, must ask for it again.
        seals
            .waiting
            .keys()
            .skip(taken.len())
            .for_each(|height| missing.add(*height));
        writes.put(Keyspace::Meta, meta::UNSEALED, missing.encode());
        Ok(taken.into_iter().map(|(height, _)| height).collect())
    }

    /// The block with these seals is applied.
    pub(crate) fn seals_written(&self, heights: &[u64]) {
        self.seals().written(heights);
    }

    /// Keeps the seals that no block took along for the next start.
    pub(crate) fn save_seals(&self) -> Result<(), Error> {
        if !self.is_network() {
            return Ok(());
        }
        let seals = self.seals();
        if seals.waiting.is_empty() {
            return Ok(self.store.remove_side_file(FILE)?);
        }
        save(&self.store, &seals.waiting)
    }

    /// What an earlier run kept for this one. What cannot be read is fetched again like any seal that is missing.
    pub(crate) fn saved_seals(&self) -> Saved {
        match self.is_network() {
            true => saved(&self.store).unwrap_or_default(),
            false => Saved::default(),
        }
    }

    /// Takes up those of the saved seals that belong to heights up to the last one, checked again.
    pub(crate) fn add_saved(&self, saved: &mut Saved) {
        while let Some(entry) = saved
            .first_entry()
            .filter(|entry| *entry.key() <= self.height())
        {
            let (height, seal) = entry.remove_entry();
            // One that does not fit this history any more is fetched again.
            let _unfit = self.add_seal(height, &seal);
        }
    }
}

/// Seals by height, as the side file has them.
pub(crate) type Saved = BTreeMap<u64, Arc<[u8]>>;

fn save(store: &Store, seals: &Saved) -> Result<(), Error> {
    let bytes: usize = seals.values().map(|seal| seal.len() + 16).sum();
    let mut encoder = Encoder::with_capacity(bytes + 16);
    encoder.array(seals.len());
    for (height, seal) in seals {
        encoder.array(2).uint(*height).bytes(seal);
    }
    Ok(store.write_side_file(FILE, encoder.as_slice())?)
}

fn saved(store: &Store) -> Result<Saved, Error> {
    let mut seals = Saved::new();
    let Some(bytes) = store.read_side_file(FILE)? else {
        return Ok(seals);
    };
    let mut decoder = Decoder::new(&bytes);
    for _ in 0..decoder.array()? {
        decoder.array_exact(2)?;
        seals.insert(decoder.uint()?, decoder.bytes()?.into());
    }
    decoder.finish()?;
    Ok(seals)
}

/// Puts the seals of a store that is about to be set aside into the side file, the oldest first.
pub(crate) fn carry_over(store: &Store) -> Result<(), Error> {
    let mut seals = saved(store).unwrap_or_default();
    let mut bytes: usize = seals.values().map(|seal| seal.len()).sum();
    let (from, to) = (meta::header(0), meta::header(u64::MAX));
    let rows = Bound::Included(from.as_slice());
    let view = store.view();
    for row in view.range(Keyspace::Meta, rows, Bound::Included(to.as_slice()), false) {
        let (key, value) = row?;
        let (Some(height), (_, Some(seal))) = (key.last_chunk(), head::decode_sealed(&value)?)
        else {
            continue;
        };
        bytes += seal.len();
        if bytes > limits::SEALS_REBUILD_BYTES {
            break;
        }
        seals.insert(u64::from_be_bytes(*height), seal.into());
    }
    save(store, &seals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn heights_are_a_set_of_numbers() {
        let (mut heights, mut model) = (Heights::default(), BTreeSet::new());
        let mut seed = 7_u64;
        for _ in 0..5_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let height = (seed >> 33) % 60;
            if seed >> 63 == 0 {
                heights.add(height);
                model.insert(height);
            } else {
                heights.remove(height);
                model.remove(&height);
            }
            assert!(heights.iter().eq(model.iter().copied()), "{heights:?}");
            assert_eq!(Heights::decode(&heights.encode()).unwrap(), heights);
            let apart = heights.0.iter().zip(heights.0.iter().skip(1));
            assert!(apart
                .into_iter()
                .all(|((_, last), (first, _))| last + 1 < *first));
        }
    }

    #[test]
    fn very_many_ranges_are_joined_and_none_is_forgotten() {
        let mut heights = Heights::default();
        let all: Vec<u64> = (0..2_500).map(|number| number * 2 + 1).collect();
        all.iter().for_each(|height| heights.add(*height));
        let read = Heights::decode(&heights.encode()).unwrap();
        assert_eq!(read.0.len(), limits::UNSEALED_RANGES);
        assert!(all.iter().all(|height| read.range_of(*height).is_some()));
    }
}
