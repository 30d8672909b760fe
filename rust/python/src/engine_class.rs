//! The engine for Python.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::Hash32;
use engine::runtime::Runtime;
use engine::Range;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::block_classes::{powers, Outcome, Pending, Prepared};
use crate::crypto_functions::bytes32;
use crate::envelope_class::{head_of, Envelope, Gathered, PyHead};
use crate::error::{detached, raise};
use crate::figures;
use crate::progress::Report;
use crate::rows::{python_index_rows, python_rows, PyRows};
use crate::steps::python_step;
use crate::value;

/// One chain's ledger: verify, order, execute, commit, read, prove.
#[pyclass(frozen, module = "lianheng._native")]
pub struct Engine {
    inner: RwLock<Option<Arc<engine::Engine>>>,
}

/// The runtime that every engine of this process uses.
pub fn runtime() -> Arc<dyn Runtime> {
    Arc::new(engine::ContractPython)
}

impl Engine {
    fn wrap(inner: engine::Engine) -> Self {
        Engine {
            inner: RwLock::new(Some(Arc::new(inner))),
        }
    }

    pub fn core(&self) -> PyResult<Arc<engine::Engine>> {
        let guard = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        guard
            .clone()
            .ok_or_else(|| raise(engine::Error::new("ledger.closed", "the ledger was closed")))
    }
}

#[pymethods]
impl Engine {
    #[staticmethod]
    #[pyo3(signature = (path, document, *, state=None))]
    fn create(
        py: Python<'_>,
        path: Option<&str>,
        document: &[u8],
        state: Option<&str>,
    ) -> PyResult<Self> {
        let document = document.to_vec();
        let (path, state) = (path.map(Path::new), state.map(Path::new));
        detached(py, || {
            engine::Engine::create_carrying(path, &document, state, runtime())
        })
        .map(Self::wrap)
    }

    /// Writes the state after a block into a new file; an earlier one is executed again in `work`, an empty folder.
    fn write_state(&self, py: Python<'_>, height: u64, path: &str, work: &str) -> PyResult<()> {
        let core = self.core()?;
        detached(py, || {
            core.write_state(height, Path::new(path), Path::new(work))
        })
    }

    #[staticmethod]
    #[pyo3(signature = (path, *, rebuild=false, cache_bytes=None))]
    fn open(py: Python<'_>, path: &str, rebuild: bool, cache_bytes: Option<u64>) -> PyResult<Self> {
        let usual = engine::Opening::default();
        let opening = engine::Opening {
            rebuild,
            cache_bytes: cache_bytes.unwrap_or(usual.cache_bytes),
        };
        detached(py, || {
            engine::Engine::open_with(Path::new(path), runtime(), &opening)
        })
        .map(Self::wrap)
    }

