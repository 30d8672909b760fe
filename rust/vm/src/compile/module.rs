//! The module: imports, constants, functions and the order in which they are compiled.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::constant::mutable;
use super::{docstring, Compiler, Declared, Global, Signature};
use crate::error::Exc;
use crate::imports::MODULE as CHAIN;
use crate::program::{Class, ClassKind, Field, Function, CALLER};
use crate::types::Type;

/// The modules that contracts import from.
const MODULE: &str = "lianheng.contract";
const IMPORT_HELP: &str =
    "it has Contract, Record, Event, Enum, Table, Cell, Counter, Interface, Uses, call, view, invariant, migrate, timer, require, Rejected, Caller, and the helpers of docs/contract-library.md";

impl<'s> Compiler<'s> {
    /// The record class of callers, known to every program.
    pub(crate) fn declare_caller(&mut self) {
        let mut field = |name: &str, ty: Type| Field {
            name: self.name(name),
            ty,
            default: None,
        };
        let fields = vec![
            field("member", Type::Str),
            field("organisation", Type::Str),
            field("roles", Type::TupleOf(Box::new(Type::Str))),
        ];
        debug_assert_eq!(self.parts.classes.len(), usize::from(CALLER));
        self.parts.classes.push(Class {
            name: "Caller".to_string(),
            doc: "Who calls: `alice@north` is a member, `north` the organisation, with the roles held there.".to_string(),
            kind: ClassKind::Record,
            base: None,
            fields,
            methods: Vec::new(),
            members: Vec::new(),
            signatories: Vec::new(),
            observers: Vec::new(),
        });
    }

    pub(crate) fn module(&mut self, body: &'s [Stmt]) {
        let (doc, rest) = docstring(body);
        self.parts.doc = doc;
        let all: Vec<&'s Stmt> = rest.iter().collect();
        self.module_items(&all);
        if self.parts.contract.is_empty() && self.reporter.is_empty() {
            let at = ruff_text_size::TextRange::default();
            self.error(
                at,
                "contract.missing",
                "the file declares no contract",
                "write class Name(Contract): with at least one @call or @view method",
            );
        }
    }

    /// Compiles the statements of a module.
    pub(crate) fn module_items(&mut self, body: &[&'s Stmt]) {
        body.iter().for_each(|stmt| self.declare(stmt));
        // Fields and constants may name each other's classes and enums, so they come second.
        body.iter().for_each(|stmt| self.define(stmt));
        body.iter().for_each(|stmt| self.declare_bodies(stmt));
        body.iter().for_each(|stmt| self.compile_bodies(stmt));
    }

    pub(crate) fn declare(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::ImportFrom(import) => self.import(import),
            Stmt::Import(node) => {
                self.told_imports(&node.names);
                self.refuse(
                    node,
                    "language.import",
                    "only names of lianheng.contract can be imported",
                    "write from lianheng.contract import ...",
                );
            }
            Stmt::FunctionDef(def) => {
                let id = self.reserve_function();
                self.declare_global(def.name.as_str(), Global::Function(id), &def.name);
            }
            Stmt::ClassDef(class) => self.declare_class(class),
            _ => {}
        }
    }

    pub(crate) fn declare_global(&mut self, name: &str, global: Global, at: &impl Ranged) {
        if let Some(Global::Declaration(_) | Global::Require) = self.globals.get(name) {
            return self.error(
                at.range(),
                "name.twice",
                format!("`{name}` is imported already"),
                "choose another name",
            );
        }
        if self.globals.insert(name.to_string(), global).is_some() {
            self.error(
                at.range(),
                "name.twice",
                format!("`{name}` is declared twice"),
                "choose another name",
            );
        }
    }

    pub(crate) fn reserve_function(&mut self) -> u16 {
        self.parts.functions.push(Function::default());
        (self.parts.functions.len() - 1) as u16
    }

    fn import(&mut self, import: &'s ast::StmtImportFrom) {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        if module == "__future__"
            && import
                .names
                .iter()
                .all(|name| name.name.as_str() == "annotations")
        {
            return;
        }
        if let Some(name) = module.strip_prefix(CHAIN).filter(|_| !self.is_script) {
            if import.level == 0 {
                return self.import_chain(import, name);
            }
        }
        if import.level == 0 && self.import_known(module, &import.names) {
            return;
        }
        if module != MODULE || import.level != 0 {
            self.told_imports(&import.names);
            let message = format!(
                "`{module}` cannot be imported: a contract sees only {MODULE} and deployed sources"
            );
            return self.error(
                import.range(),
                "language.import",
                message,
                "write from lianheng.contract import ..., and the rest in the contract itself",
            );
        }
        import
            .names
            .iter()
            .for_each(|alias| self.import_name(alias));
    }

    /// Remembers the names that a refused import would bind.
    pub(crate) fn told_imports(&mut self, names: &[ast::Alias]) {
        for alias in names {
            let bound = match &alias.asname {
                Some(own) => own.as_str(),
                None => alias.name.split('.').next().unwrap_or_default(),
            };
            self.told.insert(bound.to_string());
        }
    }

