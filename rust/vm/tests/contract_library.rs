//! The helpers of `lianheng.contract`: the VM against the twin in `src/lianheng/contract`, over
//! generated calls, and against the values that standards give.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use codec::cbor::{Encoder, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
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
from lianheng.contract import opens, parse_date, parse_datetime, quarter, sha256, sm3, start_of_day

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

fn int() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-20i64..20).prop_map(|n| n.to_string()),
        3 => any::<i64>().prop_map(|n| format!("({n})")),
        2 => (-1_000_000i64..4_000_000).prop_map(|n| format!("({n})")),
        1 => (any::<i64>(), 60u32..400).prop_map(|(n, bits)| format!("({n} << {bits})")),
        1 => Just("(2**4095 + 1)".to_string()),
    ]
}

fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("None".to_string()),
        Just("True".to_string()),
        Just("'x'".to_string()),
        Just("b'x'".to_string()),
        Just("[1]".to_string()),
        Just("Amount('1.00')".to_string()),
        Just("Kind.OPEN".to_string()),
    ]
}

/// Mostly the wanted kind, sometimes another.
fn mostly(wanted: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop_oneof![15 => wanted, 1 => odd()].boxed()
}

fn rounding() -> BoxedStrategy<String> {
    const NAMES: &[&str] = &[
        "down",
        "up",
        "half_up",
        "half_even",
        "floor",
        "ceiling",
        "nearest",
        "UP",
    ];
    mostly(proptest::sample::select(NAMES).prop_map(|name| format!("'{name}'")))
}

fn kind() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(
        &[
            "Amount",
            "Amount",
            "Units",
            "Rate",
            "Decimal(2)",
            "Decimal(30)",
        ][..],
    )
}

fn decimal() -> BoxedStrategy<String> {
    let text = "[+-]?[0-9]{1,6}(\\.[0-9]{1,4})?|[0-9.+ -]{0,6}|٣|-0\\.0[0-9]";
    mostly(prop_oneof![
        (kind(), text).prop_map(|(kind, text)| format!("{kind}('{text}')")),
        (kind(), int()).prop_map(|(kind, units)| format!("{kind}.from_units({units})")),
    ])
}

fn day() -> BoxedStrategy<String> {
    mostly(prop_oneof![
        6 => (-719_162i64..2_932_897).prop_map(|day| format!("({day})")),
        1 => proptest::sample::select(vec!["(-719163)", "(-719162)", "2932896", "2932897"])
            .prop_map(str::to_string),
        1 => int(),
    ])
}

fn moment() -> BoxedStrategy<String> {
    mostly(prop_oneof![
        6 => (-62_135_596_800_000i64..253_402_300_800_000).prop_map(|ms| format!("({ms})")),
        1 => proptest::sample::select(vec!["(-62135596800001)", "253402300799999", "253402300800000"])
            .prop_map(str::to_string),
        1 => int(),
    ])
}

fn small(from: i64, to: i64) -> BoxedStrategy<String> {
    mostly(prop_oneof![12 => (from..to).prop_map(|n| format!("({n})")), 1 => int()])
}

