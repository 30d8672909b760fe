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

/// The operations, builtins and methods of the VM, and those that a source's code uses.
#[pyfunction]
pub fn contract_operations(source: &str) -> PyResult<(Vec<String>, Vec<String>)> {
    let program = vm::compile(source, "contract.py").map_err(|found| {
        let why = found.first().map(ToString::to_string).unwrap_or_default();
        raise(engine::Error::new("contract.invalid", why))
    })?;
    Ok((vm::Program::operations(), program.uses()))
}
