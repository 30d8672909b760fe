//! The helpers of `lianheng.contract`: the VM against the twin in `src/lianheng/contract`, over
//! generated calls, and against the values that standards give.

mod calls;
#[path = "../common/mod.rs"]
mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use calls::{amounts, dates, generated, hashes, identifiers, IDENTIFIERS};
use codec::cbor::{Encoder, Value};
use vm::Outcome;

/// Generated calls, and how many of them one script holds.
const CALLS: usize = 3_000;
const CALLS_OF_SCRIPT: usize = 100;

const HEAD: &str = r#"
from lianheng.contract import Decimal, Enum, Record, add_months, allocate, commit, date, date_of
from lianheng.contract import date_parts, datetime_of, datetime_parts, days_between, end_of_month
from lianheng.contract import format_date, format_datetime, is_leap_year, is_signed, iso_weekday
from lianheng.contract import is_valid_container, is_valid_gln, is_valid_gtin, is_valid_iban
from lianheng.contract import is_valid_isin, is_valid_lei, is_valid_sscc, is_valid_uscc, mul_div
from lianheng.contract import opens, parse_date, parse_datetime, quarter, sha256, signed_by, sm3
from lianheng.contract import start_of_day

class Amount(Decimal, scale=2):
    """Cents."""

class Units(Decimal, scale=0):
    pass

class Rate(Decimal, scale=6):
    ...

class Kind(Enum):
    OPEN = "open"
    SIX = 6

class Pair(Record):
    name: str
    amount: Amount
    kind: Kind = Kind.OPEN

def added(a, b):
    a += b
    return a

def show(call):
    try:
        print(repr(call()))
    except Exception as error:
        print(type(error).__name__, error)

"#;

fn script(calls: &[String]) -> String {
    let lines = calls.iter().map(|call| format!("show(lambda: {call})\n"));
    HEAD.to_string() + &lines.collect::<String>()
}

/// What CPython prints for each script; nothing where there is no CPython 3.11.
fn by_cpython(scripts: &[String]) -> Option<Vec<String>> {
    let version = Command::new("python3").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).starts_with("Python 3.11") {
        return None;
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src");
    let runner = "import sys, types\nfor text in sys.stdin.read().split('\\x1e'):\n    \
                  module = sys.modules['script'] = types.ModuleType('script')\n    \
                  exec(compile(text, 'script.py', 'exec'), vars(module))\n    \
                  print(end='\\x1e')\n";
    let mut child = Command::new("python3")
        .args(["-c", runner])
        .env("PYTHONPATH", source)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let text = scripts.join("\u{1e}");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    assert!(output.status.success(), "the twin runs every script");
    let text = String::from_utf8(output.stdout).expect("the twin prints UTF-8");
    Some(text.split('\u{1e}').map(str::to_string).collect())
}

fn by_vm(source: &str) -> String {
    match vm::run_script(source, "script.py", 1_000_000_000) {
        Ok(outcome) => match outcome.error {
            None => outcome.output,
            Some(error) => format!("{}!! {:?}", outcome.output, error),
        },
        Err(found) => panic!("refused: {}", found[0]),
    }
}

fn compare(calls: &[String]) {
    let scripts: Vec<String> = calls.chunks(CALLS_OF_SCRIPT).map(script).collect();
    let Some(expected) = by_cpython(&scripts) else {
        eprintln!("skipped: python3 is not CPython 3.11");
        return;
    };
    let mut differences = Vec::new();
    for ((chunk, source), expected) in calls.chunks(CALLS_OF_SCRIPT).zip(&scripts).zip(&expected) {
        let given = by_vm(source);
        let pairs = given.lines().zip(expected.lines());
        for (call, (given, expected)) in chunk.iter().zip(pairs) {
            if given != expected {
                differences.push(format!("{call}\n  twin: {expected}\n  vm:   {given}"));
            }
        }
        assert_eq!(
            given.lines().count(),
            expected.lines().count(),
            "{}",
            given.lines().last().unwrap_or_default()
        );
    }
    let count = differences.len();
    differences.truncate(20);
    assert!(
        differences.is_empty(),
        "{count} differ:\n{}",
        differences.join("\n")
    );
}

#[test]
fn decimals_agree_with_the_twin() {
    compare(&generated(amounts(), CALLS, 1));
}

