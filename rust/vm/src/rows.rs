//! Values to and from canonical CBOR, by the types of annotations.

use codec::cbor::{Decoder, Encoder, Kind, MapReader};

use crate::error::{fatal, malformed, too_deep, type_error, R};
use crate::interp::Vm;
use crate::limits;
use crate::program::{Class, ClassKind, Const};
use crate::table::HashTable;
use crate::types::Type;
use crate::value::{RecordObj, Value};

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
    Err(Undecodable::Mismatch(Mismatch {
        path: String::new(),
        message: format!("expected {expected}, given {given}"),
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

impl Vm<'_, '_> {
    /// Whether a value has a declared type; a bool is not an int here.
    pub(crate) fn conforms(&mut self, value: &Value, ty: &Type, level: usize) -> R<bool> {
        Ok(match (ty, value) {
            (Type::Any, _) => true,
            (Type::None, Value::None)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_) | Value::Big(_))
            | (Type::Str, Value::Str(_))
            | (Type::Bytes, Value::Bytes(_)) => true,
            (Type::Class(class, _), Value::Record(record)) => {
                self.program.is_subclass(record.class, *class)
            }
            (Type::Class(class, _), Value::Enum { class: own, .. }) => class == own,
            (Type::Union(choices), _) => {
                for choice in choices {
                    if self.conforms(value, choice, level)? {
                        return Ok(true);
                    }
                }
                false
            }
            (
                Type::List(_) | Type::Set(_) | Type::TupleOf(_) | Type::Tuple(_) | Type::Dict(..),
                _,
            ) => return self.conforms_inside(value, ty, level),
            _ => false,
        })
    }

    fn conforms_inside(&mut self, value: &Value, ty: &Type, level: usize) -> R<bool> {
        if level > limits::TYPE_LEVELS {
            return Err(too_deep());
        }
        match (ty, value) {
            (Type::List(item), Value::List(list)) => {
                let items = list.items.borrow();
                self.all_conform(items.iter(), item, level)
            }
            (Type::TupleOf(item), Value::Tuple(tuple)) => {
                self.all_conform(tuple.items.iter(), item, level)
            }
            (Type::Set(item), Value::Set(set)) => {
                let table = set.table.borrow();
                self.all_conform(table.iter().map(|entry| &entry.key), item, level)
            }
            (Type::Tuple(types), Value::Tuple(tuple)) => {
                if types.len() != tuple.items.len() {
                    return Ok(false);
                }
                for (item, ty) in tuple.items.iter().zip(types) {
                    if !self.conforms(item, ty, level + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Type::Dict(key, inner), Value::Dict(dict)) => {
                let table = dict.table.borrow();
                Ok(
                    self.all_conform(table.iter().map(|entry| &entry.key), key, level)?
                        && self.all_conform(
                            table.iter().map(|entry| &entry.value),
                            inner,
                            level,
                        )?,
                )
            }
            _ => Ok(false),
        }
    }

    fn all_conform<'v>(
        &mut self,
        values: impl Iterator<Item = &'v Value>,
        ty: &Type,
        level: usize,
    ) -> R<bool> {
        for value in values {
            self.spend(1)?;
            if !self.conforms(value, ty, level + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Canonical bytes of a value that leaves the VM.
    pub(crate) fn encode_value(&mut self, value: &Value) -> R<Vec<u8>> {
        let mut encoder = Encoder::with_capacity(128);
        self.encode_into(&mut encoder, value, 0)?;
        Ok(encoder.into_bytes())
    }

    fn encode_into(&mut self, encoder: &mut Encoder, value: &Value, level: usize) -> R<()> {
        if level > limits::ENCODED_LEVELS {
            return Err(too_deep());
        }
        let more = match value {
            Value::Str(text) => text.text.len(),
            Value::Bytes(bytes) => bytes.bytes.len(),
            _ => 0,
        };
        if encoder.as_slice().len() + more > limits::ENCODED_BYTES {
            return Err(fatal(
                "limit.encoded",
                format!(
                    "a row, result or event has at most {} bytes",
                    limits::ENCODED_BYTES
                ),
            ));
        }
        self.spend(1)?;
        match value {
            Value::None => drop(encoder.null()),
            Value::Bool(value) => drop(encoder.bool(*value)),
            Value::Int(value) => drop(encoder.int(*value)),
            Value::Big(big) => drop(encoder.bigint(&big.value)),
            Value::Str(text) => {
                self.spend(crate::gas::state_bytes(text.text.len()))?;
                encoder.text(&text.text);
            }
            Value::Bytes(bytes) => {
                self.spend(crate::gas::state_bytes(bytes.bytes.len()))?;
                encoder.bytes(&bytes.bytes);
            }
            Value::List(list) => {
                let items = list.items.borrow();
                self.encode_items(encoder, &items, level)?;
            }
            Value::Tuple(tuple) => self.encode_items(encoder, &tuple.items, level)?,
            Value::Record(record) => self.encode_record(encoder, record, level)?,
            Value::Dict(dict) => {
                let table = dict.table.borrow();
                let mut entries = Vec::with_capacity(table.len());
                for entry in table.iter() {
                    if !matches!(
                        entry.key,
                        Value::Str(_)
                            | Value::Int(_)
                            | Value::Big(_)
                            | Value::Bytes(_)
                            | Value::Bool(_)
                            | Value::Enum { .. }
                    ) {
                        let kind = self.type_name(&entry.key);
                        return Err(type_error(format!("a dict that is stored or returned has keys of str, int, bytes, bool or an enum, not {kind}")));
                    }
                    let mut key = Encoder::new();
                    self.encode_into(&mut key, &entry.key, level + 1)?;
                    let mut inner = Encoder::new();
                    self.encode_into(&mut inner, &entry.value, level + 1)?;
                    entries.push((key.into_bytes(), inner.into_bytes()));
                }
                let size: usize = entries
                    .iter()
                    .map(|(key, inner): &(Vec<u8>, Vec<u8>)| key.len() + inner.len())
                    .sum();
                if size > limits::ENCODED_BYTES {
                    return Err(fatal(
                        "limit.encoded",
                        format!(
                            "a row, result or event has at most {} bytes",
                            limits::ENCODED_BYTES
                        ),
                    ));
                }
                entries.sort();
                encoder.map(entries.len());
                for (key, inner) in entries {
                    encoder.raw(&key).raw(&inner);
                }
            }
            Value::Enum { class, member } => {
                match self.program.class(*class).members.get(usize::from(*member)) {
                    Some((_, Const::Int(value))) => drop(encoder.int(*value)),
                    Some((_, Const::Str(value))) => drop(encoder.text(value)),
                    _ => return Err(malformed()),
                }
            }
            other => {
                let kind = self.type_name(other);
                return Err(type_error(format!("a {kind} cannot be stored, returned or announced: use records, lists, dicts, numbers and texts")));
            }
        }
        Ok(())
    }

    fn encode_items(&mut self, encoder: &mut Encoder, items: &[Value], level: usize) -> R<()> {
        encoder.array(items.len());
        items
            .iter()
            .try_for_each(|item| self.encode_into(encoder, item, level + 1))
    }

    fn encode_record(&mut self, encoder: &mut Encoder, record: &RecordObj, level: usize) -> R<()> {
        let program = self.program;
        let order = &program.class_index[usize::from(record.class)].order;
        encoder.map(order.len());
        for (key, position) in order {
            encoder.raw(key);
            let field = record
                .fields
                .get(usize::from(*position))
                .ok_or_else(malformed)?;
            self.encode_into(encoder, field, level + 1)?;
        }
        Ok(())
    }

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
                    let message = format!("expected {ty}, given {} items", items.len());
                    return Err(Undecodable::Mismatch(Mismatch {
                        path: String::new(),
                        message,
                    }));
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
        match info.members.iter().position(|(_, value)| *value == given) {
            Some(member) => Ok(Value::Enum {
                class,
                member: member as u16,
            }),
            None => {
                let shown = match given {
                    Const::Int(value) => value.to_string(),
                    Const::Str(text) => format!("'{}'", text.chars().take(40).collect::<String>()),
                    _ => "this number".to_string(),
                };
                let message = format!("{shown} is no value of {ty}");
                Err(Undecodable::Mismatch(Mismatch {
                    path: String::new(),
                    message,
                }))
            }
        }
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
                let message = format!("{} has no field '{name}'", info.name);
                return Err(Undecodable::Mismatch(Mismatch {
                    path: String::new(),
                    message,
                }));
            };
            let field = &info.fields[usize::from(*position)];
            let value = self.decode_typed(decoder, &field.ty, level + 1);
            fields[usize::from(*position)] =
                within(|| format!(".{}", program.name(field.name)), value)?;
        }
        for (slot, field) in fields.iter_mut().zip(&info.fields) {
            if matches!(slot, Value::Unset) {
                let Some(default) = field.default else {
                    let message = format!(
                        "{} needs the field '{}'",
                        info.name,
                        program.name(field.name)
                    );
                    return Err(Undecodable::Mismatch(Mismatch {
                        path: String::new(),
                        message,
                    }));
                };
                *slot = self.instance.consts[usize::from(default)].clone();
            }
        }
        self.spend(crate::gas::OBJECT + fields.len() as u64)?;
        Ok(Value::record(class, fields)?)
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

/// Whether an item of this kind can be of a type.
fn possible(ty: &Type, kind: Kind) -> bool {
    match ty {
        Type::Any | Type::Union(_) => true,
        Type::None => kind == Kind::Null,
        Type::Bool => kind == Kind::Bool,
        Type::Int => kind == Kind::Int,
        Type::Str => kind == Kind::Text,
        Type::Bytes => kind == Kind::Bytes,
        Type::List(_) | Type::TupleOf(_) | Type::Tuple(_) => kind == Kind::Array,
        Type::Set(_) => false,
        Type::Dict(..) => kind == Kind::Map,
        Type::Class(..) => matches!(kind, Kind::Map | Kind::Text | Kind::Int),
    }
}

/// Whether a constant has a type; used for the defaults of fields.
pub(crate) fn const_conforms(value: &Const, ty: &Type) -> bool {
    match (ty, value) {
        (Type::Any, _)
        | (Type::None, Const::None)
        | (Type::Bool, Const::Bool(_))
        | (Type::Int, Const::Int(_) | Const::Big(_))
        | (Type::Str, Const::Str(_))
        | (Type::Bytes, Const::Bytes(_)) => true,
        (Type::Union(choices), _) => choices.iter().any(|choice| const_conforms(value, choice)),
        (Type::TupleOf(item), Const::Tuple(items)) => {
            items.iter().all(|value| const_conforms(value, item))
        }
        (Type::Tuple(types), Const::Tuple(items)) => {
            types.len() == items.len()
                && items
                    .iter()
                    .zip(types)
                    .all(|(value, ty)| const_conforms(value, ty))
        }
        (Type::Set(item), Const::Frozenset(items)) => {
            items.iter().all(|value| const_conforms(value, item))
        }
        (Type::Class(class, _), Const::Enum(own, _) | Const::Record(own, _)) => class == own,
        _ => false,
    }
}
