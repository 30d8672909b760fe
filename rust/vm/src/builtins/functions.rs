//! Builtin functions.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::Builtin;
use crate::error::{malformed, raise, refused, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::arith::{to_big, to_i64, Bin};
use crate::interp::compare::Order;
use crate::interp::iterate::IterState;
use crate::interp::Vm;
use crate::table::HashTable;
use crate::value::Value;

impl Vm<'_, '_> {
    /// Calls a builtin; arguments by name come last.
    pub(crate) fn call_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        self.spend(gas::BUILTIN)?;
        self.receiver = "";
        if arguments
            .iter()
            .any(|argument| matches!(argument, Value::Unset))
        {
            return Err(malformed());
        }
        match builtin {
            Builtin::Sorted => return self.sorted(arguments, names),
            Builtin::Min | Builtin::Max => return self.extreme(builtin, arguments, names),
            Builtin::Sum => return self.sum(arguments, names),
            Builtin::Enumerate => return self.enumerate(arguments, names),
            Builtin::Zip => return self.zip(arguments, names),
            Builtin::Dict => return self.make_dict(arguments, names),
            Builtin::Int => return self.make_int(arguments, names),
            Builtin::Str => return self.make_str(arguments, names),
            Builtin::Pow => return self.pow(arguments, names),
            _ => {}
        }
        let (least, most) = match builtin {
            Builtin::Abs
            | Builtin::All
            | Builtin::Any
            | Builtin::Ascii
            | Builtin::Bin
            | Builtin::Chr
            | Builtin::Hex
            | Builtin::Len
            | Builtin::Oct
            | Builtin::Ord
            | Builtin::Repr
            | Builtin::Reversed => (1, 1),
            Builtin::Bool
            | Builtin::Bytes
            | Builtin::Frozenset
            | Builtin::List
            | Builtin::Set
            | Builtin::Tuple => (0, 1),
            Builtin::Divmod | Builtin::Filter | Builtin::Isinstance => (2, 2),
            Builtin::Format => (1, 2),
            Builtin::Map => (2, 100),
            _ => (1, 3),
        };
        self.arity(builtin.name(), arguments, names, least, most)?;
        let empty = Value::None;
        let first = arguments.first().unwrap_or(&empty);
        match builtin {
            Builtin::Len => self.len(first),
            Builtin::Range => self.make_range(arguments),
            Builtin::Isinstance => self.is_instance(first, &arguments[1], 0).map(Value::Bool),
            Builtin::Bool => match arguments.first() {
                Some(value) => self.truth(value).map(Value::Bool),
                None => Ok(Value::Bool(false)),
            },
            Builtin::Abs => match first {
                Value::Int(value) if *value != i64::MIN => Ok(Value::Int(value.abs())),
                other => match to_big(other) {
                    Some(value) => self.new_int(value.abs()),
                    None => Err(type_error(format!(
                        "bad operand type for abs(): '{}'",
                        self.type_name(other)
                    ))),
                },
            },
            Builtin::Any | Builtin::All => {
                let wanted = builtin == Builtin::Any;
                let items = self.collect_any(first)?;
                for item in &items {
                    self.spend(1)?;
                    if self.truth(item)? == wanted {
                        return Ok(Value::Bool(wanted));
                    }
                }
                Ok(Value::Bool(!wanted))
            }
            Builtin::List | Builtin::Tuple => {
                let items = if arguments.is_empty() {
                    Vec::new()
                } else {
                    self.collect(first)?
                };
                if builtin == Builtin::List {
                    self.new_list(items)
                } else {
                    self.new_tuple(items)
                }
            }
            Builtin::Set | Builtin::Frozenset => {
                let items = if arguments.is_empty() {
                    Vec::new()
                } else {
                    self.collect_any(first)?
                };
                self.set_of(items, builtin == Builtin::Frozenset)
            }
            Builtin::Divmod => {
                let both = (first.clone(), arguments[1].clone());
                if to_big(&both.0).is_none() || to_big(&both.1).is_none() {
                    let (left, right) = (self.type_name(&both.0), self.type_name(&both.1));
                    return Err(type_error(format!(
                        "unsupported operand type(s) for divmod(): '{left}' and '{right}'"
                    )));
                }
                let quotient = self.binary(Bin::FloorDiv, &both.0, &both.1)?;
                let rest = self.binary(Bin::Mod, &both.0, &both.1)?;
                self.new_tuple(vec![quotient, rest])
            }
            Builtin::Repr => {
                let text = self.repr(first)?;
                self.new_str(text)
            }
            Builtin::Ascii => self.convert(first, u16::from(b'a')),
            Builtin::Format => {
                let spec = arguments.get(1).cloned().unwrap_or_else(|| Value::text(""));
                if !matches!(spec, Value::Str(_)) {
                    return Err(type_error("format() argument 2 must be str"));
                }
                self.format_value(first, &spec)
            }
            Builtin::Chr => self.chr(first),
            Builtin::Ord => self.ord(first),
            Builtin::Bin => self.radix(first, 2, "0b"),
            Builtin::Oct => self.radix(first, 8, "0o"),
            Builtin::Hex => self.radix(first, 16, "0x"),
            Builtin::Bytes => self.make_bytes(arguments),
            Builtin::Reversed => self.reversed(first),
            Builtin::Map => {
                let mut inner = Vec::new();
                let mut levels = 1;
                for source in &arguments[1..] {
                    let iter = self.iterator(source)?;
                    levels = levels.max(levels_of(&iter) + 1);
                    inner.push(iter);
                }
                self.new_iter(IterState::Map(first.clone(), inner), levels)
            }
            Builtin::Filter => {
                let iter = self.iterator(&arguments[1])?;
                let levels = levels_of(&iter) + 1;
                self.new_iter(IterState::Filter(first.clone(), iter), levels)
            }
            _ => Err(refused(format!(
                "{}() cannot be called here",
                builtin.name()
            ))),
        }
    }

    fn len(&mut self, value: &Value) -> R<Value> {
        let length = match value {
            Value::Str(text) => text.chars,
            Value::Bytes(bytes) => bytes.bytes.len(),
            Value::List(list) => list.items.borrow().len(),
            Value::Tuple(tuple) => tuple.items.len(),
            Value::Dict(dict) => dict.table.borrow().len(),
            Value::Set(set) => set.table.borrow().len(),
            Value::DictView(view) => view.dict.table.borrow().len(),
            Value::Range(range) => return Ok(Value::Int(range.len())),
            Value::Class(class) if !self.program.class(*class).members.is_empty() => {
                self.program.class(*class).members.len()
            }
            Value::Table(_) => {
                return Err(refused("a table is not counted: keep a count in a row"))
            }
            other => {
                return Err(type_error(format!(
                    "object of type '{}' has no len()",
                    self.type_name(other)
                )))
            }
        };
        Ok(Value::Int(length as i64))
    }

    fn make_range(&mut self, arguments: &[Value]) -> R<Value> {
        let mut numbers = Vec::with_capacity(3);
        for argument in arguments {
            match to_i64(argument) {
                Some(number) => numbers.push(number),
                None if to_big(argument).is_some() => {
                    return Err(refused(
                        "a range beyond 64 bits is not part of the language",
                    ))
                }
                None => {
                    return Err(type_error(format!(
                        "'{}' object cannot be interpreted as an integer",
                        self.type_name(argument)
                    )))
                }
            }
        }
        match numbers.as_slice() {
            [stop] => Value::range(0, *stop, 1),
            [start, stop] => Value::range(*start, *stop, 1),
            [_, _, 0] => Err(value_error("range() arg 3 must not be zero")),
            [start, stop, step] => Value::range(*start, *stop, *step),
            _ => Err(type_error("range expected at most 3 arguments")),
        }
    }

    fn sorted(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("sort", names, &["key", "reverse"])?;
        if arguments.len() - names.len().min(arguments.len()) != 1 {
            return Err(type_error("sorted expected 1 argument"));
        }
        let key = self
            .keyword(arguments, names, "key")
            .cloned()
            .unwrap_or(Value::None);
        let reverse = self
            .keyword(arguments, names, "reverse")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let reverse = self.truth(&reverse)?;
        if matches!((&arguments[0], &key), (Value::Set(_), key) if !matches!(key, Value::None)) {
            return Err(refused("the order of a set is arbitrary, and a key may find elements equal: sort the set first, then by the key"));
        }
        let items = self.collect_any(&arguments[0])?;
        let sorted = self.sort_with(items, &key, reverse)?;
        self.new_list(sorted)
    }

    pub(crate) fn sort_with(
        &mut self,
        items: Vec<Value>,
        key: &Value,
        reverse: bool,
    ) -> R<Vec<Value>> {
        let keys = match key {
            Value::None => None,
            function => {
                let mut keys = Vec::with_capacity(items.len());
                for item in &items {
                    self.spend(1)?;
                    keys.push(self.call_any(function, vec![item.clone()], &[])?);
                }
                Some(keys)
            }
        };
        self.sort_values(items, keys, reverse)
    }

    fn extreme(&mut self, builtin: Builtin, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        let what = builtin.name();
        self.only_keywords(what, names, &["key", "default"])?;
        let key = self
            .keyword(arguments, names, "key")
            .cloned()
            .unwrap_or(Value::None);
        let default = self.keyword(arguments, names, "default").cloned();
        let positional = &arguments[..arguments.len() - names.len()];
        let items = match positional {
            [] => {
                return Err(type_error(format!(
                    "{what} expected at least 1 argument, got 0"
                )))
            }
            [Value::Set(_)] if !matches!(key, Value::None) => {
                return Err(refused("the order of a set is arbitrary, and a key may find elements equal: use sorted(the_set)"));
            }
            [one] => self.collect_any(one)?,
            many if default.is_some() => {
                let _ = many;
                return Err(type_error(format!(
                    "Cannot specify a default for {what}() with multiple positional arguments"
                )));
            }
            many => many.to_vec(),
        };
        let order = if builtin == Builtin::Max {
            Order::Gt
        } else {
            Order::Lt
        };
        let mut best: Option<(Value, Value)> = None;
        for item in items {
            self.spend(1)?;
            let measure = match &key {
                Value::None => item.clone(),
                function => self.call_any(function, vec![item.clone()], &[])?,
            };
            let better = match &best {
                None => true,
                Some((_, known)) => self.compare(order, &measure, known)?,
            };
            if better {
                best = Some((item, measure));
            }
        }
        match (best, default) {
            (Some((item, _)), _) => Ok(item),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(value_error(format!("{what}() arg is an empty sequence"))),
        }
    }

    fn sum(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("sum", names, &["start"])?;
        let start = self.keyword(arguments, names, "start").cloned();
        let positional = &arguments[..arguments.len() - names.len()];
        let (source, start) = match (positional, start) {
            ([source], start) => (source, start.unwrap_or(Value::Int(0))),
            ([source, start], None) => (source, start.clone()),
            _ => return Err(type_error("sum() takes an iterable and a start")),
        };
        let items = self.collect_any(source)?;
        if let Value::Str(_) = start {
            return Err(type_error(
                "sum() can't sum strings [use ''.join(seq) instead]",
            ));
        }
        if let Value::Bytes(_) = start {
            return Err(type_error(
                "sum() can't sum bytes [use b''.join(seq) instead]",
            ));
        }
        let mut total = start;
        for item in &items {
            self.spend(1)?;
            total = match (&total, item) {
                (Value::Int(x), Value::Int(y)) if x.checked_add(*y).is_some() => Value::Int(x + y),
                _ => self.binary(Bin::Add, &total, item)?,
            };
        }
        Ok(total)
    }

    fn enumerate(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("enumerate", names, &["start"])?;
        let start = self.keyword(arguments, names, "start").cloned();
        let (source, start) = match (&arguments[..arguments.len() - names.len()], start) {
            ([source], start) => (source, start.unwrap_or(Value::Int(0))),
            ([source, start], None) => (source, start.clone()),
            _ => return Err(type_error("enumerate() takes an iterable and a start")),
        };
        if to_big(&start).is_none() {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(&start)
            )));
        }
        let iter = self.iterator(source)?;
        let levels = levels_of(&iter) + 1;
        self.new_iter(IterState::Enumerate(iter, start), levels)
    }

    fn zip(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("zip", names, &["strict"])?;
        let strict = self
            .keyword(arguments, names, "strict")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let strict = self.truth(&strict)?;
        let mut inner = Vec::new();
        let mut levels = 1;
        for source in &arguments[..arguments.len() - names.len()] {
            let iter = self.iterator(source)?;
            levels = levels.max(levels_of(&iter) + 1);
            inner.push(iter);
        }
        self.new_iter(IterState::Zip(inner, strict), levels)
    }

    fn make_dict(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let made = Value::dict(HashTable::default())?;
        let Value::Dict(dict) = &made else {
            return Err(malformed());
        };
        match &arguments[..positional] {
            [] => {}
            [Value::Dict(_)] => self.merge(&made, &arguments[0].clone(), false)?,
            [source] => {
                let pairs = self.collect(source)?;
                for (number, pair) in pairs.iter().enumerate() {
                    let (key, value) = self.update_pair(pair, number)?;
                    let hash = self.hash(&key, 0)?;
                    self.dict_set(dict, hash, key, value)?;
                }
            }
            _ => {
                return Err(type_error(format!(
                    "dict expected at most 1 argument, got {positional}"
                )))
            }
        }
        for (name, value) in names.iter().zip(&arguments[positional..]) {
            let key = self.new_str(self.program.name(*name).to_string())?;
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value.clone())?;
        }
        Ok(made)
    }

    fn make_int(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("int", names, &["base"])?;
        let base = self.keyword(arguments, names, "base").cloned();
        let (value, base) = match (&arguments[..arguments.len() - names.len()], base) {
            ([], None) => return Ok(Value::Int(0)),
            ([value], None) => (value, None),
            ([value], Some(base)) => (value, Some(self.int_argument(&base)?)),
            ([value, base], None) => (value, Some(self.int_argument(base)?)),
            _ => return Err(type_error("int() takes at most 2 arguments")),
        };
        match (value, base) {
            (Value::Str(text), base) => {
                let text = text.clone();
                self.parse_int(&text.text, base.unwrap_or(10), value)
            }
            (_, Some(_)) => Err(type_error(
                "int() can't convert non-string with explicit base",
            )),
            (other, None) => match to_big(other) {
                Some(big) => self.new_int(big),
                None => {
                    let kind = self.type_name(other);
                    Err(type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{kind}'")))
                }
            },
        }
    }

    fn parse_int(&mut self, text: &str, base: i64, shown: &Value) -> R<Value> {
        if base != 0 && !(2..=36).contains(&base) {
            return Err(value_error("int() base must be >= 2 and <= 36, or 0"));
        }
        if !text.is_ascii() {
            return Err(refused("digits beyond ASCII are not read: use 0 to 9"));
        }
        let words = text.len() as u64 / 16 + 1;
        self.spend(words * words / 4 + gas::bytes(text.len()))?;
        let fail = |vm: &mut Self| -> R<Value> {
            let shown = vm.repr(shown)?;
            Err(value_error(format!(
                "invalid literal for int() with base {base}: {shown}"
            )))
        };
        if text.len() > 5_000 {
            return Err(raise(
                Exc::OverflowError,
                "the text has more digits than an integer may have",
            ));
        }
        let trimmed = text.trim_matches(|c: char| {
            c.is_ascii_whitespace() || ('\x1c'..='\x1f').contains(&c) || c == '\x0b'
        });
        let (negative, digits) = match trimmed.as_bytes().first() {
            Some(b'-') => (true, &trimmed[1..]),
            Some(b'+') => (false, &trimmed[1..]),
            _ => (false, trimmed),
        };
        let lower = digits.to_ascii_lowercase();
        let (radix, digits) = match (base, lower.get(..2)) {
            (0 | 16, Some("0x")) => (16, &lower[2..]),
            (0 | 8, Some("0o")) => (8, &lower[2..]),
            (0 | 2, Some("0b")) => (2, &lower[2..]),
            (0, _) => {
                let zeros = lower.bytes().all(|byte| byte == b'0' || byte == b'_');
                if lower.starts_with('0') && !zeros {
                    return fail(self);
                }
                (10, lower.as_str())
            }
            _ => (base as u32, lower.as_str()),
        };
        let prefixed = digits.len() != lower.len();
        let body = if prefixed {
            digits.strip_prefix('_').unwrap_or(digits)
        } else {
            digits
        };
        let shape = !body.is_empty()
            && !body.starts_with('_')
            && !body.ends_with('_')
            && !body.contains("__");
        let plain: String = body.chars().filter(|c| *c != '_').collect();
        if !shape || !plain.chars().all(|c| c.is_digit(radix)) {
            return fail(self);
        }
        match BigInt::parse_bytes(plain.as_bytes(), radix) {
            Some(value) => self.new_int(if negative { -value } else { value }),
            None => fail(self),
        }
    }

    fn make_str(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("str", names, &["encoding", "errors", "object"])?;
        match &*arguments {
            [] => self.new_str(String::new()),
            [value @ Value::Str(_)] => Ok(value.clone()),
            [value] => {
                let text = self.show(value)?;
                self.new_str(text)
            }
            [Value::Bytes(bytes), encoding] => {
                let bytes = bytes.clone();
                let encoding = encoding.clone();
                self.decode_bytes(&bytes, &[encoding])
            }
            _ => Err(type_error("str() takes a value, or bytes and an encoding")),
        }
    }

    fn pow(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("pow", names, &["base", "exp", "mod"])?;
        let positional = arguments.len() - names.len().min(arguments.len());
        let part = |vm: &Self, at: usize, name: &str| {
            arguments[..positional]
                .get(at)
                .or_else(|| vm.keyword(arguments, names, name))
                .cloned()
        };
        match (
            part(self, 0, "base"),
            part(self, 1, "exp"),
            part(self, 2, "mod"),
        ) {
            (Some(base), Some(exponent), None | Some(Value::None)) => {
                self.binary(Bin::Pow, &base, &exponent)
            }
            (Some(base), Some(exponent), Some(modulus)) => {
                self.power_mod(&base, &exponent, &modulus)
            }
            _ => Err(type_error("pow() missing required argument")),
        }
    }

    fn chr(&mut self, value: &Value) -> R<Value> {
        let Some(code) = to_big(value) else {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(value)
            )));
        };
        if code.to_i32().is_none() {
            return Err(raise(
                Exc::OverflowError,
                "Python int too large to convert to C int",
            ));
        }
        let Some(code) = code.to_u32().filter(|code| *code < 0x11_0000) else {
            return Err(value_error("chr() arg not in range(0x110000)"));
        };
        match char::from_u32(code) {
            Some(found) => self.one_char(found),
            None => Err(refused("half of a surrogate pair is no text here")),
        }
    }

    fn ord(&mut self, value: &Value) -> R<Value> {
        let (length, code) = match value {
            Value::Str(text) => (text.chars, text.text.chars().next().map(u32::from)),
            Value::Bytes(bytes) => (
                bytes.bytes.len(),
                bytes.bytes.first().map(|byte| u32::from(*byte)),
            ),
            other => {
                return Err(type_error(format!(
                    "ord() expected string of length 1, but {} found",
                    self.type_name(other)
                )))
            }
        };
        match code {
            Some(code) if length == 1 => Ok(Value::Int(i64::from(code))),
            _ => Err(type_error(format!(
                "ord() expected a character, but string of length {length} found"
            ))),
        }
    }

    fn radix(&mut self, value: &Value, radix: u32, prefix: &str) -> R<Value> {
        let Some(big) = to_big(value) else {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(value)
            )));
        };
        self.spend(gas::bytes(big.bits() as usize))?;
        let sign = if big.is_negative() { "-" } else { "" };
        self.new_str(format!("{sign}{prefix}{}", big.abs().to_str_radix(radix)))
    }

    fn make_bytes(&mut self, arguments: &[Value]) -> R<Value> {
        let Some(source) = arguments.first() else {
            return self.new_bytes(Vec::new());
        };
        match source {
            Value::Bytes(_) => Ok(source.clone()),
            Value::Str(_) => Err(type_error("string argument without an encoding")),
            Value::Int(_) | Value::Bool(_) => {
                let count = to_i64(source).unwrap_or(0);
                let Ok(count) = usize::try_from(count) else {
                    return Err(value_error("negative count"));
                };
                self.plan_bytes(count)?;
                Value::bytes(vec![0; count])
            }
            Value::Big(_) => Err(raise(
                Exc::OverflowError,
                "cannot fit 'int' into an index-sized integer",
            )),
            other => {
                let items = self.collect(other)?;
                let mut bytes = Vec::with_capacity(items.len());
                for item in &items {
                    let Some(number) = to_big(item) else {
                        return Err(type_error(format!(
                            "'{}' object cannot be interpreted as an integer",
                            self.type_name(item)
                        )));
                    };
                    bytes.push(
                        number
                            .to_u8()
                            .ok_or_else(|| value_error("bytes must be in range(0, 256)"))?,
                    );
                }
                self.new_bytes(bytes)
            }
        }
    }

    fn reversed(&mut self, value: &Value) -> R<Value> {
        match value {
            Value::List(list) => {
                let length = list.items.borrow().len();
                self.new_iter(IterState::ListBack(list.clone(), length), 1)
            }
            Value::Tuple(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Dict(_)
            | Value::DictView(_) => {
                let mut items = self.collect(value)?;
                items.reverse();
                let tuple = self.new_tuple(items)?;
                self.iterator(&tuple)
            }
            Value::Range(range) => {
                let length = range.len();
                let reversed = if length == 0 {
                    Value::range(0, 0, 1)?
                } else {
                    let (first, last) = (range.start, range.at(length - 1));
                    let step = range
                        .step
                        .checked_neg()
                        .ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?;
                    let stop = first
                        .checked_add(step)
                        .ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?;
                    Value::range(last, stop, step)?
                };
                self.iterator(&reversed)
            }
            Value::Set(_) => Err(type_error("'set' object is not reversible")),
            other => Err(type_error(format!(
                "'{}' object is not reversible",
                self.type_name(other)
            ))),
        }
    }
}

/// Iterators inside of each other, in an iterator value.
fn levels_of(iter: &Value) -> usize {
    match iter {
        Value::Iter(iter) => iter.levels,
        _ => 1,
    }
}
