//! Builtin functions.

use num_traits::Signed;

use super::named::Takes;
use super::Builtin;
use crate::error::{fatal, malformed, refused, type_error, value_error, R};
use crate::interp::arith::{to_big, to_i64, Bin};
use crate::interp::compare::Order;
use crate::interp::Vm;
use crate::memory::charge;
use crate::value::{Value, ELEMENT_BYTES};
use crate::{gas, limits};

/// The least and the most arguments of a builtin that takes none by name.
fn positional_arity(builtin: Builtin) -> (usize, usize) {
    match builtin {
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
        | Builtin::Callable
        | Builtin::Type
        | Builtin::TypeName
        | Builtin::Repr
        | Builtin::Reversed => (1, 1),
        Builtin::Bool | Builtin::Frozenset | Builtin::List | Builtin::Set | Builtin::Tuple => {
            (0, 1)
        }
        Builtin::Divmod | Builtin::Filter | Builtin::Isinstance | Builtin::Issubclass => (2, 2),
        Builtin::Format | Builtin::Iter | Builtin::Next => (1, 2),
        Builtin::Map => (2, 100),
        Builtin::NoneType => (0, 0),
        _ => (1, 3),
    }
}

impl Vm<'_, '_> {
    /// Calls a builtin; arguments by name come last.
    #[allow(clippy::too_many_lines, reason = "one arm for each builtin")]
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
        if super::library::parameters(builtin).is_some() {
            return self.call_library(builtin, arguments, names);
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
            Builtin::Bytes => return self.bytes_of(arguments, names),
            Builtin::Pow => return self.pow(arguments, names),
            Builtin::Print => return self.print(arguments, names),
            Builtin::Round => return self.round(arguments, names),
            _ => {}
        }
        if builtin == Builtin::NoneType && !arguments.is_empty() {
            return Err(type_error("NoneType takes no arguments"));
        }
        if builtin == Builtin::Type && arguments.len().saturating_sub(names.len()) == 3 {
            return Err(refused(
                "type() makes no classes here: they are declared at the top of the module",
            ));
        }
        let (least, most) = positional_arity(builtin);
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
            Builtin::Abs => self.absolute(first),
            Builtin::Any | Builtin::All => self.any_or_all(builtin, first),
            Builtin::List | Builtin::Tuple => self.make_sequence(builtin, arguments),
            Builtin::Set | Builtin::Frozenset => self.make_set(builtin, arguments),
            Builtin::Divmod => self.divmod(first, &arguments[1]),
            Builtin::Repr => {
                let text = self.repr(first)?;
                self.new_str(text)
            }
            Builtin::Ascii => self.convert(first, u16::from(b'a')),
            Builtin::Format => self.format_with(first, arguments.get(1)),
            Builtin::Chr => self.chr(first),
            Builtin::Ord => self.ord(first),
            Builtin::Bin => self.radix(first, 2, "0b"),
            Builtin::Oct => self.radix(first, 8, "0o"),
            Builtin::Hex => self.radix(first, 16, "0x"),
            Builtin::Reversed => self.reversed(first),
            Builtin::Map => self.map(first, &arguments[1..]),
            Builtin::Filter => self.filter(first, &arguments[1]),
            Builtin::Type => self.type_of(first),
            Builtin::TypeName => self.type_name_of(first),
            Builtin::Callable => Ok(Value::Bool(self.is_callable(first))),
            Builtin::Issubclass => {
                let (class, others) = (first.clone(), arguments[1].clone());
                self.is_subclass_of(&class, &others, 0).map(Value::Bool)
            }
            Builtin::Iter => self.make_iter(first, arguments.get(1)),
            Builtin::Slice => self.make_slice(arguments),
            Builtin::NoneType => Ok(Value::None),
            Builtin::Next => self.next_of(first, arguments.get(1)),
            _ => Err(refused(format!(
                "{}() cannot be called here",
                builtin.name()
            ))),
        }
    }

    /// `print(*values, sep=, end=)`: into the output of a script.
    fn print(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.only_keywords("print", names, &["sep", "end", "flush"])?;
        let separator = self.print_part(arguments, names, "sep", " ")?;
        let end = self.print_part(arguments, names, "end", "\n")?;
        let values = &arguments[..arguments.len() - names.len().min(arguments.len())];
        let mut text = String::new();
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                text.push_str(&separator);
            }
            let shown = self.show(value)?;
            self.spend(gas::bytes(shown.len()))?;
            text.push_str(&shown);
        }
        text.push_str(&end);
        self.spend(gas::bytes(text.len()))?;
        if self.output.len() + text.len() > limits::OUTPUT_BYTES {
            let message = format!("a script prints at most {} bytes", limits::OUTPUT_BYTES);
            return Err(fatal("limit.output", message));
        }
        self.output.push_str(&text);
        Ok(Value::None)
    }

    fn print_part(
        &mut self,
        arguments: &[Value],
        names: &[u16],
        name: &str,
        usual: &str,
    ) -> R<String> {
        match self.keyword(arguments, names, name) {
            None | Some(Value::None) => Ok(usual.to_string()),
            Some(Value::Str(text)) => Ok(text.text.clone()),
            Some(other) => Err(type_error(format!(
                "{name} must be None or a string, not {}",
                self.type_name(other)
            ))),
        }
    }

    fn absolute(&mut self, value: &Value) -> R<Value> {
        match value {
            Value::Int(value) if *value != i64::MIN => Ok(Value::Int(value.abs())),
            Value::Decimal(decimal) => {
                let decimal = decimal.clone();
                self.decimal_unary(&decimal, |units| units.abs())
            }
            other => match to_big(other) {
                Some(value) => self.new_int(value.abs()),
                None => Err(type_error(format!(
                    "bad operand type for abs(): '{}'",
                    self.type_name(other)
                ))),
            },
        }
    }

    fn any_or_all(&mut self, builtin: Builtin, source: &Value) -> R<Value> {
        let wanted = builtin == Builtin::Any;
        if let Value::Iter(iter) = source {
            let iter = iter.clone();
            while let Some(item) = self.advance(&iter)? {
                if self.truth(&item)? == wanted {
                    return Ok(Value::Bool(wanted));
                }
            }
            return Ok(Value::Bool(!wanted));
        }
        let items = self.collect_any(source)?;
        for item in &items {
            self.spend(1)?;
            if self.truth(item)? == wanted {
                return Ok(Value::Bool(wanted));
            }
        }
        Ok(Value::Bool(!wanted))
    }

    fn divmod(&mut self, left: &Value, right: &Value) -> R<Value> {
        if to_big(left).is_none() || to_big(right).is_none() {
            let (left, right) = (self.type_name(left), self.type_name(right));
            return Err(type_error(format!(
                "unsupported operand type(s) for divmod(): '{left}' and '{right}'"
            )));
        }
        let quotient = self.binary(Bin::FloorDiv, left, right)?;
        let rest = self.binary(Bin::Mod, left, right)?;
        self.new_tuple(vec![quotient, rest])
    }

    fn format_with(&mut self, value: &Value, spec: Option<&Value>) -> R<Value> {
        let spec = spec.cloned().unwrap_or_else(|| Value::text(""));
        self.text_argument(&spec, "format() argument 2")?;
        self.format_value(value, &spec)
    }

    pub(super) fn len(&mut self, value: &Value) -> R<Value> {
        let length = match value {
            Value::Str(text) => text.chars,
            Value::Bytes(bytes) => bytes.bytes.len(),
            Value::List(list) => list.items.borrow().len(),
            Value::Tuple(tuple) => tuple.items.len(),
            Value::Dict(dict) => dict.table.borrow().len(),
            Value::Set(set) => set.table.borrow().len(),
            Value::DictView(view) => view.dict.table.borrow().len(),
            Value::Range(range) if range.is_huge() => {
                return Err(crate::error::raise(
                    crate::error::Exc::OverflowError,
                    "Python int too large to convert to C ssize_t",
                ))
            }
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
        let placed = arguments.len() - names.len().min(arguments.len());
        if placed != 1 {
            let message = format!("sorted expected 1 argument, got {placed}");
            return Err(type_error(message));
        }
        self.only_keywords("sort", names, &["key", "reverse"])?;
        let key = self
            .keyword(arguments, names, "key")
            .cloned()
            .unwrap_or(Value::None);
        let reverse = self
            .keyword(arguments, names, "reverse")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let reverse = self.truth(&reverse)?;
        let of_set = matches!(arguments[0], Value::Set(_));
        let items = self.collect_any(&arguments[0])?;
        if of_set && items.len() > 1 {
            return self.sorted_set(items, &key, reverse);
        }
        let sorted = self.sort_with(items, &key, reverse)?;
        self.new_list(sorted)
    }

    /// The elements of a set in order: refused where the key finds two of them equal, because
    /// their order would be that of the hashes.
    fn sorted_set(&mut self, items: Vec<Value>, key: &Value, reverse: bool) -> R<Value> {
        let keys = match key {
            Value::None => items.clone(),
            function => {
                // Counted: the function may sort others meanwhile.
                let _held = charge(items.len().saturating_mul(2 * ELEMENT_BYTES))?;
                let mut keys = Vec::with_capacity(items.len());
                for item in &items {
                    keys.push(self.call_any(function, vec![item.clone()], &[])?);
                }
                keys
            }
        };
        let pairs = items
            .into_iter()
            .enumerate()
            .map(|(at, item)| self.new_tuple(vec![Value::Int(at as i64), item]))
            .collect::<R<Vec<_>>>()?;
        let sorted = self.sort_values(pairs, Some(keys.clone()), reverse)?;
        let mut found = Vec::with_capacity(sorted.len());
        let mut before: Option<&Value> = None;
        for pair in sorted {
            let Value::Tuple(pair) = &pair else {
                return Err(malformed());
            };
            let at = to_i64(&pair.items[0]).unwrap_or(0);
            let own = keys.get(at as usize);
            if let (Some(own), Some(before)) = (own, before) {
                let (lesser, greater) = if reverse {
                    (own, before)
                } else {
                    (before, own)
                };
                if !self.compare(Order::Lt, lesser, greater)? {
                    return Err(refused("the order of a set is arbitrary, and these elements compare as neither less nor greater: sort the set first, then by the key"));
                }
            }
            before = own;
            found.push(pair.items[1].clone());
        }
        self.new_list(found)
    }

    pub(crate) fn sort_with(
        &mut self,
        items: Vec<Value>,
        key: &Value,
        reverse: bool,
    ) -> R<Vec<Value>> {
        // Counted: the function may sort others meanwhile.
        let held = charge(0)?;
        let keys = match key {
            Value::None => None,
            function => {
                held.grow(items.len().saturating_mul(2 * ELEMENT_BYTES))?;
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
        if arguments.len() == names.len() {
            let message = format!("{what} expected at least 1 argument, got 0");
            return Err(type_error(message));
        }
        self.only_keywords(what, names, &["key", "default"])?;
        let key = self
            .keyword(arguments, names, "key")
            .cloned()
            .unwrap_or(Value::None);
        let default = self.keyword(arguments, names, "default").cloned();
        let positional = &arguments[..arguments.len() - names.len()];
        let (items, lazily) = self.candidates(what, positional, default.is_some())?;
        let of_set = matches!(positional, [Value::Set(_)]);
        let order = if builtin == Builtin::Max {
            Order::Gt
        } else {
            Order::Lt
        };
        let mut best: Option<(Value, Value)> = None;
        let mut tie: Option<Value> = None;
        let mut items = items.into_iter();
        loop {
            let next = match &lazily {
                Some(Value::Iter(iter)) => {
                    let iter = iter.clone();
                    self.advance(&iter)?
                }
                _ => items.next(),
            };
            let Some(item) = next else { break };
            self.spend(1)?;
            let measure = match &key {
                Value::None => item.clone(),
                function => self.call_any(function, vec![item.clone()], &[])?,
            };
            let better = match &best {
                None => true,
                Some((_, known)) => {
                    let better = self.compare(order, &measure, known)?;
                    if of_set && !better && !self.compare(order, known, &measure)? {
                        tie = Some(measure.clone());
                    }
                    better
                }
            };
            if better {
                best = Some((item, measure));
            }
        }
        // Of two elements that are both best, the order of hashes would decide.
        if let (Some(tie), Some((_, known))) = (&tie, &best) {
            if !self.compare(order, known, tie)? {
                return Err(refused("the order of a set is arbitrary, and two elements are equally good here: use sorted(the_set)"));
            }
        }
        match (best, default) {
            (Some((item, _)), _) => Ok(item),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(value_error(format!("{what}() arg is an empty sequence"))),
        }
    }

    /// What `min` and `max` choose from: these values, or what an iterator gives.
    fn candidates(
        &mut self,
        what: &str,
        positional: &[Value],
        has_default: bool,
    ) -> R<(Vec<Value>, Option<Value>)> {
        match positional {
            [] => Err(malformed()),
            [one @ Value::Set(_)] => Ok((self.collect_any(one)?, None)),
            [one] => Ok((Vec::new(), Some(self.iterator(one)?))),
            _ if has_default => Err(type_error(format!(
                "Cannot specify a default for {what}() with multiple positional arguments"
            ))),
            many => Ok((many.to_vec(), None)),
        }
    }

    fn sum(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("sum", &["", "start"]).unnamed(1).needs(1);
        let [source, start] = self.named(&TAKES, arguments, names)?;
        let source = source.ok_or_else(malformed)?;
        let start = start.unwrap_or(Value::Int(0));
        let items = self.collect_any(&source)?;
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

    fn pow(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        const TAKES: Takes = Takes::any("pow", &["base", "exp", "mod"]).needs(2);
        let [base, exponent, modulus] = self.named(&TAKES, arguments, names)?;
        match (base, exponent, modulus) {
            (Some(base), Some(exponent), None | Some(Value::None)) => {
                self.binary(Bin::Pow, &base, &exponent)
            }
            (Some(base), Some(exponent), Some(modulus)) => {
                self.power_mod(&base, &exponent, &modulus)
            }
            _ => Err(malformed()),
        }
    }
}
