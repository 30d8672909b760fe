//! In order: each transaction is dropped, or gets an entry and, where it succeeds, changes the state.

use std::collections::{BTreeMap, HashSet};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use codec::cbor::{Decoder, Encoder};
use codec::key;
use crypto::{Hash32, Suite};
use store::{Keyspace, View};

use crate::authority::{check_call, check_contracts, Asking};
use crate::formats::genesis::Parameters;
use crate::formats::result::{encode_entry, encode_event, Refusal, Success, TransactionResult};
use crate::members::{Directory, Member};
use crate::overlay::{BlockState, Changes, TransactionState};
use crate::prepare::{
    self, check_gas, expired, replayed, unknown_key, verify_late, Drop, Signed, Transaction,
};
use crate::replay::{segment_of, LiveIds};
use crate::runtime::{
    Call, Contract, Contracts, Deployed, Emitted, Order, Returned, Runtime, Step,
};
use crate::shares::Books;
use crate::{closing, deploy, imports, lifecycle, limits, Error};

/// What became of one transaction.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It has the entry with this index.
    Entry(usize),
    /// It was dropped.
    Dropped(Drop),
}

/// Everything that execution needs, and may not change.
pub(crate) struct Base<'a> {
    pub view: &'a View,
    pub suite: Suite,
    pub chain: &'a str,
    pub genesis_hash: Hash32,
    pub parameters: &'a Parameters,
    pub directory: &'a Directory,
    pub runtime: &'a dyn Runtime,
    pub live: &'a LiveIds,
    pub height: u64,
    pub time: u64,
    pub check_signatures: bool,
    /// Whether an earlier block closed the chain.
    pub closed: bool,
}

/// How a contract is entered: by a call, or by a timer that fell due.
pub(crate) type Door = fn(
    &(dyn Contract + 'static),
    &Call<'_>,
    &mut TransactionState<'_, '_>,
    Option<&mut Vec<Step>>,
) -> Returned;

/// A transaction to trace, and where its steps go.
pub(crate) struct Trace {
    pub id: Hash32,
    pub steps: Vec<Step>,
}

/// The block so far.
pub(crate) struct Execution<'a> {
    pub base: Base<'a>,
    pub state: BlockState<'a>,
    pub contracts: Arc<Contracts>,
    pub entries: Vec<Vec<u8>>,
    /// Segment and id of each entry; positions in the transaction index follow their order.
    pub ids: Vec<(u64, Hash32)>,
    /// Ids of the chain's own runs: their entries are the first ones.
    pub runs: Vec<Hash32>,
    /// Every transaction carried, dropped ones left out.
    pub carried: Vec<Arc<[u8]>>,
    pub gas: u64,
    pub(crate) entry_bytes: usize,
    pub(crate) carried_bytes: u64,
    seen: HashSet<Hash32>,
    pub(crate) books: Books,
    /// Gas of each organisation, once the block is finished.
    pub usage: Vec<(Arc<str>, u64)>,
    events: BTreeMap<String, EventChain>,
    pub trace: Option<Trace>,
    /// Whether the chain is closed by now.
    pub(crate) closed: bool,
    /// Key of the row that closes it.
    pub(crate) closing: Vec<u8>,
}

#[derive(Clone)]
struct EventChain {
    count: u64,
    head: Hash32,
}

impl<'a> Execution<'a> {
    pub fn new(base: Base<'a>, contracts: Arc<Contracts>) -> Self {
        Execution {
            state: BlockState::new(base.view),
            closed: base.closed,
            closing: closing::row_key(base.chain),
            base,
            contracts,
            entries: Vec::new(),
            ids: Vec::new(),
            runs: Vec::new(),
            carried: Vec::new(),
            gas: 0,
            entry_bytes: 0,
            carried_bytes: 0,
            seen: HashSet::new(),
            books: Books::default(),
            usage: Vec::new(),
            events: BTreeMap::new(),
            trace: None,
        }
    }

