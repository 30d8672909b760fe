//! Envelopes: transactions that a node gathered, under a head that it signed (formats.md "Envelope").
//!
//! A node that gathers calls [`Engine::prepare_fresh`] and [`Engine::gather`], signs the head elsewhere, and [`Gathered::seal`]s it:
//! the signatures of its transactions are checked once. Every other node opens the bytes with [`Engine::open_envelope`].
//!
//! Rules it keeps
//! - What an envelope is depends on its bytes and the members in force only: no clock, no place in a block.
//! - A refusal costs the sender more than us: form, node and signature of the head come before anything of its transactions, and all
//!   that the head says of them before their signatures.
//! - Bytes from outside give errors `envelope.*`, whatever they are.

use std::sync::Arc;

use codec::cbor::{Decoder, Encoder};
use crypto::cose::{self, Signed};
use crypto::{Hash32, Suite};

use crate::formats::header::expect_tag;
use crate::formats::names;
use crate::members::{Directory, Key};
use crate::prepare::{self, Context, Fresh, Prepared, Totals};
use crate::{limits, Engine, Error};

const TAG: &str = "lianheng.envelope.1";

/// What a node signs of its envelope: enough to admit or refuse it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeHead {
    /// The member of kind `node` that gathered.
    pub node: String,
    /// The node's own number: gathering the same transactions again gives other bytes.
    pub number: u64,
    /// The latest expiry of its transactions, ms.
    pub expires: u64,
    /// The sum of their gas limits.
    pub gas: u64,
    /// How many they are.
    pub count: u64,
    /// Hash of the encoded list of transactions.
    pub transactions_hash: Hash32,
}

impl EnvelopeHead {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::with_capacity(200);
        encoder
            .array(7)
            .text(TAG)
            .text(&self.node)
            .uint(self.number)
            .uint(self.expires)
            .uint(self.gas)
            .uint(self.count)
            .bytes(&self.transactions_hash.0);
        encoder.into_bytes()
    }

    /// Decodes strictly.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_exact(7)?;
        expect_tag(&mut decoder, TAG)?;
        let node = decoder.text()?;
        names::check_member("node", node)?;
        let head = EnvelopeHead {
            node: node.to_owned(),
            number: decoder.uint()?,
            expires: decoder.uint()?,
            gas: decoder.uint()?,
            count: decoder.uint()?,
            transactions_hash: Hash32(decoder.bytes_exact()?),
        };
        decoder.finish()?;
        if head.count == 0 {
            return Err(
                Error::new("envelope.malformed", "it names no transaction").in_field("count")
            );
        }
        Ok(head)
    }

    /// The organisation of the node.
    pub fn organisation(&self) -> &str {
        names::organisation_of(&self.node)
    }

    /// Refuses more transactions, or more bytes, than an envelope may have.
    fn check_size(&self, bytes: usize) -> Result<(), Error> {
        let most = limits::ENVELOPE_TRANSACTIONS;
        if self.count > most as u64 {
            let message = format!(
                "{} transactions, an envelope has at most {most}",
                self.count
            );
            return Err(too_large(message).in_field("count"));
        }
        let most = limits::ENVELOPE_BYTES;
        if bytes > most && self.count > 1 {
            let message = format!(
                "{bytes} bytes with {} transactions; an envelope of several has at most {most}",
                self.count
            );
            return Err(too_large(message));
        }
        Ok(())
    }
}

/// An envelope that was opened: its key was in force, its signature verifies, and its head tells the truth.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// What the node signed.
    pub head: EnvelopeHead,
    /// Hash of all its bytes: what CometBFT calls the hash of a transaction.
    pub hash: Hash32,
    /// Its transactions, signatures checked.
    pub prepared: Prepared,
    /// How many of them can never be ordered.
    pub bad: usize,
    key_id: Hash32,
}

/// Transactions chosen for an envelope that is not signed yet.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The head; its bytes are what the node signs.
    pub head: EnvelopeHead,
    payload: Vec<u8>,
    transactions: Vec<u8>,
    prepared: Prepared,
    suite: Suite,
    directory: Arc<Directory>,
}

