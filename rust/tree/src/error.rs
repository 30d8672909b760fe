//! The one error of this crate.

/// What went wrong, with a stable code.
///
/// Codes of this crate: `tree.corrupt_bucket`, `tree.missing_bucket`, `tree.corrupt_checkpoint`,
/// `tree.corrupt_layout`, `tree.duplicate_key`, `tree.bad_bucket_id`, `proof.malformed`,
/// `proof.mismatch`, `log.malformed`, `log.mismatch`, `log.out_of_range`.
/// A reader may return any code of its own; it is passed on unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// Stable code, `namespace.word`.
    pub code: &'static str,
    /// What was wrong, with the values seen, and what to do about it.
    pub message: String,
}

impl Error {
    /// An error with this code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
        }
    }
}
