//! The fuzz targets of this crate, for some seconds each, with mutations of known sources.

#[path = "../../../fuzz/src/calls.rs"]
mod calls;
mod common;
#[path = "../../../fuzz/src/contract_source.rs"]
mod contract_source;
#[path = "../../../fuzz/src/contract_upgrade.rs"]
mod contract_upgrade;
#[path = "../../../fuzz/src/mutate/mod.rs"]
mod mutate;
#[path = "../../../fuzz/src/program_bytes.rs"]
mod program_bytes;
#[path = "../../../fuzz/src/row_bytes.rs"]
mod row_bytes;
#[path = "../../../fuzz/src/script_source.rs"]
mod script_source;
#[path = "../../../fuzz/short_run.rs"]
mod short_run;

use mutate::Random;

/// Runs of a target that compiles and runs a text.
const TEXTS: u64 = 3_000;
/// Runs of a target that reads bytes.
const BYTES: u64 = 20_000;

const CONTRACTS: [&str; 5] = [
    include_str!("contracts/toolshed.py"),
    include_str!("contracts/transfer.py"),
    include_str!("contracts/receivables.py"),
    row_bytes::CONTRACT,
    include_str!("contracts/market.py"),
];
const SCRIPTS: [&str; 4] = [
    include_str!("snippets/containers.txt"),
    include_str!("snippets/control.txt"),
    include_str!("snippets/numbers.txt"),
    include_str!("snippets/text.txt"),
];

fn texts(one: &[u8], two: &[u8], seed: u64) -> Vec<u8> {
    let (one, two) = (String::from_utf8_lossy(one), String::from_utf8_lossy(two));
    mutate::text::mutate(&one, &two, &mut Random(seed)).into_bytes()
}

/// Trees behind a number of bytes; any bytes where there is none.
fn trees(skip: usize) -> impl Fn(&[u8], &[u8], u64) -> Vec<u8> {
    move |one, two, seed| {
        let (at, other) = (skip.min(one.len()), skip.min(two.len()));
        let tree = mutate::tree::mutate(&one[at..], &two[other..], &mut Random(seed));
        [&one[..at], &tree.unwrap_or_else(|| two[other..].to_vec())].concat()
    }
}

fn sources() -> Vec<Vec<u8>> {
    CONTRACTS
        .iter()
        .map(|source| source.as_bytes().to_vec())
        .collect()
}

#[test]
fn sources_of_contracts() {
    short_run::fuzz_by(TEXTS, 3, sources(), texts, contract_source::run);
}

#[test]
fn sources_of_scripts() {
    let bodies = SCRIPTS.iter().flat_map(|file| file.split("\n---\n"));
    let seeds = bodies.map(|body| {
        let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
        format!("def f():\n{lines}\nprint(f())\n").into_bytes()
    });
    short_run::fuzz_by(TEXTS, 4, seeds.collect(), texts, script_source::run);
}

#[test]
fn upgrades() {
    let divider = contract_upgrade::DIVIDER;
    let pair = |one: &str, two: &str| format!("{one}{divider}{two}").into_bytes();
    let same = CONTRACTS.iter().map(|one| pair(one, one));
    let others = CONTRACTS.windows(2).map(|two| pair(two[0], two[1]));
    let seeds = same.chain(others).collect();
    short_run::fuzz_by(TEXTS, 5, seeds, texts, contract_upgrade::run);
}

#[test]
fn bytes_of_programs() {
    let seeds = sources()
        .iter()
        .filter_map(|source| program_bytes::begin(source, 0))
        .collect();
    short_run::fuzz_by(BYTES, 6, seeds, trees(0), program_bytes::run);
}

#[test]
fn bytes_of_rows() {
    assert!(row_bytes::begin(&[], 0).is_some());
    short_run::fuzz_by(BYTES, 7, row_bytes::seeds(), trees(1), row_bytes::run);
}
