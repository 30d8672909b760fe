//! The steps of a traced call as Python has them.

use engine::runtime::Step;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raise;
use crate::value;

/// One step: `("line", number, gas)`, or `("read" or "write", table, key, value)`.
pub fn python_step<'py>(py: Python<'py>, step: &Step) -> PyResult<Bound<'py, PyAny>> {
    let row = |kind: &str, key: &[u8], value: Option<&[u8]>| -> PyResult<Bound<'py, PyAny>> {
        let (contract, table, _) = codec::key::split(key).map_err(crate::error::raise_codec)?;
        let parts = engine::decode_parts(key).map_err(raise)?;
        let parts = value::to_python(py, &codec::cbor::Value::Array(parts))?;
        let value = value.map(|bytes| PyBytes::new(py, bytes));
        Ok((kind, format!("{contract}.{table}"), parts, value)
            .into_pyobject(py)?
            .into_any())
    };
    match step {
        Step::Line(line, gas) => Ok(("line", *line, *gas).into_pyobject(py)?.into_any()),
        Step::Contract(name, file) => Ok(("contract", name, file).into_pyobject(py)?.into_any()),
        Step::Read(key, value) => row("read", key, value.as_deref()),
        Step::Write(key, value) => row("write", key, value.as_deref()),
    }
}
