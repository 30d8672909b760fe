//! Threads for the block that is being made.
//!
//! Signatures of the next block are checked on rayon's own pool. The roots of this block must not queue behind them: a thread pool
//! serves its jobs one after another, the operating system shares the cores fairly. With one pool for both, each parallel step of
//! a block waits for whole chunks of signatures, several milliseconds a block.

use std::sync::OnceLock;

use rayon::ThreadPool;

static ROOTS: OnceLock<Option<ThreadPool>> = OnceLock::new();

/// Runs `work` on the pool for roots; on the caller's own where threads cannot be had.
pub(crate) fn for_roots<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = ROOTS.get_or_init(|| {
        let name = |index| format!("lianheng-roots-{index}");
        rayon::ThreadPoolBuilder::new()
            .thread_name(name)
            .build()
            .ok()
    });
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
