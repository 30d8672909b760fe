//! Reads at the last block: rows, index entries, views, blocks, ids. None of them waits for a block.

use std::ops::Bound;
use std::sync::Arc;

use codec::cbor::Encoder;
use codec::key;
use crypto::Hash32;
use store::{Keyspace, View};

use crate::authority::find_method;
use crate::engine::{read_place, Engine};
use crate::execute::refused_all_the_same;
use crate::formats::block::Block;
use crate::formats::result::{Refusal, Success, TransactionResult};
use crate::head;
use crate::overlay::{scan_view, BlockState, Rows, Span, TransactionState};
use crate::runtime::{Call, Step};
use crate::{lifecycle, limits, Error};

/// A span of rows of one table or index.
#[derive(Clone, Copy)]
pub struct Range<'a> {
    /// Contract.
    pub contract: &'a str,
    /// Table, or `table:index`.
    pub table: &'a str,
    /// Encoded key parts that all rows share.
    pub prefix: &'a [u8],
    /// Full key after which to begin (before which, backwards).
    pub after: Option<&'a [u8]>,
    /// Most rows, at most [`limits::SCAN_ROWS`].
    pub limit: usize,
    /// From the end backwards.
    pub reverse: bool,
}

impl Range<'_> {
    fn span(&self) -> Span {
        let mut from = key::prefix(self.contract, self.table);
        from.extend_from_slice(self.prefix);
        let mut to = key::prefix_end(&from);
        match self.after {
            // A cursor from elsewhere must not lead out of the table.
            Some(after) if self.reverse => {
                to = Some(to.map_or_else(|| after.to_vec(), |end| end.min(after.to_vec())));
            }
            Some(after) => from = from.max([after, &[0]].concat()),
            None => {}
        }
        Span {
            from,
            to,
            limit: self.limit.min(limits::SCAN_ROWS),
            reverse: self.reverse,
        }
    }
}

/// A row's bytes. No key above the limit was ever written, and the store takes none.
pub(crate) fn get_row(view: &View, flat_key: &[u8]) -> Result<Option<Arc<[u8]>>, Error> {
    if flat_key.len() > limits::KEY_BYTES {
        return Ok(None);
    }
    Ok(view.get(Keyspace::State, flat_key)?)
}

impl Engine {
    /// A row's bytes.
    pub fn get(&self, flat_key: &[u8]) -> Result<Option<Arc<[u8]>>, Error> {
        get_row(&self.head().view, flat_key)
    }

    /// Rows of a table, in key order.
    pub fn scan(&self, range: &Range<'_>) -> Result<Rows, Error> {
        scan_view(&self.head().view, Keyspace::State, &range.span())
    }

    /// Entries of an index, in order.
    pub fn scan_index(&self, range: &Range<'_>) -> Result<Rows, Error> {
        scan_view(&self.head().view, Keyspace::Index, &range.span())
    }

    /// Asks a view at the last block. The answer is an encoded result.
    pub fn view(
        &self,
        contract: &str,
        method: &str,
        arguments: &[u8],
        sender: Option<&str>,
        gas: u64,
    ) -> Result<Vec<u8>, Error> {
        self.view_stepwise(contract, method, arguments, sender, gas, None)
    }

    /// Asks a view as [`Engine::view`] does, and records what it did step by step.
    pub fn trace_view(
        &self,
        contract: &str,
        method: &str,
        arguments: &[u8],
        sender: Option<&str>,
        gas: u64,
    ) -> Result<(Vec<u8>, Vec<Step>), Error> {
        let mut steps = Vec::new();
        let asked =
            self.view_stepwise(contract, method, arguments, sender, gas, Some(&mut steps))?;
        Ok((asked, steps))
    }

    fn view_stepwise(
        &self,
        contract: &str,
        method: &str,
        arguments: &[u8],
        sender: Option<&str>,
        gas: u64,
        steps: Option<&mut Vec<Step>>,
    ) -> Result<Vec<u8>, Error> {
        codec::cbor::check(arguments)?;
        let head = self.head();
        let signers: Vec<_> = sender
            .and_then(|id| head.directory.member(id))
            .cloned()
            .into_iter()
            .collect();
        let Some(deployed) = head.contracts.get(contract) else {
            let shown: String = contract.escape_debug().take(80).collect();
            let message = format!("no contract {shown} is deployed");
            let outcome = Err(Refusal::new("call.unknown_contract", message));
            return Ok(encoded(&TransactionResult {
                gas: 0,
                code: None,
                outcome,
            }));
        };
        let call = Call {
            contract,
            method,
            arguments,
            signers: &signers,
            key_ids: &[],
            now: head.header.time,
            height: head.height(),
            transaction_id: [0; 32],
            application: None,
            attachments: &[],
            directory: &head.directory,
            genesis_hash: self.genesis_hash(),
            contracts: &head.contracts,
            gas,
            timer_gas: self.genesis.parameters.timer_gas,
            read_only: true,
        };
        let block = BlockState::new(&head.view);
        let mut state = TransactionState::new(&block);
        let open = lifecycle::check_status(contract, deployed.status, true);
        let found = open.and_then(|()| find_method(&deployed.code, contract, method, true));
        let outcome = match found {
            Err(refusal) => (0, Err(refusal)),
            Ok(_) => {
                let run =
                    std::panic::AssertUnwindSafe(|| deployed.code.call(&call, &mut state, steps));
                let returned = std::panic::catch_unwind(run).map_err(|_| {
                    Error::new("engine.fault", "the engine failed inside this view")
                })?;
                let outcome = refused_all_the_same(&state, returned.outcome);
                (returned.gas, outcome)
            }
        };
        if let Some(failure) = state.take_failure() {
            return Err(failure);
        }
        let (gas, outcome) = outcome;
        let result = TransactionResult {
            gas,
            code: Some(deployed.source),
            outcome: outcome
                .map(|(value, _)| Success {
                    value,
                    events: Vec::new(),
                })
                .map_err(|refusal| in_file(refusal, &deployed.file)),
        };
        Ok(encoded(&result))
    }

