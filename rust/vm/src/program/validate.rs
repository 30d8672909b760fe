//! Whether a program read from bytes can be run: every number in it names something that exists.

use super::ops::{Instr, Kind, Op};
use super::{Class, ClassKind, Const, Field, Function, Parts, Special, CALLER};
use crate::builtins::Builtin;
use crate::limits;
use crate::types::Type;

/// Why a program is refused.
pub(crate) type Refusal = String;

pub(super) fn refuse<T>(what: &str, found: impl std::fmt::Debug) -> Result<T, Refusal> {
    Err(format!("{what}: {found:?}"))
}

impl Parts {
    /// Refuses a program that the compiler could not have written in a way that matters: after
    /// this, the interpreter may index every table by the numbers in the code.
    pub(crate) fn validate(&self) -> Result<(), Refusal> {
        let lengths = [
            self.names.len(),
            self.consts.len(),
            self.shapes.len(),
            self.functions.len(),
            self.classes.len(),
            self.tables.len(),
            self.methods.len(),
            self.entries.len(),
            self.timers.len(),
        ];
        if let Some(length) = lengths.iter().find(|length| **length > limits::ITEMS) {
            return refuse("too many items", length);
        }
        let code: usize = self
            .functions
            .iter()
            .map(|function| function.code.len())
            .sum();
        if code > limits::PROGRAM_INSTRUCTIONS {
            return refuse("too many instructions", code);
        }
        self.classes
            .iter()
            .enumerate()
            .try_for_each(|(number, class)| self.check_class(number, class))?;
        self.check_caller()?;
        self.consts
            .iter()
            .try_for_each(|value| self.check_const(value, 0))?;
        for shape in &self.shapes {
            if shape.positional > 255 || shape.names.len() > 255 {
                return refuse("call shape too long", shape.names.len());
            }
            shape
                .names
                .iter()
                .try_for_each(|name| self.check_name(*name))?;
        }
        self.functions
            .iter()
            .try_for_each(|function| self.check_function(function))?;
        self.check_tables()?;
        for (name, function) in &self.methods {
            self.check_name(*name)?;
            self.check_method(*function)?;
        }
        self.check_entries()?;
        self.check_uses()?;
        self.check_state()
    }

    pub(super) fn check_name(&self, name: u16) -> Result<(), Refusal> {
        if usize::from(name) < self.names.len() {
            Ok(())
        } else {
            refuse("no such name", name)
        }
    }

    pub(super) fn check_method(&self, function: u16) -> Result<(), Refusal> {
        match self.functions.get(usize::from(function)) {
            Some(found)
                if !found.params.is_empty() && found.frees == 0 && found.held_defaults == 0 =>
            {
                Ok(())
            }
            _ => refuse("no such method", function),
        }
    }

    fn check_caller(&self) -> Result<(), Refusal> {
        match self.classes.get(usize::from(CALLER)) {
            Some(class) if class.kind == ClassKind::Record && class.fields.len() == 3 => Ok(()),
            _ => refuse("the class of callers is missing", self.classes.len()),
        }
    }

    fn check_class(&self, number: usize, class: &Class) -> Result<(), Refusal> {
        if class.base.is_some_and(|base| usize::from(base) >= number) {
            return refuse("base class out of order", class.base);
        }
        if class.fields.len() > limits::FIELDS || class.members.len() > limits::ITEMS {
            return refuse("class too large", &class.name);
        }
        for (position, field) in class.fields.iter().enumerate() {
            self.check_field(field)?;
            if class
                .fields
                .iter()
                .take(position)
                .any(|other| other.name == field.name)
            {
                return refuse("field twice", field.name);
            }
        }
        for (name, function) in &class.methods {
            self.check_name(*name)?;
            let text = self.names.get(usize::from(*name));
            if text.is_some_and(|text| text.starts_with(Special::Static.mark())) {
                let found = self.functions.get(usize::from(*function));
                if found.is_none_or(|found| found.frees > 0 || found.held_defaults > 0) {
                    return refuse("no such static method", function);
                }
            } else {
                self.check_method(*function)?;
            }
        }
        for (name, value) in &class.members {
            self.check_name(*name)?;
            if class.kind != ClassKind::Enum || !matches!(value, Const::Int(_) | Const::Str(_)) {
                return refuse("bad enum member", name);
            }
        }
        Ok(())
    }

