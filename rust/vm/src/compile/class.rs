//! Classes: records, events, enums and the contract.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{docstring, Compiler, Declared, Global};
use crate::limits;
use crate::program::{Class, ClassKind, Const, Entry, Field, TableInfo};
use crate::types::Type;

const FIELD_HELP: &str = "declare fields as name: type or name: type = default";

impl<'s> Compiler<'s> {
    fn base_of(&mut self, class: &'s ast::StmtClassDef) -> Option<Global> {
        let arguments = class.arguments.as_deref();
        if let Some(keyword) = arguments.and_then(|arguments| arguments.keywords.first()) {
            self.error(
                keyword.range(),
                "language.class",
                "class keywords are not part of the language",
                "remove it",
            );
        }
        match class.bases() {
            [Expr::Name(base)] => {
                let global = self.globals.get(base.id.as_str()).copied();
                if global.is_none() {
                    let message = format!("the base class `{}` is not defined", base.id);
                    self.error(
                        base.range(),
                        "name.undefined",
                        message,
                        "import it from lianheng.contract, or declare it above",
                    );
                }
                global
            }
            [] => {
                self.error(
                    class.name.range(),
                    "language.class",
                    "a class has one of the bases Record, Event, Enum, Contract",
                    "write class Name(Record):",
                );
                None
            }
            bases => {
                self.error(
                    bases[0].range(),
                    "language.class",
                    "a class has exactly one base, by its name",
                    "put shared fields into one record",
                );
                None
            }
        }
    }

    pub(crate) fn declare_class(&mut self, class: &'s ast::StmtClassDef) {
        let name = class.name.as_str();
        if let Some(decorator) = class.decorator_list.first() {
            self.error(
                decorator.range(),
                "language.decorator",
                "classes take no decorators",
                "Record and Event are frozen values already",
            );
        }
        if class.type_params.is_some() {
            self.error(
                class.name.range(),
                "language.class",
                "classes take no type parameters",
                "write the types out",
            );
        }
        let (kind, base) = match self.base_of(class) {
            Some(Global::Declaration(Declared::Record)) => (ClassKind::Record, None),
            Some(Global::Declaration(Declared::Event)) => (ClassKind::Event, None),
            Some(Global::Declaration(Declared::Enum)) => (ClassKind::Enum, None),
            Some(Global::Declaration(Declared::Contract)) => {
                if !self.parts.contract.is_empty() {
                    self.error(
                        class.name.range(),
                        "contract.twice",
                        "a file declares one contract",
                        "move the second to a file of its own",
                    );
                }
                self.parts.contract = name.to_string();
                return self.declare_global(name, Global::Contract, &class.name);
            }
            Some(Global::Class(base)) => (self.parts.classes[usize::from(base)].kind, Some(base)),
            Some(_) => {
                self.error(
                    class.range(),
                    "language.class",
                    "this cannot be a base class",
                    "use Record, Event, Enum, Contract or a record of this file",
                );
                return self.declare_global(name, Global::Broken, &class.name);
            }
            None => return self.declare_global(name, Global::Broken, &class.name),
        };
        if base.is_some() && kind == ClassKind::Enum {
            self.error(
                class.name.range(),
                "language.class",
                "an enum cannot be extended",
                "declare a new one",
            );
        }
        let id = self.parts.classes.len() as u16;
        self.parts.classes.push(Class {
            name: name.to_string(),
            kind,
            base,
            fields: Vec::new(),
            methods: Vec::new(),
            members: Vec::new(),
        });
        self.declare_global(name, Global::Class(id), &class.name);
    }

    pub(crate) fn define_class(&mut self, class: &'s ast::StmtClassDef) {
        let Some(Global::Class(id)) = self.globals.get(class.name.as_str()).copied() else {
            if self.globals.get(class.name.as_str()) == Some(&Global::Contract) {
                self.define_contract(class);
            }
            return;
        };
        let (_, body) = docstring(&class.body);
        if self.parts.classes[usize::from(id)].kind == ClassKind::Enum {
            return self.define_enum(id, body);
        }
        let base = self.parts.classes[usize::from(id)].base;
        let inherited = base.map(|base| self.parts.classes[usize::from(base)].fields.clone());
        self.parts.classes[usize::from(id)].fields = inherited.unwrap_or_default();
        for stmt in body {
            match stmt {
                Stmt::AnnAssign(assign) => self.define_field(id, assign),
                Stmt::FunctionDef(_) | Stmt::Pass(_) => {}
                Stmt::Expr(expr)
                    if matches!(
                        &*expr.value,
                        Expr::EllipsisLiteral(_) | Expr::StringLiteral(_)
                    ) => {}
                _ => self.refuse(
                    stmt,
                    "language.field",
                    "a record holds fields and methods",
                    FIELD_HELP,
                ),
            }
        }
        if self.parts.classes[usize::from(id)].fields.len() > limits::FIELDS {
            self.error(
                class.name.range(),
                "limit.fields",
                format!("a record has at most {} fields", limits::FIELDS),
                "split it",
            );
        }
    }

