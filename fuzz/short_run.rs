//! A small seeded mutator that runs a fuzz target within a test, on the stable compiler: it keeps
//! inputs that led to a verdict or place not seen before, and goes on from them. The same seed
//! gives the same run. Included by path in the tests of the crates.

use std::collections::HashSet;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs of a target unless `LIANHENG_FUZZ_RUNS` says otherwise: about a second.
const RUNS: u64 = 400_000;
/// Longest input, in bytes, so that runs stay short.
const INPUT_BYTES: usize = 1024;
/// Most inputs that are kept.
const CORPUS_INPUTS: usize = 4096;
/// Bytes that mean something to our formats.
const TELLING: [u8; 16] = [
    0x00, 0x01, 0x02, 0x14, 0x18, 0x1b, 0x1d, 0x40, 0x58, 0x5f, 0x7f, 0x80, 0x81, 0xa1, 0xc2, 0xff,
];

/// Feeds `target` with mutations of `seeds`; panics with the input as hex where the target panics.
#[allow(dead_code, reason = "some tests bring their own mutator")]
pub fn fuzz(seed: u64, seeds: Vec<Vec<u8>>, target: impl Fn(&[u8]) -> (&'static str, usize)) {
    let bytes = |input: &[u8], other: &[u8], seed: u64| {
        let mut random = Random(seed);
        let mut input = input.to_vec();
        for _ in 0..=random.below(4) {
            mutate(&mut input, other, &mut random);
        }
        input.truncate(INPUT_BYTES);
        input
    };
    fuzz_by(RUNS, seed, seeds, bytes, target);
}

/// The same with another mutator, of an input, another one and a seed.
pub fn fuzz_by(
    usual: u64,
    seed: u64,
    seeds: Vec<Vec<u8>>,
    mutate: impl Fn(&[u8], &[u8], u64) -> Vec<u8>,
    target: impl Fn(&[u8]) -> (&'static str, usize),
) {
    let runs = std::env::var("LIANHENG_FUZZ_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(usual);
    let mut random = Random(seed);
    let mut seen = HashSet::new();
    let mut corpus = vec![Vec::new()];
    for input in seeds {
        seen.insert(run(&target, &input));
        corpus.push(input);
    }
    for _ in 0..runs {
        let from = &corpus[random.below(corpus.len())];
        let other = &corpus[random.below(corpus.len())];
        let input = mutate(from, other, random.next());
        if seen.insert(run(&target, &input)) && corpus.len() < CORPUS_INPUTS {
            corpus.push(input);
        }
    }
    assert!(
        seen.iter().any(|(verdict, _)| *verdict == "accepted"),
        "no seed was accepted"
    );
}

fn run(target: &impl Fn(&[u8]) -> (&'static str, usize), input: &[u8]) -> (&'static str, usize) {
    catch_unwind(AssertUnwindSafe(|| target(input))).unwrap_or_else(|_| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("the target fails on {hex}")
    })
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let to = at + random.below(input.len() - at + 1);
    match (random.below(9), input.get_mut(at)) {
        (0, Some(byte)) => *byte ^= 1 << random.below(8),
        (1, Some(byte)) => *byte = TELLING[random.below(TELLING.len())],
        (2, Some(byte)) => *byte = byte.wrapping_add(random.below(9) as u8).wrapping_sub(4),
        (3, Some(_)) => drop(input.remove(at)),
        (4, _) => input.insert(at, TELLING[random.below(TELLING.len())]),
        (5, _) => input.insert(at, random.next() as u8),
        (6, _) => drop(input.drain(at..to)),
        (7, _) => {
            let copy = input[at..to].to_vec();
            input.splice(at..at, copy);
        }
        _ => {
            let from = random.below(other.len() + 1);
            let until = from + random.below(other.len() - from + 1);
            input.splice(at..to, other[from..until].iter().copied());
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
