//! A chain for tests: members with keys made here, and a small contract written in Rust.
#![allow(dead_code)] // each test file uses its part

use std::sync::Arc;

use codec::cbor::{self, Encoder, Value};
use codec::key;
use crypto::{Hash32, SigningKey, Suite};
use engine::formats::genesis::possession_payload;
use engine::formats::header::seal_payload;
use engine::formats::result::Refusal;
use engine::runtime::{Call, Complaint, Contract, Emitted, Returned, Runtime, Step};
use engine::{Engine, Error, Outcome, Policy, Prepared, Rule, TransactionState};

pub const SUITE: Suite = Suite::One;
pub const GENESIS_TIME: u64 = 1_700_000_000_000;

pub fn key_of(name: &str) -> SigningKey {
    SigningKey::from_seed(&SUITE.hash(name.as_bytes()).0)
}

/// The runtime whose only contract is [`Bank`]: its source is the text `bank`.
pub struct TestRuntime;

impl Runtime for TestRuntime {
    fn compile(&self, source: &str, _file: &str) -> Result<Vec<u8>, Vec<Complaint>> {
        if source == "bank" {
            return Ok(b"bank".to_vec());
        }
        Err(vec![Complaint {
            code: "syntax".into(),
            message: "not the bank".into(),
            hint: None,
            line: 3,
            column: 1,
        }])
    }

    fn load(&self, code: &[u8]) -> Result<Arc<dyn Contract>, Error> {
        match code {
            b"bank" => Ok(Arc::new(Bank)),
            _ => Err(Error::new("contract.unavailable", "not the bank")),
        }
    }
}

/// Accounts with balances: `put(id, amount)`, `move(from, to, amount)`, `fail()`, `panic()`, `list()`, and the view `read(id)`.
pub struct Bank;

const METHODS: [(&str, &str, bool); 7] = [
    ("put", "ANY", false),
    ("move", "ANY", false),
    ("guarded", "role:bank", false),
    ("fail", "ANY", false),
    ("panic", "ANY", false),
    ("clear", "ANY", false),
    ("read", "", true),
];

impl Contract for Bank {
    fn method(&self, name: &str) -> Option<(&str, bool)> {
        METHODS
            .iter()
            .find(|(method, _, _)| *method == name)
            .map(|(_, policy, reads)| (*policy, *reads))
    }

    fn rule(&self, name: &str) -> Option<Arc<Rule>> {
        let (text, _) = self.method(name)?;
        let policy = Policy::parse(text).ok()?;
        let text = text.to_owned();
        Some(Arc::new(Rule { text, policy }))
    }

    fn methods(&self) -> Vec<String> {
        METHODS
            .iter()
            .filter(|(_, _, reads)| !reads)
            .map(|(name, _, _)| (*name).to_owned())
            .collect()
    }

    fn call(
        &self,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
        _: Option<&mut Vec<Step>>,
    ) -> Returned {
        let outcome = run(call, state);
        Returned {
            gas: 10.min(call.gas),
            outcome,
        }
    }

    fn interface(&self) -> Value {
        Value::Null
    }
}

type Ran = Result<(Vec<u8>, Vec<Emitted>), Refusal>;

