//! Contracts that try to exhaust something through the state. Each ends in a named error or an
//! answer within a second, twice the same.

mod common;

use std::time::{Duration, Instant};

use codec::cbor::Value;
use common::{arguments, compiled, Memory};
use crypto::SigningKey;
use vm::{CallContext, MemberKeys, Outcome, SignerInfo};

const GAS: u64 = 10_000_000;

const CONTRACT: &str = r#"
from lianheng.contract import Cell, Contract, Counter, Event, Record, Table, call, migrate, signed_by

class Row(Record):
    id: int
    group: str = ""
    serial: str | None = None
    text: str = ""

class Deed(Record):
    id: int
    parties: list[str]
    signatories = ("parties",)

class Watched(Record):
    id: int
    names: list[str]
    observers = ("names",)

class Said(Event):
    text: str

class Bomb(Contract):
    rows = Table(Row, key="id", indexes=["group", ("group", "text")], unique=["serial"])
    deeds = Table(Deed, key="id")
    watched = Table(Watched, key="id")
    other = Table(Row, key=("group", "id"))
    blob = Cell(str, "")
    grid = Cell(list[list[int]] | None, None)
    count = Counter()

    @call(by="ANY")
    def attack(self):
        BODY

    @migrate(from_version=0)
    def bring(self) -> None:
        MIGRATION
"#;

/// What an attack does, and how it may end.
const ATTACKS: &[(&str, &[&str])] = &[
    ("while True:\n    self.blob.set('x' * 1_000_000)", &["gas.exhausted"]),
    ("self.blob.set('x' * 2_000_000)", &["limit.encoded"]),
    ("self.blob.set('x' * 1_000_000)\nxs = []\nwhile True:\n    xs.append(self.blob.get())", &["limit.memory", "gas.exhausted"]),
    ("self.grid.set([[n for n in range(1_000)] for k in range(1_000)])", &["limit.encoded", "gas.exhausted"]),
    ("while True:\n    self.grid.get()", &["gas.exhausted"]),
    ("while True:\n    self.count.next()", &["gas.exhausted"]),
    ("self.count.add(2**63 - 1)\nself.count.next()", &["OverflowError"]),
    ("self.count.add(2**4000)", &["OverflowError"]),
    ("self.count.add(-1)", &["ValueError"]),
    ("for n in range(10**9):\n    self.rows[n] = Row(n, 'g', str(n), 'x' * 100)", &["gas.exhausted"]),
    ("for n in range(2_000):\n    self.rows[n] = Row(n, 'g', str(n))\nfor n in range(10**9):\n    try:\n        self.rows[10**6] = Row(10**6, 'g', '7')\n    except ValueError:\n        pass", &["gas.exhausted"]),
    ("self.rows[1] = Row(1, serial='a')\nself.rows[2] = Row(2, serial='a')", &["ValueError"]),
    ("self.rows[1] = Row(1, text='x' * 2_000_000)", &["limit.encoded"]),
    ("self.rows[1] = Row(1, text='x' * 500_000)\nxs = []\nwhile True:\n    xs += self.rows.scan(limit=1_000)", &["limit.memory", "gas.exhausted"]),
    ("for n in range(3_000):\n    self.rows[n] = Row(n, 'g')\nwhile True:\n    self.rows.scan(limit=1_000)", &["gas.exhausted"]),
    ("for n in range(1_000):\n    self.rows[n] = Row(n, 'g')\nwhile True:\n    self.rows.by('group', 'g', limit=1_000, reverse=True)", &["gas.exhausted"]),
    ("self.rows.scan(limit=10**9)", &["ValueError"]),
    ("self.rows.scan(limit=-1)", &["ValueError"]),
    ("while True:\n    self.rows.scan(limit=1, start=2**4000)", &["gas.exhausted", "ValueError", "OverflowError"]),
    ("while True:\n    self.rows.scan(limit=1, start=5, end=1)", &["gas.exhausted"]),
    ("self.rows[2**4000] = Row(2**4000)", &["finished"]),
    ("while True:\n    self.rows.get(2**4000)", &["gas.exhausted"]),
    ("while True:\n    'x' * 100_000 in self.other", &["gas.exhausted", "TypeError", "ValueError"]),
    ("self.other['x' * 1_000_000, 1] = Row(1, 'x' * 1_000_000)", &["finished"]),
    ("self.deeds[1] = Deed(1, ['m%d@x' % n for n in range(20_000)])", &["policy.signatory"]),
    ("self.deeds[1] = Deed(1, ['alice@north'] * 50_000)\nwhile True:\n    self.deeds[1] = self.deeds[1]", &["gas.exhausted", "limit.memory"]),
    ("self.deeds[1] = Deed(1, ['x' * 900_000])", &["policy.signatory"]),
    ("self.watched[1] = Watched(1, ['m%d@x' % n for n in range(20_000)])", &["finished", "limit.memory", "gas.exhausted"]),
    ("names = ['m%d@x' % n for n in range(2_000)]\nfor n in range(10**6):\n    self.watched[n] = Watched(n, names)", &["gas.exhausted", "limit.memory"]),
    ("for n in range(2_000):\n    self.watched[n] = Watched(n, ['north'])", &["limit.events"]),
    ("for n in range(1_000):\n    self.watched[n] = Watched(n, ['north'])\nself.emit(Said(''))", &["limit.events"]),
    ("for n in range(1_000):\n    self.watched[n] = Watched(n, ['north'])\nfor n in range(1_000):\n    del self.watched[n]", &["finished"]),
    ("names = ['x' * 10_000 + str(n) for n in range(50)]\nfor n in range(10**6):\n    self.watched[n] = Watched(n, names)", &["gas.exhausted", "limit.memory"]),
    ("while True:\n    self.watched[1] = Watched(1, ['alice@north'] * 50_000)", &["gas.exhausted", "limit.memory"]),
    ("self.watched[1] = Watched(1, ['north'])\nwhile True:\n    del self.watched[1]\n    self.watched[1] = Watched(1, ['north', 'south'])", &["gas.exhausted"]),
    ("while True:\n    signed_by('alice@north', b'm', b's' * 64)", &["gas.exhausted"]),
    ("while True:\n    signed_by('alice@north', b'm' * 1_000_000, b's' * 64)", &["gas.exhausted"]),
    ("while True:\n    signed_by('nobody@north', b'm' * 16_000_000, b'')", &["gas.exhausted"]),
    ("while True:\n    signed_by('x' * 1_000_000 + '@', b'', b'')", &["gas.exhausted"]),
    ("self.watched[1] = Watched(1, ['nobody'])", &["policy.observer"]),
    ("self.watched[1] = Watched(1, ['x' * 900_000 + 'nobody'])", &["finished"]),
    ("while True:\n    self.emit(Said('x' * 100_000))", &["limit.events", "gas.exhausted", "limit.memory"]),
    ("while True:\n    self.emit(Said(''))", &["limit.events", "gas.exhausted"]),
    ("self.emit(Said('x' * 2_000_000))", &["limit.encoded"]),
    ("while True:\n    [self.attachments, self.signers, self.application]", &["gas.exhausted"]),
    ("xs = []\nwhile True:\n    xs.append(self.signers)", &["gas.exhausted", "limit.memory"]),
    ("while True:\n    sorted(self.attachments)", &["gas.exhausted"]),
    ("self.rows[1] = Row(1)\nwhile True:\n    del self.rows[1]\n    self.rows[1] = Row(1)", &["gas.exhausted"]),
];

