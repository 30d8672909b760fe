//! Measurements that must not be slowed by Python.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::raise;
use crate::progress::Report;

/// Random updates of the authenticated state, durable, block after block; gives the milliseconds of each block.
#[pyfunction]
#[pyo3(signature = (path, keys, updates, seconds, progress=None))]
pub fn bench_state<'py>(
    py: Python<'py>,
    path: &str,
    keys: u64,
    updates: usize,
    seconds: f64,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut report = Report::to(progress);
    let measured = py.detach(|| {
        engine::bench::state(Path::new(path), keys, updates, seconds, &mut |a, b| {
            report.tell(a, b)
        })
    });
    report.check()?;
    let measured = measured.map_err(raise)?;
    let dict = PyDict::new(py);
    dict.set_item("load_seconds", measured.load_seconds)?;
    dict.set_item("block_milliseconds", measured.block_milliseconds)?;
    dict.set_item("root_milliseconds", measured.root_milliseconds)?;
    dict.set_item("log_milliseconds", measured.log_milliseconds)?;
    dict.set_item("apply_milliseconds", measured.apply_milliseconds)?;
    dict.set_item("keys", measured.keys)?;
    dict.set_item("updates", measured.updates)?;
    Ok(dict)
}

/// Calls of a contract, each once a round; gives gas and the nanoseconds of each run.
#[pyfunction]
pub fn bench_contract(
    py: Python<'_>,
    source: &str,
    first: Vec<engine::bench::BenchCall>,
    calls: Vec<engine::bench::BenchCall>,
    rounds: usize,
    keep: bool,
) -> PyResult<Vec<(u64, Vec<u64>)>> {
    let measured = py.detach(|| engine::bench::contract(source, &first, &calls, rounds, keep));
    let measured = measured.map_err(raise)?.into_iter();
    Ok(measured.map(|of| (of.gas, of.nanoseconds)).collect())
}
