//! Which type has which method.

use super::{Builtin, Method};
use crate::error::{type_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::Value;

/// Whether text has a method.
fn of_text(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::Capitalize
            | M::Casefold
            | M::Center
            | M::Count
            | M::Encode
            | M::Endswith
            | M::Expandtabs
            | M::Find
            | M::Format
            | M::FormatMap
            | M::Index
            | M::Isalnum
            | M::Isalpha
            | M::Isascii
            | M::Isdecimal
            | M::Isdigit
            | M::Isidentifier
            | M::Islower
            | M::Isnumeric
            | M::Isprintable
            | M::Isspace
            | M::Istitle
            | M::Isupper
            | M::Join
            | M::Ljust
            | M::Lower
            | M::Lstrip
            | M::Partition
            | M::Removeprefix
            | M::Removesuffix
            | M::Replace
            | M::Rfind
            | M::Rindex
            | M::Rjust
            | M::Rpartition
            | M::Rsplit
            | M::Rstrip
            | M::Split
            | M::Splitlines
            | M::Startswith
            | M::Strip
            | M::Swapcase
            | M::Title
            | M::Translate
            | M::Upper
            | M::Zfill
    )
}

/// Whether byte strings have a method.
fn of_bytes(method: Method) -> bool {
    use Method as M;
    super::bytes_more::is_more(method)
        || matches!(
            method,
            M::Rsplit
                | M::Count
                | M::Decode
                | M::Endswith
                | M::Expandtabs
                | M::Rfind
                | M::Rindex
                | M::Splitlines
                | M::Translate
                | M::Find
                | M::Hex
                | M::Index
                | M::Join
                | M::Removeprefix
                | M::Removesuffix
                | M::Replace
                | M::Split
                | M::Startswith
        )
}

/// Whether integers have a method.
fn of_int(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::AsIntegerRatio | M::BitCount | M::BitLength | M::Conjugate | M::ToBytes
    )
}

/// Whether lists have a method.
fn of_list(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::Append
            | M::Clear
            | M::Copy
            | M::Count
            | M::Extend
            | M::Index
            | M::Insert
            | M::Pop
            | M::Remove
            | M::Reverse
            | M::Sort
    )
}

/// Whether dictionaries have a method.
fn of_dict(method: Method) -> bool {
    use Method as M;
    matches!(
        method,
        M::Clear
            | M::Copy
            | M::Get
            | M::Items
            | M::Keys
            | M::Pop
            | M::Popitem
            | M::Setdefault
            | M::Update
            | M::Values
    )
}

/// Whether sets, frozen or not, have a method.
fn of_set(method: Method, frozen: bool) -> bool {
    use Method as M;
    let reads = matches!(
        method,
        M::Copy
            | M::Difference
            | M::Intersection
            | M::Isdisjoint
            | M::Issubset
            | M::Issuperset
            | M::SymmetricDifference
            | M::Union
    );
    let writes = matches!(
        method,
        M::Add
            | M::Clear
            | M::DifferenceUpdate
            | M::Discard
            | M::IntersectionUpdate
            | M::Pop
            | M::Remove
            | M::SymmetricDifferenceUpdate
            | M::Update
    );
    reads || (writes && !frozen)
}

/// Whether a method belongs to a built-in type itself.
fn of_class(kind: Builtin, method: Method) -> bool {
    matches!(
        (kind, method),
        (Builtin::Int, Method::FromBytes)
            | (Builtin::Bytes, Method::Fromhex)
            | (Builtin::Dict, Method::Fromkeys)
            | (Builtin::Str | Builtin::Bytes, Method::Maketrans)
    )
}

/// Whether the values of a built-in type have a method: `str.lower`.
fn of_instances(kind: Builtin, method: Method) -> bool {
    match kind {
        Builtin::Str => of_text(method),
        Builtin::Bytes => of_bytes(method),
        Builtin::List => of_list(method),
        Builtin::Dict => of_dict(method),
        Builtin::Set => of_set(method, false),
        Builtin::Frozenset => of_set(method, true),
        Builtin::Tuple | Builtin::Range => matches!(method, Method::Count | Method::Index),
        Builtin::Int | Builtin::Bool => of_int(method),
        _ => false,
    }
}

/// The methods of built-in types: type and name.
pub(crate) fn listed() -> Vec<(&'static str, &'static str)> {
    let kinds = [
        Builtin::Str,
        Builtin::Bytes,
        Builtin::Int,
        Builtin::List,
        Builtin::Tuple,
        Builtin::Dict,
        Builtin::Set,
        Builtin::Frozenset,
        Builtin::Range,
    ];
    let of = |kind: Builtin| {
        Method::ALL
            .iter()
            .filter(move |(method, _)| of_class(kind, *method) || of_instances(kind, *method))
            .map(move |(_, name)| (kind.name(), *name))
    };
    kinds.into_iter().flat_map(of).collect()
}

