//! Which deployed contracts an upgrade would leave without what their interfaces say.

use codec::cbor::Value;
use crypto::Hash32;

use crate::contract_python::{python_of, PythonContract};
use crate::nested::source_differs;
use crate::runtime::{Contract, Contracts, Status};

/// A method of an interface that a contract declares, and that the new source no longer offers so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokenCaller {
    /// The contract that calls.
    pub contract: String,
    /// Its attribute that stands for the upgraded contract.
    pub attribute: String,
    /// The class that declares what it expects.
    pub interface: String,
    /// The method; empty where the whole contract is meant.
    pub method: String,
    /// What does not fit, in words.
    pub why: String,
}

/// A source of a contract: its compiled form and its hash.
pub(crate) type Source<'a> = (&'a dyn Contract, Hash32);

/// Calls that fit the old source and not the new one, by contract and attribute; none is made here.
pub(crate) fn broken(
    name: &str,
    old: Source<'_>,
    new: Source<'_>,
    contracts: &Contracts,
) -> Vec<BrokenCaller> {
    let mut found = Vec::new();
    let mut others: Vec<_> = contracts.iter().collect();
    others.sort_by_key(|(own, _)| *own);
    for (own, deployed) in others {
        if own == name || deployed.status == Status::Retired {
            continue;
        }
        if let Some(caller) = python_of(deployed.code.as_ref()) {
            found.extend(broken_calls(own, caller, name, old, new));
        }
    }
    found
}

/// The same for one contract.
pub(crate) fn broken_calls(
    own: &str,
    caller: &PythonContract,
    name: &str,
    old: Source<'_>,
    new: Source<'_>,
) -> Vec<BrokenCaller> {
    let mut found = Vec::new();
    let uses = caller.program.interface().uses.iter().enumerate();
    for (number, used) in uses.filter(|(_, used)| used.contract == name) {
        let before = failures(own, caller, number, old);
        let fitted = |method: &str| before.iter().all(|(known, _)| known != method);
        for (method, why) in failures(own, caller, number, new) {
            if fitted(&method) {
                found.push(BrokenCaller {
                    contract: own.to_owned(),
                    attribute: used.name.clone(),
                    interface: used.interface.clone(),
                    method,
                    why,
                });
            }
        }
    }
    found
}

/// What of a used contract a source does not offer: methods, each with the reason.
fn failures(
    own: &str,
    caller: &PythonContract,
    number: usize,
    (code, source): Source<'_>,
) -> Vec<(String, String)> {
    let Some(used) = caller.program.interface().uses.get(number) else {
        return Vec::new();
    };
    let whole = |why: String| vec![(String::new(), why)];
    let Some(callee) = python_of(code) else {
        return whole("it is a contract of another kind".to_owned());
    };
    if let Some(why) = used
        .source
        .and_then(|meant| source_differs(&used.contract, meant, source))
    {
        return whole(why);
    }
    let mut found = vm::misfits(&caller.program, number, &callee.program);
    for call in &used.calls {
        let Some(known) = callee.methods.get(&call.name) else {
            continue;
        };
        let rule = known.rule.as_ref();
        let admitted = rule.is_some_and(|rule| rule.policy.admits(own));
        if !admitted && found.iter().all(|(method, _)| *method != call.name) {
            let policy = &known.text;
            let name = &call.name;
            let why = format!("{name}: its policy `{policy}` lets no call of {own} in");
            found.push((call.name.clone(), why));
        }
    }
    found
}

/// As a map: contract, attribute, interface, method, why.
pub(crate) fn value(broken: &BrokenCaller) -> Value {
    let field = |name: &str, text: &str| (Value::text(name), Value::text(text));
    Value::Map(vec![
        field("contract", &broken.contract),
        field("attribute", &broken.attribute),
        field("interface", &broken.interface),
        field("method", &broken.method),
        field("why", &broken.why),
    ])
}
