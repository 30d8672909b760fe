//! Calls of all that a program offers, with arguments made from the declared types; used by the
//! targets that run contracts.

use std::time::{Duration, Instant};

use codec::cbor::{decode, encode, Value};
use vm::{CallContext, Host, Outcome, Program, SignerInfo, Type};

use crate::common::Memory;

/// Gas of one call: enough for every construct, little enough for thousands of runs a second.
const GAS: u64 = 200_000;
/// Methods that are called.
const METHODS: usize = 12;
/// What no input may take.
const LONGEST: Duration = Duration::from_secs(1);

/// Runs `work`; fails where it takes too long three times, so that a busy machine is no finding.
pub fn bounded<T>(work: impl Fn() -> T) -> T {
    for attempt in 1.. {
        let start = Instant::now();
        let result = work();
        if start.elapsed() < LONGEST {
            return result;
        }
        assert!(attempt < 3, "{:?}", start.elapsed());
    }
    unreachable!("the loop has no end")
}

/// The signers: two members with every kind of role.
pub fn context<'a>(signers: &'a [SignerInfo], read_only: bool) -> CallContext<'a> {
    CallContext {
        contract: "fuzz",
        member: &signers[0].member,
        organisation: &signers[0].organisation,
        roles: &signers[0].roles,
        signers,
        now_ms: 1_709_164_800_000,
        height: 9,
        transaction_id: [5; 32],
        application: Some("fuzz"),
        attachments: &[[1; 32], [2; 32]],
        via: None,
        timer_gas: 50_000_000,
        chain: "fuzz",
        read_only,
    }
}

/// Alice of north and Bob of south.
pub fn signers() -> Vec<SignerInfo> {
    let signer = |member: &str, organisation: &str, key: u8| SignerInfo {
        member: member.to_string(),
        organisation: organisation.to_string(),
        roles: vec!["operator".to_string(), "bank".to_string()],
        key_id: [key; 32],
    };
    vec![
        signer("alice@north", "north", 1),
        signer("bob@south", "south", 2),
    ]
}

/// Calls each method twice over, on one state; gives the outcomes and leaves the state.
pub fn call_all(program: &Program, state: &mut Memory) -> Vec<Outcome> {
    let interface = program.interface();
    let views = interface.views.iter().map(|method| (method, true));
    let methods = interface
        .calls
        .iter()
        .map(|method| (method, false))
        .chain(views);
    let methods: Vec<_> = methods.take(METHODS).collect();
    let signers = signers();
    let mut outcomes = Vec::new();
    for round in 0..2 {
        for (method, read_only) in &methods {
            let given = method
                .parameters
                .iter()
                .filter(|one| round == 0 || one.default.is_none());
            let given = given.map(|one| (Value::text(one.name.clone()), example(&one.ty, round)));
            let Ok(arguments) = encode(&Value::Map(given.collect())) else {
                continue;
            };
            outcomes.push(call(
                program,
                &method.name,
                &arguments,
                &context(&signers, *read_only),
                state,
            ));
        }
    }
    outcomes
}

/// One call; its writes are kept only if it finishes, as the engine does.
pub fn call(
    program: &Program,
    method: &str,
    arguments: &[u8],
    context: &CallContext<'_>,
    state: &mut Memory,
) -> Outcome {
    let before = state.clone();
    let outcome = vm::run(
        program,
        method,
        arguments,
        context,
        state as &mut dyn Host,
        GAS,
    );
    match &outcome {
        Outcome::Finished(finished) => {
            assert!(
                decode(&finished.value).is_ok(),
                "a result that cannot be read"
            );
            assert!(finished
                .events
                .iter()
                .all(|event| decode(&event.data).is_ok()));
            assert!(finished.gas <= GAS);
        }
        Outcome::Failed(failed) => {
            assert!(failed.gas <= GAS && !failed.code.is_empty());
            *state = before;
        }
        Outcome::Faulted(error) => panic!("the host never fails: {error}"),
    }
    outcome
}

/// What a program that the compiler made never says.
pub fn check_no_fault(outcomes: &[Outcome]) {
    for outcome in outcomes {
        if let Outcome::Failed(failed) = outcome {
            assert!(
                !matches!(
                    failed.code,
                    "program.malformed" | "state.malformed" | "engine.fault"
                ),
                "{failed:?}"
            );
        }
    }
}

/// An argument of this type.
fn example(ty: &Type, round: usize) -> Value {
    let small = round as i64;
    match ty {
        Type::Any => Value::Array(vec![Value::Int(small), Value::text("a")]),
        Type::None => Value::Null,
        Type::Bool => Value::Bool(round == 0),
        Type::Int => Value::Int(1 + small),
        Type::Decimal(_) => Value::Int(1_234 + small),
        Type::Str => Value::text(["alice@north", "a"][round % 2]),
        Type::Bytes => Value::bytes([7; 32]),
        Type::List(item) | Type::TupleOf(item) => Value::Array(vec![example(item, round); 3]),
        Type::Set(item) => Value::Array(vec![example(item, round)]),
        Type::Tuple(items) => Value::Array(items.iter().map(|item| example(item, round)).collect()),
        Type::Dict(key, value) => Value::Map(vec![(example(key, round), example(value, round))]),
        Type::Union(choices) => choices
            .get(round % choices.len().max(1))
            .map_or(Value::Null, |one| example(one, round)),
        Type::Class(..) => Value::text("open"),
    }
}
