//! Limits of signatures and signed messages, each with its unit and its reason.

/// Public key of suite 1, in bytes (RFC 8032 section 5.1.5).
pub const PUBLIC_KEY_BYTES: usize = 32;

/// Signature of suite 1, in bytes (RFC 8032 section 5.1.6).
pub const SIGNATURE_BYTES: usize = 64;

/// Hash of suite 1, in bytes.
pub const HASH_BYTES: usize = 32;

/// Signatures checked by one equation. More per equation is faster by a few percent only, and
/// gives the threads fewer pieces to share.
pub const BATCH_SIGNATURES: usize = 256;

/// Fewest signatures for which a thread of its own is worth while.
pub const LEAST_BATCH_SIGNATURES: usize = 32;

/// Signatures that are checked one by one rather than put through an equation.
pub const SINGLE_SIGNATURES: usize = 4;

/// After a failed equation, how often each signature may on average be put through another one
/// before the rest is checked one by one. One bad signature is found in 2; many bad ones are
/// cheaper to find one by one.
pub const SPLIT_ROUNDS: usize = 3;
