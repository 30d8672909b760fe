//! Rows as Python values.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raise;
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
