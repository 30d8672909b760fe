//! What an organisation may have of the chain: its weight in each block, the bytes of rows that it keeps.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use codec::cbor::{self, Encoder, Value};
use codec::key;
use store::{Keyspace, View};

use crate::engine::Engine;
use crate::formats::genesis::Parameters;
use crate::formats::names;
use crate::formats::result::Refusal;
use crate::formats::transaction::Payload;
use crate::members::{damaged, NewRow, Organisations};
use crate::{limits, Error};

/// Contract name under which shares live in the state.
pub const CONTRACT: &str = "shares";

/// Contract name under which the chain keeps its own rows.
const CHAIN: &str = "chain";

/// Table of the bytes that organisations keep.
const STORAGE: &str = "storage";

/// Weight of an organisation for which the chain set none.
const WEIGHT: u64 = 1;

/// Weights and limits that the chain set.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    weights: BTreeMap<String, u64>,
    storage: BTreeMap<String, u64>,
    /// Sizes of blocks, by the names of parameters.
    blocks: BTreeMap<String, u64>,
}

impl Shares {
    /// Takes in a row of the contract `shares`; versions of one subject MUST come in ascending order.
    pub(crate) fn take(&mut self, table: &str, name: String, value: &[u8]) -> Result<(), Error> {
        let row = cbor::decode(value)?;
        let number = |field: &str| match row.get(field) {
            Some(Value::Int(number)) => u64::try_from(*number).map_err(|_| damaged(field)),
            _ => Err(damaged(field)),
        };
        match table {
            "weights" => drop(self.weights.insert(name, number("weight")?.max(1))),
            "blocks" => drop(self.blocks.insert(name, number("value")?)),
            "limits" => drop(self.storage.insert(name, number("bytes")?)),
            _ => {}
        }
        Ok(())
    }

    /// Weight of an organisation.
    pub fn weight(&self, organisation: &str) -> u64 {
        self.weights.get(organisation).copied().unwrap_or(WEIGHT)
    }

    /// Weight of all organisations in force together.
    pub fn total(&self, organisations: &Organisations) -> u64 {
        let set = self.weights.iter();
        let set = set.filter(|(name, _)| organisations.is_active(name));
        let more = set.map(|(_, weight)| weight.saturating_sub(WEIGHT));
        more.fold(organisations.active() as u64 * WEIGHT, u64::saturating_add)
    }

    /// The parameters in force: those of the genesis, with the sizes of blocks that the chain set. A block has room for one longest
    /// transaction, whatever was set.
    pub fn in_force(&self, genesis: &Parameters) -> Parameters {
        let set = |name: &str, first: u64| self.blocks.get(name).copied().unwrap_or(first);
        let bytes = set("block_bytes", genesis.block_bytes);
        Parameters {
            block_bytes: bytes.max(genesis.transaction_bytes),
            block_gas: set("block_gas", genesis.block_gas).max(1),
            block_transactions: set("block_transactions", genesis.block_transactions).max(1),
            ..genesis.clone()
        }
    }

    /// Most bytes of rows that an organisation keeps; none where it has no limit.
    pub fn storage_limit(&self, organisation: &str) -> Option<u64> {
        let limit = self.storage.get(organisation).copied();
        limit.filter(|limit| *limit > 0)
    }
}

/// Gas of each organisation in a block.
pub(crate) type BlockGas = Vec<(Arc<str>, u64)>;

/// The books of one block: bytes of rows, and gas, of each organisation.
#[derive(Default)]
pub(crate) struct Books {
    accounts: HashMap<Arc<str>, Account>,
}

#[derive(Clone, Copy, Default)]
struct Account {
    before: i64,
    bytes: i64,
    gas: u64,
}

impl Books {
    fn account(&mut self, view: &View, organisation: &Arc<str>) -> Result<&mut Account, Error> {
        if !self.accounts.contains_key(organisation) {
            let bytes = stored_bytes(view, organisation)?;
            let account = Account {
                before: bytes,
                bytes,
                gas: 0,
            };
            self.accounts.insert(Arc::clone(organisation), account);
        }
        Ok(self.accounts.entry(Arc::clone(organisation)).or_default())
    }

    /// Books bytes that rows grew by, or shrank.
    pub fn grow(&mut self, view: &View, organisation: &Arc<str>, by: i64) -> Result<(), Error> {
        if by != 0 && !organisation.is_empty() {
            let account = self.account(view, organisation)?;
            account.bytes = account.bytes.saturating_add(by);
        }
        Ok(())
    }

    /// Books gas, for those who watch; no rule depends on it.
    pub fn burn(&mut self, view: &View, organisation: &Arc<str>, gas: u64) -> Result<(), Error> {
        if !organisation.is_empty() {
            let account = self.account(view, organisation)?;
            account.gas = account.gas.saturating_add(gas);
        }
        Ok(())
    }

