//! Policies: their texts, and what they mean.

use std::sync::Arc;

use engine::{Agreement, Member, Organisations, Policy, Standing};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

fn parsed(text: &str) -> PyResult<Policy> {
    Policy::parse(text).map_err(PyValueError::new_err)
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
