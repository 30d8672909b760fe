//! A seal by a quorum: CometBFT's header that carries our header hash, a commit for it, and the set that signed.
//!
//! [`check_quorum_seal`] is "A seal is good" of formats.md, in its order; each refusal has a code of its own.

use codec::cbor::{Decoder, Kind};
use crypto::{Check, Hash32, Suite};

pub use super::comet::{address, validators_hash, Ballot, BlockId, CometHeader, Time};

use super::comet::{ADDRESS_BYTES, SUITE};
use super::header::{expect_tag, Header, Sealers};
use crate::{limits, Error};

/// Version of CometBFT's block format that these encodings are of.
const BLOCK_PROTOCOL: u64 = 11;

/// First and last second that CometBFT can encode: years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Bytes of the genesis hash that make the chain id, in hexadecimal.
const CHAIN_ID_BYTES: usize = 24;

/// The chain id under which validators vote: no vote of one chain is one of another, whatever their names.
pub fn chain_id(genesis_hash: Hash32) -> String {
    hex(&genesis_hash.0[..CHAIN_ID_BYTES])
}

/// A vote of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote<'a> {
    /// Whether it is for the block; else it is for none.
    pub for_block: bool,
    /// Address of the voter.
    pub address: &'a [u8; ADDRESS_BYTES],
    /// When it was cast, as the voter says.
    pub time: Time,
    /// The signature.
    pub signature: &'a [u8; 64],
}

/// The votes of a height, one place for each member of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Height voted on.
    pub height: i64,
    /// Round.
    pub round: i32,
    /// The block that was decided.
    pub block: BlockId<'a>,
    /// Votes in the order of the set; none: absent.
    pub votes: Vec<Option<Vote<'a>>>,
}

/// A quorum seal, decoded. Nothing of it is checked yet but its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumSeal<'a> {
    /// CometBFT's header.
    pub header: CometHeader<'a>,
    /// The commit for it.
    pub commit: Commit<'a>,
    /// The set that signed.
    pub sealers: Sealers,
}

impl<'a> QuorumSeal<'a> {
    /// Decodes strictly. Errors: `seal.malformed`.
    pub fn decode(seal: &'a [u8]) -> Result<Self, Error> {
        decode(seal).map_err(|error| {
            let message = format!("{} ({})", error.message, error.code);
            Error {
                code: "seal.malformed".to_owned(),
                message,
                ..error
            }
        })
    }
}

/// Checks that a seal by a quorum is good for a header; the genesis hash names the chain.
///
/// Errors: `seal.malformed`, `seal.wrong_chain`, `seal.wrong_height`, `seal.wrong_header`, `seal.wrong_set`,
/// `seal.version`, `seal.wrong_commit`, `seal.bad_vote`, `seal.no_quorum`.
pub fn check_quorum_seal(
    suite: Suite,
    sealers: &Sealers,
    genesis_hash: Hash32,
    header: &Header,
    header_hash: Hash32,
    seal: &[u8],
) -> Result<(), Error> {
    let seal = QuorumSeal::decode(seal)?;
    differs(
        "seal.wrong_kind",
        "the kind of the chain's set",
        "cometbft",
        &sealers.kind,
    )?;
    let ours = chain_id(genesis_hash);
    differs(
        "seal.wrong_chain",
        "the chain id",
        &ours,
        seal.header.chain_id,
    )?;
    if u64::try_from(seal.header.height).unwrap_or(0) <= header.consensus_height {
        let message = format!(
            "CometBFT height {} is not above the header's consensus height {}",
            seal.header.height, header.consensus_height
        );
        return Err(Error::new("seal.wrong_height", message).in_field("height"));
    }
    same_hash(
        "seal.wrong_header",
        "application",
        &header_hash.0,
        seal.header.application(),
    )?;
    let set = suite.hash(&seal.sealers.encode());
    same_hash("seal.wrong_set", "sealers", &header.sealers_hash.0, &set.0)?;
    let validators = validators_hash(&seal.sealers);
    same_hash(
        "seal.wrong_set",
        "validators",
        &validators.0,
        seal.header.validators(),
    )?;
    check_commit(&seal)
}

