//! Who is told: a notice for each row that a transaction creates, changes or deletes, and whose
//! record declares observers.
//!
//! A row is followed from how the transaction found it to how it leaves it, whatever was written in
//! between and by which contract. The notices are made when everything ended well, in the order of
//! the rows' keys, and stand behind the events that contracts announced. Each write pays for the
//! notice that it may lead to, so that making them cannot fail for want of gas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codec::{cbor, key};

use crate::error::{fatal, malformed, R};
use crate::interp::Vm;
use crate::memory::{charge, Charge};
use crate::value::{RecordObj, Value};
use crate::{gas, limits, EmittedEvent};

/// Name of the event that tells observers. No event class can have it: `$` is no letter of a name.
pub const NOTICE: &str = "$observed";

/// Bytes of memory that a followed row takes beside its key, its bytes and names.
const ROW_BYTES: usize = 128;

/// Bytes of memory that a name takes beside its text.
const NAME_BYTES: usize = 48;

/// Names of members and organisations, in the order of their bytes.
pub(crate) type Parties = BTreeSet<String>;

/// A row from how the transaction found it to how it stands.
#[derive(Debug)]
struct Followed {
    /// Whether it was there.
    existed: bool,
    /// Its bytes then; none in a migration, where another layout makes other bytes.
    bytes: Option<Arc<[u8]>>,
    /// Whom it named then.
    before: Parties,
    /// Whom it names as it stands; none where it is gone.
    after: Option<Parties>,
    /// Whether it stands as it was found.
    same: bool,
    /// Memory that it takes, and how much of that is the row as it was found.
    charge: Charge,
    found_bytes: usize,
}

/// The rows that a transaction has written and somebody observes, by flat key.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    rows: BTreeMap<Vec<u8>, Followed>,
}

impl Notices {
    /// How many notices there are at most.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether a row was written already and is followed.
    pub(crate) fn follows(&self, flat: &[u8]) -> bool {
        self.rows.contains_key(flat)
    }

    /// What a migration leads to: nobody is told of a row that keeps its place and its observers,
    /// nor of rows that moved, where as many with the same observers were written as taken out.
    fn settle(&mut self) {
        for row in self.rows.values_mut() {
            row.same = row.existed && row.after.as_ref() == Some(&row.before);
        }
        let mut moved: BTreeMap<&Parties, (usize, usize)> = BTreeMap::new();
        for row in self.rows.values() {
            match (row.existed, &row.after) {
                (true, None) => moved.entry(&row.before).or_default().0 += 1,
                (false, Some(after)) => moved.entry(after).or_default().1 += 1,
                _ => {}
            }
        }
        let silent: BTreeSet<Parties> = moved
            .into_iter()
            .filter(|(_, (taken, written))| taken == written)
            .map(|(parties, _)| parties.clone())
            .collect();
        self.rows.retain(|_, row| match (row.existed, &row.after) {
            (true, None) => !silent.contains(&row.before),
            (false, Some(after)) => !silent.contains(after),
            (found, _) => found && !row.same,
        });
    }
}

impl Followed {
    /// What became of the row; none where nothing did.
    fn change(&self) -> Option<&'static str> {
        match (self.existed, &self.after) {
            (false, None) => None,
            (false, Some(_)) => Some("created"),
            (true, None) => Some("deleted"),
            (true, Some(_)) if self.same => None,
            (true, Some(_)) => Some("changed"),
        }
    }
}

/// A write of a row that somebody observes: who, before and after.
pub(crate) struct Write {
    before: Parties,
    after: Option<Parties>,
}

impl Write {
    /// The write of a cell: it holds something, whatever that is.
    pub(crate) fn of_cell(mut self) -> Self {
        self.after.get_or_insert_default();
        self
    }
}

