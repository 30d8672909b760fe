//! The one place where errors of the core become Python exceptions.

use std::panic::{catch_unwind, AssertUnwindSafe};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    lianheng._native,
    NativeError,
    PyException,
    "A failure of the core: bad bytes, a damaged store, a wrong call. Never a refused transaction."
);

/// Core work without the GIL. A panic in it becomes an ordinary error: as PyO3's `PanicException` it would pass by every
/// `except Exception`, end a sequencer's thread unheard, and leave all who wait for it waiting.
pub fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, engine::Error> + Send,
) -> PyResult<T> {
    py.detach(|| {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            Err(
                engine::Error::new("engine.fault", "the core failed unexpectedly")
                    .hint("open the ledger again; report this with the log"),
            )
        })
    })
    .map_err(raise)
}

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
