//! A state key: what is accepted is its own encoding, and splits where it should.

use codec::key::{decode, encode, split, Part};

/// Verdict and place, by which the short run tells inputs apart.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let parts = match decode(bytes) {
        Ok(parts) => parts,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "the offset lies outside");
            return (error.code, error.offset);
        }
    };
    assert_eq!(encode(&parts), bytes, "another encoding was accepted");
    match (&parts[..], split(bytes)) {
        ([Part::Text(contract), Part::Text(table), row @ ..], Ok(found)) => {
            assert_eq!(
                (contract, table),
                (&found.0, &found.1),
                "split in other names"
            );
            assert_eq!(encode(row), found.2, "split in another row");
        }
        ([Part::Text(_), Part::Text(_), ..], Err(error)) => panic!("not split: {error}"),
        (_, found) => assert!(found.is_err(), "split without two names"),
    }
    ("accepted", parts.len())
}
