//! Nanoseconds for a transaction payload of about 300 bytes, by processor time:
//! `cargo bench -p lianheng-codec`.

use std::hint::black_box;

use codec::cbor::{check, decode, encode, Decoder, Encoder, MapReader};
use codec::{key, Error};

const ROUNDS: u32 = 300_000;

fn main() {
    let bytes = payload();
    println!("payload of {} bytes", bytes.len());
    measure("typed decoder, arguments checked", || {
        typed(black_box(&bytes)).is_ok()
    });
    measure("check", || check(black_box(&bytes)).is_ok());
    measure("decode to a value", || decode(black_box(&bytes)).is_ok());
    let value = decode(&bytes).expect("encoded below");
    measure("encode a value", || encode(black_box(&value)).is_ok());
    measure("encode by hand", payload);
    measure("flat key of text and integer", flat);
    let flat = flat();
    measure("decode a flat key", || {
        key::decode(black_box(&flat)).is_ok()
    });
}

fn payload() -> Vec<u8> {
    let mut encoder = Encoder::with_capacity(320);
    encoder.map(9);
    encoder.int(1).text("trade-finance-2026");
    encoder.int(2).text("alice@bank-a");
    encoder.int(3).array(2).bytes(&[1; 32]).bytes(&[2; 32]);
    encoder.int(4).text("receivables");
    encoder.int(5).text("finance");
    encoder.int(6).map(4);
    encoder.text("id").text("PRG1502112-2026-00017");
    encoder
        .text("note")
        .text("financed against the confirmed invoice of November");
    encoder.text("amount").int(1_055_530);
    encoder.text("fingerprint").bytes(&[3; 32]);
    encoder.int(7).uint(1_795_363_200_000);
    encoder.int(8).bytes(&[4; 16]);
    encoder.int(9).uint(1_000_000);
    encoder.into_bytes()
}

/// Reads every field as the ledger does: no copy but of fixed sizes, arguments only checked.
fn typed(bytes: &[u8]) -> Result<u64, Error> {
    let mut decoder = Decoder::new(bytes);
    let mut fields = MapReader::open(&mut decoder)?;
    let mut sum = 0;
    while let Some(field) = fields.uint_key(&mut decoder)? {
        sum += match field {
            1 | 2 | 4 | 5 => decoder.text()?.len() as u64,
            3 => {
                let count = decoder.array()?;
                for _ in 0..count {
                    sum += u64::from(decoder.bytes_exact::<32>()?[0]);
                }
                count as u64
            }
            6 => decoder.skip()?.len() as u64,
            8 => u64::from(decoder.bytes_exact::<16>()?[0]),
            _ => decoder.uint()?,
        };
    }
    decoder.finish()?;
    Ok(sum)
}

fn flat() -> Vec<u8> {
    let mut flat = key::prefix("receivables", "items");
    key::push_text(&mut flat, "PRG1502112-2026-00017");
    key::push_int(&mut flat, 1_055_530);
    flat
}

fn measure<T>(name: &str, mut run: impl FnMut() -> T) {
    let busy = processor_seconds();
    let mut rounds = 0_u32;
    while processor_seconds() - busy < 1.0 {
        for _ in 0..ROUNDS {
            black_box(run());
        }
        rounds += ROUNDS;
    }
    let seconds = processor_seconds() - busy;
    println!("{name:40} {:>8.0} ns", seconds * 1e9 / f64::from(rounds));
}

/// User time of this process, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let user = stat
        .rsplit(')')
        .next()
        .and_then(|fields| fields.split_whitespace().nth(11));
    user.and_then(|ticks| ticks.parse::<f64>().ok())
        .expect("a number of ticks")
        / 100.0
}
