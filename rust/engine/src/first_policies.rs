//! Whether anybody could ever meet the policies that a genesis document sets: as `policies.set` asks.

use std::sync::Arc;

use crate::deploy;
use crate::formats::genesis::Genesis;
use crate::members::{Member, Organisations, Standing, POLICIES};
use crate::policy::{Agreement, Policy};
use crate::Error;

/// The role that each organisation in force has.
const ADMIN: &str = "admin";

/// Refuses a policy that all organisations together would not meet, each by a member with all roles of the catalogue that it
/// names. `FORBIDDEN` alone closes a call on purpose, but for those of the system.
pub(crate) fn check_policies(genesis: &Genesis) -> Result<(), Error> {
    let mut organisations = Organisations::default();
    for organisation in &genesis.organisations {
        organisations.take(organisation.name.clone(), Standing::Active);
    }
    for (target, text) in &genesis.policies {
        let refused = |why: String| {
            Error::new("genesis.bad_policy", format!("{target}: {why}")).in_field("policies")
        };
        let policy = Policy::parse(text).map_err(refused)?;
        let contract = target.split_once('.').map_or("", |(contract, _)| contract);
        let system = contract == deploy::CONTRACT || deploy::SYSTEM.contains(&contract);
        let meant = matches!(policy, Policy::Forbidden) && !system;
        let roles = match *target == format!("{POLICIES}.set") {
            true => vec![ADMIN.to_owned()],
            false => known_roles(genesis, &policy),
        };
        let everybody = everybody(genesis, &roles);
        let mut agreement = Agreement {
            members: &everybody,
            via: None,
            subject: organisations.names().next(),
            organisations: &organisations,
        };
        let Some(missing) = policy.missing(&agreement).filter(|_| !meant) else {
            continue;
        };
        let by_contract = callers(text).any(|via| {
            agreement.via = Some(via);
            policy.met_by(&agreement)
        });
        if system || !by_contract {
            return Err(refused(format!("nobody could call it, missing: {missing}")));
        }
    }
    Ok(())
}

/// Roles of the catalogue that a policy names.
fn known_roles(genesis: &Genesis, policy: &Policy) -> Vec<String> {
    let known = |name: &String| genesis.roles.iter().any(|role| role.name == *name);
    let named = policy.names().into_iter();
    named
        .filter(|(kind, name)| *kind == "role" && known(name))
        .map(|(_, name)| name)
        .collect()
}

/// A member with these roles of each organisation.
fn everybody(genesis: &Genesis, roles: &[String]) -> Vec<Arc<Member>> {
    let member = |organisation: &str| Member {
        id: format!("x@{organisation}"),
        organisation: organisation.to_owned(),
        kind: "person".to_owned(),
        roles: roles.to_vec(),
    };
    let all = genesis.organisations.iter();
    all.map(|one| Arc::new(member(&one.name))).collect()
}

/// Names of contracts that a policy's text lets call.
fn callers(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| letter.is_ascii_whitespace() || "(),".contains(letter));
    words.filter_map(|word| word.strip_prefix("via:"))
}
