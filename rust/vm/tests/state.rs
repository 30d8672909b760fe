//! Cells, counters, unique indexes, ranges, parties and what the transaction names.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use codec::cbor::{decode, Value};
use common::{arguments, compiled, text, Ledger};
use proptest::prelude::*;
use vm::{CallContext, Outcome, SignerInfo};

const CELLS: &str = r#"
from lianheng.contract import Cell, Contract, Counter, Record, call, view

class Terms(Record):
    rate: int
    note: str | None = None

class Fund(Contract):
    total = Cell(int, 0)
    owner: Cell[str | None] = Cell(str | None, None)
    terms = Cell(Terms | None, None)
    numbers = Counter()

    @call(by="ANY")
    def pay(self, amount: int) -> int:
        self.total.set(self.total.get() + amount)
        return self.numbers.next()

    @call(by="ANY")
    def change(self, rate: int) -> Terms | None:
        old = self.terms.get() or Terms(rate=3)
        self.terms.set(old.replace(rate=rate))
        self.owner.set(self.caller.member)
        return self.terms.get()

    @call(by="ANY")
    def count(self, by: int) -> int:
        return self.numbers.add(by)

    @call(by="ANY")
    def wrong(self) -> None:
        self.total.set("x")

    @view
    def state(self) -> tuple[int, str | None, int, int]:
        terms = self.terms.get()
        return self.total.get(), self.owner.get(), 3 if terms is None else terms.rate, self.numbers.get()

    @view
    def sneak(self) -> int:
        return self.numbers.next()
"#;

fn int(value: i64) -> Value {
    Value::Int(value)
}

#[test]
fn cells_keep_values_and_counters_grow() {
    let mut ledger = Ledger::new(CELLS);
    let fresh = Value::Array(vec![int(0), Value::Null, int(3), int(0)]);
    assert_eq!(ledger.value("state", &[]), fresh);
    assert_eq!(ledger.value("pay", &[("amount", int(5))]), int(1));
    assert_eq!(ledger.value("pay", &[("amount", int(7))]), int(2));
    assert_eq!(ledger.value("count", &[("by", int(10))]), int(12));
    ledger.value("change", &[("rate", int(9))]);
    let after = Value::Array(vec![int(12), text("alice@north"), int(9), int(12)]);
    assert_eq!(ledger.value("state", &[]), after);
    let key = codec::key::prefix("test", "total");
    assert_eq!(
        ledger.state.rows.get(&key).map(|row| row.to_vec()),
        Some(vec![12])
    );
}

#[test]
fn cells_check_types_views_and_growth() {
    let mut ledger = Ledger::new(CELLS);
    let wrong = ledger.failed("a@n", "wrong", &[]);
    assert_eq!(
        (wrong.code, wrong.message.as_str()),
        ("contract.error", "total is str, declared int")
    );
    assert_eq!(
        ledger
            .failed("a@n", "count", &[("by", int(-1))])
            .reason
            .as_deref(),
        Some("ValueError")
    );
    assert_eq!(ledger.failed("a@n", "sneak", &[]).code, "view.write");
    ledger.value("count", &[("by", int(i64::MAX))]);
    let over = ledger.failed("a@n", "pay", &[("amount", int(1))]);
    assert_eq!(over.reason.as_deref(), Some("OverflowError"));
}

fn refused(body: &str) -> String {
    let source = format!(
        "from lianheng.contract import Cell, Contract, Counter, Record, Table, call, migrate\n\n\
         class Row(Record):\n    id: str\n    n: int = 0\n\n{body}\n"
    );
    vm::compile(&source, "t.py")
        .err()
        .and_then(|found| found.first().map(|one| one.code.to_string()))
        .unwrap_or_default()
}

