//! Doing it again: replay of exported blocks by an outsider, trace of one transaction, fsck of a whole ledger.

use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use crypto::Hash32;
use store::{Keyspace, View};
use tree::{BucketId, StateTree};

use crate::engine::Engine;
use crate::execute::Trace;
use crate::formats::block::Block;
use crate::formats::evidence::split_genesis_file;
use crate::formats::genesis::Genesis;
use crate::formats::header::Header;
use crate::head::{self, Head};
use crate::open::{damaged, replay_block, twin};
use crate::runtime::{Runtime, Step};
use crate::{limits, Error};

/// Told now and then how far it is: done, of how many. Returning false stops the work.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// An engine in memory that executes exported blocks again.
pub struct Replay {
    engine: Engine,
    sealed: AtomicU64,
}

impl Replay {
    /// Begins at a genesis file; its header must be what the document gives.
    pub fn begin(genesis_file: &[u8], runtime: Arc<dyn Runtime>) -> Result<Self, Error> {
        Self::begin_carrying(genesis_file, None, runtime)
    }

    /// As [`Replay::begin`], with the file of the state that a continuing genesis carries over.
    pub fn begin_carrying(
        genesis_file: &[u8],
        state: Option<&Path>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, Error> {
        let (document, header) = split_genesis_file(genesis_file)?;
        let engine = twin(Genesis::decode(&document)?.carrying(state), runtime)?;
        if engine.head().header_bytes.as_ref() != header {
            return Err(Error::new(
                "replay.diverged",
                "height 0: the document gives another header",
            )
            .hint("the genesis file was altered, or is for another version of the rules"));
        }
        let sealed = AtomicU64::new(0);
        Ok(Replay { engine, sealed })
    }

    /// Executes a block, compares every entry and the header, checks the seal. A network's block may still lack it: a later
    /// header, which commits to this one, then vouches for it; see [`Replay::sealed_height`].
    pub fn apply(&self, block: &[u8]) -> Result<(), Error> {
        let block = Block::decode(block)?;
        let header = Header::decode(block.header)?;
        let height = header.height;
        match block.seal {
            Some(seal) => {
                let hash = head::header_hash(self.engine.suite(), block.header);
                self.engine.check_seal(&header, hash, seal)?;
            }
            None if self.engine.is_network() => {}
            None => {
                let message = format!("height {height} has no seal");
                return Err(Error::new("seal.missing", message));
            }
        }
        replay_block(&self.engine, &block, true)?;
        if block.seal.is_some() {
            self.sealed.store(height, Ordering::Release);
        }
        Ok(())
    }

    /// Last height with a seal that was checked: it covers all below.
    pub fn sealed_height(&self) -> u64 {
        self.sealed.load(Ordering::Acquire)
    }

    /// Height reached.
    pub fn height(&self) -> u64 {
        self.engine.height()
    }
}

/// What fsck went through.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Blocks executed again.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Headers whose kept seal was checked.
    pub seals: u64,
    /// Headers of a network that lack their seal: those of the last block, and any that could not be fetched.
    pub unsealed: u64,
    /// Entries compared, by keyspace.
    pub rows: Vec<(&'static str, u64)>,
    /// Each fault found: code and sentence. Empty: the ledger is sound.
    pub faults: Vec<(String, String)>,
}

impl Engine {
    /// Executes the blocks up to a transaction again, in memory, and records what it did.
    pub fn trace(
        &self,
        id: &Hash32,
        progress: Progress<'_>,
    ) -> Result<(Vec<u8>, Vec<Step>), Error> {
        let (height, position) = self.locate(id)?.ok_or_else(|| {
            Error::new(
                "trace.unknown_transaction",
                format!("no block holds transaction {id}"),
            )
            .hint("a dropped transaction was never executed; check the id")
        })?;
        let twin = twin(self.genesis.as_ref().clone(), Arc::clone(&self.runtime))?;
        for below in 1..height {
            replay_block(&twin, &Block::decode(&self.record(below)?)?, false)?;
            if !progress(below, height) {
                return Err(Error::new("trace.stopped", "stopped by the caller"));
            }
        }
        let record = self.record(height)?;
        let block = Block::decode(&record)?;
        let header = Header::decode(block.header)?;
        let transactions = block
            .transactions
            .iter()
            .map(|bytes| Arc::from(*bytes))
            .collect();
        let prepared = twin.prepare_as(transactions, false);
        let trace = Trace {
            id: *id,
            steps: Vec::new(),
        };
        let consensus = Some(header.consensus_height);
        let mut pending =
            twin.execute_as(vec![prepared], header.time, consensus, false, Some(trace))?;
        let steps = pending
            .trace
            .take()
            .map(|trace| trace.steps)
            .unwrap_or_default();
        if steps.len() > limits::TRACE_STEPS {
            let most = limits::TRACE_STEPS;
            return Err(Error::new(
                "trace.too_long",
                format!("the call took more than {most} steps"),
            )
            .hint("run it with smaller arguments, or look at its result and gas"));
        }
        let entry = pending.entries().get(position as usize).cloned();
        Ok((
            entry.ok_or_else(|| damaged("the transaction index points beyond its block"))?,
            steps,
        ))
    }

