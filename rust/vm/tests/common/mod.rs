//! An in-memory host, and short ways to compile and call.
#![allow(dead_code)] // each test file uses a part

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codec::cbor::{decode, encode, Value};
use vm::{
    Bound, CallContext, ContractCall, Failed, Finished, Host, HostError, MemberKeys, Nested,
    Outcome, Program, SignerInfo, TraceEvent,
};

/// State of one contract, and what was traced.
#[derive(Clone, Default)]
pub struct Memory {
    pub rows: BTreeMap<Vec<u8>, Arc<[u8]>>,
    pub entries: BTreeSet<Vec<u8>>,
    pub traced: Vec<TraceEvent>,
    pub trace: bool,
    pub broken: bool,
    /// Names that are no member and no organisation; everybody else is one.
    pub strangers: BTreeSet<String>,
    /// The keys of each member, where there is a chain.
    pub keys: Option<BTreeMap<String, MemberKeys>>,
}

impl Host for Memory {
    fn get(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError> {
        if self.broken {
            return Err(HostError {
                code: "store.io",
                message: "the disk is gone".to_string(),
            });
        }
        Ok(self.rows.get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.rows.insert(key.to_vec(), value.into());
    }

    fn delete(&mut self, key: &[u8]) {
        self.rows.remove(key);
    }

    fn scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Vec<u8>, Arc<[u8]>)>, HostError> {
        let range = self.rows.range(from.to_vec()..to.to_vec());
        let pair = |(key, value): (&Vec<u8>, &Arc<[u8]>)| (key.clone(), value.clone());
        Ok(if reverse {
            range.rev().take(limit).map(pair).collect()
        } else {
            range.take(limit).map(pair).collect()
        })
    }

    fn index_put(&mut self, key: &[u8]) {
        self.entries.insert(key.to_vec());
    }

    fn index_delete(&mut self, key: &[u8]) {
        self.entries.remove(key);
    }

    fn index_scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError> {
        let range = self.entries.range(from.to_vec()..to.to_vec());
        Ok(if reverse {
            range.rev().take(limit).cloned().collect()
        } else {
            range.take(limit).cloned().collect()
        })
    }

    fn is_party(&mut self, name: &str) -> bool {
        !self.strangers.contains(name)
    }

    fn keys_of(&mut self, member: &str) -> Option<MemberKeys> {
        let known = self.keys.as_ref()?;
        Some(known.get(member).cloned().unwrap_or_default())
    }

    fn tracing(&self) -> bool {
        self.trace
    }

    fn trace(&mut self, event: TraceEvent) {
        self.traced.push(event);
    }
}

/// The same state, and one program that answers whatever other contract is called.
pub struct Linked<'p> {
    pub state: Memory,
    callee: &'p Program,
    /// What a caller's interface means there, where it was compared beforehand.
    bound: Option<Bound>,
    deep: usize,
}

/// Calls of contracts by contracts that a linked host lets be active.
const DEEPEST: usize = 6;

impl<'p> Linked<'p> {
    pub fn new(state: Memory, callee: &'p Program, bound: Option<Bound>) -> Self {
        Linked {
            state,
            callee,
            bound,
            deep: 0,
        }
    }
}

impl Host for Linked<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError> {
        self.state.get(key)
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.state.put(key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.state.delete(key);
    }

    fn scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Vec<u8>, Arc<[u8]>)>, HostError> {
        self.state.scan(from, to, limit, reverse)
    }

    fn index_put(&mut self, key: &[u8]) {
        self.state.index_put(key);
    }

    fn index_delete(&mut self, key: &[u8]) {
        self.state.index_delete(key);
    }

    fn index_scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError> {
        self.state.index_scan(from, to, limit, reverse)
    }

    fn call_contract(&mut self, call: ContractCall<'_>) -> Nested {
        let refused = |message: String| Nested::Refused {
            code: "limit.depth",
            message,
        };
        if self.deep >= DEEPEST {
            return refused("deep enough".to_string());
        }
        let bound = match &self.bound {
            Some(bound) => Ok(bound.clone()),
            None => vm::bind(call.caller, call.used, self.callee),
        };
        let bound = match bound {
            Ok(bound) => bound,
            Err(why) => return refused(why),
        };
        self.deep += 1;
        let nested = vm::run_nested(self.callee, &bound, call, self);
        self.deep -= 1;
        nested
    }
}

