//! Seals made here: a set of validators whose keys are made at run time, and what they sign.
#![allow(dead_code)] // each test file uses its part

use codec::cbor::{self, Value};
use crypto::{Hash32, SigningKey, Suite};
use engine::formats::header::{Header, Sealers};
use engine::formats::quorum::{
    address, chain_id, check_quorum_seal, validators_hash, Ballot, BlockId, CometHeader, Time,
};
use engine::Error;

pub const SUITE: Suite = Suite::One;
pub const GENESIS: Hash32 = Hash32([0x5a; 32]);

pub fn key(number: usize) -> SigningKey {
    SigningKey::from_seed(&SUITE.hash(format!("validator {number}").as_bytes()).0)
}

/// A set that is sealed by, and a header of ours that it seals at the next height.
pub struct Network {
    pub keys: Vec<SigningKey>,
    pub sealers: Sealers,
    pub header: Header,
}

impl Network {
    pub fn of(powers: &[u64]) -> Self {
        let mut members: Vec<(SigningKey, u64)> = powers
            .iter()
            .enumerate()
            .map(|(number, power)| (key(number), *power))
            .collect();
        members.sort_by_key(|(key, power)| (std::cmp::Reverse(*power), address(key.public())));
        let sealers = Sealers {
            kind: "cometbft".to_owned(),
            members: members
                .iter()
                .map(|(key, power)| (*key.public(), *power))
                .collect(),
        };
        let header = Header {
            chain: "trade".to_owned(),
            height: 7,
            consensus_height: 30,
            time: 1_700_000_000_000,
            history_root: Hash32([1; 32]),
            entries_root: Hash32([2; 32]),
            state_root: Hash32([3; 32]),
            replay_root: Hash32([4; 32]),
            sealers_hash: SUITE.hash(&sealers.encode()),
            rules: 1,
        };
        let keys = members.into_iter().map(|(key, _)| key).collect();
        Network {
            keys,
            sealers,
            header,
        }
    }

    /// A seal with a vote of the flag given for each member: 1 absent, 2 for the block, 3 for none.
    pub fn seal(&self, flags: &[u8]) -> Value {
        let ours = SUITE.hash(&self.header.encode());
        self.seal_of(ours, 31, flags)
    }

    pub fn seal_of(&self, application: Hash32, height: i64, flags: &[u8]) -> Value {
        let set = validators_hash(&self.sealers);
        let chain = chain_id(GENESIS);
        let (parts, empty) = (Hash32([7; 32]), SUITE.hash(b""));
        let before = BlockId {
            hash: &[8; 32],
            parts: 1,
            parts_hash: &parts.0,
        };
        let header = CometHeader {
            version: (11, 1),
            chain_id: &chain,
            height,
            time: time(0),
            last_block: Some(before),
            hashes: [
                &[9; 32],
                &empty.0,
                &set.0,
                &set.0,
                &[10; 32],
                &application.0,
                &[],
                &empty.0,
            ],
            proposer: &address(&self.sealers.members[0].0),
        };
        let hash = header.hash();
        let ballot = Ballot {
            height,
            round: 3,
            block: BlockId {
                hash: &hash.0,
                parts: 2,
                parts_hash: &parts.0,
            },
            chain_id: &chain,
        };
        let votes = flags
            .iter()
            .zip(&self.keys)
            .zip(1..)
            .map(|((flag, key), number)| vote(&ballot, *flag, key, time(number)))
            .collect();
        let block = block_value(&ballot.block);
        let commit = array([
            Value::Int(height),
            Value::Int(3),
            block,
            Value::Array(votes),
        ]);
        let sealers = cbor::decode(&self.sealers.encode()).unwrap();
        array([
            Value::text("cometbft"),
            header_value(&header),
            commit,
            sealers,
        ])
    }

    pub fn check(&self, seal: &[u8]) -> Result<(), Error> {
        let hash = SUITE.hash(&self.header.encode());
        check_quorum_seal(SUITE, &self.sealers, GENESIS, &self.header, hash, seal)
    }

    /// The code of the refusal; empty where the seal is good.
    pub fn verdict(&self, seal: &Value) -> String {
        self.check(&cbor::encode(seal).unwrap())
            .err()
            .map(|error| error.code)
            .unwrap_or_default()
    }
}

pub fn array<const N: usize>(values: [Value; N]) -> Value {
    Value::Array(values.into())
}

fn time(number: u32) -> Time {
    Time {
        seconds: 1_700_000_000,
        nanoseconds: number,
    }
}

fn time_value(time: Time) -> Value {
    array([
        Value::Int(time.seconds),
        Value::Int(i64::from(time.nanoseconds)),
    ])
}

fn block_value(block: &BlockId<'_>) -> Value {
    array([
        Value::bytes(block.hash.to_vec()),
        Value::Int(i64::from(block.parts)),
        Value::bytes(block.parts_hash.to_vec()),
    ])
}

fn header_value(header: &CometHeader<'_>) -> Value {
    let (block, application) = header.version;
    let mut fields = vec![
        array([Value::Int(block as i64), Value::Int(application as i64)]),
        Value::text(header.chain_id),
        Value::Int(header.height),
        time_value(header.time),
        header.last_block.as_ref().map_or(Value::Null, block_value),
    ];
    fields.extend(header.hashes.iter().map(|hash| Value::bytes(hash.to_vec())));
    fields.push(Value::bytes(header.proposer.to_vec()));
    Value::Array(fields)
}

fn vote(ballot: &Ballot<'_>, flag: u8, key: &SigningKey, time: Time) -> Value {
    if flag == 1 {
        return Value::Null;
    }
    array([
        Value::Int(i64::from(flag)),
        Value::bytes(address(key.public()).to_vec()),
        time_value(time),
        Value::bytes(key.sign(&ballot.sign_bytes(flag == 2, time)).to_vec()),
    ])
}
