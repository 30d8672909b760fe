//! Rows and steps of a trace as Python values.

use engine::runtime::Step;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{raise, raise_codec};
use crate::value;

/// Pairs of key and row, and the cursor where more may follow.
pub type PyRows<'py> = (
    Vec<(Bound<'py, PyAny>, Bound<'py, PyBytes>)>,
    Option<Bound<'py, PyBytes>>,
);

/// Keys and rows; the last key is the cursor where the limit was reached.
pub fn python_rows<'py>(
    py: Python<'py>,
    rows: engine::Rows,
    limit: usize,
) -> PyResult<PyRows<'py>> {
    // The core gives fewer rows than a large limit asks for: that is no end.
    let cursor = if rows.len() == limit.min(engine::limits::SCAN_ROWS) {
        rows.last().map(|(key, _)| PyBytes::new(py, key))
    } else {
        None
    };
    let mut list = Vec::with_capacity(rows.len());
    for (key, row) in rows {
        let parts = engine::decode_parts(&key).map_err(raise)?;
        list.push((
            value::to_python(py, &codec::cbor::Value::Array(parts))?,
            PyBytes::new(py, &row),
        ));
    }
    Ok((list, cursor))
}

/// A step of a trace: a line, a contract entered, a row read or written.
pub fn python_step<'py>(py: Python<'py>, step: &Step) -> PyResult<Bound<'py, PyAny>> {
    let row = |kind: &str, key: &[u8], value: Option<&[u8]>| -> PyResult<Bound<'py, PyAny>> {
        let (contract, table, _) = codec::key::split(key).map_err(raise_codec)?;
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
