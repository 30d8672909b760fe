//! What the instruction loop needs besides: frames, handlers, cells, closures, exceptions.

use std::rc::Rc;

use super::exec::Arguments;
use super::Vm;
use crate::builtins::Builtin;
use crate::error::{fatal, malformed, raise, raise_with, type_error, Exc, Stop, Trap, R};
use crate::memory::charge;
use crate::value::{CellObj, ClosureObj, Value, OBJECT_BYTES};
use crate::{gas, TraceEvent};

impl Vm<'_, '_> {
    /// Finds the handler of an exception; gives the trap back where there is none.
    pub(super) fn unwind(
        &mut self,
        stack: &mut [Value],
        entry_frames: usize,
        mut trap: Trap,
        number: &mut u16,
        base: &mut usize,
        pc: &mut usize,
    ) -> Option<Trap> {
        loop {
            let function = &self.program.parts.functions[usize::from(*number)];
            // The counter stands behind the instruction that failed.
            let at = pc.saturating_sub(1);
            self.note_line(&trap, function.line_at(at));
            if let Stop::Raise(exception) = &*trap {
                let handler = function.handlers.iter().find(|handler| {
                    (usize::from(handler.start)..usize::from(handler.end)).contains(&at)
                });
                if let Some(handler) = handler {
                    let exception = Value::Exception(exception.clone());
                    if let Err(no_gas) = self.spend(gas::RAISE) {
                        trap = no_gas;
                        continue;
                    }
                    stack[*base + usize::from(handler.register)] = exception;
                    self.left.clear();
                    *pc = usize::from(handler.target);
                    return None;
                }
            }
            if self.program.parts.main.is_some() {
                self.left.push((*number, function.line_at(at)));
            }
            let count = usize::from(function.registers);
            for register in &mut stack[*base..*base + count] {
                *register = Value::Unset;
            }
            let Some(frame) = self.frames.pop() else {
                return Some(trap);
            };
            if self.frames.len() == entry_frames {
                return Some(trap);
            }
            (*number, *base, *pc) = (frame.function, frame.base as usize, frame.pc as usize);
        }
    }

    /// Tells the host of a line that is reached.
    #[cold]
    #[inline(never)]
    pub(super) fn trace_line(&mut self, function: u16, pc: usize) {
        let line = self.program.parts.functions[usize::from(function)].traced_line(pc);
        if line != self.traced_line && line != crate::program::NO_LINE {
            self.traced_line = line;
            let (file, line) = self.program.place(line);
            let event = TraceEvent {
                line,
                file,
                gas: self.gas_used(),
                reads: self.reads,
                writes: self.writes,
            };
            self.host.trace(event);
        }
    }

