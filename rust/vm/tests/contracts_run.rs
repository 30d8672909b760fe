//! Whole contracts through `compile` and `run`.

mod common;

use codec::cbor::{decode, Value};
use common::{text, Ledger};
use vm::Outcome;

const TOOLSHED: &str = include_str!("contracts/toolshed.py");
const TRANSFER: &str = include_str!("contracts/transfer.py");
const RECEIVABLES: &str = include_str!("contracts/receivables.py");

fn map(entries: &[(&str, Value)]) -> Value {
    let map = Value::Map(
        entries
            .iter()
            .map(|(key, value)| (text(key), value.clone()))
            .collect(),
    );
    decode(&codec::cbor::encode(&map).expect("a map of tests")).expect("sorted")
}

#[test]
fn toolshed_refuses_who_does_not_hold() {
    let mut ledger = Ledger::new(TOOLSHED);
    let added = ledger.finished("alice@north", "add", &[("id", text("crane-7"))]);
    assert_eq!(
        decode(&added.value).unwrap(),
        map(&[("id", text("crane-7")), ("holder", text("north"))])
    );
    let lent = ledger.value("lend", &[("id", text("crane-7")), ("to", text("south"))]);
    assert_eq!(lent.get("holder"), Some(&text("south")));
    let refused = ledger.failed(
        "alice@north",
        "lend",
        &[("id", text("crane-7")), ("to", text("north"))],
    );
    assert_eq!(refused.code, "contract.rejected");
    assert_eq!(refused.reason.as_deref(), Some("not_holder"));
    assert_eq!(refused.message, "south holds crane-7");
    assert_eq!(refused.line, Some(21));
    let again = ledger.failed("bob@south", "add", &[("id", text("crane-7"))]);
    assert_eq!(
        (again.reason.as_deref(), again.line),
        (Some("exists"), Some(14))
    );
    let missing = ledger.failed(
        "bob@south",
        "lend",
        &[("id", text("drill")), ("to", text("north"))],
    );
    assert_eq!(
        (
            missing.code,
            missing.reason.as_deref(),
            missing.message.as_str(),
            missing.line
        ),
        ("contract.error", Some("KeyError"), "'drill'", Some(20))
    );
}

