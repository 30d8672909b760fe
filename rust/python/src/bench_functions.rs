//! Measurements that must not be slowed by Python.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use engine::bench::{BenchCall, Transactions, Workload};

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
    first: Vec<BenchCall>,
    calls: Vec<BenchCall>,
    rounds: usize,
    keep: bool,
    others: Vec<(String, String)>,
) -> PyResult<Vec<(u64, Vec<u64>)>> {
    let measured = py.detach(|| {
        engine::bench::contract(&Workload {
            source,
            others: &others,
            first: &first,
            calls: &calls,
            rounds,
            keep,
        })
    });
    let measured = measured.map_err(raise)?.into_iter();
    Ok(measured.map(|of| (of.gas, of.nanoseconds)).collect())
}

/// An upgrade of a contract; gives gas and the nanoseconds of each run.
#[pyfunction]
pub fn bench_upgrade(
    py: Python<'_>,
    old: &str,
    new: &str,
    first: Vec<BenchCall>,
    rounds: usize,
) -> PyResult<(u64, Vec<u64>)> {
    let measured = py.detach(|| engine::bench::upgrade(old, new, &first, rounds));
    let measured = measured.map_err(raise)?;
    Ok((measured.gas, measured.nanoseconds))
}

/// Transactions from their bytes to the state root, without signature checks; gives the nanoseconds of each block.
#[pyfunction]
pub fn bench_execute<'py>(
    py: Python<'py>,
    document: &[u8],
    time: u64,
    first: Vec<Transactions>,
    blocks: Vec<Transactions>,
) -> PyResult<Bound<'py, PyDict>> {
    let measured = py.detach(|| engine::bench::execute(document, time, first, blocks));
    let measured = measured.map_err(raise)?;
    let dict = PyDict::new(py);
    dict.set_item("decode", measured.decode)?;
    dict.set_item("execute", measured.execute)?;
    dict.set_item("commit", measured.commit)?;
    Ok(dict)
}
