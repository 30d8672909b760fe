//! Which names may stand: lower-case ASCII only, so that no two names look alike.

use crate::limits;
use crate::Error;

fn is_name(text: &str, extra: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= limits::NAME_BYTES
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        // A mark at the end is easily overlooked.
        && !bytes.last().is_some_and(|last| b".-".contains(last))
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || extra.contains(b))
}

/// A chain's or an organisation's name: a letter, then letters, digits and `-`, which is not the last.
pub fn check_organisation(field: &str, text: &str) -> Result<(), Error> {
    accept(
        is_name(text, b"-"),
        field,
        text,
        "a letter a-z, then at most 62 of a-z, 0-9 and -, which is not the last",
    )
}

/// A contract's, method's or table's name: a letter, then letters, digits and `_`.
pub fn check_contract(field: &str, text: &str) -> Result<(), Error> {
    accept(
        is_name(text, b"_"),
        field,
        text,
        "a letter a-z, then at most 62 of a-z, 0-9 and _",
    )
}

/// A member id: `name@organisation`.
pub fn check_member(field: &str, text: &str) -> Result<(), Error> {
    let good = text
        .split_once('@')
        .is_some_and(|(name, organisation)| is_name(name, b".-") && is_name(organisation, b"-"));
    accept(
        good,
        field,
        text,
        "name@organisation in a-z, 0-9, - (and . in the name), each ending with a letter or digit",
    )
}

/// The organisation of a member id that was checked.
pub fn organisation_of(member: &str) -> &str {
    member
        .split_once('@')
        .map_or("", |(_, organisation)| organisation)
}

fn accept(good: bool, field: &str, text: &str, form: &str) -> Result<(), Error> {
    if good {
        return Ok(());
    }
    let shown: String = text
        .chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect();
    Err(
        Error::new("name.malformed", format!("'{shown}' is no name here"))
            .in_field(field)
            .hint(format!("use {form}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_and_odd_forms_are_refused() {
        for good in ["a", "bank-a", "n0"] {
            assert!(check_organisation("name", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "A",
            "0a",
            "-a",
            "a-",
            "bänk",
            "bank_a",
            "a b",
            "\u{430}",
            &"a".repeat(64),
        ] {
            assert!(check_organisation("name", bad).is_err(), "{bad}");
        }
        assert!(check_member("id", "alice.m@bank-a").is_ok());
        for bad in ["alice", "@a", "a@", "a@b@c", "a_b@c"] {
            assert!(check_member("id", bad).is_err(), "{bad}");
        }
    }
}
