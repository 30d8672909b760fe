//! Items, slices, and building and changing containers.

use std::rc::Rc;

use super::arith::{to_big, to_i64};
use super::Vm;
use crate::error::{malformed, raise, raise_with, refused, type_error, value_error, Exc, R};
use crate::gas;
use crate::table::HashTable;
use crate::value::{
    DictObj, Flags, ListObj, SetObj, Value, ELEMENT_BYTES, ENTRY_BYTES, OBJECT_BYTES,
};

/// A slice applied to a sequence: start, step and number of items.
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) step: i64,
    pub(crate) count: usize,
}

impl Span {
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count).map(|index| (self.start + self.step * index as i64) as usize)
    }
}

impl Vm<'_, '_> {
    /// The place of an index in a sequence of this length.
    fn index(&mut self, index: &Value, length: usize, what: &str) -> R<usize> {
        let Some(number) = to_i64(index) else {
            if let Value::Big(_) = index {
                return Err(raise(
                    Exc::IndexError,
                    "cannot fit 'int' into an index-sized integer",
                ));
            }
            let (kind, given) = (what.split(' ').next().unwrap_or(""), self.type_name(index));
            let message = match kind {
                "string" => format!("string indices must be integers, not '{given}'"),
                "bytes" => format!("byte indices must be integers or slices, not {given}"),
                _ => format!("{kind} indices must be integers or slices, not {given}"),
            };
            return Err(type_error(message));
        };
        let length = length as i64;
        let place = if number < 0 {
            number.saturating_add(length)
        } else {
            number
        };
        if (0..length).contains(&place) {
            return Ok(place as usize);
        }
        Err(raise(Exc::IndexError, format!("{what} out of range")))
    }

    /// A slice over a sequence of this length, as CPython adjusts it.
    pub(crate) fn span(&mut self, slice: &Value, length: usize) -> R<Span> {
        let Value::Slice(parts) = slice else {
            return Err(malformed());
        };
        let [lower, upper, step] = parts.items.as_slice() else {
            return Err(malformed());
        };
        let bound = |part: &Value| -> R<Option<i64>> {
            match part {
                Value::None => Ok(None),
                Value::Big(big) => Ok(Some(if big.value.sign() == num_bigint::Sign::Minus {
                    i64::MIN
                } else {
                    i64::MAX
                })),
                other => match to_i64(other) {
                    Some(number) => Ok(Some(number)),
                    None => Err(type_error(
                        "slice indices must be integers or None or have an __index__ method",
                    )),
                },
            }
        };
        let step = bound(step)?.unwrap_or(1).max(-i64::MAX);
        if step == 0 {
            return Err(value_error("slice step cannot be zero"));
        }
        let length = length as i64;
        let (lowest, highest) = if step < 0 {
            (-1, length - 1)
        } else {
            (0, length)
        };
        let clamp = |number: i64| {
            if number < 0 {
                number.saturating_add(length).max(lowest)
            } else {
                number.min(highest)
            }
        };
        let start = bound(lower)?.map_or(if step < 0 { highest } else { lowest }, clamp);
        let stop = bound(upper)?.map_or(if step < 0 { lowest } else { highest }, clamp);
        let span = if step < 0 { start - stop } else { stop - start };
        let count = if span <= 0 {
            0
        } else {
            (span - 1) / step.abs() + 1
        };
        Ok(Span {
            start,
            stop,
            step,
            count: count as usize,
        })
    }

