//! Canonical CBOR to values, by the types of annotations.

use codec::cbor::{Decoder, Kind, MapReader};

use crate::error::{malformed, too_deep};
use crate::interp::Vm;
use crate::limits;
use crate::program::{Class, ClassKind, Const};
use crate::table::HashTable;
use crate::types::Type;
use crate::value::Value;

/// Why bytes are no value of a type.
pub(crate) struct Mismatch {
    /// The field and what lies in it, as a path from the whole value.
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Decoding stops for a mismatch, or for a limit.
pub(crate) enum Undecodable {
    Mismatch(Mismatch),
    Trap(crate::error::Trap),
}

impl From<crate::error::Trap> for Undecodable {
    fn from(trap: crate::error::Trap) -> Self {
        Undecodable::Trap(trap)
    }
}

impl From<codec::Error> for Undecodable {
    fn from(error: codec::Error) -> Self {
        Undecodable::Mismatch(Mismatch {
            path: String::new(),
            message: error.to_string(),
        })
    }
}

type Decoded<T> = Result<T, Undecodable>;

impl Vm<'_, '_> {
    /// Reads a value of a type.
    pub(crate) fn decode_typed(
        &mut self,
        decoder: &mut Decoder<'_>,
        ty: &Type,
        level: usize,
    ) -> Decoded<Value> {
        if level > limits::ENCODED_LEVELS {
            return Err(too_deep().into());
        }
        let kind = decoder.peek()?;
        match (ty, kind) {
            (Type::None, Kind::Null) => {
                decoder.null()?;
                Ok(Value::None)
            }
            (Type::Bool, Kind::Bool) => Ok(Value::Bool(decoder.bool()?)),
            (Type::Int, Kind::Int) => self.decode_int(decoder),
            (Type::Decimal(scale), Kind::Int) => {
                let units = self.decode_int(decoder)?;
                Ok(self.new_decimal(*scale, units)?)
            }
            (Type::Str, Kind::Text) => {
                let text = decoder.text()?;
                Ok(self.new_str(text.to_string())?)
            }
            (Type::Bytes, Kind::Bytes) => {
                let bytes = decoder.bytes()?;
                Ok(self.new_bytes(bytes.to_vec())?)
            }
            (Type::List(item), Kind::Array) => {
                let items = self.decode_items(decoder, level, |_| Some(item))?;
                Ok(self.new_list(items)?)
            }
            (Type::TupleOf(item), Kind::Array) => {
                let items = self.decode_items(decoder, level, |_| Some(item))?;
                Ok(self.new_tuple(items)?)
            }
            (Type::Tuple(types), Kind::Array) => {
                let items = self.decode_items(decoder, level, |index| types.get(index))?;
                if items.len() != types.len() {
                    return differs(format!("expected {ty}, given {} items", items.len()));
                }
                Ok(self.new_tuple(items)?)
            }
            (Type::Dict(key, inner), Kind::Map) => self.decode_dict(decoder, key, inner, level),
            (Type::Class(class, _), _) => self.decode_class(decoder, *class, ty, kind, level),
            (Type::Union(choices), _) => self.decode_union(decoder, choices, ty, kind, level),
            (Type::Any, _) => self.decode_any(decoder, kind, level),
            _ => mismatch(ty, kind),
        }
    }

    fn decode_int(&mut self, decoder: &mut Decoder<'_>) -> Decoded<Value> {
        match decoder.integer()? {
            codec::cbor::Value::Int(value) => Ok(Value::Int(value)),
            codec::cbor::Value::BigInt(value) => Ok(self.new_int(value)?),
            _ => Err(malformed().into()),
        }
    }

    fn decode_items<'t>(
        &mut self,
        decoder: &mut Decoder<'_>,
        level: usize,
        ty: impl Fn(usize) -> Option<&'t Type>,
    ) -> Decoded<Vec<Value>> {
        let count = decoder.array()?;
        self.plan_elements(count)?;
        let mut items = Vec::new();
        for index in 0..count {
            let item = self.decode_typed(decoder, ty(index).unwrap_or(&Type::Any), level + 1);
            items.push(within(|| format!("[{index}]"), item)?);
        }
        Ok(items)
    }

    fn decode_dict(
        &mut self,
        decoder: &mut Decoder<'_>,
        key: &Type,
        inner: &Type,
        level: usize,
    ) -> Decoded<Value> {
        let mut map = MapReader::open(decoder)?;
        self.plan_elements(map.remaining() * 4)?;
        let mut table = HashTable::default();
        while let Some(raw) = map.raw_key(decoder)? {
            let name = self.decode_typed(&mut Decoder::new(raw), key, level + 1);
            let name = within(|| " key".to_string(), name)?;
            let value = self.decode_typed(decoder, inner, level + 1)?;
            let hash = self.hash(&name, 0)?;
            if self.find_in(&table, hash, &name)?.is_none() {
                table.push(hash, name, value);
            }
        }
        Ok(Value::dict(table)?)
    }

    fn decode_class(
        &mut self,
        decoder: &mut Decoder<'_>,
        class: u16,
        ty: &Type,
        kind: Kind,
        level: usize,
    ) -> Decoded<Value> {
        let program = self.program;
        let info = program.class(class);
        if info.kind == ClassKind::Enum {
            return self.decode_enum(decoder, class, info, ty, kind);
        }
        if kind != Kind::Map {
            return mismatch(ty, kind);
        }
        self.decode_record(decoder, class, level)
    }

