//! Beginning a ledger and coming back to one. Coming back is the ordinary path: what the store lacks is executed again from the log.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use codec::cbor::Value;
use codec::key;
use store::{Keyspace, LogMode, Options, Store, WriteSet};
use tree::{BucketId, StateTree};

use crate::carry::{self, Carried};
use crate::checkpoint::Checkpoints;
use crate::engine::{Engine, Pending, Turn};
use crate::formats::block::Block;
use crate::formats::evidence::{genesis_file, split_genesis_file};
use crate::formats::genesis::Genesis;
use crate::formats::header::{entries_root, Header};
use crate::head::{self, meta, Head};
use crate::members::{row, versioned, Directory};
use crate::opening::{Opening, Recovery};
use crate::replay::{Digests, LiveIds};
use crate::resume::resume;
use crate::runtime::{Contracts, Runtime};
use crate::sealing::Set;
use crate::seals::{self, is_network, Seals};
use crate::{deploy, first_members, first_policies, imports, limits, state_file, Error};

/// See [`Engine::create`].
pub(crate) fn create(
    path: Option<&Path>,
    document: &[u8],
    state: Option<&Path>,
    runtime: Arc<dyn Runtime>,
) -> Result<Engine, Error> {
    let mut genesis = Genesis::decode(document)?.carrying(state);
    let start = Start::build(&genesis, runtime.as_ref())?;
    let store = match path {
        None => Store::in_memory(&Options::default()),
        Some(path) => {
            // A network's blocks are durable in the consensus engine, which gives again what our log lost.
            let log = match is_network(&genesis) {
                true => LogMode::Lazy,
                false => LogMode::Synced,
            };
            let options = Options {
                log,
                ..Options::default()
            };
            let (store, recovery) = Store::open(path, &options)?;
            if recovery.log_height.is_some() {
                let message = format!("{} holds a ledger already", path.display());
                return Err(
                    Error::new("ledger.exists", message).hint("open it, or choose an empty folder")
                );
            }
            if store.is_lazy() && !is_network(&genesis) {
                let message = format!("{} was begun as a network's ledger", path.display());
                return Err(Error::new("ledger.exists", message).hint("choose an empty folder"));
            }
            store
        }
    };
    if let (Some(path), Some(file)) = (path, state) {
        genesis.carried = Some(carry::keep(file, path)?);
    }
    // The genesis is the log's first record: from here on the ledger exists.
    store.append(0, &genesis_file(document, &start.header_bytes))?;
    let recovery = Recovery {
        tree: "empty",
        ..Recovery::default()
    };
    begin(Arc::new(store), genesis, start, runtime, recovery)
}

/// An engine in memory that keeps no blocks: somebody else has them.
pub(crate) fn twin(genesis: Genesis, runtime: Arc<dyn Runtime>) -> Result<Engine, Error> {
    let start = Start::build(&genesis, runtime.as_ref())?;
    let store = Store::in_memory(&Options {
        log: LogMode::External,
        ..Options::default()
    });
    begin(
        Arc::new(store),
        genesis,
        start,
        runtime,
        Recovery {
            tree: "empty",
            ..Recovery::default()
        },
    )
}

/// See [`Engine::open`].
pub(crate) fn open(
    path: &Path,
    runtime: Arc<dyn Runtime>,
    opening: &Opening,
) -> Result<Engine, Error> {
    let rebuild = opening.rebuild;
    let cache_bytes = opening.cache_bytes.max(limits::CACHE_BYTES_MIN);
    let of_tree = cache_bytes / 5 * 2;
    if !path.join("log").exists() {
        return Err(Error::new(
            "ledger.missing",
            format!("{} holds no ledger", path.display()),
        )
        .hint("make one with `lianheng init`, or give the right folder"));
    }
    let cut = match rebuild && Store::folder_is_lazy(path) {
        true => carry_seals(path),
        false => store::Recovery::default(),
    };
    let (store, found) = Store::open(
        path,
        &Options {
            rebuild,
            ..Options::default().with_memory(cache_bytes - of_tree)
        },
    )?;
    let Some(log_height) = found.log_height else {
        return Err(Error::new("ledger.missing", format!("{} holds a log without a genesis", path.display()))
            .hint("its making was interrupted before anything was confirmed: remove the folder and make it again"));
    };
    let mut recovery = Recovery {
        stored_height: found.stored_height,
        log_height,
        torn_tail_bytes: found.torn_tail_bytes.max(cut.torn_tail_bytes),
        cut_height: found.cut_height.or(cut.cut_height),
        rebuilt: found.set_aside.is_some(),
        ..Recovery::default()
    };
    let store = Arc::new(store);
    let record = store
        .record(0)?
        .ok_or_else(|| damaged("the log lacks its first record"))?;
    let (document, header_bytes) = split_genesis_file(&record)?;
    let genesis = Genesis::decode(&document)?;
    let carried = path.join(state_file::NAME);
    let carried = genesis.continues.is_some().then_some(carried.as_path());
    let genesis = genesis.carrying(carried);
    if store.is_lazy() && !is_network(&genesis) {
        return Err(damaged(
            "the log of a solo chain was made as one that is synced lazily",
        ));
    }
    let engine = match found.stored_height {
        None => {
            let start = Start::build(&genesis, runtime.as_ref())?;
            if start.header_bytes != header_bytes {
                return Err(damaged(
                    "the genesis of the log gives another header under this program's rules",
                ));
            }
            recovery.tree = "empty";
            begin(store, genesis, start, runtime, recovery)?
        }
        Some(height) => resume(store, genesis, header_bytes, height, runtime, recovery)?,
    };
    engine.bound_tree(usize::try_from(of_tree).unwrap_or(usize::MAX));
    check_record(&engine)?;
    catch_up(engine, log_height)
}

