//! Two sources, divided by a line of `=====`: the state that calls of the first made is brought to
//! the second, or the upgrade is refused; then the calls of the second run on it.

use vm::Outcome;

use crate::calls::{bounded, call_all, check_no_fault, context, signers};
use crate::common::Memory;

/// What divides the sources.
pub const DIVIDER: &str = "\n=====\n";
/// Gas of an upgrade.
const GAS: u64 = 500_000;

/// Verdict and size.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let Some((before, after)) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.split_once(DIVIDER))
    else {
        return ("no two texts", 0);
    };
    let (Ok(old), Ok(new)) = (vm::compile(before, "old.py"), vm::compile(after, "new.py")) else {
        return ("refused", 0);
    };
    let changes = vm::changes(&old, &new);
    assert_eq!(vm::changes(&old, &new), changes);
    assert!(
        vm::changes(&new, &new).is_empty(),
        "a source differs from itself"
    );
    let mut state = Memory::default();
    check_no_fault(&call_all(&old, &mut state));
    let signers = signers();
    let (outcome, mut upgraded) = bounded(|| {
        let mut upgraded = state.clone();
        (
            vm::upgrade(&old, &new, 0, &context(&signers, false), &mut upgraded, GAS),
            upgraded,
        )
    });
    let mut other = state.clone();
    assert_eq!(
        vm::upgrade(&old, &new, 0, &context(&signers, false), &mut other, GAS),
        outcome
    );
    assert!(
        upgraded.rows == other.rows && upgraded.entries == other.entries,
        "another state"
    );
    check_no_fault(std::slice::from_ref(&outcome));
    match outcome {
        Outcome::Finished(_) => {
            check_no_fault(&call_all(&new, &mut upgraded));
            ("accepted", changes.len())
        }
        Outcome::Failed(failed) => (failed.code, changes.len()),
        Outcome::Faulted(error) => panic!("the host never fails: {error}"),
    }
}
