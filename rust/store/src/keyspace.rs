//! What is written: keyspaces and the write set of one block.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::limits;

/// Shared immutable bytes: keys and values are handed out without copying.
pub type Bytes = Arc<[u8]>;

/// A separate ordered map of keys to values.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Keyspace {
    /// Flat state: key to value. Read often, scanned.
    State = 0,
    /// Buckets of the authenticated tree. Read and rewritten often, never scanned but by checks.
    Buckets = 1,
    /// Entries of secondary indexes. Scanned.
    Index = 2,
    /// Transaction id to its place. Written once under random keys, rarely read.
    Transactions = 3,
    /// Nodes of the history tree. Written once, rarely read.
    History = 4,
    /// Small things.
    Meta = 5,
}

impl Keyspace {
    /// All keyspaces, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::State,
        Self::Buckets,
        Self::Index,
        Self::Transactions,
        Self::History,
        Self::Meta,
    ];

    /// Name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Buckets => "buckets",
            Self::Index => "index",
            Self::Transactions => "transactions",
            Self::History => "history",
            Self::Meta => "meta",
        }
    }

    pub(crate) const fn number(self) -> usize {
        self as usize
    }

    /// Whether flushed values stay in memory for later reads.
    pub(crate) const fn cached(self) -> bool {
        matches!(self, Self::State | Self::Buckets | Self::Meta)
    }
}

/// Reserved key: each keyspace of the key-value engine holds its stored height under it, so that a
/// keyspace that lost part of its journal betrays itself. It sorts after every key in use.
pub(crate) const MARKER: [u8; 40] = [0xFF; 40];

/// One put (`Some`) or delete (`None`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The keyspace written.
    pub keyspace: Keyspace,
    /// The key.
    pub key: Bytes,
    /// The new value; `None` deletes.
    pub value: Option<Bytes>,
}

impl Write {
    pub(crate) fn cost(&self) -> usize {
        cost(&self.key, self.value.as_deref())
    }

    fn check(&self) -> Result<()> {
        let size = self.key.len();
        if size == 0 || size > limits::KEY_BYTES_MAX {
            let message = format!(
                "key of {size} bytes; it must have 1 to {}",
                limits::KEY_BYTES_MAX
            );
            return Err(Error::new("store.key_size", message));
        }
        if self.key.starts_with(&MARKER) {
            let message = "a key must not start with 40 bytes of 0xFF: the store uses it";
            return Err(Error::new("store.reserved_key", message));
        }
        let size = self.value.as_ref().map_or(0, |value| value.len());
        if size > limits::VALUE_BYTES_MAX {
            let most = limits::VALUE_BYTES_MAX;
            let message = format!("value of {size} bytes; it must have at most {most}");
            return Err(Error::new("store.value_size", message));
        }
        Ok(())
    }
}

/// Memory that an entry is counted with, in bytes.
pub(crate) fn cost(key: &[u8], value: Option<&[u8]>) -> usize {
    key.len() + value.map_or(0, <[u8]>::len) + limits::ENTRY_OVERHEAD_BYTES
}

/// All writes of one block. A later write of the same key replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    writes: Vec<Write>,
}

impl WriteSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty set with room for `writes` writes.
    #[must_use]
    pub fn with_capacity(writes: usize) -> Self {
        Self {
            writes: Vec::with_capacity(writes),
        }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.writes.push(Write {
            keyspace,
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// Removes `key`; it need not exist.
    pub fn delete(&mut self, keyspace: Keyspace, key: impl Into<Bytes>) {
        self.writes.push(Write {
            keyspace,
            key: key.into(),
            value: None,
        });
    }

    /// Puts or deletes.
    pub fn push(&mut self, keyspace: Keyspace, key: impl Into<Bytes>, value: Option<Bytes>) {
        self.writes.push(Write {
            keyspace,
            key: key.into(),
            value,
        });
    }

    /// Number of writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes, in the order in which they were made.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    pub(crate) fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.writes.iter().try_for_each(Write::check)
    }
}

impl Extend<Write> for WriteSet {
    fn extend<T: IntoIterator<Item = Write>>(&mut self, iter: T) {
        self.writes.extend(iter);
    }
}

impl FromIterator<Write> for WriteSet {
    fn from_iter<T: IntoIterator<Item = Write>>(iter: T) -> Self {
        Self {
            writes: iter.into_iter().collect(),
        }
    }
}
