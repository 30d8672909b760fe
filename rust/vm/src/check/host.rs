//! Tables, cells, events: what a contract does with its state.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::calls::has_star;
use super::declare::{integer, texts, Kind};
use super::flow::Checker;
use super::ty::{Classes, Ty};
use super::writes;

/// Keywords of a listing.
const LISTING: [&str; 5] = ["limit", "start", "end", "after", "reverse"];
/// Most rows of a listing.
const MOST_ROWS: i64 = 1_000;

impl<'s> Checker<'s> {
    /// A call of the host: of a table, of a cell, `self.emit`. Nothing: it is another call.
    pub(crate) fn call_host(
        &mut self,
        call: &'s ast::ExprCall,
        method: &'s ast::ExprAttribute,
    ) -> Option<Ty> {
        let name = method.attr.as_str();
        let receiver = match &*method.value {
            // Names and their attributes only: they cost nothing to look at twice.
            plain if is_plain(plain) => self.quietly(plain),
            _ => return None,
        };
        let result = match &receiver {
            Ty::Contract if name == "emit" => self.emit(call),
            Ty::Contract => {
                if self.module.writers.iter().any(|writer| writer == name) {
                    self.refuse_write(call.range());
                }
                return None;
            }
            Ty::Table(table) => self.call_table(call, *table, name)?,
            Ty::Cell(cell) => self.call_cell(call, *cell, name),
            _ => return None,
        };
        if writes::changes(name, Some(&receiver)) || name == "emit" {
            self.refuse_write(call.range());
        }
        Some(result)
    }

    fn quietly(&mut self, expr: &'s Expr) -> Ty {
        self.silent += 1;
        let ty = self.expr(expr);
        self.silent -= 1;
        ty
    }

    fn refuse_write(&mut self, at: TextRange) {
        if self.scope.view {
            self.report(
                at,
                "view.write",
                "a view only reads: this write fails",
                "make it a @call(by=...)",
            );
        }
    }

    fn emit(&mut self, call: &'s ast::ExprCall) -> Ty {
        let types: Vec<Ty> = call
            .arguments
            .args
            .iter()
            .map(|event| self.expr(event))
            .collect();
        if has_star(&call.arguments) {
            return Ty::None;
        }
        match (types.as_slice(), call.arguments.keywords.is_empty()) {
            ([event], true) => {
                let wrong = match event {
                    Ty::Inst(class) => {
                        !matches!(self.module.classes[*class].kind, Kind::Event | Kind::Other)
                    }
                    other => !other.is_open() && !matches!(other, Ty::Union(_)),
                };
                if wrong {
                    let message = format!("emit() takes an event, not {}", self.shown(event));
                    self.report(
                        call.arguments.args[0].range(),
                        "type.argument",
                        message,
                        "declare class Name(Event): and give one",
                    );
                }
            }
            _ => self.report(
                call.range(),
                "call.arguments",
                "emit() takes one event",
                "write self.emit(Paid(id=id))",
            ),
        }
        Ty::None
    }

    fn call_cell(&mut self, call: &'s ast::ExprCall, cell: usize, name: &str) -> Ty {
        let wanted = self.module.cells[cell].ty.clone();
        let counter = self.module.cells[cell].counter;
        for value in &call.arguments.args {
            let given = self.expr(value);
            if matches!(name, "set" | "add") && !given.fits(&wanted, true, &self.module) {
                let message = format!(
                    "the cell holds {}, not {}",
                    self.shown(&wanted),
                    self.shown(&given)
                );
                self.report(
                    value.range(),
                    "type.argument",
                    message,
                    "give a value of the declared type",
                );
            }
        }
        match name {
            "get" => wanted,
            "next" | "add" if counter => Ty::Int,
            _ => Ty::None,
        }
    }

