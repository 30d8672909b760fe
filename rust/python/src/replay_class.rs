//! An outsider's replay for Python.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use crate::engine_class::runtime;
use crate::error::raise;

/// An engine in memory that executes exported blocks again.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Replay(Mutex<engine::Replay>);

#[pymethods]
impl Replay {
    fn apply(&self, py: Python<'_>, block: &[u8]) -> PyResult<()> {
        let block = block.to_vec();
        py.detach(|| {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .apply(&block)
        })
        .map_err(raise)
    }

    #[getter]
    fn height(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .height()
    }

    #[getter]
    fn sealed_height(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sealed_height()
    }
}

/// Begins a replay at a genesis file.
#[pyfunction]
pub fn replay_open(py: Python<'_>, genesis_file: &[u8]) -> PyResult<Replay> {
    let file = genesis_file.to_vec();
    let replay = py
        .detach(|| engine::Replay::begin(&file, runtime()))
        .map_err(raise)?;
    Ok(Replay(Mutex::new(replay)))
}
