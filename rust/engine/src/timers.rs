//! Timers: rows that a later block runs before its transactions, each once (docs/adr/0013-timers.md).

use std::sync::Arc;

use codec::cbor::{Decoder, Encoder, MapReader};
use codec::key;
use crypto::{Hash32, Suite};
use store::{Keyspace, View};

use crate::engine::Engine;
use crate::execute::{refused, Execution};
use crate::formats::result::{encode_run, TransactionResult};
use crate::lifecycle::check_status;
use crate::open::damaged;
use crate::overlay::{scan_view, Rows, Span, TransactionState};
use crate::runtime::{Contract, Contracts, Deployed, Order, Status};
use crate::{enact, limits, Error};

/// Contract name under which the chain keeps its own rows.
const CONTRACT: &str = "chain";
/// Timers that wait for their moment: (at, contract, number).
const WAITING: &str = "timers";
/// Timers that fell due while their contract was frozen: (contract, at, number).
const HELD: &str = "timers_held";
/// The last number of each contract.
const COUNTS: &str = "timer_counts";
/// Entries of the index that finds a timer by contract and number.
const BY_NUMBER: &str = "timers:contract,number";

/// The kind of a timer's run among the chain's own runs.
pub const TIMER_RUN: u64 = 1;

/// Where a timer's row lies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    at: u64,
    contract: String,
    number: u64,
    held: bool,
}

/// What the row says.
struct Timer {
    method: String,
    arguments: Vec<u8>,
    gas: u64,
    /// Whose call made it.
    organisation: Arc<str>,
}

fn push_number(key: &mut Vec<u8>, number: u64) {
    // Moments end with the year 9999, numbers with the rows that a chain can hold.
    key::push_int(key, i64::try_from(number).unwrap_or(i64::MAX));
}

impl Place {
    fn row(&self) -> Vec<u8> {
        let mut key = key::prefix(CONTRACT, if self.held { HELD } else { WAITING });
        if self.held {
            key::push_text(&mut key, &self.contract);
            push_number(&mut key, self.at);
        } else {
            push_number(&mut key, self.at);
            key::push_text(&mut key, &self.contract);
        }
        push_number(&mut key, self.number);
        key
    }

    /// The one index entry of the timer, wherever its row lies.
    fn entry(&self) -> Vec<u8> {
        let mut key = entry_prefix(&self.contract, self.number);
        push_number(&mut key, self.at);
        key::push_text(&mut key, &self.contract);
        push_number(&mut key, self.number);
        key
    }

    fn of_row(flat: &[u8], held: bool) -> Result<Self, Error> {
        let (_, _, rest) = key::split(flat)?;
        let (number, text, second) = match key::decode(rest)?.as_slice() {
            [key::Part::Int(at), key::Part::Text(name), key::Part::Int(number)] if !held => {
                (*number, name.clone(), *at)
            }
            [key::Part::Text(name), key::Part::Int(at), key::Part::Int(number)] if held => {
                (*number, name.clone(), *at)
            }
            _ => {
                return Err(damaged(
                    "the key of a timer has not the form that the rules give it",
                ))
            }
        };
        Ok(Place {
            at: u64::try_from(second).unwrap_or(0),
            contract: text,
            number: u64::try_from(number).unwrap_or(0),
            held,
        })
    }
}

/// The contract whose timers a row of the chain's own is about; none where it is about no timer.
pub(crate) fn owner_of(flat: &[u8]) -> Result<Option<String>, Error> {
    let (contract, table, rest) = key::split(flat)?;
    if contract != CONTRACT {
        return Ok(None);
    }
    match table.as_str() {
        WAITING => Ok(Some(Place::of_row(flat, false)?.contract)),
        HELD => Ok(Some(Place::of_row(flat, true)?.contract)),
        COUNTS => match key::Reader::new(rest).next_part()? {
            Some(key::Part::Text(name)) => Ok(Some(name)),
            _ => Err(damaged("the count of timers has no contract")),
        },
        _ => Ok(None),
    }
}

