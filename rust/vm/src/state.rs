//! State beyond plain tables: cells, counters, unique indexes, and who must sign a row's changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::Decoder;
use codec::key;

use crate::error::{fatal, raise, type_error, value_error, Exc, Stop, R};
use crate::interp::Vm;
use crate::limits;
use crate::observers::Parties;
use crate::pages::Way;
use crate::program::{Class, TableInfo};
use crate::rows::Undecodable;
use crate::types::Type;
use crate::value::{RecordObj, Value};
use crate::{gas, HostError};

/// Rows or entries asked of the host at once, where all are wanted.
pub(crate) const PAGE: usize = 32;

/// What a migration knows of signatures under the layout that ends.
#[derive(Default)]
pub(crate) struct Released {
    /// Fields that name signatories, by table or cell.
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    /// Fields that name observers, by table or cell; none where neither layout has any.
    pub(crate) observed: Option<BTreeMap<String, Vec<String>>>,
    /// How many rows with these signatories were taken out and not written again.
    rows: BTreeMap<Parties, usize>,
}

/// An error of the host's stops everything: it says nothing about the call.
pub(crate) fn host<T>(result: Result<T, HostError>) -> R<T> {
    result.map_err(|error| Box::new(Stop::Host(error)))
}

impl Vm<'_, '_> {
    fn cell_key(&self, cell: u16) -> Vec<u8> {
        self.instance.cells[usize::from(cell)].clone()
    }

    /// `self.cell.get()`
    pub(crate) fn cell_get(&mut self, cell: u16) -> R<Value> {
        self.cell_read(cell).map(|(_, value)| value)
    }

    /// What a cell holds, with its stored bytes; without them it is the declared default.
    fn cell_read(&mut self, cell: u16) -> R<(Option<Arc<[u8]>>, Value)> {
        let program = self.program;
        let info = &program.parts.cells[usize::from(cell)];
        let found = self.read(&self.cell_key(cell))?;
        let value = match &found {
            None => self.instance.consts[usize::from(info.default)].clone(),
            Some(bytes) => self.decode_stored(bytes, &info.ty, info.name)?,
        };
        Ok((found, value))
    }

    /// A stored value by its type; `name` is where it lies.
    pub(crate) fn decode_stored(&mut self, bytes: &[u8], ty: &Type, name: u16) -> R<Value> {
        match self.decode_typed(&mut Decoder::new(bytes), ty, 0) {
            Ok(value) => Ok(value),
            Err(Undecodable::Trap(trap)) => Err(trap),
            Err(Undecodable::Mismatch(found)) => {
                let name = self.program.name(name);
                let message = format!(
                    "what {name} holds is no {ty}{}: {}",
                    found.path, found.message
                );
                Err(fatal("state.unreadable", message))
            }
        }
    }

    /// `self.cell.set(value)`
    pub(crate) fn cell_set(&mut self, cell: u16, value: &Value) -> R<()> {
        self.may_write()?;
        let program = self.program;
        let info = &program.parts.cells[usize::from(cell)];
        if !self.conforms(value, &info.ty, 0)? {
            let (given, name) = (self.type_name(value), program.name(info.name));
            return Err(type_error(format!(
                "{name} is {given}, declared {}",
                info.ty
            )));
        }
        let flat = self.cell_key(cell);
        let mut watched = None;
        if self.has_parties(&info.ty) || self.notices.follows(&flat) {
            let (found, old) = self.cell_read(cell)?;
            let (old, new) = (record_of(&old), record_of(value));
            self.check_parties(old, new)?;
            let write = self.observers_of_write(&flat, old, new)?;
            watched = Some((write.of_cell(), found));
        }
        self.spend(gas::ROW_WRITE + gas::state_bytes(flat.len()))?;
        self.writes += 1;
        let bytes = self.encode_value(value)?;
        if bytes.len() > limits::ENCODED_BYTES {
            let message = format!("a cell has at most {} bytes", limits::ENCODED_BYTES);
            return Err(fatal("limit.encoded", message));
        }
        if let Some((write, found)) = watched {
            self.follow(&flat, write, found, Some(&bytes))?;
        }
        self.host.put(&flat, bytes);
        Ok(())
    }

    /// Whether values of a type can be records that somebody must sign, or is told of.
    fn has_parties(&self, ty: &Type) -> bool {
        let names = |class: &Class| !class.signatories.is_empty() || !class.observers.is_empty();
        match ty {
            Type::Class(class, _) => {
                let own = names(self.program.class(*class));
                let below = self.program.parts.classes.iter().enumerate();
                own || below
                    .filter(|(_, below)| names(below))
                    .any(|(number, _)| self.program.is_subclass(number as u16, *class))
            }
            Type::Union(choices) => choices.iter().any(|choice| self.has_parties(choice)),
            _ => false,
        }
    }

