//! Limits of the codec, each with its unit and its reason.

/// Nested arrays and maps, in levels. Deep enough for any record of a contract; shallow enough
/// that decoding, comparing and dropping a value stays within a few kilobytes of stack.
pub const DEPTH_LEVELS: usize = 32;

/// Magnitude of an integer, in bits: the cap of integers in contract Python.
pub const INTEGER_BITS: u64 = 4096;

/// [`INTEGER_BITS`] in bytes.
pub const INTEGER_BYTES: usize = 512;

/// Longest byte or text string, in bytes: a block record is the largest thing carried as one item.
pub const STRING_BYTES: usize = 64 * 1024 * 1024;

/// Most items of an array or entries of a map: far above the entries of a block.
pub const CONTAINER_ITEMS: usize = 1 << 20;

/// Items for which room is reserved before they are read. A count costs an attacker one byte a
/// claimed item, a decoded item costs us 32 bytes or more: memory grows only as items arrive.
pub(crate) const RESERVED_ITEMS: usize = 256;