/// The index entry of a timer's row; none where the row is no timer.
pub(crate) fn index_entry(flat: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let (contract, table, _) = key::split(flat)?;
    match (contract.as_str(), table.as_str()) {
        (CONTRACT, WAITING) => Ok(Some(Place::of_row(flat, false)?.entry())),
        (CONTRACT, HELD) => Ok(Some(Place::of_row(flat, true)?.entry())),
        _ => Ok(None),
    }
}

fn entry_prefix(contract: &str, number: u64) -> Vec<u8> {
    let mut key = key::prefix(CONTRACT, BY_NUMBER);
    key::push_text(&mut key, contract);
    push_number(&mut key, number);
    key
}

fn count_key(contract: &str) -> Vec<u8> {
    let mut key = key::prefix(CONTRACT, COUNTS);
    key::push_text(&mut key, contract);
    key
}

fn encode_row(timer: &vm::NewTimer<'_>, organisation: &str) -> Vec<u8> {
    let mut row = Encoder::with_capacity(timer.arguments.len() + 64);
    row.map(4).text("gas").uint(timer.gas);
    row.text("method").text(timer.method);
    row.text("arguments").raw(&timer.arguments);
    row.text("organisation").text(organisation);
    row.into_bytes()
}

fn decode_row(bytes: &[u8]) -> Result<Timer, Error> {
    let mut decoder = Decoder::new(bytes);
    let mut map = MapReader::open(&mut decoder)?;
    let (mut gas, mut method, mut arguments, mut organisation) = (None, None, None, None);
    while let Some(name) = map.text_key(&mut decoder)? {
        match name {
            "gas" => gas = Some(decoder.uint()?),
            "method" => method = Some(decoder.text()?.to_owned()),
            "arguments" => arguments = Some(decoder.skip()?.to_vec()),
            "organisation" => organisation = Some(Arc::from(decoder.text()?)),
            _ => return Err(damaged("a timer's row has a field that no rule gives it")),
        }
    }
    match (gas, method, arguments, organisation) {
        (Some(gas), Some(method), Some(arguments), Some(organisation)) => Ok(Timer {
            method,
            arguments,
            gas,
            organisation,
        }),
        _ => Err(damaged("a timer's row lacks a field")),
    }
}

/// Id of a timer's run: known as soon as the timer has its number.
pub fn timer_run_id(suite: Suite, genesis: Hash32, contract: &str, number: u64) -> Hash32 {
    let mut subject = Encoder::with_capacity(96 + contract.len());
    subject.array(4).text("lianheng.run.1").bytes(&genesis.0);
    subject.uint(TIMER_RUN).array(2).text(contract).uint(number);
    suite.hash(subject.as_slice())
}

/// Keeps a timer that a call makes; gives its number.
pub(crate) fn put(
    state: &mut TransactionState<'_, '_>,
    contract: &str,
    timer: &vm::NewTimer<'_>,
) -> Result<(u64, Vec<u8>, Vec<u8>), Error> {
    let counts = count_key(contract);
    let last = match state.get(&counts)? {
        Some(row) => Decoder::new(&row).uint()?,
        None => 0,
    };
    let number = last.saturating_add(1);
    let mut count = Encoder::new();
    count.uint(number);
    state.set(&counts, Some(count.into_bytes()));
    let place = Place {
        at: timer.at,
        contract: contract.to_owned(),
        number,
        held: false,
    };
    let (row, value) = (place.row(), encode_row(timer, state.organisation()));
    state.set(&row, Some(value.clone()));
    state.set_index(&place.entry(), true);
    Ok((number, row, value))
}

