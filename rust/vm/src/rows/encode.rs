//! Values to canonical CBOR.

use codec::cbor::Encoder;

use crate::error::{fatal, malformed, too_deep, type_error, R};
use crate::interp::Vm;
use crate::limits;
use crate::program::Const;
use crate::table::HashTable;
use crate::value::{RecordObj, Value};

impl Vm<'_, '_> {
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
        check_size(encoder.as_slice().len() + more)?;
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
            Value::List(list) => self.encode_items(encoder, &list.items.borrow(), level)?,
            Value::Tuple(tuple) => self.encode_items(encoder, &tuple.items, level)?,
            Value::Record(record) => self.encode_record(encoder, record, level)?,
            Value::Dict(dict) => self.encode_dict(encoder, &dict.table.borrow(), level)?,
            Value::Decimal(decimal) => self.encode_into(encoder, &decimal.units, level)?,
            Value::Enum { class, member } => self.encode_enum(encoder, *class, *member)?,
            other => {
                let kind = self.type_name(other);
                return Err(type_error(format!(
                    "a {kind} cannot be stored, returned or announced: use records, lists, dicts, \
                     numbers and texts"
                )));
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

    /// Entries stand in the order of their encoded keys.
    fn encode_dict(&mut self, encoder: &mut Encoder, table: &HashTable, level: usize) -> R<()> {
        let mut entries = Vec::with_capacity(table.len());
        for entry in table.iter() {
            self.check_dict_key(&entry.key)?;
            let mut key = Encoder::new();
            self.encode_into(&mut key, &entry.key, level + 1)?;
            let mut inner = Encoder::new();
            self.encode_into(&mut inner, &entry.value, level + 1)?;
            entries.push((key.into_bytes(), inner.into_bytes()));
        }
        let sizes = entries.iter().map(|(key, inner)| key.len() + inner.len());
        check_size(sizes.sum())?;
        entries.sort();
        encoder.map(entries.len());
        for (key, inner) in entries {
            encoder.raw(&key).raw(&inner);
        }
        Ok(())
    }

    fn check_dict_key(&self, key: &Value) -> R<()> {
        match key {
            Value::Str(_)
            | Value::Int(_)
            | Value::Big(_)
            | Value::Bytes(_)
            | Value::Bool(_)
            | Value::Enum { .. } => Ok(()),
            other => {
                let kind = self.type_name(other);
                Err(type_error(format!(
                    "a dict that is stored or returned has keys of str, int, bytes, bool or an \
                     enum, not {kind}"
                )))
            }
        }
    }

    fn encode_enum(&self, encoder: &mut Encoder, class: u16, member: u16) -> R<()> {
        match self.program.class(class).members.get(usize::from(member)) {
            Some((_, Const::Int(value))) => drop(encoder.int(*value)),
            Some((_, Const::Str(value))) => drop(encoder.text(value)),
            _ => return Err(malformed()),
        }
        Ok(())
    }
}

fn check_size(bytes: usize) -> R<()> {
    if bytes > limits::ENCODED_BYTES {
        return Err(fatal(
            "limit.encoded",
            format!(
                "a row, result or event has at most {} bytes",
                limits::ENCODED_BYTES
            ),
        ));
    }
    Ok(())
}
