//! The signed call: its payload, its id, what an undecodable one is told.

use std::ops::Range;

use codec::cbor::{Decoder, Encoder, MapReader};
use crypto::{Hash32, Suite};

use super::names;
use crate::{limits, Error};

/// Where a part of the payload lies in the transaction's bytes.
pub type Span = Range<usize>;

/// The payload of a transaction, decoded and checked for form; texts are spans of the transaction's bytes.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Name of the chain it is meant for.
    pub chain: Span,
    /// The member that sends it.
    pub sender: Span,
    /// Key ids that sign, in order.
    pub signers: Vec<Hash32>,
    /// The contract called.
    pub contract: Span,
    /// The method called.
    pub method: Span,
    /// The arguments: one canonical map from text to value.
    pub arguments: Span,
    /// Block time, in ms, from which it is dropped.
    pub expires: u64,
    /// Most gas it may use.
    pub gas: u64,
    /// The source hash it means to call.
    pub code: Option<Hash32>,
    /// Application, as a span of the transaction.
    pub application: Option<Span>,
    /// Hashes of payloads off the chain.
    pub attachments: Vec<[u8; 32]>,
}

impl Payload {
    /// Decodes a payload that starts at `base` of the transaction's bytes. Errors name the field.
    pub fn decode(bytes: &[u8], base: usize) -> Result<Self, Error> {
        let mut reader = Reader {
            decoder: Decoder::new(bytes),
            base,
        };
        let mut map = MapReader::open(&mut reader.decoder)?;
        let mut payload = Payload::blank();
        let mut seen = 0_u32;
        while let Some(key) = map.uint_key(&mut reader.decoder)? {
            payload
                .field(key, &mut reader)
                .map_err(|error| in_payload(error, key))?;
            seen |= 1_u32
                .checked_shl(u32::try_from(key).unwrap_or(31))
                .unwrap_or(0);
        }
        reader.decoder.finish()?;
        match (1..=9).find(|key| seen & (1 << key) == 0) {
            Some(missing) => Err(Error::new(
                "transaction.missing_field",
                "the payload lacks a field",
            )
            .in_field(field_name(missing))),
            None => Ok(payload),
        }
    }

    fn blank() -> Self {
        Payload {
            chain: 0..0,
            sender: 0..0,
            signers: Vec::new(),
            contract: 0..0,
            method: 0..0,
            arguments: 0..0,
            expires: 0,
            gas: 0,
            code: None,
            application: None,
            attachments: Vec::new(),
        }
    }

    fn field(&mut self, key: u64, reader: &mut Reader<'_>) -> Result<(), Error> {
        match key {
            1 => self.chain = reader.text(names::check_organisation, "chain")?,
            2 => self.sender = reader.text(names::check_member, "sender")?,
            3 => self.signers = reader.hashes(usize::MAX)?,
            4 => self.contract = reader.text(names::check_contract, "contract")?,
            5 => self.method = reader.text(names::check_contract, "method")?,
            6 => self.arguments = reader.arguments()?,
            7 => self.expires = reader.decoder.uint()?,
            8 => drop(reader.decoder.bytes_ref::<16>()?),
            9 => self.gas = reader.decoder.uint()?,
            10 => self.code = Some(Hash32(reader.decoder.bytes_exact::<32>()?)),
            11 => self.application = Some(reader.application()?),
            12 => {
                let hashes = reader.hashes(limits::ATTACHMENTS)?;
                self.attachments = hashes.into_iter().map(|hash| hash.0).collect();
            }
            _ => {
                return Err(Error::new(
                    "transaction.unknown_field",
                    format!("the payload has no field {key}"),
                ))
            }
        }
        Ok(())
    }
}

fn in_payload(error: Error, key: u64) -> Error {
    if error.field.is_some() {
        return error;
    }
    error.in_field(field_name(key))
}

/// What a payload's integer key means.
pub fn field_name(key: u64) -> String {
    const NAMES: [&str; 12] = [
        "chain",
        "sender",
        "signers",
        "contract",
        "method",
        "arguments",
        "expires",
        "random",
        "gas",
        "code",
        "application",
        "attachments",
    ];
    usize::try_from(key)
        .ok()
        .and_then(|key| NAMES.get(key.checked_sub(1)?))
        .map_or_else(|| key.to_string(), |name| (*name).to_owned())
}

struct Reader<'a> {
    decoder: Decoder<'a>,
    base: usize,
}

impl Reader<'_> {
    fn text(
        &mut self,
        check: fn(&str, &str) -> Result<(), Error>,
        field: &str,
    ) -> Result<Span, Error> {
        let text = self.decoder.text()?;
        check(field, text)?;
        Ok(self.behind(text.len()))
    }

    /// The span of the last `length` bytes read.
    fn behind(&self, length: usize) -> Span {
        let end = self.base + self.decoder.position();
        end - length..end
    }

    fn arguments(&mut self) -> Result<Span, Error> {
        let start = self.decoder.position();
        let mut map = MapReader::open(&mut self.decoder)?;
        while map.text_key(&mut self.decoder)?.is_some() {
            self.decoder.skip()?;
        }
        Ok(self.base + start..self.base + self.decoder.position())
    }

    fn application(&mut self) -> Result<Span, Error> {
        let length = self.decoder.text()?.len();
        if (1..=limits::APPLICATION_BYTES).contains(&length) {
            return Ok(self.behind(length));
        }
        let most = limits::APPLICATION_BYTES;
        Err(Error::new(
            "transaction.bad_field",
            format!("{length} bytes, not 1 to {most}"),
        ))
    }

    fn hashes(&mut self, most: usize) -> Result<Vec<Hash32>, Error> {
        let count = self.decoder.array()?;
        if count == 0 || count > most {
            return Err(Error::new(
                "transaction.bad_field",
                format!("{count} hashes, not 1 to {most}"),
            ));
        }
        (0..count)
            .map(|_| Ok(Hash32(self.decoder.bytes_exact::<32>()?)))
            .collect()
    }
}

/// A transaction's id: the hash of what was signed, bound to the chain. Signatures do not change it.
pub fn transaction_id(suite: Suite, genesis_hash: Hash32, payload: &[u8]) -> Hash32 {
    let mut signed = Encoder::with_capacity(payload.len() + 72);
    signed
        .array(3)
        .text("lianheng.transaction.1")
        .bytes(&genesis_hash.0)
        .bytes(payload);
    suite.hash(signed.as_slice())
}
