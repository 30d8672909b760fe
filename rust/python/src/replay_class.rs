//! An outsider's replay for Python.

use std::path::Path;
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

/// Begins a replay at a genesis file; `state` is the file of the state that it carries over, where it continues a chain.
#[pyfunction]
#[pyo3(signature = (genesis_file, state=None))]
pub fn replay_open(py: Python<'_>, genesis_file: &[u8], state: Option<&str>) -> PyResult<Replay> {
    let file = genesis_file.to_vec();
    let state = state.map(Path::new);
    let replay = py
        .detach(|| engine::Replay::begin_carrying(&file, state, runtime()))
        .map_err(raise)?;
    Ok(Replay(Mutex::new(replay)))
}

/// Checks a state file against the last header of the chain that is continued, a header file; gives the number of its rows.
#[pyfunction]
pub fn check_state(py: Python<'_>, last: &[u8], path: &str) -> PyResult<u64> {
    let last = last.to_vec();
    py.detach(|| engine::check_state(&last, Path::new(path)))
        .map_err(raise)
}

/// Checks a genesis document by itself.
#[pyfunction]
pub fn check_document(document: &[u8]) -> PyResult<()> {
    engine::check_document(document).map_err(raise)
}
