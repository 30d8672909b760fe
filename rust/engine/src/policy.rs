//! The policy of a call: who must have signed. Roles, organisations and `ANY`, joined by `or` and `and`.

use std::sync::Arc;

use crate::members::Member;

/// A policy's text, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Every member.
    Any,
    /// Nobody.
    Forbidden,
    /// A signer with the role.
    Role(String),
    /// A signer of the organisation.
    Organisation(String),
    /// The contract with this name makes the call.
    Via(String),
    /// Any contract makes the call.
    ViaAny,
    /// One of them is met.
    Or(Vec<Policy>),
    /// Each of them is met.
    And(Vec<Policy>),
}

impl Policy {
    /// Parses a text such as `role:bank or role:insurer`. `and` binds closer than `or`.
    /// The error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let most = crate::limits::POLICY_BYTES;
        if text.len() > most {
            return Err(format!(
                "{} bytes, at most {most} make a policy",
                text.len()
            ));
        }
        let alternatives: Vec<_> = text
            .split(" or ")
            .map(Self::parse_all)
            .collect::<Result<_, _>>()?;
        Ok(join(alternatives, Policy::Or))
    }

    fn parse_all(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text
            .split(" and ")
            .map(Self::parse_one)
            .collect::<Result<_, _>>()?;
        Ok(join(parts, Policy::And))
    }

    fn parse_one(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let name = |name: &str, extra: char| -> Result<String, String> {
            let good = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == extra);
            if good && name.len() <= crate::limits::NAME_BYTES {
                return Ok(name.to_owned());
            }
            Err(format!(
                "'{}' is no name of a role, an organisation or a contract",
                name.escape_debug()
            ))
        };
        match text.split_once(':') {
            Some(("role", role)) => Ok(Policy::Role(name(role, '_')?)),
            Some(("via", "ANY")) => Ok(Policy::ViaAny),
            Some(("via", contract)) => Ok(Policy::Via(name(contract, '_')?)),
            Some(("org", organisation)) => Ok(Policy::Organisation(name(organisation, '-')?)),
            None if text == "ANY" => Ok(Policy::Any),
            None if text == "FORBIDDEN" => Ok(Policy::Forbidden),
            _ => Err(format!(
                "'{}' is no policy: write ANY, FORBIDDEN, role:NAME, org:NAME, via:NAME or via:ANY, joined by 'and' and 'or'",
                text.escape_debug()
            )),
        }
    }

    /// Whether these signers meet it, in a call that the transaction itself makes.
    pub fn met_by(&self, signers: &[Arc<Member>]) -> bool {
        self.met_by_call(signers, None)
    }

    /// Whether these signers meet it, in a call that the contract `via` makes, where one does.
    ///
    /// A contract's call meets only alternatives that name contracts by `via:`. Who signs a call
    /// of one contract has not agreed to what that one calls elsewhere in the signer's name.
    pub fn met_by_call(&self, signers: &[Arc<Member>], via: Option<&str>) -> bool {
        let alternatives = match self {
            Policy::Or(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        alternatives
            .iter()
            .any(|one| (via.is_none() || one.names_callers()) && one.holds(signers, via))
    }

    /// Whether any signers at all meet it in a call that the contract `via` makes.
    pub fn admits(&self, via: &str) -> bool {
        let parts = |one: &Policy| match one {
            Policy::And(parts) => parts.clone(),
            one => vec![one.clone()],
        };
        let alternatives = match self {
            Policy::Or(alternatives) => alternatives.as_slice(),
            one => std::slice::from_ref(one),
        };
        alternatives.iter().any(|one| {
            one.names_callers()
                && parts(one).iter().all(|part| match part {
                    Policy::Via(name) => name == via,
                    Policy::Forbidden => false,
                    _ => true,
                })
        })
    }

    fn names_callers(&self) -> bool {
        match self {
            Policy::Via(_) | Policy::ViaAny => true,
            Policy::And(parts) => parts.iter().any(Policy::names_callers),
            _ => false,
        }
    }

    fn holds(&self, signers: &[Arc<Member>], via: Option<&str>) -> bool {
        match self {
            Policy::Any => !signers.is_empty(),
            Policy::Forbidden => false,
            Policy::Role(role) => signers.iter().any(|member| member.roles.contains(role)),
            Policy::Organisation(name) => signers.iter().any(|member| &member.organisation == name),
            Policy::Via(name) => via == Some(name.as_str()),
            Policy::ViaAny => via.is_some(),
            Policy::Or(parts) => parts.iter().any(|part| part.holds(signers, via)),
            Policy::And(parts) => parts.iter().all(|part| part.holds(signers, via)),
        }
    }
}

fn join(mut parts: Vec<Policy>, wrap: fn(Vec<Policy>) -> Policy) -> Policy {
    match parts.len() {
        1 => parts.remove(0),
        _ => wrap(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(organisation: &str, roles: &[&str]) -> Arc<Member> {
        Arc::new(Member {
            id: format!("m@{organisation}"),
            organisation: organisation.to_owned(),
            kind: "person".to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        })
    }

    #[test]
    fn parts_are_met_by_any_signer_and_joined_as_written() {
        let (bank, buyer) = (member("bank-a", &["bank"]), member("acme", &["buyer"]));
        let met = |text: &str, signers: &[&Arc<Member>]| {
            let signers: Vec<_> = signers.iter().map(|member| Arc::clone(member)).collect();
            Policy::parse(text).unwrap().met_by(&signers)
        };
        assert!(met("role:bank", &[&bank]));
        assert!(!met("role:bank", &[&buyer]));
        assert!(met("role:bank and org:acme", &[&bank, &buyer]));
        assert!(!met("role:bank and org:acme", &[&bank]));
        assert!(met("role:bank and org:acme or role:buyer", &[&buyer]));
        assert!(!met("FORBIDDEN", &[&bank]));
        assert!(met("ANY", &[&buyer]));
    }

    #[test]
    fn a_contract_acts_for_a_signer_only_where_the_policy_names_it() {
        let bank = [member("bank-a", &["bank"])];
        let met = |text: &str, via: Option<&str>| {
            let policy = Policy::parse(text).unwrap();
            policy.met_by_call(&bank, via)
        };
        for text in ["ANY", "role:bank", "org:bank-a", "role:bank and org:bank-a"] {
            assert!(met(text, None) && !met(text, Some("shop")), "{text}");
        }
        for text in ["via:shop", "via:ANY", "role:bank and via:shop"] {
            assert!(!met(text, None) && met(text, Some("shop")), "{text}");
        }
        assert!(met("ANY or via:ANY", None) && met("ANY or via:ANY", Some("shop")));
        assert!(!met("role:bank or via:shop", Some("other")));
        assert!(!met("role:buyer and via:shop or role:bank", Some("shop")));
    }

    #[test]
    fn a_policy_says_which_contracts_may_call_at_all() {
        let admits = |text: &str| Policy::parse(text).unwrap().admits("shop");
        for text in [
            "via:shop",
            "via:ANY",
            "role:a or via:shop",
            "role:a and via:shop",
            "ANY or via:ANY",
        ] {
            assert!(admits(text), "{text}");
        }
        for text in [
            "ANY",
            "role:a",
            "via:other",
            "via:other and via:shop",
            "FORBIDDEN and via:shop",
        ] {
            assert!(!admits(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "bank",
            "role:",
            "role:Bank",
            "role:b or",
            "any",
            "role:a xor role:b",
            "role:a  or",
        ] {
            assert!(Policy::parse(bad).is_err(), "{bad}");
        }
    }
}
