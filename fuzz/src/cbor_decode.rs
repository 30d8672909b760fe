//! One CBOR item: the two ways to read it agree, and it is its own encoding.

use codec::cbor::{check, decode, encode, Decoder};

/// Verdict and place, by which the short run tells inputs apart.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    match (decode(bytes), check(bytes)) {
        (Ok(value), Ok(())) => {
            assert_eq!(
                encode(&value).as_deref(),
                Ok(bytes),
                "another encoding was accepted"
            );
            let mut decoder = Decoder::new(bytes);
            assert_eq!(decoder.skip(), Ok(bytes), "skip read another length");
            ("accepted", bytes.len())
        }
        (Err(error), Err(other)) => {
            assert_eq!(
                (error.code, error.offset),
                (other.code, other.offset),
                "decode and check differ"
            );
            assert!(error.offset <= bytes.len(), "the offset lies outside");
            (error.code, error.offset)
        }
        (decoded, checked) => panic!("decode says {decoded:?}, check says {checked:?}"),
    }
}
