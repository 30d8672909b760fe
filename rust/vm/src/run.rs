//! One call: arguments in, outcome out.

use std::sync::Arc;

use codec::cbor::{Decoder, MapReader};

use crate::error::{fatal, Exc, Stop, Trap, R};
use crate::instance::instance;
use crate::interp::Vm;
use crate::nested::{ContractCall, Nested};
use crate::program::{Entry, Program};
use crate::rows::Undecodable;
use crate::value::Value;
use crate::{gas, memory};

/// A signer of the transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignerInfo {
    /// Member id, such as `alice@north`.
    pub member: String,
    /// Organisation, such as `north`.
    pub organisation: String,
    /// Roles held at the block's height.
    pub roles: Vec<String>,
    /// Thumbprint of the key that signed.
    pub key_id: [u8; 32],
}

/// What surrounds a call.
#[derive(Clone, Debug)]
pub struct CallContext<'a> {
    /// Name under which the contract is deployed: the first part of its keys.
    pub contract: &'a str,
    /// Member id of the sender.
    pub member: &'a str,
    /// Organisation of the sender.
    pub organisation: &'a str,
    /// Roles of the sender.
    pub roles: &'a [String],
    /// All signers, in the order that the transaction declares.
    pub signers: &'a [SignerInfo],
    /// Block time, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
    /// Height of the block.
    pub height: u64,
    /// Id of the transaction.
    pub transaction_id: [u8; 32],
    /// Name of the application that made the transaction, where it gives one.
    pub application: Option<&'a str>,
    /// Hashes of payloads off the chain that the transaction names.
    pub attachments: &'a [[u8; 32]],
    /// Name of the contract that makes this call; none where the transaction does.
    pub via: Option<&'a str>,
    /// Most gas that a timer of this chain may carry.
    pub timer_gas: u64,
    /// Name of the chain.
    pub chain: &'a str,
    /// The call is a view: writes and events are refused.
    pub read_only: bool,
}

impl<'a> CallContext<'a> {
    /// What runs for nobody, at no time: it can only read.
    pub(crate) fn of_nobody(contract: &'a str) -> Self {
        CallContext {
            contract,
            member: "",
            organisation: "",
            roles: &[],
            signers: &[],
            now_ms: 0,
            height: 0,
            transaction_id: [0; 32],
            application: None,
            attachments: &[],
            via: None,
            timer_gas: 0,
            chain: "",
            read_only: true,
        }
    }
}

/// The state could not be read or written: a fault of the machine, not of the call.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct HostError {
    /// Stable name.
    pub code: &'static str,
    /// What happened.
    pub message: String,
}

/// Where a call is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceEvent {
    /// Source line that runs next.
    pub line: u32,
    /// File of that line, where it is an imported one.
    pub file: Option<String>,
    /// Gas spent so far.
    pub gas: u64,
    /// Rows read so far.
    pub reads: u64,
    /// Rows written or deleted so far.
    pub writes: u64,
}

/// A row with its key.
pub type KeyedRow = (Vec<u8>, Arc<[u8]>);

/// What a member's signature is checked with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberKeys {
    /// Hash of the chain's genesis header.
    pub genesis: [u8; 32],
    /// Public keys in force.
    pub keys: Vec<[u8; 32]>,
}

/// A timer that a call makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTimer<'a> {
    /// When it is due, ms since 1970-01-01 UTC: after now.
    pub at: u64,
    /// Name of the `@timer` method.
    pub method: &'a str,
    /// Its arguments: one canonical map.
    pub arguments: Vec<u8>,
    /// Gas that its run may use; the call has paid it.
    pub gas: u64,
}

