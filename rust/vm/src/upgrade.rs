//! An upgrade: the state of one program brought to the layout of the one that follows.

use std::collections::BTreeMap;

use codec::key;

use crate::error::{fatal, R};
use crate::instance::instance;
use crate::interp::Vm;
use crate::layout::{changes, index_names, table_named};
use crate::pages::Way;
use crate::program::{Class, Program, TableInfo};
use crate::run::{concluded, failed_before};
use crate::state::host;
use crate::types::Type;
use crate::value::Value;
use crate::{gas, limits, memory, CallContext, Host, Outcome};

/// Brings the state of `old` to the layout of `new`: runs the migration from `source`, where `new`
/// has one, and makes the indexes. `source` counts the sources that were in force before, from 0.
///
/// The caller MUST drop all writes unless it finishes. Refuses with `contract.migration_missing`
/// where rows do not fit and no migration starts from `source`, with `contract.leftover` where
/// something stays that the new layout has no name for, and with `contract.not_unique`.
pub fn upgrade(
    old: &Program,
    new: &Program,
    source: u64,
    context: &CallContext<'_>,
    host: &mut dyn Host,
    gas_limit: u64,
) -> Outcome {
    memory::reset();
    let instance = match instance(new, context.contract) {
        Ok(instance) => instance,
        Err(trap) => return failed_before(*trap),
    };
    let mut vm = Vm::new(new, instance, context, host, gas_limit);
    let result = vm.upgrade(old, source);
    let result = result.and_then(|value| vm.tell().map(|()| value));
    concluded(vm, result)
}

impl Vm<'_, '_> {
    fn upgrade(&mut self, old: &Program, source: u64) -> R<Vec<u8>> {
        self.spend(gas::START)?;
        let program = self.program;
        let found = changes(old, program);
        let mut migrations = program.parts.migrations.iter();
        let migration = migrations.find(|migration| u64::from(migration.from) == source);
        if let (None, Some(first)) = (migration, found.iter().find(|c| c.needs_migration)) {
            let message = format!(
                "{}: {}; this needs @migrate(from_version={source})",
                first.what, first.how
            );
            return Err(fatal("contract.migration_missing", message));
        }
        let migrates = migration.is_some();
        for table in &old.parts.tables {
            self.drop_indexes(old, table, migrates)?;
        }
        if let Some(migration) = migration {
            self.migrating = true;
            self.released.fields = party_fields(old, |class| &class.signatories);
            let observes = |program: &Program| {
                let mut classes = program.parts.classes.iter();
                classes.any(|class| !class.observers.is_empty())
            };
            self.released.observed = (observes(old) || observes(program))
                .then(|| party_fields(old, |class| &class.observers));
            let mut stack = vec![Value::Contract];
            self.execute(&mut stack, migration.function)?;
            drop(stack);
            self.migrating = false;
            self.check_released()?;
            self.settle_notices()?;
            self.check_leftovers(old)?;
        }
        for number in 0..program.parts.tables.len() {
            let info = &program.parts.tables[number];
            let known = table_named(old, program.name(info.name));
            let had = known
                .map(|known| index_names(old, known))
                .unwrap_or_default();
            let has = index_names(program, info);
            let missing: Vec<usize> = (0..has.len())
                .filter(|index| migrates || !had.contains(&has[*index]))
                .collect();
            if migrates || (known.is_some() && !missing.is_empty()) {
                self.build_indexes(number as u16, &missing)?;
            }
        }
        for cell in 0..program.parts.cells.len() {
            self.cell_get(cell as u16)?;
        }
        self.encode_value(&Value::None)
    }

    /// Removes the entries of indexes that are to be built again, or are gone.
    fn drop_indexes(&mut self, old: &Program, table: &TableInfo, all: bool) -> R<()> {
        let name = old.name(table.name);
        let next = table_named(self.program, name);
        let has = next
            .map(|next| index_names(self.program, next))
            .unwrap_or_default();
        for index in index_names(old, table) {
            if !all && has.contains(&index) {
                continue;
            }
            let prefix = key::prefix(self.context.contract, &format!("{name}:{}", index.0));
            let mut way = Way::below(prefix);
            while let Some(page) = self.next_entries(&mut way)? {
                for entry in page {
                    self.spend(gas::INDEX_WRITE + gas::state_bytes(entry.len()))?;
                    self.host.index_delete(&entry);
                }
            }
        }
        Ok(())
    }

