//! The key-value store, damaged: named, or harmless, or healed from the log; never wrong.

use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Duration;

use store::{Error, Keyspace, Options, Recovery, Store, WriteSet};

const BLOCKS: u64 = 60;

fn options() -> Options {
    Options {
        flush_bytes: 20_000,
        flush_age: Duration::from_millis(2),
        cache_bytes: 0,
        memtable_bytes: 4000,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

/// In memory where that exists: nothing here needs a real disk.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn writes(height: u64) -> WriteSet {
    let mut set = WriteSet::new();
    for i in 0..20u64 {
        set.put(
            Keyspace::State,
            ((height * 7 + i) % 300).to_be_bytes(),
            vec![height as u8; 40],
        );
        set.put(Keyspace::Index, (height * 100 + i).to_be_bytes(), []);
    }
    set.put(
        Keyspace::Buckets,
        (height % 10).to_be_bytes(),
        vec![height as u8; 500],
    );
    set
}

/// All pairs of all keyspaces.
type Content = Vec<(Vec<u8>, Vec<u8>)>;

fn content(store: &Store) -> Result<Content, Error> {
    let mut all = Vec::new();
    for keyspace in Keyspace::ALL {
        let (from, to) = (Bound::Unbounded, Bound::Unbounded);
        all.extend(store.scan(keyspace, from, to, false, usize::MAX)?);
        for i in 0..300u64 {
            store.get(keyspace, &i.to_be_bytes())?;
        }
    }
    Ok(all)
}

fn replay(store: &Store, recovery: &Recovery) -> Result<(), Error> {
    let from = recovery.stored_height.map_or(0, |height| height + 1);
    (from..BLOCKS).try_for_each(|height| store.apply(height, writes(height)))
}

/// A ledger of some blocks, in many batches.
fn build(path: &Path) -> Content {
    let (store, _) = Store::open(path, &options()).unwrap();
    for height in 0..BLOCKS {
        store.append(height, b"block").unwrap();
        store.apply(height, writes(height)).unwrap();
        if height % 6 == 0 {
            store.flush().unwrap();
        }
    }
    store.flush().unwrap();
    content(&store).unwrap()
}

/// A folder's files in memory, without the zeros behind a preallocated journal.
struct Saved(Vec<(PathBuf, Vec<u8>, u64)>);

impl Saved {
    fn of(folder: &Path) -> Self {
        let mut all = Vec::new();
        files(folder, &mut all);
        let one = |path: PathBuf| {
            let mut bytes = fs::read(&path).unwrap();
            let length = bytes.len() as u64;
            bytes.truncate(used(&bytes));
            (path.strip_prefix(folder).unwrap().to_owned(), bytes, length)
        };
        Self(all.into_iter().map(one).collect())
    }

    /// The files of the key-value store.
    fn state(&self) -> Vec<&(PathBuf, Vec<u8>, u64)> {
        self.0
            .iter()
            .filter(|(path, bytes, _)| path.starts_with("state") && !bytes.is_empty())
            .collect()
    }

    fn restore(&self, folder: &Path) {
        for (path, bytes, length) in &self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(*length)
                .unwrap();
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
}

/// Opens the damaged ledger. Either all of it is right after the replay, or an error names the
/// damage and a rebuild makes it right. Returns whether an error named it.
fn check(path: &Path, wanted: &Content, what: &str) -> bool {
    let first = (|| {
        let (store, recovery) = Store::open(path, &options())?;
        replay(&store, &recovery)?;
        content(&store)
    })();
    match first {
        Ok(found) => {
            assert!(found == *wanted, "{what}: wrong content went unnoticed");
            false
        }
        Err(error) => {
            assert_eq!(error.code, "store.damaged", "{what}: {error}");
            // Named again without permission to rebuild, also when only a read found it.
            assert_eq!(
                Store::open(path, &options()).unwrap_err().code,
                "store.damaged",
                "{what}"
            );
            let rebuild = Options {
                rebuild: true,
                ..options()
            };
            let (store, recovery) = Store::open(path, &rebuild).unwrap();
            assert_eq!(recovery.stored_height, None, "{what}");
            assert!(recovery.set_aside.as_ref().unwrap().0.is_dir());
            replay(&store, &recovery).unwrap();
            assert!(
                content(&store).unwrap() == *wanted,
                "{what}: after the rebuild"
            );
            true
        }
    }
}

fn used(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}

#[test]
fn a_flipped_bit_anywhere_is_named_or_harmless() {
    let origin = scratch();
    let wanted = build(origin.path());
    let saved = Saved::of(origin.path());
    let all = saved.state();
    let folder = scratch();
    let (mut named, mut seed) = (0, 1u64);
    for round in 0..60usize {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        let path = folder.path().join(round.to_string());
        saved.restore(&path);
        let (file, bytes, _) = all[(seed >> 40) as usize % all.len()];
        let (damaged, mut bytes) = (path.join(file), bytes.clone());
        let position = (seed >> 24) as usize % bytes.len();
        bytes[position] ^= 1 << (seed >> 60 & 7);
        fs::write(&damaged, &bytes).unwrap();
        named += usize::from(check(
            &path,
            &wanted,
            &format!("{} byte {position}", damaged.display()),
        ));
        fs::remove_dir_all(&path).unwrap();
    }
    assert!(named > 10, "only {named} were named");
}

/// The engine replays its journals one by one: what is lost at the end of one must not be hidden
/// by the next.
#[test]
fn a_gap_between_two_journals_is_named() {
    let folder = scratch();
    let tuned = Options {
        memtable_bytes: u64::MAX,
        flush_bytes: 1 << 20,
        ..options()
    };
    let (store, _) = Store::open(folder.path(), &tuned).unwrap();
    let mut seed = 1u64;
    let mut noise = |count: usize| -> Vec<u8> {
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            (seed >> 56) as u8
        };
        (0..count).map(|_| next()).collect()
    };
    // The buckets stay in the journal; the state fills its memtable, which rotates the journal.
    for height in 0..70u64 {
        let keyspace = if height < 34 {
            Keyspace::Buckets
        } else {
            Keyspace::State
        };
        let mut set = WriteSet::new();
        set.put(keyspace, height.to_be_bytes(), noise(1_000_000));
        store.append(height, b"block").unwrap();
        store.apply(height, set).unwrap();
        store.flush().unwrap();
    }
    let journals = |path: &Path| {
        let mut all = Vec::new();
        files(path, &mut all);
        all.retain(|path| path.extension().is_some_and(|extension| extension == "jnl"));
        all
    };
    drop(store);
    let found = journals(&folder.path().join("state"));
    assert_eq!(
        found.len(),
        2,
        "this test needs a sealed journal and an active one: {found:?}"
    );
    let sealed = found
        .iter()
        .max_by_key(|path| used(&fs::read(path).unwrap()))
        .unwrap();
    let whole = fs::read(sealed).unwrap();
    for position in [used(&whole) / 3, used(&whole) / 2] {
        // The tag and the length of an entry are not in its checksum: search for one that parses
        // otherwise by damaging a stretch.
        let mut bytes = whole.clone();
        bytes[position..position + 1_100_000].fill(0xEE);
        fs::write(sealed, &bytes).unwrap();
        let error = Store::open(folder.path(), &tuned).unwrap_err();
        assert_eq!(error.code, "store.damaged");
        fs::remove_file(folder.path().join("state-damaged")).unwrap();
        fs::write(sealed, &whole[..position]).unwrap();
        let error = Store::open(folder.path(), &tuned).unwrap_err();
        assert_eq!(error.code, "store.damaged");
        assert!(error.message.contains("batches are missing"), "{error}");
        fs::remove_file(folder.path().join("state-damaged")).unwrap();
    }
}

/// One keyspace's tables may hold more than a shortened journal: replaying blocks over them would
/// give wrong results.
#[test]
fn a_keyspace_ahead_of_the_others_is_named() {
    let folder = scratch();
    let tuned = Options {
        memtable_bytes: 1 << 20,
        flush_bytes: 1 << 16,
        ..options()
    };
    let (store, _) = Store::open(folder.path(), &tuned).unwrap();
    for height in 0..30u64 {
        let mut set = WriteSet::new();
        for i in 0..10u64 {
            let key = [height.to_be_bytes(), i.to_be_bytes()].concat();
            // Hardly compressible, below the size from which the journal tries.
            let value: Vec<u8> = (0..4000)
                .map(|n| (((height + 7) * (i + 3) * n) >> 3) as u8)
                .collect();
            set.put(Keyspace::State, key, value);
        }
        store.append(height, b"block").unwrap();
        store.apply(height, set).unwrap();
        store.flush().unwrap();
    }
    // The engine writes its table in the background.
    std::thread::sleep(Duration::from_millis(500));
    drop(store);
    let mut all = Vec::new();
    files(&folder.path().join("state"), &mut all);
    let journal = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "jnl");
    let journals: Vec<_> = all.iter().filter(journal).collect();
    assert_eq!(journals.len(), 1);
    let bytes = fs::read(journals[0]).unwrap();
    fs::write(journals[0], &bytes[..used(&bytes) / 3]).unwrap();
    let error = Store::open(folder.path(), &tuned).unwrap_err();
    assert_eq!(error.code, "store.damaged");
    assert!(error.message.contains("stands at block"), "{error}");
}

