//! Whether a call may run: its method, the code it means, and the policy its signers must meet.

use std::sync::Arc;

use crate::formats::result::Refusal;
use crate::members::Member;
use crate::policy::Policy;
use crate::prepare::Transaction;
use crate::runtime::{Contract, Deployed};

/// Method, pinned code and policy, before any gas is spent.
pub(crate) fn check_call(
    transaction: &Transaction,
    deployed: &Deployed,
    signers: &[Arc<Member>],
) -> Result<(), Refusal> {
    let name = transaction.text(&transaction.payload.contract);
    if let Some(meant) = transaction
        .payload
        .code
        .filter(|meant| *meant != deployed.source)
    {
        let message = format!(
            "the call means source {meant}, {name} runs {}",
            deployed.source
        );
        return Err(Refusal::new("code.mismatch", message)
            .in_field("code")
            .hint("read the contract's source again before you sign"));
    }
    let method = transaction.text(&transaction.payload.method);
    let policy = find_method(&deployed.code, name, method, false)?;
    let parsed = Policy::parse(policy).map_err(|why| Refusal::new("policy.malformed", why))?;
    if parsed.met_by(signers) {
        return Ok(());
    }
    Err(
        Refusal::new("policy.denied", denial(name, method, policy, signers))
            .hint(format!("let a member sign who meets: {policy}")),
    )
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

pub(crate) fn denial(
    contract: &str,
    method: &str,
    policy: &str,
    signers: &[Arc<Member>],
) -> String {
    let who: Vec<String> = signers
        .iter()
        .map(|member| {
            let roles = if member.roles.is_empty() {
                "no role".to_owned()
            } else {
                member.roles.join(", ")
            };
            format!("{} ({roles})", member.id)
        })
        .collect();
    format!(
        "{contract}.{method} requires {policy}; signed by {}",
        who.join(" and ")
    )
}
