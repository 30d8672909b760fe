//! Seals by a quorum: good ones and each way to be bad.

mod comet;

use codec::cbor::{self, Value};
use comet::{Network, GENESIS, SUITE};
use crypto::Hash32;
use engine::formats::evidence::{Receipt, StateProof, Subject};
use engine::formats::header::{check_seal, Sealers};
use proptest::prelude::*;

fn four() -> Network {
    Network::of(&[10, 10, 10, 10])
}

/// The same value with another one at this place.
fn changed(value: &Value, path: &[usize], new: Value) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return new;
    };
    let Value::Array(mut items) = value.clone() else {
        panic!("no array at {path:?}")
    };
    items[*first] = changed(&items[*first], rest, new);
    Value::Array(items)
}

fn at(value: &Value, path: &[usize]) -> Value {
    path.iter().fold(value.clone(), |value, index| match value {
        Value::Array(items) => items[*index].clone(),
        _ => panic!("no array at {path:?}"),
    })
}

#[test]
fn more_than_two_thirds_seal() {
    let network = four();
    for (flags, wanted) in [
        ([2, 2, 2, 2], ""),
        ([2, 2, 2, 1], ""),
        ([3, 2, 2, 2], ""),
        ([2, 2, 1, 1], "seal.no_quorum"),
        ([2, 2, 3, 3], "seal.no_quorum"),
        ([1, 1, 1, 1], "seal.no_quorum"),
    ] {
        assert_eq!(network.verdict(&network.seal(&flags)), wanted, "{flags:?}");
    }
    // Two of three are exactly two thirds: not enough.
    let three = Network::of(&[5, 5, 5]);
    assert_eq!(three.verdict(&three.seal(&[2, 2, 1])), "seal.no_quorum");
    let heavy = Network::of(&[1 << 40, 1 << 39, (1 << 39) - 1]);
    assert_eq!(heavy.verdict(&heavy.seal(&[2, 1, 2])), "");
    let error = network
        .check(&cbor::encode(&network.seal(&[2, 2, 1, 1])).unwrap())
        .unwrap_err();
    assert!(error.message.contains("power 20 of 40"), "{error}");
}

