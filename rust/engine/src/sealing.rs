//! Which set seals which header: the rows `members.votes` after a block are the set of the next one.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::Value;
use crypto::{Hash32, Suite};

use crate::engine::Engine;
use crate::formats::header::Sealers;
use crate::formats::quorum::address;
use crate::head::Head;
use crate::members::damaged;
use crate::Error;

/// A set that seals headers, and its hash as they name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Keys and powers.
    pub sealers: Sealers,
    /// Its hash.
    pub hash: Hash32,
}

impl Set {
    pub(crate) fn of(sealers: Sealers, suite: Suite) -> Arc<Self> {
        let hash = suite.hash(&sealers.encode());
        Arc::new(Set { sealers, hash })
    }
}

/// Sets by the height of the first header that each seals. A chain has one from height 0 on.
pub(crate) type Sets = BTreeMap<u64, Arc<Set>>;

/// A validator in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The node's id.
    pub member: String,
    /// The key that it votes with.
    pub public: [u8; 32],
    /// Its power.
    pub power: u64,
}

/// The validators in force, by member; none where one sequencer seals.
#[derive(Clone, Debug, Default)]
pub struct Validators {
    all: BTreeMap<String, Validator>,
    set: Option<Arc<Set>>,
}

impl Validators {
    /// All of them, by member.
    pub fn iter(&self) -> impl Iterator<Item = &Validator> {
        self.all.values()
    }

    /// The set that they are.
    pub(crate) fn set(&self) -> Option<&Arc<Set>> {
        self.set.as_ref()
    }

    /// Takes in a row, or that there is none any more. [`Validators::settle`] MUST follow.
    pub(crate) fn take(&mut self, member: String, row: Option<&Value>) -> Result<(), Error> {
        self.set = None;
        let Some(row) = row else {
            self.all.remove(&member);
            return Ok(());
        };
        let (Some(Value::Bytes(public)), Some(Value::Int(power))) =
            (row.get("public"), row.get("power"))
        else {
            return Err(damaged("public"));
        };
        let public = public.as_slice().try_into();
        let power = u64::try_from(*power).ok().filter(|power| *power > 0);
        let (Ok(public), Some(power)) = (public, power) else {
            return Err(damaged("power"));
        };
        let validator = Validator {
            member: member.clone(),
            public,
            power,
        };
        self.all.insert(member, validator);
        Ok(())
    }

    /// Puts the set together where it changed.
    pub(crate) fn settle(&mut self, suite: Suite) {
        if self.set.is_some() || self.all.is_empty() {
            return;
        }
        let mut members: Vec<_> = self.iter().map(|one| (one.public, one.power)).collect();
        members.sort_by_cached_key(|(key, power)| (Reverse(*power), address(key)));
        let kind = "cometbft".to_owned();
        self.set = Some(Set::of(Sealers { kind, members }, suite));
    }
}

impl Head {
    /// The set of the next header. It is also the one whose votes the block after the next needs in CometBFT.
    pub fn next_set(&self) -> Option<&Arc<Set>> {
        let voted = self.directory.validators().set();
        voted.or_else(|| self.sets.values().next_back())
    }

    /// The set of the header at this height, up to the next one.
    pub fn set_at(&self, height: u64) -> Option<&Arc<Set>> {
        if height > self.height() {
            return self.next_set();
        }
        let found = self.sets.range(..=height).next_back();
        found.map(|(_, set)| set)
    }
}

impl Engine {
    /// The nodes that vote on the blocks after the next one, by member; none where one sequencer seals.
    pub fn validators(&self) -> Vec<Validator> {
        let head = self.head();
        head.directory.validators().iter().cloned().collect()
    }

    /// The public keys in force of a member in force, in the order of their ids.
    pub fn keys_of(&self, member: &str) -> Vec<[u8; 32]> {
        self.head().directory.keys_of(member)
    }

    /// The set that seals the header of this height, up to the next one.
    pub fn set_at(&self, height: u64) -> Option<Arc<Set>> {
        self.head().set_at(height).map(Arc::clone)
    }
}

/// The set of the next header, and whether it is another one than the last one's.
pub(crate) fn of_next(head: &Head) -> Result<(Arc<Set>, bool), Error> {
    let set = head.next_set().map(Arc::clone);
    let set = set.ok_or_else(|| crate::open::damaged("no set seals"))?;
    let turns = set.hash != head.header.sealers_hash && head.closed.is_none();
    Ok((set, turns))
}

/// Keeps the set of the header at this height where it `turns`; gives how the rows of its block change it.
pub(crate) fn turn(
    next: &mut Head,
    height: u64,
    set: &Arc<Set>,
    turns: bool,
) -> Vec<([u8; 32], u64)> {
    if turns {
        Arc::make_mut(&mut next.sets).insert(height, Arc::clone(set));
    }
    match next.directory.validators().set() {
        Some(after) if after.hash != set.hash => changes(&set.sealers, &after.sealers),
        _ => Vec::new(),
    }
}

/// What changed from one set to another: keys with their power, 0 where they left, in the order of the keys.
fn changes(before: &Sealers, after: &Sealers) -> Vec<([u8; 32], u64)> {
    let old: BTreeMap<_, _> = before.members.iter().copied().collect();
    let new: BTreeMap<_, _> = after.members.iter().copied().collect();
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut changed: BTreeMap<[u8; 32], u64> = gone.map(|key| (*key, 0)).collect();
    changed.extend(
        new.iter()
            .filter(|(key, power)| old.get(*key) != Some(*power)),
    );
    changed.into_iter().collect()
}
