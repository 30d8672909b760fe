//! The one error of this crate.

use std::fmt;
use std::io;
use std::path::Path;

/// What went wrong, where, and what to do about it.
///
/// | code | meaning |
/// |---|---|
/// | `store.locked` | another process holds the store; the message names it |
/// | `store.version`, `store.format` | made by another version; its format marker is unreadable |
/// | `store.foreign` | log and key-value store belong to different ledgers |
/// | `store.ahead_of_log` | the key-value store holds a height that the log does not |
/// | `store.damaged` | the key-value store is damaged; it can be rebuilt from the log |
/// | `store.wrong_height` | a height was skipped or repeated (caller's mistake) |
/// | `store.key_size`, `store.value_size`, `store.reserved_key` | a write that cannot be stored |
/// | `store.disk_full`, `store.io` | the operating system refused a read or write |
/// | `store.failed` | an earlier failure stopped the writer; open the store again |
/// | `log.corrupt` | a record or segment is damaged and is not the torn tail |
/// | `log.segment_missing` | a segment file is gone |
/// | `log.record_size` | a record is larger than the limit |
/// | `log.poisoned` | an earlier append failed; open the store again |
/// | `side.corrupt`, `side.name`, `side.size` | a side file is damaged, badly named, or too large |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Stable code, `namespace.word`.
    pub code: &'static str,
    /// What was wrong and what to do, for people.
    pub message: String,
    /// Byte offset in the file that the message names, where there is one.
    pub offset: Option<u64>,
    /// Block height concerned, where there is one.
    pub height: Option<u64>,
}

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            offset: None,
            height: None,
        }
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    pub(crate) fn height(mut self, height: u64) -> Self {
        self.height = Some(height);
        self
    }

    /// An operating system error while doing `what` to `path`.
    pub(crate) fn io(what: &str, path: &Path, source: &io::Error) -> Self {
        let full = matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        let path = path.display();
        if full {
            let message = format!("cannot {what} {path}: {source}; free space, then open again");
            Self::new("store.disk_full", message)
        } else {
            Self::new("store.io", format!("cannot {what} {path}: {source}"))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}
