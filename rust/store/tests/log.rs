//! Damage to the block log: only the remains of an interrupted append are cut, all else is named.

use std::fs;
use std::path::{Path, PathBuf};

use store::{Error, Options, Recovery, Store, WriteSet};

/// Bytes of a segment header and of a record header.
const SEGMENT_HEADER: usize = 64;
const RECORD_HEADER: usize = 24;

/// In memory where that exists: what is damaged here is written by the tests themselves.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn options() -> Options {
    Options {
        segment_bytes: 1000,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

fn one_segment() -> Options {
    Options {
        segment_bytes: 1 << 20,
        ..options()
    }
}

fn payload(height: u64) -> Vec<u8> {
    (0..100 + height % 7)
        .map(|i| (height * 31 + i * 7 + 1) as u8 | 1)
        .collect()
}

fn build(path: &Path, options: &Options, heights: std::ops::Range<u64>) {
    let (store, _) = Store::open(path, options).unwrap();
    for height in heights {
        store.append(height, &payload(height)).unwrap();
    }
}

fn open(path: &Path, options: &Options) -> Result<(Store, Recovery), Error> {
    Store::open(path, options)
}

fn segments(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("log")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn check_records(store: &Store, heights: std::ops::Range<u64>) {
    let records: Vec<_> = store.records(0).map(Result::unwrap).collect();
    let wanted: Vec<_> = heights.map(|height| (height, payload(height))).collect();
    assert_eq!(records, wanted);
}

fn record_size(height: u64) -> usize {
    RECORD_HEADER + payload(height).len()
}

#[test]
fn records_survive_over_many_segments() {
    let folder = scratch();
    build(folder.path(), &options(), 5..60);
    build(folder.path(), &options(), 60..90);
    assert!(segments(folder.path()).len() > 5);
    let (store, recovery) = open(folder.path(), &options()).unwrap();
    assert_eq!(
        (store.first_height(), recovery.log_height),
        (Some(5), Some(89))
    );
    check_records(&store, 5..90);
    assert_eq!(store.records(70).next().unwrap().unwrap().0, 70);
    assert_eq!(store.record(4).unwrap(), None);
    assert_eq!(store.record(90).unwrap(), None);
    assert_eq!(store.verify_log().unwrap(), 85);
}

#[test]
fn a_skipped_or_repeated_height_is_refused() {
    let folder = scratch();
    let (store, _) = open(folder.path(), &options()).unwrap();
    store.append(7, b"seven").unwrap();
    for height in [6, 7, 9, u64::MAX] {
        assert_eq!(
            store.append(height, b"x").unwrap_err().code,
            "store.wrong_height"
        );
    }
    store.append(8, b"eight").unwrap();
    assert_eq!(
        store.apply(9, WriteSet::new()).unwrap_err().code,
        "store.wrong_height"
    );
    store.apply(7, WriteSet::new()).unwrap();
    store.apply(8, WriteSet::new()).unwrap();
    assert_eq!(
        store.apply(9, WriteSet::new()).unwrap_err().code,
        "store.ahead_of_log"
    );
}

#[test]
fn a_tail_torn_at_any_byte_is_cut() {
    let folder = scratch();
    build(folder.path(), &one_segment(), 0..4);
    let segment = &segments(folder.path())[0];
    let whole = fs::read(segment).unwrap();
    let start = whole.len() - record_size(3);
    for length in start..whole.len() {
        fs::write(segment, &whole[..length]).unwrap();
        let (store, recovery) = open(folder.path(), &one_segment()).unwrap();
        assert_eq!(recovery.torn_tail_bytes, (length - start) as u64);
        assert_eq!(recovery.log_height, Some(2));
        check_records(&store, 0..3);
        store.append(3, &payload(3)).unwrap();
        drop(store);
        check_records(&open(folder.path(), &one_segment()).unwrap().0, 0..4);
    }
}

#[test]
fn a_tail_with_unwritten_sectors_is_cut() {
    let folder = scratch();
    build(folder.path(), &one_segment(), 0..3);
    let segment = &segments(folder.path())[0];
    let before = fs::read(segment).unwrap().len();
    {
        let (store, _) = open(folder.path(), &one_segment()).unwrap();
        store.append(3, &vec![7; 5000]).unwrap();
    }
    let whole = fs::read(segment).unwrap();
    // Any one whole sector behind the record's start, and everything from some sector on.
    let sectors = (before.div_ceil(512)..whole.len() / 512).map(|sector| sector * 512);
    for from in sectors {
        for to in [from + 512, whole.len()] {
            let mut torn = whole.clone();
            torn[from..to].fill(0);
            fs::write(segment, &torn).unwrap();
            let (store, recovery) = open(folder.path(), &one_segment()).unwrap();
            assert_eq!(recovery.torn_tail_bytes, (whole.len() - before) as u64);
            check_records(&store, 0..3);
        }
    }
    // Zeros only: the file grew, nothing arrived.
    let mut torn = whole[..before].to_vec();
    torn.resize(whole.len(), 0);
    fs::write(segment, &torn).unwrap();
    assert_eq!(
        open(folder.path(), &one_segment()).unwrap().1.log_height,
        Some(2)
    );
}

#[test]
fn a_flipped_byte_is_named_and_never_cut() {
    let folder = scratch();
    build(folder.path(), &one_segment(), 0..5);
    let segment = &segments(folder.path())[0];
    let whole = fs::read(segment).unwrap();
    let mut start = SEGMENT_HEADER;
    for height in 0..5 {
        let end = start + record_size(height);
        for position in start..end {
            for flip in [1u8, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[position] ^= flip;
                fs::write(segment, &bytes).unwrap();
                let error = open(folder.path(), &one_segment()).unwrap_err();
                assert_eq!(error.code, "log.corrupt", "{position}: {error}");
                assert_eq!(error.height, Some(height));
                assert_eq!(error.offset, Some(start as u64));
                assert!(error.message.contains(segment.to_str().unwrap()));
                assert_eq!(fs::read(segment).unwrap(), bytes, "the file was touched");
            }
        }
        start = end;
    }
    fs::write(segment, &whole).unwrap();
    check_records(&open(folder.path(), &one_segment()).unwrap().0, 0..5);
}

#[test]
fn a_flipped_byte_of_a_segment_header_is_named() {
    let folder = scratch();
    build(folder.path(), &options(), 0..30);
    for segment in segments(folder.path()) {
        let whole = fs::read(&segment).unwrap();
        for position in 0..SEGMENT_HEADER {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x10;
            fs::write(&segment, &bytes).unwrap();
            let error = open(folder.path(), &options()).unwrap_err();
            assert_eq!(error.code, "log.corrupt", "{position}: {error}");
        }
        fs::write(&segment, &whole).unwrap();
    }
    check_records(&open(folder.path(), &options()).unwrap().0, 0..30);
}

#[test]
fn old_segments_are_verified_when_read() {
    let folder = scratch();
    build(folder.path(), &options(), 0..60);
    let segment = &segments(folder.path())[1];
    let first: u64 = segment
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut bytes = fs::read(segment).unwrap();
    bytes[SEGMENT_HEADER + record_size(first) + 50] ^= 4;
    fs::write(segment, &bytes).unwrap();
    assert_eq!(
        open(folder.path(), &options()).unwrap_err().code,
        "log.corrupt"
    );
    let lazy = Options {
        verify_bytes: 0,
        ..options()
    };
    let (store, _) = open(folder.path(), &lazy).unwrap();
    let error = store.record(first + 1).unwrap_err();
    assert_eq!((error.code, error.height), ("log.corrupt", Some(first + 1)));
    assert_eq!(store.verify_log().unwrap_err().code, "log.corrupt");
    let last = store.records(0).last().unwrap();
    assert_eq!(last.unwrap_err().code, "log.corrupt");
    assert_eq!(store.record(59).unwrap().unwrap(), payload(59));
}

#[test]
fn a_flipped_bit_in_a_payload_of_zeros_is_not_a_torn_write() {
    let folder = scratch();
    build(folder.path(), &one_segment(), 0..3);
    let segment = &segments(folder.path())[0];
    let start = fs::read(segment).unwrap().len();
    {
        let (store, _) = open(folder.path(), &one_segment()).unwrap();
        store.append(3, &vec![0; 5000]).unwrap();
    }
    let whole = fs::read(segment).unwrap();
    for position in (start..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x20;
        fs::write(segment, &bytes).unwrap();
        let error = open(folder.path(), &one_segment()).unwrap_err();
        assert_eq!(
            (error.code, error.height),
            ("log.corrupt", Some(3)),
            "{position}"
        );
    }
}

#[test]
fn garbage_after_the_end_is_named() {
    for garbage in [
        vec![0xAB; 100],
        b"some text".repeat(300),
        vec![1; RECORD_HEADER],
    ] {
        let folder = scratch();
        build(folder.path(), &one_segment(), 0..4);
        let segment = &segments(folder.path())[0];
        let mut bytes = fs::read(segment).unwrap();
        let end = bytes.len();
        bytes.extend_from_slice(&garbage);
        fs::write(segment, &bytes).unwrap();
        let error = open(folder.path(), &one_segment()).unwrap_err();
        assert_eq!(
            (error.code, error.height, error.offset),
            ("log.corrupt", Some(4), Some(end as u64))
        );
        assert_eq!(fs::read(segment).unwrap(), bytes);
    }
}

#[test]
fn a_missing_or_shortened_segment_is_named() {
    let folder = scratch();
    build(folder.path(), &options(), 0..60);
    let all = segments(folder.path());
    for (index, segment) in all.iter().enumerate().take(all.len() - 1) {
        let aside = folder.path().join("aside");
        fs::rename(segment, &aside).unwrap();
        let error = open(folder.path(), &options()).unwrap_err();
        assert_eq!(error.code, "log.segment_missing", "{index}: {error}");
        let first: u64 = segment
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(error.height, Some(first));
        let bytes = fs::read(&aside).unwrap();
        let lazy = Options {
            verify_bytes: 0,
            ..options()
        };
        for length in [
            SEGMENT_HEADER,
            bytes.len() - 1,
            bytes.len() - record_size(0),
        ] {
            fs::write(segment, &bytes[..length]).unwrap();
            assert_eq!(open(folder.path(), &lazy).unwrap_err().code, "log.corrupt");
        }
        fs::rename(&aside, segment).unwrap();
    }
    check_records(&open(folder.path(), &options()).unwrap().0, 0..60);
}

#[test]
fn a_store_ahead_of_the_log_is_refused() {
    let folder = scratch();
    {
        let (store, _) = open(folder.path(), &one_segment()).unwrap();
        for height in 0..5 {
            store.append(height, &payload(height)).unwrap();
            store.apply(height, WriteSet::new()).unwrap();
        }
        store.close().unwrap();
    }
    let segment = &segments(folder.path())[0];
    let whole = fs::read(segment).unwrap();
    let start = whole.len() - record_size(4);
    // The last record is gone: its block is in the store.
    fs::write(segment, &whole[..start]).unwrap();
    let error = open(folder.path(), &one_segment()).unwrap_err();
    assert_eq!((error.code, error.height), ("store.ahead_of_log", Some(4)));
    // Half of it is gone: it looks torn, but the store proves that it was confirmed.
    fs::write(segment, &whole[..start + 30]).unwrap();
    let error = open(folder.path(), &one_segment()).unwrap_err();
    assert_eq!((error.code, error.height), ("log.corrupt", Some(4)));
    assert_eq!(fs::read(segment).unwrap().len(), start + 30);
    // The whole log is gone.
    fs::remove_file(segment).unwrap();
    assert_eq!(
        open(folder.path(), &one_segment()).unwrap_err().code,
        "store.ahead_of_log"
    );
    fs::write(segment, &whole).unwrap();
    check_records(&open(folder.path(), &one_segment()).unwrap().0, 0..5);
}

#[test]
fn parts_of_another_ledger_are_refused() {
    let (own, other) = (scratch(), scratch());
    build(own.path(), &one_segment(), 0..5);
    build(other.path(), &one_segment(), 0..5);
    for part in ["log", "state", "format"] {
        let (mine, theirs) = (own.path().join(part), other.path().join(part));
        let swap = || {
            let aside = own.path().join("aside");
            fs::rename(&mine, &aside).unwrap();
            fs::rename(&theirs, &mine).unwrap();
            fs::rename(&aside, &theirs).unwrap();
        };
        swap();
        assert_eq!(
            open(own.path(), &one_segment()).unwrap_err().code,
            "store.foreign",
            "{part}"
        );
        swap();
    }
    check_records(&open(own.path(), &one_segment()).unwrap().0, 0..5);
    for damage in [
        &b""[..],
        b"lianheng store 1\nid 00\n",
        b"lianheng store 9\n",
    ] {
        fs::write(own.path().join("format"), damage).unwrap();
        let code = open(own.path(), &one_segment()).unwrap_err().code;
        assert!(matches!(code, "store.format" | "store.version"));
    }
    fs::remove_file(own.path().join("format")).unwrap();
    assert_eq!(
        open(own.path(), &one_segment()).unwrap_err().code,
        "store.format"
    );
}

#[test]
fn log_bytes_inside_a_torn_payload_do_not_pass_for_a_record() {
    let folder = scratch();
    build(folder.path(), &one_segment(), 0..4);
    let segment = &segments(folder.path())[0];
    let whole = fs::read(segment).unwrap();
    {
        // A transaction that carries this very log, with records of the heights to come.
        let (store, _) = open(folder.path(), &one_segment()).unwrap();
        store.append(4, &[whole.clone(), whole].concat()).unwrap();
    }
    let torn = fs::read(segment).unwrap();
    fs::write(segment, &torn[..torn.len() - 1]).unwrap();
    let (store, recovery) = open(folder.path(), &one_segment()).unwrap();
    assert_eq!(recovery.log_height, Some(3));
    check_records(&store, 0..4);
}
