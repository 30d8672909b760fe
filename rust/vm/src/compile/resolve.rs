//! Names: what they mean, and how their values are loaded.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::function::{Reg, Var};
use super::{Compiler, Declared, Global};
use crate::builtins::Builtin;
use crate::program::{Const, Op};

/// What a name means where it is read.
pub(crate) enum Resolved {
    Local(Var),
    Global(Global),
    Builtin(Builtin),
    Text(&'static str),
    Undefined,
}

impl<'s> Compiler<'s> {
    pub(crate) fn resolve(&mut self, name: &str) -> Resolved {
        if let Some(var) = self.f().find(name) {
            return Resolved::Local(var);
        }
        if let Some(global) = self.globals.get(name) {
            return Resolved::Global(*global);
        }
        if name == "__name__" && self.is_script {
            return Resolved::Text("__main__");
        }
        match (self.builtin(name), crate::error::Exc::from_name(name)) {
            (Some(builtin), _) => Resolved::Builtin(builtin),
            (None, Some(class)) if class != crate::error::Exc::Rejected => {
                Resolved::Global(Global::Exception(class))
            }
            _ => Resolved::Undefined,
        }
    }

    /// The builtin of a name: only scripts print.
    pub(crate) fn builtin(&self, name: &str) -> Option<Builtin> {
        Builtin::from_name(name)
            .filter(|found| *found != Builtin::Print || self.is_script)
            .filter(|found| crate::builtins::library::parameters(*found).is_none())
    }

    /// Whether an expression is the contract's `self`.
    pub(crate) fn is_self(&mut self, expr: &Expr) -> bool {
        let Expr::Name(name) = expr else { return false };
        self.f().this.as_deref() == Some(name.id.as_str())
    }

    pub(crate) fn check_bound(&mut self, var: Var, name: &'s ast::ExprName) {
        let assigned = &self.f().assigned;
        if !assigned.unreachable && !assigned.registers.contains(&var.register) {
            let id = self.name(name.id.as_str());
            self.at(name);
            self.check_register(var.register, id);
        }
    }

    /// Fails where a variable's register holds nothing.
    pub(crate) fn check_register(&mut self, register: Reg, name: u16) {
        let op = if self.f().module {
            Op::BoundGlobal
        } else {
            Op::Bound
        };
        self.emit(op, register, name, 0);
    }

    pub(crate) fn load_var(&mut self, var: Var, name: &str, to: Reg) {
        if var.global {
            self.emit(Op::LoadGlobal, to, var.register, 0);
        } else if var.cell {
            let id = self.name(name);
            self.emit(Op::LoadCell, to, var.register, id);
        } else {
            if !self.f().assigned.unreachable
                && !self.f().assigned.registers.contains(&var.register)
            {
                let id = self.name(name);
                self.check_register(var.register, id);
            }
            if var.register != to {
                self.emit(Op::Move, to, var.register, 0);
            }
        }
    }

    pub(crate) fn load_name(&mut self, name: &'s ast::ExprName, to: Reg) {
        let id = name.id.as_str();
        match self.resolve(id) {
            Resolved::Local(var) => self.load_var(var, id, to),
            Resolved::Global(global) => self.load_global(global, name, to),
            Resolved::Builtin(builtin) => self.load_const(Const::Builtin(builtin.number()), to),
            Resolved::Text(text) => self.load_const(Const::Str(text.to_string()), to),
            Resolved::Undefined => self.undefined(name),
        }
    }

