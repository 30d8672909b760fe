//! Iteration.

use std::cell::RefCell;
use std::rc::Rc;

use super::Vm;
use crate::builtins::Builtin;
use crate::error::{fatal, malformed, raise, refused, type_error, value_error, Exc, Stop, R};
use crate::memory::charge;
use crate::table::Entry;
use crate::value::{
    BytesObj, DictObj, IterObj, ListObj, RangeObj, StrObj, TupleObj, Value, ViewKind, OBJECT_BYTES,
};
use crate::{gas, limits};

/// What an iterator still has to give.
#[derive(Debug)]
pub(crate) enum IterState {
    List(Rc<ListObj>, usize),
    /// Backwards; the next position plus one.
    ListBack(Rc<ListObj>, usize),
    Tuple(Rc<TupleObj>, usize),
    /// The next byte.
    Str(Rc<StrObj>, usize),
    Bytes(Rc<BytesObj>, usize),
    Range(Rc<RangeObj>, i64),
    Dict {
        dict: Rc<DictObj>,
        kind: ViewKind,
        position: usize,
        length: usize,
        version: u64,
    },
    Members(u16, usize),
    Enumerate(Value, Value),
    Zip(Vec<Value>, bool),
    Map(Value, Vec<Value>),
    Filter(Value, Value),
    /// What the function gives, until that is the second value.
    Until(Value, Value),
    Done,
}

impl IterState {
    /// The builtin that is the iterator's type.
    pub(crate) fn of_builtin(&self) -> Option<Builtin> {
        Some(match self {
            IterState::Enumerate(..) => Builtin::Enumerate,
            IterState::Zip(..) => Builtin::Zip,
            IterState::Map(..) => Builtin::Map,
            IterState::Filter(..) => Builtin::Filter,
            _ => return None,
        })
    }

    /// The name of the iterator's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            IterState::List(..) => "list_iterator",
            IterState::ListBack(..) => "list_reverseiterator",
            IterState::Tuple(..) => "tuple_iterator",
            IterState::Str(text, _) if text.is_ascii() => "str_ascii_iterator",
            IterState::Str(..) => "str_iterator",
            IterState::Bytes(..) => "bytes_iterator",
            IterState::Range(..) => "range_iterator",
            IterState::Dict {
                kind: ViewKind::Keys,
                ..
            } => "dict_keyiterator",
            IterState::Dict {
                kind: ViewKind::Values,
                ..
            } => "dict_valueiterator",
            IterState::Dict { .. } => "dict_itemiterator",
            IterState::Enumerate(..) => "enumerate",
            IterState::Zip(..) => "zip",
            IterState::Map(..) => "map",
            IterState::Filter(..) => "filter",
            IterState::Until(..) => "callable_iterator",
            IterState::Members(..) | IterState::Done => "iterator",
        }
    }
}

impl Vm<'_, '_> {
    pub(crate) fn new_iter(&mut self, state: IterState, levels: usize) -> R<Value> {
        if levels > limits::ITERATOR_LEVELS {
            return Err(fatal(
                "limit.depth",
                format!(
                    "iterators are inside of each other deeper than {}: make a list in between",
                    limits::ITERATOR_LEVELS
                ),
            ));
        }
        self.spend(gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES)?;
        Ok(Value::Iter(Rc::new(IterObj {
            state: RefCell::new(state),
            levels,
            charge,
        })))
    }