/// Before the store is set aside: a network's late seals stand there only, and consensus may have dropped old ones. A store that is too
/// damaged to be opened gives none.
fn carry_seals(path: &Path) -> store::Recovery {
    match Store::open(path, &Options::default()) {
        Ok((store, found)) => {
            // Without them the rebuild is as good; they are fetched again where consensus still has them.
            let _lost = seals::carry_over(&store);
            found
        }
        Err(_) => store::Recovery::default(),
    }
}

/// The log's block at the store's height must be the one that the store was made by.
fn check_record(engine: &Engine) -> Result<(), Error> {
    let head = engine.head();
    if head.height() == 0 {
        return Ok(());
    }
    let record = engine
        .store
        .record(head.height())?
        .ok_or_else(|| damaged("the log lacks a record"))?;
    if Block::decode(&record)?.header == head.header_bytes.as_ref() {
        return Ok(());
    }
    let message = format!(
        "height {}: the log's header is not the store's",
        head.height()
    );
    Err(damaged(&message))
}

pub(crate) fn damaged(what: &str) -> Error {
    Error::new("ledger.damaged", what)
        .hint("run `lianheng fsck`; restore the folder from a copy where it says so")
}

/// Header 0 and the rows behind it.
pub(crate) struct Start {
    header: Header,
    pub header_bytes: Vec<u8>,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    tree: StateTree,
    buckets: Vec<(BucketId, Option<Vec<u8>>)>,
    contracts: Contracts,
}

/// The state of the chain that is continued, where one is.
fn carried(
    genesis: &Genesis,
    own: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<Option<Carried>, Error> {
    match (&genesis.continues, &genesis.carried) {
        (Some(continued), _) => Ok(Some(Carried::read(genesis, continued, own)?)),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let message = format!(
                "{} continues no chain: it carries no state over",
                genesis.chain
            );
            Err(Error::new("genesis.no_continuation", message).hint("leave the state file out"))
        }
    }
}

impl Start {
    /// The genesis state of a document.
    pub fn build(genesis: &Genesis, runtime: &dyn Runtime) -> Result<Self, Error> {
        let suite = genesis.suite;
        first_policies::check_policies(genesis)?;
        let mut rows = first_members::genesis_rows(genesis)?;
        for (name, value) in genesis.parameters.rows() {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            let subject = key::Part::Text(name.to_owned());
            let row = row(&[("since", Value::Int(0)), ("value", Value::Int(value))])?;
            rows.push((versioned("chain", "parameters", &subject, 0), row));
        }
        let mut contracts = Contracts::default();
        for contract in &genesis.contracts {
            let tools = deploy::Tools {
                suite,
                runtime,
                contracts: &contracts,
            };
            let mut lookup = |digits: &str| imports::in_rows(&rows, digits);
            let done = deploy::deploy_at_genesis(contract, &tools, &mut lookup)?;
            rows.extend(done.rows);
            contracts.insert(done.name, done.deployed);
        }
        let rows: std::collections::BTreeMap<_, _> = rows.into_iter().collect();
        let carried = carried(genesis, &rows)?;
        let rows: Vec<_> = rows.into_iter().collect();
        let mut changes: Vec<_> = rows
            .iter()
            .map(|(key, value)| (suite.hash(key), Some(suite.hash(value))))
            .collect();
        if let Some(mut carried) = carried {
            changes.append(&mut carried.leaves);
            contracts = carried.contracts(contracts, runtime)?;
        }
        let mut tree = StateTree::empty(suite).with_cache_bytes(limits::TREE_CACHE_BYTES);
        let buckets = tree.update(&tree::NoBuckets, &changes)?;
        let header = Header {
            chain: genesis.chain.clone(),
            height: 0,
            consensus_height: 0,
            time: genesis.time,
            history_root: tree::log::empty_root(suite),
            entries_root: entries_root(suite, &[&genesis.document]),
            state_root: tree.root(),
            replay_root: Digests::default().root(suite),
            sealers_hash: suite.hash(&genesis.sealers.encode()),
            rules: genesis.rules,
        };
        Ok(Start {
            header_bytes: header.encode(),
            header,
            rows,
            tree,
            buckets,
            contracts,
        })
    }
}

