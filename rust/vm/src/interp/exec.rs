//! The loop over the frames of a call: functions are entered, left and unwound.

use std::rc::Rc;

use super::frames::{place, too_many_frames};
use super::{Frame, Vm};
use crate::error::{malformed, Trap, R};
use crate::value::{ClosureObj, Value};

/// Where the arguments of a call are.
pub(crate) enum Arguments {
    /// In their registers already.
    InPlace,
    /// In their registers; the free variables are those of a closure.
    Closure(Rc<ClosureObj>),
    /// Here, in the order of the callee's registers.
    Given(Vec<Value>),
}

/// Why the inner loop stopped.
pub(super) enum Step {
    /// A call of a function whose arguments lie from this register on.
    Call {
        function: u16,
        at: u16,
        arguments: Arguments,
    },
    Return(Value),
    Fail(Trap),
}

impl Vm<'_, '_> {
    /// Runs a function whose arguments lie in the first registers of `stack`.
    pub(crate) fn execute(&mut self, stack: &mut Vec<Value>, function: u16) -> R<Value> {
        if self.tracing {
            self.execute_as::<true>(stack, function)
        } else {
            self.execute_as::<false>(stack, function)
        }
    }

    fn execute_as<const TRACE: bool>(&mut self, stack: &mut Vec<Value>, function: u16) -> R<Value> {
        let entry_frames = self.frames.len();
        let most_frames = self.frame_limits.0;
        if entry_frames >= most_frames {
            return Err(too_many_frames(most_frames));
        }
        // Marks the bottom: a return to it leaves this loop.
        self.frames.push(Frame {
            function,
            pc: u32::MAX,
            base: 0,
            result: 0,
        });
        let program = self.program;
        let mut number = function;
        let mut base = 0_usize;
        let mut pc = 0_usize;
        stack.resize_with(
            usize::from(program.parts.functions[usize::from(function)].registers),
            Value::default,
        );
        loop {
            let current = &program.parts.functions[usize::from(number)];
            let registers = &mut stack[base..base + usize::from(current.registers)];
            let step = self.run_frame::<TRACE>(registers, &current.code, &mut pc, number);
            match step {
                Step::Call {
                    function,
                    at,
                    arguments,
                } => {
                    if self.frames.len() >= most_frames {
                        let trap = too_many_frames(most_frames);
                        self.unwind(stack, entry_frames, trap, &mut number, &mut base, &mut pc)
                            .map_or(Ok(()), Err)?;
                        continue;
                    }
                    let next = base + usize::from(at);
                    self.frames.push(Frame {
                        function: number,
                        pc: pc as u32,
                        base: base as u32,
                        result: next as u32,
                    });
                    self.lay_out_callee(stack, function, next, arguments);
                    (number, base, pc) = (function, next, 0);
                }
                Step::Return(value) => {
                    let count = usize::from(current.registers);
                    for register in &mut stack[base..base + count] {
                        *register = Value::Unset;
                    }
                    let Some(frame) = self.frames.pop() else {
                        return Err(malformed());
                    };
                    if self.frames.len() == entry_frames {
                        return Ok(value);
                    }
                    stack[frame.result as usize] = value;
                    (number, base, pc) = (frame.function, frame.base as usize, frame.pc as usize);
                }
                Step::Fail(trap) => self
                    .unwind(stack, entry_frames, trap, &mut number, &mut base, &mut pc)
                    .map_or(Ok(()), Err)?,
            }
        }
    }

    /// Makes room for a callee's registers from `base` on and fills them.
    #[inline]
    fn lay_out_callee(
        &self,
        stack: &mut Vec<Value>,
        function: u16,
        base: usize,
        arguments: Arguments,
    ) {
        let callee = &self.program.parts.functions[usize::from(function)];
        let needed = base + usize::from(callee.registers);
        if stack.len() < needed {
            stack.resize_with(needed, Value::default);
        }
        place(
            &mut stack[base..needed],
            callee.arguments(),
            usize::from(callee.frees),
            arguments,
        );
    }
}
