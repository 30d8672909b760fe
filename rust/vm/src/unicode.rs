//! What `str` knows of characters: CPython 3.11's answers, from tables of Unicode 14.0.

use crate::unicode_tables as tables;

type Runs = &'static [(u32, u32)];
type Changes = &'static [(u32, &'static str)];

fn within(runs: Runs, c: char) -> bool {
    let code = u32::from(c);
    let after = runs.partition_point(|(first, _)| *first <= code);
    after
        .checked_sub(1)
        .and_then(|at| runs.get(at))
        .is_some_and(|(_, last)| code <= *last)
}

/// A property that `str` asks characters for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Alpha,
    Decimal,
    Digit,
    Numeric,
    Lower,
    Upper,
    Title,
    Cased,
    Ignorable,
    Start,
    Continue,
    Space,
}

/// The answer for ASCII, where it is as quick as a comparison; the tables say the same.
fn in_ascii(kind: Kind, c: char) -> Option<bool> {
    if !c.is_ascii() {
        return None;
    }
    Some(match kind {
        Kind::Alpha | Kind::Cased => c.is_ascii_alphabetic(),
        Kind::Decimal | Kind::Digit | Kind::Numeric => c.is_ascii_digit(),
        Kind::Lower => c.is_ascii_lowercase(),
        Kind::Upper => c.is_ascii_uppercase(),
        Kind::Title => false,
        Kind::Start => c.is_ascii_alphabetic() || c == '_',
        Kind::Continue => c.is_ascii_alphanumeric() || c == '_',
        Kind::Space => matches!(c, '\t'..='\r' | '\x1c'..='\x1f' | ' '),
        Kind::Ignorable => return None,
    })
}

/// Whether a character has a property.
pub(crate) fn is(kind: Kind, c: char) -> bool {
    in_ascii(kind, c).unwrap_or_else(|| in_tables(kind, c))
}

fn in_tables(kind: Kind, c: char) -> bool {
    within(
        match kind {
            Kind::Alpha => tables::ALPHA,
            Kind::Decimal => tables::DECIMAL,
            Kind::Digit => tables::DIGIT,
            Kind::Numeric => tables::NUMERIC,
            Kind::Lower => tables::LOWER,
            Kind::Upper => tables::UPPER,
            Kind::Title => tables::TITLE,
            Kind::Cased => tables::CASED,
            Kind::Ignorable => tables::IGNORABLE,
            Kind::Start => tables::START,
            Kind::Continue => tables::CONTINUE,
            Kind::Space => tables::SPACE,
        },
        c,
    )
}

/// Whether `repr` shows a character as it is.
pub(crate) fn printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    within(tables::PRINTABLE, c)
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<u32> {
    let code = u32::from(c);
    let after = tables::ZEROS.partition_point(|zero| *zero <= code);
    let zero = after.checked_sub(1).and_then(|at| tables::ZEROS.get(at))?;
    Some(code - zero).filter(|value| *value < 10)
}

/// What a character is changed to.
#[derive(Clone, Copy)]
enum To {
    Upper,
    Lower,
    Title,
    Folded,
}

fn push_changed(to: To, c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(match to {
            To::Upper | To::Title => c.to_ascii_uppercase(),
            To::Lower | To::Folded => c.to_ascii_lowercase(),
        });
        return;
    }
    push_from_table(to, c, out);
}

fn push_from_table(to: To, c: char, out: &mut String) {
    let changes: Changes = match to {
        To::Upper => tables::TO_UPPER,
        To::Lower => tables::TO_LOWER,
        To::Title => tables::TO_TITLE,
        To::Folded => tables::TO_FOLDED,
    };
    match changes.binary_search_by_key(&u32::from(c), |(code, _)| *code) {
        Ok(at) => out.push_str(changes[at].1),
        Err(_) => out.push(c),
    }
}

/// The capital letter whose small form depends on whether a word ends with it.
const SIGMA: char = '\u{3a3}';

fn push_lower(chars: &[char], at: usize, out: &mut String) {
    if chars[at] != SIGMA {
        return push_changed(To::Lower, chars[at], out);
    }
    let seen = |mut others: Box<dyn Iterator<Item = &char> + '_>| {
        others
            .find(|c| !is(Kind::Ignorable, **c))
            .is_some_and(|c| is(Kind::Cased, *c))
    };
    let last = seen(Box::new(chars[..at].iter().rev())) && !seen(Box::new(chars[at + 1..].iter()));
    out.push(if last { '\u{3c2}' } else { '\u{3c3}' });
}

/// `str.upper`
pub(crate) fn upper(text: &str) -> String {
    changed(To::Upper, text)
}

/// `str.casefold`
pub(crate) fn folded(text: &str) -> String {
    changed(To::Folded, text)
}

fn changed(to: To, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_changed(to, c, &mut out));
    out
}

/// `str.lower`
pub(crate) fn lower(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    (0..chars.len()).for_each(|at| push_lower(&chars, at, &mut out));
    out
}

/// `str.capitalize`
pub(crate) fn capitalized(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, c) in chars.iter().enumerate() {
        if at == 0 {
            push_changed(To::Title, *c, &mut out);
        } else {
            push_lower(&chars, at, &mut out);
        }
    }
    out
}

/// `str.title`
pub(crate) fn titled(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in chars.iter().enumerate() {
        if inside {
            push_lower(&chars, at, &mut out);
        } else {
            push_changed(To::Title, *c, &mut out);
        }
        inside = is(Kind::Cased, *c);
    }
    out
}

/// `str.swapcase`
pub(crate) fn swapped(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, c) in chars.iter().enumerate() {
        if is(Kind::Upper, *c) {
            push_lower(&chars, at, &mut out);
        } else if is(Kind::Lower, *c) {
            push_changed(To::Upper, *c, &mut out);
        } else {
            out.push(*c);
        }
    }
    out
}

/// `str.islower` and `str.isupper`: the case `wanted` appears, the others do not.
pub(crate) fn is_all(wanted: Kind, unwanted: Kind, text: &str) -> bool {
    let mut found = false;
    for c in text.chars() {
        if is(unwanted, c) || is(Kind::Title, c) {
            return false;
        }
        found |= is(wanted, c);
    }
    found
}

/// `str.istitle`
pub(crate) fn is_titled(text: &str) -> bool {
    let (mut found, mut inside) = (false, false);
    for c in text.chars() {
        if is(Kind::Upper, c) || is(Kind::Title, c) {
            if inside {
                return false;
            }
            (found, inside) = (true, true);
        } else if is(Kind::Lower, c) {
            if !inside {
                return false;
            }
            (found, inside) = (true, true);
        } else {
            inside = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_ways_for_ascii_say_what_the_tables_say() {
        let kinds = [
            Kind::Alpha,
            Kind::Decimal,
            Kind::Digit,
            Kind::Numeric,
            Kind::Lower,
            Kind::Upper,
            Kind::Title,
            Kind::Cased,
            Kind::Ignorable,
            Kind::Start,
            Kind::Continue,
            Kind::Space,
        ];
        for c in (0..128_u8).map(char::from) {
            for kind in kinds {
                assert_eq!(is(kind, c), in_tables(kind, c), "{c:?}");
            }
            assert_eq!(printable(c), within(tables::PRINTABLE, c), "{c:?}");
            for to in [To::Upper, To::Lower, To::Title, To::Folded] {
                let (mut short, mut long) = (String::new(), String::new());
                push_changed(to, c, &mut short);
                push_from_table(to, c, &mut long);
                assert_eq!(short, long, "{c:?}");
            }
        }
    }
}
