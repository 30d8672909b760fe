//! A contract's later life: `contracts.upgrade`, `freeze`, `thaw`, `retire`, and the rehearsal of an upgrade.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use codec::cbor::{Decoder, Encoder, MapReader, Value};
use codec::key;

use crate::authority::{check_contracts, Asking};
use crate::callers::{self, BrokenCaller};
use crate::deploy::{self, check_file, Arguments, Done, Tools, CONTRACT};
use crate::engine::Engine;
use crate::execute::{fault, refused, refused_all_the_same, Execution};
use crate::formats::result::{Refusal, Success, TransactionResult};
use crate::imports::{self, Stopped};
use crate::members::{row, versioned, Directory, Member, NewRow};
use crate::overlay::{BlockState, TransactionState};
use crate::runtime::{Call, Change, Contracts, Deployed, Emitted, Imports, Order, Status};
use crate::Error;

/// The methods of `contracts` that this room answers.
pub(crate) const METHODS: [&str; 4] = ["freeze", "retire", "thaw", "upgrade"];

/// Gas of a change of status: two rows.
pub const GAS_STATUS: u64 = 1_000;

/// Refuses a call, or a view, of a contract that takes none.
pub(crate) fn check_status(name: &str, status: Status, view: bool) -> Result<(), Refusal> {
    match status {
        Status::Active => Ok(()),
        Status::Frozen if view => Ok(()),
        Status::Frozen => Err(Refusal::new(
            "contract.frozen",
            format!("{name} is frozen: it takes no calls, its views still answer"),
        )
        .in_field("contract")
        .hint("wait until an admin thaws it")),
        Status::Retired => Err(Refusal::new(
            "contract.retired",
            format!("{name} is retired: it is never called again"),
        )
        .in_field("contract")
        .hint("its rows and history can still be read and proved")),
    }
}

fn known<'c>(name: &str, contracts: &'c Contracts) -> Result<&'c Deployed, Refusal> {
    if deploy::RESERVED.contains(&name) {
        let message = format!("{name} belongs to the system: it changes with the rules only");
        return Err(Refusal::new("contract.reserved", message).in_field("name"));
    }
    contracts.get(name).ok_or_else(|| {
        let shown: String = name.escape_debug().take(80).collect();
        let message = format!("no contract {shown} is deployed");
        Refusal::new("call.unknown_contract", message)
            .in_field("name")
            .hint("deploy it, or check the name with `lianheng status`")
    })
}

/// The one argument of freeze, thaw and retire.
fn only_name(bytes: &[u8]) -> Result<&str, Refusal> {
    let mut decoder = Decoder::new(bytes);
    let mut read = || -> Result<Option<&str>, codec::Error> {
        let mut map = MapReader::open(&mut decoder)?;
        let (mut name, mut other) = (None, false);
        while let Some(key) = map.text_key(&mut decoder)? {
            if key == "name" {
                name = Some(decoder.text()?);
            } else {
                other = true;
                decoder.skip()?;
            }
        }
        decoder.finish()?;
        Ok(name.filter(|_| !other))
    };
    let found = read().ok().flatten();
    found.ok_or_else(|| {
        Refusal::new("call.bad_arguments", "the one argument is name, a text").in_field("name")
    })
}

fn next_status(method: &str, name: &str, now: Status) -> Result<Status, Refusal> {
    match (method, now) {
        ("freeze", Status::Active) => Ok(Status::Frozen),
        ("thaw", Status::Frozen) => Ok(Status::Active),
        ("retire", Status::Active | Status::Frozen) => Ok(Status::Retired),
        _ => Err(Refusal::new(
            "contract.status",
            format!("{name} is {}: there is nothing to {method}", now.name()),
        )
        .in_field("name")),
    }
}

/// An upgrade that may be run: what was compiled, and what it follows.
struct Plan {
    done: Done,
    old: Deployed,
}

