//! What a thread keeps of a program: its constants as values, and the starts of its keys.

use std::cell::RefCell;
use std::rc::Rc;

use crate::builtins::Builtin;
use crate::error::{malformed, R};
use crate::interp::Instance;
use crate::memory::Charge;
use crate::program::{Const, Program};
use crate::table::{hash_bytes, mix, HashTable};
use crate::value::{
    BigObj, BytesObj, DecimalObj, DictObj, Flags, ListObj, RangeObj, RecordObj, SetObj, TupleObj,
    Value,
};

/// Programs that a thread keeps at hand.
const KEPT: usize = 32;

thread_local! {
    static INSTANCES: RefCell<Vec<Rc<Instance>>> = const { RefCell::new(Vec::new()) };
}

/// The instance of a program for a deployed contract on this thread.
pub(crate) fn instance(program: &Program, contract: &str) -> R<Rc<Instance>> {
    let known = INSTANCES.with(|all| {
        let all = all.borrow();
        all.iter()
            .find(|one| one.serial == program.serial && one.contract == contract)
            .cloned()
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let made = Rc::new(make(program, contract)?);
    INSTANCES.with(|all| {
        let mut all = all.borrow_mut();
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push(made.clone());
    });
    Ok(made)
}

fn make(program: &Program, contract: &str) -> R<Instance> {
    let consts = program
        .parts
        .consts
        .iter()
        .map(|value| constant_value(value, true))
        .collect::<R<Vec<Value>>>()?;
    let chars = (0..128_u8)
        .map(|byte| Value::text(&char::from(byte).to_string()))
        .collect();
    let prefixes = program
        .parts
        .tables
        .iter()
        .map(|table| codec::key::prefix(contract, program.name(table.name)))
        .collect();
    let index_prefixes = program.parts.tables.iter().map(|table| {
        let class = program.class(table.class);
        let named = table.indexes.iter().map(|fields| {
            let fields: Vec<&str> = fields
                .iter()
                .map(|field| program.name(class.fields[usize::from(*field)].name))
                .collect();
            codec::key::prefix(
                contract,
                &format!("{}:{}", program.name(table.name), fields.join(",")),
            )
        });
        named.collect()
    });
    let index_prefixes = index_prefixes.collect();
    let cells = program.parts.cells.iter();
    let cells = cells.map(|cell| codec::key::prefix(contract, program.name(cell.name)));
    let cells = cells.collect();
    Ok(Instance {
        serial: program.serial,
        contract: contract.to_string(),
        consts,
        chars,
        prefixes,
        index_prefixes,
        cells,
    })
}

/// A constant as a value that is not counted; a frozen one cannot be changed.
pub(crate) fn constant_value(value: &Const, frozen: bool) -> R<Value> {
    let charge = Charge::none();
    Ok(match value {
        Const::None => Value::None,
        Const::Bool(value) => Value::Bool(*value),
        Const::Int(value) => Value::Int(*value),
        Const::Big(value) => Value::Big(Rc::new(BigObj {
            value: value.clone(),
            charge,
        })),
        Const::Str(text) => Value::text(text),
        Const::Bytes(bytes) => Value::Bytes(Rc::new(BytesObj {
            bytes: bytes.clone(),
            charge,
        })),
        Const::Tuple(items) => Value::Tuple(Rc::new(TupleObj {
            items: constant_values(items, frozen)?,
            charge,
        })),
        Const::List(items) => Value::List(Rc::new(ListObj {
            items: RefCell::new(constant_values(items, frozen)?),
            flags: constant_flags(frozen),
            charge,
        })),
        Const::Dict(entries) => constant_dict(entries, frozen)?,
        Const::Set(items) => constant_set(items, false, frozen)?,
        Const::Frozenset(items) => constant_set(items, true, frozen)?,
        Const::Range(start, stop, step) => Value::Range(Rc::new(RangeObj {
            start: *start,
            stop: *stop,
            step: *step,
            charge,
        })),
        Const::Enum(class, member) => Value::Enum {
            class: *class,
            member: *member,
        },
        Const::Record(class, fields) => Value::Record(Rc::new(RecordObj {
            class: *class,
            fields: constant_values(fields, frozen)?,
            charge,
        })),
        Const::Function(function) => Value::Function(*function),
        Const::Builtin(builtin) => {
            Value::Builtin(Builtin::from_number(*builtin).ok_or_else(malformed)?)
        }
        Const::Class(class) => Value::Class(*class),
        Const::ExcClass(class) => Value::ExcClass(*class),
        Const::DecimalType(scale) => Value::DecimalType(*scale),
        Const::Decimal(scale, units) => Value::Decimal(Rc::new(DecimalObj {
            units: constant_value(units, frozen)?,
            scale: *scale,
            charge,
        })),
    })
}

fn constant_values(items: &[Const], frozen: bool) -> R<Vec<Value>> {
    items
        .iter()
        .map(|item| constant_value(item, frozen))
        .collect()
}

fn constant_flags(frozen: bool) -> Flags {
    let flags = Flags::default();
    flags.frozen.set(frozen);
    flags
}

fn constant_dict(entries: &[(Const, Const)], frozen: bool) -> R<Value> {
    let mut table = HashTable::default();
    for (key, value) in entries {
        table.push(
            constant_hash(key)?,
            constant_value(key, frozen)?,
            constant_value(value, frozen)?,
        );
    }
    Ok(Value::Dict(Rc::new(DictObj {
        table: RefCell::new(table),
        flags: constant_flags(frozen),
        charge: Charge::none(),
    })))
}

fn constant_set(items: &[Const], frozenset: bool, frozen: bool) -> R<Value> {
    let mut table = HashTable::default();
    for item in items {
        table.push(
            constant_hash(item)?,
            constant_value(item, frozen)?,
            Value::None,
        );
    }
    Ok(Value::Set(Rc::new(SetObj {
        table: RefCell::new(table),
        frozenset,
        flags: constant_flags(frozen),
        charge: Charge::none(),
    })))
}

/// The same hash as [`crate::interp::Vm::hash`] gives for the value.
fn constant_hash(value: &Const) -> R<u64> {
    let items = |seed: u64, items: &[Const]| -> R<u64> {
        let start = mix(seed, items.len() as u64);
        items
            .iter()
            .try_fold(start, |state, item| Ok(mix(state, constant_hash(item)?)))
    };
    Ok(match value {
        Const::None => 0x1234,
        Const::Bool(value) => mix(1, u64::from(*value)),
        Const::Int(value) => mix(1, *value as u64),
        Const::Big(value) => mix(2, hash_bytes(&value.to_signed_bytes_le())),
        Const::Str(text) => hash_bytes(text.as_bytes()) | 1,
        Const::Bytes(bytes) => mix(3, hash_bytes(bytes)),
        Const::Tuple(parts) => items(4, parts)?,
        Const::Record(class, fields) => items(u64::from(*class) + 100, fields)?,
        Const::Enum(class, member) => mix(mix(5, u64::from(*class)), u64::from(*member)),
        Const::Range(start, stop, step) => {
            let range = RangeObj {
                start: *start,
                stop: *stop,
                step: *step,
                charge: Charge::none(),
            };
            let length = range.len();
            let start = if length == 0 { 0 } else { *start };
            let step = if length <= 1 { 0 } else { *step };
            mix(mix(mix(6, length as u64), start as u64), step as u64)
        }
        Const::Class(class) => mix(7, u64::from(*class)),
        Const::Builtin(builtin) => mix(8, u64::from(*builtin)),
        Const::ExcClass(class) => mix(9, *class as u64),
        Const::Decimal(scale, units) => mix(mix(12, u64::from(*scale)), constant_hash(units)?),
        Const::DecimalType(scale) => mix(13, u64::from(*scale)),
        Const::Function(function) => mix(10, u64::from(*function)),
        Const::Frozenset(parts) => {
            let mut sum = 11 ^ parts.len() as u64;
            for part in parts {
                sum = sum.wrapping_add(mix(11, constant_hash(part)?));
            }
            sum
        }
        Const::List(_) | Const::Dict(_) | Const::Set(_) => return Err(malformed()),
    })
}
