//! Imports of deployed sources: what is named, and what that needs, becomes part of the program.
//!
//! An imported source is compiled with its own names and lines; of its statements only those that
//! the imported names lead to. Its contract is never among them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, ModModule, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange};

use super::constant::mutable;
use super::{parse, Compiler, Global};
use crate::diagnostics::{Diagnostic, Reporter};
use crate::imports::{split_name, Imports, MODULE};
use crate::program::{Import, FILE_SHIFT};
use crate::{limits, source};

const HELP: &str = "write from lianheng.chain.stock_0123456789abcdef import Item, with the first \
                    16 digits of a deployed source's hash (`lianheng contract fetch` prints them)";

/// An imported source.
pub(crate) struct Unit {
    module: String,
    hash: [u8; 32],
    text: String,
    parsed: Parsed<ModModule>,
    /// Names that others import from it.
    wanted: BTreeSet<String>,
}

/// Imported sources, each behind those that it imports itself.
#[derive(Default)]
pub(crate) struct Units {
    units: Vec<Unit>,
}

/// Why an import cannot be followed: code and sentence, at the statement of the main source.
type Refused = (&'static str, String);

/// The imports of deployed sources among statements: module and statement.
fn chain_imports(body: &[Stmt]) -> impl Iterator<Item = (&str, &ast::StmtImportFrom)> {
    body.iter().filter_map(|stmt| match stmt {
        Stmt::ImportFrom(import) => {
            let module = import.module.as_ref()?.as_str();
            Some((module.strip_prefix(MODULE)?, import))
        }
        _ => None,
    })
}

impl Units {
    /// Reads and parses all that a body imports, directly or not; reports what cannot be.
    pub(crate) fn gather(body: &[Stmt], imports: &Imports, reporter: &mut Reporter<'_>) -> Units {
        let mut units = Units::default();
        for (name, import) in chain_imports(body) {
            let wanted = names_of(import);
            let followed = units.follow(name, &wanted, imports, &mut Vec::new());
            if let Err((code, message)) = followed {
                reporter.report(import.range(), code, message, HELP);
            }
        }
        units
    }

    fn follow(
        &mut self,
        name: &str,
        wanted: &[String],
        imports: &Imports,
        open: &mut Vec<String>,
    ) -> Result<(), Refused> {
        let Some((_, digits)) = split_name(name) else {
            let message =
                format!("`{MODULE}{name}` does not end with 16 digits of a source's hash");
            return Err(("import.name", message));
        };
        if let Some(known) = self.units.iter_mut().find(|unit| ends_with(unit, digits)) {
            if known.module != name {
                let message = format!("`{name}` and `{}` are the same source", known.module);
                return Err(("import.label", message));
            }
            known.wanted.extend(wanted.iter().cloned());
            return Ok(());
        }
        if open.iter().any(|known| known == name) {
            return Err((
                "import.cycle",
                format!("`{name}` imports itself, in the end"),
            ));
        }
        let (hash, text) = match imports.get(digits).map(Vec::as_slice) {
            Some([(hash, text)]) => (*hash, text.clone()),
            None | Some([]) => {
                let message = format!("no deployed source has a hash that begins with {digits}");
                return Err(("import.unknown", message));
            }
            Some(_) => {
                let message = format!("several deployed sources begin with {digits}");
                return Err(("import.ambiguous", message));
            }
        };
        if self.units.len() + open.len() >= limits::IMPORTS {
            let message = format!("more than {} sources are imported", limits::IMPORTS);
            return Err(("limit.imports", message));
        }
        open.push(name.to_string());
        let parsed = parse_unit(name, &text)?;
        for (inner, import) in chain_imports(&parsed.syntax().body) {
            self.follow(inner, &names_of(import), imports, open)?;
        }
        open.pop();
        self.units.push(Unit {
            module: name.to_string(),
            hash,
            text,
            parsed,
            wanted: wanted.iter().cloned().collect(),
        });
        Ok(())
    }
}

fn ends_with(unit: &Unit, digits: &str) -> bool {
    split_name(&unit.module).is_some_and(|(_, own)| own == digits)
}

fn names_of(import: &ast::StmtImportFrom) -> Vec<String> {
    import
        .names
        .iter()
        .map(|alias| alias.name.to_string())
        .collect()
}

fn parse_unit(name: &str, text: &str) -> Result<Parsed<ModModule>, Refused> {
    let mut reporter = Reporter::new(name, text);
    source::check_shape(text, &mut reporter);
    let parsed = if reporter.is_empty() {
        parse(text, &mut reporter)
    } else {
        None
    };
    parsed.ok_or_else(|| broken(name, &reporter.into_found()))
}

/// An imported source that this compiler does not take, though one took it when it was deployed.
fn broken(name: &str, found: &[Diagnostic]) -> Refused {
    let why = found.first().map_or_else(String::new, |first| {
        format!("{name}.py:{}: {}", first.line, first.message)
    });
    ("import.refused", why)
}

impl<'s> Compiler<'s> {
    /// Compiles what is imported, before the main source; `self.exports` then knows its names.
    pub(crate) fn compile_units(&mut self, units: &'s Units, main: &'s [Stmt]) {
        for unit in &units.units {
            let number = self.parts.imports.len() as u32 + 1;
            let outer = std::mem::take(&mut self.globals);
            let text = std::mem::replace(&mut self.text, &unit.text);
            let reporter = Reporter::new(&unit.module, &unit.text);
            let reporter = std::mem::replace(&mut self.reporter, reporter);
            self.file_bits = number << FILE_SHIFT;
            let kept = reached(&unit.parsed.syntax().body, &unit.wanted);
            self.module_items(&kept);
            self.file_bits = 0;
            self.text = text;
            let found = std::mem::replace(&mut self.reporter, reporter).into_found();
            let names = std::mem::replace(&mut self.globals, outer);
            self.parts.imports.push(Import {
                module: unit.module.clone(),
                source: unit.hash,
            });
            if !found.is_empty() {
                let (code, message) = broken(&unit.module, &found);
                let mut statements = chain_imports(main);
                let at = statements.find(|(name, _)| *name == unit.module);
                let at = at.map_or(TextRange::default(), |(_, import)| import.range());
                self.error(at, code, message, "import a source that this version takes");
            }
            let own = declared(&kept);
            let exported = names.into_iter().filter(|(name, _)| own.contains(name));
            self.exports.insert(unit.module.clone(), exported.collect());
        }
    }

    /// Two classes of one name would be one in events and in what tools show.
    pub(super) fn check_class_names(&mut self) {
        let mut seen = HashSet::new();
        let mut names = self.parts.classes.iter().map(|class| &class.name);
        if let Some(twice) = names.find(|name| !seen.insert(name.as_str())) {
            let message = format!("two classes of the program are called {twice}");
            let at = TextRange::default();
            self.error(
                at,
                "name.twice",
                message,
                "rename the one of this file: an imported one keeps its name",
            );
        }
    }

    /// `from lianheng.chain.stock_... import Item as Goods`
    pub(crate) fn import_chain(&mut self, import: &'s ast::StmtImportFrom, module: &str) {
        let Some(known) = self.exports.get(module).cloned() else {
            // Reported when it was looked for.
            let names = import.names.iter();
            let names = names.map(|alias| alias.asname.as_ref().unwrap_or(&alias.name));
            for name in names {
                self.globals.insert(name.to_string(), Global::Broken);
            }
            return;
        };
        for alias in &import.names {
            let global = match known.get(alias.name.as_str()) {
                Some(Global::Const(id)) if self.is_mutable(*id) => None,
                found => found.copied(),
            };
            let Some(global) = global else {
                let message = format!("{module} has no record, enum, event, function or constant `{}` that can be imported", alias.name);
                let names: BTreeSet<&str> = known.keys().map(String::as_str).collect();
                let names: Vec<&str> = names.into_iter().collect();
                let help = format!(
                    "contracts, and constants that can change, cannot; it has: {}",
                    names.join(", ")
                );
                self.error(alias.range(), "name.import", message, help);
                continue;
            };
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.declare_global(name.as_str(), global, name);
        }
    }

    fn is_mutable(&self, constant: u16) -> bool {
        self.parts
            .consts
            .get(usize::from(constant))
            .is_some_and(mutable)
    }
}

/// The name that a statement of the module declares.
fn declares(stmt: &Stmt) -> Option<&str> {
    match stmt {
        Stmt::FunctionDef(def) => Some(def.name.as_str()),
        Stmt::ClassDef(class) => Some(class.name.as_str()),
        Stmt::Assign(assign) => match assign.targets.as_slice() {
            [Expr::Name(name)] => Some(name.id.as_str()),
            _ => None,
        },
        Stmt::AnnAssign(assign) => match &*assign.target {
            Expr::Name(name) => Some(name.id.as_str()),
            _ => None,
        },
        _ => None,
    }
}

fn declared(kept: &[&Stmt]) -> HashSet<String> {
    let names = kept.iter().filter_map(|stmt| declares(stmt));
    names.map(str::to_string).collect()
}

/// The statements that some names lead to, in the order of the source, with all imports.
fn reached<'u>(body: &'u [Stmt], wanted: &BTreeSet<String>) -> Vec<&'u Stmt> {
    let places: HashMap<&str, usize> = body
        .iter()
        .enumerate()
        .filter_map(|(at, stmt)| declares(stmt).map(|name| (name, at)))
        .collect();
    let contracts = contract_names(body);
    let mut kept = BTreeMap::new();
    let mut waiting: Vec<usize> = wanted
        .iter()
        .filter_map(|name| places.get(name.as_str()).copied())
        .collect();
    while let Some(at) = waiting.pop() {
        let is_contract =
            matches!(&body[at], Stmt::ClassDef(class) if is_based_on(class, &contracts));
        if is_contract || kept.insert(at, &body[at]).is_some() {
            continue;
        }
        let mut all = Everything::default();
        all.visit_stmt(&body[at]);
        let more = all
            .names
            .iter()
            .filter_map(|name| places.get(name.as_str()));
        waiting.extend(more.copied().filter(|at| !kept.contains_key(at)));
    }
    for (at, stmt) in body.iter().enumerate() {
        if matches!(stmt, Stmt::ImportFrom(_)) {
            kept.insert(at, stmt);
        }
    }
    kept.into_values().collect()
}

/// What `Contract` is called in a source.
fn contract_names(body: &[Stmt]) -> HashSet<&str> {
    let imports = body.iter().filter_map(|stmt| match stmt {
        Stmt::ImportFrom(import) => Some(import.names.iter()),
        _ => None,
    });
    imports
        .flatten()
        .filter(|alias| alias.name.as_str() == "Contract")
        .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str())
        .collect()
}

fn is_based_on(class: &ast::StmtClassDef, bases: &HashSet<&str>) -> bool {
    class
        .bases()
        .iter()
        .any(|base| matches!(base, Expr::Name(name) if bases.contains(name.id.as_str())))
}

/// Every name in a statement, annotations included.
#[derive(Default)]
struct Everything {
    names: HashSet<String>,
}

impl<'a> Visitor<'a> for Everything {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            self.names.insert(name.id.to_string());
        }
        visitor::walk_expr(self, expr);
    }
}