    fn record(&self, height: u64) -> Result<Vec<u8>, Error> {
        self.store
            .record(height)?
            .ok_or_else(|| damaged("the log lacks a record"))
    }

    /// Derives everything again from the log and compares it with the store: every header, root, row, index entry and book.
    /// It is of the blocks there are when it begins; later ones need not wait. Signatures and seals are checked again too.
    pub fn fsck(&self, progress: Progress<'_>) -> Result<Checked, Error> {
        let turn = self.turn();
        let head = self.head();
        let mut checked = Checked::default();
        if let Err(error) = self.store.verify_log() {
            checked.faults.push((error.code.to_owned(), error.message));
            return Ok(checked);
        }
        drop(turn);
        let state = self.genesis.carried.as_deref();
        let runtime = Arc::clone(&self.runtime);
        let replay = Replay::begin_carrying(&self.genesis_file(), state, runtime)?;
        for height in 1..=head.height() {
            let applied = self
                .record(height)
                .and_then(|record| self.check_again(&replay, &record, &mut checked));
            if let Err(error) = applied {
                checked.faults.push((error.code, error.message));
                return Ok(checked);
            }
            checked.blocks = height;
            if !progress(height, head.height()) {
                return Err(Error::new("fsck.stopped", "stopped by the caller"));
            }
        }
        let truth = replay.engine.head();
        compare_heads(&head, &truth, &mut checked);
        compare_buckets(&head, &mut checked);
        for (keyspace, name) in [
            (Keyspace::State, "state rows"),
            (Keyspace::Index, "index entries"),
            (Keyspace::Transactions, "transaction places"),
            (Keyspace::History, "history nodes"),
        ] {
            let stop = &mut || !progress(head.height(), head.height().saturating_add(1));
            compare_keyspace(
                (keyspace, name),
                &head.view,
                &truth.view,
                &mut checked,
                stop,
            )?;
        }
        Ok(checked)
    }

