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

/// Whether a character has a property.
pub(crate) fn is(kind: Kind, c: char) -> bool {
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
    within(tables::PRINTABLE, c)
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<u32> {
    let code = u32::from(c);
    let after = tables::ZEROS.partition_point(|zero| *zero <= code);
    let zero = after.checked_sub(1).and_then(|at| tables::ZEROS.get(at))?;
    Some(code - zero).filter(|value| *value < 10)
}

fn push_changed(changes: Changes, c: char, out: &mut String) {
    match changes.binary_search_by_key(&u32::from(c), |(code, _)| *code) {
        Ok(at) => out.push_str(changes[at].1),
        Err(_) => out.push(c),
    }
}

/// The capital letter whose small form depends on whether a word ends with it.
const SIGMA: char = '\u{3a3}';

fn push_lower(chars: &[char], at: usize, out: &mut String) {
    if chars[at] != SIGMA {
        return push_changed(tables::TO_LOWER, chars[at], out);
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
    changed(tables::TO_UPPER, text)
}

/// `str.casefold`
pub(crate) fn folded(text: &str) -> String {
    changed(tables::TO_FOLDED, text)
}

fn changed(changes: Changes, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars()
        .for_each(|c| push_changed(changes, c, &mut out));
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
            push_changed(tables::TO_TITLE, *c, &mut out);
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
            push_changed(tables::TO_TITLE, *c, &mut out);
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
            push_changed(tables::TO_UPPER, *c, &mut out);
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
