//! A compiled contract: code, constants, classes and its interface.

mod decode;
mod encode;
pub(crate) mod ops;
mod state;
pub(crate) mod uses;
mod validate;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use num_bigint::BigInt;

use crate::builtins::Method;
use crate::error::Exc;
use crate::interface::Interface;
use crate::types::Type;
pub(crate) use ops::{Instr, Op, SMALL_BIAS};
pub(crate) use state::{CellInfo, Migration};

/// Version of the compiled form; part of its bytes.
pub(crate) const FORMAT: u64 = 4;

/// A line with its file: the number of an import from 1, or 0 for the program's own, stands above.
pub(crate) const FILE_SHIFT: u32 = 20;

/// Number of the built-in record class of callers.
pub(crate) const CALLER: u16 = 0;

/// A value that a program holds.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Const {
    None,
    Bool(bool),
    Int(i64),
    Big(BigInt),
    Str(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Const>),
    List(Vec<Const>),
    Dict(Vec<(Const, Const)>),
    Set(Vec<Const>),
    Frozenset(Vec<Const>),
    Range(i64, i64, i64),
    Enum(u16, u16),
    Record(u16, Vec<Const>),
    Function(u16),
    Builtin(u16),
    Class(u16),
    ExcClass(Exc),
    /// A scale and an int of units.
    Decimal(u8, Box<Const>),
    DecimalType(u8),
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Param {
    pub(crate) name: u16,
    /// A constant as default.
    pub(crate) default: Option<u16>,
    /// The default is held by the closure, at this place after the free variables.
    pub(crate) held_default: Option<u16>,
}

/// Where an exception goes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Handler {
    pub(crate) start: u16,
    pub(crate) end: u16,
    pub(crate) target: u16,
    /// Register that takes the exception.
    pub(crate) register: u16,
}

/// A function's code.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) params: Vec<Param>,
    /// Parameters that may be given by position; the others are keyword-only.
    pub(crate) positional: u16,
    /// Parameters that may be given by position only.
    pub(crate) positional_only: u16,
    pub(crate) star: bool,
    pub(crate) star_star: bool,
    /// Cells taken from the functions around it.
    pub(crate) frees: u16,
    /// Defaults that the closure holds.
    pub(crate) held_defaults: u16,
    pub(crate) registers: u16,
    pub(crate) code: Vec<Instr>,
    pub(crate) handlers: Vec<Handler>,
    /// First instruction of each run of one line.
    pub(crate) lines: Vec<(u16, u32)>,
}

impl Function {
    /// Registers that a caller fills: parameters and the star ones.
    pub(crate) fn arguments(&self) -> usize {
        self.params.len() + usize::from(self.star) + usize::from(self.star_star)
    }

    /// The line of an instruction, for errors: what belongs to none counts to the one above.
    pub(crate) fn line_at(&self, pc: usize) -> u32 {
        let mut runs = self.lines[..self.runs_before(pc)].iter().rev();
        runs.find(|run| run.1 != NO_LINE)
            .map_or(self.line, |run| run.1)
    }

    /// The line of an instruction, for traces: `NO_LINE` where it belongs to none.
    pub(crate) fn traced_line(&self, pc: usize) -> u32 {
        let run = self.runs_before(pc).checked_sub(1);
        run.and_then(|run| self.lines.get(run))
            .map_or(self.line, |run| run.1)
    }

    fn runs_before(&self, pc: usize) -> usize {
        self.lines
            .partition_point(|(start, _)| usize::from(*start) <= pc)
    }
}

/// The line of instructions that tie blocks together.
pub(crate) const NO_LINE: u32 = 0;

fn specials(parts: &Parts) -> HashMap<(u16, char, u16), u16> {
    let mut found = HashMap::new();
    let names = parts.names.iter().enumerate();
    let ids: HashMap<&str, u16> = names.map(|(id, name)| (name.as_str(), id as u16)).collect();
    for (class, info) in parts.classes.iter().enumerate() {
        for (name, function) in &info.methods {
            let text = parts.names.get(usize::from(*name));
            let text = text.map_or("", String::as_str);
            let marks = Special::ALL.map(Special::mark);
            let Some(mark) = marks.into_iter().find(|mark| text.starts_with(*mark)) else {
                continue;
            };
            if let Some(plain) = ids.get(&text[1..]) {
                found.insert((class as u16, mark, *plain), *function);
            }
        }
    }
    found
}