/// Attacks of a migration, over a state of a thousand rows.
const MIGRATIONS: &[(&str, &[&str])] = &[
    ("while True:\n    self.drain('rows')", &["gas.exhausted"]),
    ("xs = self.drain('rows')\nwhile True:\n    xs = xs + xs", &["gas.exhausted", "limit.memory"]),
    ("for row in self.drain('rows'):\n    for n in range(10**6):\n        self.rows[n] = Row(n, text='x' * 1_000)", &["gas.exhausted"]),
    ("for row in self.drain('rows'):\n    self.rows[row['id']] = Row(row['id'], serial='same')", &["contract.not_unique"]),
    ("self.drain('rows')\nself.count.add(2**63 - 1)\nself.count.next()", &["OverflowError"]),
    ("def f(n):\n    return f(n + 1)\nf(0)", &["limit.recursion"]),
    ("self.drain('deeds')", &["finished", "policy.signatory"]),
    ("for n in range(2_000):\n    self.watched[n] = Watched(n, ['north'])", &["limit.events"]),
    ("for n in range(2_000):\n    self.watched[n] = Watched(n, ['north'])\nself.drain('watched')", &["finished"]),
    ("while True:\n    for n in range(100):\n        self.watched[n] = Watched(n, ['north'] * n)\n    self.drain('watched')", &["gas.exhausted"]),
    ("self.blob.set('x' * 2_000_000)", &["limit.encoded"]),
];