    fn call_table(&mut self, call: &'s ast::ExprCall, table: usize, name: &str) -> Option<Ty> {
        let row = Ty::Inst(self.module.tables[table].class);
        let star = has_star(&call.arguments);
        match name {
            "get" => {
                let types: Vec<Ty> = call
                    .arguments
                    .args
                    .iter()
                    .map(|value| self.expr(value))
                    .collect();
                call.arguments.keywords.iter().for_each(|keyword| {
                    self.expr(&keyword.value);
                });
                if !star {
                    self.key_argument(call, table, &types, 2, name);
                }
                let default = types.get(1).cloned().unwrap_or(Ty::Absent);
                Some(if call.arguments.keywords.is_empty() && !star {
                    Ty::union([row, default])
                } else {
                    Ty::Unknown
                })
            }
            "delete" => {
                let types: Vec<Ty> = call
                    .arguments
                    .args
                    .iter()
                    .map(|value| self.expr(value))
                    .collect();
                if !star {
                    self.key_argument(call, table, &types, 1, name);
                }
                Some(Ty::None)
            }
            "scan" | "by" => {
                let types: Vec<Ty> = call
                    .arguments
                    .args
                    .iter()
                    .map(|value| self.expr(value))
                    .collect();
                self.listing(call, name);
                if !star && name == "by" {
                    self.index_values(call, table, &types);
                } else if !star {
                    let key = self.module.tables[table].key.clone();
                    self.values(call, table, &key, &types, 0);
                }
                Some(Ty::List(Box::new(row)))
            }
            _ => None,
        }
    }

