//! Where the time of a block goes, with a contract written in Rust: `cargo run --release -p lianheng-engine --example throughput`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::{mpsc, Arc};
use std::time::{Duration, Instant};

use codec::cbor::Value;
use engine::{Engine, Prepared};
use rayon::prelude::*;
use support::{document_value, encode_document, seal, Draft, TestRuntime, GENESIS_TIME};

const ACCOUNTS: u64 = 100_000;
const BLOCK: usize = 4_000;
const BLOCKS: usize = 50;

fn document() -> Vec<u8> {
    let Value::Map(mut fields) = document_value("trade") else {
        unreachable!("a map")
    };
    for (name, value) in &mut fields {
        if *name == Value::text("parameters") {
            let Value::Map(parameters) = value else {
                unreachable!("a map")
            };
            for (name, value) in parameters {
                if *name == Value::text("block_gas") {
                    *value = Value::Int(1 << 40);
                }
                if *name == Value::text("block_transactions") {
                    *value = Value::Int(100_000);
                }
            }
        }
    }
    encode_document(&Value::Map(fields))
}

fn signed(
    engine: &Engine,
    from: u64,
    count: usize,
    draft: impl Fn(u64) -> Draft + Sync,
) -> Vec<Arc<[u8]>> {
    (from..from + count as u64)
        .into_par_iter()
        .map(|n| draft(n).sign(engine.genesis_hash()))
        .collect()
}

fn main() {
    let folder = tempfile::tempdir_in(".").expect("a folder");
    let engine =
        Engine::create(Some(folder.path()), &document(), Arc::new(TestRuntime)).expect("a ledger");
    let name = |n: u64| format!("acct-{n:06}");
    for first in (0..ACCOUNTS).step_by(10_000) {
        let puts = signed(&engine, first, 10_000, |n| {
            Draft::put(&name(n), 1_000_000, n)
        });
        commit(&engine, engine.prepare(puts), &mut Times::default());
    }
    let mixed = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let moves = signed(&engine, ACCOUNTS, BLOCK * BLOCKS, |n| {
        let (from, to) = (mixed(n) % ACCOUNTS, mixed(n + 7) % ACCOUNTS);
        let arguments = [
            ("from", Value::text(name(from))),
            ("to", Value::text(name(to))),
            ("amount", Value::Int(1)),
        ];
        Draft::new("move", &arguments, n)
    });
    let mut times = Times::default();
    let started = Instant::now();
    let (sender, receiver) = mpsc::sync_channel::<Prepared>(2);
    let prepared_in = std::thread::scope(|scope| {
        let engine = &engine;
        let preparer = scope.spawn(move || {
            let mut spent = Duration::ZERO;
            for batch in moves.chunks(BLOCK) {
                let begun = Instant::now();
                let prepared = engine.prepare(batch.to_vec());
                spent += begun.elapsed();
                sender.send(prepared).expect("the committer lives");
            }
            spent
        });
        for prepared in receiver {
            commit(engine, prepared, &mut times);
        }
        preparer.join().expect("no panic")
    });
    let seconds = started.elapsed().as_secs_f64();
    let total = (BLOCK * BLOCKS) as f64;
    let per = |duration: Duration| duration.as_secs_f64() * 1e6 / total;
    println!("{:.0} transactions a second", total / seconds);
    println!(
        "prepare {:.1} us, execute {:.1} us, commit {:.1} us",
        per(prepared_in),
        per(times.execute),
        per(times.commit)
    );
    println!("refused {}, dropped {}", times.refused, times.dropped);
}

#[derive(Default)]
struct Times {
    execute: Duration,
    commit: Duration,
    refused: usize,
    dropped: usize,
}

fn commit(engine: &Engine, prepared: Prepared, times: &mut Times) {
    let begun = Instant::now();
    let pending = engine
        .execute(vec![prepared], GENESIS_TIME, None)
        .expect("a block");
    let sealed = pending.header().map(|(_, _, hash)| seal(engine, hash));
    times.execute += begun.elapsed();
    let begun = Instant::now();
    let outcomes = engine.commit(pending, sealed.as_deref()).expect("a commit");
    times.commit += begun.elapsed();
    for outcome in outcomes {
        let (_, refused, dropped) = outcome.counts().expect("counts");
        times.refused += refused;
        times.dropped += dropped;
    }
}
