//! The gas schedule, version 1: the price of everything a contract does.
//!
//! One unit is about the time of one simple step. The schedule belongs to the rules version of a
//! chain: a change is a new version. Prices by size are charged before the work is done.

/// Version of this schedule.
pub const VERSION: u64 = 1;

/// A call of another contract, on top of its start, its instructions and the bytes passed.
pub const CONTRACT_CALL: u64 = 100;
/// Every instruction.
pub const STEP: u64 = 1;
/// Starting a call: decoding arguments, preparing registers.
pub const START: u64 = 50;
/// A call of a function, on top of its instructions.
pub const CALL: u64 = 5;
/// A builtin function or method.
pub const BUILTIN: u64 = 4;
/// A new object on the heap.
pub const OBJECT: u64 = 4;
/// Bytes of text, byte strings or integers handled for one unit.
pub const BYTES_PER_UNIT: u64 = 32;
/// Bytes of text searched for one unit.
pub const SEARCHED_BYTES_PER_UNIT: u64 = 6;
/// A new entry of a dictionary or set.
pub const ENTRY: u64 = 12;
/// Elements copied or compared for one unit.
pub const ELEMENTS_PER_UNIT: u64 = 2;
/// A probe of a hash table.
pub const PROBE: u64 = 1;
/// A comparison while sorting.
pub const SORT_STEP: u64 = 2;
/// Raising and catching an exception.
pub const RAISE: u64 = 20;
/// Reading a row, found or not.
pub const ROW_READ: u64 = 200;
/// Writing or deleting a row.
pub const ROW_WRITE: u64 = 400;
/// An entry of an index written or deleted.
pub const INDEX_WRITE: u64 = 200;
/// Starting a listing.
pub const SCAN: u64 = 200;
/// Each row that a listing gives.
pub const SCAN_ROW: u64 = 100;
/// Each entry that the block deleted and a listing goes past.
pub const PASSED: u64 = 10;
/// Bytes of a row, key, event or result for one unit.
pub const STATE_BYTES_PER_UNIT: u64 = 4;
/// Announcing an event, or a row's notice to its observers.
pub const EVENT: u64 = 100;
/// Looking up a member or an organisation.
pub const PARTY: u64 = 20;

/// What a timer may use where `due` does not say.
pub const TIMER: u64 = 200_000;
/// Making a timer, on top of its arguments and its gas: two rows, an index entry, and its run's start.
pub const TIMER_MADE: u64 = 2 * ROW_WRITE + ROW_READ + INDEX_WRITE + ROW_WRITE + START;
/// Removing a timer, or finding that it waits no longer.
pub const TIMER_CANCELLED: u64 = SCAN + ROW_WRITE + INDEX_WRITE;

/// A date taken apart, put together, read or shown.
pub const DATE: u64 = 10;
/// A date or moment read from text, or shown, on top of that.
pub const DATE_TEXT: u64 = 20;
/// A power with a modulus beyond 64 bits, on top of its multiplications.
pub const MODULUS: u64 = 300;
/// Each step of an inverse; about one for each bit of the modulus. Half a word is one unit more.
pub const INVERSE_STEP: u64 = 40;
/// A product divided with a rounding, on top of the size of its operands.
pub const PROPORTION: u64 = 20;
/// A check digit, on top of the characters.
pub const CHECK_DIGITS: u64 = 8;
/// A hash, on top of what is hashed.
pub const HASH: u64 = 40;
/// Bytes hashed with SHA-256 for one unit.
pub const SHA256_BYTES_PER_UNIT: u64 = 4;
/// Bytes hashed with SM3, or signed, for one unit.
pub const SM3_BYTES_PER_UNIT: u64 = 1;
/// A signature checked.
pub const SIGNATURE: u64 = 10_000;

/// The price of `bytes` bytes of text or integers.
#[inline]
pub fn bytes(bytes: usize) -> u64 {
    bytes as u64 / BYTES_PER_UNIT
}

/// The price of searching through `bytes` bytes.
#[inline]
pub fn searched(bytes: usize) -> u64 {
    bytes as u64 / SEARCHED_BYTES_PER_UNIT
}

/// The price of `elements` elements.
#[inline]
pub fn elements(elements: usize) -> u64 {
    elements as u64 / ELEMENTS_PER_UNIT
}

/// The price of `bytes` bytes of state.
#[inline]
pub fn state_bytes(bytes: usize) -> u64 {
    bytes as u64 / STATE_BYTES_PER_UNIT
}