/// Removes a timer; gives the key of its row where it waited.
pub(crate) fn delete(
    state: &mut TransactionState<'_, '_>,
    contract: &str,
    number: u64,
) -> Result<Option<Vec<u8>>, Error> {
    let prefix = entry_prefix(contract, number);
    let span = Span {
        to: key::prefix_end(&prefix),
        from: prefix.clone(),
        limit: 1,
        reverse: false,
    };
    let Some((entry, _)) = state.scan_index(&span)?.into_iter().next() else {
        return Ok(None);
    };
    let primary = [
        key::prefix(CONTRACT, WAITING).as_slice(),
        &entry[prefix.len()..],
    ]
    .concat();
    let mut place = Place::of_row(&primary, false)?;
    if state.get(&place.row())?.is_none() {
        place.held = true;
    }
    let row = place.row();
    state.set(&row, None);
    state.set_index(&entry, false);
    Ok(Some(row))
}

/// Rows of a span.
type Scan<'s> = &'s dyn Fn(&Span) -> Result<Rows, Error>;

fn under(prefix: Vec<u8>, limit: usize) -> Span {
    Span {
        to: key::prefix_end(&prefix),
        from: prefix,
        limit,
        reverse: false,
    }
}

/// Held timers of contracts that are frozen no longer, at most so many, in the order of their keys.
fn thawed(scan: Scan<'_>, contracts: &Contracts, limit: usize) -> Result<Vec<Place>, Error> {
    let mut found = Vec::new();
    let mut span = under(key::prefix(CONTRACT, HELD), 1);
    while found.len() < limit {
        let Some((row, _)) = scan(&span)?.into_iter().next() else {
            break;
        };
        let contract = Place::of_row(&row, true)?.contract;
        let mut own = key::prefix(CONTRACT, HELD);
        key::push_text(&mut own, &contract);
        let own = under(own, limit - found.len());
        if contracts.get(&contract).map(|known| known.status) != Some(Status::Frozen) {
            for (row, _) in scan(&own)? {
                found.push(Place::of_row(&row, true)?);
            }
        }
        let Some(next) = own.to else {
            break;
        };
        span.from = next;
    }
    Ok(found)
}

/// What a block at `time` runs, in this order, before any of it ran.
fn due(
    scan: Scan<'_>,
    contracts: &Contracts,
    time: u64,
    limit: usize,
) -> Result<Vec<Place>, Error> {
    let mut found = thawed(scan, contracts, limit)?;
    let mut span = under(key::prefix(CONTRACT, WAITING), limit - found.len());
    let mut end = key::prefix(CONTRACT, WAITING);
    push_number(&mut end, time.saturating_add(1));
    span.to = Some(end);
    if span.limit > 0 {
        for (row, _) in scan(&span)? {
            found.push(Place::of_row(&row, false)?);
        }
    }
    Ok(found)
}

/// What is left of a block's room for timers.
struct Room {
    gas: u64,
    ran: bool,
}

