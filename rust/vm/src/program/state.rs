//! Cells, counters and migrations of a program: their stored form, and whether it can be run.

use codec::cbor::Value;

use super::decode::{array, boolean, list, number, type_of, Read};
use super::encode::{int, type_value};
use super::validate::{refuse, Refusal};
use super::{Const, Parts};
use crate::limits;
use crate::rows::const_conforms;
use crate::types::Type;

/// A value of the contract's state that needs no key.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct CellInfo {
    pub(crate) name: u16,
    pub(crate) ty: Type,
    /// Constant that is read before anything was written.
    pub(crate) default: u16,
    /// An int that only grows.
    pub(crate) counter: bool,
}

/// A method that an upgrade runs.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Migration {
    /// The source that was in force until then, counted from 0.
    pub(crate) from: u16,
    pub(crate) function: u16,
}

pub(super) fn cell_value(cell: &CellInfo) -> Value {
    Value::Array(vec![
        int(cell.name),
        type_value(&cell.ty),
        int(cell.default),
        Value::Bool(cell.counter),
    ])
}

pub(super) fn cell(value: &Value) -> Read<CellInfo> {
    let items = array(value, 4)?;
    Ok(CellInfo {
        name: number(&items[0])?,
        ty: type_of(&items[1], 0)?,
        default: number(&items[2])?,
        counter: boolean(&items[3])?,
    })
}

pub(super) fn migration_value(migration: &Migration) -> Value {
    Value::Array(vec![int(migration.from), int(migration.function)])
}

pub(super) fn migration(value: &Value) -> Read<Migration> {
    let items = array(value, 2)?;
    Ok(Migration {
        from: number(&items[0])?,
        function: number(&items[1])?,
    })
}

/// The positions of fields in a class, as a list of numbers.
pub(super) fn positions_value(positions: &[u16]) -> Value {
    list_value(positions)
}

fn list_value(numbers: &[u16]) -> Value {
    Value::Array(numbers.iter().map(|number| int(*number)).collect())
}

pub(super) fn positions(value: &Value) -> Read<Vec<u16>> {
    list(value, number)
}

impl Parts {
    pub(super) fn check_state(&self) -> Result<(), Refusal> {
        if self.cells.len().max(self.migrations.len()) > limits::ITEMS {
            return refuse("too many items", self.cells.len());
        }
        for cell in &self.cells {
            self.check_name(cell.name)?;
            self.check_type(&cell.ty, 0)?;
            match self.consts.get(usize::from(cell.default)) {
                Some(Const::Int(0)) if cell.counter && cell.ty == Type::Int => {}
                Some(default) if !cell.counter && const_conforms(default, &cell.ty) => {}
                _ => return refuse("bad default of a cell", cell.name),
            }
        }
        for migration in &self.migrations {
            self.check_method(migration.function)?;
            let function = &self.functions[usize::from(migration.function)];
            if function.star || function.star_star || function.params.len() != 1 {
                return refuse("migration with parameters", migration.function);
            }
        }
        for class in &self.classes {
            let parties = class.signatories.iter().chain(&class.observers);
            if let Some(field) = parties
                .copied()
                .find(|field| usize::from(*field) >= class.fields.len())
            {
                return refuse("no such party", field);
            }
        }
        for table in &self.tables {
            let count = table.indexes.len();
            if table
                .unique
                .iter()
                .any(|index| usize::from(*index) >= count)
            {
                return refuse("no such unique index", table.name);
            }
        }
        Ok(())
    }
}
