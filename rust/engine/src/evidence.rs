//! What leaves the ledger to be checked elsewhere: receipts, state proofs, header files.

use std::sync::Arc;

use codec::cbor::{Decoder, Value};
use codec::key;
use crypto::Hash32;
use store::{Keyspace, View};

use crate::engine::{read_place, Engine};
use crate::formats::block::Block;
use crate::formats::evidence::{anchor_header, header_file, Link, Receipt, StateProof, Subject};
use crate::formats::header::Header;
use crate::formats::result::{split_entry, split_run};
use crate::head::{self, Buckets, Head, Nodes};
use crate::standing::{Place, Standing};
use crate::Error;

/// What a receipt is asked to have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// The proof of who signed, also where the genesis tells as much.
    pub members: bool,
    /// Null for the seal of a later header that proves who signed, where that has not come yet: who asks puts it in later.
    pub unsealed: bool,
}

impl Engine {
    /// A receipt for a transaction, or for a run of the chain's own. `anchor` (a genesis file or header file) adds the link to that height.
    ///
    /// Errors: `receipt.unknown_transaction`; `seal.not_yet` while a network's seal has not come; `anchor.foreign` when the anchor is not of this chain's history.
    pub fn receipt(&self, id: &Hash32, anchor: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        self.receipt_as(id, anchor, Asked::default())
    }

    /// The same as asked for.
    pub fn receipt_as(
        &self,
        id: &Hash32,
        anchor: Option<&[u8]>,
        asked: Asked,
    ) -> Result<Vec<u8>, Error> {
        let seal_at = if asked.unsealed {
            Self::seal_of
        } else {
            Self::evidence_seal
        };
        let head = self.head();
        let (height, position, record) = self.recorded(&head, id)?;
        let block = Block::decode(&record)?;
        let index = position as usize;
        let Some(entry) = block.entries.get(index) else {
            return Err(crate::open::damaged(
                "the transaction index points beyond its block",
            ));
        };
        let (subject, result) = match block.transaction_of(index) {
            Some(transaction) => {
                let (found, _, result) = split_entry(entry)?;
                if found != *id {
                    return Err(crate::open::damaged(
                        "the transaction index points to another entry",
                    ));
                }
                let keys = self.signer_keys(&head, transaction)?;
                (Subject::Transaction(transaction, keys), result)
            }
            None => {
                let (kind, cause, result) = split_run(entry)?;
                (Subject::Run(kind, cause), result)
            }
        };
        let suite = self.suite();
        let leaves = tree::log::leaf_hashes(suite, &block.entries);
        let path = tree::log::path(suite, &leaves, index)?;
        let links = self.links(&head, height, anchor)?;
        let seal = self.evidence_seal(height)?;
        let steps = self.steps(&head, height, seal.as_deref(), anchor)?;
        let steps: Vec<&[u8]> = steps.iter().map(AsRef::as_ref).collect();
        // A header registers no keys: its reader knows nobody without the proof.
        let always = asked.members || anchor.map(anchor_height).transpose()?.unwrap_or(0) > 0;
        let standing = Standing::find(&head, height, &subject, result, always)?;
        let later = match &standing {
            Some(_) => self.place_of_proofs(&head, height, anchor, seal_at)?,
            None => None,
        };
        let later_steps: Vec<&[u8]> = later.iter().flat_map(Place::steps).collect();
        let receipt = Receipt {
            genesis: self.genesis_hash,
            subject: &subject,
            result,
            entry: (u64::from(position), block.entries.len() as u64, &path),
            header: block.header,
            seal: seal.as_deref(),
            links: &links,
            steps: &steps,
            members: standing
                .as_ref()
                .map(|standing| standing.members(&head, later.as_ref(), &later_steps)),
        };
        Ok(receipt.encode())
    }