    fn import_name(&mut self, alias: &'s ast::Alias) {
        if alias.name.as_str() == "*" {
            return self.refuse(
                alias,
                "language.import",
                "a star import hides where names come from",
                "name what you import",
            );
        }
        let Some(global) = exported(alias.name.as_str()) else {
            self.told_imports(std::slice::from_ref(alias));
            let message = format!("{MODULE} has no `{}`", alias.name);
            return self.error(alias.range(), "name.import", message, IMPORT_HELP);
        };
        let name = alias.asname.as_ref().unwrap_or(&alias.name);
        self.globals.insert(name.to_string(), global);
    }

    /// Constants, and the fields of records, events and enums.
    fn define(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [Expr::Name(name)] => self.define_constant(name, &assign.value),
                _ => self.refuse(
                    assign,
                    "language.constant",
                    "a module constant is assigned to one name",
                    "write one assignment each",
                ),
            },
            Stmt::AnnAssign(assign) => match (&*assign.target, &assign.value) {
                (Expr::Name(name), Some(value)) => {
                    if !self.is_type_alias(&assign.annotation) {
                        self.check_annotation(&assign.annotation);
                    }
                    self.define_constant(name, value);
                }
                _ => self.refuse(
                    assign,
                    "language.constant",
                    "a module constant needs a value",
                    "write NAME = value",
                ),
            },
            Stmt::ClassDef(class) => self.define_class(class),
            Stmt::FunctionDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) => {}
            _ => self.refuse(
                stmt,
                "language.top_level",
                "statements do not stand at the top of a contract: nothing runs when it is \
                 deployed",
                "move it into a method",
            ),
        }
    }

    fn define_constant(&mut self, name: &'s ast::ExprName, value: &'s Expr) {
        if self.name_type(name, value) {
            return;
        }
        let global = match self.evaluate(value) {
            Some(value) => Global::Const(self.constant(value)),
            None => Global::Broken,
        };
        self.declare_global(name.id.as_str(), global, name);
    }

    fn declare_bodies(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied() {
                    self.sign(id, def, None);
                }
            }
            Stmt::ClassDef(class) => self.declare_methods(class),
            _ => {}
        }
    }

    /// Notes a function's parameters, for calls that are compiled before it.
    pub(crate) fn sign(&mut self, id: u16, def: &'s ast::StmtFunctionDef, class: Option<&str>) {
        let parameters = &def.parameters;
        let mut params = Vec::new();
        for parameter in parameters.iter_non_variadic_params() {
            let default = parameter
                .default()
                .map(|default| self.default_constant(default));
            params.push((parameter.name().to_string(), default));
            if let Some(annotation) = parameter.annotation() {
                self.check_annotation(annotation);
            }
        }
        if let Some(returns) = &def.returns {
            self.check_annotation(returns);
        }
        let signature = Signature {
            name: def.name.to_string(),
            qualified: class.map_or_else(
                || def.name.to_string(),
                |class| format!("{class}.{}", def.name),
            ),
            params,
            positional: parameters.posonlyargs.len() + parameters.args.len(),
            positional_only: parameters.posonlyargs.len(),
            star: parameters.vararg.is_some(),
            star_star: parameters.kwarg.is_some(),
        };
        self.signatures.insert(id, signature);
    }

    pub(crate) fn default_constant(&mut self, default: &'s Expr) -> u16 {
        let before = self.reporter.count();
        let value = self.evaluate_quietly(default);
        let told = self.reporter.count() > before;
        match value {
            Some(value) if mutable(&value) => {
                self.error(
                    default.range(),
                    "language.mutable_default",
                    "a default that can change would be shared between calls",
                    "use None, and make the value inside",
                );
                0
            }
            Some(value) => self.constant(value),
            None if told => 0,
            None => {
                self.error(
                    default.range(),
                    "language.default",
                    "a default must be a constant here",
                    "use None, and compute the value inside",
                );
                0
            }
        }
    }

    fn compile_bodies(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                if !def.decorator_list.is_empty() {
                    self.refuse(
                        &def.decorator_list[0],
                        "language.decorator",
                        "functions of the module take no decorators",
                        "call the function where it is needed",
                    );
                }
                if let Some(Global::Function(id)) = self.globals.get(def.name.as_str()).copied() {
                    self.function_body(id, def, None);
                }
            }
            Stmt::ClassDef(class) => self.compile_methods(class),
            _ => {}
        }
    }
}

/// What a name of `lianheng.contract` means.
fn exported(name: &str) -> Option<Global> {
    Some(match name {
        "Contract" => Global::Declaration(Declared::Contract),
        "Record" => Global::Declaration(Declared::Record),
        "Event" => Global::Declaration(Declared::Event),
        "Enum" => Global::Declaration(Declared::Enum),
        "Table" => Global::Declaration(Declared::Table),
        "Cell" => Global::Declaration(Declared::Cell),
        "Counter" => Global::Declaration(Declared::Counter),
        "Interface" => Global::Declaration(Declared::Interface),
        "Uses" => Global::Declaration(Declared::Uses),
        "call" => Global::Declaration(Declared::Call),
        "view" => Global::Declaration(Declared::View),
        "invariant" => Global::Declaration(Declared::Invariant),
        "migrate" => Global::Declaration(Declared::Migrate),
        "timer" => Global::Declaration(Declared::Timer),
        "require" => Global::Require,
        "Rejected" => Global::Exception(Exc::Rejected),
        "Caller" => Global::Class(CALLER),
        _ => return crate::builtins::library::exported(name).map(Global::Library),
    })
}
