//! The source of a script: refused with a place and a reason, or run, each time with the same
//! output, gas and error.

use crate::calls::bounded;
use crate::contract_source::check_diagnostics;

/// Gas of a run: a few milliseconds.
const GAS: u64 = 300_000;

/// Verdict, and output or place.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let Ok(source) = std::str::from_utf8(bytes) else {
        return ("no text", 0);
    };
    let first = bounded(|| vm::run_script(source, "fuzz.py", GAS));
    assert_eq!(
        vm::run_script(source, "fuzz.py", GAS),
        first,
        "another outcome the second time"
    );
    match first {
        Err(found) => {
            check_diagnostics(source, &found);
            (found[0].code, found.len())
        }
        Ok(outcome) => {
            assert!(outcome.gas <= GAS);
            match outcome.error {
                None => ("accepted", outcome.output.len()),
                Some(error) => {
                    assert_ne!(error.code, "program.malformed", "{}", error.message);
                    (error.code, error.message.len())
                }
            }
        }
    }
}
