//! A program from bytes, which nobody needs to trust.

use codec::cbor::{decode, Value};

use super::ops::{Instr, Op};
use super::state::{cell, migration, positions};
use super::uses::{declared, import, use_of};
use super::{
    Class, ClassKind, Const, Entry, Field, Function, Handler, Param, Parts, Program, Shape,
    TableInfo, FORMAT,
};
use crate::error::Exc;
use crate::limits;
use crate::types::Type;
use crate::Error;

pub(super) type Read<T> = Result<T, String>;

impl Program {
    /// Reads a compiled program. Refuses with `program.malformed` whatever could make a run fail
    /// in any way but a contract's own errors, and `program.version` for another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Program, Error> {
        if bytes.len() > limits::PROGRAM_BYTES {
            return Err(malformed(format!(
                "{} bytes are above the limit of {}",
                bytes.len(),
                limits::PROGRAM_BYTES
            )));
        }
        let value = decode(bytes).map_err(|error| malformed(error.to_string()))?;
        let items = array(&value, 19).map_err(malformed)?;
        if text(&items[0]).ok().as_deref() != Some("lianheng.program") {
            return Err(malformed("these bytes are no compiled contract"));
        }
        let version = small(&items[1], u32::MAX.into()).map_err(malformed)?;
        if version != FORMAT as i64 {
            return Err(Error {
                code: "program.version",
                message: format!("the program has format {version}, this version reads {FORMAT}: compile the source again"),
            });
        }
        let parts = parts(items).map_err(malformed)?;
        parts.validate().map_err(malformed)?;
        Ok(Program::new(parts))
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error {
        code: "program.malformed",
        message: message.into(),
    }
}

fn parts(items: &[Value]) -> Read<Parts> {
    Ok(Parts {
        file: text(&items[2])?,
        contract: text(&items[3])?,
        doc: text(&items[4])?,
        names: list(&items[5], text)?,
        consts: list(&items[6], |value| constant(value, 0))?,
        shapes: list(&items[7], shape)?,
        functions: list(&items[8], function)?,
        classes: list(&items[9], class)?,
        tables: list(&items[10], table)?,
        methods: list(&items[11], pair)?,
        entries: list(&items[12], entry)?,
        cells: list(&items[13], cell)?,
        migrations: list(&items[14], migration)?,
        interfaces: list(&items[15], declared)?,
        uses: list(&items[16], use_of)?,
        timers: list(&items[17], entry)?,
        imports: list(&items[18], import)?,
        globals: Vec::new(),
        main: None,
    })
}

pub(super) fn array(value: &Value, length: usize) -> Read<&[Value]> {
    match value {
        Value::Array(items) if items.len() == length => Ok(items),
        _ => Err(format!("an array of {length} items is missing")),
    }
}

pub(super) fn list<T>(value: &Value, each: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    match value {
        Value::Array(items) => items.iter().map(each).collect(),
        _ => Err("an array is missing".to_string()),
    }
}

pub(super) fn text(value: &Value) -> Read<String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err("a text is missing".to_string()),
    }
}

pub(super) fn bytes32(value: &Value) -> Read<[u8; 32]> {
    match value {
        Value::Bytes(bytes) => bytes
            .as_slice()
            .try_into()
            .map_err(|_| "32 bytes are missing".to_string()),
        _ => Err("32 bytes are missing".to_string()),
    }
}

pub(super) fn boolean(value: &Value) -> Read<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err("a boolean is missing".to_string()),
    }
}

fn small(value: &Value, most: i64) -> Read<i64> {
    match value {
        Value::Int(number) if (0..=most).contains(number) => Ok(*number),
        _ => Err(format!("a number from 0 to {most} is missing")),
    }
}

pub(super) fn number(value: &Value) -> Read<u16> {
    small(value, u16::MAX.into()).map(|number| number as u16)
}

fn long(value: &Value) -> Read<u32> {
    small(value, u32::MAX.into()).map(|number| number as u32)
}

fn integer(value: &Value) -> Read<i64> {
    match value {
        Value::Int(number) => Ok(*number),
        _ => Err("an integer is missing".to_string()),
    }
}

fn optional(value: &Value) -> Read<Option<u16>> {
    match value {
        Value::Null => Ok(None),
        other => number(other).map(Some),
    }
}

