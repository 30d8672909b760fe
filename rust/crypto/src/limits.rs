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

/// Signatures that are checked one by one rather than split further after a failed equation.
pub const SINGLE_SIGNATURES: usize = 8;

/// External data that goes into a signature, in bytes: a genesis hash or a short label.
pub const EXTERNAL_BYTES: usize = 64 * 1024;
