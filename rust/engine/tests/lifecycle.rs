//! Upgrades, migrations, freezing and retiring, through blocks, reopening and fsck.

mod support;

use std::path::Path;
use std::sync::Arc;

use codec::cbor::{self, Value};
use engine::{ContractPython, Engine, Range};
use support::{admin_document, block, code_of, Draft, GENESIS_TIME};

const FIRST: &str = r#"
from lianheng.contract import Contract, Counter, Event, Record, Table, call, view

class Item(Record):
    id: str
    holder: str
    amount: int

class Stock(Contract):
    items = Table(Item, key="id", indexes=["holder"])
    numbers = Counter()

    @call(by="ANY")
    def put(self, id: str, holder: str, amount: int) -> int:
        self.items[id] = Item(id=id, holder=holder, amount=amount)
        return self.numbers.next()

    @view
    def held(self, holder: str) -> int:
        return sum([item.amount for item in self.items.by("holder", holder, limit=100)])
"#;

struct Chain {
    engine: Engine,
    number: u64,
}

impl Chain {
    fn new(path: Option<&Path>) -> Self {
        let engine = Engine::create(path, &admin_document(), Arc::new(ContractPython)).unwrap();
        let mut chain = Chain { engine, number: 0 };
        assert_eq!(chain.system("deploy", FIRST), "");
        for (id, holder, amount) in [("a", "ann", 1), ("b", "bob", 2), ("c", "ann", 3)] {
            assert_eq!(chain.put(id, holder, amount), "");
        }
        chain
    }

    fn send(
        &mut self,
        contract: &str,
        method: &str,
        arguments: &[(&str, Value)],
        by: &str,
    ) -> String {
        self.number += 1;
        let mut draft = Draft::new(method, arguments, self.number).by(by);
        draft.contract = contract.into();
        draft.gas = 1 << 30;
        let outcome = block(&self.engine, &[draft], GENESIS_TIME + self.number);
        code_of(&outcome, 0)
    }

    fn system(&mut self, method: &str, source: &str) -> String {
        let name = ("name", Value::text("stock"));
        let more = [
            ("file", Value::text("stock.py")),
            ("source", Value::text(source)),
        ];
        let arguments = match method {
            "deploy" | "upgrade" => [vec![name], more.to_vec()].concat(),
            _ => vec![name],
        };
        self.send("contracts", method, &arguments, "alice@north")
    }

    fn put(&mut self, id: &str, holder: &str, amount: i64) -> String {
        let arguments = [
            ("id", Value::text(id)),
            ("holder", Value::text(holder)),
            ("amount", Value::Int(amount)),
        ];
        self.send("stock", "put", &arguments, "carol@south")
    }

    fn view(&self, method: &str, arguments: &[(&str, Value)]) -> Result<Value, String> {
        let arguments = arguments
            .iter()
            .map(|(name, value)| (Value::text(*name), value.clone()));
        let arguments = cbor::encode(&Value::Map(arguments.collect())).unwrap();
        let asked = self
            .engine
            .view("stock", method, &arguments, None, 1 << 30)
            .unwrap();
        let Value::Map(fields) = cbor::decode(&asked).unwrap() else {
            panic!("a result is a map")
        };
        let field = |key: i64| {
            let mut all = fields.iter();
            all.find(|(known, _)| *known == Value::Int(key))
                .map(|(_, value)| value.clone())
        };
        match field(5) {
            Some(Value::Map(error)) => Err(format!("{:?}", error[0].1)),
            _ => Ok(field(3).unwrap_or(Value::Null)),
        }
    }

    fn entries(&self, table: &str) -> usize {
        let range = Range {
            contract: "stock",
            table,
            prefix: &[],
            after: None,
            limit: 100,
            reverse: false,
        };
        self.engine.scan_index(&range).unwrap().len()
    }

    fn sound(&self) {
        let checked = self.engine.fsck(&mut |_, _| true).unwrap();
        assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    }
}

fn ann() -> (&'static str, Value) {
    ("holder", Value::text("ann"))
}