/// Checks that more than two thirds of the seal's own set committed the seal's own header.
///
/// Errors: `seal.version`, `seal.wrong_commit`, `seal.bad_vote`, `seal.no_quorum`.
pub fn check_commit(seal: &QuorumSeal<'_>) -> Result<(), Error> {
    let (header, commit) = (&seal.header, &seal.commit);
    if header.version.0 != BLOCK_PROTOCOL {
        let found = header.version.0;
        let message = format!("block format {found} of CometBFT, not {BLOCK_PROTOCOL}");
        return Err(Error::new("seal.version", message)
            .in_field("version")
            .hint("this program follows CometBFT v0.38 to v0.40"));
    }
    if commit.height != header.height {
        let message = format!(
            "the commit is of height {}, the header of height {}",
            commit.height, header.height
        );
        return Err(Error::new("seal.wrong_commit", message).in_field("commit.height"));
    }
    same_hash(
        "seal.wrong_commit",
        "commit.block.hash",
        &header.hash().0,
        commit.block.hash,
    )?;
    let (votes, members) = (&commit.votes, &seal.sealers.members);
    if votes.len() != members.len() {
        let message = format!(
            "{} votes for a set of {} members: each member has a vote or null",
            votes.len(),
            members.len()
        );
        return Err(Error::new("seal.bad_vote", message).in_field("commit.votes"));
    }
    check_addresses(seal)?;
    check_power(seal)?;
    check_signatures(seal)
}

fn check_addresses(seal: &QuorumSeal<'_>) -> Result<(), Error> {
    for (at, vote, key, _) in places(seal) {
        let Some(vote) = vote else { continue };
        let expected = address(key);
        if *vote.address != expected {
            let message = format!(
                "it names {}, the member at this place is {}",
                hex(vote.address),
                hex(&expected)
            );
            return Err(bad_vote(at, message));
        }
    }
    Ok(())
}

/// Checks the signature of every vote that is there, those for none too: no byte of a seal goes unchecked.
fn check_signatures(seal: &QuorumSeal<'_>) -> Result<(), Error> {
    let ballot = Ballot {
        height: seal.commit.height,
        round: seal.commit.round,
        block: seal.commit.block,
        chain_id: seal.header.chain_id,
    };
    let signed: Vec<_> = places(seal)
        .filter_map(|(at, vote, key, _)| {
            let vote = vote?;
            Some((at, vote, key, ballot.sign_bytes(vote.for_block, vote.time)))
        })
        .collect();
    let checks: Vec<Check<'_>> = signed
        .iter()
        .map(|(_, vote, key, message)| Check {
            key,
            message,
            signature: vote.signature,
        })
        .collect();
    let verdicts = SUITE.verify_many(&checks);
    match signed.iter().zip(verdicts).find(|(_, good)| !good) {
        None => Ok(()),
        Some(((at, vote, _, _), _)) => {
            let message = format!(
                "the signature of {} does not verify for chain {}, height {}, round {} and block {}",
                hex(vote.address),
                ballot.chain_id,
                ballot.height,
                ballot.round,
                hex(ballot.block.hash)
            );
            Err(bad_vote(*at, message))
        }
    }
}

fn check_power(seal: &QuorumSeal<'_>) -> Result<(), Error> {
    // At most 1,000 members of power 2^40 each: far below 2^64, and 128 bits hold the products.
    let total: u128 = seal
        .sealers
        .members
        .iter()
        .map(|(_, power)| u128::from(*power))
        .sum();
    let signed: u128 = for_block(seal)
        .map(|(_, _, _, power)| u128::from(power))
        .sum();
    if signed * 3 > total * 2 {
        return Ok(());
    }
    let message = format!("power {signed} of {total} signed; a seal needs more than two thirds");
    Err(Error::new("seal.no_quorum", message)
        .in_field("commit.votes")
        .hint("fetch a later commit of this height from a node that has more votes"))
}

type Place<'s, V> = (usize, V, &'s [u8; 32], u64);

/// Each place of the set: number, vote, key, power.
fn places<'s, 'a>(
    seal: &'s QuorumSeal<'a>,
) -> impl Iterator<Item = Place<'s, Option<&'s Vote<'a>>>> {
    let members = seal.sealers.members.iter();
    seal.commit
        .votes
        .iter()
        .zip(members)
        .enumerate()
        .map(|(at, (vote, (key, power)))| (at, vote.as_ref(), key, *power))
}

/// The votes for the block.
fn for_block<'s, 'a>(seal: &'s QuorumSeal<'a>) -> impl Iterator<Item = Place<'s, &'s Vote<'a>>> {
    places(seal).filter_map(|(at, vote, key, power)| {
        let vote = vote.filter(|vote| vote.for_block)?;
        Some((at, vote, key, power))
    })
}

fn bad_vote(at: usize, message: String) -> Error {
    Error::new("seal.bad_vote", format!("vote {at}: {message}"))
        .in_field(format!("commit.votes.{at}"))
}

fn differs(code: &str, what: &str, expected: &str, found: &str) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    let found: String = found
        .chars()
        .take(64)
        .flat_map(char::escape_debug)
        .collect();
    Err(Error::new(
        code,
        format!("{what} is '{found}', not {expected}"),
    ))
}

