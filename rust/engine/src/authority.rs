//! Whether a call may run: its method, the code it means, and the policy its signers must meet.

use std::sync::Arc;

use codec::cbor::{Decoder, MapReader};

use crate::deploy;
use crate::formats::result::Refusal;
use crate::members::{Directory, Member, Rule};
use crate::policy::{Agreement, Policy};
use crate::runtime::{Contract, Contracts, Deployed, Order};

/// Who agrees to a call, and through whom it comes.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub directory: &'a Directory,
    /// Members in force who signed, or approved.
    pub members: &'a [Arc<Member>],
    /// The contract that makes the call, where one does.
    pub via: Option<&'a str>,
}

/// A call as policies see it.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub contract: &'a str,
    pub method: &'a str,
    /// The policy that its source, or the engine, gives it.
    pub own: &'a Rule,
    /// What its first argument names, where it is a text.
    pub subject: Option<&'a str>,
}

impl Asking<'_> {
    /// The policy in force, and whether the chain set it.
    pub fn rule<'r>(&'r self, target: &Target<'r>) -> (&'r Rule, bool) {
        match self.directory.policy(target.contract, target.method) {
            Some(set) => (set.as_ref(), true),
            None => (target.own, false),
        }
    }

    /// What is missing to make the call, and from whom; nothing where its policy is met.
    pub fn missing(&self, target: &Target<'_>) -> Option<String> {
        self.rule(target).0.policy.missing(&Agreement {
            members: self.members,
            via: self.via,
            subject: target.subject,
            organisations: self.directory.organisations(),
        })
    }

    /// As [`Asking::missing`], as a whole sentence.
    pub fn denial(&self, target: &Target<'_>) -> Option<String> {
        let Target {
            contract, method, ..
        } = target;
        let missing = self.missing(target)?;
        let (rule, set) = self.rule(target);
        let by_chain = if set { " (set by the chain)" } else { "" };
        let policy = &rule.text;
        let signed = signed_by(self.members);
        let via = self
            .via
            .map_or(String::new(), |via| format!(", called by {via}"));
        Some(format!(
            "{contract}.{method} requires {policy}{by_chain}; {signed}{via}; missing: {missing}"
        ))
    }

    /// Refuses a call whose policy is not met.
    pub fn check(&self, target: &Target<'_>) -> Result<(), Refusal> {
        let Some(message) = self.denial(target) else {
            return Ok(());
        };
        let hint = "let them sign it as well, or propose it: `lianheng governance propose`";
        Err(Refusal::new("policy.denied", message).hint(hint))
    }
}

/// Members that a sentence names.
const NAMED: usize = 6;

fn signed_by(members: &[Arc<Member>]) -> String {
    let named = members.iter().take(NAMED).map(|member| {
        let roles = if member.roles.is_empty() {
            "no role".to_owned()
        } else {
            member.roles.join(", ")
        };
        format!("{} ({roles})", member.id)
    });
    let named = named.collect::<Vec<_>>().join(" and ");
    match members.len() {
        0 => "signed by nobody in force".to_owned(),
        count if count > NAMED => format!("signed by {named} and {} more", count - NAMED),
        _ => format!("signed by {named}"),
    }
}

/// The text argument with this name, if there is one. What follows decodes and checks all of them.
pub(crate) fn text_argument<'a>(arguments: &'a [u8], wanted: &str) -> Option<&'a str> {
    let mut decoder = Decoder::new(arguments);
    let mut map = MapReader::open(&mut decoder).ok()?;
    while let Some(name) = map.text_key(&mut decoder).ok()? {
        let value = decoder.skip().ok()?;
        if name == wanted {
            return Decoder::new(value).text().ok();
        }
    }
    None
}

/// Method, pinned code and policy, before any gas is spent.
pub(crate) fn check_call(
    order: &Order<'_>,
    deployed: &Deployed,
    asking: &Asking<'_>,
) -> Result<(), Refusal> {
    let name = order.contract;
    if let Some(meant) = order.code.filter(|meant| *meant != deployed.source) {
        let runs = deployed.source;
        let message = format!("the call means source {meant}, {name} runs {runs}");
        return Err(Refusal::new("code.mismatch", message)
            .in_field("code")
            .hint("read the contract's source again before you sign"));
    }
    check_method(&deployed.code, name, order.method, order.arguments, asking)
}

