//! Signed messages: what the profile accepts, each thing it refuses, and a COSE library not ours.

mod common;

use codec::cbor::{self, Encoder, Value};
use common::{signing_key, SUITE};
use coset::{
    iana, CborSerializable, CoseSign, CoseSign1, CoseSign1Builder, CoseSignBuilder,
    CoseSignatureBuilder,
};
use coset::{Header, HeaderBuilder};
use crypto::{cose, Hash32, SigningKey};

const AAD: &[u8] = &[7; 32];
const PAYLOAD: &[u8] = b"\x82\x01\x02";

fn keys(count: u64) -> Vec<SigningKey> {
    (1..=count).map(signing_key).collect()
}

fn signed_by(count: u64) -> Vec<u8> {
    let keys = keys(count);
    cose::sign(SUITE, &keys.iter().collect::<Vec<_>>(), PAYLOAD, AAD).unwrap()
}

fn known(id: &Hash32) -> Option<[u8; 32]> {
    keys(5)
        .iter()
        .map(|key| *key.public())
        .find(|public| SUITE.key_id(public) == *id)
}

fn id(key: &SigningKey) -> Hash32 {
    SUITE.key_id(key.public())
}

#[test]
fn signs_and_verifies() {
    for count in 1..=4 {
        let bytes = signed_by(count);
        let signed = cose::parse(SUITE, &bytes, 4).unwrap();
        assert_eq!(signed.payload, PAYLOAD);
        let ids: Vec<Hash32> = signed
            .signatures
            .iter()
            .map(|signature| signature.key_id)
            .collect();
        assert_eq!(ids, keys(count).iter().map(id).collect::<Vec<_>>());
        cose::verify(SUITE, &signed, AAD, known).unwrap();
        assert_eq!(
            cose::verify(SUITE, &signed, &[8; 32], known)
                .unwrap_err()
                .code,
            "crypto.bad_signature"
        );
        assert_eq!(
            cose::verify(SUITE, &signed, AAD, |_| None)
                .unwrap_err()
                .code,
            "cose.unknown_key"
        );
        cbor::check(&bytes).unwrap();
    }
}

#[test]
fn is_put_together_from_signatures_made_elsewhere() {
    for count in 1..=3_usize {
        let keys = keys(count as u64);
        let sign = |key: &SigningKey| {
            (
                id(key),
                key.sign(&cose::to_sign(SUITE, &id(key), count, PAYLOAD, AAD)),
            )
        };
        let signatures: Vec<_> = keys.iter().map(sign).collect();
        assert_eq!(
            cose::assemble(SUITE, PAYLOAD, &signatures),
            Ok(signed_by(count as u64))
        );
    }
}

#[test]
fn refuses_to_sign_by_nobody_or_twice() {
    assert_eq!(
        cose::sign(SUITE, &[], PAYLOAD, AAD).unwrap_err().code,
        "cose.no_signer"
    );
    let keys = keys(2);
    let twice = cose::sign(SUITE, &[&keys[0], &keys[1], &keys[0]], PAYLOAD, AAD);
    assert_eq!(twice.unwrap_err().code, "cose.duplicate_signer");
}

#[test]
fn signatures_do_not_fit_another_form() {
    let keys = keys(2);
    let alone = cose::to_sign(SUITE, &id(&keys[0]), 1, PAYLOAD, AAD);
    let together = cose::to_sign(SUITE, &id(&keys[0]), 2, PAYLOAD, AAD);
    assert_ne!(alone, together);
    // A gateway strips the second signer: the form changes, and with it what was signed.
    let both = signed_by(2);
    let both = cose::parse(SUITE, &both, 2).unwrap();
    let first = (both.signatures[0].key_id, *both.signatures[0].signature);
    let stripped = cose::assemble(SUITE, PAYLOAD, &[first]).unwrap();
    let stripped = cose::parse(SUITE, &stripped, 2).unwrap();
    assert_eq!(
        cose::verify(SUITE, &stripped, AAD, known).unwrap_err().code,
        "crypto.bad_signature"
    );
}

