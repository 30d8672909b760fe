//! Attributes and types of values.

use std::rc::Rc;

use super::format::is_type;
use super::{context_part, Vm};
use crate::builtins::Builtin;
use crate::error::{malformed, raise, refused, too_deep, type_error, Exc, R};
use crate::memory::charge;
use crate::program::Special;
use crate::value::{BoundObj, ExcObj, IterObj, RecordObj, Value, OBJECT_BYTES};

/// The name of a value's type where no program is needed to know it.
fn plain_type_name(value: &Value) -> &'static str {
    match value {
        Value::Unset => "no value",
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Big(_) => "int",
        Value::Str(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::Tuple(_) => "tuple",
        Value::List(_) => "list",
        Value::Dict(_) => "dict",
        Value::Set(set) if set.frozenset => "frozenset",
        Value::Set(_) => "set",
        Value::Record(_) => "record",
        Value::Enum { .. } => "enum",
        Value::Decimal(_) => "Decimal",
        Value::DecimalType(_) => "type",
        Value::Range(_) => "range",
        Value::Slice(_) => "slice",
        Value::DictView(view) => match view.kind {
            crate::value::ViewKind::Keys => "dict_keys",
            crate::value::ViewKind::Values => "dict_values",
            crate::value::ViewKind::Items => "dict_items",
        },
        Value::Exception(exception) => exception.class.name(),
        Value::Closure(_) | Value::Function(_) => "function",
        Value::Bound(_) => "method",
        Value::Builtin(builtin) if is_type(*builtin) => "type",
        Value::Builtin(_) => "builtin_function_or_method",
        Value::Class(_) | Value::ExcClass(_) => "type",
        Value::Table(_) => "Table",
        Value::Contract => "Contract",
        Value::Cell(_) => "cell",
        Value::Iter(_) => "iterator",
    }
}

impl Vm<'_, '_> {
    pub(crate) fn type_name(&self, value: &Value) -> String {
        match value {
            Value::Record(record) => self.program.class(record.class).name.clone(),
            Value::Enum { class, .. } => self.program.class(*class).name.clone(),
            Value::Contract => self.program.parts.contract.clone(),
            Value::Decimal(decimal) => format!("Decimal({})", decimal.scale),
            Value::Iter(iter) => iter
                .state
                .try_borrow()
                .map_or("iterator", |state| state.type_name())
                .to_string(),
            other => plain_type_name(other).to_string(),
        }
    }

    /// `value.name`
    pub(crate) fn attribute(&mut self, value: &Value, name: u16) -> R<Value> {
        let own = match value {
            Value::Unset => return Err(malformed()),
            Value::Contract => return self.contract_attribute(name),
            Value::Record(record) => self.record_attribute(value, record, name)?,
            Value::Enum { class, member } => self.member_attribute(*class, *member, name)?,
            Value::Class(class) => self.class_attribute(*class, name)?,
            Value::Exception(exception) => self.exception_attribute(exception, name)?,
            Value::Decimal(_) | Value::DecimalType(_) => {
                return self.decimal_attribute(value, name)
            }
            Value::Int(_) | Value::Big(_) | Value::Bool(_) => match self.program.name(name) {
                "real" | "numerator" => {
                    let whole = super::arith::to_big(value).ok_or_else(malformed)?;
                    Some(self.new_int(whole)?)
                }
                "imag" => Some(Value::Int(0)),
                "denominator" => Some(Value::Int(1)),
                _ => None,
            },
            Value::Range(range) => match self.program.name(name) {
                "start" => Some(Value::Int(range.start)),
                "stop" => Some(Value::Int(range.stop)),
                "step" => Some(Value::Int(range.step)),
                _ => None,
            },
            Value::Slice(parts) => match self.program.name(name) {
                "start" => parts.items.first().cloned(),
                "stop" => parts.items.get(1).cloned(),
                "step" => parts.items.get(2).cloned(),
                _ => None,
            },
            _ => None,
        };
        if let Some(found) = own {
            return Ok(found);
        }
        let method = self
            .program
            .methods
            .get(usize::from(name))
            .copied()
            .flatten();
        if method.is_some_and(|method| self.has_method(value, method)) {
            return self.bound(value, name);
        }
        let kind = self.type_name(value);
        let name = self.program.name(name);
        if name == "__name__" {
            if let Some(text) = self.own_name(value) {
                return self.new_str(text);
            }
        }
        self.refuse_known_attribute(value, name)?;
        let own = match value {
            Value::Builtin(builtin) if is_type(*builtin) => Some(builtin.shown().to_string()),
            Value::Class(class) => Some(self.program.class(*class).name.clone()),
            Value::ExcClass(class) => Some(class.name().to_string()),
            _ => None,
        };
        Err(raise(
            Exc::AttributeError,
            match own {
                Some(own) => format!("type object '{own}' has no attribute '{name}'"),
                None => format!("'{kind}' object has no attribute '{name}'"),
            },
        ))
    }

