//! Calls between contracts and imports of deployed sources, through blocks, upgrades and reopening.

mod support;

use std::path::Path;
use std::sync::Arc;

use codec::cbor::{self, Value};
use crypto::Suite;
use engine::{ContractPython, Engine};
use support::{admin_document, block, code_of, Draft, GENESIS_TIME};

const STOCK: &str = r#"
from lianheng.contract import Contract, Enum, Event, Record, Table, call, require, view

class Kind(Enum):
    RAW = "raw"
    MADE = "made"

class Item(Record):
    id: str
    amount: int
    kind: Kind = Kind.RAW

class Moved(Event):
    id: str

def total(items: list[Item]) -> int:
    return sum(checked(item) for item in items)

def checked(item: Item) -> int:
    require(item.amount < LIMIT, "too_many", f"{item.amount} of {item.id}")
    return item.amount

LIMIT = 1_000
NAMES = ["a"]

class Stock(Contract):
    items = Table(Item, key="id")

    @call(by="ANY or via:ANY")
    def put(self, id: str, amount: int) -> Item:
        self.items[id] = Item(id=id, amount=amount)
        self.emit(Moved(id=id))
        return self.items[id]

    @call(by="via:shop")
    def take(self, id: str) -> str:
        return f"{self.via} for {self.caller.member}"

    @view
    def amount(self, id: str) -> int:
        return self.items[id].amount
"#;

const SHOP: &str = r#"
from lianheng.contract import Contract, Counter, Event, Interface, Record, Uses, call, view

class Goods(Record):
    id: str
    amount: int
    kind: str

class Stock(Interface):
    @call
    def put(self, id: str, amount: int) -> object: ...
    @call
    def take(self, id: str) -> str: ...
    @view
    def amount(self, id: str) -> int: ...

class Sold(Event):
    n: int

class Shop(Contract):
    stock = Uses(Stock, contract="stock")
    sold = Counter()

    @call(by="ANY")
    def sell(self, id: str, amount: int) -> int:
        self.emit(Sold(n=self.sold.next()))
        self.stock.put(id, amount)
        self.emit(Sold(n=self.sold.next()))
        return self.stock.amount(id)

    @call(by="ANY")
    def take(self) -> str:
        return self.stock.take("a")

    @call(by="ANY")
    def flood(self, count: int) -> None:
        for number in range(count):
            self.stock.put("x", number)

    @view
    def amount(self, id: str) -> int:
        return self.stock.amount(id)
"#;

/// A contract that passes a call on to `next`, which may be itself in the end.
fn relay(next: &str) -> String {
    format!(
        r#"
from lianheng.contract import Contract, Counter, Interface, Uses, call, view

class Next(Interface):
    @call
    def go(self, depth: int) -> int: ...
    @view
    def look(self) -> int: ...

class Relay(Contract):
    next = Uses(Next, contract="{next}")
    passed = Counter()

    @call(by="ANY or via:ANY")
    def go(self, depth: int) -> int:
        self.passed.next()
        try:
            return self.next.go(depth + 1) if depth < 9 else self.next.look()
        except Exception:
            return -1

    @view
    def look(self) -> int:
        return self.next.look()
"#
    )
}

const END: &str = r#"
from lianheng.contract import Contract, Counter, call, view

class End(Contract):
    passed = Counter()

    @call(by="ANY or via:ANY")
    def go(self, depth: int) -> int:
        self.passed.next()
        return depth

    @view
    def look(self) -> int:
        return 7
"#;

struct Chain {
    engine: Engine,
    number: u64,
    gas: u64,
}

impl Chain {
    fn new(path: Option<&Path>) -> Self {
        let engine = Engine::create(path, &admin_document(), Arc::new(ContractPython)).unwrap();
        Chain {
            engine,
            number: 0,
            gas: 1 << 30,
        }
    }

    fn with_shop() -> Self {
        let mut chain = Chain::new(None);
        assert_eq!(chain.system("deploy", "stock", STOCK), "");
        assert_eq!(chain.system("deploy", "shop", SHOP), "");
        chain
    }

    fn draft(&mut self, contract: &str, method: &str, arguments: &[(&str, Value)]) -> Draft {
        self.number += 1;
        let mut draft = Draft::new(method, arguments, self.number).by("alice@north");
        draft.contract = contract.into();
        draft.gas = self.gas;
        draft
    }

    fn call(&mut self, contract: &str, method: &str, arguments: &[(&str, Value)]) -> String {
        let draft = self.draft(contract, method, arguments);
        let outcome = block(&self.engine, &[draft], GENESIS_TIME + self.number);
        code_of(&outcome, 0)
    }

