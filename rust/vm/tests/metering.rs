//! Prices by size, listings in pages, and memory that builtins hold while they work.

mod common;

use codec::cbor::Value;
use common::{evaluate, Ledger};
use vm::Outcome;

fn gas_of(body: &str) -> u64 {
    match evaluate(body) {
        Outcome::Finished(finished) => finished.gas,
        other => panic!("{body}: {other:?}"),
    }
}

fn code_of(body: &str) -> &'static str {
    match evaluate(body) {
        Outcome::Failed(failed) => failed.code,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn larger_operands_cost_more() {
    for (small, large) in [
        (
            "x = 3 ** 60; return x < x + 1",
            "x = 3 ** 2500; return x < x + 1",
        ),
        (
            "return str(pow(7, -1, 5 ** 40))[:0]",
            "return str(pow(7, -1, 5 ** 1500))[:0]",
        ),
        (
            "return ('ab' * 10).title()[:1]",
            "return ('ab' * 9999).title()[:1]",
        ),
        (
            "return (b' ' * 10).isspace()",
            "return (b' ' * 9999).isspace()",
        ),
        ("return int('1' * 10) > 0", "return int('1' * 900) > 0"),
        ("return len(list('a' * 10))", "return len(list('a' * 999))"),
    ] {
        assert!(gas_of(large) > gas_of(small) + 50, "{large}");
    }
}

#[test]
fn powers_with_a_small_modulus_are_right() {
    let body = "\
for x in (-5, 0, 3, 2 ** 40, -(2 ** 63)):
    for y in (0, 1, 5, 1000):
        for m in (1, -1, 7, -7, 2 ** 62 + 1, -(2 ** 63)):
            assert pow(x, y, m) == x ** min(y, 5) % m or y > 5
            assert pow(x, y, m) == pow(x, y, m * 2 ** 70) % m
return True";
    assert!(gas_of(body) > 0);
}

#[test]
fn what_builtins_hold_is_counted() {
    for body in [
        "x = ',' * 16_000_000\nreturn len(x.split(','))",
        "x = ' a' * 8_000_000\nreturn len(x.split())",
        "x = ' a' * 8_000_000\nreturn len(x.rsplit())",
        "x = '\\n' * 16_000_000\nreturn len(x.splitlines())",
        "x = b',' * 2_000_000\nreturn len(x.split(b','))",
        "xs = [0] * 2_000_000\nreturn len(sorted(xs, key=lambda x: len(sorted(xs))))",
        "xs = [0] * 2_000_000\nxs.sort(key=lambda x: x)\nreturn 1",
    ] {
        assert_eq!(code_of(body), "limit.memory", "{body}");
    }
}

#[test]
fn memory_is_given_back() {
    // Each turn holds most of the limit; what was left of one would stop the next.
    for step in [
        "x = [0] * 3_000_000",
        "x = 'a' * 15_000_000; x = x + 'b'",
        "x = b'a' * 15_000_000; x = x[1:]",
        "x = sorted([0] * 100_000)",
        "x = [[i] for i in range(20_000)]; x.append(x)",
        "x = {i: str(i) for i in range(20_000)}",
        "x = 'a,' * 50_000; x = x.split(',')",
    ] {
        let body = format!("for i in range(4):\n    x = 0\n    {step}\nreturn 1");
        assert!(gas_of(&body) > 0, "{step}");
    }
}

const ROWS: &str = r#"
from lianheng.contract import Contract, Record, Table, call, view

class Row(Record):
    id: int
    text: str = ""

class Rows(Contract):
    rows = Table(Row, key="id")

    @call(by="ANY")
    def fill(self, count: int) -> None:
        for id in range(count):
            self.rows[id] = Row(id)

    @view
    def page(self, limit: int, after: int | None, reverse: bool) -> list[int]:
        return [r.id for r in self.rows.scan(limit=limit, after=after, reverse=reverse)]
"#;

#[test]
fn a_listing_longer_than_a_page_is_whole_and_in_order() {
    let mut ledger = Ledger::new(ROWS);
    ledger.finished("a@north", "fill", &[("count", Value::Int(150))]);
    let mut page = |limit: i64, after: Value, reverse: bool| {
        let given = [
            ("limit", Value::Int(limit)),
            ("after", after),
            ("reverse", Value::Bool(reverse)),
        ];
        match ledger.value("page", &given) {
            Value::Array(ids) => ids,
            other => panic!("{other:?}"),
        }
    };
    let numbers = |range: Vec<i64>| range.into_iter().map(Value::Int).collect::<Vec<_>>();
    assert_eq!(page(1_000, Value::Null, false), numbers((0..150).collect()));
    assert_eq!(page(32, Value::Null, false), numbers((0..32).collect()));
    assert_eq!(page(33, Value::Int(9), false), numbers((10..43).collect()));
    assert_eq!(
        page(70, Value::Null, true),
        numbers((80..150).rev().collect())
    );
    assert_eq!(
        page(99, Value::Int(64), true),
        numbers((0..64).rev().collect())
    );
}