    /// `self.counter.add(amount)`: the value after it.
    pub(crate) fn cell_add(&mut self, cell: u16, amount: &Value) -> R<Value> {
        self.may_write()?;
        let name = self.program.parts.cells[usize::from(cell)].name;
        let amount = match amount {
            Value::Int(amount) if *amount < 0 => return Err(only_grows(amount)),
            Value::Int(amount) => *amount,
            Value::Big(big) if big.value.sign() == num_bigint::Sign::Minus => {
                return Err(only_grows(&big.value));
            }
            Value::Big(_) => return Err(past_end(self.program.name(name))),
            other => {
                let given = self.type_name(other);
                return Err(type_error(format!("a counter adds int, not {given}")));
            }
        };
        let before = match self.cell_get(cell)? {
            Value::Int(before) => before,
            _ => return Err(past_end(self.program.name(name))),
        };
        let Some(after) = before.checked_add(amount) else {
            return Err(past_end(self.program.name(name)));
        };
        let after = Value::Int(after);
        self.cell_set(cell, &after)?;
        Ok(after)
    }

    /// Refuses a write that a unique index forbids. Nothing is written before all of them agree.
    pub(crate) fn check_unique(
        &mut self,
        table: u16,
        flat: &[u8],
        old: Option<&RecordObj>,
        new: &RecordObj,
    ) -> R<()> {
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        for index in info.unique.iter().copied().map(usize::from) {
            let fields = &info.indexes[index];
            let Some(values) = self.index_values(table, index, new)? else {
                continue;
            };
            if let Some(old) = old {
                if self.index_values(table, index, old)?.as_ref() == Some(&values) {
                    continue;
                }
            }
            self.spend(gas::SCAN)?;
            let end = key::prefix_end(&values).unwrap_or_default();
            let own = &flat[self.instance.prefixes[usize::from(table)].len()..];
            // Two: the row's own entry may stand there, when an index is built again.
            let found = host(self.host.index_scan(&values, &end, 2, false))?;
            self.pay_passed()?;
            if found
                .iter()
                .any(|entry| entry.get(values.len()..) != Some(own))
            {
                return self.not_unique(info, fields, new);
            }
        }
        Ok(())
    }

    fn not_unique(&mut self, info: &TableInfo, fields: &[u16], row: &RecordObj) -> R<()> {
        let program = self.program;
        let class = program.class(info.class);
        let mut shown = Vec::new();
        for field in fields.iter().map(|field| usize::from(*field)) {
            let value = self.repr(&row.fields[field].clone())?;
            shown.push(format!(
                "{} {value}",
                program.name(class.fields[field].name)
            ));
        }
        let message = format!(
            "{} has a row with {} already",
            program.name(info.name),
            shown.join(", ")
        );
        Err(value_error(message))
    }

    /// Checks that everybody signed whom the row before or the row after names as signatory.
    ///
    /// In a migration those are free of it who are signatories of both, and a new row takes the
    /// place of one with the same signatories that was drained: a change of layout changes nobody's
    /// part.
    pub(crate) fn check_parties(
        &mut self,
        old: Option<&RecordObj>,
        new: Option<&RecordObj>,
    ) -> R<()> {
        let before = self.signatories(old)?;
        let after = self.signatories(new)?;
        if self.migrating && old.is_none() {
            if let Some(count) = self
                .released
                .rows
                .get_mut(&after)
                .filter(|count| **count > 0)
            {
                *count -= 1;
                return Ok(());
            }
        }
        for party in before.union(&after) {
            if self.migrating && before.contains(party) && after.contains(party) {
                continue;
            }
            self.spend(self.context.signers.len() as u64)?;
            if !self.has_signed(party) {
                let class = old.or(new).map_or(0, |row| row.class);
                return Err(self.unsigned(class, party));
            }
        }
        Ok(())
    }

    /// Refuses a listing by an index while a migration runs: the indexes are made when it is done.
    pub(crate) fn indexes_stand(&self) -> R<()> {
        if self.migrating {
            let message = "indexes are made again after a migration: scan the table, or drain it";
            return Err(fatal("language.refused", message));
        }
        Ok(())
    }

    /// A row that a migration takes out waits for one with the same signatories, and is followed
    /// for its observers.
    fn release(&mut self, table: &str, flat: &[u8], row: &Value) -> R<()> {
        if let Some(fields) = self.released.fields.get(table).cloned() {
            let parties = self.parties_named(row, &fields)?;
            if !parties.is_empty() {
                *self.released.rows.entry(parties).or_default() += 1;
            }
        }
        if let Some(observed) = &self.released.observed {
            let fields = observed.get(table).cloned().unwrap_or_default();
            let parties = self.parties_named(row, &fields)?;
            self.follow_drained(flat, parties)?;
        }
        Ok(())
    }