    /// Fails where a value has no attribute that could be called.
    pub(crate) fn must_have(&mut self, value: &Value, name: u16) -> R<()> {
        let method = self.program.methods.get(usize::from(name)).copied();
        let known = match value {
            Value::Contract | Value::Table(_) | Value::Record(_) | Value::Class(_) => false,
            other => method
                .flatten()
                .is_some_and(|method| self.has_method(other, method)),
        };
        if known || matches!(value, Value::Contract | Value::Table(_)) {
            return Ok(());
        }
        match value {
            Value::Record(record)
                if self
                    .program
                    .special(record.class, Special::Property, name)
                    .is_some() =>
            {
                Err(crate::error::refused(
                    "what a property gives is not called at once: give it a name first",
                ))
            }
            _ => self.attribute(value, name).map(drop),
        }
    }

    /// Attributes that CPython has and the language has not: never an `AttributeError`.
    pub(crate) fn refuse_known_attribute(&self, value: &Value, name: &str) -> R<()> {
        let known: &[&str] = match value {
            Value::Int(_) | Value::Big(_) | Value::Bool(_) => &["from_bytes"],
            Value::Bytes(_) => &["fromhex", "maketrans"],
            Value::Str(_) => &["maketrans"],
            Value::Dict(_) => &["fromkeys"],
            Value::DictView(_) => &["isdisjoint", "mapping"],
            Value::Exception(_) => &[
                "add_note",
                "errno",
                "filename",
                "lineno",
                "msg",
                "name",
                "obj",
                "object",
                "offset",
                "reason",
                "start",
                "end",
                "encoding",
                "strerror",
                "text",
                "value",
                "with_traceback",
            ],
            Value::Class(_) => &["mro", "fields"],
            Value::Builtin(_) => &[
                "mro",
                "maketrans",
                "from_bytes",
                "fromhex",
                "fromkeys",
                "real",
                "imag",
                "start",
                "stop",
                "step",
                "numerator",
                "denominator",
            ],
            Value::Slice(_) => &["indices"],
            _ => &[],
        };
        if known.contains(&name) || name.starts_with("__") {
            return Err(crate::error::refused(format!(
                "`{name}` of a {} is not part of the language",
                self.type_name(value)
            )));
        }
        Ok(())
    }

    /// A field of a record, or a method bound to it.
    fn record_attribute(
        &mut self,
        value: &Value,
        record: &RecordObj,
        name: u16,
    ) -> R<Option<Value>> {
        if let Some(slot) = self.program.slot(record.class, name) {
            return Ok(Some(record.fields[slot].clone()));
        }
        let is_method = self
            .program
            .class(record.class)
            .methods
            .iter()
            .any(|(known, _)| *known == name);
        if is_method || self.program.name(name) == "replace" {
            return self.bound(value, name).map(Some);
        }
        if let Some(function) = self.program.special(record.class, Special::Property, name) {
            return self.property(function, value).map(Some);
        }
        self.class_method(record.class, name)
    }

    /// The name or the value of a member of an enum.
    fn member_attribute(&mut self, class: u16, member: u16, name: u16) -> R<Option<Value>> {
        let info = self.program.class(class);
        let (id, constant) = info
            .members
            .get(usize::from(member))
            .ok_or_else(malformed)?;
        match self.program.name(name) {
            "name" => {
                let text = self.program.name(*id).to_string();
                self.new_str(text).map(Some)
            }
            "value" => crate::instance::constant_value(constant, true).map(Some),
            _ => Ok(None),
        }
    }

    /// A member of an enum, or the name of a class.
    fn class_attribute(&mut self, class: u16, name: u16) -> R<Option<Value>> {
        let info = self.program.class(class);
        if let Some(member) = info.members.iter().position(|(id, _)| *id == name) {
            return Ok(Some(Value::Enum {
                class,
                member: member as u16,
            }));
        }
        if self.program.name(name) == "__name__" {
            let text = info.name.clone();
            return self.new_str(text).map(Some);
        }
        let found = self.class_method(class, name)?;
        let of_instances = info.methods.iter().any(|(known, _)| *known == name)
            || self
                .program
                .special(class, Special::Property, name)
                .is_some();
        if found.is_none() && of_instances {
            return Err(crate::error::refused(
                "of a class itself, only static methods and class methods are read",
            ));
        }
        Ok(found)
    }

    /// A static method, or a class method bound to the class.
    fn class_method(&mut self, class: u16, name: u16) -> R<Option<Value>> {
        if let Some(function) = self.program.special(class, Special::Static, name) {
            return Ok(Some(Value::Function(function)));
        }
        match self.program.special(class, Special::Class, name) {
            Some(_) => self.bound(&Value::Class(class), name).map(Some),
            None => Ok(None),
        }
    }

