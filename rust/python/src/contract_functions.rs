//! Checking contracts outside a chain.

use codec::cbor::Value;
use pyo3::prelude::*;

use crate::error::raise;
use crate::value;

/// The compiler's complaints about a source; none: it would deploy.
#[pyfunction]
pub fn check_contract<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let complaints = py.detach(|| engine::check_source(source, file));
    complaints
        .iter()
        .map(|complaint| value::to_python(py, complaint))
        .collect()
}

/// What the types of a source's bodies say against it; advice that no chain enforces.
#[pyfunction]
pub fn check_contract_types<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let complaints = py.detach(|| engine::check_types(source, file));
    complaints
        .iter()
        .map(|complaint| value::to_python(py, complaint))
        .collect()
}

/// The declaration of a source that compiles.
#[pyfunction]
pub fn contract_interface<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let interface: Result<Value, _> = py.detach(|| engine::source_interface(source, file));
    value::to_python(py, &interface.map_err(raise)?)
}
