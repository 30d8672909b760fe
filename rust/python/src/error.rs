//! The one place where errors of the core become Python exceptions.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    lianheng._native,
    NativeError,
    PyException,
    "A failure of the core: bad bytes, a damaged store, a wrong call. Never a refused transaction."
);

/// A core error as the exception, with the attributes code, message, field and hint.
pub fn raise(error: engine::Error) -> PyErr {
    Python::attach(|py| {
        let field = error
            .field
            .as_ref()
            .map(|field| format!(" [{field}]"))
            .unwrap_or_default();
        let exception = NativeError::new_err(format!("{}{field}: {}", error.code, error.message));
        let value = exception.value(py);
        let set = value
            .setattr("code", error.code)
            .and_then(|()| value.setattr("message", error.message))
            .and_then(|()| value.setattr("field", error.field))
            .and_then(|()| value.setattr("hint", error.hint));
        match set {
            Ok(()) => exception,
            Err(failure) => failure,
        }
    })
}

/// A codec error as the exception.
pub fn raise_codec(error: codec::Error) -> PyErr {
    raise(error.into())
}

/// A crypto error as the exception.
pub fn raise_crypto(error: crypto::Error) -> PyErr {
    raise(error.into())
}
