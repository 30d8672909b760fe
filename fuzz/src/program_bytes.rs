//! A compiled program of unknown origin: refused, or written again as the same bytes, and whatever
//! it does ends in a defined way, twice the same.

use vm::Program;

use crate::calls::{bounded, call_all};
use crate::common::Memory;

/// Verdict and size.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let program = match bounded(|| Program::from_bytes(bytes)) {
        Err(error) => return (error.code, error.message.len()),
        Ok(program) => program,
    };
    assert_eq!(program.to_bytes(), bytes, "another encoding was accepted");
    let outcomes = bounded(|| {
        let mut state = Memory::default();
        call_all(&program, &mut state)
    });
    assert_eq!(call_all(&program, &mut Memory::default()), outcomes);
    ("accepted", bytes.len())
}

/// The program of an input that is a contract's source.
pub fn begin(input: &[u8], _: usize) -> Option<Vec<u8>> {
    let source = std::str::from_utf8(input).ok()?;
    Some(vm::compile(source, "fuzz.py").ok()?.to_bytes())
}
