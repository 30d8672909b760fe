//! One chain's ledger: prepare, execute, commit, and the place where it stands.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crypto::{Hash32, Suite};
use store::{Keyspace, Store, WriteSet};

use crate::checkpoint::Checkpoints;
use crate::closing;
use crate::execute::{Base, Execution, Trace, Verdict};
use crate::formats::block::Block;
use crate::formats::genesis::Genesis;
use crate::formats::header::{entries_root, Header};
use crate::head::{self, meta, Head};
use crate::members::Directory;
use crate::opening::{Opening, Recovery};
use crate::overlay::BlockState;
use crate::pool;
use crate::prepare::{self, Prepared};
use crate::replay::{encode_block_ids, short, LiveIds};
use crate::roots::{extend_history, update_tree};
use crate::runtime::{Contracts, Runtime};
use crate::sealing;
use crate::seals::Seals;
use crate::shares::Usage;
use crate::Error;

/// One chain's ledger. All methods may be called from any thread; blocks are executed and committed one at a time.
pub struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) genesis: Arc<Genesis>,
    pub(crate) genesis_hash: Hash32,
    pub(crate) genesis_header: Arc<[u8]>,
    pub(crate) runtime: Arc<dyn Runtime>,
    head: RwLock<Arc<Head>>,
    pub(crate) turn: Mutex<Turn>,
    pub(crate) seals: Mutex<Seals>,
    pub(crate) usage: Mutex<Usage>,
    pub(crate) recovery: Recovery,
}

/// What only the one who executes and commits may touch.
pub(crate) struct Turn {
    pub live: LiveIds,
    /// Height and time of the blocks whose ids are kept, oldest first.
    pub kept: VecDeque<(u64, u64)>,
    pub checkpoints: Checkpoints,
}

/// An executed block that waits for its seal. Dropping it leaves no trace.
pub struct Pending {
    parent: Hash32,
    /// Header, its bytes and hash; none where the block is empty.
    header: Option<(Arc<Header>, Arc<[u8]>, Hash32)>,
    head: Option<Head>,
    writes: WriteSet,
    changed_buckets: Vec<tree::BucketId>,
    entries: Arc<Vec<Vec<u8>>>,
    ids: Vec<(u64, Hash32)>,
    runs: Vec<Hash32>,
    carried: Vec<Arc<[u8]>>,
    batches: Vec<(Prepared, Vec<Verdict>)>,
    pub(crate) trace: Option<Trace>,
    usage: Vec<(Arc<str>, u64)>,
    time: u64,
    set_changes: Vec<([u8; 32], u64)>,
}

impl Pending {
    /// What an execution made, before its roots; and the rows and contracts that it leaves.
    fn of<'a>(
        head: &Head,
        execution: Execution<'a>,
        batches: Vec<(Prepared, Vec<Verdict>)>,
        time: u64,
    ) -> (Self, BlockState<'a>, Arc<Contracts>) {
        let Execution {
            state,
            contracts,
            entries,
            ids,
            runs,
            carried,
            trace,
            usage,
            ..
        } = execution;
        let pending = Pending {
            parent: head.header_hash,
            header: None,
            head: None,
            writes: WriteSet::new(),
            changed_buckets: Vec::new(),
            entries: Arc::new(entries),
            ids,
            runs,
            carried,
            batches,
            trace,
            usage,
            time,
            set_changes: Vec::new(),
        };
        (pending, state, contracts)
    }

    /// The header's bytes and hash; none where the block is empty and makes no header.
    pub fn header(&self) -> Option<(&Header, &[u8], Hash32)> {
        self.header
            .as_ref()
            .map(|(header, bytes, hash)| (header.as_ref(), bytes.as_ref(), *hash))
    }

    /// How the set changes by this block: keys with their power, 0 where they leave it. It seals from the next header on.
    pub fn set_changes(&self) -> &[([u8; 32], u64)] {
        &self.set_changes
    }

    /// The encoded entries.
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }
}

/// What became of the transactions of one [`Prepared`].
#[derive(Clone)]
pub struct Outcome {
    /// What was prepared.
    pub prepared: Prepared,
    /// One verdict each.
    pub verdicts: Vec<Verdict>,
    /// Entries of the block.
    pub entries: Arc<Vec<Vec<u8>>>,
    /// Height of the block; where it was empty, of the block before.
    pub height: u64,
    /// Block time, ms.
    pub time: u64,
}

