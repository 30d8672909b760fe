//! An envelope: what is accepted is put together again to the same bytes.

use codec::cbor::{Decoder, Encoder};
use crypto::{cose, Suite};
use engine::envelope::take_apart;

/// Verdict and count, by which the short run tells inputs apart.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let (head, transactions) = match take_apart(Suite::One, bytes) {
        Ok(parts) => parts,
        Err(error) => {
            assert!(error.code.starts_with("envelope."), "{error}");
            return ("refused", error.message.len());
        }
    };
    let mut decoder = Decoder::new(bytes);
    let signed = decoder.array().and_then(|_| decoder.bytes());
    let signed = signed.unwrap_or_default();
    let payload = cose::parse(Suite::One, signed, 1).map(|signed| signed.payload.to_vec());
    assert_eq!(
        payload,
        Ok(head.encode()),
        "another form of the head was accepted"
    );
    let mut list = Encoder::new();
    list.array(transactions.len());
    for transaction in &transactions {
        list.bytes(transaction);
    }
    let mut again = Encoder::new();
    again.array(2).bytes(signed).bytes(list.as_slice());
    assert_eq!(again.as_slice(), bytes, "another form was accepted");
    ("accepted", transactions.len())
}
