//! How long a transfer call takes (state in memory, no signature), and small loops.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use codec::cbor::Value;
use common::{arguments, text, Ledger};
use vm::Outcome;

const TRANSFER: &str = include_str!("../tests/contracts/transfer.py");

/// Name and body of small programs; the same text runs under CPython.
const BODIES: &[(&str, &str)] = &[
    ("loop", "i = 0\nn = 0\nwhile i < 3000000:\n    n = (n * 31 + i) % 1000003\n    i += 1\nreturn str(n)"),
    ("calls", "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nreturn str(fib(27))"),
    ("direct", "return str(fib(27))"),
    ("dict", "d = {}\nfor i in range(300000):\n    k = i * 7919 % 5003\n    d[k] = d.get(k, 0) + i\nreturn str(sum(d.values()))"),
    ("list", "xs = []\nfor i in range(300000):\n    xs.append(i * i % 1000)\nt = 0\nfor j in range(5):\n    for x in xs:\n        t += x\nreturn str(t + sum([x for x in xs if x % 3 == 0]))"),
    ("string", "parts = []\nfor i in range(100000):\n    parts.append(f\"{i}:{i % 7}\")\ns = \",\".join(parts)\nn = 0\nfor p in s.split(\",\"):\n    if p.endswith(\":3\"):\n        n += len(p)\nreturn str(n)"),
    ("bigint", "a = 1\nm = 2 ** 521 - 1\nfor i in range(100000):\n    a = (a * a + i) % m\nreturn str(a)"),
    ("sort", "xs = [(i * 7919 % 100003, str(i)) for i in range(100000)]\nxs = sorted(xs, key=lambda p: p[0])\nreturn xs[500][1]"),
    ("sort-plain", "xs = [i * 7919 % 100003 for i in range(200000)]\nxs = sorted(xs)\nreturn str(xs[500])"),
    ("records", "ps = [Point(x=i, y=i % 5) for i in range(100000)]\nt = 0\nfor p in ps:\n    q = p.replace(y=p.x)\n    t += q.x + q.y\nreturn str(t)"),
];

#[allow(clippy::too_many_lines, reason = "one measurement after another")]
fn main() {
    let mut ledger = Ledger::new(TRANSFER);
    for account in 0..1000 {
        ledger.finished(
            "alice@north",
            "open",
            &[
                ("id", text(&format!("account-{account}"))),
                ("balance", Value::Int(1_000_000)),
            ],
        );
    }
    let calls: Vec<Vec<u8>> = (0..1000)
        .map(|i| {
            let (source, target) = (
                format!("account-{i}"),
                format!("account-{}", (i * 7 + 1) % 1000),
            );
            arguments(&[
                ("source", text(&source)),
                ("target", text(&target)),
                ("amount", Value::Int(1)),
            ])
        })
        .collect();
    let roles = ["operator".to_string()];
    let context = vm::CallContext {
        contract: "test",
        member: "alice@north",
        organisation: "north",
        roles: &roles,
        signers: &[],
        now_ms: 1,
        height: 1,
        transaction_id: [0; 32],
        application: None,
        attachments: &[],
        via: None,
        read_only: false,
    };
    let rounds = 200;
    let start = Instant::now();
    let mut gas = 0;
    for _ in 0..rounds {
        for call in &calls {
            match vm::run(
                &ledger.program,
                "transfer",
                call,
                &context,
                &mut ledger.state,
                1_000_000,
            ) {
                Outcome::Finished(finished) => gas = finished.gas,
                other => panic!("{other:?}"),
            }
        }
    }
    let each = start.elapsed().as_nanos() as f64 / (rounds * calls.len()) as f64;
    println!(
        "transfer {each:.0} ns, {:.0} a second, {gas} gas",
        1e9 / each
    );
    let wanted = std::env::args().nth(1);
    for (name, body) in BODIES {
        if wanted.as_deref().is_some_and(|wanted| wanted != *name) {
            continue;
        }
        let source = format!(
            "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\n{}",
            common::function(body)
        );
        let mut ledger = Ledger::new(&source);
        ledger.gas = u64::MAX;
        let start = Instant::now();
        let outcome = ledger.call_as("a@b", "f", &[]);
        let time = start.elapsed();
        let python = python(body);
        let gas = if let Outcome::Finished(finished) = &outcome {
            finished.gas
        } else {
            panic!("{outcome:?}")
        };
        let ratio = time.as_secs_f64() / python;
        println!(
            "{name:10} vm {:7.1} ms  cpython {:7.1} ms  ratio {ratio:.2}  {:.2} ns/gas",
            time.as_secs_f64() * 1e3,
            python * 1e3,
            time.as_nanos() as f64 / gas as f64
        );
    }
}

/// Seconds that CPython takes.
fn python(body: &str) -> f64 {
    let indented: String = body.lines().map(|line| format!("    {line}\n")).collect();
    let script = format!(
        "import time\nfrom dataclasses import dataclass, replace\n@dataclass(frozen=True)\nclass Point:\n    x: int\n    y: int = 0\n    def replace(self, **k): return replace(self, **k)\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\ndef f():\n{indented}\nt = time.perf_counter()\nf()\nprint(time.perf_counter() - t)\n"
    );
    let output = std::process::Command::new("python3")
        .arg("-c")
        .arg(script)
        .output()
        .expect("python3 runs");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap_or(f64::NAN)
}