    fn key_argument(
        &mut self,
        call: &'s ast::ExprCall,
        table: usize,
        types: &[Ty],
        most: usize,
        name: &str,
    ) {
        let by_name = call
            .arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.as_ref().is_some_and(|a| a == "key"));
        match (types.first(), call.arguments.args.first()) {
            (Some(key), Some(at)) if types.len() <= most => self.table_key(table, key, at.range()),
            (None, _) if by_name => {}
            _ => self.report(
                call.range(),
                "call.arguments",
                format!("{name}() takes a key"),
                "a composite key is one tuple: self.items.get((a, b))",
            ),
        }
    }

    /// The limit and the other keywords of a listing.
    fn listing(&mut self, call: &'s ast::ExprCall, name: &str) {
        let mut limited = has_star(&call.arguments);
        for keyword in &call.arguments.keywords {
            let given = self.expr(&keyword.value);
            let Some(arg) = keyword.arg.as_ref().map(|arg| arg.as_str()) else {
                continue;
            };
            if !LISTING.contains(&arg) {
                let message = format!("{name}() has no parameter `{arg}`");
                self.report(
                    keyword.range(),
                    "call.arguments",
                    message,
                    format!("it takes {}", LISTING.join(", ")),
                );
            }
            if arg != "limit" {
                continue;
            }
            limited = true;
            let literal = integer(&keyword.value);
            if literal.is_some_and(|limit| !(1..=MOST_ROWS).contains(&limit))
                || !given.fits(&Ty::Int, true, &self.module)
            {
                let found = literal.map_or_else(|| self.shown(&given), |limit| limit.to_string());
                self.report(
                    keyword.range(),
                    "table.limit",
                    format!("a limit is an int from 1 to {MOST_ROWS}, not {found}"),
                    "read page by page with after=",
                );
            }
        }
        if !limited {
            self.report(
                call.range(),
                "table.limit",
                format!("{name}() needs a limit: a call reads a bounded part of the state"),
                format!("write {name}(..., limit=100), at most {MOST_ROWS}"),
            );
        }
    }

    fn index_values(&mut self, call: &'s ast::ExprCall, table: usize, types: &[Ty]) {
        let Some(index) = call.arguments.args.first() else {
            return self.report(
                call.range(),
                "call.arguments",
                "by() takes the name of an index first",
                "write by(\"holder\", holder, limit=100)",
            );
        };
        let name = match index {
            Expr::StringLiteral(_) => texts(index),
            Expr::Tuple(_) => texts(index),
            _ => return,
        };
        let info = &self.module.tables[table];
        let found = if index.is_tuple_expr() {
            info.indexes.iter().find(|fields| **fields == name)
        } else {
            info.indexes
                .iter()
                .find(|fields| fields.first() == name.first())
        };
        let Some(fields) = found.cloned() else {
            let known: Vec<String> = info
                .indexes
                .iter()
                .map(|fields| fields.join(", "))
                .collect();
            let help = if known.is_empty() {
                "declare it: Table(..., indexes=[\"holder\"])".to_string()
            } else {
                format!("it has: {}", known.join("; "))
            };
            return self.report(
                index.range(),
                "table.index",
                format!("the table has no index `{}`", name.join(", ")),
                help,
            );
        };
        self.values(call, table, &fields, &types[1..], 1);
    }

    /// Values of the first of some fields.
    fn values(
        &mut self,
        call: &'s ast::ExprCall,
        table: usize,
        fields: &[String],
        types: &[Ty],
        skip: usize,
    ) {
        if types.len() > fields.len() {
            let message = format!("{} values for {} fields", types.len(), fields.len());
            return self.report(
                call.range(),
                "type.key",
                message,
                format!("the fields are: {}", fields.join(", ")),
            );
        }
        for (index, (field, given)) in fields.iter().zip(types).enumerate() {
            let at = call.arguments.args[index + skip].range();
            self.key_part(table, field, given, at);
        }
    }

    fn key_part(&mut self, table: usize, field: &str, given: &Ty, at: TextRange) {
        let class = self.module.tables[table].class;
        let Some(wanted) = self.module.field(class, field).cloned() else {
            return;
        };
        if !given.fits(&wanted, true, &self.module) {
            let message = format!(
                "`{field}` is {}, not {}",
                self.shown(&wanted),
                self.shown(given)
            );
            self.report(at, "type.key", message, "give a value of the field's type");
        }
    }

    /// The key of a row.
    pub(crate) fn table_key(&mut self, table: usize, given: &Ty, at: TextRange) {
        let key = self.module.tables[table].key.clone();
        match (key.as_slice(), given) {
            (_, open) if open.is_open() => {}
            ([field], _) => {
                // A tuple of one is a key as well.
                let given = match given {
                    Ty::Tuple(items) if items.len() == 1 => &items[0],
                    other => other,
                };
                self.key_part(table, field, given, at);
            }
            (_, Ty::Tuple(items)) if items.len() == key.len() => {
                for (field, item) in key.iter().zip(items) {
                    self.key_part(table, field, item, at);
                }
            }
            (_, Ty::TupleOf(_) | Ty::Union(_)) => {}
            _ => {
                let message = format!("the key is ({}), not {}", key.join(", "), self.shown(given));
                self.report(at, "type.key", message, "give a tuple of all its fields");
            }
        }
    }

    pub(crate) fn subscript(&mut self, subscript: &'s ast::ExprSubscript) -> Ty {
        let owner = self.expr(&subscript.value);
        let key = self.expr(&subscript.slice);
        let mut found = Vec::new();
        let mut absent = false;
        if owner.is_open() {
            return Ty::Unknown;
        }
        // What is in a variable may be a slice.
        let may_slice = key.is_open() && !subscript.slice.is_slice_expr();
        for one in owner.choices() {
            let sequence = matches!(
                one,
                Ty::Bytes | Ty::Range | Ty::List(_) | Ty::TupleOf(_) | Ty::Tuple(_)
            );
            if may_slice && sequence {
                found.push(Ty::Unknown);
                continue;
            }
            match self.item(one, &key, subscript) {
                Some(ty) => found.push(ty),
                None => absent |= *one == Ty::Absent,
            }
        }
        if found.is_empty() {
            let message = format!("{} has no items to take by [...]", self.shown(&owner));
            self.report(
                subscript.range(),
                "type.subscript",
                message,
                "take items of a list, tuple, text, dict or table",
            );
            return Ty::Unknown;
        }
        if absent {
            self.may_be_none(subscript.range(), "used");
        }
        // None in a container was put there by somebody: nothing declares it for this item.
        let found = Ty::union(found);
        if found.may_be_absent() {
            Ty::Unknown
        } else {
            found
        }
    }

    fn item(&mut self, owner: &Ty, key: &Ty, subscript: &'s ast::ExprSubscript) -> Option<Ty> {
        let sliced = subscript.slice.is_slice_expr();
        let numbered = |checker: &mut Self| {
            if !sliced && !key.fits(&Ty::Int, false, &checker.module) {
                let message = format!("an index is int, not {}", checker.shown(key));
                checker.report(
                    subscript.slice.range(),
                    "type.subscript",
                    message,
                    "give its place, from 0",
                );
            }
        };
        Some(match owner {
            Ty::Str => {
                numbered(self);
                Ty::Str
            }
            Ty::Bytes | Ty::Range => {
                numbered(self);
                match owner {
                    _ if !sliced => Ty::Int,
                    other => other.clone(),
                }
            }
            Ty::List(item) | Ty::TupleOf(item) => {
                numbered(self);
                if sliced {
                    owner.clone()
                } else {
                    (**item).clone()
                }
            }
            Ty::Tuple(items) => {
                numbered(self);
                let index = integer(&subscript.slice).map(|at| {
                    if at < 0 {
                        at + items.len() as i64
                    } else {
                        at
                    }
                });
                match index.map(usize::try_from) {
                    _ if sliced => Ty::TupleOf(Box::new(Ty::union(items.iter().cloned()))),
                    Some(Ok(at)) => items.get(at).cloned().unwrap_or(Ty::Unknown),
                    _ => Ty::union(items.iter().cloned()),
                }
            }
            Ty::Dict(wanted, value) => {
                self.dict_key(key, wanted, subscript);
                (**value).clone()
            }
            Ty::Table(table) => {
                self.table_key(*table, key, subscript.slice.range());
                Ty::Inst(self.module.tables[*table].class)
            }
            Ty::Class(class) if self.module.is_enum(*class) => Ty::Inst(*class),
            Ty::Union(_)
            | Ty::Unknown
            | Ty::Never
            | Ty::Var(_)
            | Ty::Exc
            | Ty::Type
            | Ty::Class(_)
            | Ty::Callable => Ty::Unknown,
            _ => return None,
        })
    }

    fn dict_key(&mut self, key: &Ty, wanted: &Ty, subscript: &'s ast::ExprSubscript) {
        let at = subscript.slice.range();
        if matches!(key, Ty::List(_) | Ty::Dict(..)) {
            let message = "a key that can change is no key";
            self.report(at, "type.unhashable", message, "write a tuple");
        } else if !key.fits(wanted, false, &self.module) {
            let (wanted, key) = (self.shown(wanted), self.shown(key));
            let message = format!("the keys are {wanted}, not {key}");
            self.report(at, "type.key", message, "give a key of that type");
        }
    }

    /// `owner[key] = value`
    pub(crate) fn store_item(&mut self, subscript: &'s ast::ExprSubscript, value: &Ty) {
        let owner = self.expr(&subscript.value);
        let key = self.expr(&subscript.slice);
        match &owner {
            Ty::Table(table) => {
                self.table_key(*table, &key, subscript.slice.range());
                let class = self.module.tables[*table].class;
                if !value.fits(&Ty::Inst(class), true, &self.module) {
                    let message = format!(
                        "the table holds {}, not {}",
                        self.module.class_name(class),
                        self.shown(value)
                    );
                    self.report(
                        subscript.range(),
                        "type.argument",
                        message,
                        "write a row of the declared record",
                    );
                } else if value.may_be_absent() {
                    self.may_be_none(subscript.range(), "written");
                }
                self.refuse_write(subscript.range());
            }
            Ty::Str
            | Ty::Bytes
            | Ty::Tuple(_)
            | Ty::TupleOf(_)
            | Ty::Range
            | Ty::Int
            | Ty::Bool
            | Ty::None
            | Ty::Set(_)
            | Ty::Frozen(_)
            | Ty::Inst(_)
            | Ty::Decimal(_) => {
                let message = format!("items of {} are not assigned", self.shown(&owner));
                self.report(
                    subscript.range(),
                    "type.subscript",
                    message,
                    "make a new one",
                );
            }
            Ty::Dict(wanted, item) => {
                if !key.fits(wanted, false, &self.module) {
                    let message = format!(
                        "the keys are {}, not {}",
                        self.shown(wanted),
                        self.shown(&key)
                    );
                    self.report(
                        subscript.slice.range(),
                        "type.key",
                        message,
                        "give a key of that type",
                    );
                } else {
                    self.stored(subscript, item, value);
                }
            }
            Ty::List(item) if !key.is_open() => self.stored(subscript, item, value),
            _ => {}
        }
    }

    fn stored(&mut self, subscript: &'s ast::ExprSubscript, wanted: &Ty, value: &Ty) {
        if !subscript.slice.is_slice_expr() && !value.fits(wanted, false, &self.module) {
            let message = format!(
                "the items are {}, not {}",
                self.shown(wanted),
                self.shown(value)
            );
            self.report(
                subscript.range(),
                "type.mismatch",
                message,
                "store a value of the declared type",
            );
        }
    }

    pub(crate) fn delete_item(&mut self, subscript: &'s ast::ExprSubscript) {
        let owner = self.expr(&subscript.value);
        let key = self.expr(&subscript.slice);
        if let Ty::Table(table) = owner {
            self.table_key(table, &key, subscript.slice.range());
            self.refuse_write(subscript.range());
        }
    }
}

/// Whether an expression is a name or attributes of one.
fn is_plain(expr: &Expr) -> bool {
    let mut rest = expr;
    while let Expr::Attribute(attribute) = rest {
        rest = &attribute.value;
    }
    rest.is_name_expr()
}