impl Gathered {
    /// What the node signs: a COSE_Sign1 with the genesis hash as external data.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The envelope and its bytes. Checks the signed head, and looks at no transaction again.
    ///
    /// Errors: `envelope.malformed`, `envelope.unknown_node`, `envelope.bad_signature`.
    pub fn seal(&self, signed_head: &[u8]) -> Result<(Envelope, Vec<u8>), Error> {
        let mut encoder = Encoder::with_capacity(self.transactions.len() + 2 * signed_head.len());
        encoder
            .array(2)
            .bytes(signed_head)
            .bytes(&self.transactions);
        let data = encoder.into_bytes();
        let parsed = Parts::of(self.suite, &data)?;
        if parsed.signed.payload != self.payload {
            return Err(malformed("the signed head is of another envelope"));
        }
        let genesis_hash = self.prepared.genesis_hash;
        let key_id = parsed.check_node(self.suite, &self.directory, genesis_hash)?;
        let envelope = Envelope {
            head: parsed.head,
            hash: self.suite.hash(&data),
            prepared: self.prepared.clone(),
            bad: 0,
            key_id,
        };
        Ok((envelope, data))
    }
}

impl Engine {
    /// As [`Engine::prepare`], for a node that gathers. Before any signature is checked it drops what was ordered already, what
    /// expired at the last block's time or expires after `latest` (ms), and what asks for more gas than the chain gives.
    pub fn prepare_fresh(&self, transactions: Vec<Arc<[u8]>>, latest: Option<u64>) -> Prepared {
        let head = self.head();
        let fresh = Fresh {
            view: &head.view,
            time: head.header.time,
            latest: latest.unwrap_or(u64::MAX),
        };
        let context = self.context(&head.directory);
        prepare::prepare_with(&context, Some(&fresh), transactions, true)
    }

    /// All that `prepared` did not drop, as an envelope of `node` that waits for its signature. A node gives each of its
    /// envelopes another `number`.
    ///
    /// Errors: `envelope.unknown_node`, `envelope.empty`, `envelope.too_large`, `envelope.gas`.
    pub fn gather(&self, prepared: &Prepared, node: &str, number: u64) -> Result<Gathered, Error> {
        self.check_own(prepared)?;
        let directory = Arc::clone(&self.head().directory);
        check_is_node(&directory, node)?;
        let prepared = prepared.good();
        let mut totals = Totals::default();
        let mut encoder = Encoder::with_capacity(prepared.bytes() + 5 * prepared.len() + 5);
        encoder.array(prepared.len());
        for transaction in prepared.items.iter().flatten() {
            totals.add(&transaction.payload);
            encoder.bytes(&transaction.bytes);
        }
        if prepared.is_empty() {
            let message = "no transaction is left to be gathered";
            return Err(Error::new("envelope.empty", message));
        }
        let transactions = encoder.into_bytes();
        let gas = u64::try_from(totals.gas).map_err(|_| {
            let message = format!("gas limits of {} together are beyond 64 bits", totals.gas);
            Error::new("envelope.gas", message).hint("prepare them as fresh ones")
        })?;
        let suite = self.suite();
        let head = EnvelopeHead {
            node: node.to_owned(),
            number,
            expires: totals.expires,
            gas,
            count: prepared.len() as u64,
            transactions_hash: suite.hash(&transactions),
        };
        let payload = head.encode();
        head.check_size(sealed_bytes(suite, &payload, transactions.len())?)?;
        Ok(Gathered {
            head,
            payload,
            transactions,
            prepared,
            suite,
            directory,
        })
    }

    /// Opens an envelope from outside: form, node, signature, then hash, count, gas and expiry of its transactions, whose
    /// signatures are checked as [`Engine::prepare`] does.
    ///
    /// Errors: `envelope.malformed`, `.too_large`, `.unknown_node`, `.bad_signature`, `.hash`, `.count`, `.gas`, `.expires`.
    pub fn open_envelope(&self, data: &[u8]) -> Result<Envelope, Error> {
        let suite = self.suite();
        let parts = Parts::of(suite, data)?;
        let directory = Arc::clone(&self.head().directory);
        let key_id = parts.check_node(suite, &directory, self.genesis_hash())?;
        let head = parts.head;
        let hash = suite.hash(parts.transactions);
        if hash != head.transactions_hash {
            let message = format!(
                "its transactions have the hash {hash}, the head names {}",
                head.transactions_hash
            );
            return Err(Error::new("envelope.hash", message).in_field("transactions-hash"));
        }
        let transactions = split(parts.transactions, head.count)?;
        let context = self.context(&directory);
        // Before any signature of theirs: an envelope with a lie in its head is held against nobody, so it must be cheap.
        let check = |totals| check_totals(&head, totals);
        let prepared = prepare::prepare_checked(&context, &transactions, check)?;
        Ok(Envelope {
            hash: suite.hash(data),
            bad: prepared.drops().count(),
            head,
            prepared,
            key_id,
        })
    }