#[test]
fn an_additive_upgrade_needs_no_migration_and_makes_new_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::new(Some(folder.path()));
    let next = FIRST
        .replace(
            "    amount: int\n",
            "    amount: int\n    note: str | None = None\n",
        )
        .replace(
            "indexes=[\"holder\"]",
            "indexes=[\"amount\"], unique=[(\"holder\", \"amount\")]",
        );
    let rehearsed = chain
        .engine
        .rehearse_upgrade("stock", "stock.py", &next, &[])
        .unwrap();
    assert_eq!(rehearsed.refusal, None);
    assert!(rehearsed
        .changes
        .iter()
        .all(|change| !change.needs_migration));
    let said: Vec<&str> = rehearsed
        .changes
        .iter()
        .map(|change| change.how.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "Item.note added",
            "index (amount) added",
            "index (holder) removed",
            "unique index (holder,amount) added"
        ]
    );
    // Three entries of the old index go, three come in each of the two new ones.
    assert_eq!((rehearsed.rows, rehearsed.index_entries), (0, 9));
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(4)));
    assert_eq!(chain.system("upgrade", &next), "");
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(4)));
    assert_eq!(
        ["items:holder", "items:amount", "items:holder,amount"].map(|t| chain.entries(t)),
        [0, 3, 3]
    );
    assert_eq!(chain.put("d", "ann", 3), "contract.error");
    assert_eq!(chain.put("d", "ann", 4), "");
    chain.sound();
    let root = chain.engine.status().state_root;
    drop(chain);
    let engine = Engine::open(folder.path(), Arc::new(ContractPython), false).unwrap();
    assert_eq!(engine.status().state_root, root);
    let mut chain = Chain {
        engine,
        number: 100,
    };
    assert_eq!(chain.put("e", "ann", 4), "contract.error");
    assert_eq!(chain.system("upgrade", &next), "contract.unchanged");
    // Back to the first source: the third in force, so a migration would start from source 1.
    assert_eq!(
        chain
            .engine
            .rehearse_upgrade("stock", "stock.py", FIRST, &[])
            .unwrap()
            .from_version,
        1
    );
}

const SECOND: &str = r#"
from lianheng.contract import Contract, Counter, Event, Record, Table, call, migrate, view

class Lot(Record):
    holder: str
    id: str
    cents: int

class Moved(Event):
    rows: int

class Stock(Contract):
    lots = Table(Lot, key=("holder", "id"), indexes=["cents"])
    numbers = Counter()

    @migrate(from_version=0)
    def to_lots(self) -> None:
        rows = self.drain("items")
        for row in rows:
            self.lots[row["holder"], row["id"]] = Lot(row["holder"], row["id"], row["amount"] * 100)
        self.emit(Moved(rows=len(rows)))

    @view
    def held(self, holder: str) -> int:
        return sum([lot.cents for lot in self.lots.scan(holder, limit=100)])
"#;

#[test]
fn a_migration_runs_once_whole_or_not_at_all() {
    let mut chain = Chain::new(None);
    let without = SECOND.replace("from_version=0", "from_version=7");
    assert_eq!(
        chain.system("upgrade", &without),
        "contract.migration_missing"
    );
    let forgets = SECOND.replace("rows = self.drain(\"items\")", "rows = []");
    assert_eq!(chain.system("upgrade", &forgets), "contract.leftover");
    let breaks = SECOND.replace("self.emit(", "assert rows == []\n        self.emit(");
    let rehearsed = chain
        .engine
        .rehearse_upgrade("stock", "stock.py", &breaks, &[])
        .unwrap();
    let refusal = rehearsed.refusal.unwrap();
    assert_eq!(
        (refusal.code.as_ref(), refusal.file.as_deref(), refusal.line),
        ("contract.error", Some("stock.py"), Some(21))
    );
    assert_eq!(chain.system("upgrade", &breaks), "contract.error");
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(4)));
    assert_eq!(chain.entries("items:holder"), 3);
    assert_eq!(chain.system("upgrade", SECOND), "");
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(400)));
    assert_eq!(
        ["items:holder", "lots:cents"].map(|table| chain.entries(table)),
        [0, 3]
    );
    assert_eq!(chain.put("a", "ann", 1), "call.unknown_method");
    chain.sound();
}

#[test]
fn only_admins_change_a_contract_and_only_where_it_can() {
    let mut chain = Chain::new(None);
    let name = ("name", Value::text("stock"));
    for method in ["freeze", "thaw", "retire", "upgrade"] {
        assert_eq!(
            chain.send(
                "contracts",
                method,
                std::slice::from_ref(&name),
                "bob@south"
            ),
            "policy.denied"
        );
    }
    assert_eq!(
        chain.send("contracts", "freeze", &[], "alice@north"),
        "call.bad_arguments"
    );
    assert_eq!(
        chain.send("contracts", "melt", &[name], "alice@north"),
        "call.unknown_method"
    );
    let unknown = ("name", Value::text("nothing"));
    assert_eq!(
        chain.send("contracts", "freeze", &[unknown], "alice@north"),
        "call.unknown_contract"
    );
    assert_eq!(chain.system("thaw", ""), "contract.status");
    assert_eq!(chain.system("upgrade", "x ="), "contract.invalid");
}