/// The state as a call sees it. Keys are flat state keys of this contract; writes of the call MUST
/// be visible to its later reads, and are kept only if the call ends well.
pub trait Host {
    /// The value at a key.
    fn get(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError>;
    /// Writes a value.
    fn put(&mut self, key: &[u8], value: Vec<u8>);
    /// Removes a value that is there.
    fn delete(&mut self, key: &[u8]);
    /// At most `limit` entries from `from` (included) to `to` (excluded) in order of keys, or
    /// backwards from `to`.
    fn scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<KeyedRow>, HostError>;
    /// Adds an index entry.
    fn index_put(&mut self, key: &[u8]);
    /// Removes an index entry.
    fn index_delete(&mut self, key: &[u8]);
    /// Index entries, as [`Host::scan`].
    fn index_scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError>;
    /// Keeps a timer of the contract with this name; its number, which no other timer of it gets.
    fn timer_put(&mut self, _contract: &str, _timer: NewTimer<'_>) -> Result<u64, HostError> {
        Err(no_timers())
    }
    /// Removes a timer of the contract with this name; whether it waited.
    fn timer_delete(&mut self, _contract: &str, _number: u64) -> Result<bool, HostError> {
        Err(no_timers())
    }
    /// How many entries that this block deleted the scans since the last question went past: the
    /// same on every machine, and paid by the call.
    fn passed(&mut self) -> u64 {
        0
    }
    /// Whether a name is a member or an organisation in force. A host without a chain knows nobody.
    fn is_party(&mut self, _name: &str) -> bool {
        false
    }
    /// The chain and the keys in force of a member, in the order of their ids; no keys where there
    /// is no such member. None where there is no chain.
    fn keys_of(&mut self, _member: &str) -> Option<MemberKeys> {
        None
    }
    /// Whether [`Host::trace`] wants to be called; asked once a call.
    fn tracing(&self) -> bool {
        false
    }
    /// Called when another source line is reached.
    fn trace(&mut self, _event: TraceEvent) {}
    /// Runs a method of another contract by [`crate::run_nested`], or refuses it. A host without
    /// other contracts knows none.
    fn call_contract(&mut self, call: ContractCall<'_>) -> Nested {
        Nested::Refused {
            code: "call.unknown_contract",
            message: format!("no contract {} is deployed", call.contract),
        }
    }
}

fn no_timers() -> HostError {
    HostError {
        code: "state.no_timers",
        message: "this host keeps no timers".to_string(),
    }
}

/// An announced event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmittedEvent {
    /// Name under which the announcing contract is deployed.
    pub contract: String,
    /// Name of the event class.
    pub name: String,
    /// Canonical CBOR map of its fields.
    pub data: Vec<u8>,
}

/// A call that ended well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Canonical CBOR of the result.
    pub value: Vec<u8>,
    /// Events in the order of their announcement.
    pub events: Vec<EmittedEvent>,
    /// Gas spent.
    pub gas: u64,
}

/// A call that was refused; its writes are to be dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Stable code: `contract.rejected`, `contract.error`, `gas.exhausted`, `limit.memory`, ...
    pub code: &'static str,
    /// The code of the `Rejected`, or the name of the exception.
    pub reason: Option<String>,
    /// One sentence.
    pub message: String,
    /// Line of the contract's source, where there is one.
    pub line: Option<u32>,
    /// The file of that line, where it is not the called contract's own.
    pub file: Option<String>,
    /// File and line of each contract that called on the way to it, innermost first.
    pub callers: Vec<String>,
    /// Gas spent.
    pub gas: u64,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It ended well.
    Finished(Finished),
    /// It was refused, for a reason that every node finds.
    Failed(Failed),
    /// The host failed: no outcome of the call; the node must not go on as if it were one.
    Faulted(HostError),
}

/// Runs a call or view of a program.
///
/// `arguments` is a canonical CBOR map from parameter name to value. A view MUST be run with
/// `context.read_only`; running a call so fails at its first write.
pub fn run(
    program: &Program,
    method: &str,
    arguments: &[u8],
    context: &CallContext<'_>,
    host: &mut dyn Host,
    gas_limit: u64,
) -> Outcome {
    let entries = &program.parts.entries;
    run_one_of(
        entries, program, method, arguments, context, host, gas_limit,
    )
}

/// Runs a timer that fell due, as [`run`] runs a call.
pub fn run_timer(
    program: &Program,
    method: &str,
    arguments: &[u8],
    context: &CallContext<'_>,
    host: &mut dyn Host,
    gas_limit: u64,
) -> Outcome {
    let timers = &program.parts.timers;
    run_one_of(timers, program, method, arguments, context, host, gas_limit)
}

