//! A function being compiled: registers, variables, jumps and lines.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextRange};

use super::Compiler;
use crate::limits;
use crate::program::{Function, Instr, Op};

/// A register.
pub(crate) type Reg = u16;

/// A place in the code that jumps go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label(usize);

/// A variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Var {
    pub(crate) register: Reg,
    /// Its value lies in a cell, or in a slot of the module: never in the register itself.
    pub(crate) cell: bool,
    /// A variable of the module, which functions read: `register` is its slot.
    pub(crate) global: bool,
}

/// Names of the function itself or of one comprehension in it.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) vars: HashMap<String, Var>,
}

/// Which registers hold a value for certain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assigned {
    /// The code here cannot be reached.
    pub(crate) unreachable: bool,
    pub(crate) registers: HashSet<Reg>,
}

impl Assigned {
    /// What holds after either of two ways.
    pub(crate) fn join(mut self, other: &Assigned) -> Assigned {
        if self.unreachable {
            return other.clone();
        }
        if !other.unreachable {
            self.registers
                .retain(|register| other.registers.contains(register));
        }
        self
    }
}

/// A loop being compiled.
pub(crate) struct Loop {
    pub(crate) continue_to: Label,
    pub(crate) break_to: Label,
    /// Open `try` statements outside of the loop.
    pub(crate) tries: usize,
}

/// What must run when a block is left.
#[derive(Clone, Copy)]
pub(crate) enum Cleanup<'a> {
    Nothing,
    Finally(&'a [Stmt]),
    /// The name of an `except ... as` loses its value.
    Clear(Var, u16),
}

/// A block with a handler, open while its inside is compiled.
pub(crate) struct OpenTry<'a> {
    pub(crate) cleanup: Cleanup<'a>,
    pub(crate) start: usize,
    pub(crate) ranges: Vec<(usize, usize)>,
}

pub(crate) struct FnCtx<'a> {
    pub(crate) function: Function,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) assigned: Assigned,
    pub(crate) loops: Vec<Loop>,
    pub(crate) tries: Vec<OpenTry<'a>>,
    /// Registers of exceptions being handled, innermost last.
    pub(crate) handling: Vec<Reg>,
    /// Names whose variables live in cells.
    pub(crate) inner: HashSet<String>,
    pub(crate) nonlocals: HashSet<String>,
    pub(crate) walrus: bool,
    /// Variables that can lose their value again: checked at each use.
    pub(crate) volatile: HashSet<Reg>,
    /// The name of the contract's `self`, in its methods.
    pub(crate) this: Option<String>,
    /// The statements of a script.
    pub(crate) module: bool,
    /// The next loops are those of a generator expression.
    pub(crate) generator: bool,
    next: usize,
    line: u32,
    labels: Vec<Option<usize>>,
    patches: Vec<(usize, usize, Label)>,
    lifetime: std::marker::PhantomData<&'a ()>,
}