/// The contract with the body of its call and of its migration.
fn source(call: &str, migration: &str) -> String {
    let indented = |body: &str| {
        let lines = body.lines().map(|line| format!("        {line}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let text = CONTRACT.replace("        BODY", &indented(call));
    text.replace("        MIGRATION", &indented(migration))
}

fn ending(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Finished(_) => "finished".to_string(),
        Outcome::Failed(failed) if failed.code == "contract.error" => {
            failed.reason.clone().unwrap_or_default()
        }
        Outcome::Failed(failed) => failed.code.to_string(),
        Outcome::Faulted(error) => error.to_string(),
    }
}

/// The best of some runs: a busy machine is no finding.
fn timed(work: impl Fn() -> Outcome) -> (Outcome, Duration) {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let outcome = work();
        least = least.min(start.elapsed());
        if least < Duration::from_secs(1) {
            return (outcome, least);
        }
    }
    (work(), least)
}

fn with_context<T>(work: impl FnOnce(&CallContext<'_>) -> T) -> T {
    let signers = [SignerInfo {
        member: "alice@north".to_string(),
        organisation: "north".to_string(),
        roles: vec!["operator".to_string(); 50],
        key_id: [7; 32],
    }];
    let attachments: Vec<[u8; 32]> = (0..=255).map(|n| [n; 32]).collect();
    work(&CallContext {
        contract: "test",
        member: &signers[0].member,
        organisation: &signers[0].organisation,
        roles: &signers[0].roles,
        signers: &signers,
        now_ms: 1,
        height: 1,
        transaction_id: [1; 32],
        application: Some("attack"),
        attachments: &attachments,
        via: None,
        chain: "test",
        timer_gas: 50_000_000,
        read_only: false,
    })
}

fn check(body: &str, endings: &[&str], run: impl Fn() -> Outcome) {
    let (outcome, took) = timed(&run);
    assert!(
        endings.contains(&ending(&outcome).as_str()),
        "{body}\n{outcome:.300?}"
    );
    assert!(took < Duration::from_secs(1), "{took:?}\n{body}");
    assert_eq!(run(), outcome, "{body}");
}

#[test]
fn calls_end_in_named_errors() {
    let none = arguments(&[]);
    for (body, endings) in ATTACKS {
        let program = compiled(&source(body, "pass"));
        check(body, endings, || {
            let mut state = memory();
            with_context(|context| vm::run(&program, "attack", &none, context, &mut state, GAS))
        });
    }
}

#[test]
fn migrations_end_in_named_errors() {
    let fill = "for n in range(1_000):\n    self.rows[n] = Row(n, 'g', str(n), 'x' * 100)";
    let old = compiled(&source(fill, "pass"));
    let mut filled = memory();
    let done = with_context(|context| {
        vm::run(
            &old,
            "attack",
            &arguments(&[]),
            context,
            &mut filled,
            u64::MAX,
        )
    });
    assert_eq!(ending(&done), "finished", "{done:?}");
    for (body, endings) in MIGRATIONS {
        let new = compiled(&source("pass", body));
        check(body, endings, || {
            let mut state = filled.clone();
            with_context(|context| vm::upgrade(&old, &new, 0, context, &mut state, GAS))
        });
    }
}

#[test]
fn sources_of_an_upgrade_are_refused_as_any_source() {
    for bomb in [
        "(".repeat(60_000),
        "x = 1\n".repeat(10_000),
        "class A(A): pass\n".repeat(2_000),
        "\0".into(),
    ] {
        let start = Instant::now();
        assert!(vm::compile(&bomb, "new.py").is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn large_arguments_end_in_named_errors() {
    let source = "from lianheng.contract import Contract, call\n\nclass C(Contract):\n    @call(by=\"ANY\")\n    def f(self, a: list[int], b: object = None) -> int:\n        return sum(a)\n";
    let program = compiled(source);
    let large = Value::Array(vec![Value::Int(1); 300_000]);
    let deep = (0..28).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let given = arguments(&[("a", large), ("b", deep)]);
    check(
        "large arguments",
        &["finished", "limit.memory", "gas.exhausted"],
        || with_context(|context| vm::run(&program, "f", &given, context, &mut memory(), GAS)),
    );
}

fn memory() -> Memory {
    Memory {
        strangers: std::iter::once("nobody".to_string()).collect(),
        keys: Some(std::iter::once(("alice@north".to_string(), sixteen_keys())).collect()),
        ..Memory::default()
    }
}

fn sixteen_keys() -> MemberKeys {
    let keys = (0..16).map(|n| *SigningKey::from_seed(&[n; 32]).public());
    MemberKeys {
        genesis: [0; 32],
        keys: keys.collect(),
    }
}
