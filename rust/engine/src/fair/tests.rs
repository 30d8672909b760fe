//! The division alone: what it promises, for any block.

use proptest::prelude::*;

use super::{Amounts, Division};

/// A transaction: its organisation, the most gas it may use, what it uses, its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    party: usize,
    limit: u64,
    gas: u64,
    bytes: u64,
}

impl Item {
    fn most(&self) -> Amounts {
        [self.limit, self.bytes, 1, 0, 0]
    }

    fn used(&self) -> Amounts {
        [self.gas, self.bytes, 1, 0, 0]
    }
}

/// A block as an engine fills it.
#[derive(Clone, Debug)]
struct Block {
    gas: u64,
    bytes: u64,
    transactions: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Filled {
    /// Positions in the order in which they ran.
    taken: Vec<usize>,
    /// How many of them ran at once.
    at_once: usize,
    used: Vec<Amounts>,
    gas: u64,
    bytes: u64,
}

impl Block {
    fn capacity(&self) -> Amounts {
        [self.gas, self.bytes, self.transactions, 1, 1]
    }

    fn has_room(&self, filled: &Filled, item: &Item) -> bool {
        filled.gas < self.gas
            && (filled.taken.len() as u64) < self.transactions
            && filled.bytes + item.bytes <= self.bytes
    }