    fn define_field(&mut self, id: u16, assign: &'s ast::StmtAnnAssign) {
        let Expr::Name(name) = &*assign.target else {
            return self.refuse(
                assign,
                "language.field",
                "a field has a plain name",
                FIELD_HELP,
            );
        };
        if name.id.as_str().starts_with('_') || name.id.as_str() == "replace" {
            self.error(
                name.range(),
                "language.field",
                "a field's name starts with a letter and is not `replace`",
                FIELD_HELP,
            );
        }
        let ty = self.annotation(&assign.annotation);
        let default = assign
            .value
            .as_ref()
            .map(|value| self.default_constant(value));
        if let (Some(default), Some(value)) = (default, &assign.value) {
            if let Some(found) = self.parts.consts.get(usize::from(default)) {
                if !crate::rows::const_conforms(found, &ty) {
                    let message = format!("the default does not have the field's type {ty}");
                    self.error(
                        value.range(),
                        "type.mismatch",
                        message,
                        "give a default of this type, or write type | None",
                    );
                }
            }
        }
        let field_name = self.name(name.id.as_str());
        let fields = &mut self.parts.classes[usize::from(id)].fields;
        let field = Field {
            name: field_name,
            ty,
            default,
        };
        if let Some(known) = fields.iter_mut().find(|known| known.name == field_name) {
            *known = field;
            return;
        }
        if field.default.is_none() && fields.iter().any(|known| known.default.is_some()) {
            self.error(
                name.range(),
                "language.field",
                "a field without default stands after one with default",
                "put it first",
            );
            return;
        }
        fields.push(field);
    }

    fn define_enum(&mut self, id: u16, body: &'s [Stmt]) {
        for stmt in body {
            let target = match stmt {
                Stmt::Assign(assign) => match assign.targets.as_slice() {
                    [Expr::Name(name)] => Some((name, &*assign.value)),
                    _ => None,
                },
                Stmt::Pass(_) => continue,
                _ => None,
            };
            let Some((name, value)) = target else {
                self.refuse(
                    stmt,
                    "language.enum",
                    "an enum holds members only",
                    "write NAME = \"value\"",
                );
                continue;
            };
            let evaluated = self.evaluate(value);
            let member = self.name(name.id.as_str());
            let members = &self.parts.classes[usize::from(id)].members;
            match evaluated {
                Some(found @ (Const::Str(_) | Const::Int(_))) => {
                    if members
                        .iter()
                        .any(|(known, other)| *known == member || *other == found)
                    {
                        self.error(
                            name.range(),
                            "language.enum",
                            "names and values of an enum are unique",
                            "choose another",
                        );
                    } else {
                        self.parts.classes[usize::from(id)]
                            .members
                            .push((member, found));
                    }
                }
                _ => self.error(
                    value.range(),
                    "language.enum",
                    "the value of a member is a str or an int",
                    "write NAME = \"value\"",
                ),
            }
        }
    }

    fn define_contract(&mut self, class: &'s ast::StmtClassDef) {
        let (doc, body) = docstring(&class.body);
        if !doc.is_empty() {
            self.parts.doc = doc;
        }
        for stmt in body {
            match stmt {
                Stmt::Assign(assign) => match assign.targets.as_slice() {
                    [Expr::Name(name)] => self.contract_member(name, &assign.value),
                    _ => self.refuse(
                        assign,
                        "language.contract",
                        "a contract's attribute has one plain name",
                        "write name = Table(...)",
                    ),
                },
                Stmt::AnnAssign(assign) => match (&*assign.target, &assign.value) {
                    (Expr::Name(name), Some(value)) => self.contract_member(name, value),
                    _ => self.refuse(
                        assign,
                        "language.contract",
                        "a contract keeps nothing but its tables",
                        "write name = Table(Record, key=\"id\")",
                    ),
                },
                Stmt::FunctionDef(_) | Stmt::Pass(_) => {}
                Stmt::Expr(expr) if matches!(&*expr.value, Expr::EllipsisLiteral(_)) => {}
                _ => self.refuse(
                    stmt,
                    "language.contract",
                    "a contract holds tables, constants and methods",
                    "move statements into a method",
                ),
            }
        }
    }

