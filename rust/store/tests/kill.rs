//! A writer is killed at every durability point and at random moments; every confirmed block is
//! there when the store is opened again, whole, and nothing half-written shows.
//!
//! `LIANHENG_KILLS=n` sets the number of random kills (default 14).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Bound;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store::{fault, Keyspace, LogMode, Options, Store, WriteSet};

const CHILD: &str = "LIANHENG_STORE_CHILD";
/// Set where a child keeps the store open after its blocks, until it is killed.
const STAYS: &str = "LIANHENG_TEST_CHILD_STAYS";
/// Set where a child that begins a folder makes its log a lazy one.
const LAZY: &str = "LIANHENG_TEST_CHILD_LAZY";
/// Points that only a lazy log passes.
const LAZY_POINTS: [&str; 4] = [
    "log.before_lazy_sync",
    "log.after_lazy_sync",
    "log.after_mark",
    "segment.before_roll_sync",
];
/// Blocks that a writer makes before it ends by itself.
const BLOCKS: u64 = 400;

/// In memory where that exists: a killed process loses nothing that it wrote, on whatever disk.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn options() -> Options {
    Options {
        segment_bytes: 4000,
        flush_bytes: 30_000,
        overlay_bytes: 120_000,
        flush_age: Duration::from_millis(4),
        cache_bytes: 200_000,
        block_cache_bytes: 1 << 20,
        log: match std::env::var(LAZY) {
            Ok(_) => LogMode::Lazy,
            Err(_) => LogMode::Synced,
        },
        ..Options::default()
    }
}

fn record(height: u64) -> Vec<u8> {
    (0..200 + height % 300)
        .map(|i| (height ^ (i * 13)) as u8)
        .collect()
}

/// What block `height` writes: some keys again and again, some once, some deleted.
fn writes(height: u64) -> WriteSet {
    let mut set = WriteSet::new();
    for i in 0..20 {
        let key = (height * 7 + i) % 90;
        set.put(Keyspace::State, key.to_be_bytes(), height.to_be_bytes());
        set.put(
            Keyspace::Transactions,
            [height.to_be_bytes(), i.to_be_bytes()].concat(),
            [1],
        );
    }
    set.put(
        Keyspace::Buckets,
        (height % 11).to_be_bytes(),
        vec![height as u8; 300],
    );
    set.delete(Keyspace::Buckets, ((height + 5) % 11).to_be_bytes());
    set.put(Keyspace::Meta, *b"height", height.to_be_bytes());
    set
}

type Model = BTreeMap<(Keyspace, Vec<u8>), Vec<u8>>;

fn model(last: Option<u64>) -> Model {
    let mut model = Model::new();
    for height in 0..last.map_or(0, |last| last + 1) {
        for write in writes(height).writes() {
            let key = (write.keyspace, write.key.to_vec());
            match &write.value {
                Some(value) => model.insert(key, value.to_vec()),
                None => model.remove(&key),
            };
        }
    }
    model
}

fn content(store: &Store) -> Model {
    let all = Bound::Unbounded;
    let scan = |keyspace| store.scan(keyspace, all, all, false, usize::MAX).unwrap();
    let pairs = |keyspace| {
        scan(keyspace)
            .into_iter()
            .map(move |(k, v)| ((keyspace, k), v))
    };
    Keyspace::ALL.into_iter().flat_map(pairs).collect()
}

/// Opens, checks that what is stored is one block's state whole, replays, and checks again.
fn recover(path: &Path) -> (Store, Option<u64>) {
    let (store, recovery) = Store::open(path, &options()).unwrap();
    assert!(
        content(&store) == model(recovery.stored_height),
        "{recovery:?}"
    );
    let last = recovery.log_height;
    for item in store.records(recovery.stored_height.map_or(0, |height| height + 1)) {
        let (height, bytes) = item.unwrap();
        assert_eq!(bytes, record(height));
        store.apply(height, writes(height)).unwrap();
    }
    assert_eq!(store.applied_height(), last);
    assert!(
        content(&store) == model(last),
        "after the replay of {recovery:?}"
    );
    if let Some(side) = store.read_side_file("checkpoint").unwrap() {
        let height = u64::from_be_bytes(side[..8].try_into().unwrap());
        assert!(side == height.to_be_bytes().repeat(500) && Some(height) <= last);
    }
    (store, last)
}

/// The writer, run by the other tests in a process of its own.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    let (store, last) = recover(Path::new(&path));
    let first = last.map_or(0, |last| last + 1);
    let mut out = std::io::stdout();
    for height in first..first + BLOCKS {
        store.append(height, &record(height)).unwrap();
        out.write_all(format!("\nconfirmed {height}\n").as_bytes())
            .unwrap();
        out.flush().unwrap();
        store.apply(height, writes(height)).unwrap();
        if height % 5 == 0 {
            store
                .write_side_file("checkpoint", &height.to_be_bytes().repeat(500))
                .unwrap();
        }
    }
    if std::env::var(STAYS).is_ok() {
        std::thread::sleep(std::time::Duration::from_secs(30));
    }
    store.close().unwrap();
}

