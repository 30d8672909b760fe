//! A signed message: what is accepted is put together again to the same bytes.

use crypto::{cose, Suite};

const MAX_SIGNERS: usize = 3;

/// Verdict and place, by which the short run tells inputs apart.
pub fn run(bytes: &[u8]) -> (&'static str, usize) {
    let signed = match cose::parse(Suite::One, bytes, MAX_SIGNERS) {
        Ok(signed) => signed,
        Err(error) => {
            let offset = error.offset.unwrap_or_default();
            assert!(offset <= bytes.len(), "the offset lies outside");
            return (error.code, offset);
        }
    };
    let signers = signed.signatures.len();
    assert!(
        (1..=MAX_SIGNERS).contains(&signers),
        "{signers} signers were accepted"
    );
    let parts: Vec<_> = signed
        .signatures
        .iter()
        .map(|signature| (signature.key_id, *signature.signature))
        .collect();
    let again = cose::assemble(Suite::One, signed.payload, &parts);
    assert_eq!(again.as_deref(), Ok(bytes), "another form was accepted");
    for (index, signature) in signed.signatures.iter().enumerate() {
        let input = cose::signing_input(&signed, index, b"external");
        let elsewhere = cose::to_sign(
            Suite::One,
            &signature.key_id,
            signers,
            signed.payload,
            b"external",
        );
        assert_eq!(input, elsewhere, "two inputs to one signature");
    }
    ("accepted", signers)
}
