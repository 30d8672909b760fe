//! Types of a source's bodies: what is certain to raise when it runs, or to break an annotation.
//!
//! The pass reads the same tree as the compiler and knows nothing of the code that it writes. It
//! advises authors, through `contract check` and the tools that deploy; the chain never runs it,
//! so it may learn more without a change of the rules.
//!
//! Rules it keeps:
//! - what it does not know is silent: a type that is open fits everywhere;
//! - what only a path may do wrong is silent, but for `None` that a declaration allows;
//! - work is bounded by the size of the source, whatever its loops.

mod calls;
mod classes;
mod declare;
mod expr;
mod flow;
mod format;
mod host;
mod names;
mod narrow;
mod operators;
mod scope;
mod stmt;
mod stubs;
mod ty;
mod writes;

use ruff_python_parser::{Mode, ParseOptions};

use crate::diagnostics::{Diagnostic, Reporter};
use crate::source;
use flow::Checker;

/// What the types of a source say against it; nothing where it is no Python.
pub(crate) fn check_types(text: &str, file: &str) -> Vec<Diagnostic> {
    let mut reporter = Reporter::new(file, text);
    source::check_shape(text, &mut reporter);
    if !reporter.is_empty() {
        return Vec::new();
    }
    let found = source::on_large_stack(|| {
        let options = ParseOptions::from(Mode::Module);
        let parsed = ruff_python_parser::parse_unchecked(text, options);
        if !parsed.errors().is_empty() {
            return Vec::new();
        }
        let Some(parsed) = parsed.try_into_module() else {
            return Vec::new();
        };
        let mut checker = Checker::new(Reporter::new(file, text), &parsed.syntax().body);
        checker.module(&parsed.syntax().body);
        checker.into_found()
    });
    found.unwrap_or_default()
}
