//! Contract Python behind the engine's traits.

use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::Value;
use vm::{
    CallContext, ContractCall, Host, HostError, MemberKeys, Nested, NewTimer, Outcome, Program,
    SignerInfo, TraceEvent,
};

use crate::declaration;
use crate::formats::result::Refusal;
use crate::members::Rule;
use crate::nested::{self, Bindings};
use crate::overlay::{Span, TransactionState};
use crate::policy::Policy;
use crate::runtime::{
    no_upgrade, Call, Change, Complaint, Contract, Contracts, Emitted, Imports, Returned, Runtime,
    Step,
};
use crate::{limits, timers, Error};

/// The runtime of contract Python.
pub struct ContractPython;

impl Runtime for ContractPython {
    fn compile(&self, source: &str, file: &str) -> Result<Vec<u8>, Vec<Complaint>> {
        self.compile_with(source, file, &Imports::new())
    }

    fn imports(&self, source: &str) -> Vec<String> {
        vm::mentioned_imports(source)
    }

    fn compile_with(
        &self,
        source: &str,
        file: &str,
        imports: &Imports,
    ) -> Result<Vec<u8>, Vec<Complaint>> {
        let program = vm::compile_with(source, file, &plain(imports))
            .map_err(|found| found.into_iter().map(complaint).collect::<Vec<_>>())?;
        Ok(program.to_bytes())
    }

    fn load(&self, code: &[u8]) -> Result<Arc<dyn Contract>, Error> {
        let program =
            Program::from_bytes(code).map_err(|error| Error::new(error.code, error.message))?;
        Ok(Arc::new(PythonContract::new(program)))
    }
}

fn plain(imports: &Imports) -> vm::Imports {
    let all = imports.iter().map(|(digits, found)| {
        let found = found.iter().map(|(hash, text)| (hash.0, text.clone()));
        (digits.clone(), found.collect())
    });
    all.collect()
}

fn complaint(found: vm::Diagnostic) -> Complaint {
    let hint = (!found.help.is_empty()).then_some(found.help);
    let (line, column) = (found.line, found.column);
    Complaint {
        code: found.code.to_owned(),
        message: found.message,
        hint,
        line,
        column,
    }
}

pub(crate) struct PythonContract {
    pub(crate) program: Program,
    pub(crate) methods: BTreeMap<String, KnownMethod>,
    pub(crate) bindings: Bindings,
}

/// A call or view.
pub(crate) struct KnownMethod {
    pub(crate) text: String,
    /// The policy, where the text is one: deployment refuses others.
    pub(crate) rule: Option<Arc<Rule>>,
    first: Option<String>,
    reads: bool,
}

impl KnownMethod {
    fn new(method: &vm::MethodInterface, text: &str, reads: bool) -> Self {
        let rule = Policy::parse(text).ok().map(|policy| {
            let text = text.to_owned();
            Arc::new(Rule { text, policy })
        });
        KnownMethod {
            text: text.to_owned(),
            rule,
            first: method.parameters.first().map(|first| first.name.clone()),
            reads,
        }
    }
}

impl PythonContract {
    pub(crate) fn new(program: Program) -> Self {
        let interface = program.interface();
        let calls = interface
            .calls
            .iter()
            .map(|call| (call.name.clone(), KnownMethod::new(call, &call.by, false)));
        let views = interface
            .views
            .iter()
            .map(|view| (view.name.clone(), KnownMethod::new(view, "ANY", true)));
        PythonContract {
            methods: calls.chain(views).collect(),
            bindings: Bindings::new(interface.uses.len()),
            program,
        }
    }
}