    /// Whether an envelope that was opened still counts: its key is in force and its member an active node. Takes the same
    /// short time for every envelope.
    ///
    /// Errors: `envelope.unknown_node`.
    pub fn admit_envelope(&self, envelope: &Envelope) -> Result<(), Error> {
        self.check_own(&envelope.prepared)?;
        check_key(
            &self.head().directory,
            &envelope.key_id,
            &envelope.head.node,
        )
        .map(|_| ())
    }

    /// The head of an envelope whose key is in force. The signature is not checked, and no transaction is looked at: takes the
    /// same short time for every envelope.
    ///
    /// Errors: `envelope.malformed`, `envelope.too_large`, `envelope.unknown_node`.
    pub fn envelope_head(&self, data: &[u8]) -> Result<EnvelopeHead, Error> {
        let parts = Parts::of(self.suite(), data)?;
        check_key(&self.head().directory, &parts.key_id()?, &parts.head.node)?;
        Ok(parts.head)
    }

    fn context<'a>(&'a self, directory: &'a Directory) -> Context<'a> {
        Context {
            suite: self.suite(),
            chain: &self.genesis.chain,
            genesis_hash: self.genesis_hash,
            parameters: &self.genesis.parameters,
            directory,
        }
    }

    fn check_own(&self, prepared: &Prepared) -> Result<(), Error> {
        if prepared.genesis_hash == self.genesis_hash {
            return Ok(());
        }
        let message = format!(
            "prepared for the chain with genesis {}, this is {}",
            prepared.genesis_hash, self.genesis_hash
        );
        Err(Error::new("block.foreign", message)
            .hint("prepare transactions with the ledger that executes them"))
    }
}

/// Signed transactions, each with its own bytes.
pub type Transactions = Vec<Arc<[u8]>>;

/// The signed head of an envelope and its transactions: its form, nothing else is checked.
///
/// Errors: `envelope.malformed`, `envelope.too_large`, `envelope.count`.
pub fn take_apart(suite: Suite, data: &[u8]) -> Result<(EnvelopeHead, Transactions), Error> {
    let parts = Parts::of(suite, data)?;
    let transactions = split(parts.transactions, parts.head.count)?;
    Ok((parts.head, transactions))
}

/// An envelope's parts. What stands in the second one was not looked at.
struct Parts<'a> {
    head: EnvelopeHead,
    signed: Signed<'a>,
    transactions: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(suite: Suite, data: &'a [u8]) -> Result<Self, Error> {
        let parts = Self::decode(suite, data).map_err(|error| {
            if error.code.starts_with("envelope.") {
                return error;
            }
            let message = format!("{} ({})", error.message, error.code);
            Error {
                field: error.field,
                ..malformed(message)
            }
        })?;
        parts.head.check_size(data.len())?;
        Ok(parts)
    }

    fn decode(suite: Suite, data: &'a [u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(data);
        decoder.array_exact(2)?;
        let head = decoder.bytes()?;
        let transactions = decoder.bytes()?;
        decoder.finish()?;
        let most = limits::ENVELOPE_HEAD_BYTES;
        if head.len() > most {
            let message = format!("a head of {} bytes, it has at most {most}", head.len());
            return Err(too_large(message));
        }
        let signed = cose::parse(suite, head, 1)?;
        Ok(Parts {
            head: EnvelopeHead::decode(signed.payload)?,
            signed,
            transactions,
        })
    }

    /// The key that signed: there is exactly one.
    fn key_id(&self) -> Result<Hash32, Error> {
        match self.signed.signatures.as_slice() {
            [signature] => Ok(signature.key_id),
            _ => Err(malformed("one node signs an envelope")),
        }
    }

    /// Checks that the key is in force, belongs to the node, and signed the head.
    fn check_node(
        &self,
        suite: Suite,
        directory: &Directory,
        genesis_hash: Hash32,
    ) -> Result<Hash32, Error> {
        let key_id = self.key_id()?;
        let key = check_key(directory, &key_id, &self.head.node)?;
        cose::verify(suite, &self.signed, &genesis_hash.0, |_| Some(key.public)).map_err(|_| {
            let node = &self.head.node;
            let message = format!("the signature of {node} by key {key_id} does not verify");
            Error::new("envelope.bad_signature", message)
                .hint("sign the head with this chain's genesis hash as external data")
        })?;
        Ok(key_id)
    }
}