impl Engine {
    /// Makes a new ledger in an empty folder, or in memory where there is no path.
    pub fn create(
        path: Option<&Path>,
        document: &[u8],
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, Error> {
        crate::open::create(path, document, None, runtime)
    }

    /// Opens a ledger and brings its store up to its log. `rebuild` moves the store aside and builds it again.
    pub fn open(path: &Path, runtime: Arc<dyn Runtime>, rebuild: bool) -> Result<Self, Error> {
        let opening = Opening {
            rebuild,
            ..Opening::default()
        };
        Self::open_with(path, runtime, &opening)
    }

    /// The same with all that may be said of it.
    pub fn open_with(
        path: &Path,
        runtime: Arc<dyn Runtime>,
        opening: &Opening,
    ) -> Result<Self, Error> {
        crate::open::open(path, runtime, opening)
    }

    /// Bounds what the tree keeps in memory, in bytes.
    pub(crate) fn bound_tree(&self, bytes: usize) {
        let mut head = self.head.write().unwrap_or_else(PoisonError::into_inner);
        let mut bounded = head.as_ref().clone();
        bounded.tree = bounded.tree.with_cache_bytes(bytes);
        *head = Arc::new(bounded);
    }

    pub(crate) fn from_parts(
        store: Arc<Store>,
        genesis: Arc<Genesis>,
        runtime: Arc<dyn Runtime>,
        genesis_header: Arc<[u8]>,
        head: Head,
        (turn, seals): (Turn, Seals),
        recovery: Recovery,
    ) -> Self {
        let genesis_hash = head::header_hash(genesis.suite, &genesis_header);
        let (head, turn) = (RwLock::new(Arc::new(head)), Mutex::new(turn));
        Engine {
            store,
            genesis,
            genesis_hash,
            genesis_header,
            runtime,
            head,
            turn,
            seals: Mutex::new(seals),
            usage: Mutex::default(),
            recovery,
        }
    }

    /// The genesis document, decoded.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The genesis hash.
    pub fn genesis_hash(&self) -> Hash32 {
        self.genesis_hash
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    pub(crate) fn suite(&self) -> Suite {
        self.genesis.suite
    }

    pub(crate) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.head().height()
    }

    /// Time of the last block, ms.
    pub fn time(&self) -> u64 {
        self.head().header.time
    }

    /// Consensus height of the last header; 0 at the genesis.
    pub fn consensus_height(&self) -> u64 {
        self.head().header.consensus_height
    }

    /// Hash of the last header.
    pub fn header_hash(&self) -> Hash32 {
        self.head().header_hash
    }

    /// Last height whose block a crash of the machine leaves in the log.
    pub fn synced_height(&self) -> u64 {
        // A block that is being committed may be in the log already.
        let synced = self.store.synced_height();
        synced.map_or_else(|| self.height(), |synced| synced.min(self.height()))
    }

    /// Brings the log to disk: a network's, which is synced every few blocks only.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(self.store.sync()?)
    }

    /// Decodes transactions and checks their signatures. Any thread; does not wait for blocks.
    pub fn prepare(&self, transactions: Vec<Arc<[u8]>>) -> Prepared {
        self.prepare_as(transactions, true)
    }

    pub(crate) fn prepare_as(
        &self,
        transactions: Vec<Arc<[u8]>>,
        check_signatures: bool,
    ) -> Prepared {
        let head = self.head();
        let context = prepare::Context {
            suite: self.suite(),
            chain: &self.genesis.chain,
            genesis_hash: self.genesis_hash,
            parameters: &self.genesis.parameters,
            directory: &head.directory,
        };
        prepare::prepare(&context, transactions, check_signatures)
    }

    /// Executes transactions as the next block. Nothing is kept until [`Engine::commit`].
    pub fn execute(
        &self,
        batches: Vec<Prepared>,
        time: u64,
        consensus_height: Option<u64>,
    ) -> Result<Pending, Error> {
        self.execute_as(batches, time, consensus_height, true, None)
    }

    pub(crate) fn execute_as(
        &self,
        batches: Vec<Prepared>,
        time: u64,
        consensus_height: Option<u64>,
        check_signatures: bool,
        trace: Option<Trace>,
    ) -> Result<Pending, Error> {
        let turn = self.turn();
        let head = self.head();
        if time < head.header.time {
            let message = format!(
                "block time {time} is before the last block's {}",
                head.header.time
            );
            return Err(Error::new("block.time_backwards", message)
                .in_field("time")
                .hint("check the clock"));
        }
        if let Some(foreign) = batches
            .iter()
            .find(|prepared| prepared.genesis_hash != self.genesis_hash)
        {
            let message = format!(
                "prepared for the chain with genesis {}, this is {}",
                foreign.genesis_hash, self.genesis_hash
            );
            return Err(Error::new("block.foreign", message)
                .hint("prepare transactions with the ledger that executes them"));
        }
        let height = head.height() + 1;
        let consensus_height = self.next_consensus_height(&head, consensus_height)?;
        let parameters = head.directory.shares().in_force(&self.genesis.parameters);
        let mut execution = Execution::new(
            Base {
                view: &head.view,
                suite: self.suite(),
                chain: &self.genesis.chain,
                genesis_hash: self.genesis_hash,
                parameters: &parameters,
                directory: &head.directory,
                runtime: self.runtime.as_ref(),
                live: &turn.live,
                height,
                time,
                check_signatures,
                closed: head.closed.is_some(),
            },
            Arc::clone(&head.contracts),
        );
        execution.trace = trace;
        execution.run_timers()?;
        let verdicts = execution.run(&batches)?;
        let done = batches.into_iter().zip(verdicts).collect();
        execution.finish();
        pool::for_roots(|| self.summarise(&head, execution, done, height, time, consensus_height))
    }

