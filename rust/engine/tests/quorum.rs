//! Seals by a quorum: good ones, each way to be bad, and what the real CometBFT hashed and signed.

mod comet;

use codec::cbor::{self, Value};
use comet::{Network, GENESIS, SUITE};
use crypto::Hash32;
use engine::formats::evidence::{Receipt, StateProof};
use engine::formats::header::{check_seal, Header, Sealers};
use engine::formats::quorum::{
    address, check_commit, validators_hash, Ballot, BlockId, CometHeader, Commit, QuorumSeal, Time,
    Vote,
};
use proptest::prelude::*;
use serde_json::Value as Json;

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
    let receipt = |steps| Receipt {
        genesis: GENESIS,
        transaction: &[1],
        keys: &[[2; 32]],
        result: &[3],
        entry: (0, 1, &[]),
        header: &[4],
        seal: Some(&seal),
        links: &[],
        steps,
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

fn load() -> Json {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/cometbft-commits.json"
    );
    serde_json::from_slice(&std::fs::read(path).expect("the vectors are part of the tree")).unwrap()
}

/// Hash, number of parts, their hash.
type Block = ([u8; 32], u32, [u8; 32]);
/// Whether it is for the block, voter, time, signature.
type Cast = (bool, [u8; 20], Time, [u8; 64]);

/// The answers' values, in a form that can be borrowed from.
struct Answer {
    chain_id: String,
    blocks: [Option<Block>; 2],
    hashes: Vec<Vec<u8>>,
    proposer: [u8; 20],
    votes: Vec<Option<Cast>>,
    sealers: Sealers,
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {json}"))
}

fn number(json: &Json, name: &str) -> i64 {
    json[name]
        .as_i64()
        .unwrap_or_else(|| text(json, name).parse().unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().expect("as many bytes")
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.trim_end_matches('=').chars() {
        bits = bits << 6 | LETTERS.find(letter).expect("base64") as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// `2026-11-22T19:32:38.1467Z`; the day by the count of days since 1970 in the Gregorian calendar.
fn time(text: &str) -> Time {
    let field = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (mut year, mut month, day) = (field(0..4), field(5..7), field(8..10));
    if month < 3 {
        (year, month) = (year - 1, month + 12);
    }
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month - 457) / 5 + day - 719_469;
    let fraction = text[19..].trim_start_matches('.').trim_end_matches('Z');
    Time {
        seconds: days * 86_400 + field(11..13) * 3_600 + field(14..16) * 60 + field(17..19),
        nanoseconds: format!("{fraction:0<9}").parse().unwrap(),
    }
}

fn block(json: &Json) -> Option<Block> {
    let hash = hex(text(json, "hash"));
    let parts = &json["parts"];
    (!hash.is_empty()).then(|| {
        (
            fixed(hash),
            number(parts, "total") as u32,
            fixed(hex(text(parts, "hash"))),
        )
    })
}

fn block_id(block: &Block) -> BlockId<'_> {
    BlockId {
        hash: &block.0,
        parts: block.1,
        parts_hash: &block.2,
    }
}

fn answer(json: &Json) -> Answer {
    let (header, commit) = (
        &json["signed_header"]["header"],
        &json["signed_header"]["commit"],
    );
    let hashes = [
        "last_commit_hash",
        "data_hash",
        "validators_hash",
        "next_validators_hash",
        "consensus_hash",
        "app_hash",
        "last_results_hash",
        "evidence_hash",
    ];
    let vote = |json: &Json| match number(json, "block_id_flag") {
        1 => None,
        flag => Some((
            flag == 2,
            fixed(hex(text(json, "validator_address"))),
            time(text(json, "timestamp")),
            fixed(base64(text(json, "signature"))),
        )),
    };
    let member = |json: &Json| {
        let key = base64(text(&json["pub_key"], "value"));
        (fixed(key), number(json, "voting_power") as u64)
    };
    Answer {
        chain_id: text(header, "chain_id").to_owned(),
        blocks: [block(&header["last_block_id"]), block(&commit["block_id"])],
        hashes: hashes.iter().map(|name| hex(text(header, name))).collect(),
        proposer: fixed(hex(text(header, "proposer_address"))),
        votes: commit["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .map(vote)
            .collect(),
        sealers: Sealers {
            kind: "cometbft".to_owned(),
            members: json["validators"]
                .as_array()
                .unwrap()
                .iter()
                .map(member)
                .collect(),
        },
    }
}

fn seal_of<'a>(json: &Json, answer: &'a Answer) -> QuorumSeal<'a> {
    let (header, commit) = (
        &json["signed_header"]["header"],
        &json["signed_header"]["commit"],
    );
    let vote = |vote: &'a Option<Cast>| {
        let (for_block, address, time, signature) = vote.as_ref()?;
        Some(Vote {
            for_block: *for_block,
            address,
            time: *time,
            signature,
        })
    };
    let version = &header["version"];
    let hashes: Vec<&[u8]> = answer.hashes.iter().map(Vec::as_slice).collect();
    QuorumSeal {
        header: CometHeader {
            version: (
                number(version, "block") as u64,
                number(version, "app") as u64,
            ),
            chain_id: &answer.chain_id,
            height: number(header, "height"),
            time: time(text(header, "time")),
            last_block: answer.blocks[0].as_ref().map(block_id),
            hashes: hashes.try_into().unwrap(),
            proposer: &answer.proposer,
        },
        commit: Commit {
            height: number(commit, "height"),
            round: number(commit, "round") as i32,
            block: block_id(answer.blocks[1].as_ref().unwrap()),
            votes: answer.votes.iter().map(vote).collect(),
        },
        sealers: answer.sealers.clone(),
    }
}