    /// Whether a value can be iterated over, or is refused there.
    pub(crate) fn is_iterable(&self, value: &Value) -> bool {
        match value {
            Value::Iter(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Range(_)
            | Value::Dict(_)
            | Value::DictView(_)
            | Value::Set(_)
            | Value::Table(_) => true,
            Value::Class(class) => !self.program.class(*class).members.is_empty(),
            _ => false,
        }
    }

    /// An iterator over a value, as a value.
    pub(crate) fn iterator(&mut self, value: &Value) -> R<Value> {
        let state = match value {
            Value::Iter(_) => return Ok(value.clone()),
            Value::List(list) => IterState::List(list.clone(), 0),
            Value::Tuple(tuple) => IterState::Tuple(tuple.clone(), 0),
            Value::Str(text) => IterState::Str(text.clone(), 0),
            Value::Bytes(bytes) => IterState::Bytes(bytes.clone(), 0),
            Value::Range(range) => IterState::Range(range.clone(), 0),
            Value::Dict(dict) => dict_state(dict, ViewKind::Keys),
            Value::DictView(view) => dict_state(&view.dict, view.kind),
            Value::Class(class) if !self.program.class(*class).members.is_empty() => {
                IterState::Members(*class, 0)
            }
            Value::Set(set) if set.frozenset && set.table.borrow().len() < 2 => {
                // With one element there is no order.
                let items = self.collect_any(value)?;
                let items = self.new_tuple(items)?;
                return self.iterator(&items);
            }
            Value::Set(_) => {
                return Err(refused(
                    "the order of a set is arbitrary: iterate over sorted(the_set)",
                ))
            }
            Value::Table(_) => {
                return Err(refused(
                    "a table is listed with a limit: write self.table.scan(limit=100)",
                ))
            }
            Value::Unset => return Err(malformed()),
            _ => {
                return Err(type_error(format!(
                    "'{}' object is not iterable",
                    self.type_name(value)
                )))
            }
        };
        self.new_iter(state, 1)
    }

    /// The two registers of a loop: what is iterated over, and the position in it.
    pub(crate) fn start_iteration(&mut self, value: &Value) -> R<(Value, Value)> {
        match value {
            Value::List(_) | Value::Tuple(_) | Value::Range(_) => {
                Ok((value.clone(), Value::Int(0)))
            }
            other => Ok((self.iterator(other)?, Value::Int(0))),
        }
    }

    #[inline]
    pub(crate) fn next_item(&mut self, registers: &mut [Value]) -> R<Option<Value>> {
        let [source, position] = registers else {
            return Err(malformed());
        };
        let Value::Int(at) = position else {
            return Err(malformed());
        };
        let index = *at;
        let item = match source {
            Value::Range(range) => {
                if index >= range.len() {
                    return Ok(None);
                }
                Value::Int(range.at(index))
            }
            Value::List(list) => match list.items.borrow().get(index as usize) {
                Some(item) => item.clone(),
                None => return Ok(None),
            },
            Value::Tuple(tuple) => match tuple.items.get(index as usize) {
                Some(item) => item.clone(),
                None => return Ok(None),
            },
            Value::Iter(iter) => {
                let iter = iter.clone();
                return self.advance(&iter);
            }
            _ => return Err(malformed()),
        };
        *at = index.saturating_add(1);
        Ok(Some(item))
    }

    /// The next item as a pair: without making a tuple where the iterator can tell its parts.
    pub(crate) fn next_pair(&mut self, registers: &mut [Value]) -> R<Option<(Value, Value)>> {
        if let [Value::Iter(iter), _] = registers {
            let iter = iter.clone();
            if let Some(found) = self.advance_pair(&iter)? {
                return Ok(found);
            }
        }
        let Some(item) = self.next_item(registers)? else {
            return Ok(None);
        };
        if let Value::Tuple(tuple) = &item {
            if let [first, second] = tuple.items.as_slice() {
                return Ok(Some((first.clone(), second.clone())));
            }
        }
        let mut items = self.unpack(&item, 2)?;
        let second = items.pop().unwrap_or_default();
        let first = items.pop().unwrap_or_default();
        Ok(Some((first, second)))
    }

    /// The next pair of an iterator that makes pairs; the outer `None` where it does not.
    #[allow(clippy::type_complexity)] // three outcomes: no pairs, the end, a pair
    fn advance_pair(&mut self, iter: &Rc<IterObj>) -> R<Option<Option<(Value, Value)>>> {
        let mut state = iter.state.borrow_mut();
        match &mut *state {
            IterState::Dict {
                dict,
                kind: ViewKind::Items,
                position,
                length,
                version,
            } => {
                self.spend(1)?;
                let dict = dict.clone();
                let table = dict.table.borrow();
                check_dict(table.len(), *length, table.version, *version)?;
                match table.next_from(*position) {
                    Some((next, entry)) => {
                        *position = next;
                        Ok(Some(Some((entry.key.clone(), entry.value.clone()))))
                    }
                    None => {
                        *state = IterState::Done;
                        Ok(Some(None))
                    }
                }
            }
            IterState::Enumerate(inner, count) => {
                let (inner, number) = (inner.clone(), count.clone());
                drop(state);
                let Value::Iter(inner) = &inner else {
                    return Err(malformed());
                };
                let Some(item) = self.advance(inner)? else {
                    return Ok(Some(None));
                };
                let next = self.binary(super::arith::Bin::Add, &number, &Value::Int(1))?;
                if let IterState::Enumerate(_, count) = &mut *iter.state.borrow_mut() {
                    *count = next;
                }
                Ok(Some(Some((number, item))))
            }
            _ => Ok(None),
        }
    }

    /// The next item of an iterator.
    pub(crate) fn advance(&mut self, iter: &Rc<IterObj>) -> R<Option<Value>> {
        self.spend(1)?;
        let mut state = iter.state.borrow_mut();
        let found = match &mut *state {
            IterState::List(list, at) => {
                let item = list.items.borrow().get(*at).cloned();
                *at += 1;
                item
            }
            IterState::ListBack(list, at) => {
                let length = list.items.borrow().len();
                let place = (*at).checked_sub(1).filter(|place| *place < length);
                *at = at.saturating_sub(1);
                place.and_then(|place| list.items.borrow().get(place).cloned())
            }
            IterState::Tuple(tuple, at) => {
                *at += 1;
                tuple.items.get(*at - 1).cloned()
            }
            IterState::Str(text, at) => self.next_char(text, at)?,
            IterState::Bytes(bytes, at) => {
                *at += 1;
                bytes
                    .bytes
                    .get(*at - 1)
                    .map(|byte| Value::Int(i64::from(*byte)))
            }
            IterState::Range(range, at) => {
                *at = at.saturating_add(1);
                (*at <= range.len()).then(|| Value::Int(range.at(*at - 1)))
            }
            IterState::Dict {
                dict,
                kind,
                position,
                length,
                version,
            } => {
                let dict = dict.clone();
                let table = dict.table.borrow();
                check_dict(table.len(), *length, table.version, *version)?;
                match table.next_from(*position) {
                    Some((next, entry)) => {
                        *position = next;
                        Some(self.view_item(*kind, entry)?)
                    }
                    None => None,
                }
            }
            IterState::Members(class, at) => {
                let class = *class;
                *at += 1;
                let member = *at - 1;
                (member < self.program.class(class).members.len()).then_some(Value::Enum {
                    class,
                    member: member as u16,
                })
            }
            IterState::Done => return Ok(None),
            _ => {
                drop(state);
                return self.advance_composed(iter);
            }
        };
        if found.is_none() {
            *state = IterState::Done;
        }
        Ok(found)
    }

    /// The next character of a text.
    fn next_char(&mut self, text: &StrObj, at: &mut usize) -> R<Option<Value>> {
        match text.text.get(*at..).and_then(|rest| rest.chars().next()) {
            Some(found) => {
                *at += found.len_utf8();
                self.one_char(found).map(Some)
            }
            None => Ok(None),
        }
    }

    /// What a view of a dictionary gives for an entry.
    fn view_item(&mut self, kind: ViewKind, entry: &Entry) -> R<Value> {
        match kind {
            ViewKind::Keys => Ok(entry.key.clone()),
            ViewKind::Values => Ok(entry.value.clone()),
            ViewKind::Items => self.new_tuple(vec![entry.key.clone(), entry.value.clone()]),
        }
    }

    /// Iterators over iterators: no state is borrowed while others run.
    fn advance_composed(&mut self, iter: &Rc<IterObj>) -> R<Option<Value>> {
        if let Some(pair) = self.advance_pair(iter)? {
            return match pair {
                Some((first, second)) => self.new_tuple(vec![first, second]).map(Some),
                None => Ok(None),
            };
        }
        let until = match &*iter.state.borrow() {
            IterState::Until(function, last) => Some((function.clone(), last.clone())),
            _ => None,
        };
        if let Some((function, last)) = until {
            return self.advance_until(iter, &function, &last);
        }
        let (function, inner, strict) = match &*iter.state.borrow() {
            IterState::Zip(inner, strict) => (None, inner.clone(), *strict),
            IterState::Map(function, inner) => (Some(function.clone()), inner.clone(), false),
            IterState::Filter(function, inner) => {
                (Some(function.clone()), vec![inner.clone()], true)
            }
            _ => return Ok(None),
        };
        let is_filter = matches!(&*iter.state.borrow(), IterState::Filter(..));
        if is_filter {
            return self.advance_filter(function.unwrap_or(Value::None), &inner);
        }
        let mut items = Vec::with_capacity(inner.len());
        for (number, source) in inner.iter().enumerate() {
            let Value::Iter(source) = source else {
                return Err(malformed());
            };
            match self.advance(source)? {
                Some(item) => items.push(item),
                None if strict => return self.zip_ended(&inner, number),
                None => return Ok(None),
            }
        }
        if items.is_empty() {
            return Ok(None);
        }
        match function {
            Some(function) => self.call_or_stop(&function, items),
            None => self.new_tuple(items).map(Some),
        }
    }

    /// What a function of `map` or `filter` gives; its StopIteration ends them, as in CPython.
    fn call_or_stop(&mut self, function: &Value, given: Vec<Value>) -> R<Option<Value>> {
        match self.call_any(function, given, &[]) {
            Err(trap) if matches!(&*trap, Stop::Raise(raised) if raised.class == Exc::StopIteration) =>
            {
                self.left.clear();
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// The next item of `iter(function, last)`; once ended, it stays so.
    fn advance_until(
        &mut self,
        iter: &Rc<IterObj>,
        function: &Value,
        last: &Value,
    ) -> R<Option<Value>> {
        if let Some(item) = self.call_or_stop(function, Vec::new())? {
            // The function may have ended the iterator by a turn of its own.
            let ended = matches!(&*iter.state.borrow(), IterState::Done);
            if !ended && !self.same_or_equal(last, &item, 0)? {
                return Ok(Some(item));
            }
        }
        *iter.state.borrow_mut() = IterState::Done;
        Ok(None)
    }

    fn zip_ended(&mut self, inner: &[Value], number: usize) -> R<Option<Value>> {
        let others = if number == 1 {
            "argument 1".to_string()
        } else {
            format!("arguments 1-{number}")
        };
        if number > 0 {
            return Err(value_error(format!(
                "zip() argument {} is shorter than {others}",
                number + 1
            )));
        }
        for (at, source) in inner.iter().enumerate().skip(1) {
            let Value::Iter(source) = source else {
                return Err(malformed());
            };
            if self.advance(source)?.is_some() {
                let others = if at == 1 {
                    "argument 1".to_string()
                } else {
                    format!("arguments 1-{at}")
                };
                return Err(value_error(format!(
                    "zip() argument {} is longer than {others}",
                    at + 1
                )));
            }
        }
        Ok(None)
    }

    fn advance_filter(&mut self, function: Value, inner: &[Value]) -> R<Option<Value>> {
        let [Value::Iter(source)] = inner else {
            return Err(malformed());
        };
        while let Some(item) = self.advance(source)? {
            self.spend(1)?;
            let keep = match &function {
                Value::None => self.truth(&item)?,
                function => {
                    let Some(verdict) = self.call_or_stop(function, vec![item.clone()])? else {
                        return Ok(None);
                    };
                    self.truth(&verdict)?
                }
            };
            if keep {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// All items of an iterable.
    pub(crate) fn collect(&mut self, value: &Value) -> R<Vec<Value>> {
        match value {
            Value::List(list) => {
                let length = list.items.borrow().len();
                self.plan_elements(length)?;
                Ok(list.items.borrow().clone())
            }
            Value::Tuple(tuple) => {
                self.plan_elements(tuple.items.len())?;
                Ok(tuple.items.clone())
            }
            Value::Str(text) if text.is_ascii() => {
                self.plan_elements(text.chars)?;
                self.spend(text.chars as u64)?;
                let chars = &self.instance.chars;
                let bytes = text.text.bytes();
                let found = bytes.filter_map(|byte| chars.get(usize::from(byte)).cloned());
                Ok(found.collect())
            }
            // With one element there is no order.
            Value::Set(set) if set.table.borrow().len() < 2 => self.collect_any(value),
            other => {
                let iter = self.iterator(other)?;
                let Value::Iter(iter) = &iter else {
                    return Err(malformed());
                };
                let mut items = Vec::new();
                // Counted while it grows: what gives the items may collect others meanwhile.
                let held = charge(0)?;
                while let Some(item) = self.advance(iter)? {
                    items.push(item);
                    if items.len() % 1024 == 0 {
                        held.grow(1024 * crate::value::ELEMENT_BYTES)?;
                    }
                }
                Ok(items)
            }
        }
    }

    /// All items of an iterable or set, for uses where order does not matter.
    pub(crate) fn collect_any(&mut self, value: &Value) -> R<Vec<Value>> {
        match value {
            Value::Set(set) => {
                let length = set.table.borrow().len();
                self.plan_elements(length)?;
                Ok(set
                    .table
                    .borrow()
                    .iter()
                    .map(|entry| entry.key.clone())
                    .collect())
            }
            other => self.collect(other),
        }
    }
}

fn dict_state(dict: &Rc<DictObj>, kind: ViewKind) -> IterState {
    let (length, version) = {
        let table = dict.table.borrow();
        (table.len(), table.version)
    };
    IterState::Dict {
        dict: dict.clone(),
        kind,
        position: 0,
        length,
        version,
    }
}

fn check_dict(length: usize, expected: usize, version: u64, known: u64) -> R<()> {
    if length != expected {
        return Err(raise(
            Exc::RuntimeError,
            "dictionary changed size during iteration",
        ));
    }
    if version != known {
        return Err(raise(
            Exc::RuntimeError,
            "dictionary keys changed during iteration",
        ));
    }
    Ok(())
}
