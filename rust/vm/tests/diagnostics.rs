//! What the checker says: code, place, and what to write instead.

mod common;

use vm::Diagnostic;

const HEAD: &str = "from lianheng.contract import Contract, Record, Event, Enum, Table, call, view, require, Rejected\n\nclass Item(Record):\n    id: str\n    amount: int = 0\n\n";

fn found(source: &str) -> Vec<Diagnostic> {
    match vm::compile(source, "shop.py") {
        Ok(_) => Vec::new(),
        Err(found) => found,
    }
}

/// The first code found in a function of a contract.
fn code_of(body: &str) -> &'static str {
    found(&common::function(body))
        .first()
        .map_or("accepted", |diagnostic| diagnostic.code)
}

#[test]
fn a_diagnostic_shows_the_place_and_the_way_out() {
    let source = format!("{HEAD}class Shop(Contract):\n    items = Table(Item, key=\"id\")\n\n    @call(by=\"ANY\")\n    def half(self, id: str) -> int:\n        item = self.items[id]\n        return item.amount / 2\n");
    let all = found(&source);
    assert_eq!(all.len(), 1);
    let expected = "shop.py:13:16: language.division: `/` gives a float, and floats are not part of the language\n            return item.amount / 2\n                   ^^^^^^^^^^^^^^^\n    help: use // (rounds down), and say where the rest goes";
    assert_eq!(all[0].to_string(), expected);
}

#[test]
fn several_are_found_in_one_run() {
    let all = found(&common::function("x = 1.5\ny = undefined_name\nprint(x)\nimport os\nself.count = 1\nwith x:\n    pass\nreturn requir(1)"));
    let codes: Vec<&str> = all.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(
        codes,
        [
            "language.float",
            "name.undefined",
            "language.io",
            "language.import",
            "language.attribute",
            "language.with",
            "name.undefined"
        ]
    );
    assert_eq!(all[6].help, "did you mean `require`?");
    let lines: Vec<u32> = all.iter().map(|diagnostic| diagnostic.line).collect();
    assert!(lines.is_sorted());
}