fn run_one_of(
    entries: &[Entry],
    program: &Program,
    method: &str,
    arguments: &[u8],
    context: &CallContext<'_>,
    host: &mut dyn Host,
    gas_limit: u64,
) -> Outcome {
    memory::reset();
    let instance = match instance(program, context.contract) {
        Ok(instance) => instance,
        Err(trap) => return failed_before(*trap),
    };
    let mut vm = Vm::new(program, instance, context, host, gas_limit);
    let result = vm.call_entry(entries, method, arguments);
    let result = result.and_then(|value| vm.tell().map(|()| value));
    concluded(vm, result)
}

/// The outcome of a call that did not begin.
pub(crate) fn failed_before(stop: Stop) -> Outcome {
    failed(stop, 0, 0)
}

/// The outcome of what ran.
pub(crate) fn concluded(mut vm: Vm<'_, '_>, result: R<Vec<u8>>) -> Outcome {
    let events = std::mem::take(&mut vm.events);
    let outcome = match result {
        Ok(value) => Outcome::Finished(Finished {
            value,
            events,
            gas: vm.gas_used(),
        }),
        Err(trap) => stopped(&mut vm, *trap),
    };
    vm.finish();
    outcome
}

/// The outcome of what stopped.
pub(crate) fn stopped(vm: &mut Vm<'_, '_>, stop: Stop) -> Outcome {
    let (gas, line) = (vm.gas_used(), vm.failed_line);
    match stop {
        Stop::Failed(mut failure) => {
            let (file, line) = vm.program.place(line);
            let file = file.unwrap_or_else(|| vm.program.source_file().to_string());
            failure.callers.push(format!("{file}:{line}"));
            Outcome::Failed(*failure)
        }
        stop => {
            let mut outcome = vm.describe(stop, gas, line);
            if let Outcome::Failed(failed) = &mut outcome {
                let (file, line) = vm.program.place(failed.line.unwrap_or(0));
                failed.file = file;
                failed.line = (line > 0).then_some(line);
            }
            outcome
        }
    }
}

fn failed(stop: Stop, gas: u64, line: u32) -> Outcome {
    let line = (line > 0).then_some(line);
    let failed = |code, message, reason, line| {
        Outcome::Failed(Failed {
            code,
            reason,
            message,
            line,
            file: None,
            callers: Vec::new(),
            gas,
        })
    };
    match stop {
        Stop::Host(error) => Outcome::Faulted(error),
        Stop::Failed(failure) => Outcome::Failed(*failure),
        Stop::Fatal { code, message } => failed(code, message, None, line),
        Stop::Raise(exception) => {
            let line = (exception.line.get() > 0).then(|| exception.line.get());
            let reason = Some(exception.class.name().to_string());
            failed("contract.error", String::new(), reason, line)
        }
    }
}

impl Vm<'_, '_> {
    fn call_entry(&mut self, entries: &[Entry], method: &str, arguments: &[u8]) -> R<Vec<u8>> {
        self.spend(gas::START)?;
        let program = self.program;
        let Some(entry) = entries
            .iter()
            .find(|entry| program.name(entry.name) == method)
        else {
            let shown: String = method.chars().take(64).collect();
            return Err(fatal(
                "call.unknown_method",
                format!("the contract has no call, view or timer '{shown}'"),
            ));
        };
        self.run_entry(entry, arguments)
    }

    /// Runs an entry that is known by its number.
    pub(crate) fn enter(&mut self, entry: usize, arguments: &[u8]) -> R<Vec<u8>> {
        self.spend(gas::START)?;
        let program = self.program;
        let entry = program.parts.entries.get(entry);
        self.run_entry(entry.ok_or_else(crate::error::malformed)?, arguments)
    }

    fn run_entry(&mut self, entry: &Entry, arguments: &[u8]) -> R<Vec<u8>> {
        let mut stack = self.arguments(entry, arguments)?;
        let value = self.execute(&mut stack, entry.function)?;
        drop(stack);
        self.check_returned(entry, &value)?;
        self.encode_value(&value)
    }