#[test]
fn misuse_is_refused_when_it_is_compiled() {
    let contract = |member: &str, statement: &str| {
        refused(&format!("class C(Contract):\n    {member}\n\n    @call(by=\"ANY\")\n    def f(self):\n        {statement}"))
    };
    assert_eq!(contract("x = Cell(int)", "pass"), "language.cell");
    assert_eq!(contract("x = Cell(int, \"a\")", "pass"), "type.mismatch");
    assert_eq!(contract("x = Counter(3)", "pass"), "language.cell");
    assert_eq!(contract("x = Counter()", "self.x.set(4)"), "language.cell");
    assert_eq!(
        contract("x = Cell(int, 0)", "return self.x"),
        "language.cell"
    );
    assert_eq!(
        contract("x = Cell(int, 0)", "return self.x.next()"),
        "language.cell"
    );
    assert_eq!(
        contract("x = Cell(int, 0)", "self.x = 3"),
        "language.attribute"
    );
    assert_eq!(
        contract("x = Cell(int, 0)", "self.drain(\"x\")"),
        "language.migrate"
    );
    assert_eq!(
        contract(
            "t = Table(Row, key=\"id\", indexes=[\"n\"], unique=[\"n\"])",
            "pass"
        ),
        "language.table"
    );
    assert_eq!(
        contract("t = Table(Row, key=\"id\", unique=[\"m\"])", "pass"),
        "name.attribute"
    );
    assert_eq!(
        refused("class P(Record):\n    a: int\n    signatories = (\"a\",)"),
        "language.parties"
    );
    assert_eq!(
        refused("class P(Record):\n    a: str\n    signatories = (\"b\",)"),
        "name.attribute"
    );
    assert_eq!(refused("class C(Contract):\n    @migrate(from_version=0)\n    def m(self, x: int):\n        pass"), "language.call_parameters");
    assert_eq!(
        refused("class C(Contract):\n    @migrate\n    def m(self):\n        pass"),
        "language.decorator"
    );
}

const UNIQUE: &str = r#"
from lianheng.contract import Contract, Record, Table, call, view

class Tool(Record):
    id: int
    serial: str | None
    maker: str
    number: int

class Tools(Contract):
    tools = Table(Tool, key="id", unique=["serial", ("maker", "number")])

    @call(by="ANY")
    def put(self, id: int, serial: str | None, maker: str, number: int) -> bool:
        try:
            self.tools[id] = Tool(id=id, serial=serial, maker=maker, number=number)
        except ValueError:
            return False
        return True

    @call(by="ANY")
    def remove(self, id: int) -> bool:
        if id in self.tools:
            del self.tools[id]
            return True
        return False

    @view
    def by_serial(self, serial: str) -> list[int]:
        return [tool.id for tool in self.tools.by("serial", serial, limit=10)]

    @view
    def range(self, maker: str, start: int | None, end: int | None, reverse: bool) -> list[int]:
        return [t.number for t in self.tools.by(("maker", "number"), maker, start=start, end=end, limit=100, reverse=reverse)]
"#;

#[derive(Debug, Clone)]
enum Step {
    Put(i64, Option<u8>, u8, i64),
    Remove(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let put = (0..6_i64, proptest::option::of(0..4_u8), 0..2_u8, 0..3_i64);
    let put = put.prop_map(|(id, serial, maker, number)| Step::Put(id, serial, maker, number));
    prop::collection::vec(
        prop_oneof![4 => put, 1 => (0..6_i64).prop_map(Step::Remove)],
        1..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn unique_indexes_equal_a_model(steps in steps()) {
        let mut ledger = Ledger::new(UNIQUE);
        let mut model: BTreeMap<i64, (Option<u8>, u8, i64)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(id, serial, maker, number) => {
                    let free = model.iter().all(|(other, row)| {
                        *other == id || ((serial.is_none() || row.0 != serial) && (row.1, row.2) != (maker, number))
                    });
                    let serial_value = serial.map_or(Value::Null, |serial| text(&serial.to_string()));
                    let put = ledger.value("put", &[
                        ("id", int(id)), ("serial", serial_value), ("maker", text(&maker.to_string())), ("number", int(number)),
                    ]);
                    prop_assert_eq!(put, Value::Bool(free));
                    if free {
                        model.insert(id, (serial, maker, number));
                    }
                }
                Step::Remove(id) => {
                    let there = model.remove(&id).is_some();
                    prop_assert_eq!(ledger.value("remove", &[("id", int(id))]), Value::Bool(there));
                }
            }
            for serial in 0..4_u8 {
                let ids: Vec<Value> = model.iter().filter(|(_, row)| row.0 == Some(serial)).map(|(id, _)| int(*id)).collect();
                prop_assert_eq!(ledger.value("by_serial", &[("serial", text(&serial.to_string()))]), Value::Array(ids));
            }
            let entries: usize = model.values().map(|row| 1 + usize::from(row.0.is_some())).sum();
            prop_assert_eq!(ledger.state.entries.len(), entries);
        }
    }