    /// Waits until the store holds everything, then lets go of the folder. A second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let taken = self
                .inner
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            taken.map_or(Ok(()), |engine| engine.close())
        })
        .map_err(raise)
    }

    #[getter]
    fn genesis_file<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.core()?.genesis_file()))
    }

    #[getter]
    fn genesis_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.core()?.genesis_hash().0))
    }

    #[getter]
    fn chain(&self) -> PyResult<String> {
        Ok(self.core()?.genesis().chain.clone())
    }

    #[getter]
    fn height(&self) -> PyResult<u64> {
        Ok(self.core()?.height())
    }

    #[getter]
    fn time(&self) -> PyResult<u64> {
        Ok(self.core()?.time())
    }

    #[getter]
    fn consensus_height(&self) -> PyResult<u64> {
        Ok(self.core()?.consensus_height())
    }

    #[getter]
    fn header_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.core()?.header_hash().0))
    }

    #[getter]
    fn synced_height(&self) -> PyResult<u64> {
        Ok(self.core()?.synced_height())
    }

    #[getter]
    fn sealed_height(&self) -> PyResult<u64> {
        Ok(self.core()?.sealed_height())
    }

    /// Block time (ms) from which the next block runs a timer; none where no timer waits.
    #[getter]
    fn next_timer(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let core = self.core()?;
        py.detach(|| core.next_timer()).map_err(raise)
    }

    /// The row that closed the chain, encoded; none where it is open.
    #[getter]
    fn closed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let row = self.core()?.closed();
        Ok(row.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Height and consensus height of headers that lack their seal, ascending.
    fn unsealed(&self, py: Python<'_>, limit: usize) -> PyResult<Vec<(u64, u64)>> {
        let core = self.core()?;
        py.detach(|| core.unsealed(limit)).map_err(raise)
    }

    /// Checks the seal of a header and keeps it.
    fn add_seal(&self, py: Python<'_>, height: u64, seal: &[u8]) -> PyResult<()> {
        let core = self.core()?;
        let seal = seal.to_vec();
        detached(py, || core.add_seal(height, &seal))
    }

    /// Member, public key and power of each validator, by member; none where one sequencer seals.
    fn validators<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(String, Bound<'py, PyBytes>, u64)>> {
        let all = self.core()?.validators().into_iter();
        let one = |v: engine::Validator| (v.member, PyBytes::new(py, &v.public), v.power);
        Ok(all.map(one).collect())
    }

    /// The public keys of a member in force.
    fn keys_of<'py>(&self, py: Python<'py>, member: &str) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let keys = self.core()?.keys_of(member);
        Ok(keys.iter().map(|key| PyBytes::new(py, key)).collect())
    }

    /// Keys and powers of the set that seals the header of this height, up to the next one.
    fn set_at<'py>(
        &self,
        py: Python<'py>,
        height: u64,
    ) -> PyResult<Vec<(Bound<'py, PyBytes>, u64)>> {
        let set = self.core()?.set_at(height);
        Ok(set.map_or_else(Vec::new, |set| powers(py, &set.sealers.members)))
    }

    /// Brings the block log to disk.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        py.detach(|| core.sync()).map_err(raise)
    }

    /// What opening found.
    #[getter]
    fn recovery<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        figures::recovery(py, self.core()?.recovery())
    }

    /// Numbers for people and monitors.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        figures::status(py, &*self.core()?)
    }

    /// Weights that the chain set, by organisation; all others have 1.
    #[getter]
    fn weights(&self) -> PyResult<std::collections::BTreeMap<String, u64>> {
        Ok(self.core()?.weights())
    }

    /// What the next block has: `block_bytes`, `block_gas`, `block_transactions`.
    #[getter]
    fn block_room(&self) -> PyResult<std::collections::BTreeMap<&'static str, u64>> {
        Ok(figures::block_room(&*self.core()?))
    }

    /// The organisation in force that a transaction claims to come from, unchecked; else empty.
    fn claimed_organisation(&self, transaction: &[u8]) -> PyResult<String> {
        let found = self.core()?.claimed_organisation(transaction);
        Ok(found.unwrap_or_default())
    }

    /// `fresh` is for a node that gathers: it drops what is in vain before any signature is checked.
    #[pyo3(signature = (transactions, *, fresh=false, latest=None))]
    fn prepare(
        &self,
        py: Python<'_>,
        transactions: Vec<Bound<'_, PyBytes>>,
        fresh: bool,
        latest: Option<u64>,
    ) -> PyResult<Prepared> {
        let core = self.core()?;
        let transactions: Vec<Arc<[u8]>> = transactions
            .iter()
            .map(|bytes| Arc::from(bytes.as_bytes()))
            .collect();
        let prepared = detached(py, || {
            Ok(if fresh {
                core.prepare_fresh(transactions, latest)
            } else {
                core.prepare(transactions)
            })
        })?;
        Ok(Prepared(prepared))
    }

    fn gather(
        &self,
        py: Python<'_>,
        prepared: PyRef<'_, Prepared>,
        node: &str,
        number: u64,
    ) -> PyResult<Gathered> {
        let (core, prepared) = (self.core()?, prepared.0.clone());
        detached(py, || core.gather(&prepared, node, number)).map(Gathered)
    }

    fn open_envelope(&self, data: &Bound<'_, PyBytes>) -> PyResult<Envelope> {
        let core = self.core()?;
        Envelope::open(&core, data)
    }

    fn admit_envelope(&self, envelope: &Envelope) -> PyResult<()> {
        self.core()?.admit_envelope(&envelope.core).map_err(raise)
    }

    fn envelope_head(&self, data: &[u8]) -> PyResult<PyHead> {
        let head = self.core()?.envelope_head(data).map_err(raise)?;
        Ok(head_of(&head))
    }

    #[pyo3(signature = (batches, time, consensus_height=None))]
    fn execute(
        &self,
        py: Python<'_>,
        batches: Vec<PyRef<'_, Prepared>>,
        time: u64,
        consensus_height: Option<u64>,
    ) -> PyResult<Pending> {
        let core = self.core()?;
        let batches: Vec<_> = batches.iter().map(|prepared| prepared.0.clone()).collect();
        let pending = detached(py, || core.execute(batches, time, consensus_height))?;
        Ok(Pending::new(pending))
    }

    /// Makes the block final; outcomes are durable when this returns. A pending block is used up.
    fn commit(
        &self,
        py: Python<'_>,
        pending: &Pending,
        seal: Option<&[u8]>,
    ) -> PyResult<Vec<Outcome>> {
        let core = self.core()?;
        let taken = pending.take()?;
        let seal = seal.map(<[u8]>::to_vec);
        let outcomes = detached(py, || core.commit(taken, seal.as_deref()))?;
        Ok(outcomes.into_iter().map(Outcome).collect())
    }

    fn get<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        table: &str,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let mut flat = codec::key::prefix(contract, table);
        flat.extend(engine::encode_parts(&value::sequence(key)?).map_err(raise)?);
        let row = self.core()?.get(&flat).map_err(raise)?;
        Ok(row.map(|bytes| PyBytes::new(py, &bytes)))
    }

    #[pyo3(signature = (contract, table, prefix, limit, after=None, reverse=false))]
    #[allow(clippy::too_many_arguments)] // the signature of the Python method
    fn scan<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        table: &str,
        prefix: &Bound<'py, PyAny>,
        limit: usize,
        after: Option<&[u8]>,
        reverse: bool,
    ) -> PyResult<PyRows<'py>> {
        let prefix = engine::encode_parts(&value::sequence(prefix)?).map_err(raise)?;
        let core = self.core()?;
        let range = Range {
            contract,
            table,
            prefix: &prefix,
            after,
            limit,
            reverse,
        };
        let rows = py.detach(|| core.scan(&range)).map_err(raise)?;
        python_rows(py, rows, limit)
    }

    /// Rows whose index values are these: pairs of primary key and row.
    #[pyo3(signature = (contract, table, index, values, limit, after=None, reverse=false))]
    #[allow(clippy::too_many_arguments)] // the signature of the Python method
    fn index<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        table: &str,
        index: &str,
        values: &Bound<'py, PyAny>,
        limit: usize,
        after: Option<&[u8]>,
        reverse: bool,
    ) -> PyResult<PyRows<'py>> {
        let prefix = engine::encode_parts(&value::sequence(values)?).map_err(raise)?;
        let core = self.core()?;
        let range = Range {
            contract,
            table,
            prefix: &prefix,
            after,
            limit,
            reverse,
        };
        let rows = py
            .detach(|| core.index_rows(&range, index))
            .map_err(raise)?;
        python_index_rows(py, rows, limit)
    }

    fn view<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        method: &str,
        arguments: &[u8],
        sender: Option<&str>,
        gas: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let core = self.core()?;
        let arguments = arguments.to_vec();
        let result = py
            .detach(|| core.view(contract, method, &arguments, sender, gas))
            .map_err(raise)?;
        Ok(PyBytes::new(py, &result))
    }

    /// The view's result, and what it did step by step.
    fn trace_view<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        method: &str,
        arguments: &[u8],
        sender: Option<&str>,
        gas: u64,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyList>)> {
        let core = self.core()?;
        let arguments = arguments.to_vec();
        let (result, steps) = py
            .detach(|| core.trace_view(contract, method, &arguments, sender, gas))
            .map_err(raise)?;
        let list = PyList::empty(py);
        for step in &steps {
            list.append(python_step(py, step)?)?;
        }
        Ok((PyBytes::new(py, &result), list))
    }

    fn interface<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let interface = self.core()?.interface(contract);
        interface
            .map(|interface| value::to_python(py, &interface))
            .transpose()
    }

    /// File name and source of a deployed contract.
    fn source(&self, contract: &str) -> PyResult<Option<(String, String)>> {
        self.core()?.source(contract).map_err(raise)
    }

    /// What an upgrade of a contract would do at the last block; nothing of it is kept.
    #[pyo3(signature = (contract, file, source, signers=Vec::new()))]
    fn rehearse_upgrade<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        file: &str,
        source: &str,
        signers: Vec<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core()?;
        let rehearsed = py.detach(|| core.rehearse_upgrade(contract, file, source, &signers));
        value::to_python(py, &rehearsed.map_err(raise)?.to_value())
    }

    fn find<'py>(
        &self,
        py: Python<'py>,
        prefix: &[u8],
        odd_nibble: Option<u8>,
        limit: usize,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let found = self
            .core()?
            .find(prefix, odd_nibble, limit)
            .map_err(raise)?;
        Ok(found.iter().map(|id| PyBytes::new(py, &id.0)).collect())
    }

    fn locate(&self, transaction: &[u8]) -> PyResult<Option<(u64, u32)>> {
        self.core()?
            .locate(&Hash32(bytes32("a transaction id", transaction)?))
            .map_err(raise)
    }

    fn block<'py>(&self, py: Python<'py>, height: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let core = self.core()?;
        let block = py.detach(|| core.block(height)).map_err(raise)?;
        Ok(block.map(|bytes| PyBytes::new(py, &bytes)))
    }

    fn blocks<'py>(
        &self,
        py: Python<'py>,
        first: u64,
        limit: u64,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let core = self.core()?;
        let last = first
            .saturating_add(limit)
            .min(core.height().saturating_add(1));
        let blocks: Result<Vec<_>, _> =
            py.detach(|| (first..last).map(|height| core.block(height)).collect());
        let blocks = blocks.map_err(raise)?;
        Ok(blocks
            .into_iter()
            .flatten()
            .map(|bytes| PyBytes::new(py, &bytes))
            .collect())
    }

    /// Header bytes and seal of a height.
    #[allow(clippy::type_complexity)] // the shape of the Python value
    fn header<'py>(
        &self,
        py: Python<'py>,
        height: u64,
    ) -> PyResult<Option<(Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>)>> {
        let header = self.core()?.header(height).map_err(raise)?;
        Ok(header.map(|(bytes, seal)| {
            (
                PyBytes::new(py, &bytes),
                seal.map(|seal| PyBytes::new(py, &seal)),
            )
        }))
    }

    #[pyo3(signature = (transaction, anchor=None, *, members=false, sealed=true))]
    fn receipt<'py>(
        &self,
        py: Python<'py>,
        transaction: &[u8],
        anchor: Option<&[u8]>,
        members: bool,
        sealed: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let core = self.core()?;
        let unsealed = !sealed;
        let asked = engine::Asked { members, unsealed };
        let id = Hash32(bytes32("a transaction id", transaction)?);
        let anchor = anchor.map(<[u8]>::to_vec);
        let receipt = py
            .detach(|| core.receipt_as(&id, anchor.as_deref(), asked))
            .map_err(raise)?;
        Ok(PyBytes::new(py, &receipt))
    }

    #[pyo3(signature = (contract, table, key, anchor=None, *, sealed=true))]
    fn prove<'py>(
        &self,
        py: Python<'py>,
        contract: &str,
        table: &str,
        key: &Bound<'py, PyAny>,
        anchor: Option<&[u8]>,
        sealed: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let key = value::sequence(key)?;
        let core = self.core()?;
        let anchor = anchor.map(<[u8]>::to_vec);
        let proof = py
            .detach(|| {
                if sealed {
                    core.prove(contract, table, &key, anchor.as_deref())
                } else {
                    core.prove_unsealed(contract, table, &key, anchor.as_deref())
                }
            })
            .map_err(raise)?;
        Ok(PyBytes::new(py, &proof))
    }

    fn header_file<'py>(&self, py: Python<'py>, height: u64) -> PyResult<Bound<'py, PyBytes>> {
        let core = self.core()?;
        let file = py.detach(|| core.header_file(height)).map_err(raise)?;
        Ok(PyBytes::new(py, &file))
    }

    /// Entry bytes and steps: ("line", line, gas), ("read", key parts, value), ("write", key parts, value).
    #[pyo3(signature = (transaction, progress=None))]
    fn trace<'py>(
        &self,
        py: Python<'py>,
        transaction: &[u8],
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyList>)> {
        let core = self.core()?;
        let id = Hash32(bytes32("a transaction id", transaction)?);
        let mut report = Report::to(progress);
        let traced = py.detach(|| core.trace(&id, &mut |done, all| report.tell(done, all)));
        report.check()?;
        let (entry, steps) = traced.map_err(raise)?;
        let list = PyList::empty(py);
        for step in &steps {
            list.append(python_step(py, step)?)?;
        }
        Ok((PyBytes::new(py, &entry), list))
    }

    #[pyo3(signature = (progress=None))]
    fn fsck<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let core = self.core()?;
        let mut report = Report::to(progress);
        let checked = py.detach(|| core.fsck(&mut |done, all| report.tell(done, all)));
        report.check()?;
        figures::checked(py, checked.map_err(raise)?)
    }
}