#[test]
fn each_altered_field_is_refused_by_its_name() {
    let network = four();
    let good = network.seal(&[2, 2, 2, 2]);
    let other = || Value::bytes(vec![0x77; 32]);
    let stranger = Network::of(&[10, 10, 10, 11]);
    let theirs = stranger.seal(&[2, 2, 2, 2]);
    let cases: Vec<(&[usize], Value, &str)> = vec![
        (&[0], Value::text("solo"), "seal.malformed"),
        (&[1, 0, 0], Value::Int(12), "seal.version"),
        (&[1, 0, 1], Value::Int(2), "seal.wrong_commit"),
        (&[1, 1], Value::text("5".repeat(48)), "seal.wrong_chain"),
        (&[1, 1], Value::text(""), "seal.wrong_chain"),
        (&[1, 2], Value::Int(30), "seal.wrong_height"),
        (&[1, 2], Value::Int(32), "seal.wrong_commit"),
        (&[1, 3, 0], Value::Int(-1), "seal.wrong_commit"),
        (&[1, 3, 1], Value::Int(1), "seal.wrong_commit"),
        (&[1, 3, 0], Value::Int(253_402_300_800), "seal.malformed"),
        (
            &[2, 3, 3, 2, 0],
            Value::Int(-62_135_596_801),
            "seal.malformed",
        ),
        (&[1, 3, 1], Value::Int(1_000_000_000), "seal.malformed"),
        (&[1, 4], Value::Null, "seal.wrong_commit"),
        (&[1, 4, 0], other(), "seal.wrong_commit"),
        (&[1, 4, 1], Value::Int(9), "seal.wrong_commit"),
        (&[1, 4, 2], other(), "seal.wrong_commit"),
        (&[1, 5], other(), "seal.wrong_commit"),
        (&[1, 6], Value::bytes(Vec::new()), "seal.wrong_commit"),
        (&[1, 7], other(), "seal.wrong_set"),
        (&[1, 7], Value::bytes(Vec::new()), "seal.wrong_set"),
        (&[1, 8], other(), "seal.wrong_commit"),
        (&[1, 9], other(), "seal.wrong_commit"),
        (&[1, 10], other(), "seal.wrong_header"),
        (&[1, 10], Value::bytes(Vec::new()), "seal.wrong_header"),
        (&[1, 11], other(), "seal.wrong_commit"),
        (&[1, 12], other(), "seal.wrong_commit"),
        (&[1, 13], Value::bytes(vec![0; 20]), "seal.wrong_commit"),
        (&[1, 13], Value::bytes(vec![0; 19]), "seal.malformed"),
        (&[2, 0], Value::Int(32), "seal.wrong_commit"),
        (&[2, 1], Value::Int(4), "seal.bad_vote"),
        (&[2, 1], Value::Int(1 << 31), "seal.malformed"),
        (&[2, 2, 0], other(), "seal.wrong_commit"),
        (&[2, 2, 1], Value::Int(3), "seal.bad_vote"),
        (&[2, 2, 2], other(), "seal.bad_vote"),
        (&[2, 3], Value::Array(Vec::new()), "seal.bad_vote"),
        (&[2, 3, 1], at(&good, &[2, 3, 0]), "seal.bad_vote"),
        (&[2, 3, 0, 0], Value::Int(1), "seal.malformed"),
        (&[2, 3, 0, 0], Value::Int(4), "seal.malformed"),
        (&[2, 3, 0, 1], Value::bytes(vec![1; 20]), "seal.bad_vote"),
        (&[2, 3, 0, 2, 0], Value::Int(5), "seal.bad_vote"),
        (&[2, 3, 0, 3], Value::bytes(vec![1; 64]), "seal.bad_vote"),
        (&[2, 3, 0, 3], Value::bytes(vec![1; 63]), "seal.malformed"),
        (&[3], at(&theirs, &[3]), "seal.wrong_set"),
        (&[3, 1], Value::text("solo"), "seal.malformed"),
        (&[3, 2, 0, 1], Value::Int(11), "seal.wrong_set"),
        (&[3, 2, 0, 1], Value::Int(0), "seal.malformed"),
    ];
    assert_eq!(network.verdict(&good), "");
    for (path, new, wanted) in cases {
        assert_eq!(
            network.verdict(&changed(&good, path, new)),
            wanted,
            "{path:?}"
        );
    }
    // A whole good seal, of another set or of another header.
    assert_eq!(network.verdict(&theirs), "seal.wrong_header");
    let elsewhere = network.seal_of(Hash32([1; 32]), 31, &[2, 2, 2, 2]);
    assert_eq!(network.verdict(&elsewhere), "seal.wrong_header");
    let early = network.seal_of(SUITE.hash(&network.header.encode()), 30, &[2, 2, 2, 2]);
    assert_eq!(network.verdict(&early), "seal.wrong_height");
}

#[test]
fn a_vote_for_none_that_is_called_one_for_the_block_spoils_the_seal() {
    let network = four();
    let seal = network.seal(&[2, 2, 2, 3]);
    assert_eq!(network.verdict(&seal), "");
    let lie = changed(&seal, &[2, 3, 3, 0], Value::Int(2));
    assert_eq!(network.verdict(&lie), "seal.bad_vote");
    let unsigned = changed(&seal, &[2, 3, 3, 3], Value::bytes(vec![1; 64]));
    assert_eq!(network.verdict(&unsigned), "seal.bad_vote");
    let more = at(&seal, &[2, 3]);
    let Value::Array(mut votes) = more else {
        panic!("votes")
    };
    votes.push(Value::Null);
    let longer = changed(&seal, &[2, 3], Value::Array(votes));
    assert_eq!(network.verdict(&longer), "seal.bad_vote");
}

#[test]
fn every_changed_byte_and_every_cut_is_refused() {
    let network = Network::of(&[10, 9]);
    let good = cbor::encode(&network.seal(&[2, 2])).unwrap();
    network.check(&good).unwrap();
    for at in 0..good.len() {
        assert_eq!(
            network.check(&good[..at]).unwrap_err().code,
            "seal.malformed"
        );
        for flip in [1, 0x20, 0x80] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let error = network.check(&bytes).expect_err("a changed byte");
            assert!(error.code.starts_with("seal."), "byte {at}: {error}");
        }
    }
    let mut longer = good;
    longer.push(0);
    assert_eq!(network.check(&longer).unwrap_err().code, "seal.malformed");
}

