//! What a file declares: classes, functions, tables and cells, read leniently from its tree.

use std::collections::HashMap;
use std::sync::Arc;

use ruff_python_ast::{self as ast, Expr, Number, Stmt, UnaryOp};

use super::stubs::{annotation, signature};
use super::ty::{Classes, Param, Sig, Ty};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Record,
    Event,
    Enum,
    /// A class of which nothing is known.
    Other,
}

pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) base: Option<usize>,
    /// Name, type, whether it has a default.
    pub(crate) fields: Vec<Param>,
    pub(crate) methods: HashMap<String, Arc<Vec<Sig>>>,
    /// Names whose meaning is not followed: decorated methods, constants.
    pub(crate) open: Vec<String>,
    pub(crate) members: Vec<String>,
    pub(crate) values: Ty,
}

pub(crate) struct Table {
    pub(crate) class: usize,
    pub(crate) key: Vec<String>,
    pub(crate) indexes: Vec<Vec<String>>,
}

pub(crate) struct Cell {
    pub(crate) ty: Ty,
    pub(crate) counter: bool,
}

/// A module's name, as far as it is known.
#[derive(Clone)]
pub(crate) enum Global {
    Class(usize),
    Decimal(u8),
    Function(Arc<Vec<Sig>>),
    /// A helper of `lianheng.contract` by its own name.
    Library(String),
    Contract,
    Value(Ty),
}

#[derive(Default)]
pub(crate) struct Module {
    pub(crate) classes: Vec<Class>,
    pub(crate) globals: HashMap<String, Global>,
    pub(crate) tables: Vec<Table>,
    pub(crate) cells: Vec<Cell>,
    /// Attributes of the contract's `self` that the file declares.
    pub(crate) own: HashMap<String, Ty>,
    /// Methods of the contract that write whenever they come to their end.
    pub(crate) writers: Vec<String>,
}

/// The number of `Caller`.
pub(crate) const CALLER: usize = 0;

impl Classes for Module {
    fn extends(&self, class: usize, base: usize) -> bool {
        let mut rest = Some(class);
        // A class extends one above it, so the numbers fall; an unknown one may extend anything.
        for _ in 0..=self.classes.len() {
            match rest {
                Some(found) if found == base || self.classes[found].kind == Kind::Other => {
                    return true
                }
                Some(found) => rest = self.classes[found].base,
                None => return false,
            }
        }
        false
    }

    fn class_name(&self, class: usize) -> &str {
        self.classes
            .get(class)
            .map_or("object", |class| class.name.as_str())
    }

    fn is_enum(&self, class: usize) -> bool {
        self.classes
            .get(class)
            .is_some_and(|class| matches!(class.kind, Kind::Enum | Kind::Other))
    }
}

impl Module {
    pub(crate) fn of(body: &[Stmt]) -> Module {
        let mut module = Module::default();
        module.declare_caller();
        let mut names: HashMap<&str, usize> = HashMap::new();
        for stmt in body {
            match stmt {
                Stmt::ImportFrom(import) => module.import(import),
                Stmt::ClassDef(class) => {
                    *names.entry(class.name.as_str()).or_default() += 1;
                    module.declare_class(class);
                }
                Stmt::Assign(assign) => module.declare_decimal(assign),
                _ => {}
            }
        }
        for stmt in body {
            match stmt {
                Stmt::ClassDef(class) => module.define_class(class),
                Stmt::FunctionDef(def) if def.decorator_list.is_empty() => {
                    let sigs = Arc::new(vec![module.signature(def, 0)]);
                    module
                        .globals
                        .insert(def.name.to_string(), Global::Function(sigs));
                }
                _ => {}
            }
        }
        for (name, count) in names {
            if count > 1 {
                module
                    .globals
                    .insert(name.to_string(), Global::Value(Ty::Unknown));
            }
        }
        module.writers = super::writes::writers(body, &module);
        module
    }

    fn declare_caller(&mut self) {
        let field = |name: &str, ty: Ty| Param {
            name: name.to_string(),
            ty,
            optional: false,
        };
        self.classes.push(Class {
            name: "Caller".to_string(),
            kind: Kind::Record,
            base: None,
            fields: vec![
                field("member", Ty::Str),
                field("organisation", Ty::Str),
                field("roles", Ty::TupleOf(Box::new(Ty::Str))),
            ],
            methods: HashMap::new(),
            open: Vec::new(),
            members: Vec::new(),
            values: Ty::Never,
        });
    }