    /// Writes the event chains that grew and what organisations keep. Call once, after the last transaction.
    pub fn finish(&mut self) {
        for (contract, chain) in std::mem::take(&mut self.events) {
            let mut value = Encoder::with_capacity(48);
            value.array(2).uint(chain.count).bytes(&chain.head.0);
            self.state
                .put(key::prefix(&contract, EVENTS_TABLE), value.into_bytes());
        }
        let (rows, usage) = std::mem::take(&mut self.books).close();
        for (key, value) in rows {
            self.state.put(key, value);
        }
        self.usage = usage;
    }

    /// Everything that decides between a drop and an entry, but for the block's room.
    pub(crate) fn admit(
        &self,
        transaction: &Transaction,
    ) -> Result<Result<Vec<Arc<Member>>, Drop>, Error> {
        if self.closed {
            let last = self.base.height - u64::from(self.base.closed);
            return Ok(Err(closing::dropped(last)));
        }
        if let Err(drop) = self.check_time_and_quota(transaction) {
            return Ok(Err(drop));
        }
        if self.is_replay(transaction)? {
            return Ok(Err(replayed(&transaction.id)));
        }
        Ok(self.signers(transaction))
    }

    fn check_time_and_quota(&self, transaction: &Transaction) -> Result<(), Drop> {
        let (time, expires) = (self.base.time, transaction.payload.expires);
        let parameters = self.base.parameters;
        if expires <= time {
            return Err(expired(expires, time));
        }
        if expires - time > parameters.replay_horizon_ms {
            let message = format!(
                "it expires at {expires}, more than {} ms after block time {time}",
                parameters.replay_horizon_ms
            );
            return Err(Drop::new(
                "dropped.too_far_ahead",
                message,
                "sign it with an earlier expiry; check the clocks",
            ));
        }
        check_gas(transaction.payload.gas, parameters)
    }

    /// Why the block takes no further transaction of this size, if so. What is dropped counts nowhere: a replay does not see it.
    pub(crate) fn full(&self, bytes: u64) -> Option<String> {
        let parameters = self.base.parameters;
        let carried = self.carried_bytes.saturating_add(bytes);
        if self.gas >= parameters.block_gas {
            Some(format!(
                "the block's gas ({}) is spent",
                parameters.block_gas
            ))
        } else if self.carried.len() as u64 >= parameters.block_transactions {
            let most = parameters.block_transactions;
            Some(format!("the block holds {most} transactions already"))
        } else if carried > parameters.block_bytes && !self.carried.is_empty() {
            let most = parameters.block_bytes;
            Some(format!("the block has no room left of {most} bytes"))
        } else if self.entry_bytes >= limits::BLOCK_ENTRY_BYTES {
            Some("the block's room for results is used up".to_owned())
        } else if self.state.written_bytes() >= limits::BLOCK_WRITE_BYTES {
            Some("the block's room for writes is used up".to_owned())
        } else {
            None
        }
    }

    pub(crate) fn is_replay(&self, transaction: &Transaction) -> Result<bool, Error> {
        if self.seen.contains(&transaction.id) {
            return Ok(true);
        }
        if !self
            .base
            .live
            .may_contain(transaction.payload.expires, &transaction.id)
        {
            return Ok(false);
        }
        Ok(self
            .base
            .view
            .get(Keyspace::Transactions, &transaction.id.0)?
            .is_some())
    }

    fn signers(&self, transaction: &Transaction) -> Result<Vec<Arc<Member>>, Drop> {
        let directory = self.base.directory;
        let mut signers = Vec::with_capacity(transaction.payload.signers.len());
        for id in &transaction.payload.signers {
            let member = directory
                .key(id)
                .and_then(|key| directory.member(&key.member));
            signers.push(Arc::clone(
                member.ok_or_else(|| unknown_key(directory, id))?,
            ));
        }
        let sender = transaction.sender();
        if let Some(owner) = signers.first().filter(|first| first.id != sender) {
            let message = format!(
                "the first key belongs to {}, not to the sender {sender}",
                owner.id
            );
            return Err(Drop::new(
                "dropped.unknown_key",
                message,
                "sign with the sender's own key first",
            ));
        }
        if transaction.signed == Signed::KeyUnknown && self.base.check_signatures {
            let context = prepare::Context {
                suite: self.base.suite,
                chain: self.base.chain,
                genesis_hash: self.base.genesis_hash,
                parameters: self.base.parameters,
                directory,
            };
            verify_late(&context, transaction)?;
        }
        Ok(signers)
    }

