//! Checking contracts outside a chain.

use std::collections::BTreeMap;

use codec::cbor::Value;
use crypto::Suite;
use pyo3::prelude::*;

use crate::error::raise;
use crate::value;

/// Sources that others import, by the digits in their modules' names; one that has another hash is none.
fn imports_of(given: Option<BTreeMap<String, String>>) -> vm::Imports {
    let all = given.unwrap_or_default().into_iter();
    all.map(|(digits, source)| {
        let hash = Suite::One.hash(source.as_bytes());
        let found = match hash.to_string().starts_with(&digits) {
            true => vec![(hash.0, source)],
            false => Vec::new(),
        };
        (digits, found)
    })
    .collect()
}

/// The compiler's complaints about a source; none: it would deploy.
#[pyfunction]
#[pyo3(signature = (source, file, imports=None))]
pub fn check_contract<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
    imports: Option<BTreeMap<String, String>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let imports = imports_of(imports);
    let complaints = py.detach(|| engine::check_source(source, file, &imports));
    complaints
        .iter()
        .map(|complaint| value::to_python(py, complaint))
        .collect()
}

/// The declaration of a source that compiles.
#[pyfunction]
#[pyo3(signature = (source, file, imports=None))]
pub fn contract_interface<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
    imports: Option<BTreeMap<String, String>>,
) -> PyResult<Bound<'py, PyAny>> {
    let imports = imports_of(imports);
    let interface: Result<Value, _> =
        py.detach(|| engine::source_interface(source, file, &imports));
    value::to_python(py, &interface.map_err(raise)?)
}
