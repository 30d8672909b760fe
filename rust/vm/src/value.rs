//! Values of running contract code.
//!
//! Small values are inline, everything else is shared by reference count. Content that can change
//! lies in cells; no code may call back into the interpreter while such a cell is borrowed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use num_bigint::BigInt;

use crate::builtins::Builtin;
use crate::error::{Exc, R};
use crate::interp::iterate::IterState;
use crate::memory::{charge, drop_items, Charge};
use crate::table::HashTable;

/// A value; 16 bytes.
#[derive(Clone, Default, Debug)]
pub(crate) enum Value {
    /// No value: a register that was not written yet.
    #[default]
    Unset,
    None,
    Bool(bool),
    Int(i64),
    Big(Rc<BigObj>),
    Str(Rc<StrObj>),
    Bytes(Rc<BytesObj>),
    Tuple(Rc<TupleObj>),
    List(Rc<ListObj>),
    Dict(Rc<DictObj>),
    Set(Rc<SetObj>),
    Record(Rc<RecordObj>),
    Enum {
        class: u16,
        member: u16,
    },
    Decimal(Rc<DecimalObj>),
    /// The type of the decimals of a scale.
    DecimalType(u8),
    Range(Rc<RangeObj>),
    Slice(Rc<TupleObj>),
    DictView(Rc<ViewObj>),
    Exception(Rc<ExcObj>),
    Closure(Rc<ClosureObj>),
    Function(u16),
    Bound(Rc<BoundObj>),
    Builtin(Builtin),
    Class(u16),
    ExcClass(Exc),
    Table(u16),
    Contract,
    Cell(Rc<CellObj>),
    Iter(Rc<IterObj>),
}

/// An integer outside of 64 bits; never one inside.
#[derive(Debug)]
pub(crate) struct BigObj {
    pub(crate) value: BigInt,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

/// Text with its number of characters.
#[derive(Debug)]
pub(crate) struct StrObj {
    pub(crate) text: String,
    pub(crate) chars: usize,
    hash: Cell<u64>,
    charge: Charge,
}

impl StrObj {
    pub(crate) fn new(text: String) -> R<StrObj> {
        let charge = charge(OBJECT_BYTES + text.len())?;
        let chars = count_chars(&text);
        Ok(StrObj {
            text,
            chars,
            hash: Cell::new(0),
            charge,
        })
    }

    /// Text that is not counted: constants and messages.
    pub(crate) fn unmetered(text: String) -> StrObj {
        let chars = count_chars(&text);
        StrObj {
            text,
            chars,
            hash: Cell::new(0),
            charge: Charge::none(),
        }
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.chars == self.text.len()
    }

    /// Appends in place: only for text that nobody else holds.
    pub(crate) fn push(&mut self, more: &str) -> R<()> {
        self.charge.grow(more.len())?;
        self.text.push_str(more);
        self.chars += count_chars(more);
        self.hash.set(0);
        Ok(())
    }