fn run(call: &Call<'_>, state: &mut TransactionState<'_, '_>) -> Ran {
    let arguments = cbor::decode(call.arguments).expect("the engine checks arguments");
    let text = |name: &str| match arguments.get(name) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let int = |name: &str| match arguments.get(name) {
        Some(Value::Int(int)) => *int,
        _ => 0,
    };
    let flat = |id: &str| {
        let mut flat = key::prefix(call.contract, "accounts");
        key::push_text(&mut flat, id);
        flat
    };
    let balance = |state: &TransactionState<'_, '_>, id: &str| {
        let row = state.get(&flat(id)).expect("the store reads");
        row.map_or(0, |row| cbor::Decoder::new(&row).int().expect("an integer"))
    };
    let number = |int: i64| {
        let mut encoder = Encoder::new();
        encoder.int(int);
        encoder.into_bytes()
    };
    match call.method {
        "put" | "guarded" => {
            state.set(&flat(&text("id")), Some(number(int("amount"))));
            Ok((number(int("amount")), Vec::new()))
        }
        "clear" => {
            state.set(&flat(&text("id")), None);
            Ok((Vec::new(), Vec::new()))
        }
        "move" => {
            let (from, to, amount) = (text("from"), text("to"), int("amount"));
            let left = balance(state, &from) - amount;
            state.set(&flat(&from), Some(number(left)));
            if left < 0 {
                return Err(Refusal {
                    line: Some(7),
                    ..Refusal::new("contract.rejected", "not enough")
                });
            }
            let there = balance(state, &to) + amount;
            state.set(&flat(&to), Some(number(there)));
            let mut data = Encoder::new();
            data.map(1).text("amount").int(amount);
            let moved = Emitted {
                contract: call.contract.to_owned(),
                name: "Moved".to_owned(),
                data: data.into_bytes(),
            };
            Ok((number(left), vec![moved]))
        }
        "panic" => panic!("on purpose"),
        "read" => Ok((number(balance(state, &text("id"))), Vec::new())),
        _ => Err(Refusal::new("contract.rejected", "always")),
    }
}

