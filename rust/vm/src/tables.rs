//! Tables: rows by key, by the start of a composite key, and by index.

use codec::cbor::Decoder;
use codec::key;

use crate::error::{fatal, malformed, raise_with, type_error, value_error, Exc, R};
use crate::interp::arith::{to_big, to_i64};
use crate::interp::Vm;
use crate::program::{Const, TableInfo};
use crate::rows::Undecodable;
use crate::state::host;
use crate::value::{RecordObj, Value};
use crate::{gas, limits};

/// The bounds of a listing, and the fields that they are values of.
struct Range<'v> {
    /// First value that is wanted.
    start: Option<&'v Value>,
    /// First value behind that is not.
    end: Option<&'v Value>,
    info: &'v TableInfo,
    fields: &'v [u16],
}

impl Vm<'_, '_> {
    /// Appends a value as a part of a key.
    pub(crate) fn push_part(&self, to: &mut Vec<u8>, value: &Value) -> R<()> {
        match value {
            Value::Int(value) => key::push_int(to, *value),
            Value::Bool(value) => key::push_bool(to, *value),
            Value::Big(big) => key::push_bigint(to, &big.value),
            Value::Str(text) => key::push_text(to, &text.text),
            Value::Bytes(bytes) => key::push_bytes(to, &bytes.bytes),
            Value::Enum { class, member } => {
                match self.program.class(*class).members.get(usize::from(*member)) {
                    Some((_, Const::Int(value))) => key::push_int(to, *value),
                    Some((_, Const::Str(value))) => key::push_text(to, value),
                    _ => return Err(malformed()),
                }
            }
            other => {
                return Err(type_error(format!(
                    "a {} cannot be part of a key",
                    self.type_name(other)
                )))
            }
        }
        Ok(())
    }

    /// Checks the values of key or index fields, and appends them.
    fn push_parts(
        &mut self,
        to: &mut Vec<u8>,
        info: &TableInfo,
        fields: &[u16],
        values: &[Value],
    ) -> R<()> {
        let program = self.program;
        let class = program.class(info.class);
        for (field, value) in fields.iter().zip(values) {
            let field = &class.fields[usize::from(*field)];
            if !self.conforms(value, &field.ty, 0)? {
                let (given, name) = (self.type_name(value), program.name(field.name));
                return Err(type_error(format!(
                    "{}.{name} is {given}, declared {}",
                    class.name, field.ty
                )));
            }
            let before = to.len();
            self.push_part(to, value)?;
            self.spend(gas::state_bytes(to.len() - before))?;
        }
        Ok(())
    }