impl Execution<'_> {
    /// Runs the timers that are due, as far as the block has room for them. Call before any transaction.
    pub(crate) fn run_timers(&mut self) -> Result<(), Error> {
        if self.closed {
            return Ok(());
        }
        let parameters = self.base.parameters;
        let limit = usize::try_from(parameters.block_timers).unwrap_or(usize::MAX);
        let places = {
            let state = TransactionState::new(&self.state);
            let scan = |span: &Span| state.scan(span);
            due(&scan, &self.contracts, self.base.time, limit)?
        };
        let mut room = Room {
            gas: parameters.block_gas / limits::TIMER_SHARE,
            ran: false,
        };
        for place in places {
            if !self.take_timer(&place, &mut room)? {
                break;
            }
            self.note_closing();
            if self.closed {
                break;
            }
        }
        Ok(())
    }

    /// Runs or holds one timer; false where the block has no room for it.
    fn take_timer(&mut self, place: &Place, room: &mut Room) -> Result<bool, Error> {
        // A timer that ran before it may have cancelled it.
        let Some(row) = self.state.get(&place.row())? else {
            return Ok(true);
        };
        let timer = decode_row(&row)?;
        let deployed = self.contracts.get(&place.contract).cloned();
        let deployed =
            deployed.ok_or_else(|| damaged("a timer of a contract that is not there"))?;
        self.state.write_for(Arc::clone(&timer.organisation));
        if deployed.status == Status::Frozen {
            self.hold(place, &row)?;
            return Ok(true);
        }
        let full = timer.gas > room.gas
            || self.entry_bytes >= limits::BLOCK_ENTRY_BYTES / limits::TIMER_SHARE as usize
            || self.state.written_bytes()
                >= limits::BLOCK_WRITE_BYTES / limits::TIMER_SHARE as usize;
        if full && room.ran {
            return Ok(false);
        }
        room.gas = room.gas.saturating_sub(timer.gas);
        room.ran = true;
        // Gone before it runs: whatever comes of it, it does not run again.
        self.remove(place.row())?;
        self.state.delete_index(place.entry());
        let id = timer_run_id(
            self.base.suite,
            self.base.genesis_hash,
            &place.contract,
            place.number,
        );
        let result = match check_status(&place.contract, deployed.status, false) {
            Ok(()) => self.run_timer(place, &timer, &deployed, id)?,
            Err(refusal) => refused(0, Some(deployed.source), refusal),
        };
        self.spend(result.gas)?;
        let entry = encode_run(TIMER_RUN, &cause(place, &timer), &result);
        self.entry_bytes += entry.len();
        self.entries.push(entry);
        self.runs.push(id);
        Ok(true)
    }

    /// Keeps a timer whose contract is frozen out of the way of the others, until it is thawed.
    fn hold(&mut self, place: &Place, row: &[u8]) -> Result<(), Error> {
        let held = Place {
            held: true,
            ..place.clone()
        };
        self.remove(place.row())?;
        self.keep(held.row(), row.to_vec())
    }

    fn run_timer(
        &mut self,
        place: &Place,
        timer: &Timer,
        deployed: &Deployed,
        id: Hash32,
    ) -> Result<TransactionResult, Error> {
        let contracts = Arc::clone(&self.contracts);
        let order = Order {
            contract: &place.contract,
            method: &timer.method,
            arguments: &timer.arguments,
            code: None,
            signers: &[],
            key_ids: &[],
            id,
            application: None,
            attachments: &[],
            gas: timer.gas,
        };
        let call = self.context(&order, &contracts);
        if (call.contract, call.method) == (enact::CONTRACT, enact::METHOD) {
            return self.enact(deployed, &call);
        }
        self.run_method(deployed, &call, <dyn Contract>::timer)
    }
}

/// Why the chain ran something by itself: `[contract, number, at, method, arguments]`.
fn cause(place: &Place, timer: &Timer) -> Vec<u8> {
    let mut cause = Encoder::with_capacity(timer.arguments.len() + 96);
    cause.array(5).text(&place.contract).uint(place.number);
    cause
        .uint(place.at)
        .text(&timer.method)
        .raw(&timer.arguments);
    cause.into_bytes()
}

/// When the next timer is due: of a contract that was thawed, in the past. None: no timer waits.
fn next_moment(view: &View, contracts: &Contracts) -> Result<Option<u64>, Error> {
    let scan = |span: &Span| scan_view(view, Keyspace::State, span);
    if let Some(first) = thawed(&scan, contracts, 1)?.first() {
        return Ok(Some(first.at));
    }
    match scan(&under(key::prefix(CONTRACT, WAITING), 1))?.first() {
        Some((row, _)) => Ok(Some(Place::of_row(row, false)?.at)),
        None => Ok(None),
    }
}

impl Engine {
    /// Block time (ms) from which the next block runs a timer, transactions or not; none where no timer waits, or the chain is closed.
    pub fn next_timer(&self) -> Result<Option<u64>, Error> {
        let head = self.head();
        if head.closed.is_some() {
            return Ok(None);
        }
        next_moment(&head.view, &head.contracts)
    }

    /// Id of a timer's run, which [`Engine::locate`] finds once it ran.
    pub fn timer_run_id(&self, contract: &str, number: u64) -> Hash32 {
        timer_run_id(self.suite(), self.genesis_hash(), contract, number)
    }
}
