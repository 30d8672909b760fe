//! Policies: their texts, and what they mean.

use std::sync::Arc;

use engine::{Agreement, Member, Organisations, Policy, Standing};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::engine_class::Engine;
use crate::error::raise;

fn parsed(text: &str) -> PyResult<Policy> {
    Policy::parse(text).map_err(PyValueError::new_err)
}

/// What members lack to make a call: policy, whether the chain set it, what is missing, and the
/// sentence of the refusal; the last two None where they may make it.
#[pyfunction]
pub fn explain_call(
    py: Python<'_>,
    engine: &Engine,
    contract: &str,
    method: &str,
    arguments: &[u8],
    members: Vec<String>,
) -> PyResult<(String, bool, Option<String>, Option<String>)> {
    let core = engine.core()?;
    let explained = py
        .detach(|| core.explain(contract, method, arguments, &members))
        .map_err(|refusal| {
            let hint = refusal.hint.unwrap_or_default();
            raise(engine::Error::new(refusal.code.to_string(), refusal.message).hint(hint))
        })?;
    Ok((
        explained.policy,
        explained.by_chain,
        explained.missing,
        explained.denial,
    ))
}

/// Whether members meet a policy on a chain, and the nanoseconds of each of some evaluations.
#[pyfunction]
pub fn bench_policy(
    py: Python<'_>,
    engine: &Engine,
    text: &str,
    members: Vec<String>,
    subject: Option<&str>,
    rounds: usize,
) -> PyResult<(bool, Vec<u64>)> {
    let core = engine.core()?;
    py.detach(|| engine::bench::policies(&core, text, &members, subject, rounds))
        .map_err(raise)
}

/// The canonical text of a policy.
#[pyfunction]
pub fn policy_text(text: &str) -> PyResult<String> {
    Ok(parsed(text)?.to_string())
}

/// Kinds (`role`, `org`) and names that a policy names, in its order.
#[pyfunction]
pub fn policy_names(text: &str) -> PyResult<Vec<(&'static str, String)>> {
    Ok(parsed(text)?.names())
}

/// Whether any signers at all meet a policy in a call that the contract `via` makes.
#[pyfunction]
pub fn policy_admits(text: &str, via: &str) -> PyResult<bool> {
    Ok(parsed(text)?.admits(via))
}

/// What a policy still needs, in words; None where these members meet it.
#[pyfunction]
#[pyo3(signature = (text, members, organisations, via, subject))]
pub fn policy_missing(
    text: &str,
    members: Vec<(String, String, Vec<String>)>,
    organisations: Vec<String>,
    via: Option<&str>,
    subject: Option<&str>,
) -> PyResult<Option<String>> {
    let policy = parsed(text)?;
    let members: Vec<_> = members
        .into_iter()
        .map(|(id, organisation, roles)| {
            Arc::new(Member {
                id,
                organisation,
                kind: "person".to_owned(),
                roles,
            })
        })
        .collect();
    let mut known = Organisations::default();
    for name in organisations {
        known.take(name, Standing::Active);
    }
    Ok(policy.missing(&Agreement {
        members: &members,
        via,
        subject,
        organisations: &known,
    }))
}
