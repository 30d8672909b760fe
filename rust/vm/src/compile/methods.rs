//! Methods of records and of the contract; calls and views.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{docstring, Compiler, Declared, Global};
use crate::program::{Entry, Special};
use crate::types::Type;

/// What `self` has besides what the contract declares.
pub(crate) const RESERVED: [&str; 4] = ["cancel", "drain", "due", "emit"];

impl<'s> Compiler<'s> {
    pub(crate) fn declare_methods(&mut self, class: &'s ast::StmtClassDef) {
        let global = self.globals.get(class.name.as_str()).copied();
        if matches!(global, Some(Global::Interface(_))) {
            return;
        }
        if let Some(Global::Class(id)) = global {
            if let Some(base) = self.parts.classes[usize::from(id)].base {
                self.parts.classes[usize::from(id)].methods =
                    self.parts.classes[usize::from(base)].methods.clone();
            }
        }
        for stmt in &class.body {
            let Stmt::FunctionDef(def) = stmt else {
                continue;
            };
            let name = def.name.as_str();
            if name.starts_with("__") {
                self.error(
                    def.name.range(),
                    "language.dunder",
                    "methods with two leading underscores reach into Python's machinery",
                    "give it a plain name",
                );
                continue;
            }
            let function = self.reserve_function();
            self.sign(function, def, Some(class.name.as_str()));
            let id = self.name(name);
            match global {
                Some(Global::Class(class)) => self.declare_record_method(class, function, def),
                Some(Global::Contract) => self.declare_contract_method(id, function, def),
                _ => {}
            }
        }
    }

    /// A method of a record takes the place of an inherited one of any kind.
    fn declare_record_method(&mut self, class: u16, function: u16, def: &'s ast::StmtFunctionDef) {
        let plain = self.name(def.name.as_str());
        let marked = Special::ALL.map(|special| self.marked(special, def.name.as_str()));
        let id = self
            .special_of(def)
            .map_or(plain, |special| self.marked(special, def.name.as_str()));
        let own = &mut self.parts.classes[usize::from(class)];
        own.methods
            .retain(|(known, _)| *known != plain && !marked.contains(known));
        own.methods.push((id, function));
    }

    fn marked(&mut self, special: Special, name: &str) -> u16 {
        self.name(&format!("{}{name}", special.mark()))
    }

    /// What the decorator of a record's method makes of it.
    fn special_of(&self, def: &ast::StmtFunctionDef) -> Option<Special> {
        let [decorator] = def.decorator_list.as_slice() else {
            return None;
        };
        let Expr::Name(name) = &decorator.expression else {
            return None;
        };
        if self.globals.contains_key(name.id.as_str()) {
            return None;
        }
        match name.id.as_str() {
            "property" => Some(Special::Property),
            "staticmethod" => Some(Special::Static),
            "classmethod" => Some(Special::Class),
            _ => None,
        }
    }

    /// Fields that a property or another method hides, also an inherited one.
    fn check_hidden_fields(&mut self, id: u16, class: &'s ast::StmtClassDef) {
        let own = &self.parts.classes[usize::from(id)];
        let text = |id: u16| self.parts.names[usize::from(id)].trim_start_matches(['@', '=', '$']);
        let mut fields = own.fields.iter().map(|field| text(field.name));
        let hidden = fields.find(|field| own.methods.iter().any(|(name, _)| text(*name) == *field));
        if let Some(field) = hidden {
            let message = format!("`{field}` is a field and a method of {}", class.name);
            self.error(
                class.name.range(),
                "name.twice",
                message,
                "choose another name",
            );
        }
    }

    fn declare_contract_method(&mut self, id: u16, function: u16, def: &'s ast::StmtFunctionDef) {
        let name = def.name.as_str();
        let taken = self.contract.tables.contains_key(name)
            || self.contract.constants.contains_key(name)
            || crate::interp::context_part(name).is_some()
            || self.contract.cells.contains_key(name)
            || self.contract.uses.contains_key(name)
            || RESERVED.contains(&name);
        let known = self.contract.methods.insert(name.to_string(), function);
        if known.is_some() || taken {
            self.error(
                def.name.range(),
                "name.twice",
                format!("`{name}` is taken"),
                "choose another name",
            );
        }
        self.parts.methods.push((id, function));
        let mut decorators = def.decorator_list.iter();
        if decorators
            .next()
            .is_some_and(|first| self.is_timer(&first.expression))
        {
            self.refuse_second_decorator(def);
            return self.define_timer(id, function, def);
        }
        self.declare_entry(id, function, def);
    }

    /// A method that transactions or views reach.
    fn declare_entry(&mut self, name: u16, function: u16, def: &'s ast::StmtFunctionDef) {
        let Some((view, by)) = self.entry_policy(function, def) else {
            return;
        };
        let types = self.entry_types(def);
        let returns = def
            .returns
            .as_ref()
            .map_or(Type::Any, |returns| self.annotation(returns));
        let (doc, _) = docstring(&def.body);
        self.parts.entries.push(Entry {
            name,
            function,
            view,
            by,
            types,
            returns,
            doc,
        });
    }