    /// Keeps the innermost line of a failure.
    pub(super) fn note_line(&mut self, trap: &Trap, line: u32) {
        match &**trap {
            Stop::Raise(exception) if exception.line.get() == 0 => exception.line.set(line),
            Stop::Raise(_) => {}
            _ if self.failed_line == 0 => self.failed_line = line,
            _ => {}
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn unbound(&mut self, name: u16) -> Trap {
        let name = self.program.name(name);
        raise(
            Exc::UnboundLocalError,
            format!(
                "cannot access local variable '{name}' where it is not associated with a value"
            ),
        )
    }

    /// A cell without a value: a variable of a function around this one, or one of its own.
    #[cold]
    #[inline(never)]
    pub(super) fn unbound_cell(&mut self, function: u16, register: u16, name: u16) -> Trap {
        let info = &self.program.parts.functions[usize::from(function)];
        let first = info.arguments();
        let frees = first..first + usize::from(info.frees);
        if !frees.contains(&usize::from(register)) {
            return self.unbound(name);
        }
        let name = self.program.name(name);
        let message = format!(
            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        );
        raise(Exc::NameError, message)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn undefined_global(&mut self, slot: u16) -> Trap {
        let name = self.program.parts.globals.get(usize::from(slot));
        undefined_name(name.map_or("?", |name| self.program.name(*name)))
    }

    /// What a name of the module means while its variable has no value: a builtin, if anything.
    #[cold]
    #[inline(never)]
    pub(super) fn outer_global(&mut self, slot: u16) -> R<Value> {
        let id = self.program.parts.globals.get(usize::from(slot)).copied();
        let name = id.map_or("?", |id| self.program.name(id));
        let builtin = Builtin::from_name(name)
            .filter(|found| crate::builtins::library::parameters(*found).is_none());
        if let Some(builtin) = builtin {
            return Ok(Value::Builtin(builtin));
        }
        if let Some(class) = Exc::from_name(name).filter(|class| *class != Exc::Rejected) {
            return Ok(Value::ExcClass(class));
        }
        Err(undefined_name(name))
    }

    pub(super) fn make_cell(&mut self, value: Value) -> R<Value> {
        self.spend(gas::OBJECT)?;
        let charge = charge(OBJECT_BYTES)?;
        let tracked = std::cell::Cell::new(false);
        let cell = Rc::new(CellObj {
            value: std::cell::RefCell::new(value.clone()),
            tracked,
            charge,
        });
        self.track_cell(&cell, &value);
        Ok(Value::Cell(cell))
    }

    pub(super) fn make_closure(&mut self, function: u16, from: &[Value]) -> R<Value> {
        let info = &self.program.parts.functions[usize::from(function)];
        let count = usize::from(info.frees) + usize::from(info.held_defaults);
        self.spend(gas::OBJECT + count as u64)?;
        let frees = usize::from(info.frees);
        let held = from[..count].to_vec();
        if held
            .iter()
            .take(frees)
            .any(|value| !matches!(value, Value::Cell(_)))
        {
            return Err(malformed());
        }
        let charge = charge(OBJECT_BYTES + count * 16)?;
        Ok(Value::Closure(Rc::new(ClosureObj {
            function,
            held,
            charge,
        })))
    }

    /// What `raise x` raises.
    pub(super) fn raise_value(&mut self, value: &Value) -> Trap {
        match value {
            Value::Exception(exception) => Box::new(Stop::Raise(exception.clone())),
            Value::ExcClass(Exc::Rejected) => type_error("Rejected() needs a code"),
            Value::ExcClass(class) => raise_with(*class, Vec::new()),
            _ => type_error("exceptions must derive from BaseException"),
        }
    }

    pub(super) fn reject(&mut self, code: &Value, message: &Value) -> Trap {
        match self.rejected(code, message) {
            Ok(exception) => Box::new(Stop::Raise(exception)),
            Err(trap) => trap,
        }
    }

    pub(super) fn exception_matches(&mut self, exception: &Value, class: &Value) -> R<bool> {
        let Value::Exception(exception) = exception else {
            return Err(malformed());
        };
        match class {
            Value::ExcClass(class) => Ok(exception.class.is(*class)),
            Value::Tuple(classes) => {
                self.spend(classes.items.len() as u64)?;
                // All of them are looked at before the first is compared.
                let mut found = false;
                for class in &classes.items {
                    match class {
                        Value::ExcClass(class) => found |= exception.class.is(*class),
                        _ => return Err(type_error("catching classes that do not inherit from BaseException is not allowed")),
                    }
                }
                Ok(found)
            }
            _ => Err(type_error(
                "catching classes that do not inherit from BaseException is not allowed",
            )),
        }
    }
}

/// A name of the module that stands for nothing (yet, or any more).
#[cold]
#[inline(never)]
pub(super) fn undefined_name(name: &str) -> Trap {
    raise(Exc::NameError, format!("name '{name}' is not defined"))
}

/// Lays out the registers of a callee: arguments, free variables, and nothing in the others.
pub(super) fn place(
    registers: &mut [Value],
    parameters: usize,
    frees: usize,
    arguments: Arguments,
) {
    match arguments {
        Arguments::InPlace => registers[parameters..]
            .iter_mut()
            .for_each(|register| *register = Value::Unset),
        Arguments::Closure(closure) => {
            let (_, rest) = registers.split_at_mut(parameters);
            let (cells, others) = rest.split_at_mut(frees);
            others
                .iter_mut()
                .for_each(|register| *register = Value::Unset);
            for (register, held) in cells.iter_mut().zip(&closure.held) {
                *register = held.clone();
            }
        }
        Arguments::Given(given) => {
            let count = given.len();
            for (register, argument) in registers.iter_mut().zip(given) {
                *register = argument;
            }
            registers[count..]
                .iter_mut()
                .for_each(|register| *register = Value::Unset);
        }
    }
}

#[cold]
#[inline(never)]
pub(super) fn too_many_frames(most: usize) -> Trap {
    fatal(
        "limit.recursion",
        format!("calls are nested deeper than {most}: use a loop"),
    )
}
