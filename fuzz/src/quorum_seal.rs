//! A seal by a quorum: whatever is accepted can be hashed and checked.

use engine::formats::quorum::{check_commit, validators_hash, QuorumSeal};

/// Verdict and number of votes, by which the short run tells inputs apart.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let seal = match QuorumSeal::decode(bytes) {
        Ok(seal) => seal,
        Err(error) => {
            assert_eq!(error.code, "seal.malformed");
            return ("refused", error.message.len());
        }
    };
    assert!(!seal.sealers.members.is_empty(), "a set of nobody");
    let empty = validators_hash(&seal.sealers) == seal.header.hash();
    assert!(!empty, "a set and a header of one hash");
    if let Err(error) = check_commit(&seal) {
        assert!(error.code.starts_with("seal."), "{error}");
    }
    ("accepted", seal.commit.votes.len())
}
