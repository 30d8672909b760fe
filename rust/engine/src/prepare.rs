//! Before order: decode transactions and check signatures, spread over the cores. Nothing here depends on the block that will carry them.

use std::sync::Arc;

use crypto::{Check, Hash32, Suite};
use rayon::prelude::*;
use store::{Keyspace, View};

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

/// A transaction that may be ordered, or its id (where it decoded) and why it may not.
pub(crate) type Item = Result<Transaction, (Option<Hash32>, Drop)>;

/// Transactions ready to be ordered, each with its id where it has one. Copies share them.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) items: Arc<Vec<Item>>,
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

    /// The ids in order; none where a transaction did not decode.
    pub fn ids(&self) -> impl Iterator<Item = Option<Hash32>> + '_ {
        self.items.iter().map(|item| match item {
            Ok(transaction) => Some(transaction.id),
            Err((id, _)) => *id,
        })
    }

    /// What may still be ordered, without what was dropped. Nothing is checked again.
    pub(crate) fn good(&self) -> Prepared {
        if self.items.iter().all(Result::is_ok) {
            return self.clone();
        }
        let items: Vec<Item> = self
            .items
            .iter()
            .filter(|item| item.is_ok())
            .cloned()
            .collect();
        let bytes = items
            .iter()
            .flatten()
            .map(|transaction| transaction.bytes.len())
            .sum();
        Prepared {
            items: Arc::new(items),
            bytes,
            genesis_hash: self.genesis_hash,
        }
    }
}

/// What a node that gathers knows beyond the chain's constants: it drops what is in vain before it costs a signature check.
pub(crate) struct Fresh<'a> {
    /// The last block's state, for the ids that were ordered.
    pub view: &'a View,
    /// Time of the last block, ms.
    pub time: u64,
    /// Latest expiry that is accepted, ms.
    pub latest: u64,
}

/// What the transactions that decode ask for together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// The sum of gas limits; 128 bits hold the sum of any number of 64.
    pub gas: u128,
    /// The latest expiry, ms.
    pub expires: u64,
}

