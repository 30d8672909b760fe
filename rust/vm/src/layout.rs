//! What differs between the layouts and methods of two programs, and whether stored rows fit both.

use std::collections::BTreeSet;

use crate::program::{CellInfo, Class, ClassKind, Const, Program, TableInfo};
use crate::types::Type;

/// One difference between the program in force and the one that follows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// What it is about: a table, cell, call or view, with its kind: `table items`.
    pub what: String,
    /// The difference in words.
    pub how: String,
    /// Whether stored rows do not fit the new layout as they are.
    pub needs_migration: bool,
}

fn change(what: String, how: impl Into<String>, needs_migration: bool) -> Change {
    Change {
        what,
        how: how.into(),
        needs_migration,
    }
}

/// What an upgrade from `old` to `new` changes in layout and methods; sorted.
pub fn changes(old: &Program, new: &Program) -> Vec<Change> {
    let mut found = Vec::new();
    for table in &old.parts.tables {
        let name = old.name(table.name);
        let what = format!("table {name}");
        match table_named(new, name) {
            None => found.push(change(what, "removed", true)),
            Some(next) => compare_tables(old, table, new, next, &mut found),
        }
    }
    for table in &new.parts.tables {
        let name = new.name(table.name);
        if table_named(old, name).is_none() {
            found.push(change(format!("table {name}"), "added", false));
        }
    }
    compare_cells(old, new, &mut found);
    compare_methods(old, new, &mut found);
    found.sort();
    found.dedup();
    found
}

pub(crate) fn table_named<'p>(program: &'p Program, name: &str) -> Option<&'p TableInfo> {
    let mut tables = program.parts.tables.iter();
    tables.find(|table| program.name(table.name) == name)
}

fn names(program: &Program, class: u16, fields: &[u16]) -> String {
    let class = program.class(class);
    let name = |field: &u16| program.name(class.fields[usize::from(*field)].name);
    fields.iter().map(name).collect::<Vec<_>>().join(",")
}

fn compare_tables(
    old: &Program,
    before: &TableInfo,
    new: &Program,
    after: &TableInfo,
    found: &mut Vec<Change>,
) {
    let what = || format!("table {}", old.name(before.name));
    let key = |program: &Program, table: &TableInfo| names(program, table.class, &table.key);
    let (old_key, new_key) = (key(old, before), key(new, after));
    if old_key != new_key {
        let how = format!("its key ({old_key}) becomes ({new_key})");
        found.push(change(what(), how, true));
    }
    let mut layouts = Layouts::new(old, new);
    let fits = layouts.record(before.class, after.class);
    found.extend(
        layouts
            .notes
            .into_iter()
            .map(|how| change(what(), how, !fits)),
    );
    let (had, has) = (index_names(old, before), index_names(new, after));
    for (fields, unique) in &has {
        let kind = if *unique { "unique index" } else { "index" };
        match had.iter().find(|(known, _)| known == fields) {
            None => found.push(change(what(), format!("{kind} ({fields}) added"), false)),
            Some((_, known)) if known != unique => {
                found.push(change(what(), format!("({fields}) becomes {kind}"), false));
            }
            Some(_) => {}
        }
    }
    for (fields, _) in had
        .iter()
        .filter(|(known, _)| !has.iter().any(|(f, _)| f == known))
    {
        found.push(change(what(), format!("index ({fields}) removed"), false));
    }
    let parties = |program: &Program, table: &TableInfo| {
        let class = program.class(table.class);
        let signing = names(program, table.class, &class.signatories);
        (signing, names(program, table.class, &class.observers))
    };
    let (were, are) = (parties(old, before), parties(new, after));
    if were != are {
        let how = format!(
            "signatories ({}) and observers ({}) become ({}) and ({})",
            were.0, were.1, are.0, are.1
        );
        found.push(change(what(), how, false));
    }
}

/// Fields of each index, and whether it is unique.
pub(crate) fn index_names(program: &Program, table: &TableInfo) -> Vec<(String, bool)> {
    let all = table.indexes.iter().enumerate();
    all.map(|(number, fields)| {
        let unique = table
            .unique
            .iter()
            .any(|index| usize::from(*index) == number);
        (names(program, table.class, fields), unique)
    })
    .collect()
}

