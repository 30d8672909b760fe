//! What lies below the overlay: flushed state, on disk or in memory.

pub(crate) mod disk;
pub(crate) mod memory;

use std::ops::Bound;

use crate::error::Result;
use crate::keyspace::{Bytes, Keyspace, Write};

/// One key with its value.
pub(crate) type Pair = (Bytes, Bytes);

/// Pairs in key order.
pub(crate) type Pairs<'a> = Box<dyn Iterator<Item = Result<Pair>> + 'a>;

/// A store of flushed writes. Writes come from one thread.
pub(crate) trait Backing: Send + Sync {
    /// Writes all of `writes` and the height of `stamp`, or nothing. MUST be durable on return.
    fn write(&self, stamp: u64, writes: &mut dyn Iterator<Item = &Write>) -> Result<()>;

    /// What is stored now; later writes do not change it.
    fn snapshot(&self) -> Box<dyn Snapshot>;
}

/// An unchanging view of a backing store.
pub(crate) trait Snapshot: Send + Sync {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Bytes>>;

    /// The pairs between the bounds, for which [`is_empty`] MUST NOT hold.
    fn range(
        &self,
        keyspace: Keyspace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        reverse: bool,
    ) -> Pairs<'_>;
}

/// Whether no key can lie between the bounds.
pub(crate) fn is_empty(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}