    /// The block's consensus height, which in a network is given and grows. Solo: by default the height itself.
    fn next_consensus_height(&self, head: &Head, given: Option<u64>) -> Result<u64, Error> {
        let last = head.header.consensus_height;
        let bad = |message: String| {
            Error::new("block.consensus_height", message).in_field("consensus_height")
        };
        match given {
            Some(given) if self.is_network() && given <= last => {
                let message = format!("consensus height {given} is not above the last one, {last}");
                Err(bad(message).hint("this block was executed already: begin at the height after"))
            }
            None if self.is_network() => {
                let message = "a network's block needs the consensus height that decided it";
                Err(bad(message.to_owned()))
            }
            given => Ok(given.unwrap_or(head.height() + 1)),
        }
    }

    /// Roots and header of an executed block.
    fn summarise(
        &self,
        head: &Head,
        execution: Execution<'_>,
        batches: Vec<(Prepared, Vec<Verdict>)>,
        height: u64,
        time: u64,
        consensus_height: u64,
    ) -> Result<Pending, Error> {
        let suite = self.suite();
        let (set, turns) = sealing::of_next(head)?;
        // The block after a change of the set has a header in any case: the new set's seal stands right behind the old one's. Only
        // that of a closed chain has none.
        let empty = execution.entries.is_empty() && execution.state.is_empty() && !turns;
        let (mut pending, state, contracts) = Pending::of(head, execution, batches, time);
        if empty {
            return Ok(pending);
        }
        let mut next = head.clone();
        next.contracts = contracts;
        let (state, index) = state.into_writes();
        let closing = state.get(&closing::row_key(&self.genesis.chain));
        next.closed = closing.cloned().flatten().or(next.closed);
        (next.tree, pending.changed_buckets) =
            update_tree(head, suite, &state, &mut pending.writes)?;
        let rows = state.iter();
        let rows = rows.map(|(key, value)| (key.as_ref(), value.as_deref()));
        next.directory = Directory::after(&head.directory, rows, suite)?;
        pending.set_changes = sealing::turn(&mut next, height, &set, turns);
        next.digests.expire(time);
        for (segment, id) in &pending.ids {
            next.digests.add_to(suite, *segment, *id);
        }
        let history_root = extend_history(&mut next, head, suite, &mut pending.writes);
        let header = Header {
            chain: self.genesis.chain.clone(),
            height,
            consensus_height,
            time,
            history_root,
            entries_root: entries_root(suite, &pending.entries),
            state_root: next.tree.root(),
            replay_root: next.digests.root(suite),
            sealers_hash: set.hash,
            rules: self.genesis.rules,
        };
        let bytes: Arc<[u8]> = header.encode().into();
        next.header_hash = head::header_hash(suite, &bytes);
        next.header = Arc::new(header);
        next.header_bytes = Arc::clone(&bytes);
        for (keyspace, rows) in [(Keyspace::State, state), (Keyspace::Index, index)] {
            for (key, value) in rows {
                pending.writes.push(keyspace, key, value);
            }
        }
        pending.header = Some((Arc::clone(&next.header), bytes, next.header_hash));
        pending.head = Some(next);
        Ok(pending)
    }

    /// Makes an executed block final: the log's fsync is the commit point, and outcomes are durable when this returns. In a network they
    /// are so already: consensus keeps the block.
    pub fn commit(&self, pending: Pending, seal: Option<&[u8]>) -> Result<Vec<Outcome>, Error> {
        match (pending.header(), seal) {
            (None, _) => {}
            (Some((header, _, hash)), Some(seal)) => self.check_seal(header, hash, seal)?,
            (Some(_), None) if !self.is_network() => {
                return Err(Error::new(
                    "seal.missing",
                    "a solo chain commits no block without its seal",
                )
                .hint("seal the header's hash with the sequencer's key"));
            }
            // A network's seal is the next block's commit: it comes later.
            (Some(_), None) => {}
        }
        self.commit_as(pending, seal, true)
    }

