//! The bytes of a row or of arguments: refused, or read to a value that is stored again in one
//! form. The first byte chooses the table or call.

use std::cell::OnceCell;
use std::sync::Arc;

use codec::cbor::{encode, Value};
use vm::{Outcome, Program};

use crate::calls::{call, check_no_fault, context, signers};
use crate::common::{arguments, Memory};

/// A contract whose rows and arguments have fields of every type.
pub const CONTRACT: &str = include_str!("../../rust/vm/tests/contracts/every_type.py");

thread_local! {
    static PROGRAM: OnceCell<Program> = const { OnceCell::new() };
}

/// Verdict and size.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let Some((choice, data)) = bytes.split_first() else {
        return ("empty", 0);
    };
    PROGRAM.with(|program| {
        let program = program.get_or_init(|| {
            vm::compile(CONTRACT, "rows.py").unwrap_or_else(|found| panic!("{}", found[0]))
        });
        match choice % 3 {
            0 => row(program, data),
            1 => cell(program, data),
            _ => {
                let outcome = run_call(program, "take", data, &mut Memory::default());
                check_no_fault(std::slice::from_ref(&outcome));
                verdict(&outcome)
            }
        }
    })
}

/// A row is read, written elsewhere, read and written again: the second copy is the first.
fn row(program: &Program, data: &[u8]) -> (&'static str, usize) {
    let mut state = Memory::default();
    let mut key = codec::key::prefix("fuzz", "rows");
    codec::key::push(&mut key, &codec::key::Part::Text("a".to_owned()));
    state.rows.insert(key, Arc::from(data));
    copied(program, "copy_row", "copies", state)
}

fn cell(program: &Program, data: &[u8]) -> (&'static str, usize) {
    let mut state = Memory::default();
    state
        .rows
        .insert(codec::key::prefix("fuzz", "kept"), Arc::from(data));
    copied(program, "copy_cell", "copied", state)
}

fn copied(program: &Program, method: &str, to: &str, mut state: Memory) -> (&'static str, usize) {
    let from: Vec<Vec<u8>> = state.rows.keys().cloned().collect();
    let none = arguments(&[]);
    let first = run_call(program, method, &none, &mut state);
    if !matches!(first, Outcome::Finished(_)) {
        return verdict(&first);
    }
    let prefix = codec::key::prefix("fuzz", to);
    let place = state
        .rows
        .keys()
        .find(|key| key.starts_with(&prefix))
        .cloned();
    let place = place.expect("the copy was written");
    let once = state.rows[&place].clone();
    state.rows.insert(from[0].clone(), once.clone());
    let Outcome::Finished(again) = run_call(program, method, &none, &mut state) else {
        panic!("what was written cannot be read");
    };
    let value = matches!(&first, Outcome::Finished(first) if first.value == again.value);
    assert!(value, "the copy is another value");
    assert_eq!(state.rows[&place], once, "the copy of the copy differs");
    verdict(&first)
}

fn run_call(program: &Program, method: &str, arguments: &[u8], state: &mut Memory) -> Outcome {
    let signers = signers();
    call(program, method, arguments, &context(&signers, false), state)
}

fn verdict(outcome: &Outcome) -> (&'static str, usize) {
    match outcome {
        Outcome::Finished(finished) => ("accepted", finished.value.len()),
        Outcome::Failed(failed) => (failed.code, failed.message.len()),
        Outcome::Faulted(error) => (error.code, 0),
    }
}

/// A row, a cell's value and arguments that are accepted.
pub fn seeds() -> Vec<Vec<u8>> {
    let text = |text: &str| Value::text(text);
    let point = || {
        Value::Map(vec![
            (text("x"), Value::Int(1)),
            (text("y"), Value::Int(-2)),
        ])
    };
    let row = Value::Map(vec![
        (text("id"), text("a")),
        (text("flag"), Value::Bool(true)),
        (
            text("number"),
            Value::from_bigint(num_bigint::BigInt::from(-7) << 100),
        ),
        (text("data"), Value::bytes([0, 255])),
        (text("names"), Value::Array(vec![text("b"), text("é")])),
        (text("pair"), Value::Array(vec![Value::Int(1), text("x")])),
        (text("many"), Value::Array(vec![Value::Int(3)])),
        (
            text("found"),
            Value::Map(vec![(text("k"), Value::Array(vec![Value::Int(1)]))]),
        ),
        (text("amount"), Value::Int(1234)),
        (text("kind"), text("open")),
        (text("level"), Value::Int(2)),
        (text("point"), point()),
        (text("maybe"), point()),
        (text("points"), Value::Array(vec![point(), point()])),
        (
            text("anything"),
            Value::Map(vec![(Value::Int(1), Value::Array(vec![Value::Null]))]),
        ),
    ]);
    let take = Value::Map(vec![
        (text("row"), row.clone()),
        (text("rows"), Value::Array(vec![row.clone()])),
        (text("any"), row.clone()),
    ]);
    let seed = |choice: u8, value: &Value| {
        let mut bytes = vec![choice];
        bytes.extend(encode(value).unwrap_or_default());
        bytes
    };
    vec![
        seed(0, &row),
        seed(1, &Value::Array(vec![row.clone(), Value::Null])),
        seed(2, &take),
    ]
}

/// One of the accepted inputs, in place of one that has no item.
pub fn begin(_: &[u8], random: usize) -> Option<Vec<u8>> {
    let mut seeds = seeds();
    let at = random % seeds.len();
    Some(seeds.swap_remove(at))
}