fn same_hash(code: &str, field: &str, expected: &[u8], found: &[u8]) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    let found = if found.is_empty() {
        "empty".to_owned()
    } else {
        hex(found)
    };
    let message = format!("{field} is {found}, it must be {}", hex(expected));
    Err(Error::new(code, message).in_field(field))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode(seal: &[u8]) -> Result<QuorumSeal<'_>, Error> {
    let mut decoder = Decoder::new(seal);
    decoder.array_exact(4)?;
    expect_tag(&mut decoder, "cometbft")?;
    let header = comet_header(&mut decoder)?;
    let commit = comet_commit(&mut decoder)?;
    let sealers = Sealers::decode(decoder.skip()?)?;
    decoder.finish()?;
    if sealers.kind != "cometbft" {
        let message = format!("a set of kind {} signs no commit", sealers.kind);
        return Err(Error::new("seal.malformed", message).in_field("sealers"));
    }
    Ok(QuorumSeal {
        header,
        commit,
        sealers,
    })
}

fn comet_header<'a>(decoder: &mut Decoder<'a>) -> Result<CometHeader<'a>, Error> {
    decoder.array_exact(14)?;
    decoder.array_exact(2)?;
    let version = (decoder.uint()?, decoder.uint()?);
    let chain_id = decoder.text()?;
    let height = bounded(decoder, "height", i64::MAX.unsigned_abs())?;
    let time = time(decoder)?;
    let last_block = match decoder.peek()? {
        Kind::Null => decoder.null().map(|()| None)?,
        _ => Some(block_id(decoder)?),
    };
    let mut hashes: [&[u8]; 8] = [&[]; 8];
    for hash in &mut hashes {
        *hash = comet_hash(decoder)?;
    }
    Ok(CometHeader {
        version,
        chain_id,
        height,
        time,
        last_block,
        hashes,
        proposer: decoder.bytes_ref()?,
    })
}

fn comet_commit<'a>(decoder: &mut Decoder<'a>) -> Result<Commit<'a>, Error> {
    decoder.array_exact(4)?;
    let height = bounded(decoder, "commit.height", i64::MAX.unsigned_abs())?;
    let round = bounded(decoder, "commit.round", u64::from(i32::MAX.unsigned_abs()))?;
    let block = block_id(decoder)?;
    let count = decoder.array()?;
    if count > limits::SEALERS {
        let message = format!("{count} votes, at most {} fit a set", limits::SEALERS);
        return Err(Error::new("seal.malformed", message).in_field("commit.votes"));
    }
    let mut votes = Vec::with_capacity(count);
    for _ in 0..count {
        votes.push(match decoder.peek()? {
            Kind::Null => decoder.null().map(|()| None)?,
            _ => Some(vote(decoder)?),
        });
    }
    Ok(Commit {
        height,
        round,
        block,
        votes,
    })
}

fn vote<'a>(decoder: &mut Decoder<'a>) -> Result<Vote<'a>, Error> {
    decoder.array_exact(4)?;
    let for_block = match decoder.uint()? {
        2 => true,
        3 => false,
        flag => {
            let message = format!("flag {flag}; a vote has flag 2 or 3, an absent one is null");
            return Err(Error::new("seal.malformed", message).in_field("commit.votes"));
        }
    };
    Ok(Vote {
        for_block,
        address: decoder.bytes_ref()?,
        time: time(decoder)?,
        signature: decoder.bytes_ref()?,
    })
}

fn block_id<'a>(decoder: &mut Decoder<'a>) -> Result<BlockId<'a>, Error> {
    decoder.array_exact(3)?;
    Ok(BlockId {
        hash: decoder.bytes_ref()?,
        parts: bounded(decoder, "parts", u64::from(u32::MAX))?,
        parts_hash: decoder.bytes_ref()?,
    })
}

fn time(decoder: &mut Decoder<'_>) -> Result<Time, Error> {
    decoder.array_exact(2)?;
    let seconds = decoder.int()?;
    if !SECONDS.contains(&seconds) {
        let message = format!("second {seconds} lies outside of the years 1 to 9999");
        return Err(Error::new("seal.malformed", message).in_field("seconds"));
    }
    Ok(Time {
        seconds,
        nanoseconds: bounded(decoder, "nanoseconds", 999_999_999)?,
    })
}

fn comet_hash<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8], Error> {
    let at = decoder.position();
    let hash = decoder.bytes()?;
    if hash.is_empty() || hash.len() == 32 {
        return Ok(hash);
    }
    let message = format!("a hash of {} bytes, not 32 or none (byte {at})", hash.len());
    Err(Error::new("seal.malformed", message))
}

fn bounded<T: TryFrom<u64>>(decoder: &mut Decoder<'_>, field: &str, most: u64) -> Result<T, Error> {
    let number = decoder.uint()?;
    T::try_from(number)
        .ok()
        .filter(|_| number <= most)
        .ok_or_else(|| {
            Error::new("seal.malformed", format!("{number} is above {most}")).in_field(field)
        })
}
