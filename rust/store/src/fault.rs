//! Places at which something becomes durable, named so that a test can stop the process there.
//!
//! `LIANHENG_FAULT=name[:n]` aborts the process at the n-th pass (default: the first) of the point
//! with that name. Without the variable a point costs one atomic load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

/// Every point of this crate, in the order in which a block passes them. The `lazy`, `mark` and
/// `roll` ones are passed where the log is synced lazily, `log.after_sync` by a lazy log's first
/// record only.
pub const POINTS: &[&str] = &[
    "log.before_append",
    "log.mid_append",
    "log.after_append_before_sync",
    "log.after_sync",
    "log.before_lazy_sync",
    "log.after_lazy_sync",
    "log.after_mark",
    "segment.before_roll_sync",
    "segment.after_create",
    "segment.after_rename",
    "segment.after_dirsync",
    "store.before_apply",
    "store.after_apply",
    "flush.before_batch",
    "flush.after_batch",
    "flush.after_publish",
    "side.after_tmp",
    "side.after_rename",
    "side.after_dirsync",
    "open.after_marker",
    "open.after_state_made",
    "open.before_cut",
    "open.after_cut",
];

struct Armed {
    name: String,
    left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

fn armed() -> Option<Armed> {
    let setting = std::env::var("LIANHENG_FAULT").ok()?;
    let (name, count) = match setting.rsplit_once(':') {
        Some((name, count)) => (name.to_owned(), count.parse().ok()?),
        None => (setting, 1),
    };
    Some(Armed {
        name,
        left: AtomicU64::new(count),
    })
}

/// Passes the point `name`; aborts the process when `LIANHENG_FAULT` says so.
#[inline]
pub fn point(name: &str) {
    if let Some(armed) = ARMED.get_or_init(armed) {
        if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}
