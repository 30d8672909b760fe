//! Syntax tree to program: checks what the language allows and writes the code in one pass.
//!
//! Everything found wrong is reported; code is only used when nothing was found.

mod annotation;
mod arguments;
mod assign;
mod attribute;
mod body;
mod builtin;
mod call;
mod class;
mod comprehension;
mod condition;
pub(crate) mod constant;
mod contract;
mod expr;
mod function;
mod halves;
mod imports;
mod interface_calls;
mod library;
mod methods;
mod module;
mod names;
mod operators;
mod pattern;
mod require;
mod resolve;
mod script;
mod state;
mod stmt;
mod text;
mod timers;
mod tries;
mod typing;

use std::collections::{HashMap, HashSet};

use ruff_python_ast::{Expr, ModModule, PythonVersion, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed};
use ruff_text_size::{Ranged, TextRange};

use crate::builtins::Builtin;
use crate::diagnostics::{Diagnostic, Reporter};
use crate::error::Exc;
use crate::imports::Imports;
use crate::program::{Const, Parts, Program, Shape};
use crate::{limits, source};
pub(crate) use constant::hashable;
use function::FnCtx;
use imports::Units;

/// Compiles a contract.
pub(crate) fn compile(
    text: &str,
    file: &str,
    imports: &Imports,
) -> Result<Program, Vec<Diagnostic>> {
    compile_as(text, file, imports, false)
}

/// Compiles a script.
pub(crate) fn compile_script(text: &str, file: &str) -> Result<Program, Vec<Diagnostic>> {
    compile_as(text, file, &Imports::new(), true)
}

fn compile_as(
    text: &str,
    file: &str,
    imports: &Imports,
    script: bool,
) -> Result<Program, Vec<Diagnostic>> {
    let mut reporter = Reporter::new(file, text);
    source::check_shape(text, &mut reporter);
    if !reporter.is_empty() {
        return Err(reporter.into_found());
    }
    let outcome = source::on_large_stack(|| compile_here(text, file, imports, script));
    outcome.unwrap_or_else(|mut failed| {
        failed.file = file.to_string();
        Err(vec![failed])
    })
}

/// Parses a source; reports what is no Python of version 3.11.
fn parse(text: &str, reporter: &mut Reporter<'_>) -> Option<Parsed<ModModule>> {
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY311);
    let parsed = ruff_python_parser::parse_unchecked(text, options);
    for error in parsed.errors() {
        reporter.report(
            error.location,
            "syntax.invalid",
            error.error.to_string(),
            "",
        );
    }
    for error in parsed.unsupported_syntax_errors() {
        reporter.report(
            error.range,
            "syntax.version",
            error.to_string(),
            "the same file runs under CPython 3.11: write it as that version takes it",
        );
    }
    let parsed = parsed.try_into_module();
    if parsed.is_none() {
        reporter.report(
            TextRange::default(),
            "syntax.invalid",
            "this is no module",
            "",
        );
    }
    parsed.filter(|_| reporter.is_empty())
}

fn compile_here(
    text: &str,
    file: &str,
    imports: &Imports,
    script: bool,
) -> Result<Program, Vec<Diagnostic>> {
    let mut reporter = Reporter::new(file, text);
    let Some(parsed) = parse(text, &mut reporter) else {
        return Err(reporter.into_found());
    };
    for range in halves::halves(text, &parsed.syntax().body) {
        reporter.report(
            range,
            "language.value",
            "half of a surrogate pair is no text here",
            "write the whole character: \"\\U0001f600\"",
        );
    }
    let body = &parsed.syntax().body;
    let units = if script {
        Units::default()
    } else {
        Units::gather(body, imports, &mut reporter)
    };
    // Names that are missing would be told again wherever they are used.
    if !reporter.is_empty() {
        return Err(reporter.into_found());
    }
    let mut compiler = Compiler::new(text, file, reporter);
    compiler.is_script = script;
    if script {
        compiler.script(body);
    } else {
        compiler.compile_units(&units, body);
        compiler.module(body);
    }
    compiler.finish()
}