fn plan(
    arguments: &Arguments<'_>,
    tools: &Tools<'_>,
    imports: &Imports,
    height: u64,
    gas: u64,
) -> Result<Plan, Refusal> {
    let old = known(arguments.name, tools.contracts)?.clone();
    if old.status == Status::Retired {
        check_status(arguments.name, old.status, false)?;
    }
    if tools.suite.hash(arguments.source.as_bytes()) == old.source {
        let message = format!("{} runs this source already", arguments.name);
        return Err(Refusal::new("contract.unchanged", message).in_field("source"));
    }
    let mut done = deploy::build(arguments, tools, imports, height, gas)?;
    done.deployed.version = old.version.saturating_add(1);
    done.deployed.sources_before = old.sources_before.saturating_add(1);
    done.deployed.status = old.status;
    let subject = key::Part::Text(arguments.name.to_owned());
    let version = versioned(CONTRACT, "versions", &subject, done.deployed.version);
    if let Some(first) = done.rows.first_mut() {
        let value = with_status(&first.1, old.status, height)
            .map_err(|error| Refusal::new("contract.invalid", error.message))?;
        *first = (version, value);
    }
    Ok(Plan { done, old })
}

/// A row of `versions` with another status and height.
fn with_status(stored: &[u8], status: Status, height: u64) -> Result<Vec<u8>, Error> {
    let since = Value::Int(i64::try_from(height).unwrap_or(i64::MAX));
    let decoded = codec::cbor::decode(stored)?;
    let kept = |field: &str| decoded.get(field).cloned().unwrap_or(Value::Null);
    row(&[
        ("code", kept("code")),
        ("file", kept("file")),
        ("since", since),
        ("source", kept("source")),
        ("status", Value::text(status.name())),
    ])
}

/// What an author or admin does about a refused upgrade.
fn hint(code: &str) -> Option<&'static str> {
    match code {
        "contract.migration_missing" => {
            Some("`lianheng contract diff OLD NEW` prints the method to write")
        }
        "contract.leftover" => Some("take it out with self.drain(...) in the migration"),
        "contract.not_unique" => Some("change the rows first, by calls or in a migration"),
        "policy.signatory" => Some("let that party sign the upgrade, too"),
        "policy.observer" => Some("name a member or organisation that is registered"),
        "gas.exhausted" => Some("sign it with a higher gas limit"),
        _ => None,
    }
}

/// What a migration came to: gas, and its events or why not.
type Ran = (u64, Result<(Vec<u8>, Vec<Emitted>), Refusal>);

fn run_upgrade(
    plan: &Plan,
    call: &Call<'_>,
    state: &mut TransactionState<'_, '_>,
) -> Result<Ran, Error> {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let (new, old) = (&plan.done.deployed.code, &plan.old.code);
        new.upgrade(old.as_ref(), plan.old.sources_before, call, state)
    }));
    let Ok(returned) = caught else {
        return Ok((call.gas, Err(fault())));
    };
    if let Some(failure) = state.take_failure() {
        return Err(failure);
    }
    let mut outcome = refused_all_the_same(state, returned.outcome);
    if let Err(refusal) = &mut outcome {
        if let Some(hint) = hint(&refusal.code) {
            refusal.hint.get_or_insert_with(|| hint.to_owned());
        }
        if refusal.line.is_some() {
            refusal
                .file
                .get_or_insert_with(|| plan.done.deployed.file.clone());
        }
    }
    Ok((returned.gas, outcome))
}

fn succeeded(gas: u64, value: Vec<u8>, events: Vec<Vec<u8>>) -> TransactionResult {
    TransactionResult {
        gas,
        code: None,
        outcome: Ok(Success { value, events }),
    }
}