#[test]
fn a_missing_or_shortened_file_is_named_or_harmless() {
    let origin = scratch();
    let wanted = build(origin.path());
    let saved = Saved::of(origin.path());
    let folder = scratch();
    let mut named = 0;
    for (number, (file, bytes, _)) in saved.state().into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        saved.restore(&path);
        let damaged = path.join(file);
        let left = [None, Some(0), Some(bytes.len() / 2), Some(bytes.len() - 1)][number % 4];
        match left {
            None => fs::remove_file(&damaged).unwrap(),
            Some(left) => fs::write(&damaged, &bytes[..left]).unwrap(),
        }
        let what = format!("{} cut to {left:?}", damaged.display());
        named += usize::from(check(&path, &wanted, &what));
        fs::remove_dir_all(&path).unwrap();
    }
    assert!(named > 4, "only {named} were named");
}

#[test]
fn a_damaged_side_file_is_named() {
    let folder = scratch();
    let (store, _) = Store::open(folder.path(), &options()).unwrap();
    assert_eq!(store.read_side_file("tree").unwrap(), None);
    store.write_side_file("tree", b"some checkpoint").unwrap();
    store
        .write_side_file("tree", b"a newer checkpoint")
        .unwrap();
    assert_eq!(
        store.read_side_file("tree").unwrap().unwrap(),
        b"a newer checkpoint"
    );
    let path = folder.path().join("side/tree.side");
    let whole = fs::read(&path).unwrap();
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(
            store.read_side_file("tree").unwrap_err().code,
            "side.corrupt"
        );
        fs::write(&path, &whole[..position]).unwrap();
        assert_eq!(
            store.read_side_file("tree").unwrap_err().code,
            "side.corrupt"
        );
    }
    store.remove_side_file("tree").unwrap();
    assert_eq!(store.read_side_file("tree").unwrap(), None);
    for name in ["", "../x", "A", "a.b", &"x".repeat(65)] {
        assert_eq!(
            store.write_side_file(name, b"").unwrap_err().code,
            "side.name"
        );
    }
}
