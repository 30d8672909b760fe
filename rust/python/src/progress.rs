//! Progress of long work, and its interruption.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// Pause between two calls of a callback: often enough for the eye, cheap beside the work.
const PAUSE: Duration = Duration::from_millis(20);

/// Tells a Python callback how far it is, at most 50 times a second; an exception stops the work and is raised.
pub struct Report {
    callback: Option<Py<PyAny>>,
    failure: Option<PyErr>,
    told: Option<Instant>,
}

impl Report {
    pub fn to(callback: Option<Py<PyAny>>) -> Self {
        Report {
            callback,
            failure: None,
            told: None,
        }
    }

    pub fn tell(&mut self, done: u64, all: u64) -> bool {
        if done < all && self.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return true;
        }
        self.told = Some(Instant::now());
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