    fn decode_enum(
        &mut self,
        decoder: &mut Decoder<'_>,
        class: u16,
        info: &Class,
        ty: &Type,
        kind: Kind,
    ) -> Decoded<Value> {
        let given = match kind {
            Kind::Int => match decoder.integer()? {
                codec::cbor::Value::Int(value) => Const::Int(value),
                _ => Const::None,
            },
            Kind::Text => Const::Str(decoder.text()?.to_string()),
            other => return mismatch(ty, other),
        };
        if let Some(member) = info.members.iter().position(|(_, value)| *value == given) {
            let member = member as u16;
            return Ok(Value::Enum { class, member });
        }
        let shown = match given {
            Const::Int(value) => value.to_string(),
            Const::Str(text) => format!("'{}'", text.chars().take(40).collect::<String>()),
            _ => "this number".to_string(),
        };
        differs(format!("{shown} is no value of {ty}"))
    }

    /// A record from a map with its fields as keys; fields with a default may be missing.
    pub(crate) fn decode_record(
        &mut self,
        decoder: &mut Decoder<'_>,
        class: u16,
        level: usize,
    ) -> Decoded<Value> {
        let program = self.program;
        let info = program.class(class);
        let order = &program.class_index[usize::from(class)].order;
        let mut fields = vec![Value::Unset; info.fields.len()];
        let mut map = MapReader::open(decoder)?;
        let mut expected = order.iter();
        while let Some(raw) = map.raw_key(decoder)? {
            // Keys come in the order of the encoded fields; missing ones are passed over.
            let Some((_, position)) = expected.find(|(key, _)| key == raw) else {
                let name = Decoder::new(raw)
                    .text()
                    .map(|name| name.chars().take(40).collect::<String>())
                    .unwrap_or_default();
                return differs(format!("{} has no field '{name}'", info.name));
            };
            let field = &info.fields[usize::from(*position)];
            let value = self.decode_typed(decoder, &field.ty, level + 1);
            fields[usize::from(*position)] =
                within(|| format!(".{}", program.name(field.name)), value)?;
        }
        self.fill_missing(info, &mut fields)?;
        self.spend(crate::gas::OBJECT + fields.len() as u64)?;
        Ok(Value::record(class, fields)?)
    }

    /// Gives defaults to the fields that were missing.
    fn fill_missing(&self, info: &Class, fields: &mut [Value]) -> Decoded<()> {
        for (slot, field) in fields.iter_mut().zip(&info.fields) {
            if !matches!(slot, Value::Unset) {
                continue;
            }
            let Some(default) = field.default else {
                let field = self.program.name(field.name);
                return differs(format!("{} needs the field '{field}'", info.name));
            };
            *slot = self.instance.consts[usize::from(default)].clone();
        }
        Ok(())
    }

    fn decode_union(
        &mut self,
        decoder: &mut Decoder<'_>,
        choices: &[Type],
        ty: &Type,
        kind: Kind,
        level: usize,
    ) -> Decoded<Value> {
        let mut last = None;
        for choice in choices {
            if !possible(choice, kind) {
                continue;
            }
            let mut attempt = decoder.clone();
            match self.decode_typed(&mut attempt, choice, level + 1) {
                Ok(value) => {
                    *decoder = attempt;
                    return Ok(value);
                }
                Err(Undecodable::Mismatch(found)) => last = Some(found),
                Err(trap) => return Err(trap),
            }
        }
        match last {
            Some(found) => Err(Undecodable::Mismatch(found)),
            None => mismatch(ty, kind),
        }
    }

    fn decode_any(
        &mut self,
        decoder: &mut Decoder<'_>,
        kind: Kind,
        level: usize,
    ) -> Decoded<Value> {
        match kind {
            Kind::Null => self.decode_typed(decoder, &Type::None, level),
            Kind::Bool => self.decode_typed(decoder, &Type::Bool, level),
            Kind::Int => self.decode_int(decoder),
            Kind::Text => self.decode_typed(decoder, &Type::Str, level),
            Kind::Bytes => self.decode_typed(decoder, &Type::Bytes, level),
            Kind::Array => self.decode_typed(decoder, &Type::List(Box::new(Type::Any)), level),
            Kind::Map => self.decode_typed(
                decoder,
                &Type::Dict(Box::new(Type::Any), Box::new(Type::Any)),
                level,
            ),
        }
    }
}

/// What was given is of another kind.
fn mismatch<T>(expected: &Type, given: Kind) -> Decoded<T> {
    let given = match given {
        Kind::Null => "None",
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Bytes => "bytes",
        Kind::Text => "str",
        Kind::Array => "list",
        Kind::Map => "a map",
    };
    differs(format!("expected {expected}, given {given}"))
}

/// A mismatch of the value itself, not of a part of it.
fn differs<T>(message: String) -> Decoded<T> {
    Err(Undecodable::Mismatch(Mismatch {
        path: String::new(),
        message,
    }))
}

/// Puts a step in front of the path of a mismatch.
fn within<T>(step: impl FnOnce() -> String, result: Decoded<T>) -> Decoded<T> {
    result.map_err(|error| match error {
        Undecodable::Mismatch(found) => Undecodable::Mismatch(Mismatch {
            path: format!("{}{}", step(), found.path),
            message: found.message,
        }),
        other => other,
    })
}

/// Whether an item of this kind can be of a type.
fn possible(ty: &Type, kind: Kind) -> bool {
    match ty {
        Type::Any | Type::Union(_) => true,
        Type::None => kind == Kind::Null,
        Type::Bool => kind == Kind::Bool,
        Type::Int | Type::Decimal(_) => kind == Kind::Int,
        Type::Str => kind == Kind::Text,
        Type::Bytes => kind == Kind::Bytes,
        Type::List(_) | Type::TupleOf(_) | Type::Tuple(_) => kind == Kind::Array,
        Type::Set(_) => false,
        Type::Dict(..) => kind == Kind::Map,
        Type::Class(..) => matches!(kind, Kind::Map | Kind::Text | Kind::Int),
    }
}