impl FnCtx<'_> {
    pub(crate) fn new(name: &str, line: u32) -> Self {
        FnCtx {
            function: Function {
                name: name.to_string(),
                line,
                ..Function::default()
            },
            scopes: vec![Scope::default()],
            assigned: Assigned::default(),
            loops: Vec::new(),
            tries: Vec::new(),
            handling: Vec::new(),
            inner: HashSet::new(),
            nonlocals: HashSet::new(),
            walrus: false,
            volatile: HashSet::new(),
            this: None,
            module: false,
            generator: false,
            next: 0,
            line,
            labels: Vec::new(),
            patches: Vec::new(),
            lifetime: std::marker::PhantomData,
        }
    }

    /// A fresh register; freed by [`FnCtx::release`].
    pub(crate) fn temp(&mut self) -> Reg {
        let register = self.next;
        self.next += 1;
        self.function.registers = self.function.registers.max(self.next.min(0xffff) as u16);
        register.min(0xffff) as u16
    }

    /// `count` fresh registers in a row.
    pub(crate) fn temps(&mut self, count: usize) -> Reg {
        let first = self.next.min(0xffff) as u16;
        for _ in 0..count {
            self.temp();
        }
        first
    }

    pub(crate) fn mark(&self) -> usize {
        self.next
    }

    pub(crate) fn release(&mut self, mark: usize) {
        self.next = mark;
    }

    pub(crate) fn here(&self) -> usize {
        self.function.code.len()
    }

    pub(crate) fn set_line(&mut self, line: u32) {
        self.line = line;
    }

    pub(crate) fn current_line(&self) -> u32 {
        self.line
    }

    pub(crate) fn emit(&mut self, op: Op, a: u16, b: u16, c: u16) {
        let here = self.here();
        if self
            .function
            .lines
            .last()
            .is_none_or(|(_, line)| *line != self.line)
        {
            self.function
                .lines
                .push((here.min(0xffff) as u16, self.line));
        }
        self.function.code.push(Instr::new(op, a, b, c));
    }

    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    pub(crate) fn bind(&mut self, label: Label) {
        let here = self.here();
        self.labels[label.0] = Some(here);
    }

    /// Emits an instruction whose operand at `place` is a label.
    pub(crate) fn emit_to(&mut self, op: Op, operands: [u16; 3], place: usize, label: Label) {
        self.patches.push((self.here(), place, label));
        self.emit(op, operands[0], operands[1], operands[2]);
    }

    pub(crate) fn jump(&mut self, label: Label) {
        self.emit_to(Op::Jump, [0, 0, 0], 0, label);
        self.assigned.unreachable = true;
    }

    pub(crate) fn jump_if(&mut self, register: Reg, when: bool, label: Label) {
        let op = if when { Op::JumpIf } else { Op::JumpIfNot };
        self.emit_to(op, [register, 0, 0], 1, label);
    }

    /// Makes a register a variable, in a cell if functions inside mention its name.
    pub(crate) fn place(&mut self, name: &str, register: Reg, volatile: &HashSet<String>) -> Var {
        let cell = self.inner.contains(name);
        if cell {
            self.emit(Op::MakeCell, register, 0, 0);
        }
        if volatile.contains(name) {
            self.volatile.insert(register);
        }
        Var {
            register,
            cell,
            global: false,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Var> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.vars.get(name))
            .copied()
    }

    /// Writes a variable that does not live in its register.
    pub(crate) fn store_shared(&mut self, var: Var, value: Reg) {
        if var.global {
            self.emit(Op::StoreGlobal, value, var.register, 0);
        } else {
            self.emit(Op::StoreCell, var.register, value, 0);
        }
    }

    /// Notes that a register holds a value from here on.
    pub(crate) fn mark_assigned(&mut self, register: Reg) {
        if !self.volatile.contains(&register) {
            self.assigned.registers.insert(register);
        }
    }

    fn patch(&mut self) {
        for (at, place, label) in std::mem::take(&mut self.patches) {
            let target = self
                .labels
                .get(label.0)
                .copied()
                .flatten()
                .unwrap_or(0)
                .min(0xffff) as u16;
            if let Some(instr) = self.function.code.get_mut(at) {
                match place {
                    0 => instr.a = target,
                    1 => instr.b = target,
                    _ => instr.c = target,
                }
            }
        }
    }
}

impl<'s> Compiler<'s> {
    /// The function being compiled.
    pub(crate) fn f(&mut self) -> &mut FnCtx<'s> {
        self.functions
            .last_mut()
            .expect("code is only compiled inside of a function")
    }

    pub(crate) fn emit(&mut self, op: Op, a: u16, b: u16, c: u16) {
        self.f().emit(op, a, b, c);
    }

    pub(crate) fn at(&mut self, node: &impl Ranged) {
        let line = self.line(node);
        self.f().set_line(line);
    }

    /// Ends a function; gives its finished form.
    pub(crate) fn end_function(&mut self, range: TextRange) -> Function {
        let mut context = self.functions.pop().expect("a function was begun");
        context.patch();
        let function = context.function;
        if function.code.len() > limits::INSTRUCTIONS {
            let help = "split the function; nested finally blocks multiply code";
            self.error(range, "limit.function", "the function is too long", help);
        }
        if usize::from(function.registers) > limits::REGISTERS {
            let message = format!(
                "the function needs more than {} variables at once",
                limits::REGISTERS
            );
            self.error(
                range,
                "limit.variables",
                message,
                "split the function or its longest expressions",
            );
        }
        function
    }
}
