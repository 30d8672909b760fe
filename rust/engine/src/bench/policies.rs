//! Time that a policy takes on a chain as it stands.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::Engine;
use crate::members::Member;
use crate::policy::{Agreement, Policy};
use crate::Error;

/// Evaluates a policy for these members, so often; gives whether it is met and the nanoseconds of
/// each evaluation, its sentence included where it is not met.
pub fn policies(
    engine: &Engine,
    text: &str,
    members: &[String],
    subject: Option<&str>,
    rounds: usize,
) -> Result<(bool, Vec<u64>), Error> {
    let head = engine.head();
    let policy = Policy::parse(text).map_err(|why| Error::new("bench.policy", why))?;
    let known = members.iter().filter_map(|id| head.directory.member(id));
    let members: Vec<Arc<Member>> = known.cloned().collect();
    let agreement = Agreement {
        members: &members,
        via: None,
        subject,
        organisations: head.directory.organisations(),
    };
    let mut taken = Vec::with_capacity(rounds);
    let mut met = false;
    for _ in 0..rounds {
        let started = Instant::now();
        met = std::hint::black_box(policy.missing(&agreement)).is_none();
        taken.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok((met, taken))
}
