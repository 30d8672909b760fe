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

/// What an upgrade from one source to another changes in layout and methods.
#[pyfunction]
#[pyo3(signature = (old, new, file, imports=None))]
pub fn contract_changes<'py>(
    py: Python<'py>,
    old: &str,
    new: &str,
    file: &str,
    imports: Option<BTreeMap<String, String>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let imports = imports_of(imports);
    let changes = py.detach(|| engine::source_changes(old, new, file, &imports));
    let changes = changes.map_err(raise)?;
    changes
        .iter()
        .map(|change| value::to_python(py, change))
        .collect()
}

/// A source as Python names it: contract, file, source.
type Named = (String, String, String);

fn named((name, file, source): Named) -> engine::NamedSource {
    engine::NamedSource { name, file, source }
}

/// Calls of other sources that fit the old source of a contract and not the new one.
#[pyfunction]
#[pyo3(signature = (old, new, others, imports=None))]
pub fn contract_callers<'py>(
    py: Python<'py>,
    old: Named,
    new: &str,
    others: Vec<Named>,
    imports: Option<BTreeMap<String, String>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let imports = imports_of(imports);
    let (old, others) = (
        named(old),
        others.into_iter().map(named).collect::<Vec<_>>(),
    );
    let callers = py.detach(|| engine::source_callers(&old, new, &others, &imports));
    let callers = callers.map_err(raise)?;
    callers
        .iter()
        .map(|caller| value::to_python(py, caller))
        .collect()
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
