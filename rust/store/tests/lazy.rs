//! A log that is synced lazily: a crash may take what was not synced, never more, and nothing damaged is kept.
//!
//! A crash of the machine is acted out: the store is dropped without a sync, and then bytes that no
//! sync covered are cut, flipped, zeroed or followed by garbage.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use store::{limits, Keyspace, LogMode, Options, Recovery, Store, WriteSet};

const SEGMENT_HEADER: usize = 64;
const RECORD_HEADER: usize = 24;
/// Where the mark stands in a segment's header.
const MARK: usize = 56;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// The flusher works only when asked: what is synced is known exactly.
fn options() -> Options {
    Options {
        segment_bytes: 6000,
        flush_age: Duration::from_secs(3600),
        block_cache_bytes: 1 << 20,
        log: LogMode::Lazy,
        ..Options::default()
    }
}

fn payload(height: u64, salt: u64) -> Vec<u8> {
    let size = (height * 37 + salt * 11) % 400;
    // Zeros as well: a record may hold whole sectors of them.
    let byte = |i: u64| ((height ^ i.wrapping_mul(salt | 1)) % 251) as u8;
    let zeros = height.is_multiple_of(5);
    let made = (0..size).map(|i| if zeros && i % 300 < 200 { 0 } else { byte(i) });
    made.collect()
}

fn writes(height: u64) -> WriteSet {
    let mut set = WriteSet::new();
    set.put(
        Keyspace::State,
        (height % 9).to_be_bytes(),
        height.to_be_bytes(),
    );
    set
}

