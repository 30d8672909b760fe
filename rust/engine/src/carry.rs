//! The state of a chain that ended, carried over into one that continues it (docs/adr/0020-closing-and-continuing.md).
//!
//! Rows of ordinary contracts go over as they are: sources, code, versions, timers, event chains. Who belongs, who may do what and what
//! was proposed begin anew from the genesis document, and so do the chain's parameters. Heights begin again: versions of contracts are in
//! force from height 0 on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use codec::cbor::{self, Value};
use codec::key;
use crypto::{Hash32, Suite};
use store::{Keyspace, Store, WriteSet};
use tree::StateTree;

use crate::engine::Engine;
use crate::formats::block::Block;
use crate::formats::continued::{read_header_file, Continued};
use crate::formats::genesis::Genesis;
use crate::formats::header::Header;
use crate::members::NewRow;
use crate::open::{damaged, replay_into};
use crate::resume::contracts_of;
use crate::runtime::{Contracts, Runtime};
use crate::state_file::{Reader, Writer};
use crate::{deploy, limits, timers, Error};

/// Contract name under which the chain keeps its own rows.
const CHAIN: &str = "chain";

/// Changes of the state tree.
pub(crate) type Leaves = Vec<(Hash32, Option<Hash32>)>;

/// What is carried, but for the rows themselves, which stay in their file.
pub(crate) struct Carried {
    /// Every row of the new state that is carried.
    pub leaves: Leaves,
    /// Rows of the contract `contracts`.
    contracts: BTreeMap<Vec<u8>, Arc<[u8]>>,
}

/// The row as the new chain has it; none where it begins anew there.
fn carried_row(key: Vec<u8>, value: Vec<u8>) -> Result<Option<NewRow>, Error> {
    let (contract, table, rest) = key::split(&key)?;
    let anew = |name: &str| deploy::SYSTEM.contains(&name);
    if anew(&contract) || (contract == CHAIN && table == "parameters") {
        return Ok(None);
    }
    if timers::owner_of(&key)?.is_some_and(|owner| anew(&owner)) {
        return Ok(None);
    }
    if contract != deploy::CONTRACT || table != "versions" {
        return Ok(Some((key, value)));
    }
    match key::Reader::new(rest).next_part()? {
        Some(key::Part::Text(name)) if anew(&name) => Ok(None),
        _ => Ok(Some((key, from_the_beginning(&value)?))),
    }
}

/// A version of a contract, in force from height 0 on.
fn from_the_beginning(row: &[u8]) -> Result<Vec<u8>, Error> {
    let Value::Map(mut fields) = cbor::decode(row)? else {
        return Err(damaged("a contract's version is no map"));
    };
    for (name, value) in &mut fields {
        if matches!(name, Value::Text(name) if name == "since") {
            *value = Value::Int(0);
        }
    }
    Ok(cbor::encode(&Value::Map(fields))?)
}

/// The file that a continuing genesis needs.
fn file_of(genesis: &Genesis) -> Result<&Path, Error> {
    genesis.carried.as_deref().ok_or_else(|| {
        let message = format!("the genesis of {} continues another chain", genesis.chain);
        Error::new("genesis.state_missing", message)
            .hint("give the state that it carries over, a file that begins with lianheng.state.1")
    })
}

/// Checks that the file holds the state that the last header commits to; gives the number of its rows.
pub(crate) fn check(file: &Path, last: &Header, suite: Suite) -> Result<u64, Error> {
    let mut rows = Reader::open(file)?;
    let (mine, theirs) = (&rows.header, last);
    if let Some(field) = mine.first_difference(theirs) {
        let message = format!(
            "the state in {} is that of {} at height {}; the genesis continues {} at height {}: their {field} differs",
            file.display(), mine.chain, mine.height, theirs.chain, theirs.height
        );
        return Err(Error::new("genesis.other_state", message)
            .hint("make it anew from the store, at the height that the genesis names"));
    }
    let mut leaves = Leaves::new();
    while let Some((key, value)) = rows.row()? {
        leaves.push((suite.hash(&key), Some(suite.hash(&value))));
    }
    let mut tree = StateTree::empty(suite);
    tree.update(&tree::NoBuckets, &leaves)?;
    let (found, wanted) = (tree.root(), theirs.state_root);
    if found != wanted {
        let message = format!(
            "the rows in {} have the state root {found}, the header of height {} says {wanted}",
            file.display(),
            theirs.height
        );
        return Err(Error::new("genesis.other_state", message)
            .hint("this store or file is not what the chain agreed to: take another one"));
    }
    Ok(leaves.len() as u64)
}

