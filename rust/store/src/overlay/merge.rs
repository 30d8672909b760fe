//! Merges layers in key order; the newest layer's write of a key wins.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::layer::Stretch;
use crate::keyspace::Write;

struct Head<'a> {
    write: &'a Write,
    stretch: Stretch<'a>,
    /// Position of the layer: greater is newer.
    age: usize,
    reverse: bool,
}

impl Head<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let own = (self.write.keyspace, &self.write.key);
        let by_key = own.cmp(&(other.write.keyspace, &other.write.key));
        let by_key = if self.reverse {
            by_key
        } else {
            by_key.reverse()
        };
        by_key.then(self.age.cmp(&other.age))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}
impl Eq for Head<'_> {}
impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

/// Writes of several layers in key order (or reverse), one per key.
pub(crate) struct Merged<'a> {
    heads: BinaryHeap<Head<'a>>,
    reverse: bool,
}

impl<'a> Merged<'a> {
    /// `stretches` from the oldest layer to the newest.
    pub(crate) fn new(stretches: impl Iterator<Item = Stretch<'a>>, reverse: bool) -> Self {
        let mut merged = Self {
            heads: BinaryHeap::new(),
            reverse,
        };
        for (age, stretch) in stretches.enumerate() {
            merged.push(stretch, age);
        }
        merged
    }

    fn push(&mut self, mut stretch: Stretch<'a>, age: usize) {
        let write = if self.reverse {
            stretch.last()
        } else {
            stretch.first()
        };
        let Some(write) = write else { return };
        if self.reverse {
            stretch.drop_last();
        } else {
            stretch.drop_first();
        }
        self.heads.push(Head {
            write,
            stretch,
            age,
            reverse: self.reverse,
        });
    }
}

impl<'a> Iterator for Merged<'a> {
    type Item = &'a Write;

    fn next(&mut self) -> Option<Self::Item> {
        let newest = self.heads.pop()?;
        self.push(newest.stretch, newest.age);
        let same = |head: &Head<'_>| {
            head.write.keyspace == newest.write.keyspace && head.write.key == newest.write.key
        };
        while self.heads.peek().is_some_and(same) {
            if let Some(older) = self.heads.pop() {
                self.push(older.stretch, older.age);
            }
        }
        Some(newest.write)
    }
}
