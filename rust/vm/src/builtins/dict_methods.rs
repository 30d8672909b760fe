//! Methods of dictionaries.

use std::rc::Rc;

use super::Method;
use crate::error::{malformed, raise, raise_with, type_error, Exc, R};
use crate::gas;
use crate::interp::Vm;
use crate::memory::charge;
use crate::table::HashTable;
use crate::value::{DictObj, Value, ViewKind, ViewObj, OBJECT_BYTES};

impl Vm<'_, '_> {
    pub(crate) fn dict_method(
        &mut self,
        dict: &Rc<DictObj>,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        if method == Method::Update {
            return self.dict_update(dict, arguments, names);
        }
        let (least, most) = match method {
            Method::Get | Method::Pop | Method::Setdefault => (1, 2),
            _ => (0, 0),
        };
        self.arity(method.name(), arguments, names, least, most)?;
        match method {
            Method::Keys => self.view(dict, ViewKind::Keys),
            Method::Values => self.view(dict, ViewKind::Values),
            Method::Items => self.view(dict, ViewKind::Items),
            Method::Get => {
                let hash = self.hash(&arguments[0], 0)?;
                let found = self.find(dict, hash, &arguments[0])?;
                let found = found.and_then(|at| {
                    dict.table
                        .borrow()
                        .entry(at)
                        .map(|entry| entry.value.clone())
                });
                Ok(found.unwrap_or_else(|| arguments.get(1).cloned().unwrap_or(Value::None)))
            }
            Method::Setdefault => {
                self.may_change(&dict.flags)?;
                let hash = self.hash(&arguments[0], 0)?;
                if let Some(at) = self.find(dict, hash, &arguments[0])? {
                    return Ok(dict
                        .table
                        .borrow()
                        .entry(at)
                        .map(|entry| entry.value.clone())
                        .unwrap_or_default());
                }
                let value = arguments.get(1).cloned().unwrap_or(Value::None);
                self.dict_set(dict, hash, arguments[0].clone(), value.clone())?;
                Ok(value)
            }
            Method::Pop => self.dict_pop(dict, arguments),
            Method::Popitem => {
                self.may_change(&dict.flags)?;
                let last = dict.table.borrow().last();
                let removed = last.and_then(|at| dict.table.borrow_mut().remove(at));
                match removed {
                    Some((key, value)) => self.new_tuple(vec![key, value]),
                    None => Err(raise(Exc::KeyError, "popitem(): dictionary is empty")),
                }
            }
            Method::Clear => {
                self.may_change(&dict.flags)?;
                let items = dict.table.borrow_mut().clear();
                crate::memory::drop_items(items);
                Ok(Value::None)
            }
            _ => {
                self.plan_elements(dict.table.borrow().len() * 3)?;
                Value::dict(dict.table.borrow().clone())
            }
        }
    }

    /// `dict.pop(key, default)`
    fn dict_pop(&mut self, dict: &Rc<DictObj>, arguments: &[Value]) -> R<Value> {
        self.may_change(&dict.flags)?;
        // CPython does not ask for the key's hash where nothing can be found.
        let found = if dict.table.borrow().len() == 0 {
            None
        } else {
            let hash = self.hash(&arguments[0], 0)?;
            self.find(dict, hash, &arguments[0])?
        };
        let removed = found.and_then(|at| dict.table.borrow_mut().remove(at));
        match (removed, arguments.get(1)) {
            (Some((_, value)), _) => Ok(value),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(raise_with(Exc::KeyError, vec![arguments[0].clone()])),
        }
    }

    fn view(&mut self, dict: &Rc<DictObj>, kind: ViewKind) -> R<Value> {
        self.spend(gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES)?;
        Ok(Value::DictView(Rc::new(ViewObj {
            dict: dict.clone(),
            kind,
            charge,
        })))
    }

    pub(crate) fn dict_update(
        &mut self,
        dict: &Rc<DictObj>,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let positional = arguments.len() - names.len().min(arguments.len());
        let made = Value::Dict(dict.clone());
        self.may_change(&dict.flags)?;
        match &arguments[..positional] {
            [] => {}
            [source @ Value::Dict(_)] => self.merge(&made, source)?,
            [source] => {
                let pairs = self.collect(source)?;
                for (number, pair) in pairs.iter().enumerate() {
                    let (key, value) = self.update_pair(pair, number)?;
                    let hash = self.hash(&key, 0)?;
                    self.dict_set(dict, hash, key, value)?;
                }
            }
            _ => {
                return Err(type_error(format!(
                    "update expected at most 1 argument, got {positional}"
                )))
            }
        }
        for (name, value) in names.iter().zip(&arguments[positional..]) {
            let key = self.new_str(self.keyword_name(*name).to_string())?;
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value.clone())?;
        }
        Ok(Value::None)
    }

    /// The key and the value in an element that a dictionary is made from.
    pub(crate) fn update_pair(&mut self, pair: &Value, number: usize) -> R<(Value, Value)> {
        let cannot = || {
            type_error(format!(
                "cannot convert dictionary update sequence element #{number} to a sequence"
            ))
        };
        if matches!(
            pair,
            Value::None
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Big(_)
                | Value::Record(_)
                | Value::Enum { .. }
        ) {
            return Err(cannot());
        }
        let items = self.collect(pair)?;
        match items.as_slice() {
            [key, value] => Ok((key.clone(), value.clone())),
            _ => {
                let length = items.len();
                let message = format!("dictionary update sequence element #{number} has length {length}; 2 is required");
                Err(crate::error::value_error(message))
            }
        }
    }

    /// `dict.fromkeys(keys, value)`
    pub(crate) fn dict_fromkeys(&mut self, arguments: &[Value], names: &[u16]) -> R<Value> {
        self.arity("fromkeys", arguments, names, 1, 2)?;
        let (keys, value) = match arguments {
            [keys] => (keys, Value::None),
            [keys, value] => (keys, value.clone()),
            _ => return Err(type_error("fromkeys() takes keys and a value")),
        };
        let made = Value::dict(HashTable::default())?;
        let Value::Dict(dict) = &made else {
            return Err(malformed());
        };
        for key in self.collect(keys)? {
            let hash = self.hash(&key, 0)?;
            self.dict_set(dict, hash, key, value.clone())?;
        }
        Ok(made)
    }
}
