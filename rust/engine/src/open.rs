//! Beginning a ledger and coming back to one. Coming back is the ordinary path: what the store lacks is executed again from the log.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use codec::cbor::{Decoder, Value};
use codec::key;
use crypto::{Hash32, Suite};
use store::{Keyspace, Options, Store, View, WriteSet};
use tree::{BucketId, StateTree};

use crate::checkpoint::{self, Checkpoints};
use crate::engine::{Engine, Recovery, Turn};
use crate::formats::block::Block;
use crate::formats::evidence::{genesis_file, split_genesis_file};
use crate::formats::genesis::Genesis;
use crate::formats::header::{entries_root, Header};
use crate::head::{self, meta, Buckets, Head};
use crate::members::{self, row, versioned, Directory};
use crate::overlay::{scan_view, Rows, Span};
use crate::replay::{decode_block_ids, Digests, LiveIds};
use crate::runtime::{Contracts, Deployed, Runtime, Status};
use crate::{deploy, limits, Error};

/// See [`Engine::create`].
pub(crate) fn create(
    path: Option<&Path>,
    document: &[u8],
    runtime: Arc<dyn Runtime>,
) -> Result<Engine, Error> {
    let genesis = Genesis::decode(document)?;
    let start = Start::build(&genesis, runtime.as_ref())?;
    let store = match path {
        None => Store::in_memory(&Options::default()),
        Some(path) => {
            let (store, recovery) = Store::open(path, &Options::default())?;
            if recovery.log_height.is_some() {
                let message = format!("{} holds a ledger already", path.display());
                return Err(
                    Error::new("ledger.exists", message).hint("open it, or choose an empty folder")
                );
            }
            store
        }
    };
    // The genesis is the log's first record: from here on the ledger exists.
    store.append(0, &genesis_file(document, &start.header_bytes))?;
    let recovery = Recovery {
        tree: "empty",
        ..Recovery::default()
    };
    begin(Arc::new(store), genesis, start, runtime, recovery)
}

