//! Compiled bytes that nobody needs to trust: read or refused, run or stopped, never a panic.

mod common;

use common::{arguments, compiled, function, text, Linked, Memory};
use proptest::prelude::*;
use vm::{CallContext, Outcome, Program};

const SOURCES: &[&str] = &[
    include_str!("contracts/toolshed.py"),
    include_str!("contracts/transfer.py"),
    include_str!("contracts/receivables.py"),
    include_str!("contracts/relay.py"),
];

const BODY: &str = "def g(a, b=2, *c, **d):\n    return [a, b, c, d]\nn = 0\ndef h():\n    nonlocal n\n    n += 1\n    return n\nxs = [i for i in range(5) if i % 2]\ntry:\n    for k, v in {'a': 1}.items():\n        xs.append(g(1, *xs, k=v))\n    x = xs[9]\nexcept IndexError as e:\n    x = str(e)\nfinally:\n    h()\nmatch xs:\n    case [a, *b]:\n        x = f'{x!r:>30}{a}{b}'\n    case {'q': y, **z}:\n        x = y\np = Point(1, y=2).replace(x=5)\nself.rows['a'] = Row(id='a', tags=[x, 'q'])\nwhile n < 5:\n    n = h()\ndel xs[0]\ns = {1, 2} | {n}\nreturn [x, p.total(), sorted(sorted(s), key=lambda v: -v), self.rows['a'].tags, xs[::-1], self.caller.roles, Color('red').name, 'a' in self.rows, self.rows.scan(limit=5)]";

/// Runs every entry of a program that was read.
fn run_all(program: &Program) {
    let roles = ["operator".to_string()];
    let methods: Vec<String> = program
        .interface()
        .calls
        .iter()
        .chain(&program.interface().views)
        .map(|method| method.name.clone())
        .collect();
    let given = [
        arguments(&[]),
        arguments(&[("id", text("a")), ("to", text("b"))]),
        arguments(&[
            ("source", text("a")),
            ("target", text("b")),
            ("amount", codec::cbor::Value::Int(1)),
        ]),
        arguments(&[("debtor", text("a")), ("number", text("b"))]),
    ];
    for method in methods.iter().take(8) {
        for arguments in &given {
            let context = CallContext {
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
                chain: "test",
                timer_gas: 50_000_000,
                read_only: false,
            };
            // The only other contract is the running program itself.
            let mut host = Linked::new(Memory::default(), program, None);
            let outcome = vm::run(program, method, arguments, &context, &mut host, 20_000);
            assert!(!matches!(outcome, Outcome::Faulted(_)));
        }
    }
}

fn programs() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = SOURCES
        .iter()
        .map(|source| compiled(source).to_bytes())
        .collect();
    all.push(compiled(&function(BODY)).to_bytes());
    all
}

#[test]
fn a_program_calls_itself_as_another_one() {
    let program = compiled(SOURCES[3]);
    let mut host = Linked::new(Memory::default(), &program, None);
    let context = CallContext {
        contract: "test",
        member: "alice@north",
        organisation: "north",
        roles: &[],
        signers: &[],
        now_ms: 1,
        height: 1,
        transaction_id: [0; 32],
        application: None,
        attachments: &[],
        via: None,
        chain: "test",
        timer_gas: 50_000_000,
        read_only: false,
    };
    let given = arguments(&[("id", text("x"))]);
    match vm::run(&program, "lend", &given, &context, &mut host, 20_000) {
        Outcome::Finished(done) => {
            let names: Vec<_> = done.events.iter().map(|event| event.data.clone()).collect();
            assert_eq!(names.len(), 4);
            assert_eq!(names[1], names[3]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_body_of_these_tests_runs() {
    let outcome = common::evaluate(BODY);
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
}

#[test]
fn every_byte_changed_is_read_safely() {
    let mut read = 0;
    for bytes in programs() {
        let step = bytes.len() / 1_500 + 1;
        for at in (0..bytes.len()).step_by(step) {
            for change in [1_u8, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                if let Ok(program) = Program::from_bytes(&changed) {
                    read += 1;
                    run_all(&program);
                }
            }
        }
        for length in (0..bytes.len()).step_by(97) {
            assert!(Program::from_bytes(&bytes[..length]).is_err());
        }
    }
    assert!(read > 100, "only {read} changed programs were read");
}

#[test]
fn a_type_has_one_form() {
    let bytes = programs().swap_remove(0);
    let mut value = codec::cbor::decode(&bytes).expect("programs are CBOR");
    let codec::cbor::Value::Array(items) = &mut value else {
        panic!("a program is an array");
    };
    let codec::cbor::Value::Array(entries) = &mut items[12] else {
        panic!("entries are an array");
    };
    let codec::cbor::Value::Array(entry) = &mut entries[0] else {
        panic!("an entry is an array");
    };
    entry[5] = codec::cbor::Value::Array(vec![codec::cbor::Value::Int(0)]);
    let changed = codec::cbor::encode(&value).expect("it encodes");
    assert!(Program::from_bytes(&changed).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn many_bytes_changed_are_read_safely(which in 0..5_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = programs().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(program) = Program::from_bytes(&bytes) {
            prop_assert_eq!(program.to_bytes(), bytes);
            run_all(&program);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Program::from_bytes(&bytes);
    }

    #[test]
    fn any_arguments_are_refused_or_run(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut ledger = common::Ledger::new(SOURCES[0]);
        let _ = ledger.raw("a@b", "lend", &bytes);
    }

    #[test]
    fn any_source_is_refused_or_compiled(source in "[ -~\n]{0,200}") {
        let _ = vm::compile(&source, "x.py");
    }
}
