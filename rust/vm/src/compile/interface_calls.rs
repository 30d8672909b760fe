//! Other contracts: interface classes, `Uses(...)`, and calls of their methods.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::arguments::has_star;
use super::constant::mutable;
use super::function::Reg;
use super::{docstring, Compiler, Declared, Global, Signature};
use crate::limits;
use crate::program::uses::{is_contract_name, Declared as Interface, Method, Use};
use crate::program::Op;
use crate::types::Type;

const INTERFACE_HELP: &str =
    "write @call or @view, then def put(self, id: str) -> int: with the body ...";
const USES_HELP: &str = "write stock = Uses(Stock, contract=\"stock\")";

impl<'s> Compiler<'s> {
    /// Declares `class Name(Interface):`.
    pub(crate) fn declare_interface(&mut self, class: &'s ast::StmtClassDef) {
        let number = self.parts.interfaces.len();
        if number >= limits::INTERFACES {
            let message = format!("a file declares at most {} interfaces", limits::INTERFACES);
            self.error(class.name.range(), "limit.interfaces", message, "join some");
        }
        self.parts.interfaces.push(Interface {
            name: class.name.to_string(),
            methods: Vec::new(),
        });
        self.interface_signatures.push(Vec::new());
        self.declare_global(
            class.name.as_str(),
            Global::Interface(number as u16),
            &class.name,
        );
    }

    pub(crate) fn define_interface(&mut self, number: u16, class: &'s ast::StmtClassDef) {
        let (_, body) = docstring(&class.body);
        for stmt in body {
            match stmt {
                Stmt::FunctionDef(def) => self.interface_method(number, def),
                Stmt::Pass(_) => {}
                Stmt::Expr(expr) if matches!(&*expr.value, Expr::EllipsisLiteral(_)) => {}
                _ => self.error(
                    stmt.range(),
                    "language.interface",
                    "an interface holds methods only",
                    INTERFACE_HELP,
                ),
            }
        }
    }

    fn interface_method(&mut self, number: u16, def: &'s ast::StmtFunctionDef) {
        let Some(view) = self.interface_kind(def) else {
            return;
        };
        let (_, body) = docstring(&def.body);
        let empty = match body {
            [] => true,
            [Stmt::Expr(only)] => matches!(&*only.value, Expr::EllipsisLiteral(_)),
            _ => false,
        };
        if !empty {
            self.error(
                def.name.range(),
                "language.interface",
                "a method of an interface has no code: it runs in the other contract",
                INTERFACE_HELP,
            );
        }
        let params = self.interface_parameters(number, def);
        let returns = match &def.returns {
            Some(returns) => self.annotation(returns),
            None => {
                let message = format!("`{}` says not what it gives", def.name);
                let help = "write -> and a type, -> None where it gives nothing";
                self.error(def.name.range(), "type.missing", message, help);
                Type::Any
            }
        };
        let name = self.name(def.name.as_str());
        let methods = &mut self.parts.interfaces[usize::from(number)].methods;
        if methods.iter().any(|known| known.name == name) || methods.len() >= limits::FIELDS {
            self.interface_signatures[usize::from(number)].pop();
            let message = format!("`{}` is declared twice, or one too many", def.name);
            return self.error(def.name.range(), "name.twice", message, "remove one");
        }
        methods.push(Method {
            name,
            view,
            params,
            returns,
        });
    }

    /// Whether a method of an interface is a view.
    fn interface_kind(&mut self, def: &'s ast::StmtFunctionDef) -> Option<bool> {
        match def.decorator_list.as_slice() {
            [one] if self.declares(&one.expression, Declared::View) => Some(true),
            [one] if self.declares(&one.expression, Declared::Call) => Some(false),
            _ => {
                let message = format!("`{}` is neither @call nor @view", def.name);
                let help =
                    "put @call or @view above it; who may call is the other contract's matter";
                self.error(def.name.range(), "language.interface", message, help);
                None
            }
        }
    }

