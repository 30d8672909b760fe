//! Small programs that the VM and CPython 3.11 must agree on: the same text, or the same error.
//!
//! Each file of `tests/snippets` holds programs divided by lines of `---`; a program returns a
//! value, whose `repr` is compared. Skipped where no `python3` is found.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use codec::cbor::{decode, Value};
use vm::Outcome;

const SHIM: &str = include_str!("snippets/shim.py");

/// What the VM gives: the text, or the exception.
fn by_vm(body: &str) -> String {
    let source = common::function(&format!("{}\nreturn repr(inner())", wrapped(body)));
    let program = match vm::compile(&source, "test.py") {
        Ok(program) => program,
        Err(found) => return format!("refused: {}", found[0]),
    };
    let mut ledger = common::Ledger {
        program,
        state: common::Memory::default(),
        gas: 100_000_000,
    };
    match ledger.call_as("alice@north", "f", &[]) {
        Outcome::Finished(finished) => match decode(&finished.value) {
            Ok(Value::Text(text)) => text,
            other => format!("{other:?}"),
        },
        Outcome::Failed(failed) if failed.code == "contract.error" => {
            format!(
                "{}: {}",
                failed.reason.unwrap_or_default(),
                failed.message.replace("Test.f.<locals>.", "")
            )
        }
        Outcome::Failed(failed) if failed.code == "contract.rejected" => {
            format!(
                "Rejected: {}: {}",
                failed.reason.unwrap_or_default(),
                failed.message
            )
        }
        other => format!("{other:?}"),
    }
}

fn wrapped(body: &str) -> String {
    let inside: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("def inner():\n{inside}")
}

/// What CPython gives for each program.
fn by_cpython(bodies: &[String]) -> Option<Vec<String>> {
    let mut script = SHIM.to_string();
    for body in bodies {
        script.push_str(&format!("{}_run(inner)\n", wrapped(body)));
    }
    let mut child = Command::new("python3")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(script.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the shim writes UTF-8");
    Some(
        text.split('\u{1e}')
            .map(str::to_string)
            .take(bodies.len())
            .collect(),
    )
}

#[test]
fn the_vm_agrees_with_cpython() {
    let version = Command::new("python3").arg("--version").output();
    if !version
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("Python 3.11"))
    {
        eprintln!("skipped: python3 is not CPython 3.11");
        return;
    }
    // Another folder can be named, for programs made by a generator.
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snippets").to_string();
    let folder = std::env::var("LIANHENG_SNIPPETS").unwrap_or(own);
    let mut bodies = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the snippets are there") {
        let path = entry.expect("a folder entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = std::fs::read_to_string(&path).expect("a snippet file");
            bodies.extend(
                text.split("\n---\n")
                    .map(|body| body.trim_matches('\n').to_string()),
            );
        }
    }
    bodies.sort();
    let expected = by_cpython(&bodies).expect("python3 runs the snippets");
    let mut differences = Vec::new();
    for (body, expected) in bodies.iter().zip(&expected) {
        let given = by_vm(body);
        if given != *expected {
            differences.push(format!(
                "{body}\n  cpython: {expected}\n  vm:      {given}\n"
            ));
        }
    }
    let count = bodies.len();
    assert!(
        differences.is_empty(),
        "{} of {count} programs differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    println!("{count} programs agree");
}
