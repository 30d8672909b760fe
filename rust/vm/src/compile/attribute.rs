//! Attributes of values, of the contract and of classes.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::function::Reg;
use super::resolve::Resolved;
use super::{Compiler, Global};
use crate::program::{Const, Op, Special};

impl<'s> Compiler<'s> {
    pub(crate) fn attribute(&mut self, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        if name == "__name__" && self.is_script {
            return self.own_name(attribute, to);
        }
        if name.starts_with("__") {
            return self.refuse(
                &attribute.attr,
                "language.dunder",
                "names with two leading underscores reach into Python's machinery",
                "use operators and builtins, or name the attribute otherwise",
            );
        }
        if self.is_self(&attribute.value) {
            return self.self_attribute(attribute, to);
        }
        if let Expr::Name(class) = &*attribute.value {
            match self.resolve(class.id.as_str()) {
                Resolved::Global(Global::Class(class)) => {
                    return self.class_attribute(class, attribute, to)
                }
                Resolved::Global(Global::Contract) => {
                    if let Some(id) = self.contract.constants.get(name) {
                        let id = *id;
                        return self.emit(Op::Const, to, id, 0);
                    }
                }
                _ => {}
            }
        }
        let object = self.expr(&attribute.value);
        let id = self.name(name);
        self.at(&attribute.attr);
        self.emit(Op::GetAttr, to, object, id);
    }

    /// `type(x).__name__`, `f.__name__`
    fn own_name(&mut self, attribute: &'s ast::ExprAttribute, to: Reg) {
        if let Expr::Call(call) = &*attribute.value {
            if let (Expr::Name(name), [value], []) = (
                &*call.func,
                &*call.arguments.args,
                call.arguments.keywords.as_slice(),
            ) {
                let is_type = matches!(
                    self.resolve(name.id.as_str()),
                    Resolved::Builtin(crate::builtins::Builtin::Type)
                );
                if is_type && !matches!(value, Expr::Starred(_)) {
                    let base = self.f().temp();
                    self.expr_to(value, base);
                    self.at(attribute);
                    self.emit_builtin(crate::builtins::Builtin::TypeName, base, 1);
                    return self.emit(Op::Take, to, base, 0);
                }
            }
        }
        let object = self.expr(&attribute.value);
        let id = self.name("__name__");
        self.at(&attribute.attr);
        self.emit(Op::GetAttr, to, object, id);
    }

    fn self_attribute(&mut self, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        if let Some(part) = crate::interp::context_part(name) {
            return self.emit(Op::Context, to, part, 0);
        }
        if let Some(table) = self.contract.tables.get(name).copied() {
            return self.emit(Op::Table, to, table, 0);
        }
        if let Some(id) = self.contract.constants.get(name).copied() {
            return self.emit(Op::Const, to, id, 0);
        }
        if self.contract.methods.contains_key(name) || ["emit", "due", "cancel"].contains(&name) {
            let message = format!("`self.{name}` is a method: it can only be called here");
            return self.error(
                attribute.range(),
                "language.method_value",
                message,
                "call it, or wrap it: lambda x: self.method(x)",
            );
        }
        if self.refuse_cell_value(attribute) || self.refuse_use_value(attribute) {
            return;
        }
        let message = format!("the contract has no `{name}`");
        let help =
            "declare a table (name = Table(...)), a cell, a constant or a method; the state lives \
                    in tables and cells only";
        self.error(attribute.attr.range(), "name.attribute", message, help);
    }

    fn class_attribute(&mut self, class: u16, attribute: &'s ast::ExprAttribute, to: Reg) {
        let name = attribute.attr.as_str();
        let id = self.name(name);
        let (fixed, bound) = (
            self.name(&format!("{}{name}", Special::Static.mark())),
            self.name(&format!("{}{name}", Special::Class.mark())),
        );
        let info = &self.parts.classes[usize::from(class)];
        if info
            .methods
            .iter()
            .any(|(known, _)| [fixed, bound].contains(known))
        {
            self.load_const(Const::Class(class), to);
            self.at(&attribute.attr);
            return self.emit(Op::GetAttr, to, to, id);
        }
        if let Some(member) = info.members.iter().position(|(member, _)| *member == id) {
            return self.load_const(Const::Enum(class, member as u16), to);
        }
        let message = format!("`{}` has no `{name}`", info.name);
        self.error(
            attribute.attr.range(),
            "name.attribute",
            message,
            "use a member of the enum, or an attribute of an instance",
        );
    }
}
