//! The file that says what a folder is: `format`, a few lines of text.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::{self, Points};
use crate::log::format::StoreId;

const VERSION: u32 = 1;

const POINTS: Points = Points {
    written: "open.after_marker",
    renamed: "open.after_marker",
    synced: "open.after_marker",
};

/// What a folder says of itself.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    pub id: StoreId,
    /// The block log is synced lazily.
    pub lazy: bool,
}

const LAZY: &str = "log lazy";

fn text(marker: &Marker) -> String {
    let id: String = marker.id.iter().map(|byte| format!("{byte:02x}")).collect();
    let mode = if marker.lazy {
        format!("{LAZY}\n")
    } else {
        String::new()
    };
    let body = format!("lianheng store {VERSION}\nid {id}\n{mode}");
    format!("{body}check {:08x}\n", crc32fast::hash(body.as_bytes()))
}

fn parse(bytes: &[u8]) -> Option<Marker> {
    let content = std::str::from_utf8(bytes).ok()?;
    let hex = content.lines().nth(1)?.strip_prefix("id ")?;
    let mut id = StoreId::default();
    for (index, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    let lazy = content.lines().nth(2) == Some(LAZY);
    let marker = Marker { id, lazy };
    (content == text(&marker)).then_some(marker)
}

/// Distinguishes ledgers and makes record checksums unpredictable; no secret.
fn new_id() -> StoreId {
    let mut id = StoreId::default();
    for half in id.chunks_mut(8) {
        // Each `RandomState` is seeded by the operating system's randomness.
        half.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    id
}

/// Reads the marker in `folder`, or makes one when `empty` says that nothing else is there; `lazy`
/// counts then only.
pub(crate) fn open(folder: &Path, empty: bool, lazy: bool) -> Result<Marker> {
    let path = folder.join("format");
    match fs::read(&path) {
        Ok(bytes) => parse(&bytes).ok_or_else(|| unreadable(&path, &bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && empty => {
            let id = new_id();
            let marker = Marker { id, lazy };
            files::write_atomic(&path, &[text(&marker).as_bytes()], &POINTS)?;
            Ok(marker)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("{} is missing; restore it from a copy", path.display());
            Err(Error::new("store.format", message))
        }
        Err(e) => Err(Error::io("read", &path, &e)),
    }
}

fn unreadable(path: &Path, bytes: &[u8]) -> Error {
    let content = String::from_utf8_lossy(bytes);
    let path = path.display();
    let version = content
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("lianheng store "));
    match version.and_then(|version| version.parse::<u32>().ok()) {
        Some(found) if found != VERSION => {
            let message = format!("{path}: store format {found}; this version reads {VERSION}");
            Error::new("store.version", message)
        }
        _ => {
            let message = format!("{path} is damaged or not a ledger's; restore it from a copy");
            Error::new("store.format", message)
        }
    }
}
