//! Memory of a running call, counted by the sizes of values and not by the allocator.
//!
//! Each object on the heap carries a [`Charge`], which gives its bytes back when it is dropped.
//! Values never leave their thread while a call runs, so the count is one cell per thread.

use std::cell::{Cell, RefCell};

use crate::error::{fatal, Trap, R};
use crate::limits;
use crate::value::Value;

thread_local! {
    static LIVE: Cell<u64> = const { Cell::new(0) };
    static DROP_DEPTH: Cell<u32> = const { Cell::new(0) };
    static TRASH: RefCell<Vec<Vec<Value>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that an object holds, given back on drop.
#[derive(Debug)]
pub(crate) struct Charge(Cell<u32>);

impl Charge {
    /// For what is not counted: constants, short-lived messages.
    pub(crate) fn none() -> Charge {
        Charge(Cell::new(0))
    }

    /// Counts what this object needs beyond what it once had: an object that shrinks keeps its
    /// room, and does not pay again when it grows back.
    #[inline]
    pub(crate) fn reach(&self, bytes: usize) -> R<()> {
        let more = bytes.saturating_sub(self.0.get() as usize);
        if more == 0 {
            return Ok(());
        }
        self.grow(more)
    }

    /// Counts `bytes` bytes more for this object.
    #[inline]
    pub(crate) fn grow(&self, bytes: usize) -> R<()> {
        take(bytes)?;
        self.0.set(self.0.get().saturating_add(bytes as u32));
        Ok(())
    }
}

impl Drop for Charge {
    #[inline]
    fn drop(&mut self) {
        let bytes = u64::from(self.0.get());
        if bytes > 0 {
            LIVE.with(|live| live.set(live.get().saturating_sub(bytes)));
        }
    }
}

/// Counts a new object of `bytes` bytes.
#[inline]
pub(crate) fn charge(bytes: usize) -> R<Charge> {
    take(bytes)?;
    Ok(Charge(Cell::new(bytes as u32)))
}

/// Fails where `bytes` bytes more would pass the limit; counts nothing.
pub(crate) fn check(bytes: usize) -> R<()> {
    if LIVE.with(Cell::get).saturating_add(bytes as u64) > limits::MEMORY_BYTES {
        return Err(exhausted());
    }
    Ok(())
}

#[inline]
fn take(bytes: usize) -> R<()> {
    LIVE.with(|live| {
        let total = live.get().saturating_add(bytes as u64);
        if total > limits::MEMORY_BYTES {
            return Err(exhausted());
        }
        live.set(total);
        Ok(())
    })
}

#[cold]
#[inline(never)]
fn exhausted() -> Trap {
    let megabytes = limits::MEMORY_BYTES >> 20;
    fatal(
        "limit.memory",
        format!("the call needs more than {megabytes} MB of memory: work in smaller parts"),
    )
}

/// Starts the count of a call.
pub(crate) fn reset() {
    // A call that panicked on this thread may have left values put aside: they must not count
    // against this one, on this machine and on no other.
    DROP_DEPTH.with(|depth| depth.set(0));
    let left = TRASH.with(RefCell::take);
    for items in left {
        drop_items(items);
    }
    LIVE.with(|live| live.set(0));
}

/// Drops the content of a container. Deep nesting would overflow the native stack, so below a
/// few levels the content is put aside and dropped by the outermost call.
pub(crate) fn drop_items(items: Vec<Value>) {
    const LEVELS: u32 = 32;
    let depth = DROP_DEPTH.with(Cell::get);
    if depth >= LEVELS {
        TRASH.with(|trash| trash.borrow_mut().push(items));
        return;
    }
    DROP_DEPTH.with(|cell| cell.set(depth + 1));
    drop(items);
    if depth == 0 {
        while let Some(items) = TRASH.with(|trash| trash.borrow_mut().pop()) {
            drop(items);
        }
    }
    DROP_DEPTH.with(|cell| cell.set(depth));
}
