//! Methods of byte strings that take them apart or change them byte by byte.

use super::named::Takes;
use crate::error::{type_error, value_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::Value;

const HEX: Takes = Takes::any("hex", &["sep", "bytes_per_sep"]);
const SPLITLINES: Takes = Takes::any("splitlines", &["keepends"]);
const EXPANDTABS: Takes = Takes::any("expandtabs", &["tabsize"]);
const TRANSLATE: Takes = Takes::any("translate", &["", "delete"]).unnamed(1).needs(1);
const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl Vm<'_, '_> {
    /// `bytes.hex(sep, bytes_per_sep)`
    pub(super) fn bytes_hex(
        &mut self,
        content: &[u8],
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [separator, group] = self.named(&HEX, arguments, names)?;
        let group = match group {
            Some(value) => self.int_argument(&value)?,
            None => 1,
        };
        let separator = separator.map(|value| self.separator(&value)).transpose()?;
        self.plan_bytes(content.len().saturating_mul(3))?;
        let size = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
        let mut text = String::with_capacity(content.len() * 3);
        for (at, byte) in content.iter().enumerate() {
            // Groups are counted from the right, or for a negative size from the left.
            let counted = if group > 0 { content.len() - at } else { at };
            match separator {
                Some(mark) if at > 0 && size > 0 && counted % size == 0 => text.push(mark),
                _ => {}
            }
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.new_str(text)
    }

    fn separator(&mut self, value: &Value) -> R<char> {
        if !matches!(self.len(value)?, Value::Int(1)) {
            return Err(value_error("sep must be length 1."));
        }
        let mark = match value {
            Value::Str(text) => text.text.chars().next(),
            Value::Bytes(bytes) => bytes.bytes.first().map(|byte| char::from(*byte)),
            _ => return Err(type_error("sep must be str or bytes.")),
        };
        match mark.filter(char::is_ascii) {
            Some(mark) => Ok(mark),
            None => Err(value_error("sep must be ASCII.")),
        }
    }

    /// `bytes.splitlines(keepends)`
    pub(super) fn bytes_splitlines(
        &mut self,
        content: &[u8],
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [keep] = self.named(&SPLITLINES, arguments, names)?;
        let keep = match keep {
            Some(value) => self.int_argument(&value)? != 0,
            None => false,
        };
        self.spend(gas::searched(content.len()))?;
        let mut lines = Vec::new();
        let mut rest = content;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let end = end.unwrap_or(rest.len());
            let mark = match rest[end..] {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
            lines.push(&rest[..if keep { end + mark } else { end }]);
            rest = &rest[end + mark..];
        }
        self.plan_elements(lines.len() * 4)?;
        let lines = lines.into_iter().map(|line| self.new_bytes(line.to_vec()));
        let lines = lines.collect::<R<Vec<_>>>()?;
        self.new_list(lines)
    }

    /// `bytes.expandtabs(tabsize)`
    pub(super) fn bytes_expandtabs(
        &mut self,
        content: &[u8],
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [size] = self.named(&EXPANDTABS, arguments, names)?;
        let size = match size {
            Some(value) => usize::try_from(self.int_argument(&value)?.max(0)).unwrap_or(usize::MAX),
            None => 8,
        };
        let tabs = content.iter().filter(|byte| **byte == b'\t').count();
        self.plan_bytes(content.len().saturating_add(tabs.saturating_mul(size)))?;
        let (mut made, mut column) = (Vec::with_capacity(content.len()), 0);
        for byte in content {
            match byte {
                b'\t' => {
                    let step = if size > 0 { size - column % size } else { 0 };
                    made.resize(made.len() + step, b' ');
                    column += step;
                }
                _ => {
                    made.push(*byte);
                    let is_end = matches!(byte, b'\n' | b'\r');
                    column = if is_end { 0 } else { column + 1 };
                }
            }
        }
        self.new_bytes(made)
    }

    /// `bytes.translate(table, delete=)`
    pub(super) fn bytes_translate(
        &mut self,
        content: &[u8],
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        let [table, delete] = self.named(&TRANSLATE, arguments, names)?;
        let table = match table {
            None | Some(Value::None) => None,
            Some(value) => Some(self.bytes_argument(&value, false)?),
        };
        if table.as_ref().is_some_and(|table| table.len() != 256) {
            return Err(value_error("translation table must be 256 characters long"));
        }
        let mut gone = [false; 256];
        if let Some(value) = delete {
            for byte in self.bytes_argument(&value, false)? {
                gone[usize::from(byte)] = true;
            }
        }
        self.spend(gas::searched(content.len()))?;
        let kept = content.iter().filter(|byte| !gone[usize::from(**byte)]);
        let change = |byte: &u8| {
            let table = table.as_ref();
            table.map_or(*byte, |table| table[usize::from(*byte)])
        };
        self.new_bytes(kept.map(change).collect())
    }

    /// `bytes.maketrans(from, to)`
    pub(super) fn bytes_maketrans(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.arity("maketrans", arguments, names, 2, 2)?;
        let from = self.bytes_argument(&arguments[0], false)?;
        let to = self.bytes_argument(&arguments[1], false)?;
        if from.len() != to.len() {
            return Err(value_error("maketrans arguments must have same length"));
        }
        self.spend(gas::searched(from.len()))?;
        let mut table: Vec<u8> = (0..=u8::MAX).collect();
        for (from, to) in from.iter().zip(&to) {
            table[usize::from(*from)] = *to;
        }
        self.new_bytes(table)
    }
}
