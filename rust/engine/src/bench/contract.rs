//! How long calls of a contract take: through the state that a transaction sees, without
//! transactions, signatures and blocks.

use std::sync::Arc;
use std::time::Instant;

use crypto::Suite;
use store::{Options, Store, View};

use crate::contract_python::ContractPython;
use crate::formats::result::Refusal;
use crate::members::{Directory, Member};
use crate::overlay::{BlockState, TransactionState};
use crate::runtime::{Call, Contract, Contracts, Deployed, Returned, Runtime, Status};
use crate::Error;

/// A method and its encoded arguments.
pub type BenchCall = (String, Vec<u8>);

/// What [`contract`] measured of one call.
#[derive(Clone, Debug, Default)]
pub struct CallFigures {
    /// Gas of a run.
    pub gas: u64,
    /// Each run, ns.
    pub nanoseconds: Vec<u64>,
}

/// Who calls.
const MEMBER: &str = "alice@north";

/// Gas of every call: a bench measures work, not its end.
const GAS: u64 = u64::MAX;

/// What [`contract`] is to run.
#[derive(Clone, Debug, Default)]
pub struct Workload<'w> {
    /// The contract, deployed as `bench`.
    pub source: &'w str,
    /// Contracts that it may call: name and source.
    pub others: &'w [(String, String)],
    /// Calls that come before, and are kept.
    pub first: &'w [BenchCall],
    /// Calls that are measured, each once a round.
    pub calls: &'w [BenchCall],
    /// How often.
    pub rounds: usize,
    /// Whether what the measured calls write is kept, or dropped after each.
    pub keep: bool,
}

/// Deploys sources into an empty state in memory and makes calls.
pub fn contract(work: &Workload<'_>) -> Result<Vec<CallFigures>, Error> {
    let store = Store::in_memory(&Options::default());
    let view = store.view();
    let mut bench = Bench::new(&view, work.source, work.others)?;
    for call in work.first {
        bench.run(call, true)?;
    }
    let mut figures = vec![CallFigures::default(); work.calls.len()];
    for _ in 0..work.rounds {
        for (call, found) in work.calls.iter().zip(&mut figures) {
            found.note(bench.run(call, work.keep)?);
        }
    }
    Ok(figures)
}

/// Deploys `old` into an empty state in memory, makes the calls of `first`, and upgrades it to
/// `new` once a round; what an upgrade writes is dropped after it.
pub fn upgrade(
    old: &str,
    new: &str,
    first: &[BenchCall],
    rounds: usize,
) -> Result<CallFigures, Error> {
    let store = Store::in_memory(&Options::default());
    let view = store.view();
    let mut bench = Bench::new(&view, old, &[])?;
    for call in first {
        bench.run(call, true)?;
    }
    let new = loaded(new)?;
    let mut figures = CallFigures::default();
    for _ in 0..rounds {
        figures.note(bench.upgrade(new.as_ref())?);
    }
    Ok(figures)
}

/// The caller, registered with a key: that of RFC 8032, section 7.1, test 1.
fn directory() -> Result<Directory, Error> {
    let key = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ];
    Directory::of_member(MEMBER, "north", key, Suite::One)
}

fn loaded(source: &str) -> Result<Arc<dyn Contract>, Error> {
    let code = ContractPython
        .compile(source, "bench.py")
        .map_err(|found| {
            let first = found.first();
            let why = first.map_or_else(String::new, |c| format!("line {}: {}", c.line, c.message));
            Error::new("bench.contract", format!("it does not compile: {why}"))
        })?;
    ContractPython.load(&code)
}

struct Bench<'v> {
    contract: Arc<dyn Contract>,
    others: Contracts,
    block: BlockState<'v>,
    directory: Directory,
    signers: [Arc<Member>; 1],
}

/// Gas and nanoseconds.
type Spent = (u64, u64);

impl CallFigures {
    fn note(&mut self, (gas, nanoseconds): Spent) {
        self.gas = gas;
        self.nanoseconds.push(nanoseconds);
    }
}

impl<'v> Bench<'v> {
    fn new(view: &'v View, source: &str, others: &[(String, String)]) -> Result<Self, Error> {
        let mut contracts = Contracts::default();
        for (name, source) in others {
            let deployed = Deployed {
                source: Suite::One.hash(source.as_bytes()),
                file: format!("{name}.py"),
                code: loaded(source)?,
                version: 0,
                sources_before: 0,
                status: Status::Active,
            };
            contracts.insert(name.clone(), deployed);
        }
        Ok(Bench {
            contract: loaded(source)?,
            others: contracts,
            block: BlockState::new(view),
            directory: directory()?,
            signers: [Arc::new(Member {
                id: MEMBER.to_owned(),
                organisation: "north".to_owned(),
                kind: "person".to_owned(),
                roles: vec!["operator".to_owned()],
            })],
        })
    }

    fn call<'c>(&'c self, method: &'c str, arguments: &'c [u8]) -> Call<'c> {
        Call {
            contract: "bench",
            method,
            arguments,
            signers: &self.signers,
            key_ids: &[crypto::Hash32([7; 32])],
            now: 1_700_000_000_000,
            height: 7,
            transaction_id: [1; 32],
            application: Some("bench"),
            attachments: &[[2; 32]],
            directory: &self.directory,
            genesis_hash: crypto::Hash32([9; 32]),
            contracts: &self.others,
            gas: GAS,
            chain: "bench",
            timer_gas: GAS,
            read_only: false,
        }
    }

    fn run(&mut self, (method, arguments): &BenchCall, keep: bool) -> Result<Spent, Error> {
        let call = self.call(method, arguments);
        let started = Instant::now();
        let mut state = TransactionState::new(&self.block);
        let returned = self.contract.call(&call, &mut state, None);
        let refusal = state.refusal();
        let changes = state.into_changes();
        if keep {
            self.block.absorb(changes);
        }
        ended(method, returned, refusal, started)
    }

    fn upgrade(&mut self, new: &dyn Contract) -> Result<Spent, Error> {
        let call = self.call("upgrade", &[]);
        let started = Instant::now();
        let mut state = TransactionState::new(&self.block);
        let returned = new.upgrade(self.contract.as_ref(), 0, &call, &mut state);
        let refusal = state.refusal();
        ended("upgrade", returned, refusal, started)
    }
}

/// What a run spent; an error where it was refused.
fn ended(
    method: &str,
    returned: Returned,
    refusal: Option<Refusal>,
    started: Instant,
) -> Result<Spent, Error> {
    let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    match returned.outcome.err().or(refusal) {
        None => Ok((returned.gas, nanoseconds)),
        Some(refusal) => {
            let line = refusal.line.unwrap_or_default();
            let why = format!(
                "{method}, line {line}: {}: {}",
                refusal.code, refusal.message
            );
            Err(Error::new("bench.refused", why))
        }
    }
}
