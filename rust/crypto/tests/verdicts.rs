//! A batch gives the verdicts of the single check, whatever stands in it.

mod common;

use common::{
    batch_verdicts, challenge, good, joined, signing_key, unhex_exact, with_large_s, with_torsion,
    Sample, SUITE,
};
use crypto::PreparedKey;
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;

/// All 14 spellings of the points of small order.
const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The y of no point of the curve.
const NO_POINT: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    bytes
};

#[test]
fn keys_of_small_order_are_not_registered() {
    for key in SMALL_ORDER.map(unhex_exact) {
        assert_eq!(
            SUITE.check_public_key(&key).unwrap_err().code,
            "crypto.small_order_key"
        );
        // They decode, so a signature by them is a matter of the equation alone.
        PreparedKey::new(&key).unwrap();
    }
    assert_eq!(
        SUITE.check_public_key(&NO_POINT).unwrap_err().code,
        "crypto.bad_key"
    );
    assert_eq!(
        PreparedKey::new(&NO_POINT).unwrap_err().code,
        "crypto.bad_key"
    );
    // y = p + 3 is a point of large order in its second spelling.
    let second = unhex_exact("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    assert_eq!(
        SUITE.check_public_key(&second).unwrap_err().code,
        "crypto.key_not_canonical"
    );
    SUITE.check_public_key(signing_key(1).public()).unwrap();
}

#[test]
fn refusals_have_codes() {
    let sample = good(1, b"message");
    let code = |key: &[u8; 32], message: &[u8], signature: &[u8]| {
        SUITE
            .verify(key, message, signature)
            .map_err(|error| error.code)
    };
    assert_eq!(code(&sample.key, b"message", &sample.signature), Ok(()));
    assert_eq!(
        code(&sample.key, b"messagf", &sample.signature),
        Err("crypto.bad_signature")
    );
    assert_eq!(
        code(&NO_POINT, b"message", &sample.signature),
        Err("crypto.bad_key")
    );
    for signature in [
        &sample.signature[..63],
        &[&sample.signature[..], &[0]].concat(),
        &[],
    ] {
        assert_eq!(
            code(&sample.key, b"message", signature),
            Err("crypto.signature_length")
        );
    }
    for index in 0..64 {
        for bit in 0..8 {
            let mut signature = sample.signature;
            signature[index] ^= 1 << bit;
            assert_eq!(
                code(&sample.key, b"message", &signature),
                Err("crypto.bad_signature")
            );
        }
    }
}

#[test]
fn torsion_is_cleared_by_single_checks_and_batches() {
    let all: Vec<Sample> = (0..64)
        .map(|case| with_torsion(case as u64, b"torsion", case / 8, case % 8))
        .collect();
    assert!(all.iter().all(Sample::valid));
    assert_eq!(batch_verdicts(&all), vec![true; all.len()]);
    // Also where they are checked one by one.
    for sample in &all {
        assert_eq!(batch_verdicts(std::slice::from_ref(sample)), [true]);
    }
    for residue in &EIGHT_TORSION[1..] {
        // A torsion component that was not hashed is a wrong signature.
        let sample = good(9, b"torsion");
        let r = curve25519_dalek::edwards::CompressedEdwardsY(
            sample.signature[..32].try_into().unwrap(),
        );
        let moved = (r.decompress().unwrap() + residue).compress().to_bytes();
        let signature = joined(&moved, sample.signature[32..].try_into().unwrap());
        let sample = Sample {
            signature,
            ..sample
        };
        assert!(!sample.valid());
    }
}

/// Errors that cancel out unless each signature has a coefficient of its own.
#[test]
fn errors_cannot_cancel_out() {
    let off_by = |seed: u64, error: Scalar| {
        let (secret, nonce) = (Scalar::from(seed + 1), Scalar::from(seed + 1000));
        let key = (&secret * ED25519_BASEPOINT_TABLE).compress().to_bytes();
        let r = (&nonce * ED25519_BASEPOINT_TABLE).compress().to_bytes();
        let s = nonce + challenge(&r, &key, b"m") * secret + error;
        Sample {
            key,
            message: b"m".to_vec(),
            signature: joined(&r, s.as_bytes()),
        }
    };
    for count in [2, 16, 64, 300] {
        let mut samples: Vec<Sample> = (0..count).map(|seed| off_by(seed, Scalar::ZERO)).collect();
        assert_eq!(batch_verdicts(&samples), vec![true; samples.len()]);
        samples[0] = off_by(0, Scalar::ONE);
        samples[1] = off_by(1, -Scalar::ONE);
        let expected: Vec<bool> = (0..count).map(|seed| seed > 1).collect();
        assert_eq!(batch_verdicts(&samples), expected);
    }
}

#[test]
fn one_bad_signature_is_found_wherever_it_stands() {
    let mut samples: Vec<Sample> = (0..300).map(|seed| good(seed, b"found")).collect();
    for index in (0..300).step_by(23) {
        samples[index].message[0] ^= 1;
        let expected: Vec<bool> = (0..300).map(|other| other != index).collect();
        assert_eq!(batch_verdicts(&samples), expected);
        samples[index].message[0] ^= 1;
    }
}

#[test]
fn the_same_verdicts_on_any_number_of_threads() {
    let mut samples: Vec<Sample> = (0..600)
        .map(|seed| good(seed % 50, &seed.to_le_bytes()))
        .collect();
    samples
        .iter_mut()
        .step_by(41)
        .for_each(|sample| sample.signature[3] ^= 1);
    let expected: Vec<bool> = samples.iter().map(Sample::valid).collect();
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(|| batch_verdicts(&samples)), expected);
    }
    assert_eq!(batch_verdicts(&[]), Vec::<bool>::new());
}

fn samples() -> impl Strategy<Value = Sample> {
    let message = prop::collection::vec(any::<u8>(), 0..4);
    (
        0_u64..30,
        message,
        0_usize..12,
        any::<[u8; 32]>(),
        0_usize..8,
        0_usize..8,
    )
        .prop_map(|(seed, message, kind, random, torsion, other)| {
            let mut sample = good(seed, &message);
            match kind {
                0..=4 => {}
                5 => sample = with_torsion(seed, &message, torsion, other),
                6 => sample = with_large_s(sample),
                7 => sample.message.push(0),
                8 => sample.signature[..32].copy_from_slice(&random),
                9 => sample.key = random,
                10 => sample.key = unhex_exact(SMALL_ORDER[torsion + other % 7]),
                _ => {
                    // Valid for every message: R and key of small order, s zero.
                    sample.key = unhex_exact(SMALL_ORDER[torsion + other % 7]);
                    sample.signature =
                        joined(&unhex_exact(SMALL_ORDER[other + torsion % 7]), &[0; 32]);
                }
            }
            sample
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn batches_agree_with_single_checks(samples in prop::collection::vec(samples(), 0..70)) {
        let expected: Vec<bool> = samples.iter().map(Sample::valid).collect();
        prop_assert_eq!(batch_verdicts(&samples), expected);
    }

    #[test]
    fn mostly_good_batches_agree_with_single_checks(
        seeds in prop::collection::vec(any::<u8>(), 1..300),
        bad in prop::collection::vec((any::<prop::sample::Index>(), samples()), 0..4),
    ) {
        let mut samples: Vec<Sample> = seeds.iter().map(|&seed| good(seed.into(), &[seed])).collect();
        for (index, sample) in bad {
            let index = index.index(samples.len());
            samples[index] = sample;
        }
        let expected: Vec<bool> = samples.iter().map(Sample::valid).collect();
        prop_assert_eq!(batch_verdicts(&samples), expected);
    }
}