/// Methods of records that are not called as `record.name()` with the record itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Special {
    /// `@property`
    Property,
    /// `@staticmethod`
    Static,
    /// `@classmethod`
    Class,
}

impl Special {
    pub(crate) const ALL: [Special; 3] = [Special::Property, Special::Static, Special::Class];

    /// What stands before its name in the list of methods: no name of Python begins so.
    pub(crate) fn mark(self) -> char {
        match self {
            Special::Property => '@',
            Special::Static => '=',
            Special::Class => '$',
        }
    }
}

/// Kinds of classes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum ClassKind {
    Record,
    Event,
    Enum,
}

/// A field of a record or event.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Field {
    pub(crate) name: u16,
    pub(crate) ty: Type,
    pub(crate) default: Option<u16>,
}

/// A class.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) kind: ClassKind,
    pub(crate) base: Option<u16>,
    pub(crate) fields: Vec<Field>,
    /// Fields that name who must sign each change of a row.
    pub(crate) signatories: Vec<u16>,
    /// Fields that name who else a row concerns.
    pub(crate) observers: Vec<u16>,
    /// Name and function of each method, inherited ones included.
    pub(crate) methods: Vec<(u16, u16)>,
    /// Names and values of an enum.
    pub(crate) members: Vec<(u16, Const)>,
}

/// A table of the contract.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct TableInfo {
    pub(crate) name: u16,
    pub(crate) class: u16,
    /// Fields of the key, by position in the class.
    pub(crate) key: Vec<u16>,
    /// Fields of each index.
    pub(crate) indexes: Vec<Vec<u16>>,
    /// Indexes whose values no two rows share, by number.
    pub(crate) unique: Vec<u16>,
}

/// Keyword arguments of a call: how many are by position, and the names of the others.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Shape {
    pub(crate) positional: u16,
    pub(crate) names: Vec<u16>,
}

/// A method that transactions and views reach.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: u16,
    pub(crate) function: u16,
    pub(crate) view: bool,
    pub(crate) by: String,
    /// Types of the parameters after `self`.
    pub(crate) types: Vec<Type>,
    pub(crate) returns: Type,
    pub(crate) doc: String,
}

/// A deployed source whose code is part of a program.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Import {
    /// Its module's name behind `lianheng.chain.`.
    pub(crate) module: String,
    pub(crate) source: [u8; 32],
}

/// The stored part of a program.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) file: String,
    pub(crate) contract: String,
    pub(crate) doc: String,
    pub(crate) names: Vec<String>,
    pub(crate) consts: Vec<Const>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) functions: Vec<Function>,
    pub(crate) classes: Vec<Class>,
    pub(crate) tables: Vec<TableInfo>,
    /// Methods of the contract that are reached through `self` as a value.
    pub(crate) methods: Vec<(u16, u16)>,
    pub(crate) entries: Vec<Entry>,
    /// Cells and counters.
    pub(crate) cells: Vec<CellInfo>,
    /// Methods that change the state to a new layout.
    pub(crate) migrations: Vec<Migration>,
    /// Interfaces of other contracts.
    pub(crate) interfaces: Vec<uses::Declared>,
    /// Attributes that stand for other contracts.
    pub(crate) uses: Vec<uses::Use>,
    /// Methods that only blocks run, when they fall due.
    pub(crate) timers: Vec<Entry>,
    /// Sources whose code is part of this program.
    pub(crate) imports: Vec<Import>,
    /// Names of the module's variables: a script has some, a contract none. Not stored.
    pub(crate) globals: Vec<u16>,
    /// The function of a script's statements. Not stored: only contracts are.
    pub(crate) main: Option<u16>,
}