    /// The arguments in the order of the parameters, `self` first.
    fn arguments(&mut self, entry: &Entry, bytes: &[u8]) -> R<Vec<Value>> {
        self.spend(gas::state_bytes(bytes.len()))?;
        let bad = |message: String| fatal("call.bad_arguments", message);
        let program = self.program;
        let params = program.parts.functions[usize::from(entry.function)]
            .params
            .get(1..)
            .unwrap_or_default();
        let mut stack = vec![Value::Unset; params.len() + 1];
        stack[0] = Value::Contract;
        let mut decoder = Decoder::new(bytes);
        let mut map = MapReader::open(&mut decoder).map_err(|error| bad(error.to_string()))?;
        while let Some(name) = map
            .text_key(&mut decoder)
            .map_err(|error| bad(error.to_string()))?
        {
            let Some(place) = params
                .iter()
                .position(|param| program.name(param.name) == name)
            else {
                let shown: String = name.chars().take(64).collect();
                let known: Vec<&str> = params
                    .iter()
                    .map(|param| program.name(param.name))
                    .collect();
                return Err(bad(format!(
                    "{} has no parameter '{shown}'; it takes: {}",
                    program.name(entry.name),
                    known.join(", ")
                )));
            };
            let value = match self.decode_typed(&mut decoder, &entry.types[place], 0) {
                Ok(value) => value,
                Err(Undecodable::Trap(trap)) => return Err(trap),
                Err(Undecodable::Mismatch(found)) => {
                    return Err(bad(format!("{name}{}: {}", found.path, found.message)))
                }
            };
            stack[place + 1] = value;
        }
        decoder.finish().map_err(|error| bad(error.to_string()))?;
        for (slot, param) in stack.iter_mut().skip(1).zip(params) {
            if matches!(slot, Value::Unset) {
                let Some(default) = param.default else {
                    return Err(bad(format!(
                        "{} needs the argument '{}'",
                        program.name(entry.name),
                        program.name(param.name)
                    )));
                };
                *slot = self.instance.consts[usize::from(default)].clone();
            }
        }
        Ok(stack)
    }

    /// A failure in words.
    fn describe(&mut self, stop: Stop, gas: u64, line: u32) -> Outcome {
        let Stop::Raise(exception) = &stop else {
            return failed(stop, gas, line);
        };
        // Texts of exceptions are shown for free, up to a bound.
        self.gas_left = 100_000;
        self.gas_limit = self.gas_limit.max(100_000);
        let text = |vm: &mut Self, value: Option<&Value>| -> Result<String, Trap> {
            let text = value.map_or(Ok(String::new()), |value| vm.show(value))?;
            Ok(text.chars().take(1_000).collect())
        };
        let line = (exception.line.get() > 0).then(|| exception.line.get());
        if exception.class == Exc::Rejected {
            let reason = text(self, exception.args.first()).unwrap_or_default();
            let message = text(self, exception.args.get(1)).unwrap_or_default();
            return Outcome::Failed(Failed {
                code: "contract.rejected",
                reason: Some(reason),
                message,
                line,
                file: None,
                callers: Vec::new(),
                gas,
            });
        }
        let shown = text(self, Some(&Value::Exception(exception.clone())));
        let message = shown.unwrap_or_else(|_| "its text cannot be shown".to_string());
        let reason = Some(exception.class.name().to_string());
        Outcome::Failed(Failed {
            code: "contract.error",
            reason,
            message,
            line,
            file: None,
            callers: Vec::new(),
            gas,
        })
    }
}

/// There is no state: nothing is found, and what is written is gone. For scripts, and for what only computes.
pub(crate) struct NoState;

impl Host for NoState {
    fn get(&mut self, _key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError> {
        Ok(None)
    }
    fn put(&mut self, _key: &[u8], _value: Vec<u8>) {}
    fn delete(&mut self, _key: &[u8]) {}
    fn scan(
        &mut self,
        _from: &[u8],
        _to: &[u8],
        _limit: usize,
        _reverse: bool,
    ) -> Result<Vec<KeyedRow>, HostError> {
        Ok(Vec::new())
    }
    fn index_put(&mut self, _key: &[u8]) {}
    fn index_delete(&mut self, _key: &[u8]) {}
    fn index_scan(
        &mut self,
        _from: &[u8],
        _to: &[u8],
        _limit: usize,
        _reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError> {
        Ok(Vec::new())
    }
}