    /// Height and position of a transaction or run, and the record of its block.
    fn recorded(&self, head: &Head, id: &Hash32) -> Result<(u64, u32, Vec<u8>), Error> {
        let place = head
            .view
            .get(Keyspace::Transactions, &id.0)?
            .and_then(|bytes| read_place(&bytes));
        let Some((height, position)) = place else {
            return Err(Error::new(
                "receipt.unknown_transaction",
                format!("no block holds transaction {id}"),
            )
            .hint("a dropped transaction leaves no entry and no receipt; check the id"));
        };
        let record = self
            .store
            .record(height)?
            .ok_or_else(|| crate::open::damaged("the log lacks a record"))?;
        Ok((height, position, record))
    }

    fn signer_keys(&self, head: &Head, transaction: &[u8]) -> Result<Vec<[u8; 32]>, Error> {
        let parsed = crypto::cose::parse(self.suite(), transaction, usize::MAX)?;
        parsed
            .signatures
            .iter()
            .map(|signature| public_key(head, &signature.key_id))
            .collect()
    }

    /// Proves a row, or its absence, at the last block.
    pub fn prove(
        &self,
        contract: &str,
        table: &str,
        key: &[Value],
        anchor: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        self.state_proof((contract, table), key, anchor, Self::evidence_seal)
    }

    /// The same, with null for a seal that has not come yet: who asks puts it in later. Under steady load the last block never has one, and the state goes on with the next.
    pub fn prove_unsealed(
        &self,
        contract: &str,
        table: &str,
        key: &[Value],
        anchor: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        self.state_proof((contract, table), key, anchor, Self::seal_of)
    }

    fn state_proof(
        &self,
        place: (&str, &str),
        key: &[Value],
        anchor: Option<&[u8]>,
        seal_at: impl FnOnce(&Self, u64) -> Result<Option<Arc<[u8]>>, Error>,
    ) -> Result<Vec<u8>, Error> {
        let head = self.head();
        let seal = seal_at(self, head.height())?;
        let mut flat = key::prefix(place.0, place.1);
        let mut parts = Vec::with_capacity(key.len());
        for part in key {
            key::push(&mut flat, &key_part(part)?);
            parts.push(codec::cbor::encode(part)?);
        }
        let value = crate::reads::get_row(&head.view, &flat)?;
        let proof = head
            .tree
            .prove(&Buckets(&head.view), self.suite().hash(&flat))?;
        let links = self.links(&head, head.height(), anchor)?;
        let steps = self.steps(&head, head.height(), seal.as_deref(), anchor)?;
        let steps: Vec<&[u8]> = steps.iter().map(AsRef::as_ref).collect();
        let evidence = StateProof {
            genesis: self.genesis_hash,
            place,
            key: &parts,
            value: value.as_deref(),
            proof: &proof,
            header: &head.header_bytes,
            seal: seal.as_deref(),
            links: &links,
            steps: &steps,
        };
        Ok(evidence.encode())
    }

    /// A header file: this height as trust anchor.
    pub fn header_file(&self, height: u64) -> Result<Vec<u8>, Error> {
        let head = self.head();
        let sealed = if height > head.height() {
            None
        } else {
            head::sealed(&head.view, height)?
        };
        let Some((header, _)) = sealed else {
            return Err(Error::new(
                "block.unknown",
                format!("there is no height {height}; the last is {}", head.height()),
            ));
        };
        if height == 0 {
            return Ok(self.genesis_file());
        }
        let path = history_path(&head, 0, height)?;
        let seal = self.evidence_seal(height)?;
        let set = head.set_at(height);
        let sealers =
            set.ok_or_else(|| crate::open::damaged("the set of a header is not known"))?;
        let sealers = sealers.sealers.encode();
        Ok(header_file(
            &header,
            seal.as_deref(),
            &sealers,
            self.genesis_hash,
            &path,
        ))
    }

