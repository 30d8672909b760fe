//! The contract VM: contract Python to compiled code, and metered, deterministic runs of it.
//!
//! This crate checks and compiles source, reads and writes compiled programs, and runs one call of
//! one program against a host that holds the state. It does not know transactions, policies,
//! signatures or files; whoever calls it has decided that the call may be made.
//!
//! Rules it keeps:
//! - the same program, arguments, context and state give the same result, events, gas and error on
//!   every machine: no clock, no floats, no addresses, no order of hashing;
//! - gas is charged before the work, memory is counted by the sizes of values;
//! - no source, program, argument or row makes it panic, overflow the stack or run for longer than
//!   its gas; what the language cannot do as CPython does it, it refuses by name.
#![forbid(unsafe_code)]

mod bind;
mod builtins;
mod check;
mod compile;
mod defaults;
mod diagnostics;
mod error;
pub mod gas;
mod imports;
mod indexed;
mod instance;
mod interface;
mod interp;
mod layout;
pub mod limits;
mod listing;
mod memory;
mod nested;
mod observers;
mod pages;
mod program;
mod rows;
mod run;
mod script;
mod source;
mod state;
mod table;
mod tables;
mod timers;
mod types;
mod unicode;
mod unicode_tables;
mod upgrade;
mod value;
mod writes;

pub use bind::{bind, misfits, Bound};
pub use builtins::library::check_digits::{is_valid_lei, is_valid_uscc};
pub use diagnostics::Diagnostic;
pub use imports::{mentioned_imports, Imports};
pub use indexed::index_entries;
pub use interface::{
    CellInterface, ClassInterface, EnumInterface, FieldInterface, ImportInterface, Interface,
    MethodInterface, TableInterface, UseInterface,
};
pub use layout::{changes, Change};
pub use nested::{run_nested, ContractCall, Meters, Nested};
pub use observers::NOTICE;
pub use program::Program;
pub use run::{
    run, run_timer, CallContext, EmittedEvent, Failed, Finished, Host, HostError, MemberKeys,
    NewTimer, Outcome, SignerInfo, TraceEvent,
};
pub use script::{check_script, run_script, ScriptError, ScriptOutcome, TracebackLine};
pub use types::Type;
pub use upgrade::upgrade;

/// Compiles a contract's source. `file` is the name that diagnostics and errors show.
///
/// Bounded in time, memory and stack for any input; gives everything that it finds wrong.
pub fn compile(source: &str, file: &str) -> Result<Program, Vec<Diagnostic>> {
    compile::compile(source, file, &Imports::new())
}

/// Compiles a contract's source with what it imports: `imports` has the deployed sources for all
/// that [`mentioned_imports`] names in it, and in those themselves. They become part of the program.
pub fn compile_with(
    source: &str,
    file: &str,
    imports: &Imports,
) -> Result<Program, Vec<Diagnostic>> {
    compile::compile(source, file, imports)
}

/// What the types of a source's bodies say against it: certain errors when it runs, and broken
/// annotations. Advice for authors; the chain accepts what [`compile`] accepts.
///
/// Bounded in time, memory and stack for any input; nothing where the source is no Python.
pub fn check_types(source: &str, file: &str) -> Vec<Diagnostic> {
    check::check_types(source, file)
}

/// Why compiled bytes were refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// Stable name: `program.malformed`, `program.version`.
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
}