#[test]
fn each_kind_of_chain_refuses_the_other_kind_of_seal() {
    let network = four();
    let hash = SUITE.hash(&network.header.encode());
    let quorum = cbor::encode(&network.seal(&[2, 2, 2, 2])).unwrap();
    let solo = Sealers {
        kind: "solo".to_owned(),
        members: vec![(*comet::key(0).public(), 1)],
    };
    let check = |sealers: &Sealers, seal: &[u8]| {
        check_seal(SUITE, sealers, GENESIS, &network.header, hash, seal).map_err(|error| error.code)
    };
    assert_eq!(check(&network.sealers, &quorum), Ok(()));
    let wrong = Err("seal.wrong_kind".to_owned());
    assert_eq!(check(&solo, &quorum), wrong);
    let own = cbor::encode(&comet::array([Value::text("solo"), Value::bytes(vec![1])])).unwrap();
    assert_eq!(check(&network.sealers, &own), wrong);
}

#[test]
fn a_set_has_one_spelling() {
    let network = Network::of(&[3, 2, 2]);
    let read = |members: Vec<([u8; 32], u64)>| {
        let sealers = Sealers {
            kind: "cometbft".to_owned(),
            members,
        };
        Sealers::decode(&sealers.encode()).map_err(|error| error.code)
    };
    let good = network.sealers.members.clone();
    assert_eq!(read(good.clone()).unwrap(), network.sealers);
    let bad = || Err("genesis.bad_sealers".to_owned());
    for swap in [(0, 1), (1, 2)] {
        let mut members = good.clone();
        members.swap(swap.0, swap.1);
        assert_eq!(read(members), bad());
    }
    let (a, b) = (good[0].0, good[1].0);
    assert_eq!(read(vec![(a, 2), (a, 2)]), bad());
    assert_eq!(read(vec![(a, 2), (b, 1), (a, 1)]), bad());
    assert_eq!(read(vec![(a, 2), (a, 1)]), bad());
    assert_eq!(read(Vec::new()), bad());
    assert_eq!(read(vec![(a, 0)]), bad());
    assert_eq!(read(vec![(a, (1 << 40) + 1)]), bad());
    assert!(read(vec![(a, 1 << 40)]).is_ok());
    let many = Network::of(&[1; 1_000]);
    assert!(read(many.sealers.members).is_ok());
    assert_eq!(read(Network::of(&[1; 1_001]).sealers.members), bad());
}

#[test]
fn steps_stand_in_the_order_of_the_encoding() {
    let seal = cbor::encode(&four().seal(&[2, 2, 2, 2])).unwrap();
    let own: &[&[u8]] = &[&seal];
    let proof = tree::Proof {
        siblings: Vec::new(),
        other: Some(tree::Leaf {
            key: Hash32([1; 32]),
            value: Hash32([2; 32]),
        }),
    };
    let subject = Subject::Transaction(&[1], vec![[2; 32]]);
    let receipt = |steps| Receipt {
        genesis: GENESIS,
        subject: &subject,
        result: &[3],
        entry: (0, 1, &[]),
        header: &[4],
        seal: Some(&seal),
        links: &[],
        steps,
        members: None,
    };
    let state = |steps| StateProof {
        genesis: GENESIS,
        place: ("members", "keys"),
        key: &[],
        value: None,
        proof: &proof,
        header: &[4],
        seal: Some(&seal),
        links: &[],
        steps,
    };
    for (none, one) in [
        (receipt(&[]).encode(), receipt(own).encode()),
        (state(&[]).encode(), state(own).encode()),
    ] {
        assert_eq!(cbor::decode(&none).unwrap().get("steps"), None);
        let steps = cbor::decode(&one).unwrap().get("steps").cloned();
        let expected = vec![cbor::decode(&seal).unwrap()];
        assert_eq!(steps, Some(Value::Array(expected)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn power_decides(votes in prop::collection::vec((1_u64..60, 1_u8..4), 1..12)) {
        let powers: Vec<u64> = votes.iter().map(|(power, _)| *power).collect();
        let network = Network::of(&powers);
        let flags: Vec<u8> = votes.iter().map(|(_, flag)| *flag).collect();
        let total: u64 = powers.iter().sum();
        let signed: u64 = network
            .sealers
            .members
            .iter()
            .zip(&flags)
            .filter(|(_, flag)| **flag == 2)
            .map(|((_, power), _)| power)
            .sum();
        let wanted = if 3 * signed > 2 * total { "" } else { "seal.no_quorum" };
        prop_assert_eq!(network.verdict(&network.seal(&flags)), wanted);
    }
}

// --- the real CometBFT, by what its RPC answered ------------------------------------------------
