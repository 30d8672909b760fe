//! The instruction loop: what every operation of a frame does.

use super::arith::Bin;
use super::compare::Order;
use super::exec::{Arguments, Step};
use super::frames::undefined_name;
use super::helpers::{is_sequence_of, new_slice, take_all};
use super::Vm;
use crate::builtins::Builtin;
use crate::error::{malformed, raise_with, refused, Exc, Stop};
use crate::gas;
use crate::program::{Instr, Op, SMALL_BIAS};
use crate::value::Value;

impl Vm<'_, '_> {
    /// Runs instructions from `counter` on until the frame calls, returns or fails.
    #[allow(
        clippy::too_many_lines,
        reason = "one flat dispatch over all operations: registers and counter stay local, which is what makes it fast"
    )]
    pub(super) fn run_frame<const TRACE: bool>(
        &mut self,
        regs: &mut [Value],
        code: &[Instr],
        counter: &mut usize,
        function: u16,
    ) -> Step {
        let mut pc = *counter;
        macro_rules! r {
            ($register:expr) => {
                regs[usize::from($register)]
            };
        }
        macro_rules! try_or_fail {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(trap) => break Step::Fail(trap),
                }
            };
        }
        macro_rules! arithmetic {
            ($instr:expr, $checked:ident, $op:expr) => {{
                let value = match (&r!($instr.b), &r!($instr.c)) {
                    (Value::Int(x), Value::Int(y)) => match x.$checked(*y) {
                        Some(value) => Value::Int(value),
                        None => try_or_fail!(self.binary($op, &Value::Int(*x), &Value::Int(*y))),
                    },
                    (x, y) => try_or_fail!(self.binary($op, x, y)),
                };
                r!($instr.a) = value;
            }};
        }
        macro_rules! binary {
            ($instr:expr, $op:expr) => {{
                let value = try_or_fail!(self.binary($op, &r!($instr.b), &r!($instr.c)));
                r!($instr.a) = value;
            }};
        }
        macro_rules! in_place {
            ($instr:expr, $op:expr) => {{
                // The left side is given up: text that nobody else holds grows in place.
                let left = if $instr.a == $instr.b && $instr.b != $instr.c {
                    std::mem::take(&mut r!($instr.b))
                } else {
                    r!($instr.b).clone()
                };
                match self.in_place($op, left, &r!($instr.c)) {
                    Ok(value) => r!($instr.a) = value,
                    Err((trap, left)) => {
                        if $instr.a == $instr.b {
                            r!($instr.a) = left;
                        }
                        break Step::Fail(trap);
                    }
                }
            }};
        }
        macro_rules! holds {
            ($instr:expr, $cmp:tt, $order:expr) => {
                match (&r!($instr.a), &r!($instr.b)) {
                    (Value::Int(x), Value::Int(y)) => x $cmp y,
                    (x, y) => try_or_fail!(self.compare($order, x, y)),
                }
            };
        }
        macro_rules! jump_if {
            ($condition:expr, $to:expr) => {
                if $condition {
                    pc = usize::from($to)
                }
            };
        }
        macro_rules! comparison {
            ($instr:expr, $cmp:tt, $order:expr) => {{
                let value = match (&r!($instr.b), &r!($instr.c)) {
                    (Value::Int(x), Value::Int(y)) => x $cmp y,
                    (x, y) => try_or_fail!(self.compare($order, x, y)),
                };
                r!($instr.a) = Value::Bool(value);
            }};
        }
        let step = loop {
            let instr = code[pc];
            if TRACE {
                self.trace_line(function, pc);
            }
            pc += 1;
            match self.gas_left.checked_sub(gas::STEP) {
                Some(left) => self.gas_left = left,
                None => break Step::Fail(self.out_of_gas()),
            }
            match instr.op {
                Op::Nop => {}
                Op::Move => r!(instr.a) = r!(instr.b).clone(),
                Op::Take => r!(instr.a) = std::mem::take(&mut r!(instr.b)),
                Op::Const => r!(instr.a) = self.instance.consts[usize::from(instr.b)].clone(),
                Op::Small => r!(instr.a) = Value::Int(i64::from(instr.b) - SMALL_BIAS),
                Op::Unset => r!(instr.a) = Value::Unset,
                Op::Bound => {
                    if matches!(r!(instr.a), Value::Unset) {
                        break Step::Fail(self.unbound(instr.b));
                    }
                }
                Op::MakeCell => {
                    let value = std::mem::take(&mut r!(instr.a));
                    r!(instr.a) = try_or_fail!(self.make_cell(value));
                }
                Op::LoadCell => {
                    let value = match &r!(instr.b) {
                        Value::Cell(cell) => cell.value.borrow().clone(),
                        _ => break Step::Fail(malformed()),
                    };
                    if matches!(value, Value::Unset) {
                        break Step::Fail(self.unbound_cell(function, instr.b, instr.c));
                    }
                    r!(instr.a) = value;
                }
                Op::StoreCell => {
                    let value = r!(instr.b).clone();
                    let Value::Cell(cell) = &r!(instr.a) else {
                        break Step::Fail(malformed());
                    };
                    self.track_cell(cell, &value);
                    let old = cell.value.replace(value);
                    drop(old);
                }
                Op::ClearCell => {
                    let Value::Cell(cell) = &r!(instr.a) else {
                        break Step::Fail(malformed());
                    };
                    let old = cell.value.replace(Value::Unset);
                    if matches!(old, Value::Unset) {
                        break Step::Fail(self.unbound_cell(function, instr.a, instr.c));
                    }
                }
                Op::Closure => {
                    let value =
                        try_or_fail!(self.make_closure(instr.b, &regs[usize::from(instr.c)..]));
                    r!(instr.a) = value;
                }
                Op::Add => arithmetic!(instr, checked_add, Bin::Add),
                Op::Sub => arithmetic!(instr, checked_sub, Bin::Sub),
                Op::Mul => arithmetic!(instr, checked_mul, Bin::Mul),
                Op::TrueDiv => break Step::Fail(refused("/ gives a float: use //")),
                Op::FloorDiv => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) if *y > 0 => {
                        r!(instr.a) = Value::Int(x.div_euclid(*y))
                    }
                    _ => binary!(instr, Bin::FloorDiv),
                },
                Op::Mod => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) if *y > 0 => {
                        r!(instr.a) = Value::Int(x.rem_euclid(*y))
                    }
                    _ => binary!(instr, Bin::Mod),
                },
                Op::Pow => binary!(instr, Bin::Pow),
                Op::Shl => binary!(instr, Bin::Shl),
                Op::Shr => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) if (0..64).contains(y) => {
                        r!(instr.a) = Value::Int(x >> y)
                    }
                    _ => binary!(instr, Bin::Shr),
                },
                Op::BitAnd => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) => r!(instr.a) = Value::Int(x & y),
                    _ => binary!(instr, Bin::And),
                },
                Op::BitOr => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) => r!(instr.a) = Value::Int(x | y),
                    _ => binary!(instr, Bin::Or),
                },
                Op::BitXor => match (&r!(instr.b), &r!(instr.c)) {
                    (Value::Int(x), Value::Int(y)) => r!(instr.a) = Value::Int(x ^ y),
                    _ => binary!(instr, Bin::Xor),
                },
                Op::AddIn => {
                    let sum = match (&r!(instr.b), &r!(instr.c)) {
                        (Value::Int(x), Value::Int(y)) => x.checked_add(*y),
                        _ => None,
                    };
                    match sum {
                        Some(sum) => r!(instr.a) = Value::Int(sum),
                        None => in_place!(instr, Bin::Add),
                    }
                }
                Op::SubIn => {
                    let difference = match (&r!(instr.b), &r!(instr.c)) {
                        (Value::Int(x), Value::Int(y)) => x.checked_sub(*y),
                        _ => None,
                    };
                    match difference {
                        Some(difference) => r!(instr.a) = Value::Int(difference),
                        None => in_place!(instr, Bin::Sub),
                    }
                }
                Op::MulIn => in_place!(instr, Bin::Mul),
                Op::AndIn => in_place!(instr, Bin::And),
                Op::OrIn => in_place!(instr, Bin::Or),
                Op::XorIn => in_place!(instr, Bin::Xor),
                Op::AddSmall => {
                    let small = i64::from(instr.c) - SMALL_BIAS;
                    let value = match &r!(instr.b) {
                        Value::Int(x) => x.checked_add(small).map(Value::Int),
                        _ => None,
                    };
                    r!(instr.a) = match value {
                        Some(value) => value,
                        None if small < 0 => {
                            try_or_fail!(self.binary(Bin::Sub, &r!(instr.b), &Value::Int(-small)))
                        }
                        None => {
                            try_or_fail!(self.binary(Bin::Add, &r!(instr.b), &Value::Int(small)))
                        }
                    };
                }
                Op::Neg | Op::Pos | Op::Invert => {
                    r!(instr.a) = try_or_fail!(self.unary(instr.op, &r!(instr.b)))
                }
                Op::Not => {
                    let truth = try_or_fail!(self.truth(&r!(instr.b)));
                    r!(instr.a) = Value::Bool(!truth);
                }
                Op::Eq => comparison!(instr, ==, Order::Eq),
                Op::Ne => comparison!(instr, !=, Order::Ne),
                Op::Lt => comparison!(instr, <, Order::Lt),
                Op::Le => comparison!(instr, <=, Order::Le),
                Op::Gt => comparison!(instr, >, Order::Gt),
                Op::Ge => comparison!(instr, >=, Order::Ge),
                Op::Is | Op::IsNot => {
                    let same = try_or_fail!(self.is_same(&r!(instr.b), &r!(instr.c)));
                    r!(instr.a) = Value::Bool(same == (instr.op == Op::Is));
                }
                Op::In | Op::NotIn => {
                    let found = try_or_fail!(self.contains(&r!(instr.c), &r!(instr.b)));
                    r!(instr.a) = Value::Bool(found == (instr.op == Op::In));
                }
                Op::Jump => pc = usize::from(instr.a),
                Op::JumpIf => {
                    let truth = match &r!(instr.a) {
                        Value::Bool(truth) => *truth,
                        other => try_or_fail!(self.truth(other)),
                    };
                    if truth {
                        pc = usize::from(instr.b);
                    }
                }
                Op::JumpIfNot => {
                    let truth = match &r!(instr.a) {
                        Value::Bool(truth) => *truth,
                        other => try_or_fail!(self.truth(other)),
                    };
                    if !truth {
                        pc = usize::from(instr.b);
                    }
                }
                Op::IfEq => jump_if!(holds!(instr, ==, Order::Eq), instr.c),
                Op::IfNe => jump_if!(holds!(instr, !=, Order::Ne), instr.c),
                Op::IfLt => jump_if!(holds!(instr, <, Order::Lt), instr.c),
                Op::IfLe => jump_if!(holds!(instr, <=, Order::Le), instr.c),
                Op::IfGt => jump_if!(holds!(instr, >, Order::Gt), instr.c),
                Op::IfGe => jump_if!(holds!(instr, >=, Order::Ge), instr.c),
                Op::UnlessEq => jump_if!(!holds!(instr, ==, Order::Eq), instr.c),
                Op::UnlessNe => jump_if!(!holds!(instr, !=, Order::Ne), instr.c),
                Op::UnlessLt => jump_if!(!holds!(instr, <, Order::Lt), instr.c),
                Op::UnlessLe => jump_if!(!holds!(instr, <=, Order::Le), instr.c),
                Op::UnlessGt => jump_if!(!holds!(instr, >, Order::Gt), instr.c),
                Op::UnlessGe => jump_if!(!holds!(instr, >=, Order::Ge), instr.c),
                Op::IfNone => jump_if!(matches!(r!(instr.a), Value::None), instr.b),
                Op::UnlessNone => jump_if!(!matches!(r!(instr.a), Value::None), instr.b),
                Op::IfUnset => jump_if!(matches!(r!(instr.a), Value::Unset), instr.b),
                Op::GetAttr => {
                    let value = match &r!(instr.b) {
                        Value::Record(record) => match self.program.slot(record.class, instr.c) {
                            Some(slot) => record.fields[slot].clone(),
                            None => try_or_fail!(self.attribute(&r!(instr.b), instr.c)),
                        },
                        other => try_or_fail!(self.attribute(other, instr.c)),
                    };
                    r!(instr.a) = value;
                }
                Op::GetItem => {
                    let fast = match (&r!(instr.b), &r!(instr.c)) {
                        (Value::List(list), Value::Int(index)) => usize::try_from(*index)
                            .ok()
                            .and_then(|index| list.items.borrow().get(index).cloned()),
                        _ => None,
                    };
                    r!(instr.a) = match fast {
                        Some(value) => value,
                        None => try_or_fail!(self.get_item(&r!(instr.b), &r!(instr.c))),
                    };
                }
                Op::SetItem => {
                    try_or_fail!(self.set_item(&r!(instr.a), &r!(instr.b), &r!(instr.c)))
                }
                Op::DelItem => try_or_fail!(self.del_item(&r!(instr.a), &r!(instr.b))),
                Op::Slice => {
                    let first = usize::from(instr.b);
                    r!(instr.a) = try_or_fail!(new_slice(&regs[first..first + 3]));
                }
                Op::List | Op::Tuple => {
                    let (first, count) = (usize::from(instr.b), usize::from(instr.c));
                    let items = take_all(&mut regs[first..first + count]);
                    r!(instr.a) = match instr.op {
                        Op::List => try_or_fail!(self.new_list(items)),
                        _ => try_or_fail!(self.new_tuple(items)),
                    };
                }
                Op::Set => {
                    let (first, count) = (usize::from(instr.b), usize::from(instr.c));
                    let items = regs[first..first + count].to_vec();
                    r!(instr.a) = try_or_fail!(self.set_of(items, false));
                }
                Op::Dict => {
                    let (first, count) = (usize::from(instr.b), usize::from(instr.c));
                    let items = regs[first..first + count].to_vec();
                    r!(instr.a) = try_or_fail!(self.dict_of(items));
                }
                Op::Join => {
                    let (first, count) = (usize::from(instr.b), usize::from(instr.c));
                    let text = try_or_fail!(self.join(&regs[first..first + count]));
                    r!(instr.a) = text;
                }
                Op::Append => try_or_fail!(self.append(&r!(instr.a), r!(instr.b).clone())),
                Op::Extend => try_or_fail!(self.extend(&r!(instr.a), &r!(instr.b))),
                Op::AddTo => try_or_fail!(self.set_add(&r!(instr.a), r!(instr.b).clone())),
                Op::AddAll => try_or_fail!(self.set_add_all(&r!(instr.a), &r!(instr.b))),
                Op::Put => try_or_fail!(self.set_item(&r!(instr.a), &r!(instr.b), &r!(instr.c))),
                Op::Merge => try_or_fail!(self.merge(&r!(instr.a), &r!(instr.b))),
                Op::MergeNew => {
                    // The callee lies two registers below its keywords.
                    let callee = &regs[usize::from(instr.a.saturating_sub(2))];
                    try_or_fail!(self.merge_keywords(callee, &r!(instr.a), &r!(instr.b)));
                }
                Op::ToTuple => {
                    let items = try_or_fail!(self.collect(&r!(instr.b)));
                    r!(instr.a) = try_or_fail!(self.new_tuple(items));
                }
                Op::Unpack => {
                    let items = try_or_fail!(self.unpack(&r!(instr.a), usize::from(instr.c)));
                    for (register, item) in regs[usize::from(instr.b)..].iter_mut().zip(items) {
                        *register = item;
                    }
                }
                Op::UnpackStar => {
                    let items = try_or_fail!(self.unpack_star(&r!(instr.a), instr.c));
                    for (register, item) in regs[usize::from(instr.b)..].iter_mut().zip(items) {
                        *register = item;
                    }
                }
                Op::Iter => {
                    let (source, position) = try_or_fail!(self.start_iteration(&r!(instr.b)));
                    regs[usize::from(instr.a)] = source;
                    regs[usize::from(instr.a) + 1] = position;
                }
                Op::Next => {
                    let at = usize::from(instr.a);
                    match try_or_fail!(self.next_item(&mut regs[at..at + 2])) {
                        Some(item) => r!(instr.b) = item,
                        None => pc = usize::from(instr.c),
                    }
                }
                Op::NextPair => {
                    let at = usize::from(instr.a);
                    match try_or_fail!(self.next_pair(&mut regs[at..at + 2])) {
                        Some((first, second)) => {
                            regs[usize::from(instr.b)] = first;
                            regs[usize::from(instr.b) + 1] = second;
                        }
                        None => pc = usize::from(instr.c),
                    }
                }
                Op::Call => {
                    try_or_fail!(self.spend(gas::CALL));
                    break Step::Call {
                        function: instr.b,
                        at: instr.a,
                        arguments: Arguments::InPlace,
                    };
                }
                Op::CallValue | Op::CallShape | Op::CallMethod | Op::CallMethodShape => {
                    if let Some((function, arguments)) =
                        try_or_fail!(self.call_instruction(instr, regs))
                    {
                        break Step::Call {
                            function,
                            at: instr.a,
                            arguments,
                        };
                    }
                }
                Op::CallStar => {
                    let at = usize::from(instr.a);
                    if let Some((function, arguments)) =
                        try_or_fail!(self.call_star(&mut regs[at..at + 3]))
                    {
                        break Step::Call {
                            function,
                            at: instr.a,
                            arguments,
                        };
                    }
                }
                Op::CallBuiltin => {
                    let at = usize::from(instr.a);
                    let builtin = Builtin::from_number(instr.b).unwrap_or(Builtin::Len);
                    let value = try_or_fail!(self.call_builtin(
                        builtin,
                        &mut regs[at..at + usize::from(instr.c)],
                        &[]
                    ));
                    r!(instr.a) = value;
                }
                Op::CallBuiltinShape => {
                    let at = usize::from(instr.a);
                    let builtin = Builtin::from_number(instr.b).unwrap_or(Builtin::Len);
                    let shape = &self.program.parts.shapes[usize::from(instr.c)];
                    let count = usize::from(shape.positional) + shape.names.len();
                    let value = try_or_fail!(self.call_builtin(
                        builtin,
                        &mut regs[at..at + count],
                        &shape.names
                    ));
                    r!(instr.a) = value;
                }
                Op::Build => {
                    let at = usize::from(instr.a);
                    let count = self.program.class(instr.b).fields.len();
                    let fields = take_all(&mut regs[at..at + count]);
                    r!(instr.a) = try_or_fail!(self.build(instr.b, fields));
                }
                Op::Return => break Step::Return(std::mem::take(&mut r!(instr.a))),
                Op::Raise => break Step::Fail(self.raise_value(&r!(instr.a))),
                Op::Reraise => match &r!(instr.a) {
                    Value::Exception(exception) => {
                        break Step::Fail(Box::new(Stop::Raise(exception.clone())))
                    }
                    _ => break Step::Fail(malformed()),
                },
                Op::Matches => {
                    let matches = try_or_fail!(self.exception_matches(&r!(instr.b), &r!(instr.c)));
                    r!(instr.a) = Value::Bool(matches);
                }
                Op::Reject => break Step::Fail(self.reject(&r!(instr.a), &r!(instr.b))),
                Op::Assert => {
                    let message = (instr.b == 1).then(|| r!(instr.a).clone());
                    let args = message.into_iter().collect();
                    break Step::Fail(raise_with(Exc::AssertionError, args));
                }
                Op::Emit => try_or_fail!(self.emit(&r!(instr.a))),
                Op::Table => r!(instr.a) = Value::Table(instr.b),
                Op::CellGet => r!(instr.a) = try_or_fail!(self.cell_get(instr.b)),
                Op::CellSet => try_or_fail!(self.cell_set(instr.b, &r!(instr.a))),
                Op::CellAdd => r!(instr.a) = try_or_fail!(self.cell_add(instr.b, &r!(instr.a))),
                Op::Drain => r!(instr.a) = try_or_fail!(self.drain(&r!(instr.b))),
                Op::CallContract => {
                    let at = usize::from(instr.a);
                    let count = self.contract_arguments(instr.b, instr.c);
                    let arguments = take_all(&mut regs[at..at + count]);
                    r!(instr.a) = try_or_fail!(self.call_contract(instr.b, instr.c, &arguments));
                }
                Op::Due => {
                    let given = &regs[usize::from(instr.a)..];
                    r!(instr.a) = try_or_fail!(self.due(instr.b, instr.c, given));
                }
                Op::Cancel => r!(instr.a) = try_or_fail!(self.cancel(&r!(instr.b))),
                Op::Context => r!(instr.a) = try_or_fail!(self.context_value(instr.b)),
                Op::Format => {
                    r!(instr.a) = try_or_fail!(self.format_value(&r!(instr.b), &r!(instr.c)))
                }
                Op::Convert => r!(instr.a) = try_or_fail!(self.convert(&r!(instr.b), instr.c)),
                Op::IsSequence => {
                    let matches = is_sequence_of(&r!(instr.b), instr.c);
                    r!(instr.a) = Value::Bool(matches);
                }
                Op::IsMapping => r!(instr.a) = Value::Bool(matches!(r!(instr.b), Value::Dict(_))),
                Op::Rest => {
                    r!(instr.a) = try_or_fail!(self.without_keys(&r!(instr.b), &r!(instr.c)))
                }
                Op::Lookup => r!(instr.a) = try_or_fail!(self.lookup(&r!(instr.b), &r!(instr.c))),
                Op::IsInstance => {
                    let matches = try_or_fail!(self.is_instance(&r!(instr.b), &r!(instr.c), 0));
                    r!(instr.a) = Value::Bool(matches);
                }
                Op::LoadGlobal => {
                    let mut value = self.globals[usize::from(instr.b)].clone();
                    if matches!(value, Value::Unset) {
                        value = try_or_fail!(self.outer_global(instr.b));
                    }
                    r!(instr.a) = value;
                }
                Op::StoreGlobal => {
                    let value = r!(instr.a).clone();
                    let old = std::mem::replace(&mut self.globals[usize::from(instr.b)], value);
                    drop(old);
                }
                Op::ClearGlobal => {
                    let old = std::mem::take(&mut self.globals[usize::from(instr.a)]);
                    if matches!(old, Value::Unset) {
                        break Step::Fail(self.undefined_global(instr.a));
                    }
                }
                Op::FloorDivIn | Op::ModIn | Op::PowIn | Op::ShlIn | Op::ShrIn => {
                    let (x, y) = (&r!(instr.b), &r!(instr.c));
                    r!(instr.a) = try_or_fail!(self.in_place_number(instr.op, x, y));
                }
                Op::HasAttr => try_or_fail!(self.must_have(&r!(instr.a), instr.b)),
                Op::BoundGlobal => {
                    if matches!(r!(instr.a), Value::Unset) {
                        let name = self.program.name(instr.b);
                        break Step::Fail(undefined_name(name));
                    }
                }
            }
        };
        *counter = pc;
        step
    }
}