    /// From here on the id is burnt: the transaction gets its entry whatever happens.
    pub(crate) fn order(
        &mut self,
        transaction: &Transaction,
        signers: &[Arc<Member>],
    ) -> Result<Verdict, Error> {
        let payload = &transaction.payload;
        let application = payload.application.as_ref();
        let result = self.call(&Order {
            contract: transaction.text(&payload.contract),
            method: transaction.text(&payload.method),
            arguments: &transaction.bytes[payload.arguments.clone()],
            code: payload.code,
            signers,
            key_ids: &payload.signers,
            id: transaction.id,
            application: application.map(|span| transaction.text(span)),
            attachments: &payload.attachments,
            gas: payload.gas,
        })?;
        self.spend(result.gas)?;
        let entry = encode_entry(transaction.id, transaction.signed_hash, &result);
        self.entry_bytes += entry.len();
        self.carried_bytes += transaction.bytes.len() as u64;
        self.entries.push(entry);
        self.ids
            .push((segment_of(transaction.payload.expires), transaction.id));
        self.carried.push(Arc::clone(&transaction.bytes));
        self.seen.insert(transaction.id);
        self.note_closing();
        Ok(Verdict::Entry(self.entries.len() - 1))
    }

    /// Makes a call: policy first, then the contract, or the engine itself where it is one of `contracts`.
    pub(crate) fn call(&mut self, order: &Order<'_>) -> Result<TransactionResult, Error> {
        let name = order.contract;
        if name == deploy::CONTRACT {
            return self.call_contracts(order);
        }
        let Some(deployed) = self.contracts.get(name).cloned() else {
            let refusal = Refusal::new(
                "call.unknown_contract",
                format!("no contract {name} is deployed"),
            )
            .in_field("contract")
            .hint("deploy it, or check the name with `lianheng status`");
            return Ok(refused(0, None, refusal));
        };
        let code = Some(deployed.source);
        if let Err(refusal) = lifecycle::check_status(name, deployed.status, false) {
            return Ok(refused(0, code, refusal));
        }
        if let Err(refusal) = check_call(order, &deployed, &self.asking(order.signers)) {
            return Ok(refused(0, code, refusal));
        }
        let contracts = Arc::clone(&self.contracts);
        let call = self.context(order, &contracts);
        self.run_method(&deployed, &call, <dyn Contract>::call)
    }

