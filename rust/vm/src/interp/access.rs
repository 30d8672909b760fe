//! Items, and building and changing containers.

use std::rc::Rc;

use super::arith::{to_big, to_i64};
use super::format::is_type;
use super::Vm;
use crate::builtins::Builtin;
use crate::error::{malformed, raise, raise_with, refused, type_error, Exc, R};
use crate::gas;
use crate::table::HashTable;
use crate::value::{
    DictObj, Flags, ListObj, SetObj, StrObj, Value, ELEMENT_BYTES, ENTRY_BYTES, OBJECT_BYTES,
};

impl Vm<'_, '_> {
    /// The place of an index in a sequence of this length.
    fn index(&mut self, index: &Value, length: usize, what: &str) -> R<usize> {
        let Some(number) = to_i64(index) else {
            if let (Value::Big(_), "range object index") = (index, what) {
                return Err(raise(Exc::IndexError, "range object index out of range"));
            }
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
        let what = if what == "bytes index" { "index" } else { what };
        Err(raise(Exc::IndexError, format!("{what} out of range")))
    }

    #[cold]
    fn not_subscriptable(&self, class: &Value) -> crate::error::Trap {
        let name = self.own_name(class).unwrap_or_default();
        type_error(format!("type '{name}' is not subscriptable"))
    }

    pub(crate) fn get_item(&mut self, container: &Value, key: &Value) -> R<Value> {
        if matches!(key, Value::Slice(_)) {
            if let Some(part) = self.get_slice(container, key)? {
                return Ok(part);
            }
        }
        match container {
            Value::List(list) => {
                let length = list.items.borrow().len();
                let at = self.index(key, length, "list index")?;
                Ok(list.items.borrow()[at].clone())
            }
            Value::Tuple(tuple) => {
                let at = self.index(key, tuple.items.len(), "tuple index")?;
                Ok(tuple.items[at].clone())
            }
            Value::Str(text) => self.char_at(text, key),
            Value::Bytes(bytes) => {
                let at = self.index(key, bytes.bytes.len(), "bytes index")?;
                Ok(Value::Int(i64::from(bytes.bytes[at])))
            }
            Value::Range(range) if range.is_huge() && to_big(key).is_some() => {
                use num_traits::ToPrimitive;
                let length = range.wide_len();
                let at = to_big(key).and_then(|key| key.to_i128());
                let at = at.map(|at| {
                    if at < 0 {
                        at.saturating_add(length)
                    } else {
                        at
                    }
                });
                match at.filter(|at| (0..length).contains(at)) {
                    Some(at) => {
                        let found = i128::from(range.start) + i128::from(range.step) * at;
                        Ok(Value::Int(i64::try_from(found).unwrap_or(0)))
                    }
                    None => Err(raise(Exc::IndexError, "range object index out of range")),
                }
            }
            Value::Range(range) => {
                let length = usize::try_from(range.len()).unwrap_or(0);
                let at = self.index(key, length, "range object index")?;
                Ok(Value::Int(range.at(at as i64)))
            }
            Value::Dict(dict) => self.dict_get(dict, key),
            Value::Table(table) => self.table_get(*table, key),
            Value::Class(class)
                if self.program.class(*class).kind == crate::program::ClassKind::Enum =>
            {
                self.enum_by_name(*class, key)
            }
            Value::Unset => Err(malformed()),
            Value::Builtin(
                Builtin::List
                | Builtin::Dict
                | Builtin::Tuple
                | Builtin::Set
                | Builtin::Frozenset
                | Builtin::Type
                | Builtin::Enumerate,
            ) => Err(refused(
                "types with parameters are no values: write them in annotations only",
            )),
            Value::Class(_) | Value::ExcClass(_) => Err(self.not_subscriptable(container)),
            Value::Builtin(builtin) if is_type(*builtin) => Err(self.not_subscriptable(container)),
            _ => Err(type_error(format!(
                "'{}' object is not subscriptable",
                self.type_name(container)
            ))),
        }
    }

    fn char_at(&mut self, text: &StrObj, key: &Value) -> R<Value> {
        let at = self.index(key, text.chars, "string index")?;
        if text.is_ascii() {
            let byte = text.text.as_bytes()[at];
            return self.one_char(char::from(byte));
        }
        self.spend(gas::bytes(text.text.len()))?;
        let found = text.text.chars().nth(at).unwrap_or('\u{fffd}');
        self.one_char(found)
    }

    /// The value at a key that MUST be there.
    fn dict_get(&mut self, dict: &Rc<DictObj>, key: &Value) -> R<Value> {
        let hash = self.hash(key, 0)?;
        let Some(at) = self.find(dict, hash, key)? else {
            return Err(raise_with(Exc::KeyError, vec![key.clone()]));
        };
        let table = dict.table.borrow();
        Ok(table
            .entry(at)
            .map(|entry| entry.value.clone())
            .unwrap_or_default())
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

    /// Merges a mapping into a dictionary.
    pub(crate) fn merge(&mut self, into: &Value, from: &Value) -> R<()> {
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
            self.dict_set(into, entry.hash, entry.key, entry.value)?;
        }
        Ok(())
    }

    /// The keywords of a call, which are all different.
    pub(super) fn merge_keywords(&mut self, callee: &Value, into: &Value, from: &Value) -> R<()> {
        let (Value::Dict(known), Value::Dict(more)) = (into, from) else {
            let given = self.type_name(from);
            let callee = self.callee_text(callee)?;
            return Err(type_error(format!(
                "{callee} argument after ** must be a mapping, not {given}"
            )));
        };
        self.plan_elements(more.table.borrow().len())?;
        let entries: Vec<_> = more.table.borrow().iter().cloned().collect();
        for entry in entries {
            if self.find(known, entry.hash, &entry.key)?.is_some() {
                let (callee, name) = (self.callee_text(callee)?, self.show(&entry.key)?);
                return Err(type_error(format!(
                    "{callee} got multiple values for keyword argument '{name}'"
                )));
            }
            self.dict_set(known, entry.hash, entry.key, entry.value)?;
        }
        Ok(())
    }

    /// What is called, as CPython's messages about starred arguments show it.
    pub(super) fn callee_text(&mut self, callee: &Value) -> R<String> {
        let module = match self.program.parts.main {
            Some(_) => "__main__.",
            None => "",
        };
        let function = |number: u16| &self.program.parts.functions[usize::from(number)].name;
        Ok(match callee {
            Value::Function(number) => format!("{module}{}()", function(*number)),
            Value::Closure(closure) => format!("{module}{}()", function(closure.function)),
            Value::Class(class) => format!("{module}{}()", self.program.class(*class).name),
            Value::Builtin(builtin) => format!("{}()", builtin.shown()),
            Value::ExcClass(class) => format!("{}()", class.name()),
            Value::Bound(bound) => {
                let kind = self.type_name(&bound.receiver);
                let module = match bound.receiver {
                    Value::Record(_) => module,
                    _ => "",
                };
                format!("{module}{kind}.{}()", self.program.name(bound.name))
            }
            other => self.show(other)?,
        })
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