impl Carried {
    /// Reads the file, once it is checked; `own` are the rows that the document makes.
    pub fn read(
        genesis: &Genesis,
        continued: &Continued,
        own: &BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Result<Self, Error> {
        let (file, suite) = (file_of(genesis)?, genesis.suite);
        check(file, &continued.header, suite)?;
        let mut carried = Carried {
            leaves: Leaves::new(),
            contracts: BTreeMap::new(),
        };
        let of_contracts = key::contract_prefix(deploy::CONTRACT);
        let versions = key::prefix(deploy::CONTRACT, "versions");
        each(file, |key, value| {
            if key.starts_with(&of_contracts) {
                carried
                    .contracts
                    .insert(key.clone(), value.as_slice().into());
            }
            match own.get(&key) {
                // A source or code that both have.
                Some(mine) if *mine == value && !key.starts_with(&versions) => Ok(()),
                Some(_) => Err(twice(&key)),
                None => {
                    carried
                        .leaves
                        .push((suite.hash(&key), Some(suite.hash(&value))));
                    Ok(())
                }
            }
        })?;
        Ok(carried)
    }

    /// The contracts that are carried, beside those of the document.
    pub fn contracts(&self, own: Contracts, runtime: &dyn Runtime) -> Result<Contracts, Error> {
        let versions = key::prefix(deploy::CONTRACT, "versions");
        let rows = self.contracts.iter();
        let rows = rows.filter(|(key, _)| key.starts_with(&versions));
        let rows = rows.map(|(key, value)| (key.clone(), Arc::clone(value)));
        let code = |key: &[u8]| Ok(self.contracts.get(key).cloned());
        let mut all = contracts_of(&rows.collect(), &code, runtime)?;
        for (name, deployed) in own.iter() {
            all.insert(name.clone(), deployed.clone());
        }
        Ok(all)
    }
}

fn twice(flat: &[u8]) -> Error {
    let name = key::split(flat).map(|(_, _, rest)| key::Reader::new(rest).next_part());
    let name = match name {
        Ok(Ok(Some(key::Part::Text(name)))) => name,
        _ => "a contract".to_owned(),
    };
    Error::new(
        "genesis.contract_twice",
        format!("{name} is carried over, and stands in the document"),
    )
    .in_field("contracts")
    .hint("leave it out of the document, and upgrade it on the new chain")
}

/// Every row that is carried, as the new chain has it.
fn each(
    file: &Path,
    mut take: impl FnMut(Vec<u8>, Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rows = Reader::open(file)?;
    while let Some((key, value)) = rows.row()? {
        if let Some((key, value)) = carried_row(key, value)? {
            take(key, value)?;
        }
    }
    Ok(())
}

/// Puts the carried rows with their index entries into an empty store, part by part.
pub(crate) fn preload(
    store: &Store,
    genesis: &Genesis,
    contracts: &Contracts,
) -> Result<(), Error> {
    let mut writes = WriteSet::new();
    let mut bytes = 0;
    each(file_of(genesis)?, |key, value| {
        bytes += key.len() + value.len();
        for entry in index_entries(&key, &value, contracts)? {
            bytes += entry.len();
            writes.put(Keyspace::Index, entry, [].as_slice());
        }
        writes.put(Keyspace::State, key, value);
        if bytes >= limits::PRELOAD_BYTES || writes.len() >= limits::PRELOAD_ROWS {
            store.preload(&std::mem::take(&mut writes))?;
            bytes = 0;
        }
        Ok(())
    })?;
    Ok(store.preload(&writes)?)
}

fn index_entries(key: &[u8], value: &[u8], contracts: &Contracts) -> Result<Vec<Vec<u8>>, Error> {
    let (contract, _, _) = key::split(key)?;
    if contract == CHAIN {
        return Ok(timers::index_entry(key)?.into_iter().collect());
    }
    match contracts.get(&contract) {
        Some(deployed) => deployed.code.index_entries(&contract, key, value),
        None => Ok(Vec::new()),
    }
}

impl Engine {
    /// As [`Engine::create`], with the file of the state that a continuing genesis carries over; the ledger keeps a copy.
    pub fn create_carrying(
        path: Option<&Path>,
        document: &[u8],
        state: Option<&Path>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, Error> {
        crate::open::create(path, document, state, runtime)
    }

    /// Writes the state after the block of this height into a new file. A height below the last one is executed again from the log, in
    /// `work`, an empty folder that is not removed.
    ///
    /// Errors: `block.unknown`; `state_file.*`; `replay.*` where the log gives something else.
    pub fn write_state(&self, height: u64, to: &Path, work: &Path) -> Result<(), Error> {
        let last = self.height();
        if height > last {
            let message = format!("there is no height {height}; the last is {last}");
            return Err(Error::new("block.unknown", message));
        }
        if height == last {
            return self.write_rows(to);
        }
        let document = &self.genesis.document;
        let runtime = Arc::clone(&self.runtime);
        let carried = self.genesis.carried.as_deref();
        let earlier = Engine::create_carrying(Some(work), document, carried, runtime)?;
        for below in 1..=height {
            let record = self.store.record(below)?;
            let record = record.ok_or_else(|| damaged("the log lacks a record"))?;
            replay_into(&earlier, &Block::decode(&record)?)?;
        }
        earlier.write_rows(to)?;
        earlier.close()
    }

    fn write_rows(&self, to: &Path) -> Result<(), Error> {
        let head = self.head();
        let mut writer = Writer::create(to, &head.header_bytes)?;
        let all = std::ops::Bound::Unbounded;
        for row in head.view.range(Keyspace::State, all, all, false) {
            let (key, value) = row?;
            writer.row(&key, &value)?;
        }
        writer.finish()
    }
}

/// Checks a state file against the last header of the chain that is continued, given as a header file; gives the number of its rows.
///
/// Errors: `genesis.*`, `state_file.*`; `genesis.other_state` with both values.
pub fn check_state(last: &[u8], file: &Path) -> Result<u64, Error> {
    // The one suite that there is; another one will stand in the file's name.
    let suite = Suite::One;
    let (header, _) = read_header_file(last, suite)?;
    check(file, &header, suite)
}

/// Checks a genesis document by itself, without the state that it may carry over.
pub fn check_document(document: &[u8]) -> Result<(), Error> {
    Genesis::decode(document).map(|_| ())
}

/// Keeps the carried state beside the store, for every time that it is built anew.
pub(crate) fn keep(file: &Path, folder: &Path) -> Result<std::path::PathBuf, Error> {
    let place = folder.join(crate::state_file::NAME);
    if place == file {
        return Ok(place);
    }
    let failed = |error: std::io::Error| {
        let message = format!(
            "cannot keep {} in {}: {error}",
            file.display(),
            folder.display()
        );
        Error::new("state_file.io", message).hint("check free space")
    };
    let beside = folder.join(format!("{}.tmp", crate::state_file::NAME));
    std::fs::copy(file, &beside).map_err(failed)?;
    let synced = std::fs::File::open(&beside).and_then(|copy| copy.sync_all());
    synced
        .and_then(|()| std::fs::rename(&beside, &place))
        .map_err(failed)?;
    let folder = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    folder.map_err(failed)?;
    Ok(place)
}
