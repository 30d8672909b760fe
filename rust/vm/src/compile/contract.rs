//! The contract's class: tables and constants.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::{docstring, Compiler, Declared, Global};
use crate::program::{Class, ClassKind, TableInfo};
use crate::types::Type;

const TABLE_HELP: &str =
    "write Table(Item, key=\"id\", indexes=[\"holder\", (\"debtor\", \"status\")])";

impl<'s> Compiler<'s> {
    pub(crate) fn define_contract(&mut self, class: &'s ast::StmtClassDef) {
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
            || id == "drain"
            || self.contract.cells.contains_key(id)
            || self.contract.uses.contains_key(id)
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
        if self.define_state(name, value) || self.define_use(name, value) {
            return;
        }
        if let Expr::Call(call) = value {
            if self.declares(&call.func, Declared::Table) {
                return self.define_table(name, call);
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

    /// Whether an expression is a name that stands for a declaration.
    pub(crate) fn declares(&self, expr: &Expr, declared: Declared) -> bool {
        let Expr::Name(name) = expr else {
            return false;
        };
        self.globals.get(name.id.as_str()) == Some(&Global::Declaration(declared))
    }

    fn define_table(&mut self, name: &'s ast::ExprName, call: &'s ast::ExprCall) {
        let Some(class) = self.table_record(call) else {
            return self.error(
                call.range(),
                "language.table",
                "a table's first argument is a record class",
                TABLE_HELP,
            );
        };
        let mut key = Vec::new();
        let mut indexes = Vec::new();
        let mut unique = Vec::new();
        for keyword in &call.arguments.keywords {
            match keyword.arg.as_ref().map(|arg| arg.as_str()) {
                Some("key") => key = self.table_fields(class, &keyword.value),
                Some("indexes") => self.table_indexes(class, &keyword.value, &mut indexes),
                Some("unique") => self.table_indexes(class, &keyword.value, &mut unique),
                _ => self.error(
                    keyword.range(),
                    "language.table",
                    "a table takes key, indexes and unique",
                    TABLE_HELP,
                ),
            }
        }
        self.check_key(class, &key, call);
        if unique.iter().any(|fields| indexes.contains(fields)) {
            self.error(
                call.range(),
                "language.table",
                "the same fields stand in indexes and in unique",
                "unique is an index already: leave them out of indexes",
            );
        }
        let first = indexes.len();
        indexes.append(&mut unique);
        let table_name = self.name(name.id.as_str());
        let number = self.parts.tables.len() as u16;
        self.parts.tables.push(TableInfo {
            name: table_name,
            class,
            key,
            unique: (first..indexes.len()).map(|index| index as u16).collect(),
            indexes,
        });
        self.contract.tables.insert(name.id.to_string(), number);
    }

    /// The record class that a table's rows have.
    fn table_record(&self, call: &'s ast::ExprCall) -> Option<u16> {
        let [Expr::Name(class)] = &*call.arguments.args else {
            return None;
        };
        match self.globals.get(class.id.as_str()) {
            Some(Global::Class(id))
                if self.parts.classes[usize::from(*id)].kind == ClassKind::Record =>
            {
                Some(*id)
            }
            _ => None,
        }
    }

    fn table_indexes(&mut self, class: u16, value: &'s Expr, indexes: &mut Vec<Vec<u16>>) {
        let items: &'s [Expr] = match value {
            Expr::List(list) => &list.elts,
            Expr::Tuple(tuple) => &tuple.elts,
            _ => {
                return self.error(
                    value.range(),
                    "language.table",
                    "indexes and unique are lists",
                    TABLE_HELP,
                );
            }
        };
        indexes.extend(items.iter().map(|item| self.table_fields(class, item)));
    }

    fn check_key(&mut self, class: u16, key: &[u16], call: &'s ast::ExprCall) {
        if key.is_empty() && self.reporter.is_empty() {
            self.error(
                call.range(),
                "language.table",
                "a table needs a key",
                TABLE_HELP,
            );
        }
        for part in key {
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
    }

    /// Field positions named by a string or a tuple of strings.
    fn table_fields(&mut self, class: u16, expr: &'s Expr) -> Vec<u16> {
        let items = match expr {
            Expr::Tuple(tuple) => &*tuple.elts,
            Expr::List(list) => &*list.elts,
            one => std::slice::from_ref(one),
        };
        let mut found = Vec::new();
        for item in items {
            if let Some(position) = self.table_field(class, item, &found) {
                found.push(position);
            }
        }
        found
    }

    /// The position of a field, named by a string, that stands after `others` in a key or index.
    fn table_field(&mut self, class: u16, item: &'s Expr, others: &[u16]) -> Option<u16> {
        let Expr::StringLiteral(text) = item else {
            self.error(
                item.range(),
                "language.table",
                "fields are named by strings",
                "write key=\"id\" or key=(\"debtor\", \"number\")",
            );
            return None;
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
            return None;
        };
        let ty = &info.fields[position].ty;
        let position = position as u16;
        if !key_type(ty, &self.parts.classes) || others.contains(&position) {
            let message =
                format!("a field of type {ty} cannot be part of a key or index, nor can one twice");
            self.error(
                item.range(),
                "language.table",
                message,
                "use int, str, bytes, bool or an enum",
            );
            return None;
        }
        Some(position)
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