fn segments(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("log")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[derive(Clone, Debug)]
enum Damage {
    None,
    Cut(u16),
    Flip(u16, u8),
    Zero(u16, u16),
    Garbage(Vec<u8>),
    Zeros(u16),
}

impl Damage {
    /// Changes `bytes` from `start` on.
    fn act(&self, bytes: &mut Vec<u8>, start: usize) {
        let place = |at: u16| start + usize::from(at) % (bytes.len() - start).max(1);
        match self {
            Self::None => {}
            Self::Cut(at) => bytes.truncate(place(*at)),
            Self::Flip(at, by) => {
                let at = place(*at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= by | 1;
                }
            }
            Self::Zero(at, many) => {
                let from = place(*at).min(bytes.len());
                let to = (from + usize::from(*many) % 1024).min(bytes.len());
                bytes[from..to].fill(0);
            }
            Self::Garbage(more) => bytes.extend(more),
            Self::Zeros(many) => bytes.resize(bytes.len() + usize::from(*many) % 5000, 0),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Blocks(u8),
    Sync,
    Flush,
    Kill,
    /// The flag: the mark of the last sync did not reach the disk either.
    Crash(Damage, bool),
    /// A byte of the synced part goes bad.
    Rot(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let damage = prop_oneof![
        Just(Damage::None),
        any::<u16>().prop_map(Damage::Cut),
        (any::<u16>(), any::<u8>()).prop_map(|(at, by)| Damage::Flip(at, by)),
        (any::<u16>(), any::<u16>()).prop_map(|(at, many)| Damage::Zero(at, many)),
        prop::collection::vec(any::<u8>(), 1..900).prop_map(Damage::Garbage),
        any::<u16>().prop_map(Damage::Zeros),
    ];
    prop_oneof![
        6 => (0..40_u8).prop_map(Step::Blocks),
        1 => (0..160_u8).prop_map(Step::Blocks),
        2 => Just(Step::Sync),
        1 => Just(Step::Flush),
        1 => Just(Step::Kill),
        4 => (damage, any::<bool>()).prop_map(|(damage, unmarked)| Step::Crash(damage, unmarked)),
        2 => any::<u16>().prop_map(Step::Rot),
    ]
}

struct Run {
    folder: tempfile::TempDir,
    options: Options,
    store: Option<Store>,
    /// What was appended, by height.
    records: Vec<Vec<u8>>,
    salt: u64,
}

impl Run {
    fn new(segment_bytes: u64) -> Self {
        let folder = scratch();
        let options = Options {
            segment_bytes,
            ..options()
        };
        let store = Store::open(folder.path(), &options).unwrap().0;
        let records = Vec::new();
        Self {
            folder,
            options,
            store: Some(store),
            records,
            salt: 0,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Blocks(count) => self.blocks(count),
            Step::Sync => self.store().sync().unwrap(),
            Step::Flush => self.store().flush().unwrap(),
            Step::Kill => self.crash(&Damage::None, false),
            Step::Crash(damage, unmarked) => self.crash(&damage, unmarked),
            Step::Rot(at) => self.rot(at),
        }
        let (stored, synced) = (self.store().stored_height(), self.store().synced_height());
        let last = (self.records.len() as u64).checked_sub(1);
        assert!(
            stored <= synced && synced <= last,
            "{stored:?} {synced:?} {last:?}"
        );
        assert_eq!(self.store().log_height(), last);
    }

    fn blocks(&mut self, count: u8) {
        for _ in 0..count {
            let height = self.records.len() as u64;
            // With half of this many waiting the flusher starts by itself, at a moment of its own.
            let stored = self.store().stored_height().map_or(0, |stored| stored + 1);
            if height - stored >= limits::OVERLAY_BLOCKS_MAX as u64 / 2 - 1 {
                self.store().flush().unwrap();
            }
            let record = payload(height, self.salt);
            self.store().append(height, &record).unwrap();
            self.store().apply(height, writes(height)).unwrap();
            self.records.push(record);
            let behind = height - self.store().synced_height().unwrap();
            assert!(
                behind < limits::LAZY_SYNC_BLOCKS,
                "{behind} blocks unsynced"
            );
        }
    }

    /// Where each record of the last segment ends, by height.
    fn ends(&self) -> (PathBuf, u64, Vec<usize>) {
        let path = segments(self.folder.path()).pop().unwrap();
        let first: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let mut end = SEGMENT_HEADER;
        let records = self.records[first as usize..].iter();
        let ends = records.map(|record| {
            end += RECORD_HEADER + record.len();
            end
        });
        let ends = ends.collect();
        (path, first, ends)
    }

    fn crash(&mut self, damage: &Damage, unmarked: bool) {
        let (synced, stored) = (self.store().synced_height(), self.store().stored_height());
        self.store = None;
        if self.records.is_empty() {
            return self.reopen(None, 0);
        }
        let (path, first, ends) = self.ends();
        let synced = synced.unwrap();
        // A segment begins only behind synced ones.
        let safe = match synced + 1 - first {
            0 => SEGMENT_HEADER,
            count => ends[count as usize - 1],
        };
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), *ends.last().unwrap_or(&SEGMENT_HEADER));
        let mut bytes = whole.clone();
        damage.act(&mut bytes, safe);
        let same = whole.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
        let left = first + ends.iter().take_while(|end| **end <= same).count() as u64;
        if unmarked && stored.is_some() {
            bytes[MARK..MARK + 8].fill(0);
        }
        fs::write(&path, &bytes).unwrap();
        assert!(left > synced, "the test damages what was not synced only");
        let end = left
            .checked_sub(first + 1)
            .map_or(SEGMENT_HEADER, |index| ends[index as usize]);
        self.records.truncate(left as usize);
        self.reopen(stored, bytes.len() - end);
    }

    fn reopen(&mut self, stored: Option<u64>, cut: usize) {
        let (store, recovery) = Store::open(self.folder.path(), &self.options).unwrap();
        let last = (self.records.len() as u64).checked_sub(1);
        let wanted = Recovery {
            stored_height: stored,
            log_height: last,
            torn_tail_bytes: cut as u64,
            cut_height: (cut > 0).then_some(self.records.len() as u64),
            set_aside: None,
        };
        assert_eq!(recovery, wanted);
        assert!(store.is_lazy());
        assert_eq!(store.synced_height(), last);
        let found: Vec<_> = store.records(0).map(|record| record.unwrap().1).collect();
        assert!(found == self.records, "after {recovery:?}");
        assert_eq!(store.verify_log().unwrap(), self.records.len() as u64);
        let from = stored.map_or(0, |stored| stored + 1);
        for height in from..self.records.len() as u64 {
            store.apply(height, writes(height)).unwrap();
        }
        self.store = Some(store);
        // Whoever gives blocks again may give other ones.
        self.salt += 1;
    }

    /// Damage to what was synced is named, and nothing is changed by looking.
    fn rot(&mut self, at: u16) {
        let (synced, stored) = (self.store().synced_height(), self.store().stored_height());
        let Some(synced) = synced else { return };
        self.store = None;
        let (last, first, ends) = self.ends();
        let files = segments(self.folder.path());
        let path = files[usize::from(at) % files.len()].clone();
        let whole = fs::read(&path).unwrap();
        let safe = match synced + 1 - first {
            _ if path != last => whole.len(),
            0 => SEGMENT_HEADER,
            count => ends[count as usize - 1],
        };
        let mut bytes = whole.clone();
        match usize::from(at) % 3 {
            // Without the last of its synced records, whole or in part.
            0 => bytes.truncate(safe - 1 - usize::from(at) % safe.min(150)),
            1 if path == last && safe > SEGMENT_HEADER => {
                let count = (synced + 1 - first) as usize;
                let before = count.checked_sub(2).map_or(SEGMENT_HEADER, |at| ends[at]);
                bytes.truncate(before);
            }
            _ => bytes[usize::from(at) % safe] ^= 1,
        }
        fs::write(&path, &bytes).unwrap();
        let error = Store::open(self.folder.path(), &self.options).unwrap_err();
        let named = ["log.corrupt", "store.version"];
        assert!(named.contains(&error.code), "{error}");
        assert!(fs::read(&path).unwrap() == bytes);
        fs::write(&path, &whole).unwrap();
        self.reopen(stored, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn what_was_synced_stays_and_what_is_bad_goes(
        steps in prop::collection::vec(step(), 1..25),
        segment_bytes in prop::sample::select(vec![6_000, 1 << 20]),
    ) {
        let mut run = Run::new(segment_bytes);
        steps.into_iter().for_each(|step| run.step(step));
        run.crash(&Damage::None, false);
    }
}

/// The mark lags by one sync: the key-value store's height alone must protect its blocks.
#[test]
fn a_bad_record_at_or_below_the_stored_height_is_named() {
    let folder = scratch();
    let roomy = Options {
        segment_bytes: 1 << 20,
        ..options()
    };
    let (store, _) = Store::open(folder.path(), &roomy).unwrap();
    let append = |height: u64| {
        store.append(height, &[7; 100]).unwrap();
        store.apply(height, writes(height)).unwrap();
    };
    (0..20).for_each(append);
    store.flush().unwrap();
    (20..30).for_each(append);
    drop(store);
    let path = segments(folder.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    for height in 0..30 {
        let mut bytes = whole.clone();
        bytes[MARK..MARK + 8].fill(0);
        bytes[SEGMENT_HEADER + height * 124 + 60] ^= 4;
        fs::write(&path, &bytes).unwrap();
        let opened = Store::open(folder.path(), &roomy);
        if height < 20 {
            let error = opened.unwrap_err();
            assert_eq!(
                (error.code, error.height),
                ("log.corrupt", Some(height as u64))
            );
            assert!(fs::read(&path).unwrap() == bytes);
        } else {
            let (store, recovery) = opened.unwrap();
            assert_eq!(recovery.cut_height, Some(height as u64));
            assert_eq!(store.log_height(), Some(height as u64 - 1));
        }
        fs::write(&path, &whole).unwrap();
    }
    // Set aside or not, the log's own mark protects what it covers.
    let mut bytes = whole.clone();
    bytes[SEGMENT_HEADER + 9 * 124 + 60] ^= 4;
    fs::write(&path, &bytes).unwrap();
    let rebuild = Options {
        rebuild: true,
        ..roomy
    };
    assert_eq!(
        Store::open(folder.path(), &rebuild).unwrap_err().code,
        "log.corrupt"
    );
}

#[test]
fn a_folder_remembers_how_its_log_is_synced() {
    let folder = scratch();
    let strict = Options {
        log: LogMode::Synced,
        ..options()
    };
    let (store, _) = Store::open(folder.path(), &options()).unwrap();
    store.append(0, b"zero").unwrap();
    assert_eq!(store.synced_height(), Some(0));
    store.append(1, b"one").unwrap();
    assert_eq!(
        (store.synced_height(), store.stats().log_syncs),
        (Some(0), 1)
    );
    store.close().unwrap();
    let bytes = fs::read(segments(folder.path()).remove(0)).unwrap();
    assert_eq!(bytes[MARK..MARK + 4], [2, 0, 0, 0], "closing syncs");
    let (store, _) = Store::open(folder.path(), &strict).unwrap();
    assert!(store.is_lazy());
    assert_eq!(store.synced_height(), Some(1));
    let folder = scratch();
    let (store, _) = Store::open(folder.path(), &strict).unwrap();
    drop(store);
    let (store, _) = Store::open(folder.path(), &options()).unwrap();
    assert!(!store.is_lazy());
    for height in 0..20 {
        store.append(height, b"block").unwrap();
        assert_eq!(
            (store.synced_height(), store.stats().log_syncs),
            (Some(height), height + 1)
        );
    }
}

#[test]
fn the_store_never_leads_what_is_synced() {
    let folder = scratch();
    let hurried = Options {
        flush_age: Duration::from_millis(1),
        flush_bytes: 4000,
        overlay_bytes: 20_000,
        ..options()
    };
    let (store, _) = Store::open(folder.path(), &hurried).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for syncs in [true, false] {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    if syncs {
                        store.sync().unwrap();
                    }
                    // In this order: each may only grow meanwhile.
                    let stored = store.stored_height();
                    let synced = store.synced_height();
                    let logged = store.log_height();
                    assert!(stored <= synced && synced <= logged);
                }
            });
        }
        for height in 0..3_000 {
            store.append(height, &payload(height, 3)).unwrap();
            store.apply(height, writes(height)).unwrap();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(store.verify_log().unwrap(), 3_000);
    store.close().unwrap();
}
