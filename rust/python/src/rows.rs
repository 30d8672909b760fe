//! Rows as Python values.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::raise;
use crate::value;

/// Pairs of key and row, and the cursor where more may follow.
pub type PyRows<'py> = (
    Vec<(Bound<'py, PyAny>, Bound<'py, PyBytes>)>,
    Option<Bound<'py, PyBytes>>,
);

/// An index entry, the primary key that it names, and the row there.
type IndexedRow = (Vec<u8>, Vec<u8>, Arc<[u8]>);

/// Keys and rows; the last key is the cursor where the limit was reached.
pub fn python_rows<'py>(
    py: Python<'py>,
    rows: engine::Rows,
    limit: usize,
) -> PyResult<PyRows<'py>> {
    let last = rows.last().map(|(key, _)| PyBytes::new(py, key));
    let count = rows.len();
    page(py, rows, limit, (count, last))
}

/// Primary keys and rows that an index gave; the last index entry is the cursor.
pub fn python_index_rows<'py>(
    py: Python<'py>,
    rows: Vec<IndexedRow>,
    limit: usize,
) -> PyResult<PyRows<'py>> {
    let last = rows.last().map(|(entry, _, _)| PyBytes::new(py, entry));
    let count = rows.len();
    let rows = rows.into_iter().map(|(_, primary, row)| (primary, row));
    page(py, rows, limit, (count, last))
}

/// Decoded keys with their rows. The core gives fewer than a large limit asks for: that is no end.
fn page<'py>(
    py: Python<'py>,
    rows: impl IntoIterator<Item = (Vec<u8>, Arc<[u8]>)>,
    limit: usize,
    (count, last): (usize, Option<Bound<'py, PyBytes>>),
) -> PyResult<PyRows<'py>> {
    let cursor = last.filter(|_| count == limit.min(engine::limits::SCAN_ROWS));
    let mut list = Vec::with_capacity(count);
    for (key, row) in rows {
        let parts = engine::decode_parts(&key).map_err(raise)?;
        list.push((
            value::to_python(py, &codec::cbor::Value::Array(parts))?,
            PyBytes::new(py, &row),
        ));
    }
    Ok((list, cursor))
}