fn amounts() -> BoxedStrategy<String> {
    let operator = proptest::sample::select(
        &[
            "+", "-", "*", "<", "<=", ">", ">=", "==", "!=", "//", "%", "&",
        ][..],
    );
    let whole = prop_oneof![int(), decimal()];
    let weights =
        proptest::collection::vec(small(-1, 9), 0..6).prop_map(|w| format!("[{}]", w.join(", ")));
    let weights = mostly(prop_oneof![4 => weights, 1 => Just("(1, 2**70, 5)".to_string())]);
    let alone = [
        "-{}",
        "+{}",
        "~{}",
        "abs({})",
        "str({})",
        "bool({})",
        "{}.units",
        "{}.scale",
        "{}.size",
        "f'{{{}:>20}}'",
        "f'{{{}:,}}'",
        "{{{}: 1}}",
        "isinstance({}, Amount)",
        "isinstance({}, (int, Decimal))",
        "sum([{}], Amount('0'))",
        "sorted([{}, Amount('1')])",
        "{}.rescale(1)",
        "hash",
        "{} in [Amount('1')]",
    ];
    prop_oneof![
        3 => (decimal(), operator, decimal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (decimal(), operator_with_int(), int()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => (int(), operator_with_int(), decimal()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        3 => (decimal(), small(-2, 33), rounding()).prop_map(|(a, s, r)| format!("{a}.rescale({s}, {r})")),
        3 => (decimal(), proptest::sample::select(alone.to_vec()))
            .prop_map(|(a, form)| form.replace("{{", "\u{1}").replace("}}", "\u{2}")
                .replace("{}", &if form.starts_with('f') { a.replace('\'', "\"") } else { a })
                .replace('\u{1}', "{").replace('\u{2}', "}")
                .replace("hash", "Decimal()")),
        3 => (whole.clone(), mostly(int()), small(-30, 30), rounding())
            .prop_map(|(a, b, c, r)| format!("mul_div({a}, {b}, {c}, {r})")),
        1 => (whole.clone(), mostly(int()), mostly(int()), rounding())
            .prop_map(|(a, b, c, r)| format!("mul_div({a}, c={c}, b={b}, rounding={r})")),
        3 => (whole, weights).prop_map(|(total, weights)| format!("allocate({total}, {weights})")),
        1 => kind().prop_map(|kind| format!("{kind}(*[1, 2])")),
        1 => mostly(int()).prop_map(|scale| format!("Decimal({scale})('1')")),
    ]
    .boxed()
}

fn operator_with_int() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["*", "*", "*", "+", "<", "=="][..])
}

fn dates() -> BoxedStrategy<String> {
    let of_day = [
        "start_of_day",
        "date_parts",
        "end_of_month",
        "iso_weekday",
        "quarter",
        "format_date",
    ];
    let of_ms = ["date", "datetime_parts", "format_datetime"];
    let text = "[0-9]{4}-(0[1-9]|1[0-3])-([0-2][0-9]|3[0-2])";
    let clock = "T([0-2][0-9]):[0-6][0-9]:[0-6][0-9](\\.[0-9]{3})?Z|T00:00:00\\+00:00|";
    prop_oneof![
        4 => (proptest::sample::select(of_day.to_vec()), day()).prop_map(|(f, day)| format!("{f}({day})")),
        3 => (proptest::sample::select(of_ms.to_vec()), moment()).prop_map(|(f, ms)| format!("{f}({ms})")),
        2 => (day(), small(-40, 40)).prop_map(|(day, months)| format!("format_date(add_months({day}, {months}))")),
        1 => (day(), mostly(int())).prop_map(|(day, months)| format!("add_months({day}, {months})")),
        1 => (day(), day()).prop_map(|(a, b)| format!("days_between({a}, {b})")),
        2 => (small(0, 10_001), small(0, 14), small(0, 33)).prop_map(|(y, m, d)| format!("date_of({y}, {m}, {d})")),
        1 => (small(1, 9_999), small(0, 25), small(-1, 61), small(0, 1_001))
            .prop_map(|(y, h, s, ms)| format!("datetime_of({y}, 2, 28, {h}, 59, second={s}, millisecond={ms})")),
        1 => small(-1, 10_001).prop_map(|year| format!("is_leap_year({year})")),
        2 => mostly(text.prop_map(|text| format!("'{text}'"))).prop_map(|text| format!("parse_date({text})")),
        2 => (text, clock).prop_map(|(date, clock)| format!("parse_datetime('{date}{clock}')")),
        1 => "[0-9T:Z'é-]{0,12}".prop_map(|text| format!("parse_date({:?})", text)),
    ]
    .boxed()
}

fn hashes() -> BoxedStrategy<String> {
    let data = proptest::collection::vec(any::<u8>(), 0..200).prop_map(|data| {
        let digits: String = data.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("b'{digits}'")
    });
    let data = mostly(data).boxed();
    let key = prop_oneof![
        Just("1"),
        Just("'k'"),
        Just("b'b'"),
        Just("(1,)"),
        Just("Kind.SIX")
    ];
    let value = prop_oneof![
        int(),
        odd(),
        decimal(),
        data.clone(),
        (decimal(), key, int())
            .prop_map(|(a, key, n)| format!("{{{key}: {n}, 'zz': [{a}], 'a': ()}}")),
        decimal().prop_map(|a| format!("Pair('é', {a})")),
        Just("{1}".to_string()),
        Just("range(3)".to_string()),
    ];
    let salt = mostly(
        prop_oneof![9 => Just("b'0123456789abcdef'".to_string()), 1 => Just("b'short'".to_string())],
    );
    prop_oneof![
        2 => data.clone().prop_map(|data| format!("sha256({data})")),
        2 => data.clone().prop_map(|data| format!("sm3({data})")),
        4 => (value, salt.clone()).prop_map(|(value, salt)| format!("commit({value}, {salt})")),
        1 => (int(), int(), salt).prop_map(|(a, b, salt)| format!("opens(commit({a}, {salt}), {b}, {salt})")),
        1 => (data.clone(), data.clone(), data).prop_map(|(m, s, k)| format!("is_signed({m}, {s}, {k})")),
    ]
    .boxed()
}

/// Identifiers that standards and their keepers print as examples.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("is_valid_gtin", "4006381333931"),
    ("is_valid_gtin", "96385074"),
    ("is_valid_gtin", "036000291452"),
    ("is_valid_gtin", "10614141000415"),
    ("is_valid_gln", "0614141000012"),
    ("is_valid_sscc", "106141412345678908"),
    ("is_valid_lei", "5493001KJTIIGC8Y1R12"),
    ("is_valid_lei", "7LTWFZYICNSX8D621K86"),
    ("is_valid_iban", "GB82WEST12345698765432"),
    ("is_valid_iban", "DE89370400440532013000"),
    ("is_valid_isin", "US0378331005"),
    ("is_valid_isin", "AU0000XVGZA3"),
    ("is_valid_uscc", "91350100M000100Y43"),
    ("is_valid_container", "CSQU3054383"),
    ("is_valid_container", "MSKU6011672"),
];

fn identifiers() -> BoxedStrategy<String> {
    let changed = (
        proptest::sample::select(IDENTIFIERS),
        any::<proptest::sample::Index>(),
        "[0-9A-Z]|é| ",
        0..4,
    )
        .prop_map(|((function, text), at, with, how)| {
            let mut text: Vec<String> = text.chars().map(String::from).collect();
            let at = at.index(text.len());
            match how {
                0 => text[at] = with,
                1 => drop(text.remove(at)),
                2 => text.swap(at, 0),
                _ => {}
            }
            format!("{function}('{}')", text.concat())
        });
    let check = (proptest::sample::select(IDENTIFIERS), 0..100)
        .prop_map(|((f, text), n)| format!("{f}('{}{n:02}')", &text[..text.len() - 2]));
    prop_oneof![4 => changed, 2 => check, 1 => odd().prop_map(|odd| format!("is_valid_lei({odd})"))]
        .boxed()
}

fn generated(strategy: impl Strategy<Value = String>, count: usize, seed: u8) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut calls = Vec::with_capacity(count);
    for _ in 0..count {
        calls.push(strategy.new_tree(&mut runner).expect("a call").current());
    }
    calls
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
    let page = include_str!("../../../docs/contract-library.md");
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