    pub(crate) fn get_item(&mut self, container: &Value, key: &Value) -> R<Value> {
        match (container, key) {
            (Value::List(list), Value::Slice(_)) => {
                let length = list.items.borrow().len();
                let span = self.span(key, length)?;
                self.plan_elements(span.count)?;
                let items = list.items.borrow();
                Value::list(
                    span.positions()
                        .filter_map(|at| items.get(at).cloned())
                        .collect(),
                )
            }
            (Value::Tuple(tuple), Value::Slice(_)) => {
                let span = self.span(key, tuple.items.len())?;
                self.plan_elements(span.count)?;
                Value::tuple(
                    span.positions()
                        .filter_map(|at| tuple.items.get(at).cloned())
                        .collect(),
                )
            }
            (Value::Str(text), Value::Slice(_)) => self.slice_text(text, key),
            (Value::Bytes(bytes), Value::Slice(_)) => {
                let span = self.span(key, bytes.bytes.len())?;
                self.plan_bytes(span.count)?;
                Value::bytes(
                    span.positions()
                        .filter_map(|at| bytes.bytes.get(at).copied())
                        .collect(),
                )
            }
            (Value::Range(range), Value::Slice(_)) => {
                let span = self.span(key, usize::try_from(range.len()).unwrap_or(0))?;
                let step = range
                    .step
                    .checked_mul(span.step)
                    .ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?;
                let start = range.at(span.start);
                let stop = range
                    .step
                    .checked_mul(span.stop)
                    .and_then(|offset| range.start.checked_add(offset));
                Value::range(
                    start,
                    stop.ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?,
                    step,
                )
            }
            (Value::List(list), _) => {
                let length = list.items.borrow().len();
                let at = self.index(key, length, "list index")?;
                Ok(list.items.borrow()[at].clone())
            }
            (Value::Tuple(tuple), _) => {
                let at = self.index(key, tuple.items.len(), "tuple index")?;
                Ok(tuple.items[at].clone())
            }
            (Value::Str(text), _) => {
                let at = self.index(key, text.chars, "string index")?;
                if text.is_ascii() {
                    let byte = text.text.as_bytes()[at];
                    return self.one_char(char::from(byte));
                }
                self.spend(gas::bytes(text.text.len()))?;
                let found = text.text.chars().nth(at).unwrap_or('\u{fffd}');
                self.one_char(found)
            }
            (Value::Bytes(bytes), _) => {
                let at = self.index(key, bytes.bytes.len(), "bytes index")?;
                Ok(Value::Int(i64::from(bytes.bytes[at])))
            }
            (Value::Range(range), _) => {
                let length = usize::try_from(range.len()).unwrap_or(0);
                let at = self.index(key, length, "range object index")?;
                Ok(Value::Int(range.at(at as i64)))
            }
            (Value::Dict(dict), _) => {
                let hash = self.hash(key, 0)?;
                match self.find(dict, hash, key)? {
                    Some(at) => Ok(dict
                        .table
                        .borrow()
                        .entry(at)
                        .map(|entry| entry.value.clone())
                        .unwrap_or_default()),
                    None => Err(raise_with(Exc::KeyError, vec![key.clone()])),
                }
            }
            (Value::Table(table), _) => self.table_get(*table, key),
            (Value::Class(class), _) => self.enum_by_name(*class, key),
            (Value::Unset, _) => Err(malformed()),
            _ => Err(type_error(format!(
                "'{}' object is not subscriptable",
                self.type_name(container)
            ))),
        }
    }

    fn enum_by_name(&mut self, class: u16, key: &Value) -> R<Value> {
        let info = self.program.class(class);
        if let Value::Str(name) = key {
            let found = info
                .members
                .iter()
                .position(|(id, _)| self.program.name(*id) == name.text);
            if let Some(member) = found {
                return Ok(Value::Enum {
                    class,
                    member: member as u16,
                });
            }
        }
        Err(raise_with(Exc::KeyError, vec![key.clone()]))
    }

    pub(crate) fn one_char(&mut self, c: char) -> R<Value> {
        if c.is_ascii() {
            if let Some(value) = self.instance.chars.get(c as usize) {
                return Ok(value.clone());
            }
        }
        self.new_str(c.to_string())
    }

    fn slice_text(&mut self, text: &crate::value::StrObj, key: &Value) -> R<Value> {
        let span = self.span(key, text.chars)?;
        if text.is_ascii() {
            self.plan_bytes(span.count)?;
            if span.step == 1 {
                let start = span.start as usize;
                return self.new_str(
                    text.text
                        .get(start..start + span.count)
                        .unwrap_or("")
                        .to_string(),
                );
            }
            let bytes = text.text.as_bytes();
            let made: String = span
                .positions()
                .filter_map(|at| bytes.get(at).copied())
                .map(char::from)
                .collect();
            return self.new_str(made);
        }
        self.plan_bytes(text.text.len() * 4)?;
        let chars: Vec<char> = text.text.chars().collect();
        let made: String = span
            .positions()
            .filter_map(|at| chars.get(at).copied())
            .collect();
        self.new_str(made)
    }

    /// Fails if a container is part of a module constant.
    pub(crate) fn may_change(&mut self, flags: &Flags) -> R<()> {
        if flags.frozen.get() {
            return Err(refused(
                "a module constant cannot be changed: copy it first",
            ));
        }
        Ok(())
    }

    pub(crate) fn set_item(&mut self, container: &Value, key: &Value, value: &Value) -> R<()> {
        match container {
            Value::Dict(dict) => {
                self.may_change(&dict.flags)?;
                let hash = self.hash(key, 0)?;
                self.dict_set(dict, hash, key.clone(), value.clone())
            }
            Value::List(list) => {
                self.may_change(&list.flags)?;
                if let Value::Slice(_) = key {
                    return self.set_slice(list, key, value);
                }
                let length = list.items.borrow().len();
                let at = self.index(key, length, "list assignment index")?;
                self.track_list(list, value);
                let old = list
                    .items
                    .borrow_mut()
                    .get_mut(at)
                    .map(|slot| std::mem::replace(slot, value.clone()));
                drop(old);
                Ok(())
            }
            Value::Table(table) => self.table_put(*table, key, value),
            Value::Unset => Err(malformed()),
            _ => Err(type_error(format!(
                "'{}' object does not support item assignment",
                self.type_name(container)
            ))),
        }
    }