impl Vm<'_, '_> {
    /// Whom a row before a write and the one after it name, who are to be told. Refuses names that
    /// the row gets and nobody has: a slip of the pen would mean that somebody is never told.
    pub(crate) fn observers_of_write(
        &mut self,
        flat: &[u8],
        old: Option<&RecordObj>,
        new: Option<&RecordObj>,
    ) -> R<Write> {
        let before = self.observers(old)?;
        let Some(new) = new else {
            let after = None;
            return Ok(Write { before, after });
        };
        let after = self.observers(Some(new))?;
        for party in after.difference(&before) {
            self.spend(gas::PARTY)?;
            if !self.host.is_party(party) {
                return Err(self.unknown_observer(flat, new, party));
            }
        }
        let after = Some(after);
        Ok(Write { before, after })
    }

    /// Follows a row that is written. `found` are its stored bytes before, `bytes` those after.
    pub(crate) fn follow(
        &mut self,
        flat: &[u8],
        write: Write,
        found: Option<Arc<[u8]>>,
        bytes: Option<&[u8]>,
    ) -> R<()> {
        if !self.notices.follows(flat) {
            self.begin_to_follow(flat, found, write.before)?;
        }
        let Some(row) = self.notices.rows.get_mut(flat) else {
            return Err(malformed());
        };
        let after = names_bytes(write.after.as_ref());
        row.charge.reach(row.found_bytes + after)?;
        row.after = write.after;
        row.same = row.existed && row.bytes.as_deref() == bytes;
        Ok(())
    }

    /// Follows a row that a migration takes out; `before` are its observers by the old layout.
    pub(crate) fn follow_drained(&mut self, flat: &[u8], before: Parties) -> R<()> {
        if !self.notices.follows(flat) {
            self.begin_to_follow(flat, Some(Arc::from([])), before)?;
        }
        if let Some(row) = self.notices.rows.get_mut(flat) {
            row.after = None;
        }
        Ok(())
    }

    fn begin_to_follow(&mut self, flat: &[u8], found: Option<Arc<[u8]>>, before: Parties) -> R<()> {
        // A migration goes over all rows: what is left of them in the end is counted.
        if !self.migrating {
            self.room_for_event()?;
        }
        self.spend(gas::EVENT + gas::state_bytes(flat.len()))?;
        let existed = found.is_some();
        let bytes = found.filter(|_| !self.migrating);
        let held = bytes.as_ref().map_or(0, |bytes| bytes.len());
        let size = ROW_BYTES + flat.len() + held + names_bytes(Some(&before));
        let row = Followed {
            existed,
            bytes,
            before,
            after: None,
            same: false,
            charge: charge(size)?,
            found_bytes: size,
        };
        self.notices.rows.insert(flat.to_vec(), row);
        Ok(())
    }

    /// Refuses one more event or notice than a call may give.
    pub(crate) fn room_for_event(&self) -> R<()> {
        let followed = if self.migrating {
            0
        } else {
            self.notices.len()
        };
        if self.events.len() + followed >= limits::EVENTS {
            let message = format!(
                "a call emits at most {} events, notices to observers among them",
                limits::EVENTS
            );
            return Err(fatal("limit.events", message));
        }
        Ok(())
    }

    /// Leaves the notices to be made that a migration leads to.
    pub(crate) fn settle_notices(&mut self) -> R<()> {
        self.notices.settle();
        match self.notices.len() {
            0 => Ok(()),
            // One less: there must be room for the last of them.
            _ if self.events.len() + self.notices.len() <= limits::EVENTS => Ok(()),
            count => {
                let message = format!(
                    "the migration changes whom {count} rows name as observers: a call tells of at \
                     most {}",
                    limits::EVENTS
                );
                Err(fatal("limit.events", message))
            }
        }
    }

