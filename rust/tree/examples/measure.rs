//! Figures of the state tree and the log: `cargo run --release -p lianheng-tree --example measure`.
//! Arguments: keys in the state (1,000,000), changes a block (4,000), threads (2), blocks (20).

use crypto::{Hash32, Suite};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tree::{BucketId, BucketReader, Change, Error, StateTree};

const SUITE: Suite = Suite::One;

#[derive(Default)]
struct Memory(HashMap<BucketId, Vec<u8>>);

impl BucketReader for Memory {
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(id).cloned())
    }
}

impl Memory {
    fn store(&mut self, changes: Vec<(BucketId, Option<Vec<u8>>)>) {
        for (id, bytes) in changes {
            match bytes {
                Some(bytes) => self.0.insert(id, bytes),
                None => self.0.remove(&id),
            };
        }
    }
}

fn key(number: u64) -> Hash32 {
    SUITE.hash(&number.to_be_bytes())
}

/// Processor time of all threads so far, to 10 ms: other work on the machine disturbs it less.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Numbers that look random and repeat on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    fn block(&mut self, keys: u64, changes: usize) -> Vec<Change> {
        let mut block = HashMap::new();
        while block.len() < changes {
            block.insert(key(self.next() % keys), Some(key(self.next())));
        }
        block.into_iter().collect()
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (best, median, worst) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!("{what:48} best {best:>9.2?}  median {median:>9.2?}  worst {worst:>9.2?}");
}

fn fill(keys: u64) -> (StateTree, Memory) {
    let (mut tree, mut memory) = (
        StateTree::empty(SUITE).with_cache_bytes(0),
        Memory::default(),
    );
    let start = Instant::now();
    for from in (0..keys).step_by(200_000) {
        let block = from..keys.min(from + 200_000);
        let changes: Vec<Change> = block.map(|n| (key(n), Some(key(!n)))).collect();
        memory.store(tree.update(&memory, &changes).expect("fills"));
    }
    println!(
        "filled {keys} keys in {:.1?}, {} buckets",
        start.elapsed(),
        memory.0.len()
    );
    (tree, memory)
}

struct Load {
    keys: u64,
    changes: usize,
    blocks: usize,
}

fn updates(tree: &mut StateTree, memory: &mut Memory, load: &Load, what: &str) {
    let mut random = Random(SUITE.hash(what.as_bytes()).0[0].into());
    let (mut times, mut bytes, before) = (Vec::new(), 0, processor_time());
    let mut outside = Duration::ZERO;
    for _ in 0..load.blocks {
        let making = Instant::now();
        let block = random.block(load.keys, load.changes);
        outside += making.elapsed();
        let start = Instant::now();
        let stored = tree.update(memory, &block).expect("updates");
        times.push(start.elapsed());
        bytes += stored
            .iter()
            .map(|(_, b)| b.as_ref().map_or(0, Vec::len))
            .sum::<usize>();
        let storing = Instant::now();
        memory.store(stored);
        outside += storing.elapsed();
    }
    let worked = (processor_time() - before).saturating_sub(outside);
    report(what, times);
    println!(
        "    {} kB of buckets, {:.1?} of processor time a block",
        bytes / load.blocks / 1000,
        worked / load.blocks as u32
    );
}

fn state(load: &Load) {
    let (mut tree, mut memory) = fill(load.keys);
    updates(&mut tree, &mut memory, load, "update, nothing cached");
    let start = Instant::now();
    let checkpoint = tree.checkpoint();
    let made = start.elapsed();
    let start = Instant::now();
    let again = StateTree::from_checkpoint(SUITE, &checkpoint).expect("reads its checkpoint");
    println!(
        "checkpoint {:.1} MB, made in {made:.1?}, opened in {:.1?}",
        checkpoint.len() as f64 / 1e6,
        start.elapsed()
    );
    drop(checkpoint);
    let mut again = again.with_cache_bytes(0);
    updates(
        &mut again,
        &mut memory,
        load,
        "update, nothing cached, tree just opened",
    );
    let mut cached = again.with_cache_bytes(1 << 30);
    let hot = Load {
        keys: load.keys.min(20_000),
        ..*load
    };
    for number in 0..hot.keys {
        cached.get(&memory, key(number)).expect("reads");
    }
    updates(
        &mut cached,
        &mut memory,
        &hot,
        "update, 20,000 hot keys, cached",
    );
    let start = Instant::now();
    let all = memory.0.iter().map(|(id, bytes)| Ok((*id, bytes.clone())));
    let rebuilt = StateTree::rebuild(SUITE, all).expect("rebuilds");
    println!("rebuild from all buckets {:.1?}", start.elapsed());
    assert_eq!(rebuilt.root(), cached.root());
    let ids: Vec<BucketId> = memory.0.keys().copied().take(100_000).collect();
    let start = Instant::now();
    cached.refresh(&memory, &ids).expect("refreshes");
    println!("refresh of {} buckets {:.1?}", ids.len(), start.elapsed());
    assert_eq!(rebuilt.root(), cached.root());
    proofs(&rebuilt.with_cache_bytes(0), &memory);
}

fn proofs(tree: &StateTree, memory: &Memory) {
    let start = Instant::now();
    for number in 0..1_000 {
        tree.prove(memory, key(number)).expect("proves");
    }
    println!("proof, nothing cached {:.1?}", start.elapsed() / 1_000);
}

fn log() {
    let leaves: Vec<Vec<u8>> = (0..10_000u64).map(|n| key(n).0.repeat(5)).collect();
    let hashes = tree::log::leaf_hashes(SUITE, &leaves);
    let time = |job: &dyn Fn()| {
        let start = Instant::now();
        job();
        start.elapsed()
    };
    let whole = || _ = std::hint::black_box(tree::log::root_of(SUITE, &leaves));
    report(
        "log root of 10,000 leaves of 160 bytes",
        (0..50).map(|_| time(&whole)).collect(),
    );
    let path = || drop(std::hint::black_box(tree::log::path(SUITE, &hashes, 5_000)));
    report(
        "log path among 10,000 leaf hashes",
        (0..50).map(|_| time(&path)).collect(),
    );
}

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let keys = arguments.next().unwrap_or(1_000_000);
    let changes = arguments.next().unwrap_or(4_000) as usize;
    let threads = arguments.next().unwrap_or(2) as usize;
    let load = Load {
        keys,
        changes,
        blocks: arguments.next().unwrap_or(20) as usize,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool");
    let start = Instant::now();
    for number in 0..1_000_000u64 {
        std::hint::black_box(tree::inner_hash(
            SUITE,
            &Hash32([number as u8; 32]),
            &tree::EMPTY,
        ));
    }
    println!("one inner hash {:.0?}", start.elapsed() / 1_000_000);
    pool.install(log);
    pool.install(|| state(&load));
}