    #[test]
    fn ranges_equal_a_filter(numbers in prop::collection::btree_set(-9..9_i64, 0..12), start in prop::option::of(-10..10_i64), end in prop::option::of(-10..10_i64), reverse: bool) {
        let mut ledger = Ledger::new(UNIQUE);
        for (id, number) in numbers.iter().enumerate() {
            let id = int(id as i64);
            ledger.value("put", &[("id", id), ("serial", Value::Null), ("maker", text("m")), ("number", int(*number))]);
        }
        let mut wanted: Vec<Value> = numbers.iter().filter(|n| start.is_none_or(|s| **n >= s) && end.is_none_or(|e| **n < e)).map(|n| int(*n)).collect();
        if reverse {
            wanted.reverse();
        }
        let bound = |bound: Option<i64>| bound.map_or(Value::Null, Value::Int);
        let found = ledger.value("range", &[("maker", text("m")), ("start", bound(start)), ("end", bound(end)), ("reverse", Value::Bool(reverse))]);
        prop_assert_eq!(found, Value::Array(wanted));
    }
}

const SCANS: &str = r#"
from lianheng.contract import Contract, Record, Table, call, view

class Bill(Record):
    debtor: str
    day: int
    number: int

class Bills(Contract):
    bills = Table(Bill, key=("debtor", "day", "number"))

    @call(by="ANY")
    def fill(self) -> None:
        for debtor in ("a", "b"):
            for day in range(4):
                for number in range(2):
                    self.bills[debtor, day, number] = Bill(debtor, day, number)

    @view
    def days(self, limit: int) -> list[tuple[int, int]]:
        found = []
        page = self.bills.scan("a", start=1, end=(3, 1), limit=limit)
        while page:
            found.extend((bill.day, bill.number) for bill in page)
            last = page[-1]
            page = self.bills.scan("a", start=1, end=(3, 1), limit=limit, after=(last.debtor, last.day, last.number))
        return found

    @view
    def wrong(self) -> int:
        return len(self.bills.scan("a", start=(1, 2, 3), limit=4))

    @view
    def outside(self) -> int:
        return len(self.bills.scan("a", start=2, end=1, limit=4)) + len(self.bills.scan("a", end=1, limit=4, after=("b", 1, 1)))
"#;

#[test]
fn range_scans_have_bounds_and_a_cursor() {
    let mut ledger = Ledger::new(SCANS);
    ledger.value("fill", &[]);
    let pair = |(day, number): &(i64, i64)| Value::Array(vec![int(*day), int(*number)]);
    let wanted: Vec<Value> = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
        .iter()
        .map(pair)
        .collect();
    for limit in 1..7 {
        assert_eq!(
            ledger.value("days", &[("limit", int(limit))]),
            Value::Array(wanted.clone())
        );
    }
    assert_eq!(
        ledger.failed("a@n", "wrong", &[]).reason.as_deref(),
        Some("TypeError")
    );
    assert_eq!(ledger.value("outside", &[]), int(0));
}

const PARTIES: &str = r#"
from lianheng.contract import Contract, Record, Table, call

class Agreement(Record):
    id: int
    buyer: str
    seller: str | None
    witnesses: list[str]
    signatories = ("buyer", "seller", "witnesses")
    observers = ("seller",)

class Agreements(Contract):
    deals = Table(Agreement, key="id")

    @call(by="ANY")
    def put(self, id: int, buyer: str, seller: str | None, witnesses: list[str]) -> None:
        try:
            self.deals[id] = Agreement(id, buyer, seller, witnesses)
        except Exception:
            pass

    @call(by="ANY")
    def drop(self, id: int) -> None:
        del self.deals[id]
"#;

fn signed(ledger: &mut Ledger, members: &[&str], method: &str, given: &[(&str, Value)]) -> Outcome {
    let signers: Vec<SignerInfo> = members
        .iter()
        .map(|member| SignerInfo {
            member: (*member).to_string(),
            organisation: member.split('@').nth(1).unwrap_or("").to_string(),
            roles: Vec::new(),
            key_id: [0; 32],
        })
        .collect();
    let context = CallContext {
        contract: "test",
        member: &signers[0].member,
        organisation: &signers[0].organisation,
        roles: &[],
        signers: &signers,
        now_ms: 0,
        height: 1,
        transaction_id: [0; 32],
        application: None,
        attachments: &[],
        via: None,
        chain: "test",
        timer_gas: 50_000_000,
        read_only: false,
    };
    let before = ledger.state.clone();
    let outcome = vm::run(
        &ledger.program,
        method,
        &arguments(given),
        &context,
        &mut ledger.state,
        1_000_000,
    );
    if !matches!(outcome, Outcome::Finished(_)) {
        ledger.state = before;
    }
    outcome
}

