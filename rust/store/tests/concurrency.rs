//! Readers see whole blocks, whatever the writer and the flusher do meanwhile.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use store::{Keyspace, LogMode, Options, Store, WriteSet};

const KEYS: u64 = 200;

fn options() -> Options {
    Options {
        flush_bytes: 200_000,
        overlay_bytes: 800_000,
        flush_age: Duration::from_millis(20),
        cache_bytes: 400_000,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

/// Every block writes its height under every key, so a mix of two blocks is seen at once.
fn check_whole_blocks(store: &Store) {
    let done = AtomicBool::new(false);
    let reads = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for reader in 0..3u64 {
            let (done, reads) = (&done, &reads);
            scope.spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let view = store.view();
                    let Some(height) = view.height() else {
                        continue;
                    };
                    assert!(height >= last, "time went backwards");
                    last = height;
                    if reader == 2 {
                        std::thread::sleep(Duration::from_millis(40));
                    }
                    let wanted = height.to_be_bytes();
                    for key in 0..KEYS {
                        let value = view.get(Keyspace::State, &key.to_be_bytes()).unwrap();
                        assert_eq!(value.as_deref(), Some(&wanted[..]), "key {key} at {height}");
                    }
                    let all = Bound::Unbounded;
                    let pairs = view
                        .scan(Keyspace::State, all, all, reader == 1, 1000)
                        .unwrap();
                    assert_eq!(pairs.len() as u64, KEYS);
                    assert!(pairs.iter().all(|(_, value)| *value == wanted));
                    let newest = store
                        .get(Keyspace::State, &1u64.to_be_bytes())
                        .unwrap()
                        .unwrap();
                    assert!(*newest >= wanted[..]);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let started = Instant::now();
        let mut height = 0u64;
        while started.elapsed() < Duration::from_secs(3) {
            let mut writes = WriteSet::new();
            for key in 0..KEYS {
                writes.put(Keyspace::State, key.to_be_bytes(), height.to_be_bytes());
            }
            store.append(height, b"block").unwrap();
            store.apply(height, writes).unwrap();
            height += 1;
        }
        done.store(true, Ordering::Relaxed);
    });
    store.flush().unwrap();
    assert_eq!(store.stored_height(), store.log_height());
    let stats = store.stats();
    assert_eq!((stats.pending_bytes, stats.pending_blocks), (0, 0));
    assert!(stats.batches > 10, "{stats:?}");
    assert!(
        reads.load(Ordering::Relaxed) > 20,
        "{reads:?} reads, {stats:?}"
    );
}

#[test]
fn readers_see_whole_blocks_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), &options()).unwrap();
    check_whole_blocks(&store);
}

#[test]
fn readers_see_whole_blocks_in_memory() {
    check_whole_blocks(&Store::in_memory(&options()));
}

#[test]
fn the_overlay_and_the_cache_keep_their_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), &options()).unwrap();
    let mut worst = 0;
    for height in 0..200u64 {
        let mut writes = WriteSet::new();
        for key in 0..50u64 {
            let key = [height.to_be_bytes(), key.to_be_bytes()].concat();
            writes.put(Keyspace::State, key, vec![1; 300]);
        }
        store.append(height, b"block").unwrap();
        store.apply(height, writes).unwrap();
        worst = worst.max(store.stats().pending_bytes);
    }
    // One block may go over: the wait is before it.
    assert!(worst < 800_000 + 50 * 600, "{worst}");
    store.flush().unwrap();
    assert!(store.stats().cached_bytes <= 400_000, "{:?}", store.stats());
    assert!(store.stats().cached_bytes > 50_000, "{:?}", store.stats());
}

#[test]
fn writes_that_cannot_be_stored_are_refused_whole() {
    let store = Store::in_memory(&options());
    store.append(0, b"block").unwrap();
    let cases = [
        (vec![], vec![], "store.key_size"),
        (vec![1; 65_536], vec![], "store.key_size"),
        (vec![255; 40], vec![], "store.reserved_key"),
        (vec![1], vec![0; 64 * 1024 * 1024 + 1], "store.value_size"),
    ];
    for (key, value, code) in cases {
        let mut writes = WriteSet::new();
        writes.put(Keyspace::State, vec![1], vec![1]);
        writes.put(Keyspace::State, key, value);
        assert_eq!(store.apply(0, writes).unwrap_err().code, code);
        assert_eq!(store.get(Keyspace::State, &[1]).unwrap(), None);
        assert_eq!(store.applied_height(), None);
    }
}

#[test]
fn an_external_log_leaves_heights_to_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        log: LogMode::External,
        ..options()
    };
    for store in [
        Store::open(folder.path(), &options).unwrap().0,
        Store::in_memory(&options),
    ] {
        assert_eq!(
            store.append(0, b"block").unwrap_err().code,
            "store.wrong_height"
        );
        let mut writes = WriteSet::new();
        writes.put(Keyspace::Meta, *b"key", *b"value");
        store.apply(40, writes).unwrap();
        assert_eq!(
            store.apply(42, WriteSet::new()).unwrap_err().code,
            "store.wrong_height"
        );
        store.apply(41, WriteSet::new()).unwrap();
        assert_eq!(
            (store.log_height(), store.applied_height()),
            (None, Some(41))
        );
        store.close().unwrap();
    }
    let (store, recovery) = Store::open(folder.path(), &options).unwrap();
    assert_eq!(
        (recovery.stored_height, recovery.log_height),
        (Some(41), None)
    );
    assert_eq!(
        store.get(Keyspace::Meta, b"key").unwrap().as_deref(),
        Some(&b"value"[..])
    );
    assert!(!folder.path().join("log").exists());
}
