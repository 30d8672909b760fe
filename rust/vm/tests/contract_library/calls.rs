//! Random calls of the helpers: mostly well formed, sometimes not.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

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

pub fn amounts() -> BoxedStrategy<String> {
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

pub fn dates() -> BoxedStrategy<String> {
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

pub fn hashes() -> BoxedStrategy<String> {
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
        1 => (data.clone(), data.clone(), data.clone()).prop_map(|(m, s, k)| format!("is_signed({m}, {s}, {k})")),
        1 => (prop::sample::select(vec!["'ann@north'", "'north'", "'\\'@'", "7"]), data.clone(), data)
            .prop_map(|(n, m, s)| format!("signed_by({n}, {m}, {s})")),
    ]
    .boxed()
}

/// Identifiers that standards and their keepers print as examples.
pub const IDENTIFIERS: &[(&str, &str)] = &[
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

pub fn identifiers() -> BoxedStrategy<String> {
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

pub fn generated(strategy: impl Strategy<Value = String>, count: usize, seed: u8) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut calls = Vec::with_capacity(count);
    for _ in 0..count {
        calls.push(strategy.new_tree(&mut runner).expect("a call").current());
    }
    calls
}
