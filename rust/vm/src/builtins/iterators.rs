//! Builtins that give an iterator.

use crate::error::{raise, type_error, Exc, R};
use crate::interp::arith::to_big;
use crate::interp::iterate::IterState;
use crate::interp::Vm;
use crate::value::Value;

impl Vm<'_, '_> {
    pub(super) fn enumerate(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        let placed = arguments.len() - names.len().min(arguments.len());
        if arguments.is_empty() || arguments.len() > 2 {
            return Err(type_error(match arguments.len() {
                0 => "enumerate() missing required argument 'iterable'".to_string(),
                given => format!("enumerate() takes at most 2 arguments ({given} given)"),
            }));
        }
        let known: &[&str] = match (placed, arguments.len()) {
            (0, 1) => &["iterable"],
            (1, _) => &["start"],
            _ => &["iterable", "start"],
        };
        self.only_keywords("enumerate", names, known)?;
        let given = |at: usize, name: &str| {
            let placed = arguments[..placed].get(at);
            placed
                .or_else(|| self.keyword(arguments, names, name))
                .cloned()
        };
        let source = given(0, "iterable").ok_or_else(crate::error::malformed)?;
        let start = given(1, "start").unwrap_or(Value::Int(0));
        if to_big(&start).is_none() {
            return Err(type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                self.type_name(&start)
            )));
        }
        let iter = self.iterator(&source)?;
        let levels = levels_of(&iter) + 1;
        self.new_iter(IterState::Enumerate(iter, start), levels)
    }

    pub(super) fn zip(&mut self, arguments: &mut [Value], names: &[u16]) -> R<Value> {
        self.only_keywords("zip", names, &["strict"])?;
        let strict = self
            .keyword(arguments, names, "strict")
            .cloned()
            .unwrap_or(Value::Bool(false));
        let strict = self.truth(&strict)?;
        let sources = &arguments[..arguments.len() - names.len()];
        let (inner, levels) = self.iterators(sources)?;
        self.new_iter(IterState::Zip(inner, strict), levels)
    }

    pub(super) fn map(&mut self, function: &Value, sources: &[Value]) -> R<Value> {
        let (inner, levels) = self.iterators(sources)?;
        self.new_iter(IterState::Map(function.clone(), inner), levels)
    }

    pub(super) fn filter(&mut self, function: &Value, source: &Value) -> R<Value> {
        let iter = self.iterator(source)?;
        let levels = levels_of(&iter) + 1;
        self.new_iter(IterState::Filter(function.clone(), iter), levels)
    }

    /// An iterator over each source, and the levels of an iterator over all of them.
    fn iterators(&mut self, sources: &[Value]) -> R<(Vec<Value>, usize)> {
        let mut inner = Vec::new();
        let mut levels = 1;
        for source in sources {
            let iter = self.iterator(source)?;
            levels = levels.max(levels_of(&iter) + 1);
            inner.push(iter);
        }
        Ok((inner, levels))
    }

    pub(super) fn reversed(&mut self, value: &Value) -> R<Value> {
        match value {
            Value::List(list) => {
                let length = list.items.borrow().len();
                self.new_iter(IterState::ListBack(list.clone(), length), 1)
            }
            Value::Tuple(_)
            | Value::Str(_)
            | Value::Bytes(_)
            | Value::Dict(_)
            | Value::DictView(_) => {
                let mut items = self.collect(value)?;
                items.reverse();
                let tuple = self.new_tuple(items)?;
                self.iterator(&tuple)
            }
            Value::Range(range) => {
                let length = range.len();
                let reversed = if length == 0 {
                    Value::range(0, 0, 1)?
                } else {
                    let (first, last) = (range.start, range.at(length - 1));
                    let step = range
                        .step
                        .checked_neg()
                        .ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?;
                    let stop = first
                        .checked_add(step)
                        .ok_or_else(|| raise(Exc::OverflowError, "the range is too large"))?;
                    Value::range(last, stop, step)?
                };
                self.iterator(&reversed)
            }
            Value::Set(_) => Err(type_error("'set' object is not reversible")),
            other => Err(type_error(format!(
                "'{}' object is not reversible",
                self.type_name(other)
            ))),
        }
    }
}

/// Iterators inside of each other, in an iterator value.
fn levels_of(iter: &Value) -> usize {
    match iter {
        Value::Iter(iter) => iter.levels,
        _ => 1,
    }
}
