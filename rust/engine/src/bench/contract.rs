//! How long calls of a contract take: through the state that a transaction sees, without
//! transactions, signatures and blocks.

use std::sync::Arc;
use std::time::Instant;

use crypto::Suite;
use store::{Options, Store};

use crate::contract_python::ContractPython;
use crate::members::{Directory, Member};
use crate::overlay::{BlockState, TransactionState};
use crate::runtime::{Call, Contract, Contracts, Runtime};
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

/// Deploys a source into an empty state in memory, makes the calls of `first`, then runs each of
/// `calls` once a round. What they write is dropped after the call, or kept with `keep`.
pub fn contract(
    source: &str,
    first: &[BenchCall],
    calls: &[BenchCall],
    rounds: usize,
    keep: bool,
) -> Result<Vec<CallFigures>, Error> {
    let contract = loaded(source)?;
    let store = Store::in_memory(&Options::default());
    let view = store.view();
    let mut bench = Bench {
        contract,
        block: BlockState::new(&view),
        directory: directory()?,
        signers: [Arc::new(Member {
            id: MEMBER.to_owned(),
            organisation: "north".to_owned(),
            kind: "person".to_owned(),
            roles: vec!["operator".to_owned()],
        })],
    };
    for call in first {
        bench.run(call, true)?;
    }
    let mut figures = vec![CallFigures::default(); calls.len()];
    for _ in 0..rounds {
        for (call, found) in calls.iter().zip(&mut figures) {
            let (gas, nanoseconds) = bench.run(call, keep)?;
            found.gas = gas;
            found.nanoseconds.push(nanoseconds);
        }
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
    block: BlockState<'v>,
    directory: Directory,
    signers: [Arc<Member>; 1],
}

impl Bench<'_> {
    /// Gas and nanoseconds of one call.
    fn run(&mut self, (method, arguments): &BenchCall, keep: bool) -> Result<(u64, u64), Error> {
        let call = Call {
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
            contracts: &Contracts::default(),
            gas: GAS,
            chain: "bench",
            timer_gas: GAS,
            read_only: false,
        };
        let started = Instant::now();
        let mut state = TransactionState::new(&self.block);
        let returned = self.contract.call(&call, &mut state, None);
        let refusal = state.refusal();
        let changes = state.into_changes();
        if keep {
            self.block.absorb(changes);
        }
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
}
