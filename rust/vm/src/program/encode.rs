//! A program as canonical bytes.

use codec::cbor::{encode, Value};

use super::state::{cell_value, migration_value, positions_value};
use super::uses::{declared_value, import_value, use_value};
use super::{
    Class, ClassKind, Const, Entry, Field, Function, Parts, Program, Shape, TableInfo, FORMAT,
};
use crate::types::Type;

impl Program {
    /// The compiled form: canonical CBOR, the same for the same source and compiler.
    pub fn to_bytes(&self) -> Vec<u8> {
        // The limits of programs lie below those of the codec.
        encode(&self.parts.to_value()).unwrap_or_default()
    }
}

pub(super) fn int(number: impl Into<i64>) -> Value {
    Value::Int(number.into())
}

pub(super) fn list<T>(items: &[T], each: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(each).collect())
}

fn optional(number: Option<u16>) -> Value {
    number.map_or(Value::Null, int)
}

fn pairs(pairs: &[(u16, u16)]) -> Value {
    list(pairs, |(a, b)| Value::Array(vec![int(*a), int(*b)]))
}

impl Parts {
    fn to_value(&self) -> Value {
        Value::Array(vec![
            Value::text("lianheng.program"),
            int(FORMAT as i64),
            Value::text(self.file.clone()),
            Value::text(self.contract.clone()),
            Value::text(self.doc.clone()),
            list(&self.names, |name| Value::text(name.clone())),
            list(&self.consts, constant),
            list(&self.shapes, shape),
            list(&self.functions, function),
            list(&self.classes, class),
            list(&self.tables, table),
            pairs(&self.methods),
            list(&self.entries, entry),
            list(&self.cells, cell_value),
            list(&self.migrations, migration_value),
            list(&self.interfaces, declared_value),
            list(&self.uses, use_value),
            list(&self.timers, entry),
            list(&self.imports, import_value),
        ])
    }
}

fn tagged(tag: i64, content: Vec<Value>) -> Value {
    let mut items = vec![Value::Int(tag)];
    items.extend(content);
    Value::Array(items)
}

fn constant(value: &Const) -> Value {
    match value {
        Const::None => Value::Null,
        Const::Bool(value) => Value::Bool(*value),
        Const::Int(value) => Value::Int(*value),
        Const::Big(value) => Value::BigInt(value.clone()),
        Const::Str(value) => Value::text(value.clone()),
        Const::Bytes(value) => Value::bytes(value.clone()),
        Const::Tuple(items) => tagged(0, vec![list(items, constant)]),
        Const::List(items) => tagged(1, vec![list(items, constant)]),
        Const::Dict(entries) => tagged(
            2,
            vec![list(entries, |(key, value)| {
                Value::Array(vec![constant(key), constant(value)])
            })],
        ),
        Const::Set(items) => tagged(3, vec![list(items, constant)]),
        Const::Frozenset(items) => tagged(4, vec![list(items, constant)]),
        Const::Range(start, stop, step) => tagged(5, vec![int(*start), int(*stop), int(*step)]),
        Const::Enum(class, member) => tagged(6, vec![int(*class), int(*member)]),
        Const::Record(class, fields) => tagged(7, vec![int(*class), list(fields, constant)]),
        Const::Function(number) => tagged(8, vec![int(*number)]),
        Const::Builtin(number) => tagged(9, vec![int(*number)]),
        Const::Class(number) => tagged(10, vec![int(*number)]),
        Const::ExcClass(class) => tagged(11, vec![int(*class as u8)]),
        Const::Decimal(scale, units) => tagged(12, vec![int(*scale), constant(units)]),
        Const::DecimalType(scale) => tagged(13, vec![int(*scale)]),
    }
}

fn shape(shape: &Shape) -> Value {
    Value::Array(vec![
        int(shape.positional),
        list(&shape.names, |name| int(*name)),
    ])
}

fn function(function: &Function) -> Value {
    let mut code = Vec::with_capacity(function.code.len() * 7);
    for instr in &function.code {
        code.push(instr.op as u8);
        for operand in instr.operands() {
            code.extend_from_slice(&operand.to_be_bytes());
        }
    }
    Value::Array(vec![
        Value::text(function.name.clone()),
        int(function.line),
        list(&function.params, |param| {
            Value::Array(vec![
                int(param.name),
                optional(param.default),
                optional(param.held_default),
            ])
        }),
        int(function.positional),
        int(function.positional_only),
        Value::Bool(function.star),
        Value::Bool(function.star_star),
        int(function.frees),
        int(function.held_defaults),
        int(function.registers),
        Value::Bytes(code),
        list(&function.handlers, |handler| {
            let parts = [handler.start, handler.end, handler.target, handler.register];
            Value::Array(parts.into_iter().map(int).collect())
        }),
        list(&function.lines, |(start, line)| {
            Value::Array(vec![int(*start), int(*line)])
        }),
    ])
}

fn class(class: &Class) -> Value {
    let kind = match class.kind {
        ClassKind::Record => 0,
        ClassKind::Event => 1,
        ClassKind::Enum => 2,
    };
    Value::Array(vec![
        Value::text(class.name.clone()),
        Value::Int(kind),
        optional(class.base),
        list(&class.fields, field),
        pairs(&class.methods),
        list(&class.members, |(name, value)| {
            Value::Array(vec![int(*name), constant(value)])
        }),
        positions_value(&class.signatories),
        positions_value(&class.observers),
        Value::text(class.doc.clone()),
    ])
}

fn field(field: &Field) -> Value {
    Value::Array(vec![
        int(field.name),
        type_value(&field.ty),
        optional(field.default),
    ])
}

pub(super) fn type_value(ty: &Type) -> Value {
    match ty {
        Type::Any => Value::Int(0),
        Type::None => Value::Int(1),
        Type::Bool => Value::Int(2),
        Type::Int => Value::Int(3),
        Type::Str => Value::Int(4),
        Type::Bytes => Value::Int(5),
        Type::List(item) => tagged(6, vec![type_value(item)]),
        Type::Set(item) => tagged(7, vec![type_value(item)]),
        Type::TupleOf(item) => tagged(8, vec![type_value(item)]),
        Type::Tuple(items) => tagged(9, vec![list(items, type_value)]),
        Type::Dict(key, value) => tagged(10, vec![type_value(key), type_value(value)]),
        Type::Union(items) => tagged(11, vec![list(items, type_value)]),
        Type::Class(class, name) => tagged(12, vec![int(*class), Value::text(name.clone())]),
        Type::Decimal(scale) => tagged(13, vec![int(*scale)]),
    }
}

fn table(table: &TableInfo) -> Value {
    Value::Array(vec![
        int(table.name),
        int(table.class),
        list(&table.key, |field| int(*field)),
        list(&table.indexes, |index| list(index, |field| int(*field))),
        positions_value(&table.unique),
    ])
}

fn entry(entry: &Entry) -> Value {
    Value::Array(vec![
        int(entry.name),
        int(entry.function),
        Value::Bool(entry.view),
        Value::text(entry.by.clone()),
        list(&entry.types, type_value),
        type_value(&entry.returns),
        Value::text(entry.doc.clone()),
    ])
}
