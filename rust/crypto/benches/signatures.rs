//! Signatures a second of one core, by processor time, so that other work on the machine does not
//! count: `cargo bench -p lianheng-crypto`.

use std::hint::black_box;
use std::time::Instant;

use crypto::{cose, Check, Hash32, PreparedCheck, PreparedKey, SigningKey, Suite};

const SECONDS: f64 = 1.0;
const SUITE: Suite = Suite::One;

struct Sample {
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
}

fn main() {
    one_by_one();
    for (signatures, keys) in [(64, 64), (256, 256), (4096, 4096), (4096, 100), (4096, 1)] {
        let samples = samples(signatures, keys);
        for threads in [1, 2] {
            many(
                &format!("{signatures} by {keys} keys, {threads} threads"),
                &samples,
                threads,
            );
        }
        prepared(
            &format!("{signatures} by {keys} prepared keys, 1 thread"),
            &samples,
        );
    }
    for bad_every in [256, 64, 8, 2, 1] {
        let mut samples = samples(4096, 4096);
        samples
            .iter_mut()
            .step_by(bad_every)
            .for_each(|sample| sample.message[0] ^= 1);
        many(
            &format!("4096 by 4096 keys, 1 in {bad_every} bad, 1 thread"),
            &samples,
            1,
        );
    }
    hashes();
    messages();
}

fn one_by_one() {
    let sample = &samples(1, 1)[0];
    measure("verify, single", 1, || {
        SUITE
            .verify(&sample.key, &sample.message, &sample.signature)
            .is_ok()
    });
    let key = SigningKey::from_seed(&[1; 32]);
    measure("sign", 1, || key.sign(&sample.message));
}

fn many(name: &str, samples: &[Sample], threads: usize) {
    let checks: Vec<Check<'_>> = samples
        .iter()
        .map(|sample| Check {
            key: &sample.key,
            message: &sample.message,
            signature: &sample.signature,
        })
        .collect();
    in_pool(threads, || {
        measure(name, samples.len(), || SUITE.verify_many(&checks))
    });
}

fn prepared(name: &str, samples: &[Sample]) {
    let keys: Vec<PreparedKey> = samples
        .iter()
        .map(|sample| PreparedKey::new(&sample.key).expect("a public key"))
        .collect();
    let checks: Vec<PreparedCheck<'_>> = samples
        .iter()
        .zip(&keys)
        .map(|(sample, key)| PreparedCheck {
            key,
            message: &sample.message,
            signature: &sample.signature,
        })
        .collect();
    in_pool(1, || {
        measure(name, samples.len(), || SUITE.verify_many_prepared(&checks))
    });
}

fn hashes() {
    let bytes = [7_u8; 350];
    let (left, right) = (Hash32([1; 32]), Hash32([2; 32]));
    measure("hash of 32 bytes", 1, || {
        SUITE.hash(black_box(&bytes[..32]))
    });
    measure("hash of 350 bytes", 1, || SUITE.hash(black_box(&bytes)));
    measure("hash of two nodes, prefix of 16", 1, || {
        SUITE.hash_nodes(b"JMT::IntrnalNode", black_box(&left), black_box(&right))
    });
    measure("hash of two nodes, prefix of 1", 1, || {
        SUITE.hash_nodes(&[1], black_box(&left), black_box(&right))
    });
}

fn messages() {
    let key = SigningKey::from_seed(&[1; 32]);
    let bytes = cose::sign(SUITE, &[&key], &[9; 250], &[8; 32]).expect("one key signs");
    measure("parse a COSE_Sign1", 1, || {
        cose::parse(SUITE, black_box(&bytes), 16).is_ok()
    });
    let signed = cose::parse(SUITE, &bytes, 16).expect("signed above");
    measure("signing input", 1, || {
        cose::signing_input(&signed, 0, &[8; 32])
    });
    measure("key id", 1, || SUITE.key_id(black_box(key.public())));
}

fn samples(count: usize, keys: usize) -> Vec<Sample> {
    let key = |index: usize| {
        let mut seed = [3; 32];
        seed[..8].copy_from_slice(&(index as u64).to_le_bytes());
        SigningKey::from_seed(&seed)
    };
    let keys: Vec<SigningKey> = (0..keys).map(key).collect();
    let sample = |index: usize| {
        let key = &keys[index % keys.len()];
        let message = [&(index as u64).to_le_bytes()[..], &[5; 342]].concat();
        Sample {
            key: *key.public(),
            signature: key.sign(&message),
            message,
        }
    };
    (0..count).map(sample).collect()
}

fn in_pool(threads: usize, run: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(run);
}

fn measure<T>(name: &str, count: usize, mut run: impl FnMut() -> T) {
    black_box(run());
    let (start, busy) = (Instant::now(), processor_seconds());
    let mut done = 0_u64;
    while processor_seconds() - busy < SECONDS {
        for _ in 0..(1000 / count).max(1) {
            black_box(run());
            done += count as u64;
        }
    }
    let (core, wall) = (processor_seconds() - busy, start.elapsed().as_secs_f64());
    let rate = done as f64;
    println!(
        "{name:45} {:>12.0} a core-second {:>12.0} a second",
        rate / core,
        rate / wall
    );
}

/// User and system time of this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) / 100.0
}