fn header(key: &SigningKey) -> Header {
    HeaderBuilder::new()
        .algorithm(iana::Algorithm::Ed25519)
        .key_id(id(key).0.to_vec())
        .build()
}

#[test]
fn a_library_not_ours_signs_alone() {
    let key = &keys(1)[0];
    let builder = CoseSign1Builder::new()
        .protected(header(key))
        .payload(PAYLOAD.to_vec());
    let bytes = builder
        .create_signature(AAD, |input| key.sign(input).to_vec())
        .build()
        .to_vec()
        .unwrap();
    let signed = cose::parse(SUITE, &bytes, 1).unwrap();
    cose::verify(SUITE, &signed, AAD, known).unwrap();
    assert_eq!(bytes, signed_by(1));
}

#[test]
fn a_library_not_ours_signs_together() {
    let mut builder = CoseSignBuilder::new().payload(PAYLOAD.to_vec());
    for key in &keys(3) {
        let signature = CoseSignatureBuilder::new().protected(header(key)).build();
        builder = builder.add_created_signature(signature, AAD, |input| key.sign(input).to_vec());
    }
    let bytes = builder.build().to_vec().unwrap();
    let signed = cose::parse(SUITE, &bytes, 3).unwrap();
    cose::verify(SUITE, &signed, AAD, known).unwrap();
    assert_eq!(bytes, signed_by(3));
}

#[test]
fn a_library_not_ours_verifies() {
    let check = |index: u64, signature: &[u8], input: &[u8]| {
        SUITE
            .verify(signing_key(index).public(), input, signature)
            .map_err(|error| error.code)
    };
    let alone = CoseSign1::from_slice(&signed_by(1)).unwrap();
    alone
        .verify_signature(AAD, |signature, input| check(1, signature, input))
        .unwrap();
    let together = CoseSign::from_slice(&signed_by(3)).unwrap();
    for index in 0..3 {
        together
            .verify_signature(index, AAD, |signature, input| {
                check(index as u64 + 1, signature, input)
            })
            .unwrap();
    }
}

/// A message built freely, to be wrong in one place.
#[derive(Clone)]
struct Message {
    protected: Vec<u8>,
    unprotected: Value,
    payload: Value,
    signatures: Value,
    surplus: Option<Value>,
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let fields = [
            Value::Bytes(self.protected.clone()),
            self.unprotected.clone(),
            self.payload.clone(),
            self.signatures.clone(),
        ];
        cbor::encode(&Value::Array(
            fields.into_iter().chain(self.surplus.clone()).collect(),
        ))
        .unwrap()
    }

    fn code(&self) -> &'static str {
        cose::parse(SUITE, &self.encode(), 3).map_or_else(|error| error.code, |_| "accepted")
    }
}

fn protected(entries: Vec<(Value, Value)>) -> Vec<u8> {
    cbor::encode(&Value::Map(entries)).unwrap()
}

fn right_header(index: u8) -> Vec<u8> {
    protected(vec![
        (1.into(), (-19).into()),
        (4.into(), Value::bytes([index; 32])),
    ])
}

fn alone() -> Message {
    Message {
        protected: right_header(0),
        unprotected: Value::Map(vec![]),
        payload: Value::bytes(PAYLOAD),
        signatures: Value::bytes([9; 64]),
        surplus: None,
    }
}

fn one_of_many(protected: Vec<u8>, unprotected: Value, signature: Value) -> Value {
    Value::Array(vec![Value::Bytes(protected), unprotected, signature])
}

fn right_signature(index: u8) -> Value {
    one_of_many(
        right_header(index),
        Value::Map(vec![]),
        Value::bytes([9; 64]),
    )
}

fn together(signatures: Vec<Value>) -> Message {
    Message {
        protected: vec![],
        signatures: Value::Array(signatures),
        ..alone()
    }
}

