/// A key, signature or signed message that was refused.
///
/// | code | meaning |
/// |---|---|
/// | `crypto.unknown_suite` | no suite has this number |
/// | `crypto.hash_text` | not 64 hex digits |
/// | `crypto.hash_length` | not 32 bytes |
/// | `crypto.bad_key` | the public key is not a point of the curve |
/// | `crypto.key_not_canonical` | the public key has a second, shorter spelling: at registration |
/// | `crypto.small_order_key` | anybody can sign for this public key: at registration |
/// | `crypto.signature_length` | the signature is not 64 bytes long |
/// | `crypto.bad_signature` | the signature does not verify |
/// | `cose.form` | not the array that fits the number of signers |
/// | `cose.header` | missing, unknown or surplus header field |
/// | `cose.algorithm` | another algorithm than the suite's |
/// | `cose.key_id` | the key id is not a thumbprint |
/// | `cose.unprotected` | the unprotected header is not empty |
/// | `cose.payload` | the payload is detached |
/// | `cose.too_many_signers`, `cose.duplicate_signer`, `cose.no_signer` | as they say |
/// | `cose.unknown_key` | no public key is known for a key id |
/// | `cbor.*` | see [`codec::Error`] |
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// Stable name of the kind of error.
    pub code: &'static str,
    /// What was wrong, with the values, and what to do where that is not plain.
    pub message: String,
    /// Byte of the signed message where it went wrong, where there is one.
    pub offset: Option<usize>,
}

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            offset: None,
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn bad_key() -> Self {
        Error::new(
            "crypto.bad_key",
            "the public key is not a point of the curve",
        )
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn at(offset: usize, code: &'static str, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            offset: Some(offset),
        }
    }
}

impl From<codec::Error> for Error {
    fn from(error: codec::Error) -> Self {
        Error::at(error.offset, error.code, error.message)
    }
}