    fn exception_attribute(&mut self, exception: &ExcObj, name: u16) -> R<Option<Value>> {
        let argument = |at: usize| exception.args.get(at).cloned().unwrap_or(Value::None);
        match self.program.name(name) {
            "args" => self.new_tuple(exception.args.clone()).map(Some),
            "code" if exception.class == Exc::Rejected => Ok(Some(argument(0))),
            "message" if exception.class == Exc::Rejected => Ok(Some(argument(1))),
            _ => Ok(None),
        }
    }

    pub(crate) fn bound(&mut self, value: &Value, name: u16) -> R<Value> {
        self.spend(crate::gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES)?;
        Ok(Value::Bound(Rc::new(BoundObj {
            receiver: value.clone(),
            name,
            charge,
        })))
    }

    fn contract_attribute(&mut self, name: u16) -> R<Value> {
        let text = self.program.name(name);
        if let Some(part) = context_part(text) {
            return self.context_value(part);
        }
        if let Some(table) = self
            .program
            .parts
            .tables
            .iter()
            .position(|table| table.name == name)
        {
            return Ok(Value::Table(table as u16));
        }
        let cells = &self.program.parts.cells;
        if ["drain", "due", "cancel"].contains(&text) || cells.iter().any(|cell| cell.name == name)
        {
            return Err(crate::error::fatal(
                "language.refused",
                format!("`{text}` is reached through self alone, as in self.{text}"),
            ));
        }
        if text == "emit"
            || self
                .program
                .parts
                .methods
                .iter()
                .any(|(known, _)| *known == name)
        {
            return self.bound(&Value::Contract, name);
        }
        let message = format!(
            "'{}' object has no attribute '{text}'",
            self.program.parts.contract
        );
        Err(raise(Exc::AttributeError, message))
    }

    /// `isinstance(value, class)`
    pub(crate) fn is_instance(&mut self, value: &Value, class: &Value, level: usize) -> R<bool> {
        if level > crate::limits::VALUE_LEVELS {
            return Err(too_deep());
        }
        Ok(match class {
            Value::Tuple(classes) => {
                for class in &classes.items {
                    self.spend(1)?;
                    if self.is_instance(value, class, level + 1)? {
                        return Ok(true);
                    }
                }
                false
            }
            Value::Class(class) => match value {
                Value::Record(record) => self.program.is_subclass(record.class, *class),
                Value::Enum { class: own, .. } => own == class,
                _ => false,
            },
            Value::ExcClass(class) => {
                matches!(value, Value::Exception(exception) if exception.class.is(*class))
            }
            Value::DecimalType(scale) => {
                matches!(value, Value::Decimal(decimal) if decimal.scale == *scale)
            }
            Value::Builtin(builtin) => match builtin {
                Builtin::Decimal => matches!(value, Value::Decimal(_)),
                Builtin::Int => matches!(value, Value::Int(_) | Value::Big(_) | Value::Bool(_)),
                Builtin::Bool => matches!(value, Value::Bool(_)),
                Builtin::Str => matches!(value, Value::Str(_)),
                Builtin::Bytes => matches!(value, Value::Bytes(_)),
                Builtin::List => matches!(value, Value::List(_)),
                Builtin::Tuple => matches!(value, Value::Tuple(_)),
                Builtin::Dict => matches!(value, Value::Dict(_)),
                Builtin::Set => matches!(value, Value::Set(set) if !set.frozenset),
                Builtin::Frozenset => matches!(value, Value::Set(set) if set.frozenset),
                Builtin::Range => matches!(value, Value::Range(_)),
                Builtin::Slice => matches!(value, Value::Slice(_)),
                Builtin::NoneType => matches!(value, Value::None),
                Builtin::Enumerate | Builtin::Filter | Builtin::Map | Builtin::Zip => {
                    let of = |iter: &IterObj| iter.state.borrow().of_builtin();
                    matches!(value, Value::Iter(iter) if of(iter) == Some(*builtin))
                }
                Builtin::Reversed => {
                    return Err(refused(
                        "what reversed() gives has a type of its own for each kind of items: \
                         do not ask for it",
                    ))
                }
                Builtin::Type => match value {
                    Value::Class(_) | Value::DecimalType(_) | Value::ExcClass(_) => true,
                    Value::Builtin(builtin) => is_type(*builtin),
                    _ => false,
                },
                _ => {
                    return Err(type_error(
                        "isinstance() arg 2 must be a type, a tuple of types, or a union",
                    ))
                }
            },
            _ => {
                return Err(type_error(
                    "isinstance() arg 2 must be a type, a tuple of types, or a union",
                ))
            }
        })
    }
}
