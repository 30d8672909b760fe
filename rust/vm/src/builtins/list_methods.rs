//! Methods of lists, tuples and ranges.

use std::rc::Rc;

use super::named::Takes;
use super::Method;
use crate::error::{raise, type_error, value_error, Exc, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::{ListObj, Value, ELEMENT_BYTES, OBJECT_BYTES};

impl Vm<'_, '_> {
    pub(crate) fn list_method(
        &mut self,
        list: &Rc<ListObj>,
        method: Method,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        let what = method.name();
        if method == Method::Sort {
            return self.list_sort(list, arguments, names);
        }
        let (least, most) = match method {
            Method::Append | Method::Extend | Method::Remove | Method::Count => (1, 1),
            Method::Insert => (2, 2),
            Method::Pop => (0, 1),
            Method::Index => (1, 3),
            _ => (0, 0),
        };
        self.arity(what, arguments, names, least, most)?;
        match method {
            Method::Append => self.push(list, std::mem::take(&mut arguments[0]))?,
            Method::Extend => self.extend(&Value::List(list.clone()), &arguments[0])?,
            Method::Insert => self.list_insert(list, arguments)?,
            Method::Pop => return self.list_pop(list, arguments.first()),
            Method::Remove => self.list_remove(list, &arguments[0])?,
            Method::Clear => self.replace_items(list, Vec::new())?,
            Method::Reverse => {
                self.may_change(&list.flags)?;
                self.spend(gas::elements(list.items.borrow().len()))?;
                list.items.borrow_mut().reverse();
            }
            Method::Copy => {
                let items = self.collect(&Value::List(list.clone()))?;
                return self.new_list(items);
            }
            _ => return self.sequence_method(&Value::List(list.clone()), method, arguments),
        }
        Ok(Value::None)
    }

    fn list_insert(&mut self, list: &Rc<ListObj>, arguments: &mut [Value]) -> R<()> {
        self.may_change(&list.flags)?;
        let length = list.items.borrow().len();
        let at = self.int_argument(&arguments[0])?;
        let at = if at < 0 {
            at.saturating_add(length as i64).max(0)
        } else {
            at.min(length as i64)
        };
        self.spend(gas::elements(length))?;
        list.charge
            .reach(OBJECT_BYTES + (length + 1) * ELEMENT_BYTES)?;
        self.track_list(list, &arguments[1]);
        list.items
            .borrow_mut()
            .insert(at as usize, std::mem::take(&mut arguments[1]));
        Ok(())
    }

    fn list_pop(&mut self, list: &Rc<ListObj>, at: Option<&Value>) -> R<Value> {
        self.may_change(&list.flags)?;
        let at = at.map(|at| self.int_argument(at)).transpose()?;
        let length = list.items.borrow().len();
        if length == 0 {
            return Err(raise(Exc::IndexError, "pop from empty list"));
        }
        let Some(at) = at else {
            return Ok(list.items.borrow_mut().pop().unwrap_or(Value::None));
        };
        let at = if at < 0 {
            at.saturating_add(length as i64)
        } else {
            at
        };
        if !(0..length as i64).contains(&at) {
            return Err(raise(Exc::IndexError, "pop index out of range"));
        }
        self.spend(gas::elements(length - at as usize))?;
        let removed = list.items.borrow_mut().remove(at as usize);
        Ok(removed)
    }

    fn list_remove(&mut self, list: &Rc<ListObj>, wanted: &Value) -> R<()> {
        self.may_change(&list.flags)?;
        let at = self.position(&list.items.borrow().clone(), wanted)?;
        let Some(at) = at else {
            return Err(value_error("list.remove(x): x not in list"));
        };
        let removed = list.items.borrow_mut().remove(at);
        drop(removed);
        Ok(())
    }

    fn list_sort(
        &mut self,
        list: &Rc<ListObj>,
        arguments: &mut [Value],
        names: &[u16],
    ) -> R<Value> {
        self.may_change(&list.flags)?;
        const TAKES: Takes = Takes::any("sort", &["key", "reverse"]).placed(0);
        let [key, reverse] = self.named(&TAKES, arguments, names)?;
        let key = key.unwrap_or(Value::None);
        let reverse = reverse.unwrap_or(Value::Bool(false));
        let reverse = self.truth(&reverse)?;
        // The list is empty while it is sorted, as in CPython.
        let items = list.items.take();
        let kept = items.clone();
        let result = self.sort_with(items, &key, reverse);
        let meddled = !list.items.borrow().is_empty();
        match result {
            Ok(sorted) => drop(list.items.replace(sorted)),
            Err(trap) => {
                drop(list.items.replace(kept));
                return Err(trap);
            }
        }
        if meddled {
            return Err(value_error("list modified during sort"));
        }
        Ok(Value::None)
    }

    /// The first place of an element.
    fn position(&mut self, items: &[Value], wanted: &Value) -> R<Option<usize>> {
        for (at, item) in items.iter().enumerate() {
            self.spend(1)?;
            if self.equal(item, wanted, 0)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// `count` and `index`
    pub(crate) fn sequence_method(
        &mut self,
        sequence: &Value,
        method: Method,
        arguments: &[Value],
    ) -> R<Value> {
        let items = self.collect(sequence)?;
        let Some(wanted) = arguments.first() else {
            return Err(type_error(format!(
                "{}() takes exactly one argument (0 given)",
                method.name()
            )));
        };
        if method == Method::Count {
            let mut count = 0;
            for item in &items {
                self.spend(1)?;
                count += i64::from(self.equal(item, wanted, 0)?);
            }
            return Ok(Value::Int(count));
        }
        let length = items.len() as i64;
        let bound = |at: usize, missing: i64| -> R<i64> {
            match arguments.get(at) {
                Some(value) => {
                    if crate::interp::arith::to_big(value).is_none() {
                        return Err(type_error(
                            "slice indices must be integers or have an __index__ method",
                        ));
                    }
                    let number = crate::interp::arith::clamped(value);
                    Ok(if number < 0 {
                        number.saturating_add(length).max(0)
                    } else {
                        number.min(length)
                    })
                }
                None => Ok(missing),
            }
        };
        let (start, stop) = (bound(1, 0)?, bound(2, length)?);
        let inside = items
            .get(start as usize..stop.max(start) as usize)
            .unwrap_or_default();
        match self.position(inside, wanted)? {
            Some(at) => Ok(Value::Int(start + at as i64)),
            None => {
                let shown = match sequence {
                    Value::Tuple(_) => String::new(),
                    Value::Range(_) if crate::interp::arith::to_big(wanted).is_none() => {
                        String::new()
                    }
                    _ => self.repr(wanted)?,
                };
                Err(match sequence {
                    Value::Tuple(_) => value_error("tuple.index(x): x not in tuple"),
                    Value::Range(_) if crate::interp::arith::to_big(wanted).is_some() => {
                        value_error(format!("{shown} is not in range"))
                    }
                    Value::Range(_) => value_error("sequence.index(x): x not in sequence"),
                    _ => value_error(format!("{shown} is not in list")),
                })
            }
        }
    }
}