#[test]
fn dates_agree_with_the_twin() {
    compare(&generated(dates(), CALLS, 2));
}

#[test]
fn hashes_and_check_digits_agree_with_the_twin() {
    compare(&generated(hashes(), CALLS / 5, 3));
    compare(&generated(identifiers(), CALLS, 4));
}

#[test]
fn arguments_are_bound_as_cpython_binds_them() {
    let forms = [
        "mul_div(*[1, 2])",
        "mul_div(*[1, 2, 3, 'up', 5])",
        "mul_div(*[1, 2], a=3)",
        "mul_div(**{'a': 6, 'b': 1, 'c': 4, 'rounding': 'up'})",
        "quarter(*[])",
        "sha256(*[b'a', b'b'])",
        "list(map(quarter, [0, 100, 200]))",
        "sorted([3, 100, -80], key=iso_weekday)",
        "Amount(text='1.5')",
        "Amount(**{'units': 1})",
        "Amount(*[])",
        "Amount(*['1', '2'])",
        "Amount.from_units()",
        "Amount.from_units(1, 2)",
        "Amount.from_units(units=7)",
        "Amount('1').rescale(scale=0, rounding='up')",
        "Amount('1').rescale(0, 'up', 1)",
        "Amount.scale",
        "Amount('1').scale()",
        "Decimal(2) == Amount",
        "callable(Amount)",
        "type(Amount('1')) == Amount",
        "{Amount('1'): 1, Amount('1.0'): 2, Units('1'): 3}",
        "max([Amount('1'), Amount('3')])",
        "[quarter == quarter, quarter == date]",
        "Amount('1').missing",
        "Amount.missing",
        "Pair('x', Amount('2'))",
        "Pair('x', Units('2'))",
        "Pair('x', 2)",
        "Pair('x', Amount('2')) == Pair('x', Amount('2.00'))",
        "Amount('0' * 1301)",
        "Amount('9' * 1290)",
        "added(Amount('1'), Amount('2'))",
        "added(Amount('1'), 1)",
        "added(1, Amount('1'))",
        "int(Amount('1'))",
        "round(Amount('1'))",
        "len(Amount('1'))",
        "list(Amount('1'))",
        "range(Amount('1'))",
        "','.join([Amount('1')])",
        "'%s' % Amount('1')",
        "[1, 2][Amount('1')]",
        "{'a': 1}[Amount('1')]",
        "Amount('1')[0]",
        "divmod(Amount('1'), 2)",
        "pow(Amount('1'), 2)",
        "'x' in Amount('1')",
        "min(Amount('1'), 2)",
        "[Amount('1')] < [Amount('2')]",
        "(Amount('1'), 1) == (Amount('1.0'), 1)",
        "allocate(1, [1] * 10001)",
        "len(allocate(2**300, [1] * 10000))",
        "str(Kind.OPEN) + str(Amount('1'))",
        "Amount.from_units(2**4096)",
        "Amount.from_units(2**4095) * 2",
    ];
    compare(&forms.map(str::to_string));
}

#[test]
fn identifiers_of_the_standards_are_valid_and_one_wrong_digit_is_not() {
    let mut calls = Vec::new();
    for (function, text) in IDENTIFIERS {
        let (start, last) = text.split_at(text.len() - 1);
        let other = if last == "1" { "2" } else { "1" };
        calls.push(format!(
            "[{function}('{text}'), {function}('{start}{other}')]"
        ));
    }
    for line in by_vm(&script(&calls)).lines() {
        assert_eq!(line, "[True, False]");
    }
}

#[test]
fn hashes_and_dates_have_their_known_values() {
    let known = [
        (
            "sm3(b'abc').hex()",
            "'66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0'",
        ),
        (
            "sm3(b'abcd' * 16).hex()",
            "'debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732'",
        ),
        (
            "sha256(b'abc').hex()",
            "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'",
        ),
        (
            "format_date(add_months(date_of(2024, 1, 31), 1))",
            "'2024-02-29'",
        ),
        (
            "format_date(add_months(date_of(2023, 3, 31), -1))",
            "'2023-02-28'",
        ),
        ("iso_weekday(0)", "4"),
        (
            "allocate(Amount('1.00'), [1, 1, 1])",
            "[Decimal(2)('0.34'), Decimal(2)('0.33'), Decimal(2)('0.33')]",
        ),
    ];
    let calls: Vec<String> = known.iter().map(|(call, _)| call.to_string()).collect();
    let given = by_vm(&script(&calls));
    for ((call, expected), given) in known.iter().zip(given.lines()) {
        assert_eq!(given, *expected, "{call}");
    }
}