#[test]
fn transfers_keep_the_sum() {
    let mut ledger = Ledger::new(TRANSFER);
    for id in ["a", "b"] {
        ledger.finished(
            "alice@north",
            "open",
            &[("id", text(id)), ("balance", Value::Int(100))],
        );
    }
    for amount in [1, 40, 59] {
        ledger.finished(
            "alice@north",
            "transfer",
            &[
                ("source", text("a")),
                ("target", text("b")),
                ("amount", Value::Int(amount)),
            ],
        );
    }
    assert_eq!(ledger.value("balance", &[("id", text("a"))]), Value::Int(0));
    assert_eq!(
        ledger.value("balance", &[("id", text("b"))]),
        Value::Int(200)
    );
    let refused = ledger.failed(
        "alice@north",
        "transfer",
        &[
            ("source", text("a")),
            ("target", text("b")),
            ("amount", Value::Int(1)),
        ],
    );
    assert_eq!(
        (refused.reason.as_deref(), refused.message.as_str()),
        (Some("not_covered"), "a has 0")
    );
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story, step by step")]
fn receivables_are_financed_once() {
    let mut ledger = Ledger::new(RECEIVABLES);
    let line = |amount| map(&[("text", text("steel")), ("amount", Value::Int(amount))]);
    let key = || vec![("debtor", text("hospital")), ("number", text("R 7"))];
    let mut given = key();
    given.push(("currency", text("EUR")));
    given.push(("lines", Value::Array(vec![line(700), line(301)])));
    given.push(("notes", map(&[("order", text("77"))])));
    let made = ledger.finished("sue@supplier", "register", &given);
    assert_eq!(
        decode(&made.value).unwrap().get("amount"),
        Some(&Value::Int(1001))
    );
    assert_eq!(
        decode(&made.value).unwrap().get("status"),
        Some(&text("issued"))
    );
    assert_eq!(
        ledger
            .failed("sue@supplier", "confirm", &key())
            .reason
            .as_deref(),
        Some("not_debtor")
    );
    let confirmed = ledger.finished("hal@hospital", "confirm", &key());
    assert_eq!(confirmed.events[0].name, "Confirmed");
    let mut split = key();
    split.push((
        "weights",
        Value::Array(vec![Value::Int(1), Value::Int(1), Value::Int(1)]),
    ));
    let parts = ledger.finished("sue@supplier", "split", &split);
    let names: Vec<Value> = ["R 7.01", "R 7.02", "R 7.03"]
        .into_iter()
        .map(text)
        .collect();
    assert_eq!(decode(&parts.value).unwrap(), Value::Array(names));
    assert_eq!(
        ledger.value("open_of", &[("debtor", text("hospital"))]),
        map(&[("EUR", Value::Int(1001))])
    );
    let part = [
        ("debtor", text("hospital")),
        ("number", text("R 7.02")),
        ("price", Value::Int(300)),
    ];
    let financed = ledger.finished("ann@bank-a", "finance", &part);
    assert_eq!(
        decode(&financed.value).unwrap().get("holder"),
        Some(&text("bank-a"))
    );
    let second = ledger.failed("ben@bank-b", "finance", &part);
    assert_eq!(
        (second.code, second.reason.as_deref()),
        ("contract.rejected", Some("already_financed"))
    );
    assert_eq!(second.message, "bank-a has financed R 7.02");
    assert_eq!(
        ledger.value("held", &[("holder", text("bank-a"))]),
        Value::Array(vec![text("hospital/R 7.02")])
    );
    let held = ledger.value(
        "held",
        &[("holder", text("supplier")), ("limit", Value::Int(2))],
    );
    assert_eq!(
        held,
        Value::Array(vec![text("hospital/R 7"), text("hospital/R 7.01")])
    );
    let Value::Array(all) = ledger.value("all_of", &[("debtor", text("hospital"))]) else {
        panic!()
    };
    assert_eq!(all.len(), 4);
}

#[test]
fn bad_arguments_name_the_field_and_both_types() {
    let mut ledger = Ledger::new(RECEIVABLES);
    let failed = ledger.failed(
        "a@b",
        "confirm",
        &[("debtor", Value::Int(1)), ("number", text("1"))],
    );
    assert_eq!(
        (failed.code, failed.message.as_str()),
        ("call.bad_arguments", "debtor: expected str, given int")
    );
    let failed = ledger.failed("a@b", "confirm", &[("debtor", text("x"))]);
    assert_eq!(failed.message, "confirm needs the argument 'number'");
    let failed = ledger.failed(
        "a@b",
        "confirm",
        &[
            ("debtor", text("x")),
            ("number", text("1")),
            ("extra", Value::Null),
        ],
    );
    assert!(
        failed.message.contains("no parameter 'extra'"),
        "{}",
        failed.message
    );
    assert_eq!(
        ledger.failed("a@b", "nothing", &[]).code,
        "call.unknown_method"
    );
    assert_eq!(
        ledger.failed("a@b", "find", &[]).code,
        "call.unknown_method"
    );
    let lines = Value::Array(vec![map(&[("text", text("x")), ("amount", text("1"))])]);
    let failed = ledger.failed(
        "a@b",
        "register",
        &[
            ("debtor", text("x")),
            ("number", text("1")),
            ("currency", text("EUR")),
            ("lines", lines),
            ("notes", map(&[])),
        ],
    );
    assert_eq!(failed.message, "lines[0].amount: expected int, given str");
    let Outcome::Failed(failed) = ledger.raw("a@b", "confirm", &[0xff]) else {
        panic!()
    };
    assert_eq!(failed.code, "call.bad_arguments");
}

#[test]
fn programs_survive_their_bytes() {
    for source in [TOOLSHED, TRANSFER, RECEIVABLES] {
        let program = common::compiled(source);
        let bytes = program.to_bytes();
        let again = vm::Program::from_bytes(&bytes).expect("own bytes are read");
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.interface(), program.interface());
        assert_eq!(common::compiled(source).to_bytes(), bytes);
    }
}