/// What a module-level name means.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Global {
    /// A constant by number.
    Const(u16),
    Function(u16),
    Class(u16),
    /// A class that declares methods of another contract.
    Interface(u16),
    /// A variable of a script's module, by its slot.
    Slot(u16),
    /// The contract's class.
    Contract,
    /// An exception class.
    Exception(Exc),
    /// A name of `lianheng.contract` that only declarations use.
    Declaration(Declared),
    /// `require`.
    Require,
    /// A helper of `lianheng.contract`.
    Library(Builtin),
    /// A name for annotations.
    Typing(typing::Typing),
    /// Reported already.
    Broken,
}

/// Names of `lianheng.contract` for declarations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Declared {
    Contract,
    Record,
    Event,
    Enum,
    Table,
    Cell,
    Counter,
    Call,
    View,
    Invariant,
    Migrate,
    Interface,
    Uses,
    Timer,
}

/// What is known of the contract's class while its methods are compiled.
#[derive(Default)]
pub(crate) struct ContractScope {
    pub(crate) tables: HashMap<String, u16>,
    pub(crate) constants: HashMap<String, u16>,
    pub(crate) methods: HashMap<String, u16>,
    pub(crate) cells: HashMap<String, u16>,
    pub(crate) uses: HashMap<String, u16>,
    /// The method being compiled is a migration.
    pub(crate) migrating: bool,
    /// The method being compiled is a view.
    pub(crate) viewing: bool,
}

pub(crate) struct Compiler<'s> {
    pub(crate) text: &'s str,
    pub(crate) reporter: Reporter<'s>,
    pub(crate) parts: Parts,
    pub(crate) is_script: bool,
    /// The arguments of a builtin are compiled: it takes a list for a generator expression.
    pub(crate) generators_as_lists: bool,
    pub(crate) globals: HashMap<String, Global>,
    /// Types that the file gave a name.
    pub(crate) named_types: HashMap<String, crate::types::Type>,
    /// Names that a refused import would bind, and names of types that were told to be none: what
    /// is wrong with them is said once.
    pub(crate) told: HashSet<String>,
    pub(crate) contract: ContractScope,
    pub(crate) functions: Vec<FnCtx<'s>>,
    name_ids: HashMap<String, u16>,
    const_ids: HashMap<ConstKey, u16>,
    /// Parameter lists of functions by number, for binding calls when compiling.
    pub(crate) signatures: HashMap<u16, Signature>,
    /// Parameter lists of each interface's methods.
    pub(crate) interface_signatures: Vec<Vec<Signature>>,
    /// What imported sources offer, by module.
    pub(crate) exports: HashMap<String, HashMap<String, Global>>,
    /// The file that is compiled, as it stands above line numbers.
    pub(crate) file_bits: u32,
}

/// A function's parameters as callers see them.
#[derive(Clone, Default)]
pub(crate) struct Signature {
    pub(crate) name: String,
    /// The name with what it lies in, as errors show it.
    pub(crate) qualified: String,
    pub(crate) params: Vec<(String, Option<u16>)>,
    pub(crate) positional: usize,
    pub(crate) positional_only: usize,
    pub(crate) star: bool,
    pub(crate) star_star: bool,
}

/// Constants that are shared when equal.
#[derive(PartialEq, Eq, Hash)]
enum ConstKey {
    None,
    Bool(bool),
    Int(i64),
    Str(String),
    Bytes(Vec<u8>),
}

impl<'s> Compiler<'s> {
    fn new(text: &'s str, file: &str, reporter: Reporter<'s>) -> Self {
        let parts = Parts {
            file: file.to_string(),
            ..Parts::default()
        };
        let mut compiler = Compiler {
            text,
            reporter,
            parts,
            is_script: false,
            generators_as_lists: false,
            globals: HashMap::new(),
            named_types: HashMap::new(),
            told: HashSet::new(),
            contract: ContractScope::default(),
            functions: Vec::new(),
            name_ids: HashMap::new(),
            const_ids: HashMap::new(),
            signatures: HashMap::new(),
            interface_signatures: Vec::new(),
            exports: HashMap::new(),
            file_bits: 0,
        };
        compiler.declare_caller();
        compiler
    }