    /// Links from the header at `height` to the genesis and, where given, to the anchor.
    pub(crate) fn links(
        &self,
        head: &Head,
        height: u64,
        anchor: Option<&[u8]>,
    ) -> Result<Vec<Link>, Error> {
        let mut links = Vec::new();
        if height > 0 {
            links.push(Link {
                newer: None,
                height: 0,
                path: history_path(head, 0, height)?,
            });
        }
        let Some(anchor) = anchor else {
            return Ok(links);
        };
        let bytes = anchor_header(anchor)?;
        let header = Header::decode(&bytes)?;
        let ours = head::sealed(&head.view, header.height)?.map(|(bytes, _)| bytes);
        if ours.as_deref() != Some(bytes.as_slice()) {
            let message = format!(
                "the anchor at height {} is not in this chain's history",
                header.height
            );
            return Err(Error::new("anchor.foreign", message)
                .in_field("anchor")
                .hint("check which chain it came from"));
        }
        if header.height > height {
            let path = history_path(head, height, header.height)?;
            links.push(Link {
                newer: Some(bytes),
                height,
                path,
            });
        } else if header.height > 0 && header.height < height {
            links.push(Link {
                newer: None,
                height: header.height,
                path: history_path(head, header.height, height)?,
            });
        }
        Ok(links)
    }
}

/// Height of a trust anchor.
fn anchor_height(anchor: &[u8]) -> Result<u64, Error> {
    Ok(Header::decode(&anchor_header(anchor)?)?.height)
}

/// Inclusion path of the header at `index` in the history of the header at `size`.
pub(crate) fn history_path(head: &Head, index: u64, size: u64) -> Result<Vec<Hash32>, Error> {
    let nodes = Nodes(&head.view);
    Ok(tree::log::History::new(&head.history, &nodes).path(index, size)?)
}

/// The public key behind a key id. Keys of all times are found: rows are never removed.
fn public_key(head: &Head, id: &Hash32) -> Result<[u8; 32], Error> {
    if let Some(key) = head.directory.key(id) {
        return Ok(key.public);
    }
    stored_public_key(&head.view, id)
}

fn stored_public_key(view: &View, id: &Hash32) -> Result<[u8; 32], Error> {
    let part = key::Part::Bytes(id.0.to_vec());
    let flat = crate::members::versioned(crate::members::CONTRACT, "keys", &part, 0);
    let missing = || crate::open::damaged("the key of an ordered transaction is not in the state");
    let row = view.get(Keyspace::State, &flat)?.ok_or_else(missing)?;
    match codec::cbor::decode(&row)?.get("public") {
        Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().map_err(|_| missing()),
        _ => Err(missing()),
    }
}

/// A value as part of a key.
pub fn key_part(value: &Value) -> Result<key::Part, Error> {
    match value {
        Value::Bool(bool) => Ok(key::Part::Bool(*bool)),
        Value::Int(int) => Ok(key::Part::Int(*int)),
        Value::BigInt(int) => Ok(key::Part::BigInt(int.clone())),
        Value::Bytes(bytes) => Ok(key::Part::Bytes(bytes.clone())),
        Value::Text(text) => Ok(key::Part::Text(text.clone())),
        _ => Err(Error::new(
            "key.bad_part",
            "a key part is a text, an integer, bytes, true or false",
        )
        .in_field("key")),
    }
}

/// The value of a key part.
pub fn part_value(part: key::Part) -> Value {
    match part {
        key::Part::Bool(bool) => Value::Bool(bool),
        key::Part::Int(int) => Value::Int(int),
        key::Part::BigInt(int) => Value::BigInt(int),
        key::Part::Bytes(bytes) => Value::Bytes(bytes),
        key::Part::Text(text) => Value::Text(text),
    }
}

/// Encodes parts of a key as the flat key holds them.
pub fn encode_parts(parts: &[Value]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for part in parts {
        key::push(&mut bytes, &key_part(part)?);
    }
    Ok(bytes)
}

/// Decodes the key parts behind contract and table.
pub fn decode_parts(flat_key: &[u8]) -> Result<Vec<Value>, Error> {
    let (_, _, rest) = key::split(flat_key)?;
    Ok(key::decode(rest)?.into_iter().map(part_value).collect())
}

/// Reads an encoded value with nothing behind it.
pub fn decode_value(bytes: &[u8]) -> Result<Value, Error> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.value()?;
    decoder.finish()?;
    Ok(value)
}
