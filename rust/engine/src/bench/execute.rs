//! How long transactions take from their bytes to the state root: without signature checks, log and disk.

use std::sync::Arc;
use std::time::Instant;

use crate::contract_python::ContractPython;
use crate::engine::Engine;
use crate::Error;

/// What [`execute`] measured, of each block.
#[derive(Clone, Debug, Default)]
pub struct BlockFigures {
    /// Decoding: form, fields, ids, hashes; ns.
    pub decode: Vec<u64>,
    /// Admission, policies, runs, entries, roots and header; ns.
    pub execute: Vec<u64>,
    /// Handing the block to the store in memory, which is not part of executing it; ns.
    pub commit: Vec<u64>,
}

/// Signed transactions, as they come from outside.
pub type Transactions = Vec<Vec<u8>>;

/// A new chain in memory takes the blocks of `first`, then those of `blocks`, which are measured.
/// All have the time `time`, ms.
///
/// A transaction that does not succeed is an error: a bench of refusals says nothing.
pub fn execute(
    document: &[u8],
    time: u64,
    first: Vec<Transactions>,
    blocks: Vec<Transactions>,
) -> Result<BlockFigures, Error> {
    let engine = Engine::create(None, document, Arc::new(ContractPython))?;
    let mut figures = BlockFigures::default();
    for block in first {
        run(&engine, time, block, &mut BlockFigures::default())?;
    }
    for block in blocks {
        run(&engine, time, block, &mut figures)?;
    }
    Ok(figures)
}

fn run(
    engine: &Engine,
    time: u64,
    block: Transactions,
    figures: &mut BlockFigures,
) -> Result<(), Error> {
    let block: Vec<Arc<[u8]>> = block.into_iter().map(Arc::from).collect();
    let given = block.len();
    let begun = Instant::now();
    let prepared = engine.prepare_as(block, false);
    figures.decode.push(nanoseconds(begun));
    let begun = Instant::now();
    let pending = engine.execute_as(vec![prepared], time, None, false, None)?;
    figures.execute.push(nanoseconds(begun));
    let begun = Instant::now();
    let outcomes = engine.commit_as(pending, None, true)?;
    figures.commit.push(nanoseconds(begun));
    for outcome in outcomes {
        let (good, refused, dropped) = outcome.counts()?;
        if good != given {
            let why = format!("of {given} transactions {refused} were refused, {dropped} dropped");
            return Err(Error::new("bench.refused", why));
        }
    }
    Ok(())
}

fn nanoseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