    /// Whether a decorated method is a view, and who may call it; nothing for a plain method.
    fn entry_policy(
        &mut self,
        function: u16,
        def: &'s ast::StmtFunctionDef,
    ) -> Option<(bool, String)> {
        let decorator = def.decorator_list.first()?;
        self.refuse_second_decorator(def);
        match &decorator.expression {
            view if self.declares(view, Declared::View) => Some((true, String::new())),
            invariant if self.declares(invariant, Declared::Invariant) => {
                self.check_invariant(def);
                None
            }
            Expr::Call(call) if self.declares(&call.func, Declared::Migrate) => {
                self.define_migration(function, def, call);
                None
            }
            Expr::Call(call) if self.declares(&call.func, Declared::Call) => {
                self.policy(call).map(|by| (false, by))
            }
            other => {
                self.error(
                    other.range(),
                    "language.decorator",
                    "a method of a contract is decorated with @call(by=\"...\"), @view, @timer, @invariant or @migrate(from_version=...)",
                    "write @call(by=\"role:operator\")",
                );
                None
            }
        }
    }

    fn refuse_second_decorator(&mut self, def: &'s ast::StmtFunctionDef) {
        if let Some(second) = def.decorator_list.get(1) {
            self.error(
                second.range(),
                "language.decorator",
                "a method takes one decorator",
                "keep @call(by=...), @view or @timer",
            );
        }
    }

    /// An invariant is for tests: on the chain it is a helper that nobody outside reaches.
    fn check_invariant(&mut self, def: &'s ast::StmtFunctionDef) {
        if def.parameters.len() > 1 {
            self.error(
                def.name.range(),
                "language.call_parameters",
                "an invariant has no parameters but self: it is about the state alone",
                "write def name(self) -> None: with assert or require inside",
            );
        }
    }

    /// The types of a call's or view's parameters after `self`.
    pub(crate) fn entry_types(&mut self, def: &'s ast::StmtFunctionDef) -> Vec<Type> {
        let parameters = &def.parameters;
        if parameters.vararg.is_some() || parameters.kwarg.is_some() {
            self.error(
                def.name.range(),
                "language.call_parameters",
                "calls and views name each argument",
                "declare the parameters one by one",
            );
        }
        let mut types = Vec::new();
        for parameter in parameters.iter_non_variadic_params().skip(1) {
            match parameter.annotation() {
                Some(annotation) => types.push(self.annotation(annotation)),
                None => {
                    let message = format!(
                        "the parameter `{}` of a call needs a type",
                        parameter.name()
                    );
                    self.error(
                        parameter.range(),
                        "type.missing",
                        message,
                        "arguments come from outside and are checked: write name: type",
                    );
                    types.push(Type::Any);
                }
            }
        }
        types
    }

    fn policy(&mut self, call: &'s ast::ExprCall) -> Option<String> {
        let policy = match (&*call.arguments.args, call.arguments.keywords.as_slice()) {
            ([], [keyword]) if keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == "by") => {
                match &keyword.value {
                    Expr::StringLiteral(text) => Some(text.value.to_str().to_string()),
                    _ => None,
                }
            }
            _ => None,
        };
        if policy.as_ref().is_none_or(|text| text.trim().is_empty()) {
            self.error(
                call.range(),
                "contract.policy",
                "a call declares who may make it",
                "write @call(by=\"role:operator\")",
            );
            return None;
        }
        policy
    }

    pub(crate) fn compile_methods(&mut self, class: &'s ast::StmtClassDef) {
        let global = self.globals.get(class.name.as_str()).copied();
        let is_contract = global == Some(Global::Contract);
        if let Some(Global::Class(id)) = global {
            self.check_hidden_fields(id, class);
        }
        for stmt in &class.body {
            let Stmt::FunctionDef(def) = stmt else {
                continue;
            };
            let special = self.special_of(def).filter(|_| !is_contract);
            let Some(function) = self.method_number(global, special, def.name.as_str()) else {
                continue;
            };
            if !is_contract && special.is_none() && !def.decorator_list.is_empty() {
                self.error(
                    def.decorator_list[0].range(),
                    "language.decorator",
                    "methods of records take no decorators but @property, @staticmethod and @classmethod",
                    "write a plain method",
                );
            }
            self.contract.migrating = is_contract && self.is_migration(def);
            self.contract.viewing = is_contract
                && def
                    .decorator_list
                    .iter()
                    .any(|one| self.declares(&one.expression, Declared::View));
            if special == Some(Special::Property) && def.parameters.len() != 1 {
                self.error(
                    def.name.range(),
                    "language.self",
                    "a property has no parameter but self",
                    "write a plain method",
                );
            }
            match receiver(def) {
                _ if special == Some(Special::Static) => self.function_body(function, def, None),
                Some(this) => self.function_body(function, def, Some(this).filter(|_| is_contract)),
                None => self.error(
                    def.name.range(),
                    "language.self",
                    "a method's first parameter is self",
                    "write def name(self, ...)",
                ),
            }
        }
    }

    /// The function that a method of the class was declared as.
    fn method_number(
        &mut self,
        class: Option<Global>,
        special: Option<Special>,
        method: &str,
    ) -> Option<u16> {
        let id = match special {
            Some(special) => self.marked(special, method),
            None => self.name(method),
        };
        match class? {
            Global::Class(class) => {
                let methods = &self.parts.classes[usize::from(class)].methods;
                let found = methods.iter().find(|(name, _)| *name == id);
                found.map(|(_, function)| *function)
            }
            Global::Contract => self.contract.methods.get(method).copied(),
            _ => None,
        }
    }
}

/// The name of a method's first parameter, if that is one without default.
fn receiver(def: &ast::StmtFunctionDef) -> Option<String> {
    let plain = def.parameters.args.first();
    if plain.is_none_or(|first| first.default.is_some()) {
        return None;
    }
    let mut parameters = def.parameters.iter_non_variadic_params();
    parameters.next().map(|first| first.name().to_string())
}
