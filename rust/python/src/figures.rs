//! What people and monitors read of an engine, as dicts.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::raise;

/// What opening found.
pub fn recovery<'py>(py: Python<'py>, found: &engine::Recovery) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("stored_height", found.stored_height)?;
    dict.set_item("log_height", found.log_height)?;
    dict.set_item("replayed", found.replayed)?;
    dict.set_item("torn_tail_bytes", found.torn_tail_bytes)?;
    dict.set_item("cut_height", found.cut_height)?;
    dict.set_item("tree", found.tree)?;
    dict.set_item("rebuilt", found.rebuilt)?;
    Ok(dict)
}

/// Where the chain stands, and what each organisation has of it.
pub fn status<'py>(py: Python<'py>, core: &engine::Engine) -> PyResult<Bound<'py, PyDict>> {
    let status = core.status();
    let dict = PyDict::new(py);
    for (name, number) in status.numbers {
        dict.set_item(name, number)?;
    }
    dict.set_item("chain", &core.genesis().chain)?;
    dict.set_item("state_root", PyBytes::new(py, &status.state_root.0))?;
    dict.set_item("header_hash", PyBytes::new(py, &status.header_hash.0))?;
    dict.set_item("contracts", status.contracts)?;
    let (parts, blocks) = core.parts().map_err(raise)?;
    dict.set_item("usage_blocks", blocks)?;
    dict.set_item("block", block_room(core))?;
    let parts = parts.into_iter().map(|part| {
        let own = PyDict::new(py);
        own.set_item("organisation", part.organisation)?;
        own.set_item("weight", part.weight)?;
        own.set_item("gas", part.gas)?;
        own.set_item("storage", part.storage)?;
        own.set_item("storage_limit", part.storage_limit)?;
        Ok(own)
    });
    let parts: PyResult<Vec<_>> = parts.collect();
    dict.set_item("organisations", parts?)?;
    Ok(dict)
}

/// What the next block has.
pub fn block_room(core: &engine::Engine) -> BTreeMap<&'static str, u64> {
    let found = core.parameters().rows().into_iter();
    let names = ["block_bytes", "block_gas", "block_transactions"];
    found.filter(|(name, _)| names.contains(name)).collect()
}

/// What a check of the whole ledger found.
pub fn checked(py: Python<'_>, found: engine::Checked) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("blocks", found.blocks)?;
    dict.set_item("transactions", found.transactions)?;
    let rows = PyDict::new(py);
    for (name, count) in found.rows {
        rows.set_item(name, count)?;
    }
    dict.set_item("seals", found.seals)?;
    dict.set_item("unsealed", found.unsealed)?;
    dict.set_item("rows", rows)?;
    dict.set_item("faults", found.faults)?;
    Ok(dict)
}