/// A door of the machine: calls and timers have one each.
type Door = fn(&Program, &str, &[u8], &CallContext<'_>, &mut dyn Host, u64) -> Outcome;

impl PythonContract {
    fn run(
        &self,
        door: Door,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
        steps: Option<&mut Vec<Step>>,
    ) -> Returned {
        let signers = signers_of(call);
        let context = context_of(call, &signers);
        let mut host = StateHost::new(self, call, state, steps);
        let (method, arguments) = (call.method, call.arguments);
        let outcome = door(
            &self.program,
            method,
            arguments,
            &context,
            &mut host,
            call.gas,
        );
        returned(outcome, state)
    }
}

impl Contract for PythonContract {
    fn method(&self, name: &str) -> Option<(&str, bool)> {
        self.methods
            .get(name)
            .map(|known| (known.text.as_str(), known.reads))
    }

    fn rule(&self, name: &str) -> Option<Arc<Rule>> {
        self.methods.get(name)?.rule.clone()
    }

    fn first_argument(&self, name: &str) -> Option<&str> {
        self.methods.get(name)?.first.as_deref()
    }

    fn methods(&self) -> Vec<String> {
        self.methods.keys().cloned().collect()
    }

    fn index(&self, table: &str, name: &str) -> Option<(String, usize)> {
        let table = self
            .program
            .interface()
            .tables
            .iter()
            .find(|declared| declared.name == table)?;
        let by_all = table.indexes.iter().find(|fields| fields.join(",") == name);
        let fields = by_all.or_else(|| {
            table
                .indexes
                .iter()
                .find(|fields| fields.first().is_some_and(|f| f == name))
        })?;
        Some((format!("{}:{}", table.name, fields.join(",")), fields.len()))
    }

    fn call(
        &self,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
        steps: Option<&mut Vec<Step>>,
    ) -> Returned {
        self.run(vm::run, call, state, steps)
    }

    fn timer(
        &self,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
        steps: Option<&mut Vec<Step>>,
    ) -> Returned {
        self.run(vm::run_timer, call, state, steps)
    }

    fn index_entries(
        &self,
        contract: &str,
        flat: &[u8],
        row: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        vm::index_entries(&self.program, contract, flat, row)
            .map_err(|why| Error::new("state.unreadable", format!("{contract}: {why}")))
    }

    fn changes(&self, old: &dyn Contract) -> Result<Vec<Change>, Refusal> {
        let found = vm::changes(program_of(old)?, &self.program);
        Ok(found.into_iter().map(known_change).collect())
    }

    fn upgrade(
        &self,
        old: &dyn Contract,
        source: u64,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
    ) -> Returned {
        let old = match program_of(old) {
            Ok(old) => old,
            Err(refusal) => {
                return Returned {
                    gas: 0,
                    outcome: Err(refusal),
                }
            }
        };
        let signers = signers_of(call);
        let context = context_of(call, &signers);
        let mut host = StateHost::new(self, call, state, None);
        let outcome = vm::upgrade(old, &self.program, source, &context, &mut host, call.gas);
        returned(outcome, state)
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }

    fn check_uses(&self, own: &str, contracts: &Contracts) -> Result<(), Refusal> {
        nested::check_uses(own, self, contracts)
    }

    fn interface(&self) -> Value {
        declaration::of(&self.program)
    }
}

fn program_of(contract: &dyn Contract) -> Result<&Program, Refusal> {
    let known = python_of(contract);
    known.map(|known| &known.program).ok_or_else(no_upgrade)
}

/// A contract of this runtime.
pub(crate) fn python_of(contract: &dyn Contract) -> Option<&PythonContract> {
    contract
        .as_any()
        .and_then(|any| any.downcast_ref::<PythonContract>())
}

fn known_change(change: vm::Change) -> Change {
    Change {
        what: change.what,
        how: change.how,
        needs_migration: change.needs_migration,
    }
}

fn signers_of(call: &Call<'_>) -> Vec<SignerInfo> {
    let all = call.signers.iter().enumerate();
    all.map(|(at, member)| SignerInfo {
        member: member.id.clone(),
        organisation: member.organisation.clone(),
        roles: member.roles.clone(),
        key_id: call.key_ids.get(at).map_or([0; 32], |id| id.0),
    })
    .collect()
}

fn context_of<'c>(call: &'c Call<'_>, signers: &'c [SignerInfo]) -> CallContext<'c> {
    let (member, organisation, roles) = match signers.first() {
        Some(sender) => (
            sender.member.as_str(),
            sender.organisation.as_str(),
            sender.roles.as_slice(),
        ),
        None => ("", "", [].as_slice()),
    };
    CallContext {
        contract: call.contract,
        member,
        organisation,
        roles,
        signers,
        now_ms: call.now,
        height: call.height,
        transaction_id: call.transaction_id,
        application: call.application,
        attachments: call.attachments,
        via: None,
        chain: call.chain,
        timer_gas: call.timer_gas,
        read_only: call.read_only,
    }
}

fn returned(outcome: Outcome, state: &mut TransactionState<'_, '_>) -> Returned {
    match outcome {
        Outcome::Finished(done) => {
            let events = done
                .events
                .into_iter()
                .map(|event| Emitted {
                    contract: event.contract,
                    name: event.name,
                    data: event.data,
                })
                .collect();
            Returned {
                gas: done.gas,
                outcome: Ok((done.value, events)),
            }
        }
        Outcome::Failed(failed) => {
            let mut refusal = Refusal::new(failed.code, failed.message);
            refusal.reason = failed.reason;
            refusal.line = failed.line.map(u64::from);
            refusal.file = failed.file;
            if !failed.callers.is_empty() {
                refusal.hint = Some(format!("called from {}", failed.callers.join(", ")));
            }
            Returned {
                gas: failed.gas,
                outcome: Err(refusal),
            }
        }
        Outcome::Faulted(error) => {
            state.fail(Error::new(error.code, error.message.clone()));
            Returned {
                gas: 0,
                outcome: Err(Refusal::new(error.code, error.message)),
            }
        }
    }
}

