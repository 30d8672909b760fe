//! What the real CometBFT hashed and signed, and what another maker of seals made, checked by the core.

mod comet;

use comet::SUITE;
use crypto::Hash32;
use engine::formats::header::{check_seal, Header, Sealers};
use engine::formats::quorum::{
    address, check_commit, validators_hash, Ballot, BlockId, CometHeader, Commit, QuorumSeal, Time,
    Vote,
};
use serde_json::Value as Json;

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