    /// The names in fields of a row that was read by its encoding alone.
    fn parties_named(&mut self, row: &Value, fields: &[String]) -> R<Parties> {
        let mut parties = Parties::new();
        // A drained cell may hold no record.
        if !matches!(row, Value::Dict(_)) {
            return Ok(parties);
        }
        for field in fields {
            let name = self.new_str(field.clone())?;
            let value = self.lookup(row, &name)?;
            self.add_parties(&mut parties, &value)?;
        }
        Ok(parties)
    }

    /// Rows that a migration took out for good are deleted: their signatories must have signed.
    pub(crate) fn check_released(&mut self) -> R<()> {
        let rows = std::mem::take(&mut self.released.rows);
        for (parties, _) in rows.into_iter().filter(|(_, count)| *count > 0) {
            if let Some(party) = parties.iter().find(|party| !self.has_signed(party)) {
                let shown: String = party.escape_debug().take(limits::PARTY_SHOWN).collect();
                let message = format!("the migration removes a row only if '{shown}' signs");
                return Err(fatal("policy.signatory", message));
            }
        }
        Ok(())
    }

    /// A member by its id, an organisation by any of its members.
    fn has_signed(&self, party: &str) -> bool {
        let is_member = party.contains('@');
        self.context.signers.iter().any(|signer| {
            let who = if is_member {
                &signer.member
            } else {
                &signer.organisation
            };
            who == party
        })
    }

    #[cold]
    fn unsigned(&self, class: u16, party: &str) -> crate::error::Trap {
        let shown: String = party.escape_debug().take(limits::PARTY_SHOWN).collect();
        let signed: Vec<&str> = self
            .context
            .signers
            .iter()
            .map(|s| s.member.as_str())
            .collect();
        let message = format!(
            "{} changes only if '{shown}' signs; signed by {}",
            self.program.class(class).name,
            signed.join(" and ")
        );
        fatal("policy.signatory", message)
    }

    fn signatories(&mut self, row: Option<&RecordObj>) -> R<Parties> {
        let program = self.program;
        match row {
            Some(row) => self.parties(row, &program.class(row.class).signatories),
            None => Ok(Parties::new()),
        }
    }

    /// The names in these fields of a row.
    pub(crate) fn parties(&mut self, row: &RecordObj, fields: &[u16]) -> R<Parties> {
        let mut parties = Parties::new();
        for field in fields {
            self.add_parties(&mut parties, &row.fields[usize::from(*field)])?;
        }
        Ok(parties)
    }

    /// The names in a field: one text, several, or none.
    pub(crate) fn add_parties(&mut self, parties: &mut Parties, value: &Value) -> R<()> {
        match value {
            Value::Str(one) => self.add_party(parties, &one.text)?,
            Value::Tuple(several) => {
                for one in &several.items {
                    if let Value::Str(one) = one {
                        self.add_party(parties, &one.text)?;
                    }
                }
            }
            Value::List(several) => {
                for one in several.items.borrow().iter() {
                    if let Value::Str(one) = one {
                        self.add_party(parties, &one.text)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_party(&mut self, parties: &mut Parties, party: &str) -> R<()> {
        self.spend(gas::ENTRY + gas::bytes(party.len()))?;
        parties.insert(party.to_string());
        Ok(())
    }

    /// `self.drain("table")` in a migration: all that is stored there, by its encoding alone.
    pub(crate) fn drain(&mut self, name: &Value) -> R<Value> {
        self.may_write()?;
        let Value::Str(name) = name else {
            return Err(crate::error::malformed());
        };
        if !self.migrating {
            let message = "only the migration of an upgrade drains tables";
            return Err(fatal("language.refused", message));
        }
        let mut way = Way::below(key::prefix(self.context.contract, &name.text));
        let mut rows = Vec::new();
        while let Some(page) = self.next_rows(&mut way)? {
            for (flat, bytes) in page {
                let size = gas::state_bytes(flat.len() + bytes.len());
                self.spend(gas::SCAN_ROW + gas::ROW_WRITE + size)?;
                self.reads += 1;
                self.writes += 1;
                let row = self.decode_typed(&mut Decoder::new(&bytes), &Type::Any, 0);
                match row {
                    Ok(row) => {
                        self.release(&name.text, &flat, &row)?;
                        rows.push(row);
                    }
                    Err(Undecodable::Trap(trap)) => return Err(trap),
                    Err(Undecodable::Mismatch(found)) => {
                        return Err(fatal("state.unreadable", found.message))
                    }
                }
                self.host.delete(&flat);
            }
        }
        self.new_list(rows)
    }
}

fn record_of(value: &Value) -> Option<&RecordObj> {
    match value {
        Value::Record(record) => Some(record),
        _ => None,
    }
}

#[cold]
fn only_grows(amount: &dyn std::fmt::Display) -> crate::error::Trap {
    value_error(format!("a counter only grows: {amount} is negative"))
}

#[cold]
fn past_end(name: &str) -> crate::error::Trap {
    raise(
        Exc::OverflowError,
        format!("the counter {name} cannot go beyond 2**63 - 1"),
    )
}
