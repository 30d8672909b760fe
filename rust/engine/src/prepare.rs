//! Before order: decode transactions and check signatures, spread over the cores. Nothing here depends on the block that will carry them.

use std::sync::Arc;

use crypto::{Check, Hash32, Suite};
use rayon::prelude::*;

use crate::formats::genesis::Parameters;
use crate::formats::transaction::{transaction_id, Payload};
use crate::members::Directory;
use crate::Error;

/// Why a transaction gets no entry. Its id stays free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Stable code, `dropped.…`.
    pub code: &'static str,
    /// What was wrong, with both values.
    pub message: String,
    /// What to do next.
    pub hint: &'static str,
}

impl Drop {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Drop {
            code,
            message: message.into(),
            hint,
        }
    }
}

/// What is known of a signature before order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// All signatures verify under the keys that their ids name.
    Verified,
    /// A key id was not known yet: look again when the transaction's turn comes.
    KeyUnknown,
}

/// A transaction that decoded and whose known signatures verify.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) id: Hash32,
    pub(crate) signed_hash: Hash32,
    pub(crate) payload: Payload,
    pub(crate) signed: Signed,
}

impl Transaction {
    /// The id.
    pub fn id(&self) -> Hash32 {
        self.id
    }

    pub(crate) fn text(&self, span: &std::ops::Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[span.clone()]).unwrap_or_default()
    }

    pub(crate) fn sender(&self) -> &str {
        self.text(&self.payload.sender)
    }
}

/// Transactions ready to be ordered, each with its id where it has one.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) items: Vec<Result<Transaction, (Option<Hash32>, Drop)>>,
    bytes: usize,
    /// The chain under which signatures were checked.
    pub(crate) genesis_hash: Hash32,
}

impl Prepared {
    /// How many were given.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Their size together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The drops so far: position and reason.
    pub fn drops(&self) -> impl Iterator<Item = (usize, &Drop)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((at, &item.as_ref().err()?.1)))
    }
}

/// What preparing needs to know of the chain.
pub struct Context<'a> {
    /// The chain's suite.
    pub suite: Suite,
    /// Its name.
    pub chain: &'a str,
    /// Its genesis hash.
    pub genesis_hash: Hash32,
    /// Its parameters.
    pub parameters: &'a Parameters,
    /// Keys in force at the last block.
    pub directory: &'a Directory,
}

/// Transactions decoded and verified together; small enough to spread, large enough for batches of signatures.
const CHUNK: usize = 256;

/// Decodes transactions and checks their signatures on rayon's pool.
pub fn prepare(
    context: &Context<'_>,
    transactions: Vec<Arc<[u8]>>,
    check_signatures: bool,
) -> Prepared {
    let bytes = transactions.iter().map(|bytes| bytes.len()).sum();
    let chunk = CHUNK.min(
        transactions
            .len()
            .div_ceil(rayon::current_num_threads())
            .max(1),
    );
    let items = transactions
        .par_chunks(chunk)
        .flat_map_iter(|chunk| prepare_chunk(context, chunk, check_signatures))
        .collect();
    Prepared {
        items,
        bytes,
        genesis_hash: context.genesis_hash,
    }
}

type Item = Result<Transaction, (Option<Hash32>, Drop)>;

fn prepare_chunk(
    context: &Context<'_>,
    transactions: &[Arc<[u8]>],
    check_signatures: bool,
) -> Vec<Item> {
    let mut inputs = Vec::new();
    let mut items: Vec<Item> = transactions
        .iter()
        .enumerate()
        .map(|(at, bytes)| decode(context, bytes, at, check_signatures.then_some(&mut inputs)))
        .collect();
    let checks: Vec<Check<'_>> = inputs
        .iter()
        .map(|input| Check {
            key: &input.key,
            message: &input.message,
            signature: &input.signature,
        })
        .collect();
    for (input, good) in inputs.iter().zip(context.suite.verify_many(&checks)) {
        if good {
            continue;
        }
        if let Ok(transaction) = &items[input.at] {
            let message = format!("the signature by key {} does not verify", input.key_id);
            let hint = "sign the payload with this chain's genesis hash as external data";
            items[input.at] = Err((
                Some(transaction.id),
                Drop::new("dropped.bad_signature", message, hint),
            ));
        }
    }
    items
}

struct Input {
    at: usize,
    key: [u8; 32],
    key_id: Hash32,
    message: Vec<u8>,
    signature: [u8; 64],
}

