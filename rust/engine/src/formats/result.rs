//! Results, events and errors as they stand in entries.

use codec::cbor::{Decoder, Encoder, MapReader};
use crypto::Hash32;

use crate::{limits, Error};

/// Why an ordered transaction was refused. Its state is untouched.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Refusal {
    /// Stable code, such as `contract.rejected`.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// The contract's own code, or the exception's name.
    pub reason: Option<String>,
    /// The contract's file.
    pub file: Option<String>,
    /// Line of the file.
    pub line: Option<u64>,
    /// The failing field.
    pub field: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Refusal {
    /// A refusal with code and sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Refusal {
            code: code.to_owned(),
            message: message.into(),
            ..Refusal::default()
        }
    }

    /// The same refusal, naming the field.
    #[must_use]
    pub fn in_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// The same refusal, saying what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn encode(&self, into: &mut Encoder) {
        let optional = [&self.reason, &self.file, &None, &self.field, &self.hint];
        let count = 2
            + optional.iter().filter(|text| text.is_some()).count()
            + usize::from(self.line.is_some());
        into.map(count)
            .uint(1)
            .text(clip(&self.code))
            .uint(2)
            .text(clip(&self.message));
        for (key, text) in (3..).zip(optional) {
            if let (5, Some(line)) = (key, self.line) {
                into.uint(5).uint(line);
            }
            if let Some(text) = text {
                into.uint(key).text(clip(text));
            }
        }
    }
}

/// At most [`limits::MESSAGE_BYTES`] of a text, cut between characters.
pub(crate) fn clip(text: &str) -> &str {
    let mut end = text.len().min(limits::MESSAGE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What became of an ordered transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionResult {
    /// Gas used.
    pub gas: u64,
    /// Source hash of the code that ran, where one did.
    pub code: Option<Hash32>,
    /// What it returned, or why it was refused.
    pub outcome: Result<Success, Refusal>,
}

/// A successful call.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Success {
    /// The return value, encoded; empty for null.
    pub value: Vec<u8>,
    /// Encoded events, in order.
    pub events: Vec<Vec<u8>>,
}

const NULL: &[u8] = &[0xf6];

impl TransactionResult {
    /// The canonical bytes.
    pub fn encode_into(&self, into: &mut Encoder) {
        let (status, value, events) = match &self.outcome {
            Ok(success) => (0, success.value.as_slice(), success.events.as_slice()),
            Err(_) => (1, NULL, [].as_slice()),
        };
        let with_value = !value.is_empty() && value != NULL;
        let optional = [
            with_value,
            !events.is_empty(),
            self.outcome.is_err(),
            self.code.is_some(),
        ];
        into.map(2 + optional.iter().filter(|present| **present).count());
        into.uint(1).uint(status).uint(2).uint(self.gas);
        if with_value {
            into.uint(3).raw(value);
        }
        if !events.is_empty() {
            into.uint(4).array(events.len());
            for event in events {
                into.raw(event);
            }
        }
        if let Err(refusal) = &self.outcome {
            into.uint(5);
            refusal.encode(into);
        }
        if let Some(code) = &self.code {
            into.uint(6).bytes(&code.0);
        }
    }
}

/// One entry of a block, encoded.
pub fn encode_entry(id: Hash32, signed: Hash32, result: &TransactionResult) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(192);
    encoder.array(3).bytes(&id.0).bytes(&signed.0);
    result.encode_into(&mut encoder);
    encoder.into_bytes()
}

/// One entry of a block for what the chain ran by itself, encoded: a kind, its cause (encoded), the result.
pub fn encode_run(kind: u64, cause: &[u8], result: &TransactionResult) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(192 + cause.len());
    encoder.array(3).uint(kind).raw(cause);
    result.encode_into(&mut encoder);
    encoder.into_bytes()
}

/// The parts of an encoded entry of a chain's run: kind, cause, result bytes.
pub fn split_run(entry: &[u8]) -> Result<(u64, &[u8], &[u8]), Error> {
    let mut decoder = Decoder::new(entry);
    decoder.array_exact(3)?;
    let kind = decoder.uint()?;
    let cause = decoder.skip()?;
    let result = decoder.skip()?;
    decoder.finish()?;
    Ok((kind, cause, result))
}

/// An event, encoded: contract, number in that contract, name, data (an encoded map).
pub fn encode_event(contract: &str, number: u64, name: &str, data: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(24 + contract.len() + name.len() + data.len());
    encoder
        .array(4)
        .text(contract)
        .uint(number)
        .text(name)
        .raw(data);
    encoder.into_bytes()
}

/// The parts of an encoded entry: id, signed hash, result bytes.
pub fn split_entry(entry: &[u8]) -> Result<(Hash32, Hash32, &[u8]), Error> {
    let mut decoder = Decoder::new(entry);
    decoder.array_exact(3)?;
    let id = Hash32(decoder.bytes_exact()?);
    let signed = Hash32(decoder.bytes_exact()?);
    let result = decoder.skip()?;
    decoder.finish()?;
    Ok((id, signed, result))
}

/// Status (0 or 1) of an encoded result that this engine made.
pub fn result_status(result: &[u8]) -> Result<u64, Error> {
    let mut decoder = Decoder::new(result);
    let mut map = MapReader::open(&mut decoder)?;
    match map.uint_key(&mut decoder)? {
        Some(1) => Ok(decoder.uint()?),
        _ => Err(Error::new(
            "result.malformed",
            "a result starts with its status",
        )),
    }
}