    /// Parameters after `self`, with their types; notes the signature for callers.
    fn interface_parameters(
        &mut self,
        number: u16,
        def: &'s ast::StmtFunctionDef,
    ) -> Vec<(u16, Type)> {
        let parameters = &def.parameters;
        if parameters.vararg.is_some() || parameters.kwarg.is_some() || parameters.is_empty() {
            self.error(
                def.name.range(),
                "language.call_parameters",
                "a method of an interface has self and names each argument",
                "declare the parameters one by one",
            );
        }
        let (mut params, mut signed) = (Vec::new(), Vec::new());
        for parameter in parameters.iter_non_variadic_params().skip(1) {
            let ty = match parameter.annotation() {
                Some(annotation) => self.annotation(annotation),
                None => {
                    let message = format!("the parameter `{}` needs a type", parameter.name());
                    self.error(
                        parameter.range(),
                        "type.missing",
                        message,
                        "write name: type",
                    );
                    Type::Any
                }
            };
            let default = parameter
                .default()
                .map(|value| self.sent_default(value, &ty));
            let name = self.name(parameter.name().as_str());
            params.push((name, ty));
            signed.push((parameter.name().to_string(), default));
        }
        let interface = &self.parts.interfaces[usize::from(number)].name;
        let signature = Signature {
            name: def.name.to_string(),
            qualified: format!("{interface}.{}", def.name),
            params: signed,
            positional: (parameters.posonlyargs.len() + parameters.args.len()).saturating_sub(1),
            positional_only: parameters.posonlyargs.len().saturating_sub(1),
            ..Signature::default()
        };
        self.interface_signatures[usize::from(number)].push(signature);
        params
    }

    /// A default of an interface is sent like any argument.
    fn sent_default(&mut self, value: &'s Expr, ty: &Type) -> u16 {
        if matches!(self.evaluate(value), Some(found) if mutable(&found)) {
            self.error(
                value.range(),
                "language.mutable_default",
                "a default that can change would be shared between calls",
                "give the argument at each call",
            );
            return 0;
        }
        self.field_default(value, ty)
    }

    /// Declares `stock = Uses(Stock, contract="stock")`, if the value of an attribute is that.
    pub(crate) fn define_use(&mut self, name: &'s ast::ExprName, value: &'s Expr) -> bool {
        let Expr::Call(call) = value else {
            return false;
        };
        if !self.declares(&call.func, Declared::Uses) {
            return false;
        }
        let Some((interface, contract, source)) = self.used(call) else {
            return true;
        };
        let number = self.parts.uses.len();
        if number >= limits::USES {
            let message = format!("a contract uses at most {} others", limits::USES);
            self.error(call.range(), "limit.uses", message, "split the contract");
            return true;
        }
        let id = self.name(name.id.as_str());
        self.parts.uses.push(Use {
            name: id,
            interface,
            contract,
            source,
        });
        self.contract
            .uses
            .insert(name.id.to_string(), number as u16);
        true
    }

    fn used(&mut self, call: &'s ast::ExprCall) -> Option<(u16, String, Option<[u8; 32]>)> {
        let interface = match &*call.arguments.args {
            [Expr::Name(class)] => match self.globals.get(class.id.as_str()) {
                Some(Global::Interface(number)) => Some(*number),
                _ => None,
            },
            _ => None,
        };
        let (mut contract, mut source, mut other) = (None, None, false);
        for keyword in &call.arguments.keywords {
            let text = match &keyword.value {
                Expr::StringLiteral(text) => Some(text.value.to_str().to_string()),
                _ => None,
            };
            match keyword.arg.as_ref().map(|arg| arg.as_str()) {
                Some("contract") => contract = text,
                Some("source") => {
                    source = text.as_deref().and_then(hash_of);
                    if source.is_none() {
                        self.error(
                            keyword.range(),
                            "language.uses",
                            "source is the hash of a deployed source: 64 digits of 0-9 and a-f",
                            "copy it from `lianheng status`, or leave it out",
                        );
                    }
                }
                _ => other = true,
            }
        }
        match (interface, contract.filter(|name| is_contract_name(name))) {
            (Some(interface), Some(contract)) if !other => Some((interface, contract, source)),
            _ => {
                self.error(
                    call.range(),
                    "language.uses",
                    "a used contract has an interface class of this file and the name under which it is deployed",
                    USES_HELP,
                );
                None
            }
        }
    }

