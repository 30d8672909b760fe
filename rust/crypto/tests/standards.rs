//! Test vectors of the standards: RFC 8032, RFC 9679, FIPS 180-4.

mod common;

use codec::cbor::Encoder;
use common::{unhex, unhex_exact, SUITE};
use crypto::{Hash32, SigningKey, Suite};

/// RFC 8032 section 7.1: secret key, public key, message, signature.
const RFC_8032: &[[&str; 4]] = &[
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

#[test]
fn ed25519_of_rfc_8032() {
    for [secret, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed(&unhex_exact(secret));
        let public = unhex_exact(public);
        assert_eq!(key.public(), &public);
        assert_eq!(key.sign(&unhex(message)), unhex_exact(signature));
        SUITE
            .verify(&public, &unhex(message), &unhex(signature))
            .unwrap();
        SUITE.check_public_key(&public).unwrap();
    }
}

#[test]
fn sha_256_of_fips_180() {
    let cases = [
        (
            "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ];
    for (message, hash) in cases {
        assert_eq!(SUITE.hash(message.as_bytes()).to_string(), hash);
    }
}

#[test]
fn hashes_of_parts_are_hashes_of_the_whole() {
    let (left, right) = (Hash32([1; 32]), Hash32([2; 32]));
    for length in 0..200 {
        let prefix = &[3; 200][..length];
        let whole = SUITE.hash(&[prefix, &[1; 32], &[2; 32]].concat());
        assert_eq!(
            SUITE.hash_nodes(prefix, &left, &right),
            whole,
            "prefix of {length}"
        );
    }
    let whole = SUITE.hash(&[&b"prefix"[..], &[1; 32], &[2; 32]].concat());
    assert_eq!(
        SUITE.hash_parts(&[b"pre", b"", b"fix", &[1; 32], &[2; 32]]),
        whole
    );
    assert_eq!(SUITE.hash_parts(&[]), SUITE.hash(&[]));
}

/// RFC 9679 section 6 has one example, an EC2 key: a thumbprint is the hash of the deterministic
/// encoding of the key's required fields.
#[test]
fn thumbprint_of_rfc_9679() {
    let mut key = Encoder::new();
    key.map(4).int(1).int(2).int(-1).int(1);
    key.int(-2).bytes(&unhex(
        "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d",
    ));
    key.int(-3).bytes(&unhex(
        "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c",
    ));
    let expected = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";
    assert_eq!(SUITE.hash(key.as_slice()).to_string(), expected);
}

#[test]
fn key_id_is_the_thumbprint_of_the_required_fields() {
    let public = [0xab; 32];
    let mut key = Encoder::new();
    key.map(3)
        .int(1)
        .int(1)
        .int(-1)
        .int(6)
        .int(-2)
        .bytes(&public);
    assert_eq!(SUITE.cose_key(&public), key.as_slice());
    assert_eq!(SUITE.key_id(&public), SUITE.hash(key.as_slice()));
}

#[test]
fn suites_have_numbers() {
    assert_eq!(Suite::from_number(1), Ok(Suite::One));
    assert_eq!(Suite::One.number(), 1);
    assert_eq!(Suite::One.algorithm(), -19);
    for unknown in [0, 2, u64::MAX] {
        assert_eq!(
            Suite::from_number(unknown).unwrap_err().code,
            "crypto.unknown_suite"
        );
    }
}

#[test]
fn hashes_are_written_as_hex() {
    let hash = SUITE.hash(b"abc");
    assert_eq!(hash.to_string().parse::<Hash32>(), Ok(hash));
    assert_eq!(hash.to_string().to_uppercase().parse::<Hash32>(), Ok(hash));
    assert_eq!(format!("{hash:?}"), format!("Hash32({hash})"));
    assert_eq!(Hash32::try_from(&hash.0[..]), Ok(hash));
    assert_eq!(
        Hash32::try_from(&hash.0[1..]).unwrap_err().code,
        "crypto.hash_length"
    );
    let digits = hash.to_string();
    for wrong in [
        "",
        &digits[1..],
        &format!("{digits}0"),
        &digits.replace('b', "g"),
        &digits.replace('b', "\u{e9}"),
    ] {
        assert_eq!(
            wrong.parse::<Hash32>().unwrap_err().code,
            "crypto.hash_text"
        );
    }
}
