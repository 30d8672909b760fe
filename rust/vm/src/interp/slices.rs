//! Slices of sequences.

use std::rc::Rc;

use super::arith::to_i64;
use super::Vm;
use crate::error::{malformed, raise, type_error, value_error, Exc, R};
use crate::value::{ListObj, StrObj, Value, ELEMENT_BYTES, OBJECT_BYTES};

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

    /// A part of a sequence; `None` for what has no order.
    pub(super) fn get_slice(&mut self, container: &Value, key: &Value) -> R<Option<Value>> {
        let part = match container {
            Value::List(list) => {
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
            Value::Tuple(tuple) => {
                let span = self.span(key, tuple.items.len())?;
                self.plan_elements(span.count)?;
                Value::tuple(
                    span.positions()
                        .filter_map(|at| tuple.items.get(at).cloned())
                        .collect(),
                )
            }
            Value::Str(text) => self.slice_text(text, key),
            Value::Bytes(bytes) => {
                let span = self.span(key, bytes.bytes.len())?;
                self.plan_bytes(span.count)?;
                if span.step == 1 {
                    let start = span.start as usize;
                    let part = bytes.bytes.get(start..start + span.count);
                    return Value::bytes(part.unwrap_or_default().to_vec()).map(Some);
                }
                Value::bytes(
                    span.positions()
                        .filter_map(|at| bytes.bytes.get(at).copied())
                        .collect(),
                )
            }
            Value::Range(range) => {
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
            _ => return Ok(None),
        };
        part.map(Some)
    }

    fn slice_text(&mut self, text: &StrObj, key: &Value) -> R<Value> {
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

    pub(super) fn set_slice(&mut self, list: &Rc<ListObj>, slice: &Value, value: &Value) -> R<()> {
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
}
