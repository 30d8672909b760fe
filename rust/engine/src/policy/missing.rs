//! What a policy lacks, and from whom, in words.

use std::collections::BTreeSet;

use super::{Agreement, Count, Need, Policy};

/// Names that a sentence lists before it counts the others.
const NAMED: usize = 6;

/// Parts of an answer that a sentence tells.
const TOLD: usize = 4;

impl Policy {
    /// What is missing and from whom; nothing where the policy is met.
    pub fn missing(&self, agreement: &Agreement<'_>) -> Option<String> {
        if self.met_by(agreement) {
            return None;
        }
        let all: Vec<_> = self.alternatives(agreement).collect();
        if all.is_empty() {
            let via = agreement.via.unwrap_or_default();
            return Some(format!(
                "a member's own call: the policy does not name {via} by via:"
            ));
        }
        let told: Vec<_> = all
            .iter()
            .take(TOLD)
            .map(|one| one.lacks(agreement))
            .collect();
        Some(more(told.join("; or "), all.len(), "ways"))
    }

    fn lacks(&self, agreement: &Agreement<'_>) -> String {
        match self {
            Policy::Count(count) => count.lacks(agreement),
            Policy::Itself(role) => itself(agreement.subject, role.as_deref()),
            Policy::Forbidden => "nobody may".to_owned(),
            Policy::Via(name) => format!("that the contract {name} makes the call"),
            Policy::ViaAny => "that a contract makes the call".to_owned(),
            Policy::And(parts) => join(parts, agreement, " and "),
            Policy::Or(parts) => join(parts, agreement, " or "),
        }
    }
}

fn join(parts: &[Policy], agreement: &Agreement<'_>, word: &str) -> String {
    let open = parts.iter().filter(|part| !part.holds(agreement));
    let open: Vec<_> = open.map(|part| part.lacks(agreement)).collect();
    let told: Vec<_> = open.iter().take(TOLD).cloned().collect();
    more(told.join(word), open.len(), "conditions")
}

/// The text, with how many were left out.
fn more(text: String, count: usize, what: &str) -> String {
    match count.saturating_sub(TOLD) {
        0 => text,
        left => format!("{text} (and {left} more {what})"),
    }
}

fn itself(subject: Option<&str>, role: Option<&str>) -> String {
    let Some(subject) = subject else {
        return "a first argument that names a member or an organisation".to_owned();
    };
    let shown: String = subject.escape_debug().take(127).collect();
    let organisation = shown
        .split_once('@')
        .map_or(shown.as_str(), |(_, name)| name);
    match role {
        Some(role) => format!("a member of {organisation} with the role {role}"),
        None if shown.contains('@') => shown,
        None => format!("a member of {organisation}"),
    }
}

impl Count {
    fn lacks(&self, agreement: &Agreement<'_>) -> String {
        let who = match &self.role {
            Some(role) => format!("a member with the role {role}"),
            None => "a member".to_owned(),
        };
        let agreed = self.agreed(agreement);
        let open = self.open(agreement, &agreed);
        if let (Need::Any, []) = (self.need, self.of.as_slice()) {
            return who;
        }
        let (needed, total) = (self.needed(agreement), self.total(agreement));
        if needed > total {
            return format!(
                "{needed} organisations, and only {total} of those that count are members"
            );
        }
        let left = needed.saturating_sub(agreed.len());
        let names = names(&open);
        match (left, open.len()) {
            (1, 1) => format!("{who} of {names}"),
            (1, _) => format!("{who} of one of {names}"),
            (left, count) if left == count => format!("{who} of each of {names}"),
            (left, _) => format!("{who} of each of {left} of {names}"),
        }
    }

    /// Organisations that count and have not agreed, the first few.
    fn open<'a>(&'a self, agreement: &Agreement<'a>, agreed: &BTreeSet<&str>) -> Open<'a> {
        let mut open = Open::default();
        let mut take = |name: &'a str| {
            if !agreed.contains(name) {
                open.count += 1;
                if open.first.len() < NAMED {
                    open.first.push(name);
                }
            }
        };
        match self.of.as_slice() {
            [] => agreement.organisations.names().for_each(&mut take),
            some => some
                .iter()
                .filter(|name| agreement.organisations.is_active(name))
                .for_each(|name| take(name)),
        }
        open
    }
}

#[derive(Default)]
struct Open<'a> {
    first: Vec<&'a str>,
    count: usize,
}

impl Open<'_> {
    fn len(&self) -> usize {
        self.count
    }
}

fn names(open: &Open<'_>) -> String {
    let listed = open.first.join(", ");
    match open.count - open.first.len() {
        0 => listed,
        left => format!("{listed} and {left} more"),
    }
}
