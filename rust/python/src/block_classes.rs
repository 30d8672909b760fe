//! A block on its way: prepared, pending, and what came of it.

use std::sync::{Mutex, PoisonError};

use crypto::Hash32;
use engine::{Outcome as CoreOutcome, Verdict};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raise;

/// Decoded transactions whose signatures were checked; ready to be ordered.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Prepared(pub(crate) engine::Prepared);

#[pymethods]
impl Prepared {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn drops(&self) -> Vec<(usize, &'static str, String)> {
        self.0
            .drops()
            .map(|(at, drop)| (at, drop.code, drop.message.clone()))
            .collect()
    }

    /// The ids in order; None where a transaction did not decode.
    fn ids<'py>(&self, py: Python<'py>) -> Vec<Option<Bound<'py, PyBytes>>> {
        let python = |id: Option<Hash32>| id.map(|id| PyBytes::new(py, &id.0));
        self.0.ids().map(python).collect()
    }
}

/// An executed block that waits for its seal. Dropping it leaves no trace.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Pending {
    inner: Mutex<Option<engine::Pending>>,
    header: Option<(u64, Vec<u8>, Hash32)>,
    set_changes: Vec<([u8; 32], u64)>,
}

#[pymethods]
impl Pending {
    #[getter]
    fn empty(&self) -> bool {
        self.header.is_none()
    }

    #[getter]
    fn height(&self) -> PyResult<u64> {
        Ok(self.need()?.0)
    }

    #[getter]
    fn header<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.need()?.1))
    }

    #[getter]
    fn header_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.need()?.2 .0))
    }

    /// How the set that seals changes by this block: keys with their power, 0 where they leave it.
    #[getter]
    fn set_changes<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, u64)> {
        powers(py, &self.set_changes)
    }
}

/// Keys with their power as Python has them.
pub fn powers<'py>(
    py: Python<'py>,
    members: &[([u8; 32], u64)],
) -> Vec<(Bound<'py, PyBytes>, u64)> {
    let one = |(key, power): &([u8; 32], u64)| (PyBytes::new(py, key), *power);
    members.iter().map(one).collect()
}

impl Pending {
    /// A block that the engine executed.
    pub fn new(pending: engine::Pending) -> Self {
        let header = pending
            .header()
            .map(|(header, bytes, hash)| (header.height, bytes.to_vec(), hash));
        let set_changes = pending.set_changes().to_vec();
        Pending {
            inner: Mutex::new(Some(pending)),
            header,
            set_changes,
        }
    }

    /// The block itself, once.
    pub fn take(&self) -> PyResult<engine::Pending> {
        let taken = self
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        taken.ok_or_else(|| PyRuntimeError::new_err("this block was committed already"))
    }

    fn need(&self) -> PyResult<&(u64, Vec<u8>, Hash32)> {
        self.header
            .as_ref()
            .ok_or_else(|| PyValueError::new_err("an empty block has no header"))
    }
}

/// What became of the transactions of one `Prepared` after the block was tried.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Outcome(pub(crate) CoreOutcome);

#[pymethods]
impl Outcome {
    fn __len__(&self) -> usize {
        self.0.verdicts.len()
    }

    #[getter]
    fn height(&self) -> u64 {
        self.0.height
    }

    #[getter]
    fn time(&self) -> u64 {
        self.0.time
    }

    /// Succeeded, refused, dropped.
    #[getter]
    fn counts(&self, py: Python<'_>) -> PyResult<(usize, usize, usize)> {
        py.detach(|| self.0.counts()).map_err(raise)
    }

    fn id<'py>(&self, py: Python<'py>, position: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.verdict(position)?;
        Ok(self
            .0
            .prepared
            .id(position)
            .map(|id| PyBytes::new(py, &id.0)))
    }

    /// Position of the entry in its block.
    fn index(&self, position: usize) -> PyResult<Option<usize>> {
        match self.verdict(position)? {
            Verdict::Entry(index) => Ok(Some(*index)),
            Verdict::Dropped(_) => Ok(None),
        }
    }

    fn result<'py>(
        &self,
        py: Python<'py>,
        position: usize,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.verdict(position)?;
        let result = self.0.result(position).map_err(raise)?;
        Ok(result.map(|bytes| PyBytes::new(py, bytes)))
    }

    fn drop(&self, position: usize) -> PyResult<Option<(&'static str, String, &'static str)>> {
        match self.verdict(position)? {
            Verdict::Entry(_) => Ok(None),
            Verdict::Dropped(drop) => Ok(Some((drop.code, drop.message.clone(), drop.hint))),
        }
    }
}

impl Outcome {
    fn verdict(&self, position: usize) -> PyResult<&Verdict> {
        self.0
            .verdicts
            .get(position)
            .ok_or_else(|| PyIndexError::new_err("no such transaction"))
    }
}
