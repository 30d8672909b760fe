//! The header of a block, the set that seals it, and the seal's payload.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use codec::cbor::{Decoder, Encoder};
use crypto::{Hash32, Suite};

use super::names;
use super::quorum::{address, check_quorum_seal};
use crate::{limits, Error};

const TAG: &str = "lianheng.header.1";

/// The summary of a block. Its hash is what a seal signs and what a network agrees on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name of the chain.
    pub chain: String,
    /// 0 for the genesis, then without gaps.
    pub height: u64,
    /// Height of the engine that ordered the block.
    pub consensus_height: u64,
    /// Block time, in ms.
    pub time: u64,
    /// RFC 9162 tree over all earlier header hashes.
    pub history_root: Hash32,
    /// RFC 9162 tree over the entries.
    pub entries_root: Hash32,
    /// Root of the authenticated state after this block.
    pub state_root: Hash32,
    /// Root of the live replay segments after this block.
    pub replay_root: Hash32,
    /// The set that seals this header.
    pub sealers_hash: Hash32,
    /// Version of the rules that made it.
    pub rules: u64,
}

impl Header {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(240);
        encoder
            .array(11)
            .text(TAG)
            .text(&self.chain)
            .uint(self.height)
            .uint(self.consensus_height)
            .uint(self.time);
        for hash in [
            &self.history_root,
            &self.entries_root,
            &self.state_root,
            &self.replay_root,
            &self.sealers_hash,
        ] {
            encoder.bytes(&hash.0);
        }
        encoder.uint(self.rules);
        encoder.into_bytes()
    }

    /// Decodes strictly.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(11)?;
        expect_tag(&mut decoder, TAG)?;
        let chain = decoder.text()?;
        names::check_organisation("chain", chain)?;
        let (height, consensus_height, time) = (decoder.uint()?, decoder.uint()?, decoder.uint()?);
        let mut hash = || decoder.bytes_exact::<32>().map(Hash32);
        let header = Header {
            chain: chain.to_owned(),
            height,
            consensus_height,
            time,
            history_root: hash()?,
            entries_root: hash()?,
            state_root: hash()?,
            replay_root: hash()?,
            sealers_hash: hash()?,
            rules: decoder.uint()?,
        };
        decoder.finish()?;
        Ok(header)
    }

    /// The first field in which two headers of one height differ.
    pub fn first_difference(&self, other: &Header) -> Option<&'static str> {
        [
            ("chain", self.chain == other.chain),
            ("height", self.height == other.height),
            (
                "consensus height",
                self.consensus_height == other.consensus_height,
            ),
            ("time", self.time == other.time),
            ("history root", self.history_root == other.history_root),
            ("entries root", self.entries_root == other.entries_root),
            ("state root", self.state_root == other.state_root),
            ("replay root", self.replay_root == other.replay_root),
            ("sealers hash", self.sealers_hash == other.sealers_hash),
            ("rules", self.rules == other.rules),
        ]
        .iter()
        .find_map(|(name, equal)| (!equal).then_some(*name))
    }
}

/// Reads a text and requires it to be `tag`.
pub(crate) fn expect_tag(decoder: &mut Decoder<'_>, tag: &str) -> Result<(), Error> {
    let found = decoder.text()?;
    if found == tag {
        return Ok(());
    }
    Err(Error::new(
        "format.unknown",
        format!("expected {tag}, found '{}'", found.escape_debug()),
    )
    .hint("check that this file is of this kind and of this version of the program"))
}

/// The entries root: the RFC 9162 root over the encoded entries, bound to their number, which that root leaves open.
pub fn entries_root<T: AsRef<[u8]> + Sync>(suite: Suite, entries: &[T]) -> Hash32 {
    let mut encoder = Encoder::with_capacity(64);
    encoder
        .array(3)
        .text("lianheng.entries.1")
        .uint(entries.len() as u64);
    encoder.bytes(&tree::log::root_of(suite, entries).0);
    suite.hash(encoder.as_slice())
}

/// The set that seals headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealers {
    /// `solo` or `cometbft`.
    pub kind: String,
    /// Public keys with their voting power, in order.
    pub members: Vec<([u8; 32], u64)>,
}

