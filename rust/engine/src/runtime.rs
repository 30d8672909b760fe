//! How the engine sees contracts: small traits, so that another virtual machine can stand beside ours.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use codec::cbor::Value;

use crate::formats::result::Refusal;
use crate::members::{Directory, Member, Rule};
use crate::overlay::TransactionState;
use crate::Error;

/// What is to be called, by whom, and for how much gas.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// Contract called.
    pub contract: &'a str,
    /// Method called.
    pub method: &'a str,
    /// Arguments: one canonical map.
    pub arguments: &'a [u8],
    /// The only source that may run, where one is meant.
    pub code: Option<crypto::Hash32>,
    /// Members who agree: signers, the sender first, or those who approved.
    pub signers: &'a [Arc<Member>],
    /// The keys that signed, in the same order; none where members approved.
    pub key_ids: &'a [crypto::Hash32],
    /// Id of the transaction, or of the chain's own run.
    pub id: crypto::Hash32,
    /// Application that the transaction names.
    pub application: Option<&'a str>,
    /// Attachments that the transaction names.
    pub attachments: &'a [[u8; 32]],
    /// Most gas.
    pub gas: u64,
}

/// What a call knows of its surroundings.
pub struct Call<'a> {
    /// Name under which the contract is deployed.
    pub contract: &'a str,
    /// Method called.
    pub method: &'a str,
    /// Arguments: one canonical map.
    pub arguments: &'a [u8],
    /// Signers; the first is the sender's.
    pub signers: &'a [Arc<Member>],
    /// The keys that signed, in the same order.
    pub key_ids: &'a [crypto::Hash32],
    /// Block time, ms.
    pub now: u64,
    /// Height of the block.
    pub height: u64,
    /// Id of the transaction; zeros for a view.
    pub transaction_id: [u8; 32],
    /// Application that the transaction names.
    pub application: Option<&'a str>,
    /// Attachments that the transaction names.
    pub attachments: &'a [[u8; 32]],
    /// Organisations, members and keys in force at the last block.
    pub directory: &'a Directory,
    /// Hash of the chain's genesis header.
    pub genesis_hash: crypto::Hash32,
    /// Name of the chain.
    pub chain: &'a str,
    /// Contracts in force, which this one may call.
    pub contracts: &'a Contracts,
    /// Most gas.
    pub gas: u64,
    /// Most gas that a timer may carry.
    pub timer_gas: u64,
    /// Whether writes are refused.
    pub read_only: bool,
}

/// An event as a contract announced it.
pub struct Emitted {
    /// Name of the contract, which another one may have called.
    pub contract: String,
    /// Name of the event.
    pub name: String,
    /// Its data, an encoded map.
    pub data: Vec<u8>,
}

/// What came of a call.
pub struct Returned {
    /// Gas used.
    pub gas: u64,
    /// Value and events, or why not.
    pub outcome: Result<(Vec<u8>, Vec<Emitted>), Refusal>,
}

/// One step of a traced call.
#[derive(Clone, Debug)]
pub enum Step {
    /// A line begins; gas used so far.
    Line(u32, u64),
    /// Another contract begins, or goes on: name and file. The first one is the called one.
    Contract(String, String),
    /// A row was read: flat key, value.
    Read(Vec<u8>, Option<Vec<u8>>),
    /// A row was written: flat key, value.
    Write(Vec<u8>, Option<Vec<u8>>),
}