    /// Nothing may stay behind under a name that the new program does not know.
    fn check_leftovers(&mut self, old: &Program) -> R<()> {
        let program = self.program;
        for table in &old.parts.tables {
            let name = old.name(table.name);
            if table_named(program, name).is_some() {
                continue;
            }
            self.spend(gas::SCAN)?;
            // A cell of this name lies at the prefix itself: rows begin one byte later.
            let mut from = key::prefix(self.context.contract, name);
            let end = key::prefix_end(&from).unwrap_or_default();
            from.push(0);
            if !host(self.host.scan(&from, &end, 1, false))?.is_empty() {
                return Err(leftover(name));
            }
        }
        for cell in &old.parts.cells {
            let name = old.name(cell.name);
            let mut cells = program.parts.cells.iter();
            if cells.any(|cell| program.name(cell.name) == name) {
                continue;
            }
            if self
                .read(&key::prefix(self.context.contract, name))?
                .is_some()
            {
                return Err(leftover(name));
            }
        }
        Ok(())
    }

    /// Reads all rows of a table, which proves that they fit, and makes the entries of indexes.
    fn build_indexes(&mut self, table: u16, indexes: &[usize]) -> R<()> {
        let mut way = Way::below(self.instance.prefixes[usize::from(table)].clone());
        while let Some(page) = self.next_rows(&mut way)? {
            for (flat, bytes) in page {
                self.spend(gas::SCAN_ROW + gas::state_bytes(bytes.len()))?;
                let Value::Record(row) = self.decode_row(table, &bytes)? else {
                    return Err(crate::error::malformed());
                };
                self.check_own_key(table, &flat, &row)?;
                self.check_unique(table, &flat, None, &row)
                    .map_err(not_unique)?;
                for index in indexes {
                    if let Some(entry) = self.index_entry(table, *index, &row, &flat)? {
                        self.spend(gas::INDEX_WRITE)?;
                        self.host.index_put(&entry);
                    }
                }
            }
        }
        Ok(())
    }

    /// A row lies where its fields say, also after an upgrade that changed the key.
    fn check_own_key(&mut self, table: u16, flat: &[u8], row: &crate::value::RecordObj) -> R<()> {
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let mut own = self.instance.prefixes[usize::from(table)].clone();
        for field in &info.key {
            self.push_part(&mut own, &row.fields[usize::from(*field)])?;
        }
        if own != flat {
            let message = format!(
                "a row of {} lies under another key than its own: drain the table and write it",
                program.name(info.name)
            );
            return Err(fatal("contract.leftover", message));
        }
        Ok(())
    }
}

/// Fields that name signatories or observers, by table or cell.
fn party_fields(
    program: &Program,
    parties: impl Fn(&Class) -> &[u16],
) -> BTreeMap<String, Vec<String>> {
    let fields = |class: u16| {
        let class = program.class(class);
        let all = parties(class).iter();
        all.map(|field| {
            program
                .name(class.fields[usize::from(*field)].name)
                .to_string()
        })
        .collect::<Vec<_>>()
    };
    let tables = program.parts.tables.iter();
    let tables = tables.map(|table| (table.name, fields(table.class)));
    let cells = program.parts.cells.iter().map(|cell| {
        let choices = match &cell.ty {
            Type::Union(choices) => choices.as_slice(),
            one => std::slice::from_ref(one),
        };
        let classes = choices.iter().filter_map(|choice| match choice {
            Type::Class(class, _) => Some(fields(*class)),
            _ => None,
        });
        (cell.name, classes.flatten().collect())
    });
    let all = tables.chain(cells).filter(|(_, fields)| !fields.is_empty());
    all.map(|(name, fields)| (program.name(name).to_string(), fields))
        .collect()
}

#[cold]
fn leftover(name: &str) -> crate::error::Trap {
    let message = format!("{name} is gone, but something is stored there still: drain it");
    fatal("contract.leftover", message)
}

/// Rows that were there before break a new unique index: nothing that a contract could catch.
fn not_unique(trap: crate::error::Trap) -> crate::error::Trap {
    match &*trap {
        crate::error::Stop::Raise(exception) => {
            let message = match exception.args.first() {
                Some(Value::Str(text)) => text.text.chars().take(limits::SHOWN).collect(),
                _ => String::from("two rows have the same values"),
            };
            fatal("contract.not_unique", message)
        }
        _ => trap,
    }
}