    /// Makes the notices. Call once, when everything ended well.
    pub(crate) fn tell(&mut self) -> R<()> {
        for (flat, row) in std::mem::take(&mut self.notices.rows) {
            let Some(change) = row.change() else {
                continue;
            };
            let observers: BTreeSet<&String> = row
                .before
                .iter()
                .chain(row.after.iter().flatten())
                .collect();
            if observers.is_empty() {
                continue;
            }
            let (contract, table, rest) = key::split(&flat).map_err(|_| malformed())?;
            let names = observers.into_iter().map(cbor::Value::text);
            let data = cbor::Value::Map(vec![
                (cbor::Value::text("key"), cbor::Value::Array(parts(rest)?)),
                (cbor::Value::text("table"), cbor::Value::text(table)),
                (cbor::Value::text("change"), cbor::Value::text(change)),
                (
                    cbor::Value::text("observers"),
                    cbor::Value::Array(names.collect()),
                ),
            ]);
            self.events.push(EmittedEvent {
                contract,
                name: NOTICE.to_string(),
                data: cbor::encode(&data).map_err(|_| malformed())?,
            });
        }
        Ok(())
    }

    fn observers(&mut self, row: Option<&RecordObj>) -> R<Parties> {
        let program = self.program;
        match row {
            Some(row) => {
                let found = self.parties(row, &program.class(row.class).observers)?;
                let bytes: usize = found.iter().map(String::len).sum();
                self.spend(gas::state_bytes(bytes))?;
                Ok(found)
            }
            None => Ok(Parties::new()),
        }
    }

    #[cold]
    fn unknown_observer(
        &mut self,
        flat: &[u8],
        row: &RecordObj,
        party: &str,
    ) -> crate::error::Trap {
        let program = self.program;
        let class = program.class(row.class);
        let named = class.observers.iter().find(|field| {
            let value = &row.fields[usize::from(**field)];
            let mut found = Parties::new();
            self.add_parties(&mut found, value).is_ok() && found.contains(party)
        });
        let field = named.map_or("", |field| {
            program.name(class.fields[usize::from(*field)].name)
        });
        let place = match self.shown_place(flat) {
            Ok(place) => place,
            Err(trap) => return trap,
        };
        let shown: String = party.escape_debug().take(limits::PARTY_SHOWN).collect();
        let message = format!(
            "'{shown}' in {}.{field} is no member or organisation, so nobody would be told of \
             {place}: correct the name, or have it registered",
            class.name
        );
        fatal("policy.observer", message)
    }

    /// `items['a', 1]`, or the name of a cell.
    fn shown_place(&mut self, flat: &[u8]) -> R<String> {
        let (_, table, rest) = key::split(flat).map_err(|_| malformed())?;
        let mut shown = Vec::new();
        for part in parts(rest)? {
            let value = match part {
                cbor::Value::Int(value) => Value::Int(value),
                cbor::Value::BigInt(value) => self.new_int(value)?,
                cbor::Value::Bool(value) => Value::Bool(value),
                cbor::Value::Bytes(bytes) => Value::bytes(bytes)?,
                cbor::Value::Text(text) => Value::text(&text),
                _ => return Err(malformed()),
            };
            shown.push(self.repr(&value)?);
        }
        Ok(match shown.is_empty() {
            true => table,
            false => format!("{table}[{}]", shown.join(", ")),
        })
    }
}

/// The parts of a row's key as values.
fn parts(rest: &[u8]) -> R<Vec<cbor::Value>> {
    let mut reader = key::Reader::new(rest);
    let mut found = Vec::new();
    while let Some(part) = reader.next_part().map_err(|_| malformed())? {
        found.push(match part {
            key::Part::Bool(value) => cbor::Value::Bool(value),
            key::Part::Int(value) => cbor::Value::Int(value),
            key::Part::BigInt(value) => cbor::Value::BigInt(value),
            key::Part::Bytes(value) => cbor::Value::Bytes(value),
            key::Part::Text(value) => cbor::Value::Text(value),
        });
    }
    Ok(found)
}

fn names_bytes(parties: Option<&Parties>) -> usize {
    let names = parties.into_iter().flatten();
    names.map(|name| NAME_BYTES + name.len()).sum()
}