/// A loaded contract.
pub trait Contract: Send + Sync {
    /// Policy text and whether it only reads, of a method that may be called.
    fn method(&self, name: &str) -> Option<(&str, bool)>;
    /// The policy of a call, where its text is one.
    fn rule(&self, name: &str) -> Option<Arc<Rule>>;
    /// Name of a method's first parameter, which says what the call is about.
    fn first_argument(&self, _name: &str) -> Option<&str> {
        None
    }
    /// Names of the methods, for a helpful refusal.
    fn methods(&self) -> Vec<String>;
    /// Runs a method. MUST be deterministic; MAY panic, which the engine catches.
    fn call(
        &self,
        call: &Call<'_>,
        state: &mut TransactionState<'_, '_>,
        steps: Option<&mut Vec<Step>>,
    ) -> Returned;
    /// Runs a timer that fell due, as [`Contract::call`] runs a method.
    fn timer(
        &self,
        call: &Call<'_>,
        _state: &mut TransactionState<'_, '_>,
        _steps: Option<&mut Vec<Step>>,
    ) -> Returned {
        let message = format!("the contract has no timer {}", call.method);
        Returned {
            gas: 0,
            outcome: Err(Refusal::new("call.unknown_method", message)),
        }
    }
    /// Table part of an index's keys and its number of fields; `name` is its first field, or all joined by commas.
    fn index(&self, _table: &str, _name: &str) -> Option<(String, usize)> {
        None
    }
    /// Entries of a row in the indexes of its table; none where it is no row of a table.
    fn index_entries(
        &self,
        _contract: &str,
        _flat: &[u8],
        _row: &[u8],
    ) -> Result<Vec<Vec<u8>>, Error> {
        Ok(Vec::new())
    }
    /// What an upgrade from `old` changes, in words; refuses where the runtimes differ.
    fn changes(&self, _old: &dyn Contract) -> Result<Vec<Change>, Refusal> {
        Err(no_upgrade())
    }
    /// Brings the state of `old` to this contract's layout. `source` counts the sources before.
    fn upgrade(
        &self,
        _old: &dyn Contract,
        _source: u64,
        _call: &Call<'_>,
        _state: &mut TransactionState<'_, '_>,
    ) -> Returned {
        Returned {
            gas: 0,
            outcome: Err(no_upgrade()),
        }
    }
    /// Refuses where a contract that this one uses does not offer what it expects; `own` is its name.
    fn check_uses(&self, _own: &str, _contracts: &Contracts) -> Result<(), Refusal> {
        Ok(())
    }
    /// Itself, for a runtime that knows its own contracts again.
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        None
    }
    /// The declaration, for people and tools.
    fn interface(&self) -> Value;
}

/// One difference between a contract and the one that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is about, such as `table items`.
    pub what: String,
    /// The difference in words.
    pub how: String,
    /// Whether stored rows do not fit as they are.
    pub needs_migration: bool,
}

pub(crate) fn no_upgrade() -> Refusal {
    Refusal::new(
        "contract.no_upgrade",
        "this kind of contract cannot be upgraded",
    )
    .hint("deploy the new source under another name")
}

/// A complaint about a source.
pub struct Complaint {
    /// Stable code.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Deployed sources by the first digits of their hashes: all that begin so, with their texts.
pub type Imports = BTreeMap<String, Vec<(crypto::Hash32, String)>>;

/// Compiles and loads contracts.
pub trait Runtime: Send + Sync {
    /// Source to code bytes.
    fn compile(&self, source: &str, file: &str) -> Result<Vec<u8>, Vec<Complaint>>;
    /// The digits of deployed sources' hashes that a source may import.
    fn imports(&self, _source: &str) -> Vec<String> {
        Vec::new()
    }
    /// Source to code bytes, with the deployed sources that it imports.
    fn compile_with(
        &self,
        source: &str,
        file: &str,
        _imports: &Imports,
    ) -> Result<Vec<u8>, Vec<Complaint>> {
        self.compile(source, file)
    }
    /// Code bytes to a contract.
    fn load(&self, code: &[u8]) -> Result<Arc<dyn Contract>, Error>;
}

/// Contracts in force at the last block. Cloned only when it changes.
#[derive(Clone, Default)]
pub struct Contracts {
    by_name: HashMap<String, Deployed>,
}

/// A contract in force.
#[derive(Clone)]
pub struct Deployed {
    /// Source hash.
    pub source: crypto::Hash32,
    /// File name.
    pub file: String,
    /// The loaded code.
    pub code: Arc<dyn Contract>,
    /// Number of its last row in `contracts.versions`.
    pub version: i64,
    /// How many other sources were in force before this one.
    pub sources_before: u64,
    /// Whether it may be called.
    pub status: Status,
}

/// Whether a contract may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Active,
    /// Its views only, until it is thawed.
    Frozen,
    /// Never again.
    Retired,
}

impl Status {
    /// As the state has it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Frozen => "frozen",
            Status::Retired => "retired",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Status::Active, Status::Frozen, Status::Retired];
        all.into_iter().find(|status| status.name() == name)
    }
}

impl Contracts {
    /// The contract with this name.
    pub fn get(&self, name: &str) -> Option<&Deployed> {
        self.by_name.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Deployed)> {
        self.by_name.iter()
    }

    /// Puts a contract in force.
    pub fn insert(&mut self, name: String, deployed: Deployed) {
        self.by_name.insert(name, deployed);
    }
}