/// Whether a value is of a built-in type.
fn is_of(kind: Builtin, value: &Value) -> bool {
    match value {
        Value::Str(_) => kind == Builtin::Str,
        Value::Bytes(_) => kind == Builtin::Bytes,
        Value::List(_) => kind == Builtin::List,
        Value::Dict(_) => kind == Builtin::Dict,
        Value::Set(set) => {
            kind == if set.frozenset {
                Builtin::Frozenset
            } else {
                Builtin::Set
            }
        }
        Value::Tuple(_) => kind == Builtin::Tuple,
        Value::Range(_) => kind == Builtin::Range,
        Value::Int(_) | Value::Big(_) => kind == Builtin::Int,
        Value::Bool(_) => matches!(kind, Builtin::Int | Builtin::Bool),
        _ => false,
    }
}

impl Vm<'_, '_> {
    /// `str.lower(text)`: the receiver is the first argument.
    fn unbound_method(
        &mut self,
        kind: Builtin,
        method: Method,
        name: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let (kind_name, method) = (kind.name(), method.name());
        if arguments.len() == names.len() {
            return Err(type_error(format!(
                "unbound method {kind_name}.{method}() needs an argument"
            )));
        }
        let Some((receiver, rest)) = arguments.split_first_mut() else {
            return Err(crate::error::malformed());
        };
        if !is_of(kind, receiver) {
            return Err(type_error(format!(
                "descriptor '{method}' for '{kind_name}' objects doesn't apply to a '{}' object",
                self.type_name(receiver)
            )));
        }
        let receiver = receiver.clone();
        self.call_method(&receiver, name, rest, names)
    }

    /// Whether a built-in type has a method of this name.
    pub(crate) fn has_method(&self, value: &Value, method: Method) -> bool {
        use Method as M;
        match value {
            Value::Str(_) => of_text(method),
            Value::Bytes(_) => of_bytes(method),
            Value::List(_) => of_list(method),
            Value::Tuple(_) => matches!(method, M::Count | M::Index),
            Value::Range(_) => matches!(method, M::Count | M::Index),
            Value::DictView(view) => {
                method == M::Isdisjoint && view.kind != crate::value::ViewKind::Values
            }
            Value::Dict(_) => of_dict(method),
            Value::Set(set) => of_set(method, set.frozenset),
            Value::Int(_) | Value::Big(_) | Value::Bool(_) => of_int(method),
            Value::Record(_) => matches!(method, M::Replace),
            Value::Contract => matches!(method, M::Emit),
            Value::Table(_) => matches!(method, M::Get | M::Scan | M::By | M::Delete),
            Value::Builtin(kind) => of_class(*kind, method) || of_instances(*kind, method),
            _ => false,
        }
    }

    /// `receiver.name(arguments)` for built-in types.
    pub(crate) fn call_method(
        &mut self,
        receiver: &Value,
        name: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        self.spend(gas::BUILTIN)?;
        if matches!(receiver, Value::Decimal(_) | Value::DecimalType(_)) {
            return self.decimal_method(receiver, name, arguments, names);
        }
        let method = self
            .program
            .methods
            .get(usize::from(name))
            .copied()
            .flatten();
        let Some(method) = method.filter(|method| self.has_method(receiver, *method)) else {
            return self.call_field(receiver, name, arguments, names);
        };
        self.receiver = receiver_name(receiver);
        match receiver {
            Value::Str(text) => {
                let text = text.clone();
                self.str_method(&text, method, arguments, names)
            }
            Value::Bytes(bytes) => {
                let bytes = bytes.clone();
                self.bytes_method(&bytes, method, arguments, names)
            }
            Value::List(list) => self.list_method(list, method, arguments, names),
            Value::Tuple(_) | Value::Range(_) => {
                let (least, most) = match (method, receiver) {
                    (Method::Index, Value::Tuple(_)) => (1, 3),
                    _ => (1, 1),
                };
                self.arity(method.name(), arguments, names, least, most)?;
                self.sequence_method(receiver, method, arguments)
            }
            Value::DictView(_) => self.view_isdisjoint(receiver, arguments, names),
            Value::Dict(dict) => self.dict_method(dict, method, arguments, names),
            Value::Set(set) => self.set_method(set, method, arguments, names),
            Value::Int(_) | Value::Big(_) | Value::Bool(_) => {
                self.int_method(receiver, method, arguments, names)
            }
            Value::Record(record) => self.replace(record, arguments, names),
            Value::Table(table) => self.table_method(*table, name, arguments, names),
            Value::Contract => match &*arguments {
                [event] if names.is_empty() => self.emit(event).map(|()| Value::None),
                _ => Err(type_error("emit() takes one event")),
            },
            Value::Builtin(kind) if !of_class(*kind, method) => {
                self.unbound_method(*kind, method, name, arguments, names)
            }
            Value::Builtin(Builtin::Int) => self.int_from_bytes(arguments, names),
            Value::Builtin(Builtin::Str) => self.str_maketrans(arguments, names),
            Value::Builtin(Builtin::Bytes) if method == Method::Maketrans => {
                self.bytes_maketrans(arguments, names)
            }
            Value::Builtin(Builtin::Bytes) => self.bytes_fromhex(arguments, names),
            Value::Builtin(Builtin::Dict) => self.dict_fromkeys(arguments, names),
            _ => Err(self.no_method(receiver, name)),
        }
    }