impl Execution<'_> {
    /// A call of `contracts` other than `deploy`.
    pub(crate) fn change_contract(
        &mut self,
        order: &Order<'_>,
    ) -> Result<TransactionResult, Error> {
        if order.method == "upgrade" {
            return self.upgrade(order);
        }
        if order.gas < GAS_STATUS {
            let message = format!("it costs {GAS_STATUS} gas, the limit is {}", order.gas);
            let refusal = Refusal::new("gas.exhausted", message);
            return Ok(refused(order.gas, None, refusal));
        }
        let checked = only_name(order.arguments).and_then(|name| {
            let deployed = known(name, &self.contracts)?;
            let status = next_status(order.method, name, deployed.status)?;
            Ok((name, status, deployed.clone()))
        });
        let (name, status, mut deployed) = match checked {
            Ok(checked) => checked,
            Err(refusal) => return Ok(refused(0, None, refusal)),
        };
        let subject = key::Part::Text(name.to_owned());
        let last = versioned(CONTRACT, "versions", &subject, deployed.version);
        let stored = self
            .state
            .get(&last)?
            .ok_or_else(|| crate::open::damaged("the version of a contract is missing"))?;
        let value = with_status(&stored, status, self.base.height)?;
        deployed.version = deployed.version.saturating_add(1);
        deployed.status = status;
        let next = versioned(CONTRACT, "versions", &subject, deployed.version);
        self.keep(next, value)?;
        Arc::make_mut(&mut self.contracts).insert(name.to_owned(), deployed);
        let mut value = Encoder::new();
        value
            .map(2)
            .text("name")
            .text(name)
            .text("status")
            .text(status.name());
        Ok(succeeded(GAS_STATUS, value.into_bytes(), Vec::new()))
    }

    fn upgrade(&mut self, order: &Order<'_>) -> Result<TransactionResult, Error> {
        let free = |refusal| Ok(refused(0, None, refusal));
        let arguments = match Arguments::decode(order.arguments) {
            Ok(arguments) => arguments,
            Err(refusal) => return free(refusal),
        };
        if let Err(refusal) = known(arguments.name, &self.contracts) {
            return free(refusal);
        }
        let tools = Tools {
            suite: self.base.suite,
            runtime: self.base.runtime,
            contracts: &self.contracts,
        };
        let mut lookup = |digits: &str| imports::in_block(&self.state, digits);
        let gathered = imports::gather(arguments.source, tools.runtime, &mut lookup, order.gas);
        let (imports, gas) = match gathered {
            Ok(gathered) => gathered,
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Refused(gas, refusal)) => return Ok(refused(gas, None, refusal)),
        };
        // It writes nothing: there is nothing half done after a panic.
        let planned = catch_unwind(AssertUnwindSafe(|| {
            plan(&arguments, &tools, &imports, self.base.height, gas)
        }));
        let plan = match planned {
            Err(_) => return Ok(refused(order.gas, None, fault())),
            Ok(Err(refusal)) => return Ok(refused(gas, None, refusal)),
            Ok(Ok(plan)) => plan,
        };
        let call = Call {
            contract: arguments.name,
            gas: order.gas.saturating_sub(gas),
            ..self.context(order, &self.contracts)
        };
        let mut state = TransactionState::new(&self.state);
        let (used, outcome) = run_upgrade(&plan, &call, &mut state)?;
        let gas = gas.saturating_add(used);
        let events = match outcome {
            Err(refusal) => return Ok(refused(gas, None, refusal)),
            Ok((_, events)) => events,
        };
        let changes = state.into_changes();
        let events = self.number_events(events)?;
        self.absorb(changes)?;
        self.take_over(plan.done, gas, events)
    }

    fn take_over(
        &mut self,
        done: Done,
        gas: u64,
        events: Vec<Vec<u8>>,
    ) -> Result<TransactionResult, Error> {
        for (key, value) in missing_rows(done.rows, &self.state)? {
            self.keep(key, value)?;
        }
        Arc::make_mut(&mut self.contracts).insert(done.name, done.deployed);
        Ok(succeeded(gas, done.value, events))
    }
}

/// Sources and code that were deployed before stand in the state already.
fn missing_rows(rows: Vec<NewRow>, state: &BlockState<'_>) -> Result<Vec<NewRow>, Error> {
    let mut missing = Vec::new();
    for row in rows {
        if state.get(&row.0)?.is_none() {
            missing.push(row);
        }
    }
    Ok(missing)
}

/// What an upgrade would do at the last block.
#[derive(Clone, Debug, Default)]
pub struct Rehearsal {
    /// Differences in layout and methods.
    pub changes: Vec<Change>,
    /// Whether the source compiles and could follow the one in force: else only the refusal says anything.
    pub planned: bool,
    /// How many other sources were in force before the present one: `from_version` of a migration.
    pub from_version: u64,
    /// Gas that the transaction would use.
    pub gas: u64,
    /// Rows that it would write or delete, beside those of the system.
    pub rows: usize,
    /// Index entries that it would write or delete.
    pub index_entries: usize,
    /// Calls of other contracts that fit the source in force and would not fit the new one. They do not
    /// refuse the upgrade: each of them is refused when it is made.
    pub callers: Vec<BrokenCaller>,
    /// Why it would be refused, if it would.
    pub refusal: Option<Refusal>,
}

fn may_upgrade(directory: &Directory, members: &[Arc<Member>]) -> Result<(), Refusal> {
    let asking = Asking {
        directory,
        members,
        via: None,
    };
    check_contracts("upgrade", &asking)
}