/// An engine in memory that keeps no blocks: somebody else has them.
pub(crate) fn twin(document: &[u8], runtime: Arc<dyn Runtime>) -> Result<Engine, Error> {
    let genesis = Genesis::decode(document)?;
    let start = Start::build(&genesis, runtime.as_ref())?;
    let store = Store::in_memory(&Options {
        external_log: true,
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
pub(crate) fn open(path: &Path, runtime: Arc<dyn Runtime>, rebuild: bool) -> Result<Engine, Error> {
    if !path.join("log").exists() {
        return Err(Error::new(
            "ledger.missing",
            format!("{} holds no ledger", path.display()),
        )
        .hint("make one with `lianheng init`, or give the right folder"));
    }
    let (store, found) = Store::open(
        path,
        &Options {
            rebuild,
            ..Options::default()
        },
    )?;
    let Some(log_height) = found.log_height else {
        return Err(Error::new("ledger.missing", format!("{} holds a log without a genesis", path.display()))
            .hint("its making was interrupted before anything was confirmed: remove the folder and make it again"));
    };
    let mut recovery = Recovery {
        stored_height: found.stored_height,
        log_height,
        torn_tail_bytes: found.torn_tail_bytes,
        rebuilt: found.set_aside.is_some(),
        ..Recovery::default()
    };
    let store = Arc::new(store);
    let record = store
        .record(0)?
        .ok_or_else(|| damaged("the log lacks its first record"))?;
    let (document, header_bytes) = split_genesis_file(&record)?;
    let genesis = Genesis::decode(&document)?;
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
    catch_up(engine, log_height)
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

impl Start {
    /// The genesis state of a document.
    pub fn build(genesis: &Genesis, runtime: &dyn Runtime) -> Result<Self, Error> {
        let suite = genesis.suite;
        let mut rows = members::genesis_rows(genesis)?;
        for (name, value) in genesis.parameters.rows() {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            let subject = key::Part::Text(name.to_owned());
            let row = row(&[("since", Value::Int(0)), ("value", Value::Int(value))])?;
            rows.push((versioned("chain", "parameters", &subject, 0), row));
        }
        let mut contracts = Contracts::default();
        for contract in &genesis.contracts {
            let done = deploy::deploy_at_genesis(contract, suite, runtime, &contracts)?;
            rows.extend(done.rows);
            contracts.insert(done.name, done.deployed);
        }
        let rows: std::collections::BTreeMap<_, _> = rows.into_iter().collect();
        let rows: Vec<_> = rows.into_iter().collect();
        let changes: Vec<_> = rows
            .iter()
            .map(|(key, value)| (suite.hash(key), Some(suite.hash(value))))
            .collect();
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
    let mut writes = WriteSet::new();
    let mut directory = Directory::default();
    let prefix = contract_prefix(members::CONTRACT);
    for (key, value) in start.rows {
        if key.starts_with(&prefix) {
            directory.take_row(&key, &value, suite)?;
        }
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
        seal: None,
        tree: start.tree,
        history,
        digests: Digests::default(),
        directory: Arc::new(directory),
        contracts: Arc::new(start.contracts),
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
        turn,
        recovery,
    ))
}

/// Takes up the store at the height that it holds.
fn resume(
    store: Arc<Store>,
    genesis: Genesis,
    genesis_header: Vec<u8>,
    height: u64,
    runtime: Arc<dyn Runtime>,
    mut recovery: Recovery,
) -> Result<Engine, Error> {
    let suite = genesis.suite;
    let view = store.view();
    let (header_bytes, seal) = head::sealed(&view, height)?
        .ok_or_else(|| damaged("the store lacks the header of its height"))?;
    let header = Header::decode(&header_bytes)?;
    let (tree, checkpoint, how) = load_tree(&store, &view, suite, height, header.state_root)?;
    recovery.tree = how;
    let turn = Turn {
        live: LiveIds::default(),
        kept: VecDeque::new(),
        checkpoints: Checkpoints::new(checkpoint, oldest_journal(&view, height)?),
    };
    let stored = |key: &[u8]| -> Result<Arc<[u8]>, Error> {
        view.get(Keyspace::Meta, key)?
            .ok_or_else(|| damaged("the store lacks an entry of its own books"))
    };
    let head = Head {
        header_hash: head::header_hash(suite, &header_bytes),
        header_bytes: header_bytes.into(),
        seal: seal.map(Into::into),
        tree,
        history: tree::log::Frontier::decode(suite, &stored(meta::FRONTIER)?)?,
        digests: Digests::decode(&stored(meta::DIGESTS)?)?,
        directory: Arc::new(load_directory(&view, suite)?),
        contracts: Arc::new(load_contracts(&view, runtime.as_ref())?),
        header: Arc::new(header),
        view: view.clone(),
    };
    check_loaded(&head, suite)?;
    let engine = Engine::from_parts(
        store,
        Arc::new(genesis),
        runtime,
        genesis_header.into(),
        head,
        turn,
        recovery,
    );
    load_live_ids(&engine, &view)?;
    Ok(engine)
}

/// What was loaded must be what the header commits to.
fn check_loaded(head: &Head, suite: Suite) -> Result<(), Error> {
    for (name, found, committed) in [
        ("state root", head.tree.root(), head.header.state_root),
        (
            "replay root",
            head.digests.root(suite),
            head.header.replay_root,
        ),
        (
            "history root",
            head.history.root(),
            head.header.history_root,
        ),
    ] {
        if found != committed {
            let message = format!(
                "{name}: the store gives {found}, the header of height {} says {committed}",
                head.height()
            );
            return Err(damaged(&message).hint(
                "open it with `lianheng doctor --rebuild`: the store is built again from the log",
            ));
        }
    }
    Ok(())
}

fn load_tree(
    store: &Store,
    view: &View,
    suite: Suite,
    height: u64,
    root: Hash32,
) -> Result<(StateTree, u64, &'static str), Error> {
    if let Some((tree, written)) = from_checkpoint(store, view, suite, height)? {
        if tree.root() == root {
            return Ok((tree, written, "checkpoint"));
        }
    }
    // No checkpoint that fits: read every bucket. A side file that is damaged costs time, never truth.
    let buckets = view.range(
        Keyspace::Buckets,
        std::ops::Bound::Unbounded,
        std::ops::Bound::Unbounded,
        false,
    );
    let parsed = buckets.map(|row| {
        let (key, value) = row.map_err(|error| tree::Error::new(error.code, error.message))?;
        Ok((BucketId::from_storage_key(&key)?, value.to_vec()))
    });
    Ok((
        StateTree::rebuild(suite, parsed)?.with_cache_bytes(limits::TREE_CACHE_BYTES),
        0,
        "buckets",
    ))
}

/// First height whose changed buckets are journalled; this height where no earlier one is.
fn oldest_journal(view: &View, height: u64) -> Result<u64, Error> {
    let span = Span {
        from: meta::buckets(0).to_vec(),
        to: Some(meta::buckets(height).to_vec()),
        limit: 1,
        reverse: false,
    };
    let found = scan_view(view, Keyspace::Meta, &span)?;
    let number = found.first().and_then(|(key, _)| key.last_chunk::<8>());
    Ok(number.map_or(height, |bytes| u64::from_be_bytes(*bytes)))
}

fn from_checkpoint(
    store: &Store,
    view: &View,
    suite: Suite,
    height: u64,
) -> Result<Option<(StateTree, u64)>, Error> {
    let Ok(Some(bytes)) = store.read_side_file(checkpoint::FILE) else {
        return Ok(None);
    };
    let Some((written, encoded)) = checkpoint::split(&bytes) else {
        return Ok(None);
    };
    if written > height {
        return Ok(None);
    }
    let Ok(tree) = StateTree::from_checkpoint(suite, encoded) else {
        return Ok(None);
    };
    let mut tree = tree.with_cache_bytes(limits::TREE_CACHE_BYTES);
    let mut changed = std::collections::BTreeSet::new();
    for later in written + 1..=height {
        let Some(ids) = view.get(Keyspace::Meta, &meta::buckets(later))? else {
            return Ok(None);
        };
        for id in ids.chunks_exact(8) {
            changed.insert(BucketId::from_storage_key(id)?);
        }
    }
    let changed: Vec<_> = changed.into_iter().collect();
    Ok(tree
        .refresh(&Buckets(view), &changed)
        .is_ok()
        .then_some((tree, written)))
}

/// Flat keys of a contract's tables begin with this.
pub(crate) fn contract_prefix(contract: &str) -> Vec<u8> {
    let mut prefix = Vec::new();
    key::push_text(&mut prefix, contract);
    prefix
}

fn rows_under(view: &View, prefix: Vec<u8>) -> Result<Rows, Error> {
    let to = key::prefix_end(&prefix);
    scan_view(
        view,
        Keyspace::State,
        &Span {
            from: prefix,
            to,
            limit: usize::MAX,
            reverse: false,
        },
    )
}

pub(crate) fn load_directory(view: &View, suite: Suite) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    for table in ["members", "keys"] {
        for (key, value) in rows_under(view, key::prefix(members::CONTRACT, table))? {
            directory.take_row(&key, &value, suite)?;
        }
    }
    Ok(directory)
}

fn load_contracts(view: &View, runtime: &dyn Runtime) -> Result<Contracts, Error> {
    let mut contracts = Contracts::default();
    for (key, value) in rows_under(view, key::prefix(deploy::CONTRACT, "versions"))? {
        let (_, _, rest) = key::split(&key)?;
        let Some(key::Part::Text(name)) = key::Reader::new(rest).next_part()? else {
            return Err(damaged("a contract's version has no name"));
        };
        let row = codec::cbor::decode(&value)?;
        let hash = |field: &str| match row.get(field) {
            Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().map(Hash32).ok(),
            _ => None,
        };
        let (Some(source), Some(code_hash), Some(Value::Text(file))) =
            (hash("source"), hash("code"), row.get("file"))
        else {
            return Err(damaged(
                "a contract's version has not the form that the rules give it",
            ));
        };
        let status = match row.get("status") {
            Some(Value::Text(status)) => Status::from_name(status),
            _ => None,
        }
        .ok_or_else(|| damaged("a contract's version has a status that no rule gives it"))?;
        if let Some(known) = contracts.get(&name) {
            let next = Deployed {
                version: known.version + 1,
                status,
                ..known.clone()
            };
            if known.source == source {
                contracts.insert(name, next);
                continue;
            }
        }
        let before = contracts
            .get(&name)
            .map(|known| (known.version, known.sources_before));
        let code = view
            .get(Keyspace::State, &deploy::by_hash("code", code_hash))?
            .ok_or_else(|| damaged("the code of a contract is missing"))?;
        let mut decoder = Decoder::new(&code);
        let loaded = runtime.load(decoder.bytes()?)?;
        contracts.insert(
            name,
            Deployed {
                source,
                file: file.clone(),
                code: loaded,
                version: before.map_or(0, |known| known.0 + 1),
                sources_before: before.map_or(0, |known| known.1 + 1),
                status,
            },
        );
    }
    Ok(contracts)
}

/// Live ids of the blocks that are young enough to matter.
fn load_live_ids(engine: &Engine, view: &View) -> Result<(), Error> {
    let head = engine.head();
    let time = head.header.time;
    let keep = engine.genesis.parameters.replay_horizon_ms + limits::REPLAY_SEGMENT_MS;
    let mut turn = engine.turn();
    for height in (1..=head.height()).rev() {
        let (header, _) =
            head::sealed(view, height)?.ok_or_else(|| damaged("the store lacks a header"))?;
        let block_time = Header::decode(&header)?.time;
        if block_time.saturating_add(keep) < time {
            break;
        }
        let ids = view
            .get(Keyspace::Meta, &meta::ids(height))?
            .ok_or_else(|| damaged("the store lacks the ids of a recent block"))?;
        for (segment, id) in decode_block_ids(&ids) {
            turn.live.add(segment, id);
        }
        turn.kept.push_front((height, block_time));
    }
    turn.live.expire(time);
    Ok(())
}

/// Executes again what the log holds and the store lacks. Signatures were checked when the log was written; roots are compared.
fn catch_up(mut engine: Engine, log_height: u64) -> Result<Engine, Error> {
    for height in engine.height() + 1..=log_height {
        let record = engine
            .store
            .record(height)?
            .ok_or_else(|| damaged("the log lacks a record"))?;
        replay_block(&engine, &Block::decode(&record)?, false)?;
        engine.recovery.replayed += 1;
    }
    Ok(engine)
}

/// Executes a recorded block on top of the last one and compares every byte. Names the first difference.
pub(crate) fn replay_block(
    engine: &Engine,
    block: &Block<'_>,
    check_signatures: bool,
) -> Result<(), Error> {
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
    engine.commit_as(pending, block.seal, false)?;
    Ok(())
}

fn compare(
    recorded: &Header,
    block: &Block<'_>,
    pending: &crate::engine::Pending,
) -> Result<(), Error> {
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