fn pair(value: &Value) -> Read<(u16, u16)> {
    let items = array(value, 2)?;
    Ok((number(&items[0])?, number(&items[1])?))
}

/// The tag and the content of a tagged array.
fn tagged(value: &Value) -> Read<(i64, &[Value])> {
    match value {
        Value::Array(items) => match items.split_first() {
            Some((Value::Int(tag), rest)) => Ok((*tag, rest)),
            _ => Err("a tag is missing".to_string()),
        },
        _ => Err("a tagged array is missing".to_string()),
    }
}

fn constant(value: &Value, level: usize) -> Read<Const> {
    if level > limits::CONST_LEVELS {
        return Err("a constant is nested too deep".to_string());
    }
    let inner = |value: &Value| constant(value, level + 1);
    let (tag, rest) = match value {
        Value::Null => return Ok(Const::None),
        Value::Bool(value) => return Ok(Const::Bool(*value)),
        Value::Int(value) => return Ok(Const::Int(*value)),
        Value::BigInt(value) => return Ok(Const::Big(value.clone())),
        Value::Text(value) => return Ok(Const::Str(value.clone())),
        Value::Bytes(value) => return Ok(Const::Bytes(value.clone())),
        other => tagged(other)?,
    };
    match (tag, rest) {
        (0, [items]) => list(items, inner).map(Const::Tuple),
        (1, [items]) => list(items, inner).map(Const::List),
        (2, [items]) => {
            let entries = list(items, |entry| {
                let entry = array(entry, 2)?;
                Ok((inner(&entry[0])?, inner(&entry[1])?))
            });
            entries.map(Const::Dict)
        }
        (3, [items]) => list(items, inner).map(Const::Set),
        (4, [items]) => list(items, inner).map(Const::Frozenset),
        (5, [start, stop, step]) => Ok(Const::Range(
            integer(start)?,
            integer(stop)?,
            integer(step)?,
        )),
        (6, [class, member]) => Ok(Const::Enum(number(class)?, number(member)?)),
        (7, [class, fields]) => Ok(Const::Record(number(class)?, list(fields, inner)?)),
        (8, [function]) => Ok(Const::Function(number(function)?)),
        (9, [builtin]) => Ok(Const::Builtin(number(builtin)?)),
        (10, [class]) => Ok(Const::Class(number(class)?)),
        (11, [class]) => {
            let found = Exc::ALL.get(usize::from(number(class)?)).copied();
            found
                .map(Const::ExcClass)
                .ok_or_else(|| "no such exception class".to_string())
        }
        (12, [scale, units]) => Ok(Const::Decimal(
            decimal_scale(scale)?,
            Box::new(inner(units)?),
        )),
        (13, [scale]) => Ok(Const::DecimalType(decimal_scale(scale)?)),
        _ => Err("an unknown constant".to_string()),
    }
}

fn shape(value: &Value) -> Read<Shape> {
    let items = array(value, 2)?;
    Ok(Shape {
        positional: number(&items[0])?,
        names: list(&items[1], number)?,
    })
}

fn function(value: &Value) -> Read<Function> {
    let items = array(value, 13)?;
    Ok(Function {
        name: text(&items[0])?,
        line: long(&items[1])?,
        params: list(&items[2], |param| {
            let param = array(param, 3)?;
            Ok(Param {
                name: number(&param[0])?,
                default: optional(&param[1])?,
                held_default: optional(&param[2])?,
            })
        })?,
        positional: number(&items[3])?,
        positional_only: number(&items[4])?,
        star: boolean(&items[5])?,
        star_star: boolean(&items[6])?,
        frees: number(&items[7])?,
        held_defaults: number(&items[8])?,
        registers: number(&items[9])?,
        code: code(&items[10])?,
        handlers: list(&items[11], |handler| {
            let handler = array(handler, 4)?;
            Ok(Handler {
                start: number(&handler[0])?,
                end: number(&handler[1])?,
                target: number(&handler[2])?,
                register: number(&handler[3])?,
            })
        })?,
        lines: list(&items[12], |run| {
            let run = array(run, 2)?;
            Ok((number(&run[0])?, long(&run[1])?))
        })?,
    })
}