fn compare_cells(old: &Program, new: &Program, found: &mut Vec<Change>) {
    let named = |program: &Program, name: &str| {
        let mut cells = program.parts.cells.iter();
        cells.find(|cell| program.name(cell.name) == name).cloned()
    };
    for cell in &old.parts.cells {
        let name = old.name(cell.name);
        let what = format!("cell {name}");
        match named(new, name) {
            None => found.push(change(what, "removed", true)),
            Some(next) => {
                let mut layouts = Layouts::new(old, new);
                // A counter holds an int that a counter wrote: never below 0.
                let fits = layouts.fits(&cell.ty, &next.ty) && (cell.counter || !next.counter);
                let notes = layouts.notes.into_iter();
                found.extend(notes.map(|how| change(what.clone(), how, !fits)));
                let counts = cell.counter != next.counter;
                if counts || cell.ty.to_string() != next.ty.to_string() {
                    let kind = |cell: &CellInfo| {
                        if cell.counter {
                            String::from("a counter")
                        } else {
                            cell.ty.to_string()
                        }
                    };
                    let how = format!("its type {} becomes {}", kind(cell), kind(&next));
                    found.push(change(what, how, !fits));
                }
            }
        }
    }
    for cell in &new.parts.cells {
        let name = new.name(cell.name);
        if named(old, name).is_none() {
            found.push(change(format!("cell {name}"), "added", false));
        }
    }
}

fn compare_methods(old: &Program, new: &Program, found: &mut Vec<Change>) {
    let methods = |program: &Program| {
        let interface = program.interface();
        let calls = interface.calls.iter().map(|call| ("call", call.clone()));
        let views = interface.views.iter().map(|view| ("view", view.clone()));
        let timers = interface.timers.iter();
        let timers = timers.map(|timer| ("timer", timer.clone()));
        calls.chain(views).chain(timers).collect::<Vec<_>>()
    };
    let (had, has) = (methods(old), methods(new));
    for (kind, method) in &had {
        let what = format!("{kind} {}", method.name);
        match has.iter().find(|(k, m)| k == kind && m.name == method.name) {
            None => found.push(change(what, "removed", false)),
            Some((_, next)) => {
                if next.by != method.by {
                    let how = format!("its policy '{}' becomes '{}'", method.by, next.by);
                    found.push(change(what.clone(), how, false));
                }
                if next.parameters != method.parameters || next.returns != method.returns {
                    found.push(change(what, "its parameters or result change", false));
                }
            }
        }
    }
    for (kind, method) in &has {
        if !had.iter().any(|(k, m)| k == kind && m.name == method.name) {
            found.push(change(format!("{kind} {}", method.name), "added", false));
        }
    }
}

/// Whether what one program stored can be read by the other.
struct Layouts<'p> {
    old: &'p Program,
    new: &'p Program,
    /// Pairs of classes that are being compared, or were.
    seen: BTreeSet<(u16, u16)>,
    notes: Vec<String>,
}

impl<'p> Layouts<'p> {
    fn new(old: &'p Program, new: &'p Program) -> Self {
        Layouts {
            old,
            new,
            seen: BTreeSet::new(),
            notes: Vec::new(),
        }
    }

    fn record(&mut self, old: u16, new: u16) -> bool {
        if !self.seen.insert((old, new)) {
            return true;
        }
        let (old_program, new_program) = (self.old, self.new);
        let (before, after) = (old_program.class(old), new_program.class(new));
        let mut fits = true;
        for field in &before.fields {
            let name = old_program.name(field.name);
            let mut fields = after.fields.iter();
            match fields.find(|next| new_program.name(next.name) == name) {
                None => {
                    self.notes.push(format!("{}.{name} removed", before.name));
                    fits = false;
                }
                Some(next) if !self.fits(&field.ty, &next.ty) => {
                    let (was, is) = (field.ty.to_string(), next.ty.to_string());
                    // Types of one name differ in what they contain, and that is noted.
                    if was != is {
                        let note = format!("{}.{name}: {was} becomes {is}", before.name);
                        self.notes.push(note);
                    }
                    fits = false;
                }
                // Rows that are older than the field lack it.
                Some(next) if field.default.is_some() && next.default.is_none() => {
                    self.notes
                        .push(format!("{}.{name}: default removed", before.name));
                    fits = false;
                }
                Some(_) => {}
            }
        }
        for field in &after.fields {
            let name = new_program.name(field.name);
            let mut fields = before.fields.iter();
            if !fields.any(|known| old_program.name(known.name) == name) {
                let without = field.default.is_none();
                let how = if without {
                    "added without default"
                } else {
                    "added"
                };
                self.notes.push(format!("{}.{name} {how}", after.name));
                fits &= !without;
            }
        }
        fits
    }

