//! A full disk, on a small file system of its own: named, nothing half confirmed, and everything
//! confirmed is there once there is room again. Skipped where mounting is not allowed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use store::{Error, Keyspace, LogMode, Options, Store, WriteSet};

/// A mounted file system of a few megabytes; unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self(folder)),
            _ => {
                println!("skipped: mounting a tmpfs needs root");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 300_000,
        flush_bytes: 50_000,
        flush_age: Duration::from_millis(5),
        cache_bytes: 100_000,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

fn payload(height: u64) -> Vec<u8> {
    (0..20_000u64)
        .map(|i| (height.wrapping_mul(i) >> 3) as u8)
        .collect()
}

/// Appends, and applies when `apply`, until an error; returns it with the last confirmed height.
fn fill(store: &Store, from: u64, apply: bool) -> (Error, u64) {
    let mut height = from;
    loop {
        if let Err(error) = store.append(height, &payload(height)) {
            return (error, height - 1);
        }
        if apply {
            let mut writes = WriteSet::new();
            writes.put(
                Keyspace::State,
                (height % 50).to_be_bytes(),
                payload(height),
            );
            if let Err(error) = store.apply(height, writes) {
                return (error, height);
            }
        }
        height += 1;
    }
}

fn check(apply: bool, log: LogMode) {
    let Some(disk) = Small::mount(6) else { return };
    let (path, ballast) = (disk.path().join("ledger"), disk.path().join("ballast"));
    fs::write(&ballast, vec![1; 1_500_000]).unwrap();
    let begun = Options { log, ..options() };
    let (store, _) = Store::open(&path, &begun).unwrap();
    store.append(0, &payload(0)).unwrap();
    store.apply(0, WriteSet::new()).unwrap();
    store.flush().unwrap();
    if apply {
        let mut writes = WriteSet::new();
        store.append(1, &payload(1)).unwrap();
        writes.put(Keyspace::State, 1u64.to_be_bytes(), payload(1));
        store.apply(1, writes).unwrap();
    }
    let (error, last) = fill(&store, if apply { 2 } else { 1 }, apply);
    assert_eq!(error.code, "store.disk_full", "{error}");
    assert!(last > 20, "{last}");
    // Stopped for good: no block is confirmed after one that may be half there.
    let code = store.append(last + 1, b"small").unwrap_err().code;
    assert!(
        ["log.poisoned", "store.disk_full"].contains(&code),
        "{code}"
    );
    // What was confirmed is still read.
    assert_eq!(store.record(last).unwrap().unwrap(), payload(last));
    drop(store);
    // Opening a full disk again may be refused, but only by that name.
    if let Err(error) = Store::open(&path, &options()) {
        assert_eq!(error.code, "store.disk_full", "{error}");
    }
    fs::remove_file(&ballast).unwrap();
    let (store, recovery) = Store::open(&path, &options()).unwrap();
    assert!(
        recovery.log_height >= Some(last),
        "{recovery:?}, confirmed {last}"
    );
    for item in store.records(0) {
        let (height, bytes) = item.unwrap();
        assert_eq!(bytes, payload(height));
    }
    let next = recovery.log_height.unwrap() + 1;
    store.append(next, &payload(next)).unwrap();
    assert_eq!(store.verify_log().unwrap(), next + 1);
}

#[test]
fn the_log_meets_a_full_disk() {
    check(false, LogMode::Synced);
}

#[test]
fn a_lazy_log_meets_a_full_disk() {
    check(false, LogMode::Lazy);
    check(true, LogMode::Lazy);
}

#[test]
fn the_flusher_meets_a_full_disk() {
    check(true, LogMode::Synced);
}