    /// A static method or a class method of a record's class.
    fn special_method(&mut self, receiver: &Value, name: u16) -> R<Option<Value>> {
        self.must_have(receiver, name)?;
        self.attribute(receiver, name).map(Some)
    }

    /// A value in a field that is called, or no such method.
    fn call_field(
        &mut self,
        receiver: &Value,
        name: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let callable = match receiver {
            Value::Record(record) => self
                .program
                .slot(record.class, name)
                .map(|slot| record.fields[slot].clone())
                .map_or_else(
                    || self.special_method(receiver, name),
                    |field| Ok(Some(field)),
                )?,
            Value::Class(_) => Some(self.attribute(receiver, name)?),
            Value::Range(_) | Value::Slice(_)
                if matches!(self.program.name(name), "start" | "stop" | "step") =>
            {
                Some(self.attribute(receiver, name)?)
            }
            Value::Int(_) | Value::Big(_) | Value::Bool(_)
                if matches!(
                    self.program.name(name),
                    "real" | "imag" | "numerator" | "denominator"
                ) =>
            {
                Some(self.attribute(receiver, name)?)
            }
            Value::Table(_) => return Err(self.no_method(receiver, name)),
            _ => None,
        };
        match callable {
            Some(callee) => self.call_any(&callee, arguments.to_vec(), names),
            None => Err(self.no_method(receiver, name)),
        }
    }

    /// Between `least` and `most` arguments, none by name.
    pub(crate) fn arity(
        &self,
        what: &str,
        arguments: &[Value],
        names: &[u16],
        least: usize,
        most: usize,
    ) -> R<()> {
        let given = arguments.len();
        let qualified = if self.receiver.is_empty() {
            what.to_string()
        } else {
            format!("{}.{what}", self.receiver)
        };
        if !names.is_empty() {
            return Err(type_error(match what {
                "type" if arguments.len() != names.len() + 1 => {
                    "type() takes 1 or 3 arguments".to_string()
                }
                "type" => "type() takes no keyword arguments".to_string(),
                _ => format!("{qualified}() takes no keyword arguments"),
            }));
        }
        if (least..=most).contains(&arguments.len()) {
            return Ok(());
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        Err(type_error(match (least, most) {
            (0, 0) => format!("{qualified}() takes no arguments ({given} given)"),
            (1, 1) if what == "type" => "type() takes 1 or 3 arguments".to_string(),
            _ if what == "map" => "map() must have at least two arguments.".to_string(),
            (1, 1) if matches!(what, "reversed") => {
                format!("{what} expected 1 argument, got {given}")
            }
            (1, 1) => format!("{qualified}() takes exactly one argument ({given} given)"),
            _ if least == most => format!("{what} expected {least} arguments, got {given}"),
            (1, 3) if matches!(self.receiver, "str" | "bytes") && given == 0 => {
                format!("{what}() takes at least 1 argument (0 given)")
            }
            (1, 3) if matches!(self.receiver, "str" | "bytes") => {
                format!("{what}() takes at most 3 arguments ({given} given)")
            }
            _ if given < least => format!(
                "{what} expected at least {least} argument{}, got {given}",
                plural(least)
            ),
            _ => format!(
                "{what} expected at most {most} argument{}, got {given}",
                plural(most)
            ),
        }))
    }
}

/// The name of a built-in type, as messages about its methods show it.
fn receiver_name(receiver: &Value) -> &'static str {
    match receiver {
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
        Value::Set(set) if set.frozenset => "frozenset",
        Value::Set(_) => "set",
        Value::Int(_) | Value::Big(_) | Value::Bool(_) => "int",
        Value::Range(_) => "range",
        Value::DictView(_) => "dict_keys",
        Value::Builtin(kind) => kind.name(),
        _ => "",
    }
}
