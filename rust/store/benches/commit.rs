//! Measures the commit path: `cargo bench -p lianheng-store --bench commit -- [seconds] [keys]
//! [blocks a second, 0 = as fast as possible]`.
//!
//! Each block reads 8,000 random state keys and 4,000 random buckets, appends a record of 1.2 MB,
//! and applies 4,000 state puts, 4,000 bucket puts and 4,000 transaction ids.

use std::time::{Duration, Instant};

use store::{Keyspace, Options, Store, WriteSet};

const WRITES: u64 = 4000;
const RECORD_BYTES: usize = 1_200_000;
const LEAVES_PER_BUCKET: u64 = 22;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

fn state_key(index: u64) -> Vec<u8> {
    format!("\u{2}contract\0\u{2}accounts\0\u{2}account-{index:012}\0").into_bytes()
}

fn bucket_key(index: u64, buckets: u64) -> [u8; 8] {
    (index.wrapping_mul(u64::MAX / buckets)).to_be_bytes()
}

fn state_value(random: &mut Random) -> Vec<u8> {
    let mut value = b"\xa3fholderhaccount-fstatusfissuedfamount\x1b".to_vec();
    value.extend_from_slice(&random.bytes(12));
    value
}

struct Times(Vec<Duration>);

impl Times {
    fn report(mut self, what: &str) {
        self.0.sort();
        if self.0.is_empty() {
            return;
        }
        let at = |part: f64| {
            let index = (self.0.len() as f64 * part) as usize;
            self.0[index.min(self.0.len() - 1)].as_secs_f64() * 1000.0
        };
        println!(
            "{what:28} n {:6}  p50 {:8.3}  p90 {:8.3}  p99 {:8.3}  max {:8.3} ms",
            self.0.len(),
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
    }
}

fn preload(store: &Store, keys: u64, random: &mut Random) {
    let started = Instant::now();
    let buckets = keys / LEAVES_PER_BUCKET;
    let step = 20_000;
    for (height, first) in (0..).zip((0..keys).step_by(step as usize)) {
        let mut writes = WriteSet::new();
        for index in first..(first + step).min(keys) {
            writes.put(Keyspace::State, state_key(index), state_value(random));
        }
        let end = (first + step) / LEAVES_PER_BUCKET;
        for bucket in first / LEAVES_PER_BUCKET..end.min(buckets) {
            let size = 64 * LEAVES_PER_BUCKET as usize;
            writes.put(
                Keyspace::Buckets,
                bucket_key(bucket, buckets),
                random.bytes(size),
            );
        }
        store.append(height, b"preload").unwrap();
        store.apply(height, writes).unwrap();
    }
    store.flush().unwrap();
    println!(
        "{keys} keys, {buckets} buckets loaded in {:.1?}",
        started.elapsed()
    );
}

fn main() {
    let arguments: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let seconds = arguments.first().copied().unwrap_or(10);
    let keys = arguments.get(1).copied().unwrap_or(1_000_000);
    let rate = arguments.get(2).copied().unwrap_or(0);
    let base =
        std::env::var_os("LIANHENG_BENCH_DIR").unwrap_or_else(|| std::env::temp_dir().into());
    let folder = tempfile::tempdir_in(base).unwrap();
    let mut random = Random(1);
    log_alone(folder.path(), &mut random);
    let path = folder.path().join("ledger");
    let (store, _) = Store::open(&path, &Options::default()).unwrap();
    preload(&store, keys, &mut random);
    sustained(
        &store,
        keys,
        Duration::from_secs(seconds),
        rate,
        &mut random,
    );
    let started = Instant::now();
    store.close().unwrap();
    println!("close {:.1?}", started.elapsed());
    let started = Instant::now();
    let (store, recovery) = Store::open(&path, &Options::default()).unwrap();
    println!("open {:.1?}", started.elapsed());
    let key = state_key(keys / 2);
    let started = Instant::now();
    assert!(store.get(Keyspace::State, &key).unwrap().is_some());
    println!("first read {:.1?}, {recovery:?}", started.elapsed());
    reads(&store, keys, &mut random);
}

fn log_alone(folder: &std::path::Path, random: &mut Random) {
    let (store, _) = Store::open(&folder.join("log-alone"), &Options::default()).unwrap();
    let record = random.bytes(RECORD_BYTES);
    let mut times = Times(Vec::new());
    for height in 0..500 {
        let started = Instant::now();
        store.append(height, &record).unwrap();
        times.0.push(started.elapsed());
    }
    times.report("append 1.2 MB, log alone");
}

fn sustained(store: &Store, keys: u64, time: Duration, rate: u64, random: &mut Random) {
    let buckets = keys / LEAVES_PER_BUCKET;
    let record = random.bytes(RECORD_BYTES);
    let [mut append, mut apply, mut commit, mut read] = [(); 4].map(|()| Times(Vec::new()));
    let mut height = store.log_height().map_or(0, |last| last + 1);
    let before = store.stats();
    let first = height;
    let started = Instant::now();
    while started.elapsed() < time {
        let reading = Instant::now();
        let view = store.view();
        let mut writes = WriteSet::with_capacity(3 * WRITES as usize);
        for _ in 0..2 * WRITES {
            view.get(Keyspace::State, &state_key(random.next() % keys))
                .unwrap();
        }
        for _ in 0..WRITES {
            let key = bucket_key(random.next() % buckets, buckets);
            let mut bucket = view.get(Keyspace::Buckets, &key).unwrap().unwrap().to_vec();
            bucket[..32].copy_from_slice(&random.bytes(32));
            writes.put(Keyspace::Buckets, key, bucket);
            writes.put(
                Keyspace::State,
                state_key(random.next() % keys),
                state_value(random),
            );
            writes.put(
                Keyspace::Transactions,
                random.bytes(32),
                height.to_be_bytes(),
            );
        }
        drop(view);
        read.0.push(reading.elapsed());
        let committing = Instant::now();
        store.append(height, &record).unwrap();
        append.0.push(committing.elapsed());
        let applying = Instant::now();
        store.apply(height, writes).unwrap();
        apply.0.push(applying.elapsed());
        commit.0.push(committing.elapsed());
        height += 1;
        if rate > 0 {
            let due = started + Duration::from_secs_f64((height - first) as f64 / rate as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    let wall = started.elapsed().as_secs_f64();
    let stats = store.stats();
    println!(
        "{:.1} blocks a second; at the end {stats:?}",
        (height - first) as f64 / wall
    );
    let flushing = (stats.flush_time - before.flush_time).as_secs_f64();
    let flushed = stats.flushed_writes - before.flushed_writes;
    println!(
        "flusher: {} batches, {:.0} writes a second while flushing, busy {:.0} %",
        stats.batches - before.batches,
        flushed as f64 / flushing,
        100.0 * flushing / wall
    );
    read.report("read 12,000, build set");
    append.report("append");
    apply.report("apply");
    commit.report("commit (append + apply)");
}

fn reads(store: &Store, keys: u64, random: &mut Random) {
    let view = store.view();
    for pass in ["cold", "warm", "hot"] {
        let count = 200_000;
        let mut own = Random(if pass == "hot" { 7 } else { random.next() });
        let started = Instant::now();
        for _ in 0..count {
            let key = state_key(own.next() % if pass == "hot" { 1000 } else { keys });
            view.get(Keyspace::State, &key).unwrap();
        }
        println!(
            "{pass} reads: {:.0} a second",
            f64::from(count) / started.elapsed().as_secs_f64()
        );
    }
}
