//! Numbers about the ledger, and the declarations of its contracts.

use codec::cbor::{Decoder, Value};
use crypto::Hash32;
use store::Keyspace;

use crate::engine::{Engine, Outcome};
use crate::execute::Verdict;
use crate::formats::result::{result_status, split_entry};
use crate::prepare::Prepared;
use crate::{deploy, Error};

/// Where the ledger stands.
pub struct Status {
    /// Names and numbers.
    pub numbers: Vec<(&'static str, u64)>,
    /// Root of the state.
    pub state_root: Hash32,
    /// Hash of the last header.
    pub header_hash: Hash32,
    /// Names of the contracts in force.
    pub contracts: Vec<String>,
}

impl Engine {
    /// Where the ledger stands, for people and monitors.
    pub fn status(&self) -> Status {
        let head = self.head();
        let stats = self.store.stats();
        let mut contracts: Vec<String> = head
            .contracts
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        contracts.sort();
        Status {
            numbers: vec![
                ("height", head.height()),
                ("time", head.header.time),
                ("consensus_height", head.header.consensus_height),
                ("sealed_height", self.sealed_height()),
                ("synced_height", self.synced_height()),
                ("stored_height", self.store.stored_height().unwrap_or(0)),
                ("rows", head.tree.len()),
                ("members", head.directory.len() as u64),
                ("waiting_bytes", stats.pending_bytes as u64),
                ("waiting_blocks", stats.pending_blocks as u64),
                ("cached_bytes", stats.cached_bytes as u64),
                ("log_syncs", stats.log_syncs),
            ],
            state_root: head.header.state_root,
            header_hash: head.header_hash,
            contracts,
        }
    }

    /// The declaration of a contract in force.
    pub fn interface(&self, contract: &str) -> Option<Value> {
        self.head()
            .contracts
            .get(contract)
            .map(|deployed| deployed.code.interface())
    }

    /// File name and source of a contract in force.
    pub fn source(&self, contract: &str) -> Result<Option<(String, String)>, Error> {
        let head = self.head();
        let Some(deployed) = head.contracts.get(contract) else {
            return Ok(None);
        };
        let row = head
            .view
            .get(
                Keyspace::State,
                &deploy::by_hash("sources", deployed.source),
            )?
            .ok_or_else(|| crate::open::damaged("the source of a contract is missing"))?;
        let mut decoder = Decoder::new(&row);
        Ok(Some((deployed.file.clone(), decoder.text()?.to_owned())))
    }
}

impl Prepared {
    /// The id of the transaction at a position, where it decoded.
    pub fn id(&self, position: usize) -> Option<Hash32> {
        match self.items.get(position)? {
            Ok(transaction) => Some(transaction.id()),
            Err((id, _)) => *id,
        }
    }
}

impl Outcome {
    /// How many succeeded, were refused, were dropped.
    pub fn counts(&self) -> Result<(usize, usize, usize), Error> {
        let mut counts = (0, 0, 0);
        for position in 0..self.verdicts.len() {
            match self.result(position)? {
                None => counts.2 += 1,
                Some(result) if result_status(result)? == 0 => counts.0 += 1,
                Some(_) => counts.1 += 1,
            }
        }
        Ok(counts)
    }

    /// The encoded result at a position; none where the transaction was dropped.
    pub fn result(&self, position: usize) -> Result<Option<&[u8]>, Error> {
        match self.verdicts.get(position) {
            Some(Verdict::Entry(index)) => Ok(Some(split_entry(&self.entries[*index])?.2)),
            _ => Ok(None),
        }
    }
}