impl Totals {
    pub fn add(&mut self, payload: &Payload) {
        self.gas += u128::from(payload.gas);
        self.expires = self.expires.max(payload.expires);
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
    prepare_with(context, None, transactions, check_signatures)
}

/// As [`prepare`], for a node that gathers where `fresh` is given.
pub(crate) fn prepare_with(
    context: &Context<'_>,
    fresh: Option<&Fresh<'_>>,
    transactions: Vec<Arc<[u8]>>,
    check_signatures: bool,
) -> Prepared {
    let decode = |chunk: &[_]| decode_chunk(context, fresh, chunk, check_signatures);
    let verify = |chunk| verify_chunk(context.suite, chunk);
    let chunks: Vec<Vec<Item>> = transactions
        .par_chunks(chunk_length(transactions.len()))
        .map(|chunk| verify(decode(chunk)))
        .collect();
    together(context, &transactions, chunks)
}

/// As [`prepare`], where `check` must be content with what the transactions ask for together before any signature is checked.
pub(crate) fn prepare_checked(
    context: &Context<'_>,
    transactions: &[Arc<[u8]>],
    check: impl FnOnce(Totals) -> Result<(), Error>,
) -> Result<Prepared, Error> {
    let chunks: Vec<Decoded> = transactions
        .par_chunks(chunk_length(transactions.len()))
        .map(|chunk| decode_chunk(context, None, chunk, true))
        .collect();
    let mut totals = Totals::default();
    for chunk in &chunks {
        totals.gas += chunk.totals.gas;
        totals.expires = totals.expires.max(chunk.totals.expires);
    }
    check(totals)?;
    let verify = |chunk| verify_chunk(context.suite, chunk);
    let chunks: Vec<Vec<Item>> = chunks.into_par_iter().map(verify).collect();
    Ok(together(context, transactions, chunks))
}

fn chunk_length(transactions: usize) -> usize {
    CHUNK.min(transactions.div_ceil(rayon::current_num_threads()).max(1))
}

fn together(context: &Context<'_>, transactions: &[Arc<[u8]>], chunks: Vec<Vec<Item>>) -> Prepared {
    Prepared {
        items: Arc::new(chunks.into_iter().flatten().collect()),
        bytes: transactions.iter().map(|bytes| bytes.len()).sum(),
        genesis_hash: context.genesis_hash,
    }
}

/// Transactions whose signatures are still to be checked, and what they ask for together.
struct Decoded {
    items: Vec<Item>,
    inputs: Vec<Input>,
    totals: Totals,
}

fn decode_chunk(
    context: &Context<'_>,
    fresh: Option<&Fresh<'_>>,
    transactions: &[Arc<[u8]>],
    check_signatures: bool,
) -> Decoded {
    let (mut inputs, mut totals) = (Vec::new(), Totals::default());
    let mut items: Vec<Item> = Vec::with_capacity(transactions.len());
    for (at, bytes) in transactions.iter().enumerate() {
        let inputs = check_signatures.then_some((at, &mut inputs));
        items.push(prepare_one(context, fresh, bytes, inputs, &mut totals));
    }
    Decoded {
        items,
        inputs,
        totals,
    }
}

fn verify_chunk(suite: Suite, decoded: Decoded) -> Vec<Item> {
    let Decoded {
        mut items, inputs, ..
    } = decoded;
    let checks: Vec<Check<'_>> = inputs
        .iter()
        .map(|input| Check {
            key: &input.key,
            message: &input.message,
            signature: &input.signature,
        })
        .collect();
    for (input, good) in inputs.iter().zip(suite.verify_many(&checks)) {
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

/// All that is known of a transaction but whether its signatures verify: these are collected in `inputs`, with its position.
fn prepare_one(
    context: &Context<'_>,
    fresh: Option<&Fresh<'_>>,
    bytes: &Arc<[u8]>,
    inputs: Option<(usize, &mut Vec<Input>)>,
    totals: &mut Totals,
) -> Item {
    let (mut transaction, parsed) = decode(context, bytes).map_err(|drop| (None, drop))?;
    totals.add(&transaction.payload);
    let id = transaction.id;
    let chain = transaction.text(&transaction.payload.chain);
    if chain != context.chain {
        let message = format!("it is for chain {chain}, this is {}", context.chain);
        let hint = "send it to a node of its chain";
        return Err((Some(id), Drop::new("dropped.wrong_chain", message, hint)));
    }
    if let Some(fresh) = fresh {
        check_fresh(context, fresh, &transaction).map_err(|drop| (Some(id), drop))?;
    }
    if let Some((at, inputs)) = inputs {
        for (index, signature) in parsed.signatures.iter().enumerate() {
            let Some(key) = context.directory.key(&signature.key_id) else {
                transaction.signed = Signed::KeyUnknown;
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
    transaction.signed_hash = context.suite.hash(bytes);
    Ok(transaction)
}

/// Form, fields, and that field 3 lists who signed. The signed hash is left for later.
fn decode<'b>(
    context: &Context<'_>,
    bytes: &'b Arc<[u8]>,
) -> Result<(Transaction, crypto::cose::Signed<'b>), Drop> {
    let most = context.parameters.transaction_bytes;
    if bytes.len() as u64 > most {
        let message = format!("{} bytes; this chain takes at most {most}", bytes.len());
        return Err(Drop::new(
            "dropped.over_quota",
            message,
            "send less data, or its hash",
        ));
    }
    let signers = usize::try_from(context.parameters.transaction_signers).unwrap_or(usize::MAX);
    let parsed =
        crypto::cose::parse(context.suite, bytes, signers).map_err(|e| undecodable(e.into()))?;
    let base = offset_in(bytes, parsed.payload);
    let payload = Payload::decode(parsed.payload, base).map_err(undecodable)?;
    check_signers(&payload, &parsed).map_err(undecodable)?;
    let transaction = Transaction {
        bytes: Arc::clone(bytes),
        id: transaction_id(context.suite, context.genesis_hash, parsed.payload),
        signed_hash: Hash32([0; 32]),
        payload,
        signed: Signed::Verified,
    };
    Ok((transaction, parsed))
}

fn undecodable(error: Error) -> Drop {
    let field = error
        .field
        .map(|field| format!("{field}: "))
        .unwrap_or_default();
    let message = format!("{field}{} ({})", error.message, error.code);
    let hint = "encode it as docs/protocol/formats.md says";
    Drop::new("dropped.undecodable", message, hint)
}

/// What the last block and the chain's constants already tell against a transaction. In a block these checks are made again.
fn check_fresh(
    context: &Context<'_>,
    fresh: &Fresh<'_>,
    transaction: &Transaction,
) -> Result<(), Drop> {
    let payload = &transaction.payload;
    if payload.expires <= fresh.time {
        return Err(expired(payload.expires, fresh.time));
    }
    if payload.expires > fresh.latest {
        let message = format!(
            "it expires at {}, this node takes nothing that expires after {} (ms)",
            payload.expires, fresh.latest
        );
        let hint = "sign it with an earlier expiry; check the clocks";
        return Err(Drop::new("dropped.too_far_ahead", message, hint));
    }
    check_gas(payload.gas, context.parameters)?;
    // A store that fails is noticed where it is written: here it only costs a signature check in vain.
    match fresh.view.get(Keyspace::Transactions, &transaction.id.0) {
        Ok(Some(_)) => Err(replayed(&transaction.id)),
        _ => Ok(()),
    }
}

pub(crate) fn expired(expires: u64, time: u64) -> Drop {
    let message = format!("it expired at {expires}, block time is {time} (ms)");
    let hint = "sign it again with a later expiry; check the clocks";
    Drop::new("dropped.expired", message, hint)
}

pub(crate) fn replayed(id: &Hash32) -> Drop {
    let hint = "look its result up by its id; sign a new one to call again";
    let message = format!("transaction {id} was ordered already");
    Drop::new("dropped.replayed", message, hint)
}

pub(crate) fn check_gas(gas: u64, parameters: &Parameters) -> Result<(), Drop> {
    let most = parameters.transaction_gas;
    if gas <= most {
        return Ok(());
    }
    let message = format!("gas limit {gas} is above the chain's {most}");
    let hint = "sign it with a lower gas limit";
    Err(Drop::new("dropped.over_quota", message, hint))
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
            .ok_or_else(|| unknown_key(context.directory, &signature.key_id))?;
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

pub(crate) fn unknown_key(directory: &Directory, id: &Hash32) -> Drop {
    let hint = "register the key, or sign with one that is in force";
    Drop::new("dropped.unknown_key", directory.why_not(id), hint)
}