fn spawn(path: &Path, fault: Option<&str>) -> Child {
    command(path, fault).spawn().unwrap()
}

fn spawn_lazy(path: &Path, fault: Option<&str>) -> Child {
    command(path, fault).env(LAZY, "1").spawn().unwrap()
}

fn command(path: &Path, fault: Option<&str>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, path);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_remove("LIANHENG_FAULT");
    if let Some(fault) = fault {
        command.env("LIANHENG_FAULT", fault);
    }
    command
}

/// Waits for the child; returns the last height that it confirmed and whether it ended well.
fn finish(mut child: Child) -> (Option<u64>, bool) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let confirmed = lines.map_while(Result::ok).filter_map(|line| {
        line.strip_prefix("confirmed ")
            .and_then(|height| height.parse().ok())
    });
    let last = confirmed.last();
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    (last, child.wait().unwrap().success())
}

fn check_after(path: &Path, confirmed: Option<u64>) {
    let (store, last) = recover(path);
    assert!(last >= confirmed, "confirmed {confirmed:?}, found {last:?}");
    let records: Vec<_> = store.records(0).map(Result::unwrap).collect();
    let wanted: Vec<_> = (0..last.map_or(0, |last| last + 1))
        .map(|h| (h, record(h)))
        .collect();
    assert!(records == wanted);
    assert_eq!(store.verify_log().unwrap(), records.len() as u64);
    assert_eq!(store.synced_height(), last);
}

#[test]
fn killed_at_every_point() {
    if std::env::var(CHILD).is_ok() {
        return;
    }
    for point in fault::POINTS {
        let folder = scratch();
        let path = folder.path();
        let opening = point.starts_with("open.");
        if LAZY_POINTS.contains(point) {
            continue;
        }
        for pass in [1, 2, 7] {
            if ["open.after_marker", "open.after_state_made"].contains(point) {
                // Passed once in a folder's life.
                let folder = scratch();
                let (last, well) = finish(spawn(folder.path(), Some(&format!("{point}:{pass}"))));
                assert_eq!(well, pass > 3, "{point}:{pass} was not passed");
                check_after(folder.path(), last);
                continue;
            }
            if opening {
                // Leaves a torn tail for the next opening to cut.
                assert!(!finish(spawn(path, Some("log.mid_append:3"))).1);
            }
            let pass = if opening { 1 } else { pass };
            let (last, well) = finish(spawn(path, Some(&format!("{point}:{pass}"))));
            assert!(!well, "{point}:{pass} was not passed");
            check_after(path, last);
        }
    }
}

/// A killed process loses nothing that it wrote, synced or not: the system still has it.
#[test]
fn a_lazy_log_killed_at_every_point() {
    if std::env::var(CHILD).is_ok() {
        return;
    }
    for point in fault::POINTS {
        // The others are passed once in a folder's life, or not at all by a lazy log's later records.
        let once = [
            "open.after_marker",
            "open.after_state_made",
            "log.after_sync",
        ];
        let opening = point.starts_with("open.");
        if once.contains(point) {
            continue;
        }
        let folder = scratch();
        let path = folder.path();
        for pass in [1, 2, 5] {
            if opening {
                assert!(!finish(spawn_lazy(path, Some("log.mid_append:3"))).1);
            }
            let pass = if opening { 1 } else { pass };
            let (last, well) = finish(spawn_lazy(path, Some(&format!("{point}:{pass}"))));
            assert!(!well, "{point}:{pass} was not passed");
            check_after(path, last);
        }
    }
}

#[test]
fn killed_at_random_moments() {
    if std::env::var(CHILD).is_ok() {
        return;
    }
    let kills = std::env::var("LIANHENG_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(14u64);
    let mut folder = scratch();
    let mut seed = u64::from(std::process::id());
    for kill in 0..kills {
        if kill % 10 == 9 {
            folder = scratch();
        }
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let start = if (kill + 1) / 10 % 2 == 0 {
            spawn
        } else {
            spawn_lazy
        };
        let mut child = start(folder.path(), None);
        std::thread::sleep(Duration::from_millis(5 + (seed >> 33) % 150));
        child.kill().unwrap();
        let (last, _) = finish(child);
        check_after(folder.path(), last);
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_store() {
    if std::env::var(CHILD).is_ok() {
        return;
    }
    let folder = scratch();
    let mut child = command(folder.path(), None)
        .env(STAYS, "1")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("confirmed ")));
    let error = Store::open(folder.path(), &options()).unwrap_err();
    let id = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(error.code, "store.locked");
    assert!(error.message.contains(&format!("process {id} ")), "{error}");
    assert!(error.message.contains("--exact child"), "{error}");
    let (store, _) = recover(folder.path());
    let view = store.view();
    drop(store);
    // A view still reads, so the store is still held, by this process.
    let error = Store::open(folder.path(), &options()).unwrap_err();
    assert!(
        error
            .message
            .contains(&format!("process {} ", std::process::id())),
        "{error}"
    );
    drop(view);
    recover(folder.path());
}
