//! Progress of long work, and its interruption.

use pyo3::prelude::*;

/// Tells a Python callback how far it is, at most 50 times a second; an exception stops the work and is raised.
pub struct Report {
    pub callback: Option<Py<PyAny>>,
    pub failure: Option<PyErr>,
}

impl Report {
    pub fn tell(&mut self, done: u64, all: u64) -> bool {
        let told = Python::attach(|py| -> PyResult<()> {
            py.check_signals()?;
            if let Some(callback) = &self.callback {
                callback.call1(py, (done, all))?;
            }
            Ok(())
        });
        match told {
            Ok(()) => true,
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }

    pub fn check(&mut self) -> PyResult<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}