    fn contract_member(&mut self, name: &'s ast::ExprName, value: &'s Expr) {
        let id = name.id.as_str();
        if crate::interp::context_part(id).is_some()
            || id == "emit"
            || self.contract.tables.contains_key(id)
            || self.contract.constants.contains_key(id)
        {
            return self.error(
                name.range(),
                "name.twice",
                format!("`{id}` is taken"),
                "choose another name",
            );
        }
        if let Expr::Call(call) = value {
            if let Expr::Name(callee) = &*call.func {
                if self.globals.get(callee.id.as_str())
                    == Some(&Global::Declaration(Declared::Table))
                {
                    return self.define_table(name, call);
                }
            }
        }
        let before = self.reporter.is_empty();
        match self.evaluate(value) {
            Some(value) => {
                let constant = self.constant(value);
                self.contract.constants.insert(id.to_string(), constant);
            }
            None if before => {}
            None => self.error(
                value.range(),
                "language.constant",
                "this is neither a table nor a constant",
                "write name = Table(Record, key=\"id\")",
            ),
        }
    }

    fn define_table(&mut self, name: &'s ast::ExprName, call: &'s ast::ExprCall) {
        let help = "write Table(Item, key=\"id\", indexes=[\"holder\", (\"debtor\", \"status\")])";
        let class = match &*call.arguments.args {
            [Expr::Name(class)] => match self.globals.get(class.id.as_str()) {
                Some(Global::Class(id))
                    if self.parts.classes[usize::from(*id)].kind == ClassKind::Record =>
                {
                    Some(*id)
                }
                _ => None,
            },
            _ => None,
        };
        let Some(class) = class else {
            return self.error(
                call.range(),
                "language.table",
                "a table's first argument is a record class",
                help,
            );
        };
        let mut key = Vec::new();
        let mut indexes = Vec::new();
        for keyword in &call.arguments.keywords {
            match keyword.arg.as_ref().map(|arg| arg.as_str()) {
                Some("key") => key = self.table_fields(class, &keyword.value),
                Some("indexes") => {
                    let items: &'s [Expr] = match &keyword.value {
                        Expr::List(list) => &list.elts,
                        Expr::Tuple(tuple) => &tuple.elts,
                        _ => {
                            self.error(
                                keyword.value.range(),
                                "language.table",
                                "indexes is a list",
                                help,
                            );
                            continue;
                        }
                    };
                    indexes.extend(items.iter().map(|item| self.table_fields(class, item)));
                }
                _ => self.error(
                    keyword.range(),
                    "language.table",
                    "a table takes key and indexes",
                    help,
                ),
            }
        }
        if key.is_empty() && self.reporter.is_empty() {
            self.error(call.range(), "language.table", "a table needs a key", help);
        }
        for part in &key {
            let optional = self.parts.classes[usize::from(class)]
                .fields
                .get(usize::from(*part))
                .is_some_and(|field| matches!(field.ty, Type::Union(_) | Type::None));
            if optional {
                self.error(
                    call.range(),
                    "language.table",
                    "a key field cannot be None",
                    "give the field one type",
                );
            }
        }
        let table_name = self.name(name.id.as_str());
        let number = self.parts.tables.len() as u16;
        self.parts.tables.push(TableInfo {
            name: table_name,
            class,
            key,
            indexes,
        });
        self.contract.tables.insert(name.id.to_string(), number);
    }

    /// Field positions named by a string or a tuple of strings.
    fn table_fields(&mut self, class: u16, expr: &'s Expr) -> Vec<u16> {
        let items: Vec<&'s Expr> = match expr {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            Expr::List(list) => list.elts.iter().collect(),
            one => vec![one],
        };
        let mut found = Vec::new();
        for item in items {
            let Expr::StringLiteral(text) = item else {
                self.error(
                    item.range(),
                    "language.table",
                    "fields are named by strings",
                    "write key=\"id\" or key=(\"debtor\", \"number\")",
                );
                continue;
            };
            let id = self.name(text.value.to_str());
            let info = &self.parts.classes[usize::from(class)];
            let Some(position) = info.fields.iter().position(|field| field.name == id) else {
                let message = format!("{} has no field `{}`", info.name, text.value.to_str());
                self.error(
                    item.range(),
                    "name.attribute",
                    message,
                    "name a field of the record",
                );
                continue;
            };
            let ty = info.fields[position].ty.clone();
            if !key_type(&ty, &self.parts.classes) || found.contains(&(position as u16)) {
                let message = format!(
                    "a field of type {ty} cannot be part of a key or index, nor can one twice"
                );
                self.error(
                    item.range(),
                    "language.table",
                    message,
                    "use int, str, bytes, bool or an enum",
                );
                continue;
            }
            found.push(position as u16);
        }
        found
    }

    pub(crate) fn declare_methods(&mut self, class: &'s ast::StmtClassDef) {
        let global = self.globals.get(class.name.as_str()).copied();
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
                Some(Global::Class(class)) => {
                    let methods = &mut self.parts.classes[usize::from(class)].methods;
                    methods.retain(|(known, _)| *known != id);
                    methods.push((id, function));
                }
                Some(Global::Contract) => {
                    let taken = self.contract.tables.contains_key(name)
                        || self.contract.constants.contains_key(name)
                        || crate::interp::context_part(name).is_some()
                        || name == "emit";
                    if self
                        .contract
                        .methods
                        .insert(name.to_string(), function)
                        .is_some()
                        || taken
                    {
                        self.error(
                            def.name.range(),
                            "name.twice",
                            format!("`{name}` is taken"),
                            "choose another name",
                        );
                    }
                    self.parts.methods.push((id, function));
                    self.declare_entry(id, function, def);
                }
                _ => {}
            }
        }
    }

    /// A method that transactions or views reach.
    fn declare_entry(&mut self, name: u16, function: u16, def: &'s ast::StmtFunctionDef) {
        let Some(decorator) = def.decorator_list.first() else {
            return;
        };
        if let Some(second) = def.decorator_list.get(1) {
            self.error(
                second.range(),
                "language.decorator",
                "a method takes one decorator",
                "keep @call(by=...) or @view",
            );
        }
        let (view, by) = match &decorator.expression {
            Expr::Name(name)
                if self.globals.get(name.id.as_str())
                    == Some(&Global::Declaration(Declared::View)) =>
            {
                (true, String::new())
            }
            Expr::Call(call) if self.is_call_decorator(call) => match self.policy(call) {
                Some(by) => (false, by),
                None => return,
            },
            other => {
                return self.error(
                    other.range(),
                    "language.decorator",
                    "a method of a contract is decorated with @call(by=\"...\") or @view",
                    "write @call(by=\"role:operator\")",
                );
            }
        };
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

    fn is_call_decorator(&self, call: &ast::ExprCall) -> bool {
        let Expr::Name(name) = &*call.func else {
            return false;
        };
        self.globals.get(name.id.as_str()) == Some(&Global::Declaration(Declared::Call))
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
        for stmt in &class.body {
            let Stmt::FunctionDef(def) = stmt else {
                continue;
            };
            let id = self.name(def.name.as_str());
            let (function, is_contract) = match global {
                Some(Global::Class(class)) => {
                    let methods = &self.parts.classes[usize::from(class)].methods;
                    (
                        methods
                            .iter()
                            .find(|(name, _)| *name == id)
                            .map(|(_, function)| *function),
                        false,
                    )
                }
                Some(Global::Contract) => {
                    (self.contract.methods.get(def.name.as_str()).copied(), true)
                }
                _ => (None, false),
            };
            let Some(function) = function else { continue };
            if !is_contract && !def.decorator_list.is_empty() {
                self.error(
                    def.decorator_list[0].range(),
                    "language.decorator",
                    "methods of records take no decorators",
                    "write a plain method",
                );
            }
            let this = def
                .parameters
                .iter_non_variadic_params()
                .next()
                .map(|parameter| parameter.name().to_string());
            if this.is_none()
                || def
                    .parameters
                    .args
                    .first()
                    .is_none_or(|first| first.default.is_some())
            {
                self.error(
                    def.name.range(),
                    "language.self",
                    "a method's first parameter is self",
                    "write def name(self, ...)",
                );
                continue;
            }
            self.function_body(function, def, this.filter(|_| is_contract));
        }
    }
}

/// Whether values of a type can be parts of keys.
fn key_type(ty: &Type, classes: &[Class]) -> bool {
    match ty {
        Type::Int | Type::Str | Type::Bytes | Type::Bool => true,
        Type::Class(class, _) => classes
            .get(usize::from(*class))
            .is_some_and(|class| class.kind == ClassKind::Enum),
        Type::Union(choices) => choices
            .iter()
            .all(|choice| *choice == Type::None || key_type(choice, classes)),
        _ => false,
    }
}
