use std::fmt;

/// A failure of the ledger itself: bad bytes given to it, a damaged store, a wrong order of calls.
/// A dropped transaction is a [`Drop`](crate::Drop), a refused one a result; neither is an `Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Stable name of the kind of error, `namespace.word`.
    pub code: String,
    /// What was wrong, with the values.
    pub message: String,
    /// The field it lies in, where there is one.
    pub field: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Error {
    /// An error with a code and a sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Error {
            code: code.into(),
            message: message.into(),
            field: None,
            hint: None,
        }
    }

    /// The same error, naming the field it lies in.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same error, saying what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<codec::Error> for Error {
    fn from(error: codec::Error) -> Self {
        Error::new(
            error.code,
            format!("{} (byte {})", error.message, error.offset),
        )
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::new(error.code, error.message)
    }
}

impl From<tree::Error> for Error {
    fn from(error: tree::Error) -> Self {
        Error::new(error.code, error.message)
    }
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        let place = error
            .offset
            .map(|offset| format!(" (byte {offset})"))
            .unwrap_or_default();
        Error::new(error.code, format!("{}{place}", error.message))
    }
}