/// Whether a call of this method may begin: it exists, is no view, and its policy is met.
pub(crate) fn check_method(
    code: &Arc<dyn Contract>,
    contract: &str,
    method: &str,
    arguments: &[u8],
    asking: &Asking<'_>,
) -> Result<(), Refusal> {
    find_method(code, contract, method, false)?;
    let own = own_rule(code.as_ref(), contract, method)?;
    asking.check(&Target {
        contract,
        method,
        own: &own,
        subject: subject(code.as_ref(), method, arguments),
    })
}

/// The policy that a call's source gives it.
pub(crate) fn own_rule(
    code: &dyn Contract,
    contract: &str,
    method: &str,
) -> Result<Arc<Rule>, Refusal> {
    code.rule(method).ok_or_else(|| {
        let message = format!("{contract}.{method} has no policy");
        Refusal::new("policy.malformed", message)
    })
}

/// What a call's first argument names, where it is a text.
pub(crate) fn subject<'a>(
    code: &dyn Contract,
    method: &str,
    arguments: &'a [u8],
) -> Option<&'a str> {
    let first = code.first_argument(method)?;
    text_argument(arguments, first)
}

/// Whether the engine's own call `contracts.METHOD` may begin.
pub(crate) fn check_contracts(method: &str, asking: &Asking<'_>) -> Result<(), Refusal> {
    asking.check(&Target {
        contract: deploy::CONTRACT,
        method,
        own: &contracts_rule()?,
        subject: None,
    })
}

fn contracts_rule() -> Result<Rule, Refusal> {
    let text = deploy::POLICY.to_owned();
    let policy = Policy::parse(&text).map_err(|why| Refusal::new("policy.malformed", why))?;
    Ok(Rule { text, policy })
}

/// Asks about a call from outside that nobody makes yet; refused where there is no such call.
pub(crate) fn asked_of<T>(
    contracts: &Contracts,
    (contract, method, arguments): (&str, &str, &[u8]),
    ask: impl FnOnce(&Target<'_>) -> T,
) -> Result<T, Refusal> {
    let (own, subject) = match contracts.get(contract) {
        _ if contract == deploy::CONTRACT => match deploy::METHODS.contains(&method) {
            true => (Arc::new(contracts_rule()?), None),
            false => return Err(deploy::unknown_method(method)),
        },
        None => {
            let message = format!("no contract {contract} is deployed");
            return Err(Refusal::new("call.unknown_contract", message));
        }
        Some(deployed) => {
            let code = &deployed.code;
            find_method(code, contract, method, false)?;
            let own = own_rule(code.as_ref(), contract, method)?;
            (own, subject(code.as_ref(), method, arguments))
        }
    };
    Ok(ask(&Target {
        contract,
        method,
        own: &own,
        subject,
    }))
}

/// The policy of a call, or why there is no such call.
pub(crate) fn find_method<'c>(
    code: &'c Arc<dyn Contract>,
    contract: &str,
    method: &str,
    view: bool,
) -> Result<&'c str, Refusal> {
    match code.method(method) {
        Some((policy, reads)) if reads == view => Ok(policy),
        Some(_) if view => Err(Refusal::new(
            "call.not_a_view",
            format!("{contract}.{method} changes state"),
        )
        .in_field("method")
        .hint("send it as a signed call")),
        Some(_) => Err(
            Refusal::new("call.is_a_view", format!("{contract}.{method} only reads"))
                .in_field("method")
                .hint("ask it as a view: it needs no transaction"),
        ),
        None => Err(Refusal::new(
            "call.unknown_method",
            format!("{contract} has no method {method}"),
        )
        .in_field("method")
        .hint(format!("it has: {}", code.methods().join(", ")))),
    }
}