    /// Members who agree to a call that comes from outside.
    fn asking<'m>(&self, members: &'m [Arc<Member>]) -> Asking<'m>
    where
        'a: 'm,
    {
        Asking {
            directory: self.base.directory,
            members,
            via: None,
        }
    }

    /// What a call of this block knows of its surroundings.
    pub(crate) fn context<'c>(&self, order: &Order<'c>, contracts: &'c Contracts) -> Call<'c>
    where
        'a: 'c,
    {
        Call {
            contract: order.contract,
            method: order.method,
            arguments: order.arguments,
            signers: order.signers,
            directory: self.base.directory,
            key_ids: order.key_ids,
            now: self.base.time,
            height: self.base.height,
            transaction_id: order.id.0,
            application: order.application,
            attachments: order.attachments,
            genesis_hash: self.base.genesis_hash,
            contracts,
            gas: order.gas,
            chain: self.base.chain,
            timer_gas: self.base.parameters.timer_gas,
            read_only: false,
        }
    }

    /// Runs a method of a contract on writes of its own, which count only where it ends well.
    pub(crate) fn run_method(
        &mut self,
        deployed: &Deployed,
        call: &Call<'_>,
        door: Door,
    ) -> Result<TransactionResult, Error> {
        let code = Some(deployed.source);
        let (returned, changes) = self.try_method(deployed, call, door)?;
        match returned.outcome {
            Err(refusal) => Ok(refused(returned.gas, code, refusal)),
            Ok((value, events)) => {
                let grown = self.state.growth_of(&changes)?;
                if let Some(refusal) = self.over_storage(call.contract, grown)? {
                    return Ok(refused(returned.gas, code, refusal));
                }
                let events = self.number_events(events)?;
                self.grow(grown)?;
                self.state.absorb(changes);
                Ok(TransactionResult {
                    gas: returned.gas,
                    code,
                    outcome: Ok(Success { value, events }),
                })
            }
        }
    }

    /// Runs a method of a contract; what it wrote counts where somebody takes it over.
    pub(crate) fn try_method(
        &mut self,
        deployed: &Deployed,
        call: &Call<'_>,
        door: Door,
    ) -> Result<(Returned, Changes), Error> {
        let mut state = TransactionState::new(&self.state);
        let steps = self
            .trace
            .as_mut()
            .filter(|trace| trace.id.0 == call.transaction_id)
            .map(|trace| &mut trace.steps);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            door(deployed.code.as_ref(), call, &mut state, steps)
        }));
        let Ok(returned) = caught else {
            let outcome = Err(fault());
            let gas = call.gas;
            return Ok((Returned { gas, outcome }, Changes::default()));
        };
        if let Some(failure) = state.take_failure() {
            return Err(failure);
        }
        let gas = returned.gas;
        let outcome = refused_all_the_same(&state, returned.outcome).map_err(|mut refusal| {
            refusal.file.get_or_insert_with(|| deployed.file.clone());
            refusal
        });
        Ok((Returned { gas, outcome }, state.into_changes()))
    }

    /// Numbers events, each in its contract, and moves the event chains on.
    pub(crate) fn number_events(&mut self, events: Vec<Emitted>) -> Result<Vec<Vec<u8>>, Error> {
        let mut encoded = Vec::with_capacity(events.len());
        for event in events {
            let contract = event.contract;
            let chain = match self.events.get(&contract) {
                Some(chain) => chain.clone(),
                None => self.stored_chain(&contract)?,
            };
            let event = encode_event(&contract, chain.count, &event.name, &event.data);
            let mut link = Encoder::with_capacity(event.len() + 64);
            link.array(3)
                .text("lianheng.event.1")
                .bytes(&chain.head.0)
                .raw(&event);
            let chain = EventChain {
                count: chain.count + 1,
                head: self.base.suite.hash(link.as_slice()),
            };
            encoded.push(event);
            self.events.insert(contract, chain);
        }
        Ok(encoded)
    }

    fn stored_chain(&self, contract: &str) -> Result<EventChain, Error> {
        let Some(row) = self.state.get(&key::prefix(contract, EVENTS_TABLE))? else {
            return Ok(EventChain {
                count: 0,
                head: Hash32([0; 32]),
            });
        };
        let mut decoder = Decoder::new(&row);
        decoder.array_exact(2)?;
        Ok(EventChain {
            count: decoder.uint()?,
            head: Hash32(decoder.bytes_exact()?),
        })
    }

    /// A call of `contracts`, which the engine answers itself.
    fn call_contracts(&mut self, order: &Order<'_>) -> Result<TransactionResult, Error> {
        if let Some(meant) = order.code {
            let message = format!("the call means source {meant}; contracts is part of the engine");
            let refusal = Refusal::new("code.mismatch", message)
                .in_field("code")
                .hint("leave the field out");
            return Ok(refused(0, None, refusal));
        }
        let changes = lifecycle::METHODS.contains(&order.method);
        if order.method != "deploy" && !changes {
            return Ok(refused(0, None, deploy::unknown_method(order.method)));
        }
        if let Err(refusal) = check_contracts(order.method, &self.asking(order.signers)) {
            return Ok(refused(0, None, refusal));
        }
        match changes {
            true => self.change_contract(order),
            false => self.deploy(order),
        }
    }

    fn deploy(&mut self, order: &Order<'_>) -> Result<TransactionResult, Error> {
        let (runtime, suite) = (self.base.runtime, self.base.suite);
        // It writes nothing: there is nothing half done after a panic.
        let deployed = catch_unwind(AssertUnwindSafe(|| {
            let tools = deploy::Tools {
                suite,
                runtime,
                contracts: &self.contracts,
            };
            let mut lookup = |digits: &str| imports::in_block(&self.state, digits);
            deploy::deploy(order, self.base.height, &tools, &mut lookup)
        }));
        match deployed {
            Err(_) => Ok(refused(order.gas, None, fault())),
            Ok(Err(imports::Stopped::Failed(error))) => Err(error),
            Ok(Err(imports::Stopped::Refused(gas, refusal))) => Ok(refused(gas, None, refusal)),
            Ok(Ok(done)) => {
                for (key, value) in done.rows {
                    self.keep(key, value)?;
                }
                Arc::make_mut(&mut self.contracts).insert(done.name, done.deployed);
                let outcome = Ok(Success {
                    value: done.value,
                    events: Vec::new(),
                });
                Ok(TransactionResult {
                    gas: done.gas,
                    code: None,
                    outcome,
                })
            }
        }
    }
}