    /// Commits; `log` is false where the block comes from the log itself.
    pub(crate) fn commit_as(
        &self,
        mut pending: Pending,
        seal: Option<&[u8]>,
        log: bool,
    ) -> Result<Vec<Outcome>, Error> {
        let mut turn = self.turn();
        let parent = self.head();
        if pending.parent != parent.header_hash {
            return Err(Error::new(
                "block.stale",
                "another block was committed since this one was executed",
            )
            .hint("execute it again"));
        }
        let (Some(mut next), Some((header, header_bytes, _))) =
            (pending.head.take(), pending.header.take())
        else {
            return Ok(outcomes(pending, parent.height()));
        };
        let height = header.height;
        if log {
            let record = Block {
                header: &header_bytes,
                seal,
                transactions: pending.carried.iter().map(AsRef::as_ref).collect(),
                entries: pending.entries.iter().map(Vec::as_slice).collect(),
            };
            self.store.append(height, &record.encode())?;
        }
        let mut writes = std::mem::take(&mut pending.writes);
        writes.put(
            Keyspace::Meta,
            meta::header(height).as_slice(),
            head::encode_sealed(&header_bytes, seal),
        );
        self.book(&mut turn, &next, &pending, &mut writes);
        let late = self.take_seals(&parent, seal.is_some(), &mut writes)?;
        self.store.apply(height, writes)?;
        self.seals_written(&late);
        self.note_usage(std::mem::take(&mut pending.usage));
        next.view = self.store.view();
        let tree = next.tree.clone();
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        turn.checkpoints
            .after_block(&self.store, &tree, height, pending.changed_buckets.len());
        Ok(outcomes(pending, height))
    }

    /// Books what the next start and the look-ups need.
    fn book(&self, turn: &mut Turn, next: &Head, pending: &Pending, writes: &mut WriteSet) {
        let (height, time) = (next.height(), next.header.time);
        let ordered = pending.ids.iter().map(|(_, id)| id);
        for (position, id) in pending.runs.iter().chain(ordered).enumerate() {
            let place = place(height, position);
            writes.put(Keyspace::Transactions, id.0.as_slice(), place);
        }
        for (segment, id) in &pending.ids {
            turn.live.add(*segment, short(id));
        }
        turn.live.expire(time);
        turn.kept.push_back((height, time));
        writes.put(
            Keyspace::Meta,
            meta::ids(height).as_slice(),
            encode_block_ids(&pending.ids),
        );
        let keep = self.genesis.parameters.replay_horizon_ms + crate::limits::REPLAY_SEGMENT_MS;
        while turn
            .kept
            .front()
            .is_some_and(|(_, kept)| kept.saturating_add(keep) < time)
        {
            if let Some((old, _)) = turn.kept.pop_front() {
                writes.delete(Keyspace::Meta, meta::ids(old).as_slice());
            }
        }
        if let Some(set) = next.sets.get(&height) {
            writes.put(
                Keyspace::Meta,
                meta::set(height).as_slice(),
                set.sealers.encode(),
            );
        }
        writes.put(Keyspace::Meta, meta::DIGESTS, next.digests.encode());
        writes.put(Keyspace::Meta, meta::FRONTIER, next.history.encode());
        turn.checkpoints
            .journal(height, &pending.changed_buckets, writes);
    }

    /// Waits until the store holds everything, writes a last checkpoint, and lets go of the folder.
    pub fn close(&self) -> Result<(), Error> {
        let mut turn = self.turn();
        self.store.sync()?;
        self.store.flush()?;
        self.save_seals()?;
        let head = self.head();
        turn.checkpoints
            .write_now(&self.store, &head.tree, head.height())?;
        Ok(())
    }
}

/// Height and position as the transaction index keeps them.
pub(crate) fn place(height: u64, position: usize) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&height.to_be_bytes());
    bytes[8..].copy_from_slice(&u32::try_from(position).unwrap_or(u32::MAX).to_be_bytes());
    bytes
}

/// Reads what [`place`] wrote.
pub(crate) fn read_place(bytes: &[u8]) -> Option<(u64, u32)> {
    let height = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
    Some((
        height,
        u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?),
    ))
}

fn outcomes(pending: Pending, height: u64) -> Vec<Outcome> {
    let Pending {
        batches,
        entries,
        time,
        ..
    } = pending;
    batches
        .into_iter()
        .map(|(prepared, verdicts)| Outcome {
            prepared,
            verdicts,
            entries: Arc::clone(&entries),
            height,
            time,
        })
        .collect()
}
