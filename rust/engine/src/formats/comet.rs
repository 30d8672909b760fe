//! What CometBFT hashes and signs, encoded again from values: header, set, vote (CometBFT v0.40, formats.md "Seal").
//!
//! This room knows Protocol Buffers by field numbers only, and decides nothing: [`super::quorum`] does.
//! CometBFT hashes with SHA-256 whatever the suite of our chain.

use crypto::{Hash32, Suite};

use super::header::Sealers;

/// The suite whose hash and signature CometBFT has.
pub const SUITE: Suite = Suite::One;

/// Bytes of a validator's address.
pub const ADDRESS_BYTES: usize = 20;

const PRECOMMIT: u64 = 2;

/// An instant as CometBFT has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Names a block: its hash, and the number and hash of the parts it is spread in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId<'a> {
    /// Header hash.
    pub hash: &'a [u8; 32],
    /// Number of parts.
    pub parts: u32,
    /// Root over the parts.
    pub parts_hash: &'a [u8; 32],
}

/// CometBFT's header. A hash that CometBFT leaves empty is empty here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CometHeader<'a> {
    /// Versions of the block format and of the application.
    pub version: (u64, u64),
    /// The chain id.
    pub chain_id: &'a str,
    /// Height, below 2^63.
    pub height: i64,
    /// Block time.
    pub time: Time,
    /// The block before; none at the first height.
    pub last_block: Option<BlockId<'a>>,
    /// The hashes from `last-commit` to `evidence`, in the order of the format.
    pub hashes: [&'a [u8]; 8],
    /// Address of the proposer.
    pub proposer: &'a [u8; ADDRESS_BYTES],
}

impl<'a> CometHeader<'a> {
    /// Hash of the set of this height.
    pub fn validators(&self) -> &'a [u8] {
        self.hashes[2]
    }

    /// Hash of the set of the next height.
    pub fn next_validators(&self) -> &'a [u8] {
        self.hashes[3]
    }

    /// What the application gave after the block before: the hash of our header.
    pub fn application(&self) -> &'a [u8] {
        self.hashes[5]
    }

    /// The header hash: the block's hash in commits.
    pub fn hash(&self) -> Hash32 {
        let mut fields = vec![
            Message::default()
                .uint(1, self.version.0)
                .uint(2, self.version.1)
                .0,
            Message::default().bytes(1, self.chain_id.as_bytes()).0,
            Message::default().uint(1, self.height.cast_unsigned()).0,
            timestamp(self.time).0,
            block_id(self.last_block).0,
        ];
        let hashes = self
            .hashes
            .iter()
            .map(|hash| Message::default().bytes(1, hash).0);
        fields.extend(hashes);
        fields.push(Message::default().bytes(1, self.proposer).0);
        tree::log::root_of(SUITE, &fields)
    }
}

/// What the votes of a commit have in common.
#[derive(Clone, Copy, Debug)]
pub struct Ballot<'a> {
    /// Height voted on, below 2^63.
    pub height: i64,
    /// Round, below 2^31.
    pub round: i32,
    /// The block.
    pub block: BlockId<'a>,
    /// The chain id.
    pub chain_id: &'a str,
}

impl Ballot<'_> {
    /// What a precommit of this ballot signs; `for_block` is false where the vote is for no block.
    pub fn sign_bytes(&self, for_block: bool, time: Time) -> Vec<u8> {
        let mut vote = Message::default()
            .uint(1, PRECOMMIT)
            .fixed(2, self.height)
            .fixed(3, i64::from(self.round));
        if for_block {
            vote = vote.message(4, &block_id(Some(self.block)));
        }
        let vote = vote
            .message(5, &timestamp(time))
            .bytes(6, self.chain_id.as_bytes());
        let mut delimited = Vec::with_capacity(vote.0.len() + 2);
        varint(&mut delimited, vote.0.len() as u64);
        delimited.extend(vote.0);
        delimited
    }
}

/// A validator's address: the first 20 bytes of SHA-256 of its key.
pub fn address(key: &[u8; 32]) -> [u8; ADDRESS_BYTES] {
    let mut address = [0; ADDRESS_BYTES];
    address.copy_from_slice(&SUITE.hash(key).0[..ADDRESS_BYTES]);
    address
}

/// The validators hash: the set as CometBFT's headers name it.
pub fn validators_hash(sealers: &Sealers) -> Hash32 {
    let member = |(key, power): &([u8; 32], u64)| {
        let key = Message::default().bytes(1, key);
        Message::default().message(1, &key).uint(2, *power).0
    };
    let members: Vec<Vec<u8>> = sealers.members.iter().map(member).collect();
    tree::log::root_of(SUITE, &members)
}

fn timestamp(time: Time) -> Message {
    Message::default()
        .uint(1, time.seconds.cast_unsigned())
        .uint(2, u64::from(time.nanoseconds))
}

/// A block id. Its parts are a message of their own, which CometBFT writes even where it is empty.
fn block_id(id: Option<BlockId<'_>>) -> Message {
    let Some(id) = id else {
        return Message::default().message(2, &Message::default());
    };
    let parts = Message::default()
        .uint(1, u64::from(id.parts))
        .bytes(2, id.parts_hash);
    Message::default().bytes(1, id.hash).message(2, &parts)
}

/// A message of Protocol Buffers; fields MUST be added in the order of their numbers. Zero and empty fields are left out.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn uint(mut self, field: u8, value: u64) -> Self {
        if value != 0 {
            self.0.push(field << 3);
            varint(&mut self.0, value);
        }
        self
    }

    fn fixed(mut self, field: u8, value: i64) -> Self {
        if value != 0 {
            self.0.push(field << 3 | 1);
            self.0.extend(value.to_le_bytes());
        }
        self
    }

    fn bytes(self, field: u8, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return self;
        }
        self.delimited(field, bytes)
    }

    /// A message within this one, written even where it is empty.
    fn message(self, field: u8, message: &Message) -> Self {
        self.delimited(field, &message.0)
    }

    fn delimited(mut self, field: u8, bytes: &[u8]) -> Self {
        self.0.push(field << 3 | 2);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