    /// The used contract that an expression such as `self.stock` names.
    fn use_of(&mut self, expr: &'s Expr) -> Option<u16> {
        let Expr::Attribute(attribute) = expr else {
            return None;
        };
        let used = self.contract.uses.get(attribute.attr.as_str()).copied()?;
        self.is_self(&attribute.value).then_some(used)
    }

    /// A call of another contract, where the callee is one; the result's register, if any.
    pub(crate) fn call_used(
        &mut self,
        call: &'s ast::ExprCall,
        attribute: &'s ast::ExprAttribute,
    ) -> Option<Option<Reg>> {
        let used = self.use_of(&attribute.value)?;
        let interface = self.parts.uses[usize::from(used)].interface;
        let name = attribute.attr.as_str();
        let id = self.name(name);
        let declared = &self.parts.interfaces[usize::from(interface)];
        let Some(number) = declared.methods.iter().position(|method| method.name == id) else {
            let message = format!("the interface {} has no method `{name}`", declared.name);
            let names = &self.parts.names;
            let known: Vec<&str> = declared
                .methods
                .iter()
                .map(|method| names[usize::from(method.name)].as_str())
                .collect();
            let help = format!("it has: {}", known.join(", "));
            self.error(attribute.attr.range(), "name.attribute", message, help);
            return Some(None);
        };
        let view = declared.methods[number].view;
        if !self.check_used_call(call, name, view) {
            return Some(None);
        }
        let signatures = &self.interface_signatures[usize::from(interface)];
        let signature = signatures.get(number).cloned().unwrap_or_default();
        let base = self.f().temps(signature.params.len().max(1));
        if !self.bind_arguments(&call.arguments, &signature, 0, base, call.range()) {
            return Some(None);
        }
        self.at(call);
        self.emit(Op::CallContract, base, used, number as u16);
        Some(Some(base))
    }

    fn check_used_call(&mut self, call: &'s ast::ExprCall, name: &str, view: bool) -> bool {
        if has_star(&call.arguments) {
            self.error(
                call.range(),
                "call.arguments",
                "a call of another contract names each argument",
                "write the arguments out",
            );
            return false;
        }
        if self.contract.migrating {
            self.error(
                call.range(),
                "language.migrate",
                "a migration calls no other contract: it changes the layout of this one",
                "call it from a method that members call",
            );
            return false;
        }
        if self.contract.viewing && !view {
            self.error(
                call.range(),
                "call.in_view",
                format!("`{name}` changes the other contract's state, and a view only reads"),
                "declare this method with @call(by=...), or call a view",
            );
            return false;
        }
        true
    }

    /// A used contract that is not called where it stands.
    pub(crate) fn refuse_use_value(&mut self, attribute: &'s ast::ExprAttribute) -> bool {
        let name = attribute.attr.as_str();
        if !self.contract.uses.contains_key(name) {
            return false;
        }
        let message = format!("`self.{name}` is another contract: it is no value to hand on");
        let help = format!("call a method of it here: self.{name}.method(...)");
        self.error(attribute.range(), "language.uses", message, help);
        true
    }
}

/// The 32 bytes of 64 lower-case digits.
fn hash_of(text: &str) -> Option<[u8; 32]> {
    let digits = text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !digits {
        return None;
    }
    let mut hash = [0_u8; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}
