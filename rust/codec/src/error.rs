/// Bytes that were refused, or a value that has no encoding.
///
/// | code | meaning |
/// |---|---|
/// | `cbor.truncated` | the input ends inside an item |
/// | `cbor.trailing` | bytes follow the item |
/// | `cbor.not_canonical` | well-formed, but not the deterministic encoding |
/// | `cbor.duplicate_key` | a map has one key twice |
/// | `cbor.unsupported` | float, indefinite length, other tag or simple value |
/// | `cbor.malformed` | no CBOR at all: reserved head, stray break |
/// | `cbor.utf8` | a text string is not UTF-8 |
/// | `cbor.type` | another type stands where one was asked for |
/// | `cbor.length` | another length or count stands where one was asked for |
/// | `cbor.out_of_range` | the integer does not fit what was asked for |
/// | `cbor.too_deep` | more nested arrays and maps than the limit |
/// | `cbor.too_large` | an integer, string or container above its limit |
/// | `key.truncated`, `key.malformed`, `key.not_canonical`, `key.too_large` | the same for state keys |
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code} at byte {offset}: {message}")]
pub struct Error {
    /// Stable name of the kind of error.
    pub code: &'static str,
    /// What was wrong, with the values, and what to do where that is not plain.
    pub message: String,
    /// Byte of the input (or of the output, when encoding) where it went wrong.
    pub offset: usize,
}

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(code: &'static str, offset: usize, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            offset,
        }
    }
}
