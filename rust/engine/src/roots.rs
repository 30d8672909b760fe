//! The trees behind a block's roots, brought forward: state and history.

use std::collections::BTreeMap;
use std::sync::Arc;

use crypto::{Hash32, Suite};
use rayon::prelude::*;
use store::{Keyspace, WriteSet};
use tree::{BucketId, StateTree};

use crate::head::{Buckets, Head};
use crate::Error;

/// The state's tree with these rows, whose changed buckets are added to the writes and named.
pub(crate) fn update_tree(
    head: &Head,
    suite: Suite,
    state: &BTreeMap<Vec<u8>, Option<Arc<[u8]>>>,
    writes: &mut WriteSet,
) -> Result<(StateTree, Vec<BucketId>), Error> {
    let rows: Vec<_> = state.iter().collect();
    let changes: Vec<_> = rows
        .par_iter()
        .with_min_len(256)
        .map(|(key, value)| {
            (
                suite.hash(key),
                value.as_ref().map(|value| suite.hash(value)),
            )
        })
        .collect();
    let mut tree = head.tree.clone();
    let buckets = tree.update(&Buckets(&head.view), &changes)?;
    let changed = buckets.iter().map(|(id, _)| *id).collect();
    for (id, bytes) in buckets {
        writes.push(
            Keyspace::Buckets,
            id.storage_key().as_slice(),
            bytes.map(Into::into),
        );
    }
    Ok((tree, changed))
}

/// Appends the parent's header hash to the history; the root then covers all heights below the new block.
pub(crate) fn extend_history(
    next: &mut Head,
    parent: &Head,
    suite: Suite,
    writes: &mut WriteSet,
) -> Hash32 {
    let leaf = tree::log::leaf_hash(suite, &parent.header_hash.0);
    for (id, hash) in next.history.append(leaf) {
        writes.put(
            Keyspace::History,
            id.storage_key().as_slice(),
            hash.0.as_slice(),
        );
    }
    next.history.root()
}