    fn check_field(&self, field: &Field) -> Result<(), Refusal> {
        self.check_name(field.name)?;
        self.check_type(&field.ty, 0)?;
        match field.default {
            Some(default) if usize::from(default) >= self.consts.len() => {
                refuse("no such constant", default)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_type(&self, ty: &Type, level: usize) -> Result<(), Refusal> {
        if level > limits::TYPE_LEVELS {
            return refuse("type nested too deep", level);
        }
        let level = level + 1;
        match ty {
            Type::List(item) | Type::Set(item) | Type::TupleOf(item) => {
                self.check_type(item, level)
            }
            Type::Tuple(items) | Type::Union(items) => items
                .iter()
                .try_for_each(|item| self.check_type(item, level)),
            Type::Dict(key, value) => {
                self.check_type(key, level)?;
                self.check_type(value, level)
            }
            Type::Class(class, _) if usize::from(*class) >= self.classes.len() => {
                refuse("no such class", class)
            }
            _ => Ok(()),
        }
    }

    fn check_const(&self, value: &Const, level: usize) -> Result<(), Refusal> {
        if level > limits::CONST_LEVELS {
            return refuse("constant nested too deep", level);
        }
        let level = level + 1;
        match value {
            Const::Tuple(items) | Const::List(items) => items
                .iter()
                .try_for_each(|item| self.check_const(item, level)),
            Const::Set(items) | Const::Frozenset(items) => items
                .iter()
                .try_for_each(|item| self.check_key_const(item, level)),
            Const::Dict(entries) => entries.iter().try_for_each(|(key, value)| {
                self.check_key_const(key, level)?;
                self.check_const(value, level)
            }),
            Const::Record(class, fields) => {
                let found = self.classes.get(usize::from(*class));
                if found.is_none_or(|found| {
                    found.kind == ClassKind::Enum || found.fields.len() != fields.len()
                }) {
                    return refuse("bad record constant", class);
                }
                fields
                    .iter()
                    .try_for_each(|field| self.check_const(field, level))
            }
            Const::Enum(class, member) => {
                let found = self.classes.get(usize::from(*class));
                let count = found.map_or(0, |found| found.members.len());
                if usize::from(*member) < count {
                    Ok(())
                } else {
                    refuse("no such enum member", member)
                }
            }
            Const::Big(value) if value.bits() > limits::INTEGER_BITS => {
                refuse("integer too large", value.bits())
            }
            Const::Big(value) if i64::try_from(value).is_ok() => {
                refuse("integer not in its short form", value)
            }
            Const::Range(_, _, 0) => refuse("range without step", 0),
            Const::Function(function) => match self.functions.get(usize::from(*function)) {
                Some(found) if found.frees == 0 && found.held_defaults == 0 => Ok(()),
                _ => refuse("no such function", function),
            },
            Const::Class(class) if usize::from(*class) >= self.classes.len() => {
                refuse("no such class", class)
            }
            Const::Decimal(_, units) => match &**units {
                Const::Int(_) | Const::Big(_) => self.check_const(units, level),
                _ => refuse("a decimal without units", level),
            },
            Const::Builtin(builtin) if !self.has_builtin(*builtin) => {
                refuse("no such builtin", builtin)
            }
            _ => Ok(()),
        }
    }

    /// Whether code of this program may name a builtin: only scripts print.
    fn has_builtin(&self, number: u16) -> bool {
        Builtin::from_number(number)
            .is_some_and(|builtin| builtin != Builtin::Print || self.main.is_some())
    }

    fn check_key_const(&self, value: &Const, level: usize) -> Result<(), Refusal> {
        self.check_const(value, level)?;
        if crate::compile::hashable(value) {
            Ok(())
        } else {
            refuse("a key that can change", level)
        }
    }

    fn check_tables(&self) -> Result<(), Refusal> {
        for table in &self.tables {
            self.check_name(table.name)?;
            let Some(class) = self
                .classes
                .get(usize::from(table.class))
                .filter(|class| class.kind == ClassKind::Record)
            else {
                return refuse("no such record", table.class);
            };
            let lists = std::iter::once(&table.key).chain(&table.indexes);
            for fields in lists {
                if fields.is_empty()
                    || fields
                        .iter()
                        .any(|field| usize::from(*field) >= class.fields.len())
                {
                    return refuse("bad key or index", table.name);
                }
            }
        }
        Ok(())
    }

    fn check_entries(&self) -> Result<(), Refusal> {
        for entry in self.entries.iter().chain(&self.timers) {
            self.check_name(entry.name)?;
            self.check_method(entry.function)?;
            self.check_type(&entry.returns, 0)?;
            entry
                .types
                .iter()
                .try_for_each(|ty| self.check_type(ty, 0))?;
            let function = &self.functions[usize::from(entry.function)];
            if function.star || function.star_star || function.params.len() != entry.types.len() + 1
            {
                return refuse("entry without types", entry.name);
            }
        }
        Ok(())
    }

    fn check_function(&self, function: &Function) -> Result<(), Refusal> {
        let registers = usize::from(function.registers);
        let needed = function.arguments() + usize::from(function.frees);
        if registers > limits::REGISTERS || needed > registers {
            return refuse("registers", function.registers);
        }
        let positional = usize::from(function.positional);
        if positional > function.params.len() || function.positional_only > function.positional {
            return refuse("parameters", function.positional);
        }
        let mut held = 0;
        for param in &function.params {
            self.check_name(param.name)?;
            if param
                .default
                .is_some_and(|default| usize::from(default) >= self.consts.len())
            {
                return refuse("no such constant", param.default);
            }
            if let Some(place) = param.held_default {
                held += 1;
                if place >= function.held_defaults {
                    return refuse("no such default", place);
                }
            }
        }
        if held != usize::from(function.held_defaults) {
            return refuse("defaults", held);
        }
        let length = function.code.len();
        if length == 0 || length > limits::INSTRUCTIONS {
            return refuse("code length", length);
        }
        if function.code[length - 1].op != Op::Return {
            return refuse("code without end", length);
        }
        for instr in &function.code {
            self.check_instr(*instr, registers, length)?;
        }
        for handler in &function.handlers {
            let inside = usize::from(handler.end) <= length && usize::from(handler.target) < length;
            if !inside || usize::from(handler.register) >= registers {
                return refuse("handler", handler);
            }
        }
        Ok(())
    }

    fn check_instr(&self, instr: Instr, registers: usize, length: usize) -> Result<(), Refusal> {
        let kinds = instr.op.kinds();
        for (kind, operand) in kinds.into_iter().zip(instr.operands()) {
            let number = usize::from(operand);
            let good = match kind {
                Kind::Nothing => number == 0,
                Kind::Register => number < registers,
                // Bases are checked below; an empty run may start past the last register.
                Kind::Base | Kind::Run => number <= registers,
                Kind::Const => number < self.consts.len(),
                Kind::Name => number < self.names.len(),
                Kind::Function => number < self.functions.len(),
                Kind::Class => number < self.classes.len(),
                Kind::Table => number < self.tables.len(),
                Kind::Shape => number < self.shapes.len(),
                Kind::Builtin => self.has_builtin(operand),
                Kind::Target => number < length,
                Kind::Count | Kind::Number => true,
                Kind::Cell => number < self.cells.len(),
                Kind::Timer => number < self.timers.len(),
                Kind::Slot => number < self.globals.len(),
                Kind::Use => number < self.uses.len(),
            };
            if !good {
                return refuse("operand", instr);
            }
        }
        let (base, count) = self.extent(instr)?;
        if base + count > registers {
            return refuse("registers of an instruction", instr);
        }
        Ok(())
    }

    /// The run of registers that an instruction uses beyond single ones.
    fn extent(&self, instr: Instr) -> Result<(usize, usize), Refusal> {
        let (a, b, c) = (
            usize::from(instr.a),
            usize::from(instr.b),
            usize::from(instr.c),
        );
        let shape = |number: usize| {
            self.shapes
                .get(number)
                .map_or(0, |shape| usize::from(shape.positional) + shape.names.len())
        };
        Ok(match instr.op {
            Op::List | Op::Tuple | Op::Set | Op::Dict | Op::Join | Op::Unpack => {
                if instr.op == Op::Dict && c % 2 != 0 {
                    return refuse("pairs", instr);
                }
                (b, c)
            }
            Op::UnpackStar => (b, (c & 0xff) + (c >> 8) + 1),
            Op::Slice => (b, 3),
            Op::Iter | Op::Next => (a, 2),
            Op::NextPair => {
                if b + 2 > usize::from(u16::MAX) || a + 2 > usize::from(u16::MAX) {
                    return refuse("operand", instr);
                }
                (a.max(b), 2)
            }
            Op::Closure => {
                let function = &self.functions[b];
                (
                    c,
                    usize::from(function.frees) + usize::from(function.held_defaults),
                )
            }
            Op::Call => {
                let function = &self.functions[b];
                if function.star
                    || function.star_star
                    || function.frees > 0
                    || function.held_defaults > 0
                {
                    return refuse("direct call", instr);
                }
                (a, function.params.len().max(1))
            }
            Op::CallValue => (a, b + 1),
            Op::CallShape => (a, shape(b) + 1),
            Op::Due => (a, shape(c) + 2),
            Op::CallStar => (a, 3),
            Op::CallMethod => (a, c + 1),
            Op::CallMethodShape => (a, shape(c) + 1),
            Op::CallBuiltin => (a, c.max(1)),
            Op::CallContract => (a, self.check_contract_call(instr)?),
            Op::CallBuiltinShape => (a, shape(c).max(1)),
            Op::Build => {
                let class = &self.classes[b];
                if class.kind == ClassKind::Enum {
                    return refuse("built enum", instr);
                }
                (a, class.fields.len().max(1))
            }
            _ => (0, 0),
        })
    }
}