/// The key in force with this id, if it belongs to `node` and that is a node.
fn check_key<'d>(directory: &'d Directory, id: &Hash32, node: &str) -> Result<&'d Key, Error> {
    let Some(key) = directory.key(id) else {
        return Err(unknown_node(format!(
            "key {id} of {node} belongs to no member of this chain"
        )));
    };
    if key.member != node {
        let message = format!("key {id} belongs to {}, not to {node}", key.member);
        return Err(unknown_node(message));
    }
    check_is_node(directory, node)?;
    Ok(key)
}

fn check_is_node(directory: &Directory, node: &str) -> Result<(), Error> {
    match directory.member(node) {
        Some(member) if member.kind == "node" => Ok(()),
        Some(member) => Err(unknown_node(format!(
            "{node} is a member of kind {}, not a node",
            member.kind
        ))),
        None => Err(unknown_node(format!(
            "{} is no member in force of this chain",
            node.escape_debug()
        ))),
    }
}

/// The transactions of an envelope, which are `count`.
fn split(transactions: &[u8], count: u64) -> Result<Transactions, Error> {
    let broken = |error: codec::Error| malformed(format!("transactions: {error}"));
    let mut decoder = Decoder::new(transactions);
    let found = decoder.array().map_err(broken)?;
    if found as u64 != count {
        let message = format!("it holds {found} transactions, the head says {count}");
        return Err(Error::new("envelope.count", message).in_field("count"));
    }
    let mut list = Vec::with_capacity(found);
    for _ in 0..found {
        list.push(Arc::from(decoder.bytes().map_err(broken)?));
    }
    decoder.finish().map_err(broken)?;
    Ok(list)
}

fn check_totals(head: &EnvelopeHead, totals: Totals) -> Result<(), Error> {
    if totals.gas != u128::from(head.gas) {
        let message = format!(
            "gas limits of its transactions are {} together, the head says {}",
            totals.gas, head.gas
        );
        return Err(Error::new("envelope.gas", message).in_field("gas"));
    }
    if totals.expires != head.expires {
        let message = format!(
            "the latest of its transactions expires at {}, the head says {} (ms)",
            totals.expires, head.expires
        );
        return Err(Error::new("envelope.expires", message).in_field("expires"));
    }
    Ok(())
}

/// How long an envelope will be once its head is signed.
fn sealed_bytes(suite: Suite, payload: &[u8], transactions: usize) -> Result<usize, Error> {
    let signed = cose::assemble(suite, payload, &[(Hash32([0; 32]), [0; 64])])?;
    let mut encoder = Encoder::with_capacity(signed.len() + 16);
    // Only the head of the second string: its content is as long as it says.
    encoder.array(2).bytes(&signed);
    Ok(encoder.as_slice().len() + string_head_bytes(transactions) + transactions)
}

/// Bytes of the head of a CBOR string.
fn string_head_bytes(length: usize) -> usize {
    match length {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new("envelope.malformed", message)
        .hint("encode it as docs/protocol/formats.md says, section Envelope")
}

fn too_large(message: String) -> Error {
    Error::new("envelope.too_large", message).hint("gather fewer transactions into one envelope")
}

fn unknown_node(message: String) -> Error {
    Error::new("envelope.unknown_node", message)
        .hint("an envelope is signed by a key in force of the member of kind node that it names")
}