impl Engine {
    /// Runs an upgrade on a copy of the last state, signed by these members, and keeps nothing of
    /// it. Without signers it is not asked whether anybody may.
    pub fn rehearse_upgrade(
        &self,
        name: &str,
        file: &str,
        source: &str,
        signers: &[String],
    ) -> Result<Rehearsal, Error> {
        let head = self.head();
        let most = self.genesis.parameters.transaction_gas;
        let mut rehearsal = Rehearsal::default();
        let arguments = Arguments { name, file, source };
        let members = signers.iter().filter_map(|id| head.directory.member(id));
        let members: Vec<_> = members.cloned().collect();
        let height = head.height().saturating_add(1);
        if !signers.is_empty() {
            rehearsal.refusal = may_upgrade(&head.directory, &members).err();
        }
        let tools = Tools {
            suite: self.suite(),
            runtime: self.runtime.as_ref(),
            contracts: &head.contracts,
        };
        let block = BlockState::new(&head.view);
        let mut lookup = |digits: &str| imports::in_block(&block, digits);
        let gathered = match imports::gather(source, tools.runtime, &mut lookup, most) {
            Ok(gathered) => Ok(gathered),
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Refused(_, refusal)) => Err(refusal),
        };
        let planned = gathered.and_then(|(imports, gas)| {
            rehearsal.gas = gas;
            check_file(file)?;
            let plan = plan(&arguments, &tools, &imports, height, gas)?;
            rehearsal.planned = true;
            rehearsal.from_version = plan.old.sources_before;
            rehearsal.changes = plan.done.deployed.code.changes(plan.old.code.as_ref())?;
            let (old, new) = (&plan.old, &plan.done.deployed);
            rehearsal.callers = callers::broken(
                name,
                (old.code.as_ref(), old.source),
                (new.code.as_ref(), new.source),
                &head.contracts,
            );
            Ok(plan)
        });
        let plan = match planned {
            Ok(plan) => plan,
            Err(refusal) => {
                rehearsal.refusal.get_or_insert(refusal);
                return Ok(rehearsal);
            }
        };
        let call = Call {
            contract: name,
            method: "upgrade",
            arguments: &[],
            signers: &members,
            key_ids: &[],
            now: head.header.time,
            height,
            transaction_id: [0; 32],
            application: None,
            attachments: &[],
            directory: &head.directory,
            genesis_hash: self.genesis_hash(),
            contracts: &head.contracts,
            gas: most.saturating_sub(rehearsal.gas),
            chain: &self.genesis.chain,
            timer_gas: self.genesis.parameters.timer_gas,
            read_only: false,
        };
        let mut state = TransactionState::new(&block);
        let (used, outcome) = run_upgrade(&plan, &call, &mut state)?;
        rehearsal.gas = rehearsal.gas.saturating_add(used);
        rehearsal.refusal = rehearsal.refusal.or(outcome.err());
        (rehearsal.rows, rehearsal.index_entries) = state.into_changes().counts();
        Ok(rehearsal)
    }
}

impl Rehearsal {
    /// As a map: changes, planned, from_version, gas, rows, index_entries, callers (contract, attribute, interface,
    /// method, why), refusal (null, or code, message, reason, file, line and hint).
    pub fn to_value(&self) -> Value {
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let field = |name: &str, value: Value| (Value::text(name), value);
        let changes = self.changes.iter().map(|change| {
            Value::Map(vec![
                field("what", Value::text(change.what.clone())),
                field("how", Value::text(change.how.clone())),
                field("needs_migration", Value::Bool(change.needs_migration)),
            ])
        });
        let refusal = self.refusal.as_ref().map(|refusal| {
            let line = refusal.line.map_or(Value::Null, number);
            let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::text);
            Value::Map(vec![
                field("code", Value::text(refusal.code.to_string())),
                field("message", Value::text(refusal.message.clone())),
                field("reason", text(&refusal.reason)),
                field("file", text(&refusal.file)),
                field("line", line),
                field("hint", text(&refusal.hint)),
            ])
        });
        Value::Map(vec![
            field("changes", Value::Array(changes.collect())),
            field("planned", Value::Bool(self.planned)),
            field("from_version", number(self.from_version)),
            field("gas", number(self.gas)),
            field("rows", number(self.rows as u64)),
            field("index_entries", number(self.index_entries as u64)),
            field(
                "callers",
                Value::Array(self.callers.iter().map(callers::value).collect()),
            ),
            field("refusal", refusal.unwrap_or(Value::Null)),
        ])
    }
}