/// Protected headers that are wrong, each in one way.
fn wrong_headers() -> Vec<(Vec<u8>, &'static str)> {
    let (alg, kid) = (
        (Value::from(1), Value::from(-19)),
        (Value::from(4), Value::bytes([0; 32])),
    );
    let with = |entry: (Value, Value)| protected(vec![alg.clone(), kid.clone(), entry]);
    vec![
        (vec![], "cbor.truncated"),
        (vec![0xa0], "cose.header"),
        (protected(vec![alg.clone()]), "cose.header"),
        (protected(vec![kid.clone()]), "cose.header"),
        (
            protected(vec![(1.into(), (-8).into()), kid.clone()]),
            "cose.algorithm",
        ),
        (
            protected(vec![(1.into(), (-7).into()), kid.clone()]),
            "cose.algorithm",
        ),
        (
            protected(vec![(1.into(), "EdDSA".into()), kid.clone()]),
            "cbor.type",
        ),
        (
            protected(vec![alg.clone(), (4.into(), Value::bytes([0; 31]))]),
            "cose.key_id",
        ),
        (
            protected(vec![alg.clone(), (4.into(), Value::bytes([0; 33]))]),
            "cose.key_id",
        ),
        (
            protected(vec![alg.clone(), (4.into(), Value::Null)]),
            "cbor.type",
        ),
        (
            with((2.into(), Value::Array(vec![4.into()]))),
            "cose.header",
        ),
        (with((3.into(), 0.into())), "cose.header"),
        (with((5.into(), Value::bytes([1]))), "cose.header"),
        (with(("x".into(), Value::Null)), "cbor.type"),
        ([&right_header(0)[..], &[0]].concat(), "cbor.trailing"),
        (
            [&[0xa2, 0x04, 0x58, 0x20][..], &[0; 32], &[0x01, 0x32]].concat(),
            "cbor.not_canonical",
        ),
        (
            [&[0xa2, 0x01, 0x38, 0x12, 0x04, 0x58, 0x20][..], &[0; 32]].concat(),
            "cbor.not_canonical",
        ),
        (
            [&[0xb8, 0x02, 0x01, 0x32, 0x04, 0x58, 0x20][..], &[0; 32]].concat(),
            "cbor.not_canonical",
        ),
        (
            [&[0xbf, 0x01, 0x32, 0x04, 0x58, 0x20][..], &[0; 32], &[0xff]].concat(),
            "cbor.unsupported",
        ),
        (
            [&[0xa2, 0x01, 0x32, 0x01, 0x32][..]].concat(),
            "cbor.duplicate_key",
        ),
        (vec![0x80], "cbor.type"),
    ]
}