    /// The result of a call, decoded.
    fn result(&mut self, contract: &str, method: &str, arguments: &[(&str, Value)]) -> Value {
        let draft = self.draft(contract, method, arguments);
        let outcome = block(&self.engine, &[draft], GENESIS_TIME + self.number);
        cbor::decode(outcome.result(0).unwrap().unwrap()).unwrap()
    }

    fn system(&mut self, method: &str, name: &str, source: &str) -> String {
        let mut arguments = vec![("name", Value::text(name))];
        if !source.is_empty() {
            arguments.push(("file", Value::text(format!("{name}.py"))));
            arguments.push(("source", Value::text(source)));
        }
        self.call("contracts", method, &arguments)
    }

    fn sound(&self) {
        let checked = self.engine.fsck(&mut |_, _| true).unwrap();
        assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    }
}

fn field(result: &Value, key: i64) -> Value {
    let Value::Map(fields) = result else { panic!() };
    let mut fields = fields.iter();
    let found = fields.find(|(known, _)| *known == Value::Int(key));
    found.map_or(Value::Null, |(_, value)| value.clone())
}

fn sale(amount: i64) -> [(&'static str, Value); 2] {
    [("id", Value::text("a")), ("amount", Value::Int(amount))]
}

#[test]
fn events_of_several_contracts_stand_in_order_each_counted_in_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::new(Some(folder.path()));
    assert_eq!(chain.system("deploy", "stock", STOCK), "");
    assert_eq!(chain.system("deploy", "shop", SHOP), "");
    assert_eq!(chain.call("stock", "put", &sale(1)), "");
    let result = chain.result("shop", "sell", &sale(5));
    assert_eq!(field(&result, 3), Value::Int(5));
    let Value::Array(events) = field(&result, 4) else {
        panic!("{result:?}")
    };
    let heads: Vec<_> = events
        .iter()
        .map(|event| match event {
            Value::Array(parts) => (parts[0].clone(), parts[1].clone()),
            _ => panic!(),
        })
        .collect();
    let head = |contract: &str, number| (Value::text(contract), Value::Int(number));
    assert_eq!(heads, [head("shop", 0), head("stock", 1), head("shop", 1)]);
    chain.sound();
    let root = chain.engine.status().state_root;
    drop(chain);
    // Executed again from the log: the same root.
    let engine = Engine::open(folder.path(), Arc::new(ContractPython), true).unwrap();
    assert_eq!(engine.status().state_root, root);
}

#[test]
fn a_policy_may_ask_for_the_calling_contract_and_nobody_else_meets_it() {
    let mut chain = Chain::with_shop();
    let id = [("id", Value::text("a"))];
    assert_eq!(chain.call("stock", "take", &id), "policy.denied");
    let result = chain.result("shop", "take", &[]);
    assert_eq!(field(&result, 3), Value::text("shop for alice@north"));
    // The same code under another name is another caller.
    assert_eq!(chain.system("deploy", "shop2", SHOP), "");
    assert_eq!(chain.call("shop2", "take", &[]), "policy.denied");
}

#[test]
fn an_interface_that_lies_is_not_deployed() {
    let mut chain = Chain::new(None);
    assert_eq!(chain.system("deploy", "shop", SHOP), "contract.interface");
    assert_eq!(chain.system("deploy", "stock", STOCK), "");
    let lies = [
        (
            "def amount(self, id: str) -> int",
            "def amount(self, id: str) -> str",
        ),
        (
            "def amount(self, id: str) -> int",
            "def amount(self, id: int) -> int",
        ),
        (
            "def amount(self, id: str) -> int",
            "def amount(self, key: str) -> int",
        ),
        (
            "def amount(self, id: str) -> int",
            "def amount(self) -> int",
        ),
        (
            "    @view\n    def amount(self, id: str) -> int: ...",
            "    @call\n    def amount(self, id: str) -> int: ...",
        ),
        ("amount: int) -> object", "amount: int) -> Goods | None"),
        (
            "amount: int) -> object",
            "amount: int, more: int) -> object",
        ),
        (
            "def take(self, id: str) -> str: ...",
            "def take(self, id: str) -> str: ...\n    @call\n    def gone(self) -> None: ...",
        ),
        ("contract=\"stock\"", "contract=\"shop\""),
        ("contract=\"stock\"", "contract=\"contracts\""),
    ];
    for (honest, lie) in lies {
        let source = SHOP.replacen(honest, lie, 1);
        let told = chain.system("deploy", "shop", &source);
        let ends = ["contract.interface", "contract.invalid"];
        assert!(ends.contains(&told.as_str()), "{lie}: {told}");
    }
    let pinned = SHOP.replace(
        "contract=\"stock\"",
        &format!("contract=\"stock\", source=\"{}\"", "0".repeat(64)),
    );
    assert_eq!(chain.system("deploy", "shop", &pinned), "code.mismatch");
    let hash = Suite::One.hash(STOCK.as_bytes()).to_string();
    assert_eq!(
        chain.system("deploy", "shop", &pinned.replace(&"0".repeat(64), &hash)),
        ""
    );
    assert_eq!(chain.call("shop", "sell", &sale(2)), "");
    // The pinned source is gone after an upgrade.
    let next = STOCK.replace("LIMIT = 1_000", "LIMIT = 2_000");
    assert_eq!(chain.system("upgrade", "stock", &next), "");
    assert_eq!(chain.call("shop", "sell", &sale(2)), "code.mismatch");
}

