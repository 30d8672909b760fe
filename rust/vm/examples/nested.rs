//! What a transfer costs when another contract makes it (state in memory, no signature), beside the same transfer made directly.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use codec::cbor::Value;
use common::{arguments, compiled, text, Ledger, Linked};
use vm::{CallContext, Outcome, Program};

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

/// Nanoseconds and gas of one call, in the best round.
fn measure(
    program: &Program,
    method: &str,
    calls: &[Vec<u8>],
    contract: &str,
    host: &mut Linked<'_>,
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
    let mut host = Linked::new(ledger.state, &bank, Some(bound));
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