    fn fill(&self, weights: &[u64], items: &[Item]) -> Filled {
        let mut division = Division::new(self.capacity(), weights.iter().sum());
        for weight in weights {
            division.add(*weight);
        }
        let mut filled = Filled {
            used: vec![[0; 5]; weights.len()],
            ..Filled::default()
        };
        for (at, item) in items.iter().enumerate() {
            if division.runs_at_once(item.party, at, &item.most()) {
                assert!(self.has_room(&filled, item), "a share is always there");
                filled.take(&mut division, at, item);
            }
        }
        filled.at_once = filled.taken.len();
        division.lend();
        while let Some((party, at)) = division.next() {
            if self.has_room(&filled, &items[at]) {
                filled.take(&mut division, at, &items[at]);
            } else {
                division.rest(party);
            }
            division.wait(party);
        }
        filled
    }
}

impl Filled {
    fn take(&mut self, division: &mut Division, at: usize, item: &Item) {
        division.book(item.party, &item.used());
        self.taken.push(at);
        self.gas += item.gas;
        self.bytes += item.bytes;
        for (sum, used) in self.used[item.party].iter_mut().zip(item.used()) {
            *sum += used;
        }
    }
}

fn items(parties: usize) -> impl Strategy<Value = Vec<Item>> {
    let limit = prop_oneof![1..200_u64, 900..1_001_u64];
    let item = (0..parties, limit, 0..=100_u64, 1..60_u64);
    let item = item.prop_map(|(party, limit, part, bytes)| Item {
        party,
        limit,
        gas: (limit * part / 100).max(1),
        bytes,
    });
    proptest::collection::vec(item, 0..120)
}

fn case() -> impl Strategy<Value = (Vec<u64>, Vec<Item>, Block)> {
    (1..6_usize).prop_flat_map(|parties| {
        let weights = proptest::collection::vec(prop_oneof![Just(1), 1..50_u64], parties);
        let block = (500..20_000_u64, 60..3_000_u64, 1..100_u64);
        let block = block.prop_map(|(gas, bytes, transactions)| Block {
            gas,
            bytes,
            transactions,
        });
        (weights, items(parties), block)
    })
}

fn share(all: u64, weight: u64, total: u64) -> u64 {
    all * weight / total
}

/// How full the block is of one party, for its weight.
fn level(block: &Block, used: &Amounts, weight: u64) -> f64 {
    let parts = used.iter().zip(block.capacity()).take(3);
    parts.map(|(u, c)| *u as f64 / c as f64).fold(0.0, f64::max) / weight as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_was_taken_is_taken_again((weights, items, block) in case()) {
        let first = block.fill(&weights, &items);
        let carried: Vec<Item> = first.taken.iter().map(|at| items[*at]).collect();
        let again = block.fill(&weights, &carried);
        prop_assert_eq!(again.taken, (0..carried.len()).collect::<Vec<_>>());
        prop_assert_eq!(again.at_once, first.at_once);
    }

    #[test]
    fn who_asks_for_no_more_than_its_share_is_never_dropped((weights, items, block) in case()) {
        let total: u64 = weights.iter().sum();
        let filled = block.fill(&weights, &items);
        for (party, weight) in weights.iter().enumerate() {
            let own: Vec<_> = (0..items.len()).filter(|at| items[*at].party == party).collect();
            let sum = |of: fn(&Item) -> u64| own.iter().map(|at| of(&items[*at])).sum::<u64>();
            let modest = sum(|item| item.limit) <= share(block.gas, *weight, total)
                && sum(|item| item.bytes) <= share(block.bytes, *weight, total)
                && own.len() as u64 <= share(block.transactions, *weight, total);
            let taken = own.iter().filter(|at| filled.taken.contains(at)).count();
            prop_assert!(!modest || taken == own.len());
        }
    }

    #[test]
    fn an_organisation_keeps_its_order_and_no_room_is_wasted((weights, items, block) in case()) {
        let filled = block.fill(&weights, &items);
        for party in 0..weights.len() {
            let own: Vec<_> = (0..items.len()).filter(|at| items[*at].party == party).collect();
            let taken: Vec<_> =
                filled.taken.iter().copied().filter(|at| items[*at].party == party).collect();
            prop_assert_eq!(&own[..taken.len()], &taken[..]);
            if let Some(first) = own.get(taken.len()) {
                prop_assert!(!block.has_room(&filled, &items[*first]));
            }
        }
    }

    #[test]
    fn what_is_lent_goes_to_whoever_has_least((weights, items, block) in case()) {
        // Where bytes are plenty, every organisation that lacks something lacks it for the same reason.
        let bytes = items.iter().map(|item| item.bytes).sum::<u64>();
        let block = Block { bytes: block.bytes.max(bytes), ..block };
        let filled = block.fill(&weights, &items);
        let lacking: Vec<usize> = (0..weights.len())
            .filter(|party| {
                let own = items.iter().filter(|item| item.party == *party).count();
                filled.used[*party][2] < own as u64
            })
            .collect();
        for at in &filled.taken[filled.at_once..] {
            let item = &items[*at];
            let last = filled.taken[filled.at_once..]
                .iter()
                .rev()
                .find(|other| items[**other].party == item.party);
            if last != Some(at) {
                continue;
            }
            let mut before = filled.used[item.party];
            for (sum, used) in before.iter_mut().zip(item.used()) {
                *sum -= used;
            }
            let before = level(&block, &before, weights[item.party]);
            for party in &lacking {
                let least = level(&block, &filled.used[*party], weights[*party]);
                prop_assert!(before <= least + 1e-9, "{} {}", before, least);
            }
        }
    }

    #[test]
    fn shares_depend_on_an_organisations_own_order_alone((weights, items, block) in case()) {
        let at_once = |items: &[Item]| {
            let filled = block.fill(&weights, items);
            let mut counts = vec![0; weights.len()];
            for at in &filled.taken[..filled.at_once] {
                counts[items[*at].party] += 1;
            }
            counts
        };
        let mut sorted = items.clone();
        sorted.sort_by_key(|item| item.party);
        prop_assert_eq!(at_once(&items), at_once(&sorted));
    }
}

#[test]
fn a_thousand_organisations_and_a_flood_of_the_dearest() {
    // One organisation comes first with transactions that may use a tenth of the block each, and do.
    let block = Block {
        gas: 1_000_000_000,
        bytes: 4 << 20,
        transactions: 10_000,
    };
    let weights = vec![1; 1_000];
    let dear = |_| Item {
        party: 0,
        limit: 100_000_000,
        gas: 100_000_000,
        bytes: 250,
    };
    let modest = |at: usize| Item {
        party: 1 + at % 999,
        limit: 500_000,
        gas: 100_000,
        bytes: 250,
    };
    let items: Vec<Item> = (0..1_000).map(dear).chain((0..1_998).map(modest)).collect();
    let filled = block.fill(&weights, &items);
    assert_eq!(filled.at_once, 1_998, "all others have what they asked for");
    // What they left is the flooder's.
    assert_eq!(filled.used[0][0], 900_000_000);
}

#[test]
fn limits_that_are_too_high_cost_the_place_and_not_the_share() {
    // Both use as much; one of them asks for a hundred times of it.
    let block = Block {
        gas: 1_000,
        bytes: 1 << 20,
        transactions: 1_000,
    };
    let item = |party, limit| Item {
        party,
        limit,
        gas: 10,
        bytes: 1,
    };
    let items: Vec<Item> = (0..100)
        .flat_map(|_| [item(0, 1_000), item(1, 10)])
        .collect();
    let filled = block.fill(&[1, 1], &items);
    assert_eq!((filled.used[0][0], filled.used[1][0]), (500, 500));
    assert_eq!(filled.at_once, 50);
}

#[test]
fn weights_divide_what_all_want() {
    let block = Block {
        gas: 1_200,
        bytes: 1 << 20,
        transactions: 10_000,
    };
    let items: Vec<Item> = (0..600)
        .map(|at| Item {
            party: at % 3,
            limit: 10,
            gas: 10,
            bytes: 1,
        })
        .collect();
    let filled = block.fill(&[1, 2, 3], &items);
    let gas: Vec<u64> = filled.used.iter().map(|used| used[0]).collect();
    assert_eq!(gas, [200, 400, 600]);
}
