//! Notices to observers against a model: what a call did to rows, from their beginning to their end.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use codec::cbor::{decode, Value};
use common::{text, Ledger};
use crypto::{SigningKey, Suite};
use proptest::prelude::*;
use vm::{MemberKeys, Outcome};

const SOURCE: &str = r#"
from lianheng.contract import Cell, Contract, Event, Record, Table, call, signed_by, view

class Row(Record):
    id: int
    owner: str | None
    told: list[str]
    note: int = 0
    observers = ("owner", "told")

class observed(Event):
    id: int

class Rows(Contract):
    rows = Table(Row, key="id", indexes=["owner"], unique=["note"])
    last: Cell[Row | None] = Cell(Row | None, None)

    @call(by="ANY")
    def apply(self, steps: list[tuple[int, bool, str | None, list[str]]]) -> None:
        for id, gone, owner, told in steps:
            if not gone:
                self.rows[id] = Row(id, owner, told, id)
            elif id in self.rows:
                del self.rows[id]

    @call(by="ANY")
    def collide(self) -> None:
        self.rows[1] = Row(1, "ann@a", [], 1)
        try:
            self.rows[2] = Row(2, "bob@b", [], 1)
        except ValueError:
            self.emit(observed(2))

    @call(by="ANY")
    def keep(self, row: Row | None) -> None:
        self.last.set(row)

    @call(by="ANY")
    def name(self) -> str:
        return self.contract

    @call(by="ANY")
    def signed(self, member: str, message: bytes, signature: bytes) -> bool:
        return signed_by(member, message, signature)
"#;

const NAMES: [&str; 5] = ["ann@a", "bob@b", "cat@c", "a", "b"];

/// Owner and others of a row.
type Row = (Option<usize>, Vec<usize>);

fn named(row: Option<&Row>) -> BTreeSet<&'static str> {
    let all = row
        .into_iter()
        .flat_map(|(owner, told)| owner.iter().chain(told));
    all.map(|at| NAMES[*at]).collect()
}

fn notice(table: &str, key: Vec<Value>, change: &str, observers: &BTreeSet<&str>) -> Value {
    Value::Map(vec![
        (text("key"), Value::Array(key)),
        (text("table"), text(table)),
        (text("change"), text(change)),
        (
            text("observers"),
            Value::Array(observers.iter().map(|name| text(name)).collect()),
        ),
    ])
}

fn step() -> impl Strategy<Value = (i64, bool, Row)> {
    let row = (
        prop::option::of(0..NAMES.len()),
        prop::collection::vec(0..NAMES.len(), 0..3),
    );
    (0..4_i64, prop::bool::weighted(0.3), row)
}

