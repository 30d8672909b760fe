//! Third-party vectors: Wycheproof and CCTV. The verdict is ZIP-215's, which is laxer than RFC 8032
//! about the encoding of points and uses the cofactor; the tables name where that shows.

mod common;

use std::collections::BTreeMap;

use common::{batch_verdicts, field, unhex, unhex_exact, vectors, Sample, SUITE};

/// Wycheproof calls these invalid and ZIP-215 accepts them: case, why.
const ACCEPTED_ON_PURPOSE: &[(u64, &str)] = &[(
    151,
    "R is y = 1 with the sign of x set (minus zero): a second spelling of the identity",
)];

#[test]
fn wycheproof() {
    let Some(file) = vectors("wycheproof/ed25519_test.json") else {
        return;
    };
    let mut accepted = Vec::new();
    let mut samples = Vec::new();
    let mut cases = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = unhex_exact(field(&group["publicKey"], "pk"));
        for case in group["tests"].as_array().unwrap() {
            let (message, signature) = (unhex(field(case, "msg")), unhex(field(case, "sig")));
            let verdict = SUITE.verify(&key, &message, &signature);
            let number = case["tcId"].as_u64().unwrap();
            match (field(case, "result"), &verdict) {
                ("valid", verdict) => assert_eq!(verdict, &Ok(()), "case {number}"),
                (_, Ok(())) => accepted.push(number),
                (_, Err(error)) => {
                    let length = if signature.len() == 64 {
                        "crypto.bad_signature"
                    } else {
                        "crypto.signature_length"
                    };
                    assert_eq!(error.code, length, "case {number}");
                }
            }
            if let Ok(signature) = signature.try_into() {
                samples.push((
                    Sample {
                        key,
                        message,
                        signature,
                    },
                    verdict.is_ok(),
                ));
            }
            cases += 1;
        }
    }
    assert_eq!(cases, file["numberOfTests"].as_u64().unwrap());
    assert_eq!(
        accepted,
        ACCEPTED_ON_PURPOSE
            .iter()
            .map(|(number, _)| *number)
            .collect::<Vec<_>>()
    );
    let (samples, verdicts): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
    assert_eq!(batch_verdicts(&samples), verdicts);
}

/// CCTV has no single right answer. ZIP-215 accepts all but those vectors that hash another
/// spelling of a point than the one that came (`reencoded_k`), and even these where the key's order
/// is small. Flag, number of vectors, and who refuses what this chain accepts on purpose.
const CCTV_FLAGS: &[(&str, usize, &str)] = &[
    (
        "low_order_A",
        526,
        "strict checks; here registration refuses such keys (small_order_key)",
    ),
    (
        "low_order_R",
        586,
        "strict checks; R is chosen by the signer and binds nobody else",
    ),
    ("low_order_component_A", 774, "checks of the subgroup"),
    ("low_order_component_R", 665, "checks of the subgroup"),
    (
        "low_order_residue",
        583,
        "cofactorless checks: OpenSSL, Go, ref10",
    ),
    (
        "non_canonical_A",
        226,
        "RFC 8032; here registration refuses such keys (small_order_key)",
    ),
    ("non_canonical_R", 316, "RFC 8032, OpenSSL, Go, ref10"),
    (
        "reencoded_k",
        146,
        "everybody, but for 58 that the cofactor clears",
    ),
];

#[test]
fn cctv() {
    let Some(file) = vectors("cctv-ed25519/ed25519vectors.json") else {
        return;
    };
    let vectors = file.as_array().unwrap();
    let mut flags: BTreeMap<&str, usize> = BTreeMap::new();
    let mut samples = Vec::new();
    for vector in vectors {
        let names = vector["flags"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        names
            .iter()
            .for_each(|flag| *flags.entry(flag.as_str().unwrap()).or_default() += 1);
        let sample = Sample {
            key: unhex_exact(field(vector, "key")),
            message: field(vector, "msg").as_bytes().to_vec(),
            signature: unhex_exact(field(vector, "sig")),
        };
        let has = |flag: &str| names.iter().any(|name| name == flag);
        let small = has("low_order_A");
        assert_eq!(
            sample.valid(),
            !has("reencoded_k") || small,
            "vector {} {names:?}",
            vector["number"]
        );
        let registers = SUITE
            .check_public_key(&sample.key)
            .map_err(|error| error.code);
        assert_eq!(
            registers,
            if small {
                Err("crypto.small_order_key")
            } else {
                Ok(())
            }
        );
        samples.push(sample);
    }
    let expected: BTreeMap<&str, usize> = CCTV_FLAGS
        .iter()
        .map(|(flag, count, _)| (*flag, *count))
        .collect();
    assert_eq!(flags, expected);
    let verdicts: Vec<bool> = samples.iter().map(Sample::valid).collect();
    assert_eq!(batch_verdicts(&samples), verdicts);
    assert_eq!(verdicts.iter().filter(|valid| **valid).count(), 826);
    // Each spoiled in turn: the message no longer fits, unless neither R nor A binds it.
    samples
        .iter_mut()
        .for_each(|sample| sample.message.push(b'!'));
    let verdicts: Vec<bool> = samples.iter().map(Sample::valid).collect();
    assert_eq!(batch_verdicts(&samples), verdicts);
    assert!(verdicts.contains(&false));
}
