//! The source of a contract: it is refused with a place and a reason, or compiles, always to the
//! same bytes; what compiled is read again, and its calls end in the same way each time.

use vm::{Diagnostic, Program};

use crate::calls::{bounded, call_all, check_no_fault};
use crate::common::Memory;

/// Verdict and size.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let Ok(source) = std::str::from_utf8(bytes) else {
        return ("no text", 0);
    };
    match bounded(|| vm::compile(source, "fuzz.py")) {
        Err(found) => {
            assert_eq!(vm::compile(source, "fuzz.py").err().as_ref(), Some(&found));
            check_diagnostics(source, &found);
            (found[0].code, found.len())
        }
        Ok(program) => {
            let stored = program.to_bytes();
            let again = vm::compile(source, "fuzz.py").map(|again| again.to_bytes());
            assert_eq!(
                again.as_ref(),
                Ok(&stored),
                "another program from the same source"
            );
            let read = Program::from_bytes(&stored).expect("what was compiled can be read");
            assert_eq!(read.to_bytes(), stored);
            (calls_agree(&program, &read), stored.len() / 16)
        }
    }
}

/// The compiled program and the one read from its bytes do the same.
fn calls_agree(program: &Program, read: &Program) -> &'static str {
    let (mut state, mut other) = (Memory::default(), Memory::default());
    let outcomes = bounded(|| {
        let mut state = Memory::default();
        call_all(program, &mut state)
    });
    assert_eq!(
        call_all(program, &mut state),
        outcomes,
        "another outcome the second time"
    );
    assert_eq!(
        call_all(read, &mut other),
        outcomes,
        "another outcome from the stored program"
    );
    assert!(
        state.rows == other.rows && state.entries == other.entries,
        "another state"
    );
    check_no_fault(&outcomes);
    "accepted"
}

/// A finding has a place in the source and stays short.
pub fn check_diagnostics(source: &str, found: &[Diagnostic]) {
    let lines = source.split(['\n', '\r']).count();
    assert!(!found.is_empty(), "refused without a reason");
    for one in found {
        assert!(one.line >= 1 && one.line as usize <= lines + 1, "{one}");
        assert!(one.column >= 1 && !one.message.is_empty(), "{one}");
        assert!(one.to_string().len() < 8_000, "{one}");
    }
}