/// Rows of the bank, in order.
pub fn accounts(engine: &Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let range = engine::Range {
        contract: "bank",
        table: "accounts",
        prefix: &[],
        after: None,
        limit: 10_000,
        reverse: false,
    };
    engine
        .scan(&range)
        .unwrap()
        .into_iter()
        .map(|(key, value)| (key, value.to_vec()))
        .collect()
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn member(chain: &str, id: &str, roles: &[&str]) -> Value {
    member_with(chain, id, roles, &[key_of(id)])
}

fn key_value(chain: &str, id: &str, key: &SigningKey) -> Value {
    let payload = possession_payload(chain, id, SUITE.key_id(key.public()));
    let proof = crypto::cose::sign(SUITE, &[key], &payload, &[]).unwrap();
    Value::Map(vec![
        (text("public"), Value::bytes(key.public().to_vec())),
        (text("custodial"), Value::Bool(false)),
        (text("possession"), Value::bytes(proof)),
    ])
}

/// A member as a document has it, with these keys.
pub fn member_with(chain: &str, id: &str, roles: &[&str], keys: &[SigningKey]) -> Value {
    let roles = roles.iter().map(|role| text(role)).collect();
    let keys = keys.iter().map(|key| key_value(chain, id, key)).collect();
    Value::Map(vec![
        (text("id"), text(id)),
        (text("kind"), text("person")),
        (text("roles"), Value::Array(roles)),
        (text("keys"), Value::Array(keys)),
    ])
}

/// Parameters of the test chain.
pub const PARAMETERS: [(&str, i64); 9] = [
    ("block_bytes", 1 << 20),
    ("block_gas", 1_000),
    ("block_timers", 3),
    ("block_transactions", 1_000),
    ("replay_horizon_ms", 600_000),
    ("timer_gas", 50),
    ("transaction_bytes", 8_192),
    ("transaction_gas", 100),
    ("transaction_signers", 4),
];

/// The document of a chain with alice (operator), bob (bank) and carol (no role).
pub fn document(chain: &str) -> Vec<u8> {
    encode_document(&document_value(chain))
}

fn is_catalogue(roles: &Value) -> bool {
    matches!(roles, Value::Array(all) if matches!(all.first(), Some(Value::Map(_))))
}

/// The document of the test chain without contracts, alice an admin, with room for sources.
pub fn admin_document() -> Vec<u8> {
    fn change(value: Value) -> Value {
        match value {
            Value::Text(text) if text == "operator" => Value::text("admin"),
            Value::Array(items) => Value::Array(items.into_iter().map(change).collect()),
            Value::Map(fields) => Value::Map(
                fields
                    .into_iter()
                    .map(|(name, value)| {
                        let value = match &name {
                            Value::Text(text) if text == "contracts" => Value::Array(Vec::new()),
                            // The catalogue of roles has both.
                            Value::Text(text) if text == "roles" && is_catalogue(&value) => value,
                            Value::Text(text) if text == "transaction_bytes" => Value::Int(1 << 20),
                            Value::Text(text) if text.ends_with("_gas") => Value::Int(1 << 40),
                            _ => change(value),
                        };
                        (name, value)
                    })
                    .collect(),
            ),
            other => other,
        }
    }
    encode_document(&change(document_value("trade")))
}

pub fn encode_document(value: &Value) -> Vec<u8> {
    cbor::encode(value).unwrap()
}

pub fn document_value(chain: &str) -> Value {
    let sealer = key_of("sealer");
    let sealers = Value::Array(vec![
        text("lianheng.sealers.1"),
        text("solo"),
        Value::Array(vec![Value::Array(vec![
            Value::bytes(sealer.public().to_vec()),
            Value::Int(1),
        ])]),
    ]);
    let organisation = |name: &str| {
        Value::Map(vec![
            (text("name"), text(name)),
            (text("title"), text(name)),
            (text("uscc"), text("")),
            (text("lei"), text("")),
        ])
    };
    let role = |name: &str| {
        let given = (text("given"), text("organisation"));
        Value::Map(vec![(text("name"), text(name)), given])
    };
    // One operator deploys: what several organisations must agree to is tested elsewhere.
    let policy = |method: &str, policy: &str| (text(&format!("contracts.{method}")), text(policy));
    let parameters = PARAMETERS
        .iter()
        .map(|(name, value)| (text(name), Value::Int(*value)))
        .collect();
    let bank = Value::Map(vec![
        (text("name"), text("bank")),
        (text("file"), text("bank.py")),
        (text("source"), text("bank")),
    ]);
    Value::Map(vec![
        (text("format"), text("lianheng.genesis.1")),
        (text("chain"), text(chain)),
        (text("suite"), Value::Int(1)),
        (text("rules"), Value::Int(1)),
        (text("time"), Value::Int(GENESIS_TIME as i64)),
        (text("sealers"), sealers),
        (text("parameters"), Value::Map(parameters)),
        (
            text("organisations"),
            Value::Array(vec![organisation("north"), organisation("south")]),
        ),
        (
            text("members"),
            Value::Array(vec![
                member(chain, "alice@north", &["operator"]),
                member(chain, "bob@south", &["bank"]),
                member(chain, "carol@south", &[]),
            ]),
        ),
        (
            text("roles"),
            Value::Array(["admin", "bank", "operator"].map(role).to_vec()),
        ),
        (
            text("policies"),
            Value::Map(vec![
                policy("deploy", "role:operator or role:admin"),
                policy("freeze", "role:admin"),
                policy("retire", "role:admin"),
                policy("thaw", "role:admin"),
                policy("upgrade", "role:admin"),
            ]),
        ),
        (text("contracts"), Value::Array(vec![bank])),
    ])
}

/// A transaction to be signed; change what a test is about.
#[derive(Clone)]
pub struct Draft {
    pub chain: String,
    pub sender: String,
    pub signers: Vec<String>,
    pub contract: String,
    pub method: String,
    pub arguments: Vec<(Value, Value)>,
    pub expires: u64,
    pub random: [u8; 16],
    pub gas: u64,
    pub code: Option<Hash32>,
}

impl Draft {
    pub fn new(method: &str, arguments: &[(&str, Value)], number: u64) -> Self {
        let mut random = [0; 16];
        random[..8].copy_from_slice(&number.to_le_bytes());
        Draft {
            chain: "trade".into(),
            sender: "alice@north".into(),
            signers: vec!["alice@north".into()],
            contract: "bank".into(),
            method: method.into(),
            arguments: arguments
                .iter()
                .map(|(name, value)| (text(name), value.clone()))
                .collect(),
            expires: GENESIS_TIME + 300_000,
            random,
            gas: 50,
            code: None,
        }
    }

    pub fn put(id: &str, amount: i64, number: u64) -> Self {
        Draft::new(
            "put",
            &[("id", text(id)), ("amount", Value::Int(amount))],
            number,
        )
    }

    pub fn by(mut self, member: &str) -> Self {
        self.sender = member.into();
        self.signers = vec![member.into()];
        self
    }

    pub fn payload(&self) -> Vec<u8> {
        let ids = self
            .signers
            .iter()
            .map(|name| Value::bytes(SUITE.key_id(key_of(name).public()).0.to_vec()));
        let mut fields = vec![
            (Value::Int(1), text(&self.chain)),
            (Value::Int(2), text(&self.sender)),
            (Value::Int(3), Value::Array(ids.collect())),
            (Value::Int(4), text(&self.contract)),
            (Value::Int(5), text(&self.method)),
            (Value::Int(6), Value::Map(self.arguments.clone())),
            (Value::Int(7), Value::Int(self.expires as i64)),
            (Value::Int(8), Value::bytes(self.random.to_vec())),
            (Value::Int(9), Value::Int(self.gas as i64)),
        ];
        if let Some(code) = self.code {
            fields.push((Value::Int(10), Value::bytes(code.0.to_vec())));
        }
        cbor::encode(&Value::Map(fields)).unwrap()
    }

    pub fn sign(&self, genesis: Hash32) -> Arc<[u8]> {
        let keys: Vec<SigningKey> = self.signers.iter().map(|name| key_of(name)).collect();
        let keys: Vec<&SigningKey> = keys.iter().collect();
        crypto::cose::sign(SUITE, &keys, &self.payload(), &genesis.0)
            .unwrap()
            .into()
    }
}

/// A solo seal over a header.
pub fn seal(engine: &Engine, header_hash: Hash32) -> Vec<u8> {
    let sealer = key_of("sealer");
    let signed = crypto::cose::sign(
        SUITE,
        &[&sealer],
        &seal_payload(header_hash),
        &engine.genesis_hash().0,
    )
    .unwrap();
    let mut encoder = Encoder::new();
    encoder.array(2).text("solo").bytes(&signed);
    encoder.into_bytes()
}

/// Executes, seals and commits prepared transactions as one block.
pub fn block_of(engine: &Engine, batches: Vec<Prepared>, time: u64) -> Vec<Outcome> {
    let pending = engine.execute(batches, time, None).unwrap();
    let sealed = pending.header().map(|(_, _, hash)| seal(engine, hash));
    engine.commit(pending, sealed.as_deref()).unwrap()
}

/// Prepares, executes, seals and commits drafts as one block.
pub fn block(engine: &Engine, drafts: &[Draft], time: u64) -> Outcome {
    let signed = drafts
        .iter()
        .map(|draft| draft.sign(engine.genesis_hash()))
        .collect();
    block_of(engine, vec![engine.prepare(signed)], time).remove(0)
}

/// Code of the drop or refusal at a position; empty where it succeeded.
pub fn code_of(outcome: &Outcome, position: usize) -> String {
    if let engine::Verdict::Dropped(drop) = &outcome.verdicts[position] {
        return drop.code.to_owned();
    }
    let result = cbor::decode(outcome.result(position).unwrap().unwrap()).unwrap();
    let Value::Map(fields) = result else {
        panic!("a result is a map")
    };
    let error = fields
        .iter()
        .find(|(key, _)| *key == Value::Int(5))
        .map(|(_, error)| error.clone());
    match error {
        Some(Value::Map(error)) => match &error[0].1 {
            Value::Text(code) => code.clone(),
            _ => panic!("a code is a text"),
        },
        _ => String::new(),
    }
}

pub fn memory() -> Engine {
    Engine::create(None, &document("trade"), Arc::new(TestRuntime)).unwrap()
}