    /// Height and position of a transaction's entry.
    pub fn locate(&self, id: &Hash32) -> Result<Option<(u64, u32)>, Error> {
        Ok(self
            .head()
            .view
            .get(Keyspace::Transactions, &id.0)?
            .and_then(|bytes| read_place(&bytes)))
    }

    /// Ids that begin with these bytes and, where given, this half byte.
    pub fn find(
        &self,
        prefix: &[u8],
        half: Option<u8>,
        limit: usize,
    ) -> Result<Vec<Hash32>, Error> {
        if let Some(half) = half.filter(|half| *half > 0x0f) {
            let message = format!("{half} is no hexadecimal digit");
            return Err(Error::new("id.bad_digit", message).hint("give 0 to 15"));
        }
        if prefix.len() > 32 {
            return Ok(Vec::new());
        }
        let mut from = prefix.to_vec();
        let mut to = key::prefix_end(prefix);
        if let Some(half) = half {
            from.push(half << 4);
            let mut end = prefix.to_vec();
            end.push(half << 4 | 0x0f);
            to = key::prefix_end(&end);
        }
        let head = self.head();
        let end = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let from = Bound::Included(from.as_slice());
        head.view
            .range(Keyspace::Transactions, from, end, false)
            .take(limit.min(limits::SCAN_ROWS))
            .map(|row| {
                let (key, _) = row?;
                let id: [u8; 32] = key
                    .as_ref()
                    .try_into()
                    .map_err(|_| Error::new("store.damaged", "an id of another length"))?;
                Ok(Hash32(id))
            })
            .collect()
    }

    /// A block; none beyond the last height. Height 0 has a genesis file, no block. A seal that came late stands in its place.
    pub fn block(&self, height: u64) -> Result<Option<Vec<u8>>, Error> {
        if height == 0 || height > self.height() {
            return Ok(None);
        }
        let Some(record) = self.store.record(height)? else {
            return Ok(None);
        };
        if !self.is_network() {
            return Ok(Some(record));
        }
        let seal = self.seal_of(height)?;
        let block = Block::decode(&record)?;
        let seal = block.seal.or(seal.as_deref());
        Ok(Some(Block { seal, ..block }.encode()))
    }

    /// Header bytes and seal of a height.
    pub fn header(&self, height: u64) -> Result<Option<head::Sealed>, Error> {
        let current = self.head();
        if height > current.height() {
            return Ok(None);
        }
        let Some((header, _)) = head::sealed(&current.view, height)? else {
            return Ok(None);
        };
        let seal = self.seal_of(height)?;
        Ok(Some((header, seal.map(|seal| seal.to_vec()))))
    }

    /// The genesis file.
    pub fn genesis_file(&self) -> Vec<u8> {
        crate::formats::evidence::genesis_file(&self.genesis.document, &self.genesis_header)
    }
}

fn encoded(result: &TransactionResult) -> Vec<u8> {
    let mut encoder = Encoder::new();
    result.encode_into(&mut encoder);
    encoder.into_bytes()
}

/// A refusal that has a line names the file as well.
fn in_file(mut refusal: Refusal, file: &str) -> Refusal {
    if refusal.line.is_some() {
        refusal.file.get_or_insert_with(|| file.to_owned());
    }
    refusal
}

/// An index entry's key, the row's flat key, and the row.
pub type IndexedRow = (Vec<u8>, Vec<u8>, Arc<[u8]>);

impl Engine {
    /// Rows whose index values begin with `range.prefix`, in the index's order; `index` is the first field of the index, or all
    /// joined by commas. `range.after` is the key of an index entry.
    pub fn index_rows(&self, range: &Range<'_>, index: &str) -> Result<Vec<IndexedRow>, Error> {
        let head = self.head();
        let found = head
            .contracts
            .get(range.contract)
            .and_then(|deployed| deployed.code.index(range.table, index));
        let Some((table, fields)) = found else {
            let message = format!(
                "{}.{} has no index {}",
                range.contract,
                range.table,
                index.escape_debug()
            );
            return Err(Error::new("table.unknown_index", message)
                .in_field("index")
                .hint("see the contract's interface"));
        };
        let start = key::prefix(range.contract, &table).len();
        let entries = Range {
            table: &table,
            ..*range
        };
        let mut rows = Vec::new();
        for (entry, _) in scan_view(&head.view, Keyspace::Index, &entries.span())? {
            let mut primary = key::Reader::new(&entry[start..]);
            for _ in 0..fields {
                primary.next_part()?;
            }
            let mut flat = key::prefix(range.contract, range.table);
            flat.extend_from_slice(primary.rest());
            let row = head.view.get(Keyspace::State, &flat)?;
            let row = row.ok_or_else(|| {
                crate::open::damaged("an index entry names a row that is not there")
            })?;
            rows.push((entry, flat, row));
        }
        Ok(rows)
    }
}
