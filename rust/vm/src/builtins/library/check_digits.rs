//! Check digits of identifiers: whether a text is well formed and its check characters fit.

use super::Builtin;
use crate::error::R;
use crate::gas;
use crate::interp::Vm;
use crate::value::Value;

const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The longest identifier, in bytes: an IBAN.
const LONGEST: usize = 34;

/// The value of a digit or upper-case letter: A is 10.
fn value_of(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}

fn digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn letters(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_uppercase)
}

fn letters_or_digits(text: &[u8]) -> bool {
    text.iter().all(|byte| value_of(*byte).is_some())
}

/// GS1: weights 1 and 3 from the right.
fn gs1(text: &[u8]) -> bool {
    if !digits(text) {
        return false;
    }
    let weighted = text.iter().rev().enumerate().map(|(place, byte)| {
        let weight = if place % 2 == 1 { 3 } else { 1 };
        u32::from(byte - b'0') * weight
    });
    weighted.sum::<u32>() % 10 == 0
}

/// ISO 7064 MOD 97-10. 00, 01 and 99 stand for the remainders of 97, 98 and 02: never given.
fn mod_97(text: impl Iterator<Item = u8>, check: &[u8]) -> bool {
    let rest = text.filter_map(value_of).fold(0, |rest, value| {
        let places = if value > 9 { 100 } else { 10 };
        (rest * places + value) % 97
    });
    rest == 1 && check >= b"02".as_slice() && check <= b"98".as_slice()
}

fn lei(text: &[u8]) -> bool {
    text.len() == 20
        && letters_or_digits(text)
        && digits(&text[18..])
        && mod_97(text.iter().copied(), &text[18..])
}

fn iban(text: &[u8]) -> bool {
    (15..=LONGEST).contains(&text.len())
        && letters(&text[..2])
        && digits(&text[2..4])
        && letters_or_digits(text)
        && mod_97(text[4..].iter().chain(&text[..4]).copied(), &text[2..4])
}

/// Luhn over the digits, letters as two of them.
fn isin(text: &[u8]) -> bool {
    if text.len() != 12 || !letters(&text[..2]) || !letters_or_digits(text) || !digits(&text[11..])
    {
        return false;
    }
    let (mut sum, mut place) = (0, 0);
    for value in text.iter().rev().filter_map(|byte| value_of(*byte)) {
        let both = [value % 10, value / 10];
        for digit in &both[..if value > 9 { 2 } else { 1 }] {
            let doubled = digit * (1 + place % 2);
            sum += if doubled > 9 { doubled - 9 } else { doubled };
            place += 1;
        }
    }
    sum % 10 == 0
}

/// GB 32100-2015: powers of 3 as weights, modulo 31.
fn uscc(text: &[u8]) -> bool {
    if text.len() != 18 || !digits(&text[2..8]) {
        return false;
    }
    let (mut sum, mut weight) = (0, 1);
    for (place, byte) in text.iter().enumerate() {
        let Some(value) = USCC_ALPHABET.iter().position(|known| known == byte) else {
            return false;
        };
        sum += value * if place == 17 { 1 } else { weight };
        weight = weight * 3 % 31;
    }
    sum % 31 == 0
}

/// ISO 6346: letters count from 10 without the multiples of 11; weights are powers of 2.
fn container(text: &[u8]) -> bool {
    if text.len() != 11 || !letters(&text[..4]) || !digits(&text[4..]) {
        return false;
    }
    let letter = |value: u32| {
        if value > 9 {
            value + (value - 1) / 10
        } else {
            value
        }
    };
    let values = text[..10].iter().filter_map(|byte| value_of(*byte));
    let sum: u32 = values
        .enumerate()
        .map(|(place, value)| letter(value) << place)
        .sum();
    matches!(text[3], b'U' | b'J' | b'Z') && sum % 11 % 10 == u32::from(text[10] - b'0')
}

/// Whether a text is a Legal Entity Identifier (ISO 17442).
pub fn is_valid_lei(text: &str) -> bool {
    lei(text.as_bytes())
}

/// Whether a text is a Unified Social Credit Code (GB 32100-2015).
pub fn is_valid_uscc(text: &str) -> bool {
    uscc(text.as_bytes())
}

impl Vm<'_, '_> {
    pub(super) fn check_digits(&mut self, builtin: Builtin, given: &[Value]) -> R<Value> {
        let text = self
            .library_str(builtin.name(), "text", &given[0])?
            .as_bytes();
        self.spend(gas::CHECK_DIGITS + text.len().min(LONGEST) as u64 / 2)?;
        Ok(Value::Bool(match builtin {
            Builtin::IsValidGtin => matches!(text.len(), 8 | 12 | 13 | 14) && gs1(text),
            Builtin::IsValidGln => text.len() == 13 && gs1(text),
            Builtin::IsValidSscc => text.len() == 18 && gs1(text),
            Builtin::IsValidLei => lei(text),
            Builtin::IsValidIban => iban(text),
            Builtin::IsValidIsin => isin(text),
            Builtin::IsValidUscc => uscc(text),
            _ => container(text),
        }))
    }
}
