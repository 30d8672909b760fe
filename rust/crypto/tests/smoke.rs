//! The shortest way through the public interface.
use crypto::{cose, Check, SigningKey, Suite};

#[test]
fn signs_parses_verifies() {
    let suite = Suite::One;
    let keys: Vec<SigningKey> = (0..3).map(|i| SigningKey::from_seed(&[i + 1; 32])).collect();
    for signers in 1..=3 {
        let chosen: Vec<&SigningKey> = keys.iter().take(signers).collect();
        let bytes = cose::sign(suite, &chosen, b"payload", b"aad").unwrap();
        let signed = cose::parse(suite, &bytes, 8).unwrap();
        assert_eq!(signed.payload, b"payload");
        let inputs: Vec<Vec<u8>> = (0..signers).map(|i| cose::signing_input(&signed, i, b"aad")).collect();
        let checks: Vec<Check<'_>> = (0..signers)
            .map(|i| Check { key: chosen[i].public(), message: &inputs[i], signature: signed.signatures[i].signature })
            .collect();
        assert_eq!(suite.verify_many(&checks), vec![true; signers]);
        let known = |id: &crypto::Hash32| keys.iter().find(|k| suite.key_id(k.public()) == *id).map(|k| *k.public());
        cose::verify(suite, &signed, b"aad", known).unwrap();
        assert_eq!(cose::verify(suite, &signed, b"other", known).unwrap_err().code, "crypto.bad_signature");
    }
}