/// A deployed contract with its state.
pub struct Ledger {
    pub program: Program,
    pub state: Memory,
    pub gas: u64,
}

pub fn text(text: &str) -> Value {
    Value::text(text)
}

pub fn arguments(given: &[(&str, Value)]) -> Vec<u8> {
    let entries = given
        .iter()
        .map(|(name, value)| (text(name), value.clone()))
        .collect();
    encode(&Value::Map(entries)).expect("arguments of tests can be encoded")
}

/// Compiles, or shows what was found wrong.
pub fn compiled(source: &str) -> Program {
    match vm::compile(source, "test.py") {
        Ok(program) => program,
        Err(found) => panic!(
            "{}",
            found
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

impl Ledger {
    pub fn new(source: &str) -> Ledger {
        Ledger {
            program: compiled(source),
            state: Memory::default(),
            gas: 1_000_000_000,
        }
    }

    pub fn raw(&mut self, member: &str, method: &str, arguments: &[u8]) -> Outcome {
        let organisation = member.split('@').nth(1).unwrap_or("north").to_string();
        let roles = vec!["operator".to_string()];
        let signers = [SignerInfo {
            member: member.to_string(),
            organisation: organisation.clone(),
            roles: roles.clone(),
            key_id: [7; 32],
        }];
        let read_only = self
            .program
            .interface()
            .views
            .iter()
            .any(|view| view.name == method);
        let context = CallContext {
            contract: "test",
            member,
            organisation: &organisation,
            roles: &roles,
            signers: &signers,
            now_ms: 1_700_000_000_000,
            height: 7,
            transaction_id: [1; 32],
            application: None,
            attachments: &[],
            via: None,
            chain: "test",
            timer_gas: 50_000_000,
            read_only,
        };
        let before = self.state.clone();
        let outcome = vm::run(
            &self.program,
            method,
            arguments,
            &context,
            &mut self.state,
            self.gas,
        );
        if !matches!(outcome, Outcome::Finished(_)) {
            let traced = std::mem::take(&mut self.state.traced);
            self.state = before;
            self.state.traced = traced;
        }
        outcome
    }

    pub fn call_as(&mut self, member: &str, method: &str, given: &[(&str, Value)]) -> Outcome {
        self.raw(member, method, &arguments(given))
    }

    pub fn finished(&mut self, member: &str, method: &str, given: &[(&str, Value)]) -> Finished {
        match self.call_as(member, method, given) {
            Outcome::Finished(finished) => finished,
            other => panic!("{method}: {other:?}"),
        }
    }

    pub fn value(&mut self, method: &str, given: &[(&str, Value)]) -> Value {
        decode(&self.finished("alice@north", method, given).value).expect("results are canonical")
    }

    pub fn failed(&mut self, member: &str, method: &str, given: &[(&str, Value)]) -> Failed {
        match self.call_as(member, method, given) {
            Outcome::Failed(failed) => failed,
            other => panic!("{method} should have failed: {other:?}"),
        }
    }
}

/// Runs the body of a function `f()` in a contract; gives what it returns.
pub fn evaluate(body: &str) -> Outcome {
    let mut ledger = Ledger::new(&function(body));
    ledger.gas = 20_000_000;
    ledger.call_as("alice@north", "f", &[])
}

/// A contract with one call whose body is given.
pub fn function(body: &str) -> String {
    let indented: String = body
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    format!(
        "from lianheng.contract import Contract, Record, Event, Enum, Table, call, view, require, Rejected\n\n\
         class Point(Record):\n    x: int\n    y: int = 0\n\n    def total(self) -> int:\n        return self.x + self.y\n\n\
         class Color(Enum):\n    RED = \"red\"\n    BLUE = \"blue\"\n\n\
         class Row(Record):\n    id: str\n    tags: list[str]\n\n\
         class Test(Contract):\n    rows = Table(Row, key=\"id\")\n\n    @call(by=\"ANY\")\n    def f(self):\n{indented}"
    )
}