/// What a transaction's contracts share: the state, the chain of calls, and the trace.
pub(crate) struct StateHost<'s, 'a, 'b, 't, 'c> {
    state: &'s mut TransactionState<'a, 'b>,
    steps: Option<&'t mut Vec<Step>>,
    /// The call that the transaction makes.
    pub(crate) call: &'c Call<'c>,
    /// The contract that runs.
    pub(crate) running: &'c PythonContract,
    /// Contracts that were called by contracts and have not ended, outermost first.
    pub(crate) active: Vec<String>,
    /// The imported file that the last traced line lies in.
    traced: Option<String>,
}

impl<'s, 'a, 'b, 't, 'c> StateHost<'s, 'a, 'b, 't, 'c> {
    fn new(
        running: &'c PythonContract,
        call: &'c Call<'c>,
        state: &'s mut TransactionState<'a, 'b>,
        steps: Option<&'t mut Vec<Step>>,
    ) -> Self {
        StateHost {
            state,
            steps,
            call,
            running,
            active: Vec::new(),
            traced: None,
        }
    }

    /// Notes that the lines to come lie in another file of the running contract.
    fn note_file(&mut self, file: Option<String>) {
        if self.traced == file {
            return;
        }
        let active = self.active.last().map(String::as_str);
        let contract = active.unwrap_or(self.call.contract).to_owned();
        let own = self.running.program.source_file();
        let shown = file.clone().unwrap_or_else(|| own.to_owned());
        self.traced = file;
        self.note(|| Step::Contract(contract, shown));
    }

    /// Forgets which file was traced: another contract begins or goes on.
    pub(crate) fn forget_file(&mut self) {
        self.traced = None;
    }

    pub(crate) fn note(&mut self, step: impl FnOnce() -> Step) {
        // One more than the limit shows that there were more.
        if let Some(steps) = self
            .steps
            .as_mut()
            .filter(|steps| steps.len() <= limits::TRACE_STEPS)
        {
            steps.push(step());
        }
    }
}

/// The store's own error is kept in the state; the virtual machine only learns that there was one.
fn fault(error: Error, state: &mut TransactionState<'_, '_>) -> HostError {
    let message = error.message.clone();
    state.fail(error);
    HostError {
        code: "state.unreadable",
        message,
    }
}

fn span(from: &[u8], to: &[u8], limit: usize, reverse: bool) -> Span {
    Span {
        from: from.to_vec(),
        to: Some(to.to_vec()),
        limit,
        reverse,
    }
}

impl Host for StateHost<'_, '_, '_, '_, '_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError> {
        let value = self
            .state
            .get(key)
            .map_err(|error| fault(error, self.state))?;
        self.note(|| Step::Read(key.to_vec(), value.as_ref().map(|value| value.to_vec())));
        Ok(value)
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.note(|| Step::Write(key.to_vec(), Some(value.clone())));
        self.state.set(key, Some(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.note(|| Step::Write(key.to_vec(), None));
        self.state.set(key, None);
    }

    fn scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Vec<u8>, Arc<[u8]>)>, HostError> {
        let rows = self
            .state
            .scan(&span(from, to, limit, reverse))
            .map_err(|error| fault(error, self.state))?;
        for (key, value) in &rows {
            self.note(|| Step::Read(key.clone(), Some(value.to_vec())));
        }
        Ok(rows)
    }

    fn passed(&mut self) -> u64 {
        self.state.take_passed()
    }

    fn index_put(&mut self, key: &[u8]) {
        self.state.set_index(key, true);
    }

    fn index_delete(&mut self, key: &[u8]) {
        self.state.set_index(key, false);
    }

    fn index_scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError> {
        let rows = self
            .state
            .scan_index(&span(from, to, limit, reverse))
            .map_err(|error| fault(error, self.state))?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    fn timer_put(&mut self, contract: &str, timer: NewTimer<'_>) -> Result<u64, HostError> {
        let (number, row, value) =
            timers::put(self.state, contract, &timer).map_err(|error| fault(error, self.state))?;
        self.note(|| Step::Write(row, Some(value)));
        Ok(number)
    }

    fn timer_delete(&mut self, contract: &str, number: u64) -> Result<bool, HostError> {
        let row = timers::delete(self.state, contract, number)
            .map_err(|error| fault(error, self.state))?;
        let waited = row.is_some();
        if let Some(row) = row {
            self.note(|| Step::Write(row, None));
        }
        Ok(waited)
    }

    fn is_party(&mut self, name: &str) -> bool {
        self.call.directory.is_party(name)
    }

    fn keys_of(&mut self, member: &str) -> Option<MemberKeys> {
        Some(MemberKeys {
            genesis: self.call.genesis_hash.0,
            keys: self.call.directory.keys_of(member),
        })
    }

    fn tracing(&self) -> bool {
        self.steps.is_some()
    }

    fn trace(&mut self, event: TraceEvent) {
        self.note_file(event.file);
        self.note(|| Step::Line(event.line, event.gas));
    }

    fn call_contract(&mut self, call: ContractCall<'_>) -> Nested {
        self.nested(call)
    }
}