#[test]
fn after_an_upgrade_the_interface_is_compared_again() {
    let mut chain = Chain::with_shop();
    assert_eq!(chain.call("shop", "sell", &sale(2)), "");
    let other = STOCK.replace(
        "def amount(self, id: str) -> int",
        "def amount(self, id: str, place: str) -> int",
    );
    assert_eq!(chain.system("upgrade", "stock", &other), "");
    assert_eq!(chain.call("shop", "sell", &sale(3)), "contract.interface");
    let wider = STOCK.replace(
        "def amount(self, id: str) -> int",
        "def amount(self, id: str | None, place: str = \"\") -> int",
    );
    let wider = wider.replace("self.items[id].amount", "self.items[id or \"a\"].amount");
    assert_eq!(chain.system("upgrade", "stock", &wider), "");
    assert_eq!(chain.call("shop", "sell", &sale(4)), "");
    chain.sound();
}

#[test]
fn a_frozen_callee_takes_no_calls_and_a_retired_one_nothing() {
    let mut chain = Chain::with_shop();
    assert_eq!(chain.call("shop", "sell", &sale(2)), "");
    // Frozen in the middle of a block, between two calls of the same caller.
    let name = [("name", Value::text("stock"))];
    let drafts = [
        chain.draft("shop", "sell", &sale(3)),
        chain.draft("contracts", "freeze", &name),
        chain.draft("shop", "sell", &sale(4)),
        chain.draft("contracts", "thaw", &name),
        chain.draft("shop", "sell", &sale(5)),
        chain.draft("contracts", "retire", &name),
        chain.draft("shop", "sell", &sale(6)),
    ];
    let outcome = block(&chain.engine, &drafts, GENESIS_TIME + 100);
    let codes: Vec<String> = (0..drafts.len()).map(|at| code_of(&outcome, at)).collect();
    assert_eq!(
        codes,
        ["", "", "contract.frozen", "", "", "", "contract.retired"]
    );
    chain.sound();
}

#[test]
fn no_contract_is_entered_twice_not_even_through_three_others() {
    let mut chain = Chain::new(None);
    assert_eq!(chain.system("deploy", "a", END), "");
    assert_eq!(chain.system("deploy", "b", &relay("a")), "");
    assert_eq!(chain.system("deploy", "c", &relay("b")), "");
    assert_eq!(chain.system("upgrade", "a", &relay("c")), "");
    for depth in [0, 9] {
        let depth = [("depth", Value::Int(depth))];
        assert_eq!(chain.call("a", "go", &depth), "call.reentered");
    }
    assert_eq!(
        chain.system("deploy", "self_", &relay("self_")),
        "contract.interface"
    );
    chain.sound();
}

#[test]
fn a_chain_of_calls_is_four_contracts_deep() {
    let mut chain = Chain::new(None);
    assert_eq!(chain.system("deploy", "a1", END), "");
    for number in 2..=5 {
        let source = relay(&format!("a{}", number - 1));
        assert_eq!(chain.system("deploy", &format!("a{number}"), &source), "");
    }
    let depth = [("depth", Value::Int(0))];
    assert_eq!(chain.call("a4", "go", &depth), "");
    assert_eq!(chain.call("a5", "go", &depth), "limit.depth");
    let told = chain
        .engine
        .view("a5", "look", &[0xa0], None, 1 << 30)
        .unwrap();
    assert!(String::from_utf8_lossy(&told).contains("limit.depth"));
    let told = chain
        .engine
        .view("a4", "look", &[0xa0], None, 1 << 30)
        .unwrap();
    assert_eq!(field(&cbor::decode(&told).unwrap(), 3), Value::Int(7));
}

#[test]
fn gas_events_and_writes_are_counted_once_for_all() {
    let mut chain = Chain::with_shop();
    let flood = |count: i64| [("count", Value::Int(count))];
    assert_eq!(chain.call("shop", "flood", &flood(900)), "");
    assert_eq!(chain.call("shop", "flood", &flood(1_001)), "limit.events");
    chain.gas = 20_000;
    let result = chain.result("shop", "flood", &flood(900));
    let Value::Map(error) = field(&result, 5) else {
        panic!("{result:?}")
    };
    assert_eq!(error[0].1, Value::text("gas.exhausted"));
    assert_eq!(field(&result, 2), Value::Int(20_000));
    chain.sound();
}