#[test]
fn what_cometbft_hashed_and_signed_is_encoded_again_to_the_byte() {
    let vectors = load();
    let commits = vectors["commits"].as_array().unwrap();
    let (mut flags, mut rounds) = (Vec::new(), Vec::new());
    for json in commits {
        let answer = answer(json);
        let seal = seal_of(json, &answer);
        let height = seal.header.height;
        assert_eq!(
            &seal.header.hash().0,
            seal.commit.block.hash,
            "height {height}"
        );
        assert_eq!(validators_hash(&seal.sealers).0, *seal.header.validators());
        assert_eq!(
            Sealers::decode(&seal.sealers.encode()).unwrap(),
            seal.sealers
        );
        check_commit(&seal).unwrap();
        let ballot = Ballot {
            height,
            round: seal.commit.round,
            block: seal.commit.block,
            chain_id: seal.header.chain_id,
        };
        for (vote, (key, _)) in seal.commit.votes.iter().zip(&seal.sealers.members) {
            flags.push(vote.map_or(1, |vote| if vote.for_block { 2 } else { 3 }));
            let Some(vote) = vote else { continue };
            assert_eq!(*vote.address, address(key));
            let signed = ballot.sign_bytes(vote.for_block, vote.time);
            SUITE.verify(key, &signed, vote.signature).unwrap();
            let other = ballot.sign_bytes(!vote.for_block, vote.time);
            SUITE.verify(key, &other, vote.signature).unwrap_err();
        }
        rounds.push(seal.commit.round);
    }
    for flag in 1..=3 {
        assert!(
            flags.contains(&flag),
            "no vote of flag {flag} in the vectors"
        );
    }
    assert!(
        rounds.iter().any(|round| *round > 0),
        "no later round in the vectors"
    );
}

#[test]
fn a_real_commit_is_of_one_height_round_and_block_only() {
    let vectors = load();
    let commits = vectors["commits"].as_array().unwrap();
    let answers: Vec<Answer> = commits.iter().map(answer).collect();
    for (json, own) in commits.iter().zip(&answers) {
        let seal = seal_of(json, own);
        let mut round = seal.clone();
        round.commit.round += 1;
        assert_eq!(check_commit(&round).unwrap_err().code, "seal.bad_vote");
        let mut height = seal.clone();
        height.commit.height += 1;
        assert_eq!(check_commit(&height).unwrap_err().code, "seal.wrong_commit");
        let mut chain = seal.clone();
        chain.header.chain_id = "another chain";
        assert_eq!(check_commit(&chain).unwrap_err().code, "seal.wrong_commit");
        let mut swapped = seal.clone();
        swapped.commit.votes.swap(0, 1);
        assert_eq!(check_commit(&swapped).unwrap_err().code, "seal.bad_vote");
    }
}

// --- the vectors of an independent maker ---------------------------------------------------------

fn vectors(name: &str) -> Json {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("the vectors are part of the tree")).unwrap()
}

#[test]
fn another_maker_of_seals_agrees() {
    let vectors = vectors("quorum.json");
    for case in vectors["sets"].as_array().unwrap() {
        let sealers = Sealers::decode(&hex(text(case, "sealers"))).unwrap();
        assert_eq!(
            SUITE.hash(&sealers.encode()).0.to_vec(),
            hex(text(case, "hash"))
        );
        assert_eq!(
            validators_hash(&sealers).0.to_vec(),
            hex(text(case, "validators_hash"))
        );
        let addresses = case["addresses"].as_array().unwrap();
        for ((key, _), expected) in sealers.members.iter().zip(addresses) {
            assert_eq!(address(key).to_vec(), hex(expected.as_str().unwrap()));
        }
    }
    let seals = vectors["seals"].as_array().unwrap();
    assert!(!seals.is_empty());
    for case in seals {
        let bytes = hex(text(case, "seal"));
        let seal = QuorumSeal::decode(&bytes).unwrap();
        assert_eq!(seal.header.hash().0.to_vec(), hex(text(case, "block_hash")));
        check_commit(&seal).unwrap();
        let ballot = Ballot {
            height: seal.commit.height,
            round: seal.commit.round,
            block: seal.commit.block,
            chain_id: seal.header.chain_id,
        };
        for (vote, expected) in seal
            .commit
            .votes
            .iter()
            .zip(case["signed"].as_array().unwrap())
        {
            let signed = vote.map(|vote| ballot.sign_bytes(vote.for_block, vote.time));
            assert_eq!(signed, expected.as_str().map(hex));
        }
    }
}

#[test]
fn headers_of_a_chain_whose_set_changes_are_sealed() {
    let vectors = vectors("quorum-headers.json");
    let headers = vectors["headers"].as_array().unwrap();
    let genesis = Hash32(fixed(hex(text(&headers[0], "hash"))));
    for case in &headers[1..] {
        let header = Header::decode(&hex(text(case, "header"))).unwrap();
        let (hash, bytes) = (
            Hash32(fixed(hex(text(case, "hash")))),
            hex(text(case, "seal")),
        );
        let sealers = QuorumSeal::decode(&bytes).unwrap().sealers;
        check_seal(SUITE, &sealers, genesis, &header, hash, &bytes).unwrap();
        let other = check_seal(SUITE, &sealers, hash, &header, hash, &bytes);
        assert_eq!(other.unwrap_err().code, "seal.wrong_chain");
    }
}
