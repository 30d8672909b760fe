//! Taking up a ledger from its store: header, tree, books, members, contracts, live ids. What is loaded must be what the header commits to.

use std::collections::VecDeque;
use std::sync::Arc;

use codec::cbor::{Decoder, Value};
use codec::key;
use crypto::{Hash32, Suite};
use store::{Keyspace, Store, View};
use tree::{BucketId, StateTree};

use crate::checkpoint::{self, Checkpoints};
use crate::engine::{Engine, Turn};
use crate::formats::genesis::Genesis;
use crate::formats::header::{Header, Sealers};
use crate::head::{self, meta, Buckets, Head};
use crate::members::{self, Directory};
use crate::open::damaged;
use crate::opening::Recovery;
use crate::overlay::{scan_view, Rows, Span};
use crate::replay::{decode_block_ids, Digests, LiveIds};
use crate::runtime::{Contracts, Deployed, Runtime, Status};
use crate::sealing::{Set, Sets};
use crate::seals::Seals;
use crate::{closing, deploy, limits, Error};

/// Takes up the store at the height that it holds.
pub(crate) fn resume(
    store: Arc<Store>,
    genesis: Genesis,
    genesis_header: Vec<u8>,
    height: u64,
    runtime: Arc<dyn Runtime>,
    mut recovery: Recovery,
) -> Result<Engine, Error> {
    let suite = genesis.suite;
    let view = store.view();
    let (header_bytes, _) = head::sealed(&view, height)?
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
        tree,
        history: tree::log::Frontier::decode(suite, &stored(meta::FRONTIER)?)?,
        digests: Digests::decode(&stored(meta::DIGESTS)?)?,
        directory: Arc::new(load_directory(&view, suite)?),
        contracts: Arc::new(load_contracts(&view, runtime.as_ref())?),
        sets: Arc::new(load_sets(&view, &genesis)?),
        closed: closing::stored(&view, &genesis.chain)?,
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
        (turn, Seals::load(&view)?),
        recovery,
    );
    load_live_ids(&engine, &view)?;
    Ok(engine)
}

/// What was loaded must be what the header commits to.
fn check_loaded(head: &Head, suite: Suite) -> Result<(), Error> {
    let set = head
        .set_at(head.height())
        .ok_or_else(|| damaged("no set seals"))?;
    for (name, found, committed) in [
        ("sealers hash", set.hash, head.header.sealers_hash),
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

fn load_directory(view: &View, suite: Suite) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    for contract in members::KEPT {
        for (key, value) in rows_under(view, key::contract_prefix(contract))? {
            directory.take_row(&key, &value, suite)?;
        }
    }
    directory.settle(suite);
    Ok(directory)
}

/// The genesis set, and those that came after it.
fn load_sets(view: &View, genesis: &Genesis) -> Result<Sets, Error> {
    let mut sets: Sets = [(0, Set::of(genesis.sealers.clone(), genesis.suite))].into();
    let span = Span {
        from: meta::set(0).to_vec(),
        to: Some(meta::set(u64::MAX).to_vec()),
        limit: usize::MAX,
        reverse: false,
    };
    for (key, value) in scan_view(view, Keyspace::Meta, &span)? {
        let Some(height) = key.last_chunk::<8>() else {
            continue;
        };
        let set = Set::of(Sealers::decode(&value)?, genesis.suite);
        sets.insert(u64::from_be_bytes(*height), set);
    }
    Ok(sets)
}

fn load_contracts(view: &View, runtime: &dyn Runtime) -> Result<Contracts, Error> {
    let versions = rows_under(view, key::prefix(deploy::CONTRACT, "versions"))?;
    let code = |key: &[u8]| Ok(view.get(Keyspace::State, key)?);
    contracts_of(&versions, &code, runtime)
}

/// A row by its flat key.
pub(crate) type Lookup<'a> = dyn Fn(&[u8]) -> Result<Option<Arc<[u8]>>, Error> + 'a;

/// Contracts as the rows of their versions say, in key order.
pub(crate) fn contracts_of(
    versions: &Rows,
    code: &Lookup<'_>,
    runtime: &dyn Runtime,
) -> Result<Contracts, Error> {
    let mut contracts = Contracts::default();
    for (key, value) in versions {
        let (_, _, rest) = key::split(key)?;
        let Some(key::Part::Text(name)) = key::Reader::new(rest).next_part()? else {
            return Err(damaged("a contract's version has no name"));
        };
        let row = codec::cbor::decode(value)?;
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
        let code = code(&deploy::by_hash("code", code_hash))?
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