#[test]
fn a_signature_counts_only_for_its_message_key_and_domain() {
    let key = crypto::SigningKey::from_seed(&[9; 32]);
    let message = b"released";
    let mut encoder = Encoder::new();
    encoder.array(2).text("lianheng.message.v1").bytes(message);
    let literal = |bytes: &[u8]| {
        let digits: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("b'{digits}'")
    };
    let good = literal(&key.sign(&encoder.into_bytes()));
    let (plain, public) = (literal(&key.sign(message)), literal(key.public()));
    let other = literal(crypto::SigningKey::from_seed(&[8; 32]).public());
    let anybody = literal(&[&[1u8][..], &[0; 31]].concat());
    let small = literal(&[&[1u8][..], &[0; 63]].concat());
    let calls = [
        format!("is_signed(b'released', {good}, {public})"),
        format!("is_signed(b'Released', {good}, {public})"),
        format!("is_signed(b'released', {plain}, {public})"),
        format!("is_signed(b'released', {good}, {other})"),
        format!("is_signed(b'released', {small}, {anybody})"),
    ];
    assert_eq!(by_vm(&script(&calls)), "True\nFalse\nFalse\nFalse\nFalse\n");
    compare(&calls);
}

const CONTRACT: &str = r#"
from lianheng.contract import Contract, Decimal, Record, Table, call, mul_div, view

class Amount(Decimal, scale=2):
    """Euro cents."""

Rate = Decimal(4)
FEE = Amount("0.30")

class Account(Record):
    id: str
    balance: Amount
    fee: Amount = FEE

class Bank(Contract):
    accounts = Table(Account, key="id")

    @call(by="ANY")
    def open(self, id: str, first: Amount) -> Account:
        self.accounts[id] = Account(id=id, balance=first - FEE)
        return self.accounts[id]

    @view
    def interest(self, id: str, rate: Rate) -> Amount:
        return mul_div(self.accounts[id].balance, rate.units, 10**rate.scale, "half_even")

    @view
    def wrong(self, id: str) -> Amount:
        return self.accounts[id].balance.rescale(3, "up")

    @view
    def bare(self, text: str) -> Amount:
        amount = Amount("1.00")

        return amount + Amount(text)
"#;

#[test]
fn a_decimal_travels_and_is_stored_as_the_int_of_its_units() {
    let mut ledger = common::Ledger::new(CONTRACT);
    let id = ("id", common::text("a"));
    let row = ledger.value("open", &[id.clone(), ("first", Value::Int(1_030))]);
    let field = |name: &str| match &row {
        Value::Map(entries) => entries
            .iter()
            .find(|(key, _)| *key == common::text(name))
            .map(|(_, value)| value.clone()),
        _ => None,
    };
    assert_eq!(
        (field("balance"), field("fee")),
        (Some(Value::Int(1_000)), Some(Value::Int(30)))
    );
    let interest = ledger.value("interest", &[id.clone(), ("rate", Value::Int(125))]);
    assert_eq!(interest, Value::Int(12)); // 10.00 * 0.0125 = 0.125, to even
    let failed = ledger.failed(
        "alice@north",
        "open",
        &[id.clone(), ("first", common::text("1.00"))],
    );
    assert_eq!(failed.code, "call.bad_arguments");
    assert!(failed.message.contains("Decimal(2)"), "{}", failed.message);
    let failed = ledger.failed("alice@north", "wrong", &[id]);
    assert!(failed.message.contains("Decimal(2)"), "{}", failed.message);
}

#[test]
fn an_error_names_the_line_of_the_contract() {
    let mut ledger = common::Ledger::new(CONTRACT);
    let Outcome::Failed(failed) =
        ledger.call_as("alice@north", "bare", &[("text", common::text("1.001"))])
    else {
        panic!("the text has three decimals");
    };
    let line = CONTRACT
        .lines()
        .position(|line| line.contains("amount + Amount(text)"));
    assert_eq!(failed.line.map(|line| line as usize), line.map(|at| at + 1));
    assert_eq!(failed.reason.as_deref(), Some("ValueError"));
}

