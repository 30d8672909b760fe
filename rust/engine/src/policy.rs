//! Policies: who must agree to a call. Text, form and meaning; docs/protocol/policies.md is the reference.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::members::{Member, Organisations};

mod missing;
mod parse;

/// A policy's text, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// So many organisations, each by one of its members.
    Count(Count),
    /// What the call is about: the member, or somebody of the organisation, that its first argument
    /// names; with a role, a member of that organisation who has it.
    Itself(Option<String>),
    /// Nobody.
    Forbidden,
    /// The contract with this name makes the call.
    Via(String),
    /// Any contract makes the call.
    ViaAny,
    /// One of them is met.
    Or(Vec<Policy>),
    /// Each of them is met.
    And(Vec<Policy>),
}

/// How many organisations of which agree, through members with which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub need: Need,
    /// The role that each of the members has.
    pub role: Option<String>,
    /// The organisations that count; empty: all.
    pub of: Vec<String>,
}

/// How many organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// One.
    Any,
    /// Each of them.
    All,
    /// More than half.
    Majority,
    /// This many.
    Number(u32),
    /// At least this part: numerator and denominator.
    Share(u32, u32),
}

impl Need {
    /// How many of `total` organisations in force.
    pub fn of(self, total: usize) -> usize {
        match self {
            Need::Any => 1,
            // Nobody is not everybody: without organisations it is not met.
            Need::All => total.max(1),
            Need::Majority => total / 2 + 1,
            Need::Number(number) => number as usize,
            Need::Share(part, whole) => (total * part as usize).div_ceil(whole as usize).max(1),
        }
    }
}

/// Who agrees to a call, and what it is about.
#[derive(Clone, Copy)]
pub struct Agreement<'a> {
    /// Members in force who signed, or approved.
    pub members: &'a [Arc<Member>],
    /// The contract that makes the call, where one does.
    pub via: Option<&'a str>,
    /// What the call's first argument names, where it is a text.
    pub subject: Option<&'a str>,
    /// Organisations of the chain.
    pub organisations: &'a Organisations,
}