    fn import(&mut self, import: &ast::StmtImportFrom) {
        let from = import.module.as_ref().map_or("", |module| module.as_str());
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
            let global = match alias.name.as_str() {
                _ if from != "lianheng.contract" => Global::Value(Ty::Unknown),
                "Caller" => Global::Class(CALLER),
                own => Global::Library(own.to_string()),
            };
            self.globals.insert(name, global);
        }
    }

    /// The name of `lianheng.contract` that an expression stands for.
    pub(crate) fn library<'a>(&'a self, expr: &'a Expr) -> Option<&'a str> {
        let Expr::Name(name) = expr else { return None };
        match self.globals.get(name.id.as_str()) {
            Some(Global::Library(own)) => Some(own),
            _ => None,
        }
    }

    fn declare_class(&mut self, class: &ast::StmtClassDef) {
        let name = class.name.to_string();
        let base = class.bases().first();
        let (kind, parent) = match base.and_then(|base| self.library(base)) {
            Some("Contract") => {
                self.globals.insert(name, Global::Contract);
                return;
            }
            Some("Decimal") => {
                let keywords = class.arguments.iter().flat_map(|a| a.keywords.iter());
                let scale = keywords.into_iter().find_map(|word| small(&word.value));
                let global = scale.map_or(Global::Value(Ty::Unknown), Global::Decimal);
                self.globals.insert(name, global);
                return;
            }
            Some("Record") => (Kind::Record, None),
            Some("Event") => (Kind::Event, None),
            Some("Enum") => (Kind::Enum, None),
            _ => match base {
                Some(Expr::Name(base)) => match self.globals.get(base.id.as_str()) {
                    Some(Global::Class(found)) => (self.classes[*found].kind, Some(*found)),
                    _ => (Kind::Other, None),
                },
                _ => (Kind::Other, None),
            },
        };
        let single = class.bases().len() == 1 && class.decorator_list.is_empty();
        self.globals.insert(name, Global::Class(self.classes.len()));
        self.classes.push(Class {
            name: class.name.to_string(),
            kind: if single { kind } else { Kind::Other },
            base: parent,
            fields: Vec::new(),
            methods: HashMap::new(),
            open: Vec::new(),
            members: Vec::new(),
            values: Ty::Never,
        });
    }

    /// `Amount = Decimal(2)`
    fn declare_decimal(&mut self, assign: &ast::StmtAssign) {
        let ([Expr::Name(name)], Expr::Call(call)) = (assign.targets.as_slice(), &*assign.value)
        else {
            return;
        };
        if self.library(&call.func) != Some("Decimal") {
            return;
        }
        let first = call.arguments.args.first();
        let scale = first.or_else(|| call.arguments.keywords.first().map(|word| &word.value));
        if let Some(scale) = scale.and_then(small) {
            self.globals
                .insert(name.id.to_string(), Global::Decimal(scale));
        }
    }

    /// The type of an annotation.
    pub(crate) fn annotation(&self, expr: &Expr) -> Ty {
        annotation(expr, &|name| match self.globals.get(name)? {
            Global::Class(class) if self.classes[*class].kind == Kind::Other => Some(Ty::Unknown),
            Global::Class(class) => Some(Ty::Inst(*class)),
            Global::Decimal(scale) => Some(Ty::Decimal(*scale)),
            _ => Some(Ty::Unknown),
        })
    }

    pub(crate) fn signature(&self, def: &ast::StmtFunctionDef, skip: usize) -> Sig {
        let mut sig = signature(def, skip, &|expr| self.annotation(expr));
        for (param, given) in sig
            .params
            .iter_mut()
            .zip(def.parameters.iter_non_variadic_params().skip(skip))
        {
            // `x: int = None` is what its author meant.
            if given
                .default()
                .is_some_and(|default| default.is_none_literal_expr())
            {
                param.ty = Ty::union([param.ty.clone(), Ty::None]);
            }
        }
        sig.never_returns = super::writes::never_returns(&def.body);
        sig
    }

    fn define_class(&mut self, class: &ast::StmtClassDef) {
        match self.globals.get(class.name.as_str()) {
            Some(Global::Contract) => self.define_contract(class),
            Some(Global::Class(id)) => self.define_fields(*id, class),
            _ => {}
        }
    }

    fn define_fields(&mut self, id: usize, class: &ast::StmtClassDef) {
        if let Some(base) = self.classes[id].base {
            self.classes[id].fields = self.classes[base].fields.clone();
            self.classes[id].methods = self.classes[base].methods.clone();
            self.classes[id].open = self.classes[base].open.clone();
        }
        for stmt in &class.body {
            match stmt {
                Stmt::AnnAssign(assign) => {
                    if let Expr::Name(name) = &*assign.target {
                        let field = Param {
                            name: name.id.to_string(),
                            ty: self.annotation(&assign.annotation),
                            optional: assign.value.is_some(),
                        };
                        let fields = &mut self.classes[id].fields;
                        fields.retain(|known| known.name != field.name);
                        fields.push(field);
                    }
                }
                Stmt::Assign(assign) => self.define_member(id, assign),
                Stmt::FunctionDef(def) if def.decorator_list.is_empty() => {
                    let sigs = Arc::new(vec![self.signature(def, 1)]);
                    self.classes[id].methods.insert(def.name.to_string(), sigs);
                }
                Stmt::FunctionDef(def) => self.classes[id].open.push(def.name.to_string()),
                _ => {}
            }
        }
    }

    fn define_member(&mut self, id: usize, assign: &ast::StmtAssign) {
        let [Expr::Name(name)] = assign.targets.as_slice() else {
            return;
        };
        let class = &mut self.classes[id];
        if class.kind != Kind::Enum {
            return class.open.push(name.id.to_string());
        }
        let value = match &*assign.value {
            Expr::StringLiteral(_) => Ty::Str,
            Expr::NumberLiteral(_) => Ty::Int,
            _ => Ty::Unknown,
        };
        class.members.push(name.id.to_string());
        class.values = Ty::union([class.values.clone(), value]);
    }

    fn define_contract(&mut self, class: &ast::StmtClassDef) {
        for stmt in &class.body {
            match stmt {
                Stmt::Assign(assign) => {
                    if let [Expr::Name(name)] = assign.targets.as_slice() {
                        self.attribute(name.id.as_str(), &assign.value);
                    }
                }
                Stmt::AnnAssign(assign) => {
                    if let (Expr::Name(name), Some(value)) = (&*assign.target, &assign.value) {
                        self.attribute(name.id.as_str(), value);
                    }
                }
                Stmt::FunctionDef(def) => {
                    let ty = Ty::Func(Arc::new(vec![self.signature(def, 1)]), Vec::new());
                    self.own.insert(def.name.to_string(), ty);
                }
                _ => {}
            }
        }
    }

    /// An attribute of the contract: a table, a cell, a constant.
    fn attribute(&mut self, name: &str, value: &Expr) {
        let ty = match value {
            Expr::Call(call) => match self.library(&call.func) {
                Some("Table") => self.table(call),
                Some("Counter") => self.cell(Ty::Int, true),
                Some("Cell") => {
                    let declared = call.arguments.args.first();
                    let ty = declared.map_or(Ty::Unknown, |ty| self.annotation(ty));
                    self.cell(ty, false)
                }
                _ => Ty::Unknown,
            },
            Expr::StringLiteral(_) => Ty::Str,
            Expr::NumberLiteral(_) => Ty::Int,
            Expr::BooleanLiteral(_) => Ty::Bool,
            _ => Ty::Unknown,
        };
        self.own.insert(name.to_string(), ty);
    }

    fn cell(&mut self, ty: Ty, counter: bool) -> Ty {
        self.cells.push(Cell { ty, counter });
        Ty::Cell(self.cells.len() - 1)
    }

    fn table(&mut self, call: &ast::ExprCall) -> Ty {
        let Some(Expr::Name(record)) = call.arguments.args.first() else {
            return Ty::Unknown;
        };
        let Some(Global::Class(class)) = self.globals.get(record.id.as_str()) else {
            return Ty::Unknown;
        };
        let mut table = Table {
            class: *class,
            key: Vec::new(),
            indexes: Vec::new(),
        };
        for keyword in &call.arguments.keywords {
            match keyword.arg.as_ref().map(|arg| arg.as_str()) {
                Some("key") => table.key = texts(&keyword.value),
                Some("indexes" | "unique") => {
                    let items = elements(&keyword.value);
                    table.indexes.extend(items.iter().map(texts));
                }
                _ => {}
            }
        }
        if table.key.is_empty() || self.classes[table.class].kind != Kind::Record {
            return Ty::Unknown;
        }
        self.tables.push(table);
        Ty::Table(self.tables.len() - 1)
    }

    /// The type of a field.
    pub(crate) fn field(&self, class: usize, name: &str) -> Option<&Ty> {
        let fields = &self.classes.get(class)?.fields;
        let found = fields.iter().find(|field| field.name == name);
        found.map(|field| &field.ty)
    }
}

/// The items of a tuple or list display; another expression is one item.
pub(crate) fn elements(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::Tuple(tuple) => &tuple.elts,
        Expr::List(list) => &list.elts,
        one => std::slice::from_ref(one),
    }
}

/// The texts that an expression lists.
pub(crate) fn texts(expr: &Expr) -> Vec<String> {
    let texts = elements(expr).iter().map(|item| match item {
        Expr::StringLiteral(text) => text.value.to_str().to_string(),
        _ => String::new(),
    });
    texts.collect()
}

/// An integer literal.
pub(crate) fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => int.as_i64(),
            _ => None,
        },
        Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => {
            integer(&unary.operand).map(|int| -int)
        }
        _ => None,
    }
}

fn small(expr: &Expr) -> Option<u8> {
    integer(expr).and_then(|scale| u8::try_from(scale).ok())
}