fn encoded((id, gone, (owner, told)): &(i64, bool, Row)) -> Value {
    Value::Array(vec![
        Value::Int(*id),
        Value::Bool(*gone),
        owner.map_or(Value::Null, |at| text(NAMES[at])),
        Value::Array(told.iter().map(|at| text(NAMES[*at])).collect()),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn observers_are_told_the_net_change_of_each_row(
        calls in prop::collection::vec(prop::collection::vec(step(), 0..6), 1..8)
    ) {
        let mut ledger = Ledger::new(SOURCE);
        let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
        for steps in calls {
            let before = rows.clone();
            for (id, gone, row) in &steps {
                if *gone {
                    rows.remove(id);
                } else {
                    rows.insert(*id, row.clone());
                }
            }
            let expected: Vec<Value> = (0..4)
                .filter(|id| before.get(id) != rows.get(id))
                .filter_map(|id| {
                    let (old, new) = (before.get(&id), rows.get(&id));
                    let observers: BTreeSet<&str> = named(old).union(&named(new)).copied().collect();
                    let change = match (old, new) {
                        (None, _) => "created",
                        (_, None) => "deleted",
                        _ => "changed",
                    };
                    (!observers.is_empty()).then(|| notice("rows", vec![Value::Int(id)], change, &observers))
                })
                .collect();
            let given = Value::Array(steps.iter().map(encoded).collect());
            let done = ledger.finished("ann@a", "apply", &[("steps", given)]);
            let found: Vec<Value> = done
                .events
                .iter()
                .inspect(|event| assert_eq!((&*event.contract, &*event.name), ("test", vm::NOTICE)))
                .map(|event| decode(&event.data).expect("notices are canonical"))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_names_that_a_row_gets_must_exist(
        first in step(), second in step(), stranger in 0..NAMES.len()
    ) {
        let mut ledger = Ledger::new(SOURCE);
        let put = |ledger: &mut Ledger, (_, _, row): &(i64, bool, Row)| {
            let steps = Value::Array(vec![encoded(&(1, false, row.clone()))]);
            ledger.call_as("ann@a", "apply", &[("steps", steps)])
        };
        prop_assert!(matches!(put(&mut ledger, &first), Outcome::Finished(_)));
        ledger.state.strangers.insert(NAMES[stranger].to_string());
        let gets = named(Some(&second.2)).contains(NAMES[stranger])
            && !named(Some(&first.2)).contains(NAMES[stranger]);
        match put(&mut ledger, &second) {
            Outcome::Finished(_) => prop_assert!(!gets),
            Outcome::Failed(failed) => {
                prop_assert!(gets);
                prop_assert_eq!(failed.code, "policy.observer");
                let field = if second.2.0 == Some(stranger) { "owner" } else { "told" };
                let start = format!("'{}' in Row.{field} is no member", NAMES[stranger]);
                prop_assert!(failed.message.starts_with(&start), "{}", failed.message);
                prop_assert!(failed.message.contains("rows[1]"), "{}", failed.message);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn a_row_that_was_not_written_tells_nobody_and_no_class_has_the_reserved_name() {
    let mut ledger = Ledger::new(SOURCE);
    let done = ledger.finished("ann@a", "collide", &[]);
    let names: Vec<&str> = done.events.iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["observed", "$observed"]);
    let told = decode(&done.events[1].data).unwrap();
    assert_eq!(told.get("key"), Some(&Value::Array(vec![Value::Int(1)])));
    for name in ["$observed", "observed$"] {
        let source = SOURCE.replace("class observed", &format!("class {name}"));
        assert!(vm::compile(&source, "test.py").is_err());
    }
}

#[test]
fn a_cell_tells_its_observers() {
    let mut ledger = Ledger::new(SOURCE);
    let row = |owner: &str| {
        Value::Map(vec![
            (text("id"), Value::Int(1)),
            (text("note"), Value::Int(0)),
            (text("told"), Value::Array(Vec::new())),
            (text("owner"), text(owner)),
        ])
    };
    let mut told = |row: Value| {
        let done = ledger.finished("ann@a", "keep", &[("row", row)]);
        let found = done.events.iter().map(|event| decode(&event.data).unwrap());
        found.collect::<Vec<_>>()
    };
    let (ann, bob) = (BTreeSet::from(["ann@a"]), BTreeSet::from(["bob@b"]));
    let both = ann.union(&bob).copied().collect();
    assert_eq!(
        told(row("ann@a")),
        [notice("last", vec![], "created", &ann)]
    );
    assert_eq!(told(row("ann@a")), []);
    assert_eq!(
        told(row("bob@b")),
        [notice("last", vec![], "changed", &both)]
    );
    assert_eq!(told(Value::Null), [notice("last", vec![], "changed", &bob)]);
    assert_eq!(told(Value::Null), []);
}

#[test]
fn a_contract_knows_its_name() {
    assert_eq!(Ledger::new(SOURCE).value("name", &[]), text("test"));
}

#[test]
fn a_members_signature_is_checked_with_its_keys_and_the_chain() {
    let keys: Vec<SigningKey> = (1..4).map(|n| SigningKey::from_seed(&[n; 32])).collect();
    let known = |count: usize, genesis: u8| MemberKeys {
        genesis: [genesis; 32],
        keys: keys[..count].iter().map(|key| *key.public()).collect(),
    };
    let signed = |key: &SigningKey, member: &str, message: &[u8]| {
        let mut form = codec::cbor::Encoder::new();
        form.array(4)
            .text("lianheng.member-message.v1")
            .bytes(&[9; 32])
            .text(member)
            .bytes(message);
        let bytes = form.into_bytes();
        let signature = key.sign(&bytes);
        assert!(Suite::One.verify(key.public(), &bytes, &signature).is_ok());
        signature.to_vec()
    };
    let mut ledger = Ledger::new(SOURCE);
    let mut asked = |keys: Option<MemberKeys>, member: &str, signature: Vec<u8>| {
        ledger.state.keys = keys.map(|keys| BTreeMap::from([("ann@a".to_string(), keys)]));
        let given = [
            ("member", text(member)),
            ("message", Value::bytes(b"m".to_vec())),
            ("signature", Value::bytes(signature)),
        ];
        match ledger.call_as("ann@a", "signed", &given) {
            Outcome::Finished(done) => {
                (decode(&done.value).unwrap() == Value::Bool(true), done.gas)
            }
            Outcome::Failed(failed) => panic!("{}", failed.reason.unwrap_or_default()),
            Outcome::Faulted(error) => panic!("{error}"),
        }
    };
    let good = signed(&keys[1], "ann@a", b"m");
    let (yes, dear) = asked(Some(known(2, 9)), "ann@a", good.clone());
    let (no, cheap) = asked(Some(known(1, 9)), "ann@a", good.clone());
    assert!(yes && !no);
    assert_eq!(
        dear - cheap,
        vm::gas::SIGNATURE + 1,
        "each key costs a check"
    );
    assert!(
        !asked(Some(known(2, 8)), "ann@a", good.clone()).0,
        "another chain"
    );
    assert!(
        !asked(Some(known(2, 9)), "bob@b", good.clone()).0,
        "nobody by this name"
    );
    assert!(!asked(Some(known(2, 9)), "ann@a", signed(&keys[0], "bob@b", b"m")).0);
    assert!(!asked(Some(known(2, 9)), "ann@a", signed(&keys[0], "ann@a", b"n")).0);
    assert!(!asked(Some(known(2, 9)), "ann@a", keys[0].sign(b"m").to_vec()).0);
    assert!(!asked(Some(known(2, 9)), "ann@a", Vec::new()).0);
}

#[test]
fn without_a_chain_no_signature_can_be_checked() {
    let mut ledger = Ledger::new(SOURCE);
    let given = [
        ("member", text("ann@a")),
        ("message", Value::bytes(Vec::new())),
        ("signature", Value::bytes(Vec::new())),
    ];
    let failed = ledger.failed("ann@a", "signed", &given);
    assert_eq!(failed.reason.as_deref(), Some("RuntimeError"));
    let given = [
        ("member", text("north")),
        given[1].clone(),
        given[2].clone(),
    ];
    let failed = ledger.failed("ann@a", "signed", &given);
    assert_eq!(failed.reason.as_deref(), Some("ValueError"));
}