/// What is derived from a class for speed.
#[derive(Debug, Default)]
pub(crate) struct ClassIndex {
    /// Field position by name; [`NO_SLOT`] where there is none.
    pub(crate) slots: Vec<u8>,
    /// Encoded key and position of each field, in the order of a canonical map.
    pub(crate) order: Vec<(Vec<u8>, u16)>,
    /// This class and those above it.
    pub(crate) lineage: Vec<u16>,
}

/// No such field.
pub(crate) const NO_SLOT: u8 = u8::MAX;

/// A compiled contract: immutable, shared between threads.
#[derive(Debug)]
pub struct Program {
    pub(crate) parts: Parts,
    /// Tells programs apart in caches of threads.
    pub(crate) serial: u64,
    pub(crate) class_index: Vec<ClassIndex>,
    /// The built-in method that a name means, if any.
    pub(crate) methods: Vec<Option<Method>>,
    /// Properties, static methods and class methods: by class, kind and name, the function.
    specials: HashMap<(u16, char, u16), u16>,
    interface: Interface,
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

impl Program {
    /// Derives the indexes; the parts must be valid.
    pub(crate) fn new(parts: Parts) -> Program {
        let class_index = parts
            .classes
            .iter()
            .map(|class| index_class(&parts, class))
            .collect();
        let methods = parts
            .names
            .iter()
            .map(|name| Method::from_name(name))
            .collect();
        let interface = Interface::of(&parts);
        let specials = specials(&parts);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Program {
            parts,
            serial,
            class_index,
            methods,
            specials,
            interface,
        }
    }

    /// What the contract offers: calls, views, tables, records and events.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// The file name given when it was compiled.
    pub fn source_file(&self) -> &str {
        &self.parts.file
    }

    /// A line of the code as the imported file that it lies in, where it does, and the line there.
    pub(crate) fn place(&self, line: u32) -> (Option<String>, u32) {
        let number = (line >> FILE_SHIFT) as usize;
        let import = number
            .checked_sub(1)
            .and_then(|at| self.parts.imports.get(at));
        let file = import.map(|import| format!("{}.py", import.module));
        (file, line & ((1 << FILE_SHIFT) - 1))
    }

    pub(crate) fn name(&self, name: u16) -> &str {
        self.parts
            .names
            .get(usize::from(name))
            .map_or("?", String::as_str)
    }

    /// The function of a property, static method or class method.
    pub(crate) fn special(&self, class: u16, special: Special, name: u16) -> Option<u16> {
        self.specials.get(&(class, special.mark(), name)).copied()
    }

    pub(crate) fn class(&self, class: u16) -> &Class {
        &self.parts.classes[usize::from(class)]
    }

    /// Whether `class` is `ancestor` or below it.
    pub(crate) fn is_subclass(&self, class: u16, ancestor: u16) -> bool {
        self.class_index
            .get(usize::from(class))
            .is_some_and(|index| index.lineage.contains(&ancestor))
    }

    /// The position of a field.
    #[inline]
    pub(crate) fn slot(&self, class: u16, name: u16) -> Option<usize> {
        let slots = &self.class_index.get(usize::from(class))?.slots;
        slots
            .get(usize::from(name))
            .copied()
            .filter(|slot| *slot != NO_SLOT)
            .map(usize::from)
    }
}

fn index_class(parts: &Parts, class: &Class) -> ClassIndex {
    let mut slots = vec![NO_SLOT; parts.names.len()];
    let mut order = Vec::new();
    for (position, field) in class.fields.iter().enumerate() {
        if let Some(slot) = slots.get_mut(usize::from(field.name)) {
            *slot = position as u8;
        }
        let mut key = codec::cbor::Encoder::new();
        key.text(
            parts
                .names
                .get(usize::from(field.name))
                .map_or("", String::as_str),
        );
        order.push((key.into_bytes(), position as u16));
    }
    order.sort();
    let mut lineage = Vec::new();
    let mut current = parts
        .classes
        .iter()
        .position(|other| std::ptr::eq(other, class))
        .map(|at| at as u16);
    while let Some(number) = current.filter(|number| !lineage.contains(number)) {
        lineage.push(number);
        current = parts
            .classes
            .get(usize::from(number))
            .and_then(|class| class.base);
    }
    ClassIndex {
        slots,
        order,
        lineage,
    }
}