#[test]
fn frozen_answers_views_and_retired_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::new(Some(folder.path()));
    assert_eq!(chain.system("freeze", ""), "");
    assert_eq!(chain.put("d", "ann", 9), "contract.frozen");
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(4)));
    drop(chain);
    let engine = Engine::open(folder.path(), Arc::new(ContractPython), true).unwrap();
    let mut chain = Chain {
        engine,
        number: 100,
    };
    assert_eq!(chain.put("d", "ann", 9), "contract.frozen");
    // A frozen contract can be mended before it is thawed.
    assert_eq!(chain.system("upgrade", SECOND), "");
    assert_eq!(chain.view("held", &[ann()]), Ok(Value::Int(400)));
    assert_eq!(chain.put("d", "ann", 9), "contract.frozen");
    assert_eq!(chain.system("thaw", ""), "");
    assert_eq!(chain.put("d", "ann", 9), "call.unknown_method");
    assert_eq!(chain.system("retire", ""), "");
    assert_eq!(chain.put("d", "ann", 9), "contract.retired");
    assert_eq!(
        chain.view("held", &[ann()]),
        Err("Text(\"contract.retired\")".into())
    );
    assert_eq!(chain.system("thaw", ""), "contract.status");
    assert_eq!(chain.system("upgrade", FIRST), "contract.retired");
    chain.sound();
    drop(chain);
    let engine = Engine::open(folder.path(), Arc::new(ContractPython), false).unwrap();
    let mut chain = Chain {
        engine,
        number: 200,
    };
    assert_eq!(chain.put("d", "ann", 9), "contract.retired");
}

const SIGNED: &str = r#"
from lianheng.contract import Contract, Record, Table, call, view

class Deal(Record):
    id: str
    buyer: str
    witnesses: list[str]
    amount: int
    signatories = ("buyer", "witnesses")

class Deals(Contract):
    deals = Table(Deal, key="id")

    @call(by="ANY")
    def put(self, id: str, holder: str, amount: int) -> None:
        self.deals[id] = Deal(id, holder, ["carol@south"], amount)

    @view
    def held(self, holder: str) -> int:
        return sum([deal.amount for deal in self.deals.scan(limit=100) if deal.buyer == holder])
"#;

const SIGNED_NEXT: &str = r#"
from lianheng.contract import Contract, Record, Table, call, migrate, view

class Deal(Record):
    id: str
    buyer: str
    witness: str
    cents: int
    signatories = ("buyer", "witness")

class Deals(Contract):
    deals = Table(Deal, key=("buyer", "id"))

    @migrate(from_version=0)
    def to_cents(self) -> None:
        for row in self.drain("deals"):
            self.deals[row["buyer"], row["id"]] = Deal(row["id"], row["buyer"], row["witnesses"][0], row["amount"] * 100)

    @view
    def held(self, holder: str) -> int:
        return sum([deal.cents for deal in self.deals.scan(holder, limit=100)])
"#;

#[test]
fn a_migration_keeps_everybodys_part_or_needs_their_signature() {
    let engine = Engine::create(None, &admin_document(), Arc::new(ContractPython)).unwrap();
    let mut chain = Chain { engine, number: 0 };
    assert_eq!(chain.system("deploy", SIGNED), "");
    assert_eq!(chain.put("a", "north", 1), "policy.signatory");
    assert_eq!(chain.put("a", "south", 1), "");
    assert_eq!(chain.put("b", "carol@south", 2), "");
    // Carol did not sign the upgrades: the admin may neither drop her rows, nor put others in.
    let drops = SIGNED_NEXT.replace(
        "for row in self.drain(\"deals\")",
        "for row in self.drain(\"deals\")[1:]",
    );
    assert_eq!(chain.system("upgrade", &drops), "policy.signatory");
    let other = SIGNED_NEXT.replace("row[\"witnesses\"][0], row", "\"bob@south\", row");
    assert_eq!(chain.system("upgrade", &other), "policy.signatory");
    assert_eq!(chain.system("upgrade", SIGNED_NEXT), "");
    let south = ("holder", Value::text("south"));
    assert_eq!(chain.view("held", &[south]), Ok(Value::Int(100)));
    chain.sound();
}