impl Sealers {
    /// The canonical bytes; their hash stands in the header.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        encoder
            .array(3)
            .text("lianheng.sealers.1")
            .text(&self.kind)
            .array(self.members.len());
        for (key, power) in &self.members {
            encoder.array(2).bytes(key).uint(*power);
        }
        encoder.into_bytes()
    }

    /// Decodes strictly; a solo set has exactly one member of power 1.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(3)?;
        expect_tag(&mut decoder, "lianheng.sealers.1")?;
        let kind = decoder.text()?.to_owned();
        let count = decoder.array()?;
        let mut members = Vec::new();
        for _ in 0..count {
            decoder.array_exact(2)?;
            members.push((decoder.bytes_exact::<32>()?, decoder.uint()?));
        }
        decoder.finish()?;
        match kind.as_str() {
            "solo" if matches!(members.as_slice(), [(_, 1)]) => {}
            "cometbft" => check_validators(&members)?,
            _ => {
                let message = format!("{} sealers of kind {}", members.len(), kind.escape_debug());
                return Err(bad_sealers(message)
                    .hint("solo has one key of power 1; cometbft has a set of validators"));
            }
        }
        Ok(Sealers { kind, members })
    }
}

fn bad_sealers(message: String) -> Error {
    Error::new("genesis.bad_sealers", message).in_field("sealers")
}

/// A set of validators: in CometBFT's order, so that it has one spelling.
fn check_validators(members: &[([u8; 32], u64)]) -> Result<(), Error> {
    let most = limits::SEALERS;
    if !(1..=most).contains(&members.len()) {
        let message = format!("{} validators; a set has 1 to {most}", members.len());
        return Err(bad_sealers(message));
    }
    let most = limits::SEALER_POWER;
    if let Some((at, (_, power))) = (1..)
        .zip(members)
        .find(|(_, (_, power))| !(1..=most).contains(power))
    {
        let message = format!("validator {at} has power {power}, not 1 to {most}");
        return Err(bad_sealers(message));
    }
    let rank = |(key, power): &([u8; 32], u64)| (Reverse(*power), address(key));
    for (at, pair) in (2..).zip(members.windows(2)) {
        if rank(&pair[0]) >= rank(&pair[1]) {
            let message = format!("validator {at} does not come after the one before it");
            return Err(bad_sealers(message)
                .hint("sort by power descending, then by address; a key stands once"));
        }
    }
    let keys: BTreeSet<&[u8; 32]> = members.iter().map(|(key, _)| key).collect();
    if keys.len() == members.len() {
        return Ok(());
    }
    Err(bad_sealers("one key stands twice".to_owned()))
}

/// What a solo seal signs.
pub fn seal_payload(header_hash: Hash32) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(56);
    encoder
        .array(2)
        .text("lianheng.seal.1")
        .bytes(&header_hash.0);
    encoder.into_bytes()
}

/// Checks that a seal is good for a header: by the sequencer of a solo chain, by a quorum of a network.
///
/// Errors: `seal.*`; also `cose.*` and `crypto.*` of a solo seal.
pub fn check_seal(
    suite: Suite,
    sealers: &Sealers,
    genesis_hash: Hash32,
    header: &Header,
    header_hash: Hash32,
    seal: &[u8],
) -> Result<(), Error> {
    let kind = seal_kind(seal)?;
    if kind != sealers.kind {
        let message = format!(
            "a {kind} seal; the blocks of this chain carry {} seals",
            sealers.kind
        );
        return Err(Error::new("seal.wrong_kind", message)
            .hint("check that the seal belongs to this chain"));
    }
    match kind {
        "solo" => check_solo_seal(suite, sealers, genesis_hash, header_hash, seal),
        _ => check_quorum_seal(suite, sealers, genesis_hash, header, header_hash, seal),
    }
}

/// The kind that an encoded seal names.
fn seal_kind(seal: &[u8]) -> Result<&str, Error> {
    let mut decoder = Decoder::new(seal);
    decoder.array()?;
    Ok(decoder.text()?)
}

fn check_solo_seal(
    suite: Suite,
    sealers: &Sealers,
    genesis_hash: Hash32,
    header_hash: Hash32,
    seal: &[u8],
) -> Result<(), Error> {
    let bad = |why: String| {
        Error::new("seal.bad", why).hint("the seal does not belong to this header and this sealer")
    };
    let mut decoder = Decoder::new(seal);
    decoder.array_exact(2)?;
    expect_tag(&mut decoder, "solo")?;
    let signed = decoder.bytes()?;
    decoder.finish()?;
    let Some((key, _)) = sealers.members.first() else {
        return Err(bad("the chain has no sealer".to_owned()));
    };
    let parsed = crypto::cose::parse(suite, signed, 1)?;
    if parsed.payload != seal_payload(header_hash) {
        return Err(bad("it signs another header".to_owned()));
    }
    let input = crypto::cose::signing_input(&parsed, 0, &genesis_hash.0);
    let signature = &parsed.signatures[0];
    if signature.key_id != suite.key_id(key) {
        return Err(bad(format!(
            "it is by key {}, not the sealer's",
            signature.key_id
        )));
    }
    suite
        .verify(key, &input, signature.signature)
        .map_err(Error::from)
}