fn code(value: &Value) -> Read<Vec<Instr>> {
    let Value::Bytes(bytes) = value else {
        return Err("code is missing".to_string());
    };
    let mut chunks = bytes.chunks_exact(7);
    let mut code = Vec::with_capacity(bytes.len() / 7);
    for chunk in &mut chunks {
        let op = Op::ALL
            .get(usize::from(chunk[0]))
            .copied()
            .ok_or("an unknown operation")?;
        let operand = |at: usize| u16::from_be_bytes([chunk[at], chunk[at + 1]]);
        code.push(Instr::new(op, operand(1), operand(3), operand(5)));
    }
    if chunks.remainder().is_empty() {
        Ok(code)
    } else {
        Err("the code ends inside an instruction".to_string())
    }
}

fn class(value: &Value) -> Read<Class> {
    let items = array(value, 9)?;
    let kind = match number(&items[1])? {
        0 => ClassKind::Record,
        1 => ClassKind::Event,
        2 => ClassKind::Enum,
        _ => return Err("an unknown kind of class".to_string()),
    };
    Ok(Class {
        name: text(&items[0])?,
        kind,
        base: optional(&items[2])?,
        fields: list(&items[3], |field| {
            let field = array(field, 3)?;
            Ok(Field {
                name: number(&field[0])?,
                ty: type_of(&field[1], 0)?,
                default: optional(&field[2])?,
            })
        })?,
        methods: list(&items[4], pair)?,
        members: list(&items[5], |member| {
            let member = array(member, 2)?;
            Ok((number(&member[0])?, constant(&member[1], 0)?))
        })?,
        signatories: positions(&items[6])?,
        observers: positions(&items[7])?,
        doc: text(&items[8])?,
    })
}

/// The scale of a decimal type.
fn decimal_scale(value: &Value) -> Read<u8> {
    let scale = integer(value)?;
    if !crate::builtins::library::is_scale(scale) {
        return Err("a scale outside of its limits".to_string());
    }
    Ok(scale as u8)
}

pub(super) fn type_of(value: &Value, level: usize) -> Read<Type> {
    if level > limits::TYPE_LEVELS {
        return Err("a type is nested too deep".to_string());
    }
    let inner = |value: &Value| type_of(value, level + 1);
    let (tag, rest): (i64, &[Value]) = match value {
        Value::Int(tag) => (*tag, &[]),
        // One form for each type: those without content are not written as arrays.
        other => tagged(other).and_then(|(tag, rest)| match rest {
            [] => Err("a type without content in an array".to_string()),
            _ => Ok((tag, rest)),
        })?,
    };
    match (tag, rest) {
        (0, []) => Ok(Type::Any),
        (1, []) => Ok(Type::None),
        (2, []) => Ok(Type::Bool),
        (3, []) => Ok(Type::Int),
        (4, []) => Ok(Type::Str),
        (5, []) => Ok(Type::Bytes),
        (6, [item]) => Ok(Type::List(Box::new(inner(item)?))),
        (7, [item]) => Ok(Type::Set(Box::new(inner(item)?))),
        (8, [item]) => Ok(Type::TupleOf(Box::new(inner(item)?))),
        (9, [items]) => Ok(Type::Tuple(list(items, inner)?)),
        (10, [key, value]) => Ok(Type::Dict(Box::new(inner(key)?), Box::new(inner(value)?))),
        (11, [items]) => Ok(Type::Union(list(items, inner)?)),
        (12, [class, name]) => Ok(Type::Class(number(class)?, text(name)?)),
        (13, [scale]) => Ok(Type::Decimal(decimal_scale(scale)?)),
        _ => Err("an unknown type".to_string()),
    }
}

fn table(value: &Value) -> Read<TableInfo> {
    let items = array(value, 5)?;
    Ok(TableInfo {
        name: number(&items[0])?,
        class: number(&items[1])?,
        key: list(&items[2], number)?,
        indexes: list(&items[3], |index| list(index, number))?,
        unique: positions(&items[4])?,
    })
}

fn entry(value: &Value) -> Read<Entry> {
    let items = array(value, 7)?;
    Ok(Entry {
        name: number(&items[0])?,
        function: number(&items[1])?,
        view: boolean(&items[2])?,
        by: text(&items[3])?,
        types: list(&items[4], |ty| type_of(ty, 0))?,
        returns: type_of(&items[5], 0)?,
        doc: text(&items[6])?,
    })
}
