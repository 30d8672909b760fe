//! Threads whose work can wait: flushing and compaction give way to the path of a confirmation.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

use crate::limits;

/// Lowers the priority of the calling thread for good; threads that it starts inherit it. Where the
/// system refuses, the thread goes on as it was: slower confirmations, nothing else.
pub(crate) fn give_way() {
    // On Linux a priority belongs to a thread, named by its id.
    let _refused = setpriority_process(Some(gettid()), limits::BACKGROUND_NICE);
}

/// Runs `work` on a thread of its own that gives way, as do the threads that it starts.
pub(crate) fn giving_way<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            give_way();
            work()
        });
        match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