    /// Adds or replaces an entry; an existing key keeps its place and its first form.
    pub(crate) fn dict_set(
        &mut self,
        dict: &Rc<DictObj>,
        hash: u64,
        key: Value,
        value: Value,
    ) -> R<()> {
        let found = self.find(dict, hash, &key)?;
        self.track_dict(dict, &value);
        match found {
            Some(at) => {
                let old = dict
                    .table
                    .borrow_mut()
                    .value_mut(at)
                    .map(|slot| std::mem::replace(slot, value));
                drop(old);
            }
            None => {
                self.spend(gas::ENTRY)?;
                let count = dict.table.borrow().len() + 1;
                dict.charge.reach(OBJECT_BYTES + count * ENTRY_BYTES)?;
                dict.table.borrow_mut().push(hash, key, value);
            }
        }
        Ok(())
    }

    /// Finds a key; each probe costs gas.
    pub(crate) fn find(&mut self, dict: &DictObj, hash: u64, key: &Value) -> R<Option<usize>> {
        let table = dict.table.borrow();
        self.find_in(&table, hash, key)
    }

    pub(crate) fn find_in_set(&mut self, set: &SetObj, hash: u64, key: &Value) -> R<Option<usize>> {
        let table = set.table.borrow();
        self.find_in(&table, hash, key)
    }

    pub(crate) fn find_in(
        &mut self,
        table: &HashTable,
        hash: u64,
        key: &Value,
    ) -> R<Option<usize>> {
        self.spend(gas::PROBE + table.probes(hash, 1 << 16) as u64)?;
        table.find(hash, |known| self.equal(known, key, 0))
    }