#[test]
fn each_refused_construct_has_its_code() {
    let cases = [
        ("x = 1.0", "language.float"),
        ("x = 1j", "language.float"),
        ("x = float(1)", "language.float"),
        ("x = 4 / 2", "language.division"),
        ("x = [1] @ [2]", "language.operator"),
        ("import os", "language.import"),
        ("yield 1", "language.yield"),
        ("x = await y", "language.async"),
        ("global x", "language.global"),
        ("x = eval('1')", "language.reflection"),
        ("x = hash(1)", "language.builtin"),
        ("x = id(1)", "language.builtin"),
        ("x = (1).__class__", "language.dunder"),
        ("class A:\n    pass", "language.class"),
        ("with x:\n    pass", "language.with"),
        ("x = (y for y in [1])", "language.generator"),
        ("def g(a=[]):\n    pass", "language.mutable_default"),
        (
            "try:\n    pass\nexcept* ValueError:\n    pass",
            "language.except_star",
        ),
        ("raise", "language.raise"),
        ("break", "syntax.invalid"),
        ("x = self.nothing", "name.attribute"),
        ("x = self.f", "language.method_value"),
        ("x = Color.GREEN", "name.attribute"),
        ("x = Point(z=1)", "call.arguments"),
        ("x = Point(1, 2, 3)", "call.arguments"),
        ("self.f(1)", "call.arguments"),
        ("require(True)", "call.arguments"),
        ("require(True, 'Bad Code')", "call.code"),
        ("x = require", "language.value"),
        ("x = Table", "language.value"),
        ("p = Point(1)\np.x = 2", "language.attribute"),
        ("nonlocal q", "name.nonlocal"),
        ("x: float = 1", "language.float"),
        ("x = ...", "language.ellipsis"),
        ("x = 9", "accepted"),
    ];
    for (body, code) in cases {
        assert_eq!(code_of(body), code, "{body}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn declarations_are_checked() {
    let shop = |members: &str| {
        format!("{HEAD}class Shop(Contract):\n    items = Table(Item, key=\"id\")\n{members}")
    };
    let method = "    @view\n    def f(self) -> int:\n        return 1\n";
    let cases = [
        (shop(method), "accepted"),
        (HEAD.to_string(), "contract.missing"),
        (
            format!("{}\nclass B(Contract):\n    pass\n", shop(method)),
            "contract.twice",
        ),
        (
            shop("    @call\n    def f(self):\n        pass\n"),
            "language.decorator",
        ),
        (
            shop("    @call(by=\"\")\n    def f(self):\n        pass\n"),
            "contract.policy",
        ),
        (
            shop("    @call(by=\"ANY\")\n    def f(self, x):\n        pass\n"),
            "type.missing",
        ),
        (
            shop("    @call(by=\"ANY\")\n    def f():\n        pass\n"),
            "language.self",
        ),
        (
            shop("    def __init__(self):\n        pass\n"),
            "language.dunder",
        ),
        (
            shop("    other = Table(Item, key=\"nope\")\n"),
            "name.attribute",
        ),
        (shop("    other = Table(Item)\n"), "language.table"),
        (
            shop("    other = Table(int, key=\"id\")\n"),
            "language.table",
        ),
        (
            shop("    other = Table(Item, key=\"id\", size=5)\n"),
            "language.table",
        ),
        (shop("    now = 5\n"), "name.twice"),
        (shop("    print(1)\n"), "language.contract"),
        (
            format!("{}\nprint(1)\n", shop(method)),
            "language.top_level",
        ),
        (format!("{}\nX = 1.5\n", shop(method)), "language.float"),
        (
            format!("{}\nX = len([1])\n", shop(method)),
            "language.constant",
        ),
        (
            format!("{}\nclass A(Record):\n    x: float\n", shop(method)),
            "language.float",
        ),
        (
            format!(
                "{}\nclass A(Record):\n    x: list[int] = []\n",
                shop(method)
            ),
            "language.mutable_default",
        ),
        (
            format!("{}\nclass A(Record):\n    x: int = \"a\"\n", shop(method)),
            "type.mismatch",
        ),
        (
            format!(
                "{}\nclass A(Record):\n    x: int = 1\n    y: int\n",
                shop(method)
            ),
            "language.field",
        ),
        (
            format!("{}\nclass A(Nope):\n    x: int\n", shop(method)),
            "name.undefined",
        ),
        (
            format!("{}\nclass A(Enum):\n    X = [1]\n", shop(method)),
            "language.enum",
        ),
        (
            format!("from os import path\n{}", shop(method)),
            "language.import",
        ),
        (
            format!("from lianheng.contract import Nope\n{}", shop(method)),
            "name.import",
        ),
        (
            format!("{}\ndef f(x: Nope):\n    pass\n", shop(method)),
            "type.unknown",
        ),
        (
            format!("{}\ndef f(:\n    pass\n", shop(method)),
            "syntax.invalid",
        ),
    ];
    for (source, code) in cases {
        let all = found(&source);
        assert_eq!(
            all.first().map_or("accepted", |diagnostic| diagnostic.code),
            code,
            "{source}\n{all:#?}"
        );
    }
}

#[test]
fn a_trace_follows_the_lines() {
    let mut ledger = common::Ledger::new(include_str!("contracts/toolshed.py"));
    ledger.state.trace = true;
    let done = ledger.finished("alice@north", "add", &[("id", common::text("x"))]);
    let lines: Vec<u32> = ledger.state.traced.iter().map(|event| event.line).collect();
    assert_eq!(lines, [14, 15, 16]);
    let last = ledger.state.traced.last().expect("lines were traced");
    assert_eq!((last.reads, last.writes), (1, 1));
    assert!(last.gas < done.gas);
    ledger.state.trace = false;
    ledger.state.rows.clear();
    assert_eq!(
        ledger.finished("alice@north", "add", &[("id", common::text("x"))]),
        done,
        "tracing changes nothing"
    );
}