/// Applies the genesis state to an empty store.
fn begin(
    store: Arc<Store>,
    genesis: Genesis,
    start: Start,
    runtime: Arc<dyn Runtime>,
    recovery: Recovery,
) -> Result<Engine, Error> {
    let suite = genesis.suite;
    if genesis.continues.is_some() {
        carry::preload(&store, &genesis, &start.contracts)?;
    }
    let mut writes = WriteSet::new();
    let rows = start.rows.iter();
    let rows = rows.map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
    let directory = Directory::after(&Arc::default(), rows, suite)?;
    for (key, value) in start.rows {
        writes.put(Keyspace::State, key, value);
    }
    for (id, bytes) in start.buckets {
        writes.push(
            Keyspace::Buckets,
            id.storage_key().as_slice(),
            bytes.map(Into::into),
        );
    }
    let history = tree::log::Frontier::new(suite);
    let sealed = head::encode_sealed(&start.header_bytes, None);
    writes.put(Keyspace::Meta, meta::header(0).as_slice(), sealed);
    writes.put(Keyspace::Meta, meta::DIGESTS, Digests::default().encode());
    writes.put(Keyspace::Meta, meta::FRONTIER, history.encode());
    store.apply(0, writes)?;
    let header_bytes: Arc<[u8]> = start.header_bytes.into();
    let head = Head {
        header_hash: head::header_hash(suite, &header_bytes),
        header: Arc::new(start.header),
        header_bytes: Arc::clone(&header_bytes),
        tree: start.tree,
        history,
        digests: Digests::default(),
        directory,
        contracts: Arc::new(start.contracts),
        sets: Arc::new([(0, Set::of(genesis.sealers.clone(), suite))].into()),
        closed: None,
        view: store.view(),
    };
    let turn = Turn {
        live: LiveIds::default(),
        kept: VecDeque::new(),
        checkpoints: Checkpoints::new(0, 1),
    };
    Ok(Engine::from_parts(
        store,
        Arc::new(genesis),
        runtime,
        header_bytes,
        head,
        (turn, Seals::default()),
        recovery,
    ))
}

/// Executes again what the log holds and the store lacks. Signatures were checked when the log was written; roots are compared.
fn catch_up(mut engine: Engine, log_height: u64) -> Result<Engine, Error> {
    let mut seals = engine.saved_seals();
    engine.add_saved(&mut seals);
    for height in engine.height() + 1..=log_height {
        let record = engine
            .store
            .record(height)?
            .ok_or_else(|| damaged("the log lacks a record"))?;
        replay_block(&engine, &Block::decode(&record)?, false)?;
        engine.recovery.replayed += 1;
        // One by one, so that the next block takes them along.
        engine.add_saved(&mut seals);
    }
    Ok(engine)
}

/// Executes a recorded block on top of the last one and compares every byte. Names the first difference.
pub(crate) fn replay_block(
    engine: &Engine,
    block: &Block<'_>,
    check_signatures: bool,
) -> Result<(), Error> {
    let pending = executed_again(engine, block, check_signatures)?;
    engine.commit_as(pending, block.seal, false)?;
    Ok(())
}

/// The same with a block of another engine, which this one takes into its own log.
pub(crate) fn replay_into(engine: &Engine, block: &Block<'_>) -> Result<(), Error> {
    let pending = executed_again(engine, block, false)?;
    engine.commit_as(pending, block.seal, true)?;
    Ok(())
}

fn executed_again(
    engine: &Engine,
    block: &Block<'_>,
    check_signatures: bool,
) -> Result<Pending, Error> {
    let header = Header::decode(block.header)?;
    if header.height != engine.height() + 1 {
        let message = format!("height {} follows {}", header.height, engine.height());
        return Err(Error::new("replay.wrong_height", message)
            .hint("give the blocks in order, without gaps"));
    }
    let transactions = block
        .transactions
        .iter()
        .map(|bytes| Arc::from(*bytes))
        .collect();
    let prepared = engine.prepare_as(transactions, check_signatures);
    let consensus = Some(header.consensus_height);
    let pending = engine.execute_as(
        vec![prepared],
        header.time,
        consensus,
        check_signatures,
        None,
    )?;
    compare(&header, block, &pending)?;
    Ok(pending)
}

fn compare(recorded: &Header, block: &Block<'_>, pending: &Pending) -> Result<(), Error> {
    let height = recorded.height;
    let diverged = |message: String| {
        Error::new("replay.diverged", format!("height {height}: {message}"))
            .hint("the record is not what these rules give: the block, or this program, is not what it claims to be")
    };
    let entries = pending.entries();
    for (index, (mine, recorded)) in entries.iter().zip(&block.entries).enumerate() {
        if mine.as_slice() != *recorded {
            return Err(diverged(format!("entry {index} differs")));
        }
    }
    if entries.len() != block.entries.len() {
        return Err(diverged(format!(
            "{} entries recorded, {} executed",
            block.entries.len(),
            entries.len()
        )));
    }
    match pending.header() {
        None => Err(diverged("the block is empty".to_owned())),
        Some((_, bytes, _)) if bytes == block.header => Ok(()),
        Some((mine, _, _)) => {
            let field = mine.first_difference(recorded).unwrap_or("encoding");
            Err(diverged(format!("the {field} of the header differs")))
        }
    }
}
