//! A policy's text to its form.

use super::{Count, Need, Policy};
use crate::formats::names;
use crate::limits;

/// Parentheses inside of each other.
const DEPTH: usize = 8;

/// Greatest number of organisations that a policy may ask for.
const MOST: u32 = 1_000_000;

const FORMS: &str = "write ANY, ALL, MAJORITY, a number or a share such as 2/3, each with role:NAME \
                     and of ORG,ORG where wanted; SELF, FORBIDDEN, role:NAME, org:NAME, via:NAME or \
                     via:ANY; joined by 'and' and 'or'";

pub(super) fn parse(text: &str) -> Result<Policy, String> {
    if text.len() > limits::POLICY_BYTES {
        let (have, most) = (text.len(), limits::POLICY_BYTES);
        return Err(format!("{have} bytes, at most {most} make a policy"));
    }
    let words = words(text);
    let mut reader = Reader {
        words: &words,
        at: 0,
    };
    let policy = reader.alternatives(0)?;
    match reader.peek() {
        None => Ok(policy),
        Some(word) => Err(reader.unexpected(word)),
    }
}

/// Words between spaces; parentheses and commas are words of their own.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for chunk in text.split_ascii_whitespace() {
        let mut from = 0;
        for (at, letter) in chunk.char_indices() {
            if matches!(letter, '(' | ')' | ',') {
                if from < at {
                    words.push(&chunk[from..at]);
                }
                words.push(&chunk[at..=at]);
                from = at + 1;
            }
        }
        if from < chunk.len() {
            words.push(&chunk[from..]);
        }
    }
    words
}

struct Reader<'t> {
    words: &'t [&'t str],
    at: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, word: &str) -> String {
        let shown: String = word.escape_debug().take(80).collect();
        format!("'{shown}' is no policy: {FORMS}")
    }

    fn alternatives(&mut self, depth: usize) -> Result<Policy, String> {
        let mut all = vec![self.conjunction(depth)?];
        while self.take("or") {
            all.push(self.conjunction(depth)?);
        }
        Ok(join(all, Policy::Or))
    }

    fn conjunction(&mut self, depth: usize) -> Result<Policy, String> {
        let mut all = vec![self.part(depth)?];
        while self.take("and") {
            all.push(self.part(depth)?);
        }
        Ok(join(all, Policy::And))
    }

    fn part(&mut self, depth: usize) -> Result<Policy, String> {
        if self.take("(") {
            if depth >= DEPTH {
                return Err(format!(
                    "more than {DEPTH} parentheses inside of each other"
                ));
            }
            let inner = self.alternatives(depth + 1)?;
            return match self.take(")") {
                true => Ok(inner),
                false => Err("a parenthesis is not closed".to_owned()),
            };
        }
        let Some(word) = self.peek() else {
            return Err(format!("something is missing at the end: {FORMS}"));
        };
        self.at += 1;
        self.atom(word)
    }

    fn atom(&mut self, word: &str) -> Result<Policy, String> {
        if let Some((kind, name)) = word.split_once(':') {
            return match (kind, name) {
                ("via", "ANY") => Ok(Policy::ViaAny),
                ("via", name) => Ok(Policy::Via(contract(name)?)),
                ("org", name) => Ok(count(Need::Any, None, vec![organisation(name)?])),
                ("role", name) => {
                    let role = Some(contract(name)?);
                    Ok(count(Need::Any, role, self.organisations()?))
                }
                _ => Err(self.unexpected(word)),
            };
        }
        match word {
            "FORBIDDEN" => Ok(Policy::Forbidden),
            "SELF" => Ok(Policy::Itself(self.role()?)),
            word => {
                let need = need(word).ok_or_else(|| self.unexpected(word))?;
                let role = self.role()?;
                let of = self.organisations()?;
                let listed = of.len();
                match need {
                    Need::Number(number) if listed > 0 && number as usize > listed => Err(format!(
                        "{number} of {listed} organisations: it can never be met"
                    )),
                    need => Ok(count(need, role, of)),
                }
            }
        }
    }

    /// `role:NAME`, where it follows.
    fn role(&mut self) -> Result<Option<String>, String> {
        let Some(name) = self.peek().and_then(|word| word.strip_prefix("role:")) else {
            return Ok(None);
        };
        self.at += 1;
        contract(name).map(Some)
    }

    /// `of ORG,ORG`, where it follows.
    fn organisations(&mut self) -> Result<Vec<String>, String> {
        if !self.take("of") {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = Vec::new();
        loop {
            let Some(word) = self.peek() else {
                return Err("an organisation's name is missing at the end".to_owned());
            };
            self.at += 1;
            let name = organisation(word)?;
            if names.contains(&name) {
                return Err(format!("{name} is named twice"));
            }
            names.push(name);
            if !self.take(",") {
                return Ok(names);
            }
        }
    }
}

fn count(need: Need, role: Option<String>, of: Vec<String>) -> Policy {
    Policy::Count(Count { need, role, of })
}

fn need(word: &str) -> Option<Need> {
    match word {
        "ANY" => return Some(Need::Any),
        "ALL" => return Some(Need::All),
        "MAJORITY" => return Some(Need::Majority),
        _ => {}
    }
    match word.split_once('/') {
        None => number(word).map(Need::Number),
        Some((part, whole)) => {
            let (part, whole) = (number(part)?, number(whole)?);
            (part <= whole).then_some(Need::Share(part, whole))
        }
    }
}

/// A whole number from 1, in its one spelling.
fn number(word: &str) -> Option<u32> {
    let plain = !word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|number| *number <= MOST)?;
    plain.then_some(number)
}

/// A role's or a contract's name.
fn contract(name: &str) -> Result<String, String> {
    named(name, names::check_contract("policy", name).is_ok())
}

fn organisation(name: &str) -> Result<String, String> {
    named(name, names::check_organisation("policy", name).is_ok())
}

fn named(name: &str, good: bool) -> Result<String, String> {
    if good {
        return Ok(name.to_owned());
    }
    let shown: String = name.escape_debug().take(80).collect();
    Err(format!(
        "'{shown}' is no name of a role, an organisation or a contract"
    ))
}

fn join(mut parts: Vec<Policy>, wrap: fn(Vec<Policy>) -> Policy) -> Policy {
    match parts.len() {
        1 => parts.remove(0),
        _ => wrap(parts),
    }
}