    fn load_global(&mut self, global: Global, name: &'s ast::ExprName, to: Reg) {
        match global {
            Global::Const(id) => self.emit(Op::Const, to, id, 0),
            Global::Function(id) => self.load_const(Const::Function(id), to),
            Global::Class(id) => self.load_const(Const::Class(id), to),
            Global::Exception(class) => self.load_const(Const::ExcClass(class), to),
            Global::Library(builtin) => self.load_const(Const::Builtin(builtin.number()), to),
            Global::Slot(slot) => self.emit(Op::LoadGlobal, to, slot, 0),
            Global::Broken => {}
            Global::Typing(_) => {
                let message = format!(
                    "`{}` is a type for annotations: it is no value here",
                    name.id
                );
                let help = "test with isinstance(x, (int, str)), or call list, dict, ...";
                self.error(name.range(), "language.value", message, help);
            }
            Global::Require => self.refuse(
                name,
                "language.value",
                "`require` can only be called",
                "write require(condition, \"code\", \"message\")",
            ),
            Global::Contract => self.refuse(
                name,
                "language.value",
                "the contract's class is no value",
                "use self",
            ),
            Global::Interface(_) => self.refuse(
                name,
                "language.value",
                "an interface only declares what another contract offers",
                "bind it in the contract's class: stock = Uses(Stock, contract=\"stock\")",
            ),
            Global::Declaration(declared) => {
                let message = format!("`{}` only declares: it is no value here", name.id);
                let help = match declared {
                    Declared::Table => {
                        "declare tables in the contract's class: items = Table(Item, key=\"id\")"
                    }
                    Declared::Cell | Declared::Counter => {
                        "declare cells in the contract's class: total = Cell(int, 0)"
                    }
                    Declared::Uses => {
                        "declare it in the contract's class: stock = Uses(Stock, contract=\"stock\")"
                    }
                    Declared::Call
                    | Declared::View
                    | Declared::Invariant
                    | Declared::Migrate
                    | Declared::Timer => "use it as a decorator of a method",
                    _ => "use it as the base of a class",
                };
                self.error(name.range(), "language.value", message, help);
            }
        }
    }

    fn undefined(&mut self, name: &'s ast::ExprName) {
        let id = name.id.as_str();
        let (code, message, help) = match id {
            "float" | "complex" => (
                "language.float",
                "floats are not part of the language: they round differently between machines",
                "use int in the smallest unit, for example cents",
            ),
            "print" | "input" | "open" => (
                "language.io",
                "a contract has no input or output",
                "emit an event, or return a value",
            ),
            "eval" | "exec" | "compile" | "globals" | "locals" | "vars" | "getattr" | "setattr"
            | "delattr" | "hasattr" | "dir" | "__import__" | "super" | "object" => (
                "language.reflection",
                "code that looks at or makes code is not part of the language",
                "name the attribute or function directly",
            ),
            "hash" | "id" | "memoryview" | "bytearray" => (
                "language.builtin",
                "this builtin depends on the machine or changes bytes in place",
                "use the value itself as the key, or bytes",
            ),
            "BaseException" | "SystemExit" | "KeyboardInterrupt" | "GeneratorExit" => (
                "language.exception",
                "nothing above `Exception` is part of the language: a call ends by its result or by \
                 an error",
                "catch Exception; end a call with return, or raise Rejected(\"code\", \"message\")",
            ),
            "NotImplemented" | "Ellipsis" => (
                "language.builtin",
                "this value only means something to methods that Python calls by itself",
                "use None, or raise NotImplementedError(...)",
            ),
            _ if self.told.contains(id) => return,
            _ => ("name.undefined", "", ""),
        };
        if message.is_empty() {
            let near = self.nearest(id);
            let help = near.map_or_else(
                || "define it, or import it from lianheng.contract".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            return self.error(name.range(), code, format!("`{id}` is not defined"), help);
        }
        self.error(name.range(), code, format!("`{id}`: {message}"), help);
    }

    /// A known name that looks like this one.
    fn nearest(&mut self, name: &str) -> Option<String> {
        let mut known: Vec<String> = self.globals.keys().cloned().collect();
        known.extend(
            self.f()
                .scopes
                .iter()
                .flat_map(|scope| scope.vars.keys().cloned()),
        );
        known.extend(Builtin::names().map(str::to_string));
        known.sort();
        known.into_iter().find(|other| distance_is_one(name, other))
    }
}

/// Whether two names differ by one edit.
fn distance_is_one(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let prefix = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let suffix = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    match a.len().abs_diff(b.len()) {
        0 => prefix + suffix + 1 >= a.len() && a != b && a.len() > 2,
        1 => prefix + suffix >= a.len().min(b.len()) && a.len() > 2,
        _ => false,
    }
}