    /// Whether the encoding of each value of one type is read as the same value by the other.
    fn fits(&mut self, old: &Type, new: &Type) -> bool {
        match (old, new) {
            (_, Type::Any) => is_plain(old),
            (Type::Union(choices), _) => {
                let mut before = choices.iter().enumerate();
                before.all(|(at, choice)| self.fits_one(choice, &choices[..at], new))
            }
            (_, Type::Union(_)) => self.fits_one(old, &[], new),
            (Type::List(old), Type::List(new))
            | (Type::Set(old), Type::Set(new))
            | (Type::TupleOf(old), Type::TupleOf(new)) => self.fits(old, new),
            (Type::Tuple(old), Type::Tuple(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| self.fits(old, new))
            }
            (Type::Dict(key, old), Type::Dict(next, new)) => {
                self.fits(key, next) && self.fits(old, new)
            }
            (Type::Class(before, _), Type::Class(after, _)) => self.classes(*before, *after),
            (old, new) => old == new,
        }
    }

    /// A type that stood behind others in a union, or alone. A union reads a value by the first
    /// choice that takes it, so no choice that it did not pass before may take it away.
    fn fits_one(&mut self, old: &Type, passed: &[Type], new: &Type) -> bool {
        let Type::Union(choices) = new else {
            return self.fits(old, new);
        };
        for choice in choices {
            let before = (self.seen.clone(), self.notes.len());
            if self.fits(old, choice) {
                return true;
            }
            self.seen = before.0;
            self.notes.truncate(before.1);
            let known = passed.iter().any(|passed| self.same(passed, choice));
            if !known && self.encodings(old, self.old) & self.encodings(choice, self.new) != 0 {
                return false;
            }
        }
        false
    }

    /// Whether two types take the same encodings.
    fn same(&self, old: &Type, new: &Type) -> bool {
        let mut there = Layouts::new(self.old, self.new);
        let mut back = Layouts::new(self.new, self.old);
        there.fits(old, new)
            && back.fits(new, old)
            && there.notes.is_empty()
            && back.notes.is_empty()
    }

    /// The kinds of encoding that values of a type can have, one bit each.
    fn encodings(&self, ty: &Type, of: &Program) -> u8 {
        match ty {
            Type::None => 1,
            Type::Bool => 2,
            Type::Int | Type::Decimal(_) => 4,
            Type::Str => 8,
            Type::Bytes => 16,
            Type::List(_) | Type::Tuple(_) | Type::TupleOf(_) | Type::Set(_) => 32,
            Type::Dict(..) => 64,
            Type::Any => u8::MAX,
            Type::Union(choices) => choices
                .iter()
                .fold(0, |all, choice| all | self.encodings(choice, of)),
            Type::Class(class, _) => match of.class(*class).kind {
                ClassKind::Enum => 4 | 8,
                _ => 64,
            },
        }
    }

    /// Enums, by the values of their members.
    fn members(&mut self, before: &Class, after: &Class) -> bool {
        let holds = |class: &Class, value: &Const| class.members.iter().any(|(_, v)| v == value);
        let mut fits = true;
        for (name, value) in &before.members {
            if !holds(after, value) {
                let name = self.old.name(*name);
                self.notes.push(format!("{}.{name} removed", before.name));
                fits = false;
            }
        }
        for (name, value) in &after.members {
            if !holds(before, value) {
                let name = self.new.name(*name);
                self.notes.push(format!("{}.{name} added", after.name));
            }
        }
        fits
    }

    fn classes(&mut self, old: u16, new: u16) -> bool {
        let (before, after) = (self.old.class(old), self.new.class(new));
        match (before.kind, after.kind) {
            (ClassKind::Enum, ClassKind::Enum) => self.members(before, after),
            (ClassKind::Enum, _) | (_, ClassKind::Enum) => false,
            _ => self.record(old, new),
        }
    }
}

/// Whether values of a type are the same when they are read without a type.
fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Any | Type::None | Type::Bool | Type::Int | Type::Str | Type::Bytes => true,
        Type::List(item) => is_plain(item),
        Type::Dict(key, item) => is_plain(key) && is_plain(item),
        Type::Union(choices) => choices.iter().all(is_plain),
        Type::Set(_) | Type::Tuple(_) | Type::TupleOf(_) | Type::Decimal(_) | Type::Class(..) => {
            false
        }
    }
}