#[test]
fn refuses_every_other_header() {
    assert_eq!(alone().code(), "accepted");
    assert_eq!(
        together(vec![right_signature(0), right_signature(1)]).code(),
        "accepted"
    );
    for (header, code) in wrong_headers() {
        assert_eq!(
            Message {
                protected: header.clone(),
                ..alone()
            }
            .code(),
            code,
            "{header:02x?}"
        );
        let wrong = one_of_many(header.clone(), Value::Map(vec![]), Value::bytes([9; 64]));
        assert_eq!(
            together(vec![right_signature(1), wrong]).code(),
            code,
            "{header:02x?}"
        );
    }
    let full = Message {
        protected: right_header(0),
        ..together(vec![right_signature(0), right_signature(1)])
    };
    assert_eq!(full.code(), "cose.header");
    let empty_map = Message {
        protected: vec![0xa0],
        ..together(vec![right_signature(0), right_signature(1)])
    };
    assert_eq!(empty_map.code(), "cose.header");
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of cases")]
fn refuses_every_other_form() {
    let surplus = Some(Value::Null);
    let map = |key: i32| Value::Map(vec![(key.into(), Value::Null)]);
    let cases = [
        (
            Message {
                unprotected: map(4),
                ..alone()
            },
            "cose.unprotected",
        ),
        (
            Message {
                unprotected: Value::Null,
                ..alone()
            },
            "cbor.type",
        ),
        (
            Message {
                payload: Value::Null,
                ..alone()
            },
            "cose.payload",
        ),
        (
            Message {
                payload: Value::text("x"),
                ..alone()
            },
            "cbor.type",
        ),
        (
            Message {
                signatures: Value::bytes([9; 63]),
                ..alone()
            },
            "cbor.length",
        ),
        (
            Message {
                signatures: Value::bytes([9; 65]),
                ..alone()
            },
            "cbor.length",
        ),
        (
            Message {
                signatures: Value::Null,
                ..alone()
            },
            "cose.form",
        ),
        (
            Message {
                surplus: surplus.clone(),
                ..alone()
            },
            "cose.form",
        ),
        (together(vec![]), "cose.no_signer"),
        (together(vec![right_signature(0)]), "cose.form"),
        (
            together(vec![right_signature(0), right_signature(0)]),
            "cose.duplicate_signer",
        ),
        (
            together((0..4).map(right_signature).collect()),
            "cose.too_many_signers",
        ),
        (together(vec![right_signature(0), Value::Null]), "cose.form"),
        (
            together(vec![right_signature(0), Value::Array(vec![])]),
            "cose.form",
        ),
        (
            together(vec![
                right_signature(0),
                one_of_many(right_header(1), map(1), Value::bytes([9; 64])),
            ]),
            "cose.unprotected",
        ),
        (
            together(vec![
                right_signature(0),
                one_of_many(right_header(1), Value::Map(vec![]), Value::bytes([9; 63])),
            ]),
            "cbor.length",
        ),
    ];
    for (number, (message, code)) in cases.iter().enumerate() {
        assert_eq!(message.code(), *code, "case {number}");
    }
    let code = |bytes: &[u8]| cose::parse(SUITE, bytes, 3).unwrap_err().code;
    let bytes = signed_by(1);
    assert_eq!(code(&[&[0xd2], &bytes[..]].concat()), "cbor.unsupported");
    assert_eq!(code(&[&bytes[..], &[0]].concat()), "cbor.trailing");
    assert_eq!(
        code(&cbor::encode(&Value::Map(vec![])).unwrap()),
        "cose.form"
    );
    assert_eq!(
        code(&cbor::encode(&Value::bytes(bytes.clone())).unwrap()),
        "cose.form"
    );
    assert_eq!(
        cose::parse(SUITE, &bytes, 0).unwrap_err().code,
        "cose.too_many_signers"
    );
}

#[test]
fn every_changed_cut_or_added_byte_is_refused() {
    for count in [1, 2] {
        let bytes = signed_by(count);
        for index in 0..bytes.len() {
            assert!(cose::parse(SUITE, &bytes[..index], 3).is_err());
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[index] ^= change;
                let Ok(signed) = cose::parse(SUITE, &changed, 3) else {
                    continue;
                };
                assert!(
                    cose::verify(SUITE, &signed, AAD, known).is_err(),
                    "byte {index}, change {change:02x}"
                );
            }
        }
    }
}

#[test]
fn what_is_signed_is_the_structure_of_rfc_9052() {
    let bytes = signed_by(2);
    let signed = cose::parse(SUITE, &bytes, 2).unwrap();
    let mut expected = Encoder::new();
    expected
        .array(5)
        .text("Signature")
        .bytes(&[])
        .bytes(signed.signatures[1].protected)
        .bytes(AAD)
        .bytes(PAYLOAD);
    assert_eq!(cose::signing_input(&signed, 1, AAD), expected.as_slice());
    let bytes = signed_by(1);
    let signed = cose::parse(SUITE, &bytes, 2).unwrap();
    let mut expected = Encoder::new();
    expected
        .array(4)
        .text("Signature1")
        .bytes(signed.signatures[0].protected)
        .bytes(AAD)
        .bytes(PAYLOAD);
    assert_eq!(cose::signing_input(&signed, 0, AAD), expected.as_slice());
}
