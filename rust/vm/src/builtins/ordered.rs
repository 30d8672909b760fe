//! Sorting: stable, only `<`, and each comparison costs gas.

use crate::error::R;
use crate::gas;
use crate::interp::compare::Order;
use crate::interp::Vm;
use crate::value::{Value, ELEMENT_BYTES};

impl Vm<'_, '_> {
    /// Sorts by keys, in the order that `reverse` asks for, keeping equal ones in place.
    pub(crate) fn sort_values(
        &mut self,
        items: Vec<Value>,
        keys: Option<Vec<Value>>,
        reverse: bool,
    ) -> R<Vec<Value>> {
        let count = items.len();
        // The order, and the items once more.
        let _held = crate::memory::charge(count.saturating_mul(2 * ELEMENT_BYTES))?;
        let rounds = u64::from(usize::BITS - count.leading_zeros());
        let charge = |each: u64| {
            (count as u64)
                .saturating_mul(rounds + 1)
                .saturating_mul(each)
        };
        let sorted_by = keys.as_ref().unwrap_or(&items);
        let all_ints = sorted_by.iter().all(|key| matches!(key, Value::Int(_)));
        let all_texts = !all_ints && sorted_by.iter().all(|key| matches!(key, Value::Str(_)));
        let mut order: Vec<usize> = (0..count).collect();
        if reverse {
            order.reverse();
        }
        if all_ints {
            self.spend(charge(1))?;
            let numbers: Vec<i64> = sorted_by
                .iter()
                .map(|key| {
                    if let Value::Int(number) = key {
                        *number
                    } else {
                        0
                    }
                })
                .collect();
            order.sort_by_key(|at| numbers[*at]);
        } else if all_texts {
            let longest = sorted_by
                .iter()
                .map(|key| {
                    if let Value::Str(text) = key {
                        text.text.len()
                    } else {
                        0
                    }
                })
                .max()
                .unwrap_or(0);
            self.spend(charge(1 + gas::bytes(longest)))?;
            let texts: Vec<&str> = sorted_by
                .iter()
                .map(|key| {
                    if let Value::Str(text) = key {
                        text.text.as_str()
                    } else {
                        ""
                    }
                })
                .collect();
            order.sort_by_key(|at| texts[*at]);
        } else {
            order = self.merge_sort(order, sorted_by)?;
        }
        if reverse {
            order.reverse();
        }
        let mut slots: Vec<Option<Value>> = items.into_iter().map(Some).collect();
        Ok(order
            .into_iter()
            .filter_map(|at| slots.get_mut(at).and_then(Option::take))
            .collect())
    }

    /// Our own merge sort: comparisons can fail, and need not be consistent.
    fn merge_sort(&mut self, mut order: Vec<usize>, keys: &[Value]) -> R<Vec<usize>> {
        let count = order.len();
        let mut width = 1;
        let mut merged = Vec::with_capacity(count);
        while width < count {
            merged.clear();
            let mut start = 0;
            while start < count {
                let (middle, end) = ((start + width).min(count), (start + 2 * width).min(count));
                let (mut left, mut right) = (start, middle);
                while left < middle && right < end {
                    self.spend(gas::SORT_STEP)?;
                    // The right one goes first only if it is smaller: equal ones keep their order.
                    if self.compare(Order::Lt, &keys[order[right]], &keys[order[left]])? {
                        merged.push(order[right]);
                        right += 1;
                    } else {
                        merged.push(order[left]);
                        left += 1;
                    }
                }
                merged.extend_from_slice(&order[left..middle]);
                merged.extend_from_slice(&order[right..end]);
                start = end;
            }
            std::mem::swap(&mut order, &mut merged);
            width *= 2;
        }
        Ok(order)
    }
}