    /// Why an organisation cannot keep so much more, if it cannot.
    pub fn check(
        &mut self,
        view: &View,
        shares: &Shares,
        organisation: &Arc<str>,
        by: i64,
    ) -> Result<Option<Refusal>, Error> {
        let Some(limit) = shares.storage_limit(organisation).filter(|_| by > 0) else {
            return Ok(None);
        };
        let kept = self.account(view, organisation)?.bytes;
        let after = kept.saturating_add(by);
        if after <= i64::try_from(limit).unwrap_or(i64::MAX) {
            return Ok(None);
        }
        let message = format!(
            "{organisation} keeps {kept} bytes of rows, this call adds {by}, its limit is {limit}"
        );
        let hint = "delete rows that nobody needs, or propose another limit: `shares.set_storage`";
        Ok(Some(Refusal::new("limit.storage", message).hint(hint)))
    }

    /// The rows that changed, and the gas of each organisation, ascending.
    pub fn close(self) -> (Vec<NewRow>, BlockGas) {
        let sorted: BTreeMap<_, _> = self.accounts.into_iter().collect();
        let changed = sorted.iter();
        let changed = changed.filter(|(_, account)| account.bytes != account.before);
        let rows = changed.map(|(name, account)| {
            let mut value = Encoder::with_capacity(16);
            value.map(1).text("bytes").int(account.bytes);
            (storage_key(name), value.into_bytes())
        });
        let rows = rows.collect();
        let gas = sorted.into_iter();
        (
            rows,
            gas.map(|(name, account)| (name, account.gas)).collect(),
        )
    }
}

/// Gas of the last blocks that this process committed, for those who watch.
#[derive(Default)]
pub(crate) struct Usage {
    blocks: VecDeque<BlockGas>,
}

/// What an organisation has of the chain.
pub struct Part {
    /// Its name.
    pub organisation: String,
    /// Its weight in each block.
    pub weight: u64,
    /// Gas of its calls and timers in the last blocks that this process committed.
    pub gas: u64,
    /// Bytes of rows that it keeps.
    pub storage: i64,
    /// Most bytes of rows that it may keep, where it has a limit.
    pub storage_limit: Option<u64>,
}

impl Engine {
    pub(crate) fn note_usage(&self, block: BlockGas) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.blocks.push_back(block);
        if usage.blocks.len() > limits::USAGE_BLOCKS {
            usage.blocks.pop_front();
        }
    }

    /// Weights that the chain set, by organisation; all others have 1.
    pub fn weights(&self) -> BTreeMap<String, u64> {
        self.head().directory.shares().weights.clone()
    }

    /// The parameters in force for the next block.
    pub fn parameters(&self) -> Parameters {
        let head = self.head();
        head.directory.shares().in_force(&self.genesis().parameters)
    }

    /// The organisation in force that a transaction claims to come from; its signatures are not checked.
    pub fn claimed_organisation(&self, transaction: &[u8]) -> Option<String> {
        let most = usize::try_from(self.genesis().parameters.transaction_signers).ok()?;
        let parsed = crypto::cose::parse(self.suite(), transaction, most).ok()?;
        let payload = Payload::decode(parsed.payload, 0).ok()?;
        let sender = std::str::from_utf8(parsed.payload.get(payload.sender)?).ok()?;
        let name = names::organisation_of(sender);
        let active = self.head().directory.organisations().is_active(name);
        active.then(|| name.to_owned())
    }

    /// What each organisation in force has of the chain, in the order of names, and in how many blocks its gas was counted.
    pub fn parts(&self) -> Result<(Vec<Part>, usize), Error> {
        let head = self.head();
        let mut gas: HashMap<Arc<str>, u64> = HashMap::new();
        let usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = usage.blocks.len();
        for (name, used) in usage.blocks.iter().flatten() {
            let sum = gas.entry(Arc::clone(name)).or_default();
            *sum = sum.saturating_add(*used);
        }
        drop(usage);
        let shares = head.directory.shares();
        let parts = head.directory.organisations().names().map(|name| {
            Ok(Part {
                organisation: name.to_owned(),
                weight: shares.weight(name),
                gas: gas.get(name).copied().unwrap_or(0),
                storage: stored_bytes(&head.view, name)?,
                storage_limit: shares.storage_limit(name),
            })
        });
        Ok((parts.collect::<Result<_, Error>>()?, blocks))
    }
}

fn storage_key(organisation: &str) -> Vec<u8> {
    let mut flat = key::prefix(CHAIN, STORAGE);
    key::push_text(&mut flat, organisation);
    flat
}

/// Bytes of rows that an organisation keeps. Below zero where it deleted more than it made.
pub(crate) fn stored_bytes(view: &View, organisation: &str) -> Result<i64, Error> {
    let Some(row) = view.get(Keyspace::State, &storage_key(organisation))? else {
        return Ok(0);
    };
    match cbor::decode(&row)?.get("bytes") {
        Some(Value::Int(bytes)) => Ok(*bytes),
        _ => Err(damaged("bytes")),
    }
}