fn decode(
    context: &Context<'_>,
    bytes: &Arc<[u8]>,
    at: usize,
    inputs: Option<&mut Vec<Input>>,
) -> Item {
    let most = context.parameters.transaction_bytes;
    if bytes.len() as u64 > most {
        let message = format!("{} bytes; this chain takes at most {most}", bytes.len());
        return Err((
            None,
            Drop::new("dropped.over_quota", message, "send less data, or its hash"),
        ));
    }
    let undecodable = |error: Error| {
        let field = error
            .field
            .map(|field| format!("{field}: "))
            .unwrap_or_default();
        let message = format!("{field}{} ({})", error.message, error.code);
        (
            None,
            Drop::new(
                "dropped.undecodable",
                message,
                "encode it as docs/protocol/formats.md says",
            ),
        )
    };
    let signers = usize::try_from(context.parameters.transaction_signers).unwrap_or(usize::MAX);
    let parsed =
        crypto::cose::parse(context.suite, bytes, signers).map_err(|e| undecodable(e.into()))?;
    let base = offset_in(bytes, parsed.payload);
    let payload = Payload::decode(parsed.payload, base).map_err(undecodable)?;
    let id = transaction_id(context.suite, context.genesis_hash, parsed.payload);
    check_signers(&payload, &parsed).map_err(undecodable)?;
    let mut signed = Signed::Verified;
    if let Some(inputs) = inputs {
        for (index, signature) in parsed.signatures.iter().enumerate() {
            let Some(key) = context.directory.key(&signature.key_id) else {
                signed = Signed::KeyUnknown;
                continue;
            };
            let message = crypto::cose::signing_input(&parsed, index, &context.genesis_hash.0);
            let (key, key_id) = (key.public, signature.key_id);
            inputs.push(Input {
                at,
                key,
                key_id,
                message,
                signature: *signature.signature,
            });
        }
    }
    let signed_hash = context.suite.hash(bytes);
    let transaction = Transaction {
        bytes: Arc::clone(bytes),
        id,
        signed_hash,
        payload,
        signed,
    };
    let chain = transaction.text(&transaction.payload.chain);
    if chain != context.chain {
        let message = format!("it is for chain {chain}, this is {}", context.chain);
        return Err((
            Some(id),
            Drop::new(
                "dropped.wrong_chain",
                message,
                "send it to a node of its chain",
            ),
        ));
    }
    Ok(transaction)
}

/// Where a part that was borrowed from `whole` begins.
fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// Field 3 lists exactly the keys that signed, in order.
fn check_signers(payload: &Payload, parsed: &crypto::cose::Signed<'_>) -> Result<(), Error> {
    let signed = parsed.signatures.iter().map(|signature| signature.key_id);
    if payload.signers.iter().copied().eq(signed) {
        return Ok(());
    }
    let (listed, signed) = (payload.signers.len(), parsed.signatures.len());
    let message = format!("the payload lists {listed} signers, other than the {signed} that signed, or in another order");
    Err(Error::new("transaction.signers", message).in_field("signers"))
}

/// Checks the signatures of a transaction whose keys were not known when it was prepared.
pub(crate) fn verify_late(context: &Context<'_>, transaction: &Transaction) -> Result<(), Drop> {
    let parsed = crypto::cose::parse(context.suite, &transaction.bytes, usize::MAX)
        .map_err(|error| Drop::new("dropped.undecodable", error.to_string(), ""))?;
    for (index, signature) in parsed.signatures.iter().enumerate() {
        let key = context
            .directory
            .key(&signature.key_id)
            .ok_or_else(|| unknown_key(&signature.key_id))?;
        let input = crypto::cose::signing_input(&parsed, index, &context.genesis_hash.0);
        context
            .suite
            .verify(&key.public, &input, signature.signature)
            .map_err(|_| {
                let message = format!("the signature by key {} does not verify", signature.key_id);
                Drop::new(
                    "dropped.bad_signature",
                    message,
                    "sign with this chain's genesis hash as external data",
                )
            })?;
    }
    Ok(())
}

pub(crate) fn unknown_key(id: &Hash32) -> Drop {
    let hint = "register the key, or sign with one that is in force";
    Drop::new(
        "dropped.unknown_key",
        format!("key {id} belongs to no member of this chain"),
        hint,
    )
}