#[test]
fn every_gas_limit_ends_the_same_way_and_never_half() {
    let mut chain = Chain::with_shop();
    let full = field(&chain.result("shop", "sell", &sale(1)), 2);
    let Value::Int(full) = full else { panic!() };
    let root = chain.engine.status().state_root;
    for part in 0..40 {
        chain.gas = (full * part / 40).max(1) as u64;
        assert_eq!(
            chain.call("shop", "sell", &sale(9)),
            "gas.exhausted",
            "{part}"
        );
        let told = chain
            .engine
            .view("shop", "amount", &id_a(), None, 1 << 30)
            .unwrap();
        assert_eq!(field(&cbor::decode(&told).unwrap(), 3), Value::Int(1));
    }
    assert_eq!(chain.engine.status().state_root, root);
}

fn id_a() -> Vec<u8> {
    cbor::encode(&Value::Map(vec![(Value::text("id"), Value::text("a"))])).unwrap()
}

fn importing(names: &str, more: &str) -> String {
    let hash = Suite::One.hash(STOCK.as_bytes()).to_string();
    let module = &hash[..16];
    format!(
        r#"
from lianheng.chain.stock_{module} import {names}
from lianheng.contract import Contract, Table, call

class Totals(Contract):
    lists = Table(Item, key="id")

    @call(by="ANY")
    def add(self, id: str, amount: int) -> int:
        self.lists[id] = Item(id=id, amount=amount)
        return total(self.lists.scan(limit=10))
{more}"#
    )
}

#[test]
fn deployed_code_is_imported_and_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::new(Some(folder.path()));
    let source = importing("Item, total", "");
    assert_eq!(
        chain.system("deploy", "totals", &source),
        "contract.invalid"
    );
    assert_eq!(chain.system("deploy", "stock", STOCK), "");
    assert_eq!(chain.system("deploy", "totals", &source), "");
    let result = chain.result("totals", "add", &sale(5));
    assert_eq!(field(&result, 3), Value::Int(5));
    let result = chain.result("totals", "add", &sale(1_000));
    let Value::Map(error) = field(&result, 5) else {
        panic!()
    };
    let part = |key: i64| {
        let mut all = error.iter();
        all.find(|(k, _)| *k == Value::Int(key))
            .map(|(_, v)| v.clone())
    };
    let hash = Suite::One.hash(STOCK.as_bytes()).to_string();
    assert_eq!(part(3), Some(Value::text("too_many")));
    assert_eq!(
        part(4),
        Some(Value::text(format!("stock_{}.py", &hash[..16])))
    );
    assert_eq!(part(5), Some(Value::Int(20)));
    // The other's upgrade and end change nothing here.
    let next = STOCK.replace("LIMIT = 1_000", "LIMIT = 2_000");
    assert_eq!(chain.system("upgrade", "stock", &next), "");
    assert_eq!(chain.system("retire", "stock", ""), "");
    assert_eq!(
        chain.call("totals", "add", &sale(1_500)),
        "contract.rejected"
    );
    assert_eq!(chain.call("totals", "add", &sale(6)), "");
    // A source that was in force once can still be imported.
    assert_eq!(chain.system("deploy", "again", &source), "");
    chain.sound();
    let root = chain.engine.status().state_root;
    drop(chain);
    let engine = Engine::open(folder.path(), Arc::new(ContractPython), true).unwrap();
    assert_eq!(engine.status().state_root, root);
}

#[test]
fn what_cannot_be_imported_is_refused_by_name() {
    let mut chain = Chain::new(None);
    assert_eq!(chain.system("deploy", "stock", STOCK), "");
    for (names, more) in [
        ("Item, total, Stock", ""),
        ("Item, total, NAMES", ""),
        ("Item, total, nothing", ""),
        ("Item, total, *", ""),
        ("Item, total", "\nclass Kind(Record):\n    id: str\n"),
    ] {
        let source = importing(names, more);
        assert_eq!(
            chain.system("deploy", "totals", &source),
            "contract.invalid",
            "{names}"
        );
    }
    let source = importing("Item, total, Kind as Sort, LIMIT, Moved", "");
    assert_eq!(chain.system("deploy", "totals", &source), "");
    // Compiling what is imported costs its bytes, too.
    let least = 20 * source.len() as u64;
    chain.gas = least + 100;
    assert_eq!(chain.system("deploy", "poor", &source), "gas.exhausted");
    chain.gas = least + 20 * STOCK.len() as u64;
    assert_eq!(chain.system("deploy", "rich", &source), "");
    chain.sound();
}