    fn finish(mut self) -> Result<Program, Vec<Diagnostic>> {
        let start = TextRange::default();
        let total: usize = self
            .parts
            .functions
            .iter()
            .map(|function| function.code.len())
            .sum();
        let items = self
            .parts
            .names
            .len()
            .max(self.parts.consts.len())
            .max(self.parts.functions.len());
        if total > limits::PROGRAM_INSTRUCTIONS || items > limits::ITEMS {
            let help = "split the contract; nested finally blocks multiply code";
            self.error(
                start,
                "limit.program",
                "the compiled contract is too large",
                help,
            );
        }
        if !self.parts.imports.is_empty() {
            self.check_class_names();
        }
        if !self.reporter.is_empty() {
            return Err(self.reporter.into_found());
        }
        match self.parts.validate() {
            Ok(()) => Ok(Program::new(self.parts)),
            Err(why) => {
                let message = format!("the compiler wrote code that it refuses itself: {why}");
                self.error(
                    start,
                    "compile.failed",
                    message,
                    "report this as a defect of the compiler",
                );
                Err(self.reporter.into_found())
            }
        }
    }

    pub(crate) fn error(
        &mut self,
        range: TextRange,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.reporter.report(range, code, message, help);
    }

    /// The number of a name.
    pub(crate) fn name(&mut self, name: &str) -> u16 {
        if let Some(id) = self.name_ids.get(name) {
            return *id;
        }
        let id = self.parts.names.len() as u16;
        self.parts.names.push(name.to_string());
        self.name_ids.insert(name.to_string(), id);
        id
    }

    /// The number of a constant.
    pub(crate) fn constant(&mut self, value: Const) -> u16 {
        let key = match &value {
            Const::None => ConstKey::None,
            Const::Bool(value) => ConstKey::Bool(*value),
            Const::Int(value) => ConstKey::Int(*value),
            Const::Str(value) => ConstKey::Str(value.clone()),
            Const::Bytes(value) => ConstKey::Bytes(value.clone()),
            _ => {
                self.parts.consts.push(value);
                return (self.parts.consts.len() - 1) as u16;
            }
        };
        if let Some(id) = self.const_ids.get(&key) {
            return *id;
        }
        let id = self.parts.consts.len() as u16;
        self.parts.consts.push(value);
        self.const_ids.insert(key, id);
        id
    }

    pub(crate) fn shape(&mut self, shape: Shape) -> u16 {
        if let Some(id) = self.parts.shapes.iter().position(|known| *known == shape) {
            return id as u16;
        }
        self.parts.shapes.push(shape);
        (self.parts.shapes.len() - 1) as u16
    }

    pub(crate) fn line(&self, node: &impl Ranged) -> u32 {
        self.reporter.line(node.start()) | self.file_bits
    }

    /// The source text of a node.
    pub(crate) fn text_of(&self, node: &impl Ranged) -> &'s str {
        self.text
            .get(node.range().start().to_usize()..node.range().end().to_usize())
            .unwrap_or("")
    }
}

/// The docstring of a body, and the statements after it.
pub(crate) fn docstring(body: &[Stmt]) -> (String, &[Stmt]) {
    if let Some((Stmt::Expr(first), rest)) = body.split_first() {
        if let Expr::StringLiteral(text) = &*first.value {
            return (clean_doc(text.value.to_str()), rest);
        }
    }
    (String::new(), body)
}

/// A docstring without the indentation of the source.
fn clean_doc(doc: &str) -> String {
    let lines: Vec<&str> = doc.trim().lines().map(str::trim_end).collect();
    let indent = lines.iter().skip(1).filter(|line| !line.is_empty());
    let indent = indent
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let cleaned = lines.iter().enumerate().map(|(index, line)| {
        if index == 0 {
            line
        } else {
            line.get(indent..).unwrap_or("")
        }
    });
    cleaned.collect::<Vec<_>>().join("\n")
}