    /// Executes a record again and checks its seal, which a network keeps elsewhere.
    fn check_again(&self, replay: &Replay, record: &[u8], to: &mut Checked) -> Result<(), Error> {
        let block = Block::decode(record)?;
        to.transactions += block.transactions.len() as u64;
        replay.apply(record)?;
        if block.seal.is_some() {
            to.seals += 1;
            return Ok(());
        }
        let header = Header::decode(block.header)?;
        // Asked first: a seal that comes meanwhile is found below.
        let asked_for = self.lacks_seal(header.height);
        match self.seal_of(header.height)? {
            None => {
                to.unsealed += 1;
                if !asked_for {
                    let message = format!(
                        "height {} lacks its seal, and the books do not ask for it",
                        header.height
                    );
                    to.faults.push(("fsck.seals".to_owned(), message));
                }
            }
            Some(seal) => {
                to.seals += 1;
                let hash = head::header_hash(self.suite(), block.header);
                if let Err(error) = self.check_seal(&header, hash, &seal) {
                    to.faults.push((error.code, error.message));
                }
            }
        }
        Ok(())
    }
}

fn compare_heads(found: &Head, truth: &Head, checked: &mut Checked) {
    for (name, same) in [
        ("last header", found.header_bytes == truth.header_bytes),
        ("state root", found.tree.root() == truth.tree.root()),
        ("replay digests", found.digests == truth.digests),
        ("history", found.history == truth.history),
        ("sets", found.sets == truth.sets),
    ] {
        if !same {
            checked.faults.push((
                "fsck.head".to_owned(),
                format!("the store's {name} is not what the blocks give"),
            ));
        }
    }
}

/// The stored buckets alone must give the state root.
fn compare_buckets(head: &Head, checked: &mut Checked) {
    let mut rows = 0;
    let buckets = head
        .view
        .range(Keyspace::Buckets, Bound::Unbounded, Bound::Unbounded, false)
        .map(|row| {
            let (key, value) = row.map_err(|error| tree::Error::new(error.code, error.message))?;
            rows += 1;
            Ok((BucketId::from_storage_key(&key)?, value.to_vec()))
        });
    match StateTree::rebuild(head.tree.suite(), buckets) {
        Ok(tree) if tree.root() == head.header.state_root => {}
        Ok(tree) => {
            let message = format!(
                "stored buckets give root {}, the header says {}",
                tree.root(),
                head.header.state_root
            );
            checked.faults.push(("fsck.buckets".to_owned(), message));
        }
        Err(error) => checked.faults.push((error.code.to_owned(), error.message)),
    }
    checked.rows.push(("tree buckets", rows));
}

/// Rows compared between two looks at whether the caller wants to go on.
const ROWS_BETWEEN_WORD: u64 = 4_096;

/// Most faults of one keyspace that are told one by one.
const FAULTS_TOLD: usize = 10;

fn compare_keyspace(
    (keyspace, name): (Keyspace, &'static str),
    found: &View,
    truth: &View,
    checked: &mut Checked,
    stop: &mut dyn FnMut() -> bool,
) -> Result<(), Error> {
    let mut found = found
        .range(keyspace, Bound::Unbounded, Bound::Unbounded, false)
        .peekable();
    let mut truth = truth
        .range(keyspace, Bound::Unbounded, Bound::Unbounded, false)
        .peekable();
    let (mut rows, mut told) = (0, 0);
    loop {
        let order = match (found.peek(), truth.peek()) {
            (None, None) => break,
            (Some(_), None) | (Some(Err(_)), _) => std::cmp::Ordering::Less,
            (None, Some(_)) | (_, Some(Err(_))) => std::cmp::Ordering::Greater,
            (Some(Ok((mine, _))), Some(Ok((theirs, _)))) => mine.cmp(theirs),
        };
        let mine = if order.is_le() {
            found.next().transpose()?
        } else {
            None
        };
        let theirs = if order.is_ge() {
            truth.next().transpose()?
        } else {
            None
        };
        rows += 1;
        if rows % ROWS_BETWEEN_WORD == 0 && stop() {
            return Err(Error::new("fsck.stopped", "stopped by the caller"));
        }
        if mine == theirs {
            continue;
        }
        told += 1;
        if told <= FAULTS_TOLD {
            checked.faults.push((
                format!("fsck.{}", keyspace.name()),
                describe(name, mine.as_ref(), theirs.as_ref()),
            ));
        }
    }
    if told > FAULTS_TOLD {
        checked.faults.push((
            format!("fsck.{}", keyspace.name()),
            format!("{} more in {name}", told - FAULTS_TOLD),
        ));
    }
    checked.rows.push((name, rows));
    Ok(())
}

type Row = (Arc<[u8]>, Arc<[u8]>);

fn describe(name: &str, found: Option<&Row>, truth: Option<&Row>) -> String {
    let key = found
        .or(truth)
        .map(|(key, _)| key.as_ref())
        .unwrap_or_default();
    let what = match (found, truth) {
        (Some(_), None) => "stands in the store, but no block gives it",
        (None, _) => "is missing in the store",
        _ => "has another value in the store than the blocks give",
    };
    format!("{name}: {} {what}", readable(key))
}

/// A flat key for people; hex where it is none.
fn readable(key: &[u8]) -> String {
    match codec::key::split(key) {
        Ok((contract, table, rest)) => match codec::key::decode(rest) {
            Ok(parts) => format!("{contract}.{table} {parts:?}"),
            Err(_) => format!("{contract}.{table} {rest:02x?}"),
        },
        Err(_) => key.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