    fn set_slice(&mut self, list: &Rc<ListObj>, slice: &Value, value: &Value) -> R<()> {
        let items = self.collect(value)?;
        let length = list.items.borrow().len();
        let span = self.span(slice, length)?;
        self.plan_elements(length + items.len())?;
        items.iter().for_each(|item| self.track_list(list, item));
        if span.step == 1 {
            list.charge
                .reach(OBJECT_BYTES + (length + items.len()) * ELEMENT_BYTES)?;
            let start = span.start as usize;
            let removed: Vec<Value> = list
                .items
                .borrow_mut()
                .splice(start..start + span.count, items)
                .collect();
            crate::memory::drop_items(removed);
            return Ok(());
        }
        if items.len() != span.count {
            return Err(value_error(format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                items.len(),
                span.count
            )));
        }
        for (at, item) in span.positions().zip(items) {
            let old = list
                .items
                .borrow_mut()
                .get_mut(at)
                .map(|slot| std::mem::replace(slot, item));
            drop(old);
        }
        Ok(())
    }

    pub(crate) fn del_item(&mut self, container: &Value, key: &Value) -> R<()> {
        match container {
            Value::Dict(dict) => {
                self.may_change(&dict.flags)?;
                let hash = self.hash(key, 0)?;
                match self.find(dict, hash, key)? {
                    Some(at) => {
                        let removed = dict.table.borrow_mut().remove(at);
                        drop(removed);
                        Ok(())
                    }
                    None => Err(raise_with(Exc::KeyError, vec![key.clone()])),
                }
            }
            Value::List(list) => {
                self.may_change(&list.flags)?;
                let length = list.items.borrow().len();
                self.spend(gas::elements(length))?;
                if let Value::Slice(_) = key {
                    let span = self.span(key, length)?;
                    let mut gone: Vec<usize> = span.positions().collect();
                    gone.sort_unstable();
                    let mut removed = Vec::new();
                    let mut next = gone.into_iter().peekable();
                    let all = list.items.take();
                    let mut kept = Vec::with_capacity(all.len());
                    for (at, item) in all.into_iter().enumerate() {
                        if next.peek() == Some(&at) {
                            next.next();
                            removed.push(item);
                        } else {
                            kept.push(item);
                        }
                    }
                    list.items.replace(kept);
                    crate::memory::drop_items(removed);
                    return Ok(());
                }
                let at = self.index(key, length, "list assignment index")?;
                let removed = list.items.borrow_mut().remove(at);
                drop(removed);
                Ok(())
            }
            Value::Table(table) => self.table_delete(*table, key),
            Value::Str(_) | Value::Tuple(_) | Value::Bytes(_) | Value::Range(_)
                if to_big(key).is_some() =>
            {
                if to_i64(key).is_none() {
                    return Err(raise(
                        Exc::IndexError,
                        "cannot fit 'int' into an index-sized integer",
                    ));
                }
                Err(type_error(format!(
                    "'{}' object doesn't support item deletion",
                    self.type_name(container)
                )))
            }
            _ => Err(type_error(format!(
                "'{}' object does not support item deletion",
                self.type_name(container)
            ))),
        }
    }

    pub(crate) fn append(&mut self, list: &Value, item: Value) -> R<()> {
        let Value::List(list) = list else {
            return Err(malformed());
        };
        self.push(list, item)
    }

    /// Appends to a list.
    #[inline]
    pub(crate) fn push(&mut self, list: &Rc<ListObj>, item: Value) -> R<()> {
        self.may_change(&list.flags)?;
        self.track_list(list, &item);
        let mut items = list.items.borrow_mut();
        list.charge
            .reach(OBJECT_BYTES + (items.len() + 1) * ELEMENT_BYTES)?;
        items.push(item);
        Ok(())
    }

    pub(crate) fn extend(&mut self, list: &Value, more: &Value) -> R<()> {
        let Value::List(list) = list else {
            return Err(malformed());
        };
        self.may_change(&list.flags)?;
        let items = self.collect(more)?;
        self.plan_elements(items.len())?;
        list.charge
            .reach(OBJECT_BYTES + (list.items.borrow().len() + items.len()) * ELEMENT_BYTES)?;
        items.iter().for_each(|item| self.track_list(list, item));
        list.items.borrow_mut().extend(items);
        Ok(())
    }

    /// Gives a list new content.
    pub(crate) fn replace_items(&mut self, list: &Rc<ListObj>, items: Vec<Value>) -> R<()> {
        self.may_change(&list.flags)?;
        list.charge
            .reach(OBJECT_BYTES + items.len() * ELEMENT_BYTES)?;
        items.iter().for_each(|item| self.track_list(list, item));
        let old = list.items.replace(items);
        crate::memory::drop_items(old);
        Ok(())
    }

    pub(crate) fn dict_of(&mut self, items: Vec<Value>) -> R<Value> {
        self.plan_elements(items.len())?;
        let made = Value::dict(HashTable::default())?;
        let Value::Dict(dict) = &made else {
            return Err(malformed());
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value)?;
        }
        Ok(made)
    }

    /// Merges a mapping into a dictionary; `fresh` refuses keys that are there already.
    pub(crate) fn merge(&mut self, into: &Value, from: &Value, fresh: bool) -> R<()> {
        let (Value::Dict(into), Value::Dict(from)) = (into, from) else {
            return Err(type_error(format!(
                "'{}' object is not a mapping",
                self.type_name(from)
            )));
        };
        self.may_change(&into.flags)?;
        self.plan_elements(from.table.borrow().len())?;
        let entries: Vec<_> = from.table.borrow().iter().cloned().collect();
        for entry in entries {
            if fresh {
                let Value::Str(name) = &entry.key else {
                    return Err(type_error("keywords must be strings"));
                };
                if self.find(into, entry.hash, &entry.key)?.is_some() {
                    return Err(type_error(format!(
                        "got multiple values for keyword argument '{}'",
                        name.text
                    )));
                }
            }
            self.dict_set(into, entry.hash, entry.key, entry.value)?;
        }
        Ok(())
    }

    /// The value at a key of a mapping pattern, or no value.
    pub(crate) fn lookup(&mut self, mapping: &Value, key: &Value) -> R<Value> {
        let Value::Dict(dict) = mapping else {
            return Err(malformed());
        };
        let hash = self.hash(key, 0)?;
        let found = self.find(dict, hash, key)?;
        Ok(found
            .and_then(|at| {
                dict.table
                    .borrow()
                    .entry(at)
                    .map(|entry| entry.value.clone())
            })
            .unwrap_or_default())
    }

    pub(crate) fn without_keys(&mut self, mapping: &Value, keys: &Value) -> R<Value> {
        let (Value::Dict(dict), Value::Tuple(keys)) = (mapping, keys) else {
            return Err(malformed());
        };
        self.plan_elements(dict.table.borrow().len())?;
        let copy = Value::dict(dict.table.borrow().clone())?;
        for key in &keys.items {
            self.del_item(&copy, key)?;
        }
        Ok(copy)
    }

    /// An integer argument.
    pub(crate) fn int_argument(&mut self, value: &Value) -> R<i64> {
        match to_i64(value) {
            Some(number) => Ok(number),
            None if to_big(value).is_some() => Err(raise(
                Exc::OverflowError,
                "Python int too large to convert to C ssize_t",
            )),
            None => Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(value)
            ))),
        }
    }
}
