//! What the engine itself answers to the system's contracts, as the contract `chain`.

use std::sync::Arc;

use codec::cbor::{self, Encoder, Value};
use vm::{ContractCall, Nested};

use crate::authority::{asked_of, text_argument, Asking};
use crate::deploy;
use crate::members::Member;
use crate::runtime::Call;

/// Name under which the system's contracts ask it.
pub(crate) const CONTRACT: &str = "chain";

/// Gas of an answer: one look-up.
const ANSWER: u64 = 500;

/// Gas for each member that a question names.
const MEMBER: u64 = 50;

/// Answers a view of the system's contracts. Nobody else can declare that it uses `chain`.
pub(crate) fn answer(call: &Call<'_>, asked: ContractCall<'_>) -> Nested {
    let Ok(arguments) = cbor::decode(asked.arguments) else {
        return refused("the arguments cannot be read".to_owned());
    };
    let answered = match asked.name {
        "missing" => missing(call, &arguments),
        "source" => source(call, &arguments),
        other => Err(format!("the engine has no view {other}")),
    };
    match answered {
        Ok((value, gas)) => asked.answered(value, gas),
        Err(why) => refused(why),
    }
}

fn refused(message: String) -> Nested {
    Nested::Refused {
        code: "contract.interface",
        message,
    }
}

/// An answer, and its gas.
type Answer = Result<(Vec<u8>, u64), String>;

fn text<'v>(arguments: &'v Value, field: &str) -> Result<&'v str, String> {
    match arguments.get(field) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(format!("{field} is no text")),
    }
}

fn bytes<'v>(arguments: &'v Value, field: &str) -> Result<&'v [u8], String> {
    match arguments.get(field) {
        Some(Value::Bytes(bytes)) => Ok(bytes),
        _ => Err(format!("{field} are no bytes")),
    }
}

/// `missing(contract, method, arguments, members)`: what a call still needs, in words.
fn missing(call: &Call<'_>, asked: &Value) -> Answer {
    let (contract, method) = (text(asked, "contract")?, text(asked, "method")?);
    let Some(Value::Array(ids)) = asked.get("members") else {
        return Err("members is no list".to_owned());
    };
    let members: Vec<Arc<Member>> = ids
        .iter()
        .filter_map(|id| match id {
            Value::Text(id) => call.directory.member(id).cloned(),
            _ => None,
        })
        .collect();
    let asking = Asking {
        directory: call.directory,
        members: &members,
        via: None,
    };
    let meant = (contract, method, bytes(asked, "arguments")?);
    let words = match asked_of(call.contracts, meant, |target| asking.missing(target)) {
        Ok(missing) => missing.unwrap_or_default(),
        Err(refusal) => refusal.message,
    };
    let mut value = Encoder::with_capacity(words.len() + 8);
    value.text(&words);
    Ok((value.into_bytes(), ANSWER + MEMBER * ids.len() as u64))
}

/// `source(contract, arguments)`: the hash of the source that a call runs, or changes; empty where there is none.
fn source(call: &Call<'_>, asked: &Value) -> Answer {
    let (contract, arguments) = (text(asked, "contract")?, bytes(asked, "arguments")?);
    if !matches!(cbor::decode(arguments), Ok(Value::Map(_))) {
        return Err("the arguments of the call are no canonical map".to_owned());
    }
    let name = match contract {
        deploy::CONTRACT => text_argument(arguments, "name").unwrap_or_default(),
        other => other,
    };
    let source = call.contracts.get(name).map(|deployed| deployed.source);
    let mut value = Encoder::with_capacity(40);
    value.bytes(source.as_ref().map_or(&[], |hash| hash.0.as_slice()));
    Ok((value.into_bytes(), ANSWER))
}