impl Policy {
    /// Parses a text such as `MAJORITY role:admin or role:operator of bank-a,bank-b`.
    ///
    /// `and` binds closer than `or`. The error is a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text)
    }

    /// Whether it is met.
    ///
    /// A contract's call meets only alternatives that name contracts by `via:`. Who signs a call
    /// of one contract has not agreed to what that one calls elsewhere in the signer's name.
    pub fn met_by(&self, agreement: &Agreement<'_>) -> bool {
        self.alternatives(agreement).any(|one| one.holds(agreement))
    }

    /// The alternatives that can be met in this kind of call.
    fn alternatives<'p>(&'p self, agreement: &Agreement<'_>) -> impl Iterator<Item = &'p Policy> {
        let direct = agreement.via.is_none();
        let all = match self {
            Policy::Or(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        all.iter().filter(move |one| direct || one.names_callers())
    }

    /// Whether any signers at all meet it in a call that the contract `via` makes.
    pub fn admits(&self, via: &str) -> bool {
        let alternatives = match self {
            Policy::Or(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut callers = alternatives.iter().filter(|one| one.names_callers());
        callers.any(|one| one.could_hold(via))
    }

    fn could_hold(&self, via: &str) -> bool {
        match self {
            Policy::Via(name) => name == via,
            Policy::Forbidden => false,
            Policy::And(parts) => parts.iter().all(|part| part.could_hold(via)),
            Policy::Or(parts) => parts.iter().any(|part| part.could_hold(via)),
            _ => true,
        }
    }

    fn names_callers(&self) -> bool {
        match self {
            Policy::Via(_) | Policy::ViaAny => true,
            Policy::And(parts) => parts.iter().any(Policy::names_callers),
            Policy::Or(parts) => parts.iter().all(Policy::names_callers),
            _ => false,
        }
    }

    /// Roles and organisations that it names, with their kinds, in its order.
    pub fn names(&self) -> Vec<(&'static str, String)> {
        match self {
            Policy::Count(count) => {
                let role = count.role.iter().map(|role| ("role", role.clone()));
                let of = count.of.iter().map(|name| ("org", name.clone()));
                role.chain(of).collect()
            }
            Policy::Itself(Some(role)) => vec![("role", role.clone())],
            Policy::And(parts) | Policy::Or(parts) => {
                parts.iter().flat_map(Policy::names).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether what it says depends on the call's first argument.
    pub fn names_subject(&self) -> bool {
        match self {
            Policy::Itself(_) => true,
            Policy::And(parts) | Policy::Or(parts) => parts.iter().any(Policy::names_subject),
            _ => false,
        }
    }

    fn holds(&self, agreement: &Agreement<'_>) -> bool {
        match self {
            Policy::Count(count) => count.agreed(agreement).len() >= count.needed(agreement),
            Policy::Itself(role) => {
                let own = |member: &Arc<Member>| is_itself(member, agreement.subject, role);
                agreement.members.iter().any(own)
            }
            Policy::Forbidden => false,
            Policy::Via(name) => agreement.via == Some(name.as_str()),
            Policy::ViaAny => agreement.via.is_some(),
            Policy::Or(parts) => parts.iter().any(|part| part.holds(agreement)),
            Policy::And(parts) => parts.iter().all(|part| part.holds(agreement)),
        }
    }
}

impl Count {
    /// Organisations that agree, each once.
    fn agreed<'a>(&self, agreement: &Agreement<'a>) -> BTreeSet<&'a str> {
        let counts = |member: &&Arc<Member>| {
            let has = |role: &String| member.roles.contains(role);
            self.role.as_ref().is_none_or(has) && self.is_of(&member.organisation)
        };
        let members = agreement.members.iter().filter(counts);
        members.map(|member| member.organisation.as_str()).collect()
    }

    fn is_of(&self, organisation: &str) -> bool {
        self.of.is_empty() || self.of.iter().any(|name| name == organisation)
    }

    fn needed(&self, agreement: &Agreement<'_>) -> usize {
        self.need.of(self.total(agreement))
    }

    /// How many of the organisations are in force.
    fn total(&self, agreement: &Agreement<'_>) -> usize {
        match self.of.as_slice() {
            [] => agreement.organisations.active(),
            some => {
                let active = |name: &&String| agreement.organisations.is_active(name);
                some.iter().filter(active).count()
            }
        }
    }
}

fn is_itself(member: &Member, subject: Option<&str>, role: &Option<String>) -> bool {
    let Some(subject) = subject else {
        return false;
    };
    let organisation = subject.split_once('@').map_or(subject, |(_, name)| name);
    match role {
        Some(role) => member.organisation == organisation && member.roles.contains(role),
        None if subject.contains('@') => member.id == subject,
        None => member.organisation == organisation,
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Any => out.write_str("ANY"),
            Need::All => out.write_str("ALL"),
            Need::Majority => out.write_str("MAJORITY"),
            Need::Number(number) => write!(out, "{number}"),
            Need::Share(part, whole) => write!(out, "{part}/{whole}"),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.need, &self.role, self.of.as_slice()) {
            (Need::Any, Some(role), []) => return write!(out, "role:{role}"),
            (Need::Any, None, [one]) => return write!(out, "org:{one}"),
            _ => write!(out, "{}", self.need)?,
        }
        if let Some(role) = &self.role {
            write!(out, " role:{role}")?;
        }
        if !self.of.is_empty() {
            write!(out, " of {}", self.of.join(","))?;
        }
        Ok(())
    }
}

/// The canonical text: what parses to the same policy, with one space between words.
impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |out: &mut fmt::Formatter<'_>, parts: &[Policy], word: &str| {
            for (at, part) in parts.iter().enumerate() {
                let open = matches!(part, Policy::Or(_))
                    || matches!((part, word), (Policy::And(_), "and"));
                let word = if at == 0 {
                    String::new()
                } else {
                    format!(" {word} ")
                };
                match open {
                    true => write!(out, "{word}({part})")?,
                    false => write!(out, "{word}{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Policy::Count(count) => write!(out, "{count}"),
            Policy::Itself(None) => out.write_str("SELF"),
            Policy::Itself(Some(role)) => write!(out, "SELF role:{role}"),
            Policy::Forbidden => out.write_str("FORBIDDEN"),
            Policy::Via(name) => write!(out, "via:{name}"),
            Policy::ViaAny => out.write_str("via:ANY"),
            Policy::Or(parts) => joined(out, parts, "or"),
            Policy::And(parts) => joined(out, parts, "and"),
        }
    }
}

#[cfg(test)]
mod tests;