    /// The hash, computed once.
    pub(crate) fn hash(&self) -> u64 {
        let known = self.hash.get();
        if known != 0 {
            return known;
        }
        let hash = crate::table::hash_bytes(self.text.as_bytes()) | 1;
        self.hash.set(hash);
        hash
    }
}

fn count_chars(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}

/// A byte string.
#[derive(Debug)]
pub(crate) struct BytesObj {
    pub(crate) bytes: Vec<u8>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

/// A tuple, or the three parts of a slice.
#[derive(Debug)]
pub(crate) struct TupleObj {
    pub(crate) items: Vec<Value>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for TupleObj {
    fn drop(&mut self) {
        if self.items.iter().any(Value::holds_values) {
            drop_items(std::mem::take(&mut self.items));
        }
    }
}

/// A list.
#[derive(Debug)]
pub(crate) struct ListObj {
    pub(crate) items: RefCell<Vec<Value>>,
    pub(crate) flags: Flags,
    pub(crate) charge: Charge,
}

impl Drop for ListObj {
    fn drop(&mut self) {
        if self.items.get_mut().iter().any(Value::holds_values) {
            drop_items(std::mem::take(self.items.get_mut()));
        }
    }
}

/// Marks of a container that can change.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// Part of a module constant: changing it is refused.
    pub(crate) frozen: Cell<bool>,
    /// Known to the interpreter as possibly part of a cycle.
    pub(crate) tracked: Cell<bool>,
}

/// A dictionary in insertion order.
#[derive(Debug)]
pub(crate) struct DictObj {
    pub(crate) table: RefCell<HashTable>,
    pub(crate) flags: Flags,
    pub(crate) charge: Charge,
}

impl Drop for DictObj {
    fn drop(&mut self) {
        self.table.get_mut().drop_content();
    }
}

/// A set or, frozen, a frozenset.
#[derive(Debug)]
pub(crate) struct SetObj {
    pub(crate) table: RefCell<HashTable>,
    pub(crate) frozenset: bool,
    pub(crate) flags: Flags,
    pub(crate) charge: Charge,
}

impl Drop for SetObj {
    fn drop(&mut self) {
        self.table.get_mut().drop_content();
    }
}

/// A record, event or exception-free value class instance.
#[derive(Debug)]
pub(crate) struct RecordObj {
    pub(crate) class: u16,
    pub(crate) fields: Vec<Value>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for RecordObj {
    fn drop(&mut self) {
        if self.fields.iter().any(Value::holds_values) {
            drop_items(std::mem::take(&mut self.fields));
        }
    }
}

/// An exact decimal.
#[derive(Debug)]
pub(crate) struct DecimalObj {
    /// An integer of the smallest unit.
    pub(crate) units: Value,
    pub(crate) scale: u8,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

/// A range.
#[derive(Debug)]
pub(crate) struct RangeObj {
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) step: i64,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl RangeObj {
    /// Number of integers in the range.
    pub(crate) fn len(&self) -> i64 {
        let (start, stop, step) = (
            i128::from(self.start),
            i128::from(self.stop),
            i128::from(self.step),
        );
        let span = if step > 0 { stop - start } else { start - stop };
        if span <= 0 || step == 0 {
            return 0;
        }
        i64::try_from((span - 1) / step.abs() + 1).unwrap_or(i64::MAX)
    }

    /// Whether it has more integers than 64 bits count.
    pub(crate) fn is_huge(&self) -> bool {
        self.wide_len() > i128::from(i64::MAX)
    }

    /// Number of integers in the range, however many.
    pub(crate) fn wide_len(&self) -> i128 {
        let span = i128::from(self.stop) - i128::from(self.start);
        let step = i128::from(self.step);
        if step == 0 || span.signum() != step.signum() {
            return 0;
        }
        (span - step.signum()) / step + 1
    }

    /// The integer at a position inside of the range.
    pub(crate) fn at(&self, index: i64) -> i64 {
        self.start.wrapping_add(self.step.wrapping_mul(index))
    }
}

/// What part of a dictionary a view shows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum ViewKind {
    Keys,
    Values,
    Items,
}

/// `dict.keys()`, `.values()`, `.items()`.
#[derive(Debug)]
pub(crate) struct ViewObj {
    pub(crate) dict: Rc<DictObj>,
    pub(crate) kind: ViewKind,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

/// An exception.
#[derive(Debug)]
pub(crate) struct ExcObj {
    pub(crate) class: Exc,
    pub(crate) args: Vec<Value>,
    /// Line on which it was raised, 0 before that.
    pub(crate) line: Cell<u32>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for ExcObj {
    fn drop(&mut self) {
        if self.args.iter().any(Value::holds_values) {
            drop_items(std::mem::take(&mut self.args));
        }
    }
}

/// A function with what it holds of the functions around it.
#[derive(Debug)]
pub(crate) struct ClosureObj {
    pub(crate) function: u16,
    /// Cells of free variables, then default values.
    pub(crate) held: Vec<Value>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for ClosureObj {
    fn drop(&mut self) {
        if !self.held.is_empty() {
            drop_items(std::mem::take(&mut self.held));
        }
    }
}

/// A method taken from its object.
#[derive(Debug)]
pub(crate) struct BoundObj {
    pub(crate) receiver: Value,
    pub(crate) name: u16,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for BoundObj {
    fn drop(&mut self) {
        drop_items(vec![std::mem::take(&mut self.receiver)]);
    }
}

/// A variable shared between functions.
#[derive(Debug)]
pub(crate) struct CellObj {
    pub(crate) value: RefCell<Value>,
    pub(crate) tracked: Cell<bool>,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

impl Drop for CellObj {
    fn drop(&mut self) {
        if self.value.get_mut().holds_values() {
            drop_items(vec![std::mem::take(self.value.get_mut())]);
        }
    }
}

/// An iterator as a value.
#[derive(Debug)]
pub(crate) struct IterObj {
    pub(crate) state: RefCell<IterState>,
    /// Iterators inside of each other.
    pub(crate) levels: usize,
    #[allow(dead_code)] // given back on drop
    pub(crate) charge: Charge,
}

/// Bytes counted for the head of an object.
pub(crate) const OBJECT_BYTES: usize = 64;
/// Bytes counted for each element of a container.
pub(crate) const ELEMENT_BYTES: usize = 16;
/// Bytes counted for each entry of a dictionary or set.
pub(crate) const ENTRY_BYTES: usize = 56;

impl Value {
    /// Whether dropping this value can drop others.
    #[inline]
    pub(crate) fn holds_values(&self) -> bool {
        matches!(
            self,
            Value::Tuple(_)
                | Value::List(_)
                | Value::Dict(_)
                | Value::Set(_)
                | Value::Record(_)
                | Value::DictView(_)
                | Value::Exception(_)
                | Value::Closure(_)
                | Value::Bound(_)
                | Value::Cell(_)
                | Value::Iter(_)
                | Value::Slice(_)
        )
    }

