//! The way from the set that an anchor names to the one that sealed a header: as few seals as lead there.
//!
//! A seal is believed because of the one before it as CometBFT's light client says: more than one third of the power that is trusted
//! signed it, or it stands right behind and is by the set that was named as next. The first and the last header of each set are
//! enough to go over any number of changes: the block after a change always has a header, so its seal stands right behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codec::cbor::{self, Value};

use crate::engine::Engine;
use crate::formats::header::{Header, Sealers};
use crate::formats::quorum::{validators_hash, QuorumSeal};
use crate::head::{self, Head};
use crate::members::damaged;
use crate::{limits, Error};

/// A set that is trusted at a height of CometBFT, and the validators hash of the next one.
struct Trusted {
    powers: BTreeMap<[u8; 32], u64>,
    sealers: Sealers,
    height: i64,
    next: Vec<u8>,
}

impl Trusted {
    fn of_genesis(sealers: &Sealers) -> Self {
        Self::new(sealers.clone(), 0, validators_hash(sealers).0.to_vec())
    }

    fn of_seal(seal: &[u8]) -> Result<Self, Error> {
        let seal = QuorumSeal::decode(seal)?;
        let next = seal.header.next_validators().to_vec();
        Ok(Self::new(seal.sealers, seal.header.height, next))
    }

    fn new(sealers: Sealers, height: i64, next: Vec<u8>) -> Self {
        Trusted {
            powers: sealers.members.iter().copied().collect(),
            sealers,
            height,
            next,
        }
    }

    /// Whether these members have more than one third of the power.
    fn is_third(&self, members: impl Iterator<Item = [u8; 32]>) -> bool {
        let total: u128 = self.powers.values().map(|power| u128::from(*power)).sum();
        let theirs: u128 = members
            .filter_map(|key| self.powers.get(&key))
            .map(|power| u128::from(*power))
            .sum();
        theirs * 3 > total
    }

    /// Whether this seal is believed because of this set.
    fn bears(&self, seal: &QuorumSeal<'_>) -> bool {
        if seal.header.height <= self.height {
            return false;
        }
        if seal.header.height == self.height + 1 {
            return seal.header.validators() == self.next;
        }
        let votes = seal.commit.votes.iter().zip(&seal.sealers.members);
        let signed = votes.filter(|(vote, _)| vote.is_some_and(|vote| vote.for_block));
        self.is_third(signed.map(|(_, (key, _))| *key))
    }

    /// Whether a seal by this set, of the header that was ordered at `consensus_height`, may be believed, whoever of the set signs.
    fn bears_all_of(&self, set: &Sealers, consensus_height: u64) -> bool {
        if *set == self.sealers {
            return true;
        }
        let sealed_at =
            i64::try_from(consensus_height).map_or(0, |height| height.saturating_add(1));
        sealed_at == self.height + 1 && validators_hash(set).0.as_slice() == self.next
    }
}

impl Engine {
    /// The steps to the set that seals the header at `height`. `seal` is that header's, where it has one yet.
    ///
    /// Errors: `seal.not_yet` where a seal on the way is not there; `steps.too_many`; `seal.*` where the anchor's own is not good.
    pub(crate) fn steps(
        &self,
        head: &Head,
        height: u64,
        seal: Option<&[u8]>,
        anchor: Option<&[u8]>,
    ) -> Result<Vec<Arc<[u8]>>, Error> {
        if !self.is_network() {
            return Ok(Vec::new());
        }
        let Some((from, mut trusted)) = self.trusted(head, height, anchor)? else {
            return Ok(Vec::new());
        };
        let set = head.set_at(height).ok_or_else(|| damaged("sealers"))?;
        if set.sealers == trusted.sealers {
            return Ok(Vec::new());
        }
        let places = turning_places(head, from, height);
        let seal = seal.map(QuorumSeal::decode).transpose()?;
        let consensus_height = match &seal {
            Some(_) => 0,
            None => self.stored_header(head, height)?.1.consensus_height,
        };
        let mut steps = Vec::new();
        loop {
            let there = match &seal {
                Some(seal) => trusted.bears(seal),
                None => trusted.bears_all_of(&set.sealers, consensus_height),
            };
            if there {
                return Ok(steps);
            }
            let step = self.furthest(head, &places, &trusted)?;
            trusted = Trusted::of_seal(&step)?;
            steps.push(step);
            if steps.len() > limits::STEPS {
                return Err(too_many(from, height));
            }
        }
    }

    /// The anchor's height and its set; none where the header lies in the anchor's own history.
    fn trusted(
        &self,
        head: &Head,
        height: u64,
        anchor: Option<&[u8]>,
    ) -> Result<Option<(u64, Trusted)>, Error> {
        let file = anchor.map(cbor::decode).transpose()?;
        let parts = file
            .as_ref()
            .and_then(|file| Some((file.get("header")?, file.get("seal")?)));
        let (from, trusted) = match parts {
            Some((Value::Bytes(bytes), seal)) => {
                let header = Header::decode(bytes)?;
                let seal = cbor::encode(seal)?;
                self.check_seal(&header, head::header_hash(self.suite(), bytes), &seal)?;
                (header.height, Trusted::of_seal(&seal)?)
            }
            _ => {
                let set = head.set_at(0).ok_or_else(|| damaged("sealers"))?;
                (0, Trusted::of_genesis(&set.sealers))
            }
        };
        Ok((from < height).then_some((from, trusted)))
    }

    /// The last of these places whose seal is believed because of what is trusted.
    fn furthest(
        &self,
        head: &Head,
        places: &BTreeSet<u64>,
        trusted: &Trusted,
    ) -> Result<Arc<[u8]>, Error> {
        let mut missing = None;
        for place in places.iter().rev() {
            let Some(set) = head.set_at(*place) else {
                continue;
            };
            // Cheap, and often enough: nobody of those who could sign it counts. A seal right behind needs nobody.
            let could = trusted.is_third(set.sealers.members.iter().map(|(key, _)| *key));
            if !could && validators_hash(&set.sealers).0.as_slice() != trusted.next {
                continue;
            }
            match self.seal_of(*place)? {
                None => missing = Some(*place),
                Some(seal) if trusted.bears(&QuorumSeal::decode(&seal)?) => return Ok(seal),
                Some(_) => {}
            }
        }
        let place = missing.map_or_else(
            || "no seal that is there leads on".to_owned(),
            |place| format!("the header of height {place} has no seal yet"),
        );
        let message = format!("{place}: the set of validators changed, and its seals show how");
        Err(Error::new("seal.not_yet", message)
            .hint("ask again in a moment; else ask a node that has this seal"))
    }
}

/// First and last heights of sets, above `from` and below `to`.
fn turning_places(head: &Head, from: u64, to: u64) -> BTreeSet<u64> {
    let turns = head
        .sets
        .keys()
        .flat_map(|first| [first.saturating_sub(1), *first]);
    turns
        .filter(|place| (from + 1..to).contains(place))
        .collect()
}

fn too_many(from: u64, to: u64) -> Error {
    let most = limits::STEPS;
    let message = format!("the set of validators changed too often between heights {from} and {to}: more than {most} steps");
    Error::new("steps.too_many", message)
        .in_field("anchor")
        .hint("give a newer anchor, which you checked yourself: `lianheng block HEIGHT -o FILE` writes one")
}