/// Table of a contract's event chain. No contract can name it: `$` is no letter of a name.
pub const EVENTS_TABLE: &str = "$events";

/// The outcome, unless the call passed a limit of the engine or gives what no entry can hold.
pub(crate) fn refused_all_the_same(
    state: &TransactionState<'_, '_>,
    outcome: Result<(Vec<u8>, Vec<Emitted>), Refusal>,
) -> Result<(Vec<u8>, Vec<Emitted>), Refusal> {
    if let Some(mut refusal) = state.refusal() {
        if let Err(found) = outcome {
            (refusal.file, refusal.line) = (found.file, found.line);
        }
        return Err(refusal);
    }
    let (value, events) = outcome?;
    check_result(&value, &events)?;
    Ok((value, events))
}

/// Whatever reads an entry, a receipt's verifier above all, must be able to.
fn check_result(value: &[u8], events: &[Emitted]) -> Result<(), Refusal> {
    let size = |event: &Emitted| event.contract.len() + event.name.len() + event.data.len();
    let bytes = value.len() + events.iter().map(size).sum::<usize>();
    if bytes > limits::RESULT_BYTES {
        let most = limits::RESULT_BYTES;
        let message = format!("value and events have {bytes} bytes, at most {most} fit a result");
        return Err(Refusal::new("limit.result", message).hint("announce less, or hashes of it"));
    }
    // An entry holds a value two levels deep, and an event's data four.
    let deep = |levels: usize, bytes: &[u8]| {
        let mut wrapped = vec![0x81; levels];
        wrapped.extend_from_slice(bytes);
        codec::cbor::check(&wrapped).is_err()
    };
    if (!value.is_empty() && deep(2, value)) || events.iter().any(|event| deep(4, &event.data)) {
        let message = "the value or an event is nested deeper than an entry can hold";
        return Err(Refusal::new("limit.encoded", message).hint("use flatter records"));
    }
    Ok(())
}

/// What a panic inside a call becomes.
pub(crate) fn fault() -> Refusal {
    Refusal::new(
        "engine.fault",
        "the engine failed inside this call; all its gas is taken",
    )
    .hint("report it with the transaction id: this is a defect of the engine")
}

pub(crate) fn refused(gas: u64, code: Option<Hash32>, refusal: Refusal) -> TransactionResult {
    TransactionResult {
        gas,
        code,
        outcome: Err(refusal),
    }
}
