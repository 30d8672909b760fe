//! How a block is divided among organisations: shares first, then what is left, to whoever had least.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a block has little of: gas, bytes, transactions, bytes of entries, bytes written.
pub(crate) const RESOURCES: usize = 5;

/// So much of each.
pub(crate) type Amounts = [u64; RESOURCES];

/// Steps in which the part of a block is measured: fine enough for any capacity, and products fit 128 bits.
const PART_BITS: u32 = 40;

/// An organisation in a block.
struct Party {
    weight: u64,
    share: Amounts,
    used: Amounts,
    /// Positions of its transactions that wait for what is left, in their order.
    aside: VecDeque<usize>,
}

/// One block's division. Positions are the caller's numbers of transactions, ascending.
///
/// What is decided depends on what was taken, never on what was dropped: the transactions that were taken, in the order in which
/// they ran, are divided in the same way again.
pub(crate) struct Division {
    capacity: Amounts,
    total: u64,
    parties: Vec<Party>,
    /// Who has how much for its weight, the first position that waits, the party.
    queue: BinaryHeap<Reverse<(u128, usize, usize)>>,
}

impl Division {
    /// A block with this capacity; `total` is the weight of all organisations together.
    pub fn new(capacity: Amounts, total: u64) -> Self {
        Division {
            capacity,
            total: total.max(1),
            parties: Vec::new(),
            queue: BinaryHeap::new(),
        }
    }

    /// Takes an organisation in; gives its number.
    pub fn add(&mut self, weight: u64) -> usize {
        let part = |capacity: u64| {
            let share = u128::from(capacity) * u128::from(weight) / u128::from(self.total);
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        self.parties.push(Party {
            weight: weight.max(1),
            share: self.capacity.map(part),
            used: [0; RESOURCES],
            aside: VecDeque::new(),
        });
        self.parties.len() - 1
    }

    /// Whether a transaction that takes at most `most` runs in its place, within its organisation's share. Else it is put aside, and
    /// all behind it of the same organisation.
    pub fn runs_at_once(&mut self, party: usize, position: usize, most: &Amounts) -> bool {
        let Party {
            share, used, aside, ..
        } = &mut self.parties[party];
        let mut each = used.iter().zip(most).zip(share.iter());
        let fits = each.all(|((used, most), share)| used.saturating_add(*most) <= *share);
        if fits && aside.is_empty() {
            return true;
        }
        aside.push_back(position);
        false
    }

    /// Books what a transaction used.
    pub fn book(&mut self, party: usize, used: &Amounts) {
        for (sum, used) in self.parties[party].used.iter_mut().zip(used) {
            *sum = sum.saturating_add(*used);
        }
    }

    /// Begins with what was put aside.
    pub fn lend(&mut self) {
        for party in 0..self.parties.len() {
            self.wait(party);
        }
    }

    /// The next transaction that was put aside: of the organisation that used least for its weight, of the resource of which it
    /// used most; among equals the first one. To be followed by [`Division::wait`], unless the organisation gets no more.
    pub fn next(&mut self) -> Option<(usize, usize)> {
        let Reverse((_, _, party)) = self.queue.pop()?;
        let position = self.parties[party].aside.pop_front()?;
        Some((party, position))
    }

    /// Has an organisation wait for its next turn.
    pub fn wait(&mut self, party: usize) {
        let known = &self.parties[party];
        if let Some(first) = known.aside.front() {
            self.queue.push(Reverse((self.level(known), *first, party)));
        }
    }

    /// What is still put aside of an organisation.
    pub fn rest(&mut self, party: usize) -> VecDeque<usize> {
        std::mem::take(&mut self.parties[party].aside)
    }

    /// Whether there is no other organisation.
    pub fn is_all(&self, party: usize) -> bool {
        self.parties[party].weight >= self.total
    }

    /// What an organisation used, and its share.
    pub fn figures(&self, party: usize) -> (&Amounts, &Amounts) {
        let known = &self.parties[party];
        (&known.used, &known.share)
    }

    /// How much of the block a party has, for its weight.
    fn level(&self, party: &Party) -> u128 {
        let parts = party.used.iter().zip(&self.capacity);
        let parts =
            parts.map(|(used, all)| (u128::from(*used) << PART_BITS) / u128::from((*all).max(1)));
        // The weight divides last, and the part is widened before: equal parts of unlike weights differ.
        (parts.max().unwrap_or(0) << 20) / u128::from(party.weight)
    }
}

#[cfg(test)]
mod tests;