const PEOPLE: [&str; 4] = ["ann@a", "bob@b", "cat@c", "dan@d"];
const NAMES: [&str; 6] = ["ann@a", "bob@b", "cat@c", "a", "b", "c"];

fn met(party: &str, signers: &[&str]) -> bool {
    signers
        .iter()
        .any(|signer| *signer == party || signer.split('@').nth(1) == Some(party))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_signatories_old_and_new_must_sign(
        steps in prop::collection::vec(
            (prop::sample::subsequence(PEOPLE.to_vec(), 1..=4), 0..6_usize, prop::option::of(0..6_usize), prop::collection::vec(0..6_usize, 0..2), prop::bool::weighted(0.2)),
            1..25,
        )
    ) {
        let mut ledger = Ledger::new(PARTIES);
        let mut old: Option<BTreeSet<&str>> = None;
        for (signers, buyer, seller, witnesses, delete) in steps {
            let mut parties: BTreeSet<&str> = old.clone().unwrap_or_default();
            let outcome = if delete {
                if old.is_none() {
                    continue;
                }
                signed(&mut ledger, &signers, "drop", &[("id", int(1))])
            } else {
                parties.insert(NAMES[buyer]);
                parties.extend(seller.iter().map(|at| NAMES[*at]));
                parties.extend(witnesses.iter().map(|at| NAMES[*at]));
                signed(&mut ledger, &signers, "put", &[
                    ("id", int(1)),
                    ("buyer", text(NAMES[buyer])),
                    ("seller", seller.map_or(Value::Null, |at| text(NAMES[at]))),
                    ("witnesses", Value::Array(witnesses.iter().map(|at| text(NAMES[*at])).collect())),
                ])
            };
            let missing = parties.iter().find(|party| !met(party, &signers));
            match (outcome, missing) {
                (Outcome::Finished(_), None) => {
                    old = (!delete).then(|| {
                        let mut new = BTreeSet::from([NAMES[buyer]]);
                        new.extend(seller.iter().map(|at| NAMES[*at]));
                        new.extend(witnesses.iter().map(|at| NAMES[*at]));
                        new
                    });
                }
                (Outcome::Failed(failed), Some(missing)) => {
                    prop_assert_eq!(failed.code, "policy.signatory");
                    prop_assert!(failed.message.contains(&format!("'{missing}'")), "{}", failed.message);
                }
                (outcome, missing) => prop_assert!(false, "{:?} although missing {:?}", outcome, missing),
            }
        }
    }
}

#[test]
fn a_call_sees_application_and_attachments() {
    let source = "from lianheng.contract import Contract, call\n\nclass C(Contract):\n    @call(by=\"ANY\")\n    def f(self) -> tuple[str | None, list[bytes]]:\n        return self.application, list(self.attachments)\n";
    let program = compiled(source);
    let mut state = common::Memory::default();
    let context = CallContext {
        contract: "test",
        member: "a@n",
        organisation: "n",
        roles: &[],
        signers: &[],
        now_ms: 0,
        height: 1,
        transaction_id: [0; 32],
        application: Some("till"),
        attachments: &[[7; 32], [8; 32]],
        via: None,
        chain: "test",
        timer_gas: 50_000_000,
        read_only: false,
    };
    let outcome = vm::run(&program, "f", &arguments(&[]), &context, &mut state, 10_000);
    let Outcome::Finished(done) = outcome else {
        panic!("{outcome:?}")
    };
    let hashes = Value::Array(vec![Value::bytes(vec![7; 32]), Value::bytes(vec![8; 32])]);
    assert_eq!(
        decode(&done.value).unwrap(),
        Value::Array(vec![text("till"), hashes])
    );
}

#[test]
fn programs_with_state_survive_their_bytes() {
    for source in [CELLS, UNIQUE, SCANS, PARTIES] {
        let program = compiled(source);
        let again = vm::Program::from_bytes(&program.to_bytes()).expect("own bytes");
        assert_eq!(again.to_bytes(), program.to_bytes());
        assert_eq!(again.interface(), program.interface());
    }
}
