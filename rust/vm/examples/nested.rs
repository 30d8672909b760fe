//! What a transfer costs when another contract makes it (state in memory, no signature), beside the same transfer made directly.

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Instant;

use codec::cbor::Value;
use common::{arguments, compiled, text, Ledger, Memory};
use vm::{Bound, CallContext, ContractCall, Host, HostError, Nested, Outcome, Program};

const TRANSFER: &str = include_str!("../tests/contracts/transfer.py");

const TILL: &str = r#"
from lianheng.contract import Contract, Interface, Uses, call

class Bank(Interface):
    @call
    def transfer(self, source: str, target: str, amount: int) -> None: ...

class Till(Contract):
    bank = Uses(Bank, contract="test")

    @call(by="role:operator")
    def pay(self, source: str, target: str, amount: int) -> None:
        self.bank.transfer(source, target, amount)
"#;

/// Rounds over a thousand accounts; the best of them counts.
const ROUNDS: usize = 100;

/// The state, and the one contract that another may call.
struct Two<'p> {
    state: Memory,
    bank: &'p Program,
    bound: Bound,
}

impl Host for Two<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Arc<[u8]>>, HostError> {
        self.state.get(key)
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.state.put(key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.state.delete(key);
    }

    fn scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Vec<u8>, Arc<[u8]>)>, HostError> {
        self.state.scan(from, to, limit, reverse)
    }

    fn index_put(&mut self, key: &[u8]) {
        self.state.index_put(key);
    }

    fn index_delete(&mut self, key: &[u8]) {
        self.state.index_delete(key);
    }

    fn index_scan(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, HostError> {
        self.state.index_scan(from, to, limit, reverse)
    }

    fn call_contract(&mut self, call: ContractCall<'_>) -> Nested {
        let (bank, bound) = (self.bank, self.bound.clone());
        vm::run_nested(bank, &bound, call, self)
    }
}

/// Nanoseconds and gas of one call, in the best round.
fn measure(
    program: &Program,
    method: &str,
    calls: &[Vec<u8>],
    contract: &str,
    host: &mut Two<'_>,
) -> (f64, u64) {
    let roles = ["operator".to_string()];
    let context = CallContext {
        contract,
        member: "alice@north",
        organisation: "north",
        roles: &roles,
        signers: &[],
        now_ms: 1,
        height: 1,
        transaction_id: [0; 32],
        application: None,
        attachments: &[],
        via: None,
        chain: "test",
        timer_gas: 50_000_000,
        read_only: false,
    };
    let (mut best, mut gas) = (f64::MAX, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for call in calls {
            match vm::run(program, method, call, &context, host, 1_000_000) {
                Outcome::Finished(finished) => gas = finished.gas,
                other => panic!("{other:?}"),
            }
        }
        best = best.min(start.elapsed().as_nanos() as f64 / calls.len() as f64);
    }
    (best, gas)
}

fn main() {
    let mut ledger = Ledger::new(TRANSFER);
    for account in 0..1000 {
        let id = ("id", text(&format!("account-{account}")));
        let balance = ("balance", Value::Int(1_000_000));
        ledger.finished("alice@north", "open", &[id, balance]);
    }
    let calls: Vec<Vec<u8>> = (0..1000)
        .map(|i| {
            let target = format!("account-{}", (i * 7 + 1) % 1000);
            arguments(&[
                ("source", text(&format!("account-{i}"))),
                ("target", text(&target)),
                ("amount", Value::Int(1)),
            ])
        })
        .collect();
    let (bank, till) = (compiled(TRANSFER), compiled(TILL));
    let bound = vm::bind(&till, 0, &bank).expect("the interface fits");
    let mut host = Two {
        state: ledger.state,
        bank: &bank,
        bound,
    };
    let (direct, gas) = measure(&bank, "transfer", &calls, "test", &mut host);
    println!(
        "direct {direct:.0} ns, {:.0} a second, {gas} gas",
        1e9 / direct
    );
    let (nested, gas) = measure(&till, "pay", &calls, "till", &mut host);
    println!(
        "nested {nested:.0} ns, {:.0} a second, {gas} gas",
        1e9 / nested
    );
}