#[test]
fn a_compiled_program_keeps_its_decimals() {
    let program = common::compiled(CONTRACT);
    let bytes = program.to_bytes();
    assert_eq!(
        vm::Program::from_bytes(&bytes).map(|found| found.to_bytes()),
        Ok(bytes)
    );
}

#[test]
fn wrong_uses_are_refused_at_deployment() {
    let refused = |text: &str| {
        let source = format!(
            "from lianheng.contract import Contract, Decimal, mul_div, quarter, view\n{text}\n\n\
             class Test(Contract):\n    @view\n    def f(self) -> int:\n        return 1\n"
        );
        vm::compile(&source, "test.py")
            .err()
            .map(|found| found[0].code)
    };
    assert_eq!(
        refused("class A(Decimal, scale=31):\n    pass"),
        Some("type.decimal")
    );
    assert_eq!(refused("class A(Decimal):\n    pass"), Some("type.decimal"));
    assert_eq!(
        refused("class A(Decimal, scale=2):\n    x: int"),
        Some("type.decimal")
    );
    assert_eq!(
        refused("def g(a: Decimal) -> int:\n    return 1"),
        Some("type.decimal")
    );
    assert_eq!(
        refused("class A(Decimal, scale=2):\n    pass\ndef g(a: A | int) -> int:\n    return 1"),
        Some("type.decimal")
    );
    assert_eq!(
        refused("def g() -> int:\n    return quarter()"),
        Some("call.arguments")
    );
    assert_eq!(
        refused("def g() -> int:\n    return mul_div(1, 2, 3, mode=1)"),
        Some("call.arguments")
    );
    assert_eq!(
        refused("def g() -> int:\n    return date(1)"),
        Some("name.undefined")
    );
    assert_eq!(
        refused("class A(Decimal, scale=2):\n    \"\"\"Cents.\"\"\""),
        None
    );
}

#[test]
fn the_example_of_the_page_is_a_contract() {
    let page = include_str!("../../../../docs/contract-library.md");
    let example = page
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let mut ledger = common::Ledger::new(example.expect("the page has an example"));
    let id = ("id", common::text("l1"));
    let sealed = ("sealed", Value::bytes(vec![0; 32]));
    ledger.finished(
        "alice@north",
        "grant",
        &[id.clone(), ("amount", Value::Int(10_001)), sealed],
    );
    let interest = ledger.value("accrue", &[id.clone(), ("basis_points", Value::Int(125))]);
    assert_eq!(interest, Value::Int(125));
    let weights = Value::Array(vec![Value::Int(1), Value::Int(1)]);
    let parts = ledger.value("share", &[id, ("weights", weights)]);
    assert_eq!(
        parts,
        Value::Array(vec![Value::Int(5_063), Value::Int(5_063)])
    );
}

#[test]
fn no_helper_runs_longer_than_its_gas() {
    let attacks = [
        "allocate(2**4095, [2**4000 + i for i in range(10000)])",
        "allocate(2**4095, [1] * 10000)",
        "mul_div(2**4095, 2**4095, 2**4095 - 1, 'half_even')",
        "str(Rate.from_units(2**4095))",
        "Amount('9' * 1200)",
        "Decimal(30).from_units(2**3900).rescale(0, 'up')",
        "sm3(b'x' * 8000000)",
        "sha256(b'x' * 8000000)",
        "commit([b'x' * 100000] * 9, b'0123456789abcdef')",
        "is_signed(b'm', bytes(64), bytes.fromhex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))",
        "parse_datetime('2026-03-01T12:00:00.000Z')",
        "parse_date('x' * 8000000)",
        "is_valid_iban('GB82' + 'W' * 30)",
        "add_months(0, 2**4095)",
        "date_of(2**4095, 1, 1)",
    ];
    for attack in attacks {
        let source = format!(
            "{HEAD}while True:\n    try:\n        {attack}\n    except Exception:\n        pass\n"
        );
        let started = std::time::Instant::now();
        let outcome = vm::run_script(&source, "script.py", 20_000_000).expect("it compiles");
        let took = started.elapsed();
        let code = outcome.error.map(|error| error.code);
        assert_eq!(code, Some("gas.exhausted"), "{attack}");
        println!("{:5} ms {attack}", took.as_millis());
        assert!(took.as_millis() < 2_000, "{attack} took {took:?}");
    }
}