    /// The flat key of a row, in the buffer that is reused.
    fn row_key(&mut self, table: u16, given: &Value) -> R<Vec<u8>> {
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let mut flat = std::mem::take(&mut self.key);
        flat.clear();
        flat.extend_from_slice(&self.instance.prefixes[usize::from(table)]);
        let values = match given {
            Value::Tuple(tuple) => tuple.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if values.len() != info.key.len() {
            let fields: Vec<&str> = info
                .key
                .iter()
                .map(|field| {
                    program.name(program.class(info.class).fields[usize::from(*field)].name)
                })
                .collect();
            return Err(type_error(format!(
                "key has {} parts, the table's key is ({})",
                values.len(),
                fields.join(", ")
            )));
        }
        self.push_parts(&mut flat, info, &info.key, values)?;
        Ok(flat)
    }

    pub(crate) fn read(&mut self, flat: &[u8]) -> R<Option<std::sync::Arc<[u8]>>> {
        self.spend(gas::ROW_READ)?;
        self.reads += 1;
        let found = host(self.host.get(flat))?;
        if let Some(bytes) = &found {
            self.spend(gas::state_bytes(bytes.len()))?;
        }
        Ok(found)
    }

    pub(crate) fn decode_row(&mut self, table: u16, bytes: &[u8]) -> R<Value> {
        let class = self.program.parts.tables[usize::from(table)].class;
        let mut decoder = Decoder::new(bytes);
        match self.decode_record(&mut decoder, class, 0) {
            Ok(row) => Ok(row),
            Err(Undecodable::Trap(trap)) => Err(trap),
            Err(Undecodable::Mismatch(found)) => {
                let name = self
                    .program
                    .name(self.program.parts.tables[usize::from(table)].name);
                Err(fatal(
                    "state.unreadable",
                    format!(
                        "a row of {name} is no {}{}: {}",
                        self.program.class(class).name,
                        found.path,
                        found.message
                    ),
                ))
            }
        }
    }

    fn find_row(&mut self, table: u16, given: &Value) -> R<Option<Value>> {
        let flat = self.row_key(table, given)?;
        let found = self.read(&flat)?;
        self.key = flat;
        match found {
            Some(bytes) => self.decode_row(table, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// `table[key]`
    pub(crate) fn table_get(&mut self, table: u16, given: &Value) -> R<Value> {
        match self.find_row(table, given)? {
            Some(row) => Ok(row),
            None => Err(raise_with(Exc::KeyError, vec![given.clone()])),
        }
    }

    /// `table.get(key)`
    pub(crate) fn table_get_or(&mut self, table: u16, given: &Value, default: Value) -> R<Value> {
        Ok(self.find_row(table, given)?.unwrap_or(default))
    }

    /// `key in table`
    pub(crate) fn table_contains(&mut self, table: u16, given: &Value) -> R<bool> {
        let flat = self.row_key(table, given)?;
        let found = self.read(&flat)?.is_some();
        self.key = flat;
        Ok(found)
    }

    /// `table[key] = row`
    pub(crate) fn table_put(&mut self, table: u16, given: &Value, row: &Value) -> R<()> {
        self.may_write()?;
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let class = program.class(info.class);
        let record = match row {
            Value::Record(record) if record.class == info.class => record.clone(),
            other => {
                return Err(type_error(format!(
                    "{} written to a table of {}",
                    self.type_name(other),
                    class.name
                )))
            }
        };
        for (value, field) in record.fields.iter().zip(&class.fields) {
            // Lists and dicts inside of a record may have changed since it was made.
            if value.holds_values() && !self.conforms(value, &field.ty, 0)? {
                let (given, name) = (self.type_name(value), program.name(field.name));
                return Err(type_error(format!(
                    "{}.{name} is {given} with other content than declared: {}",
                    class.name, field.ty
                )));
            }
        }
        let flat = self.row_key(table, given)?;
        let own: Vec<Value> = info
            .key
            .iter()
            .map(|field| record.fields[usize::from(*field)].clone())
            .collect();
        let mut own_key = self.instance.prefixes[usize::from(table)].clone();
        for value in &own {
            self.push_part(&mut own_key, value)?;
        }
        if own_key != flat {
            let own = self.new_tuple(own)?;
            let (own, given) = (self.repr(&own)?, self.repr(given)?);
            return Err(value_error(format!(
                "row has key {own}, written under {given}"
            )));
        }
        self.spend(gas::ROW_WRITE + gas::state_bytes(flat.len()))?;
        self.writes += 1;
        let bytes = self.encode_value(row)?;
        if bytes.len() > limits::ENCODED_BYTES {
            return Err(fatal(
                "limit.encoded",
                format!("a row has at most {} bytes", limits::ENCODED_BYTES),
            ));
        }
        self.before_write(table, &flat, Some((&record, &bytes)))?;
        self.host.put(&flat, bytes);
        self.key = flat;
        Ok(())
    }

    /// `del table[key]`
    pub(crate) fn table_delete(&mut self, table: u16, given: &Value) -> R<()> {
        self.may_write()?;
        let flat = self.row_key(table, given)?;
        if self.read(&flat)?.is_none() {
            self.key = flat;
            return Err(raise_with(Exc::KeyError, vec![given.clone()]));
        }
        self.spend(gas::ROW_WRITE)?;
        self.writes += 1;
        self.before_write(table, &flat, None)?;
        self.host.delete(&flat);
        self.key = flat;
        Ok(())
    }

    /// Entries of a row in the table's indexes; a row whose indexed field is None has none there.
    pub(crate) fn index_entry(
        &mut self,
        table: u16,
        index: usize,
        row: &RecordObj,
        flat: &[u8],
    ) -> R<Option<Vec<u8>>> {
        let Some(mut entry) = self.index_values(table, index, row)? else {
            return Ok(None);
        };
        entry.extend_from_slice(&flat[self.instance.prefixes[usize::from(table)].len()..]);
        self.spend(gas::state_bytes(entry.len()))?;
        Ok(Some(entry))
    }

    /// The start of a row's entry in an index: the index and the values.
    pub(crate) fn index_values(
        &mut self,
        table: u16,
        index: usize,
        row: &RecordObj,
    ) -> R<Option<Vec<u8>>> {
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let mut entry = self.instance.index_prefixes[usize::from(table)][index].clone();
        for field in &info.indexes[index] {
            let value = &row.fields[usize::from(*field)];
            if matches!(value, Value::None) {
                return Ok(None);
            }
            self.push_part(&mut entry, value)?;
        }
        Ok(Some(entry))
    }

    fn limit(&mut self, limit: Option<&Value>, what: &str) -> R<usize> {
        let Some(limit) = limit else {
            return Err(type_error(format!(
                "{what}() needs limit=: a call reads a bounded part of the state"
            )));
        };
        let wrong = |number: &dyn std::fmt::Display| {
            let most = limits::SCAN_ROWS;
            value_error(format!("limit is {number}, allowed 1 to {most}"))
        };
        match (to_i64(limit), to_big(limit)) {
            (Some(number), _) if (1..=limits::SCAN_ROWS).contains(&number) => Ok(number as usize),
            (Some(number), _) => Err(wrong(&number)),
            (None, Some(number)) => Err(wrong(&number)),
            (None, None) => self.int_argument(limit).map(|_| 0),
        }
    }

    /// Bounds of the keys that start with `prefix`; `after` is a key already given. `start=` and
    /// `end=` are values of the fields behind the prefix, or of the first of them.
    fn bounds(
        &mut self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        reverse: bool,
        range: &Range<'_>,
    ) -> R<(Vec<u8>, Vec<u8>)> {
        let mut from = match range.start {
            None => prefix.clone(),
            Some(start) => self.bound_key(&prefix, range, start)?,
        };
        let mut to = match range.end {
            None => key::prefix_end(&prefix).unwrap_or_default(),
            Some(end) => self.bound_key(&prefix, range, end)?,
        };
        match (after, reverse) {
            (None, _) => {}
            (Some(after), true) => to = to.min(after),
            (Some(mut after), false) => {
                // No key lies between a key and the same key with a zero byte behind it.
                after.push(0);
                from = from.max(after);
            }
        }
        let to = to.max(from.clone());
        Ok((from, to))
    }

    fn bound_key(&mut self, prefix: &[u8], range: &Range<'_>, bound: &Value) -> R<Vec<u8>> {
        let values = match bound {
            Value::Tuple(tuple) => tuple.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        if values.len() > range.fields.len() {
            return Err(type_error(format!(
                "{} fields follow the prefix, the bound has {} values",
                range.fields.len(),
                values.len()
            )));
        }
        let mut flat = prefix.to_vec();
        self.push_parts(&mut flat, range.info, range.fields, values)?;
        Ok(flat)
    }

    /// The `start=` and `end=` of a listing; None is no bound.
    fn range_arguments<'v>(
        &self,
        arguments: &'v [Value],
        names: &[u16],
        info: &'v TableInfo,
        fields: &'v [u16],
    ) -> Range<'v> {
        let bound = |name: &str| {
            let given = self.keyword(arguments, names, name);
            given.filter(|given| !matches!(given, Value::None))
        };
        Range {
            start: bound("start"),
            end: bound("end"),
            info,
            fields,
        }
    }

    /// `table.scan(*prefix, limit=, start=None, end=None, after=None, reverse=False)`
    pub(crate) fn table_scan(
        &mut self,
        table: u16,
        arguments: &[Value],
        names: &[u16],
    ) -> R<Value> {
        self.only_keywords(
            "scan",
            names,
            &["start", "end", "limit", "after", "reverse"],
        )?;
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let prefix_values = &arguments[..arguments.len() - names.len()];
        if prefix_values.len() > info.key.len() {
            return Err(type_error(format!(
                "the table's key has {} parts, the prefix {}",
                info.key.len(),
                prefix_values.len()
            )));
        }
        let limit = self.limit(self.keyword(arguments, names, "limit"), "scan")?;
        let reverse = self
            .keyword(arguments, names, "reverse")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let reverse = self.truth(&reverse)?;
        let after = match self.keyword(arguments, names, "after") {
            None | Some(Value::None) => None,
            Some(given) => Some(self.row_key(table, given)?),
        };
        let mut prefix = self.instance.prefixes[usize::from(table)].clone();
        self.push_parts(&mut prefix, info, &info.key, prefix_values)?;
        let rest = &info.key[prefix_values.len()..];
        let range = self.range_arguments(arguments, names, info, rest);
        let (from, to) = self.bounds(prefix, after, reverse, &range)?;
        self.spend(gas::SCAN)?;
        let rows = self.fetched_rows(table, from, to, limit, reverse)?;
        self.new_list(rows)
    }

    /// The index that `by` names: by its first field, or by all its fields as a tuple.
    fn index_named(&mut self, info: &TableInfo, name: &Value, values: usize) -> R<usize> {
        let program = self.program;
        let class = program.class(info.class);
        let field_name = |field: &u16| program.name(class.fields[usize::from(*field)].name);
        let found = info.indexes.iter().position(|fields| match name {
            Value::Str(first) => {
                let leading = fields.first().map(field_name);
                leading == Some(&*first.text) && values <= fields.len()
            }
            Value::Tuple(all) => {
                let mut pairs = all.items.iter().zip(fields);
                all.items.len() == fields.len()
                    && pairs.all(|(item, field)| {
                        matches!(item, Value::Str(text) if &*text.text == field_name(field))
                    })
            }
            _ => false,
        });
        match found {
            Some(index) if values <= info.indexes[index].len() => Ok(index),
            _ => {
                let shown = self.repr(name)?;
                let declared: Vec<String> = info
                    .indexes
                    .iter()
                    .map(|fields| fields.iter().map(field_name).collect::<Vec<_>>().join(", "))
                    .collect();
                Err(value_error(format!(
                    "no index on {shown} for {values} values; declared: ({})",
                    declared.join("), (")
                )))
            }
        }
    }

    /// `table.by(index, *values, limit=, start=None, end=None, after=None, reverse=False)`
    pub(crate) fn table_by(&mut self, table: u16, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.only_keywords("by", names, &["start", "end", "limit", "after", "reverse"])?;
        self.indexes_stand()?;
        let program = self.program;
        let info = &program.parts.tables[usize::from(table)];
        let Some((index, values)) = arguments[..arguments.len() - names.len()].split_first() else {
            return Err(type_error("by() needs the name of an index"));
        };
        let index = self.index_named(info, index, values.len())?;
        let limit = self.limit(self.keyword(arguments, names, "limit"), "by")?;
        let reverse = self
            .keyword(arguments, names, "reverse")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let reverse = self.truth(&reverse)?;
        let after = match self.keyword(arguments, names, "after") {
            None | Some(Value::None) => None,
            Some(Value::Record(row)) if row.class == info.class => {
                let own: Vec<Value> = info
                    .key
                    .iter()
                    .map(|field| row.fields[usize::from(*field)].clone())
                    .collect();
                let own = self.new_tuple(own)?;
                let flat = self.row_key(table, &own)?;
                self.index_entry(table, index, row, &flat)?
            }
            Some(_) => return Err(type_error("after= takes the last row of the page before")),
        };
        let mut prefix = self.instance.index_prefixes[usize::from(table)][index].clone();
        self.push_parts(&mut prefix, info, &info.indexes[index], values)?;
        let rest = &info.indexes[index][values.len()..];
        let range = self.range_arguments(arguments, names, info, rest);
        let (from, to) = self.bounds(prefix, after, reverse, &range)?;
        self.spend(gas::SCAN)?;
        let found = host(self.host.index_scan(&from, &to, limit, reverse))?;
        self.pay_passed()?;
        let start = self.instance.index_prefixes[usize::from(table)][index].len();
        let mut rows = Vec::new();
        for entry in found.into_iter().take(limit) {
            self.spend(gas::SCAN_ROW)?;
            let Some(primary) = primary_key(&entry, start, info.indexes[index].len()) else {
                return Err(fatal("state.unreadable", "an index entry cannot be read"));
            };
            let mut flat = self.instance.prefixes[usize::from(table)].clone();
            flat.extend_from_slice(primary);
            let Some(bytes) = self.read(&flat)? else {
                return Err(fatal(
                    "state.unreadable",
                    "an index names a row that is not there",
                ));
            };
            rows.push(self.decode_row(table, &bytes)?);
        }
        self.new_list(rows)
    }

    /// Methods of tables.
    pub(crate) fn table_method(
        &mut self,
        table: u16,
        name: u16,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        match self.program.name(name) {
            "get" => {
                self.only_keywords("get", names, &["default"])?;
                match &*arguments {
                    [key] => self.table_get_or(table, key, Value::None),
                    [key, default] => self.table_get_or(table, key, default.clone()),
                    _ => Err(type_error("get() takes a key and a default")),
                }
            }
            "scan" => self.table_scan(table, arguments, names),
            "by" => self.table_by(table, arguments, names),
            "delete" => match &*arguments {
                [key] if names.is_empty() => self.table_delete(table, key).map(|()| Value::None),
                _ => Err(type_error("delete() takes a key")),
            },
            _ => Err(self.no_method(&Value::Table(table), name)),
        }
    }
}

/// The encoded primary key behind the parts of an index entry.
fn primary_key(entry: &[u8], start: usize, parts: usize) -> Option<&[u8]> {
    let mut reader = key::Reader::new(entry.get(start..)?);
    for _ in 0..parts {
        reader.next_part().ok()??;
    }
    Some(reader.rest())
}
