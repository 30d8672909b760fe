//! Envelopes for Python, and the points at which a test may stop the process.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::block_classes::Prepared;
use crate::error::detached;

/// An envelope that was opened. Immutable.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Envelope {
    pub(crate) core: engine::Envelope,
    data: Py<PyBytes>,
}

impl Envelope {
    /// Opens bytes with an engine; they are shared, not copied.
    pub fn open(core: &engine::Engine, data: &Bound<'_, PyBytes>) -> PyResult<Self> {
        let bytes = data.as_bytes();
        let opened = detached(data.py(), || core.open_envelope(bytes))?;
        Ok(Envelope {
            core: opened,
            data: data.clone().unbind(),
        })
    }
}

#[pymethods]
impl Envelope {
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.data.bind(py).clone()
    }

    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.core.hash.0)
    }

    #[getter]
    fn node(&self) -> &str {
        &self.core.head.node
    }

    #[getter]
    fn organisation(&self) -> &str {
        self.core.head.organisation()
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.core.head.expires
    }

    #[getter]
    fn gas(&self) -> u64 {
        self.core.head.gas
    }

    #[getter]
    fn count(&self) -> u64 {
        self.core.head.count
    }

    #[getter]
    fn bad(&self) -> usize {
        self.core.bad
    }

    #[getter]
    fn prepared(&self) -> Prepared {
        Prepared(self.core.prepared.clone())
    }
}

/// Transactions chosen for one envelope, not signed yet.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Gathered(pub(crate) engine::Gathered);

#[pymethods]
impl Gathered {
    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.payload())
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.head.count
    }

    #[getter]
    fn gas(&self) -> u64 {
        self.0.head.gas
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.0.head.expires
    }

    /// The envelope, once the node signed its head.
    fn seal(&self, py: Python<'_>, signed_head: &[u8]) -> PyResult<Envelope> {
        let signed_head = signed_head.to_vec();
        let (core, data) = detached(py, || self.0.seal(&signed_head))?;
        let data = PyBytes::new(py, &data).unbind();
        Ok(Envelope { core, data })
    }
}

/// Node, organisation, expiry, gas, count.
pub type PyHead = (String, String, u64, u64, u64);

/// What the head of an envelope says.
pub fn head_of(head: &engine::EnvelopeHead) -> PyHead {
    let organisation = head.organisation().to_owned();
    (
        head.node.clone(),
        organisation,
        head.expires,
        head.gas,
        head.count,
    )
}

/// Passes a point: aborts the process when LIANHENG_FAULT names it.
#[pyfunction]
pub fn fault_point(name: &str) {
    engine::fault_point(name);
}