    /// Text that is not counted.
    pub(crate) fn text(text: &str) -> Value {
        Value::Str(Rc::new(StrObj::unmetered(text.to_string())))
    }

    pub(crate) fn str(text: String) -> R<Value> {
        Ok(Value::Str(Rc::new(StrObj::new(text)?)))
    }

    pub(crate) fn bytes(bytes: Vec<u8>) -> R<Value> {
        let charge = charge(OBJECT_BYTES + bytes.len())?;
        Ok(Value::Bytes(Rc::new(BytesObj { bytes, charge })))
    }

    pub(crate) fn tuple(items: Vec<Value>) -> R<Value> {
        let charge = charge(OBJECT_BYTES + items.len() * ELEMENT_BYTES)?;
        Ok(Value::Tuple(Rc::new(TupleObj { items, charge })))
    }

    pub(crate) fn list(items: Vec<Value>) -> R<Value> {
        let charge = charge(OBJECT_BYTES + items.len() * ELEMENT_BYTES)?;
        Ok(Value::List(Rc::new(ListObj {
            items: RefCell::new(items),
            flags: Flags::default(),
            charge,
        })))
    }

    pub(crate) fn dict(table: HashTable) -> R<Value> {
        let charge = charge(OBJECT_BYTES + table.len() * ENTRY_BYTES)?;
        Ok(Value::Dict(Rc::new(DictObj {
            table: RefCell::new(table),
            flags: Flags::default(),
            charge,
        })))
    }

    pub(crate) fn set(table: HashTable, frozenset: bool) -> R<Value> {
        let charge = charge(OBJECT_BYTES + table.len() * ENTRY_BYTES)?;
        let flags = Flags::default();
        Ok(Value::Set(Rc::new(SetObj {
            table: RefCell::new(table),
            frozenset,
            flags,
            charge,
        })))
    }

    pub(crate) fn record(class: u16, fields: Vec<Value>) -> R<Value> {
        let charge = charge(OBJECT_BYTES + fields.len() * ELEMENT_BYTES)?;
        Ok(Value::Record(Rc::new(RecordObj {
            class,
            fields,
            charge,
        })))
    }

    pub(crate) fn range(start: i64, stop: i64, step: i64) -> R<Value> {
        let charge = charge(OBJECT_BYTES)?;
        Ok(Value::Range(Rc::new(RangeObj {
            start,
            stop,
            step,
            charge,
        })))
    }
}
