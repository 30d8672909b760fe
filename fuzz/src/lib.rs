//! The bodies of the fuzz targets, and what they share; see README.md.

pub mod cbor_decode;
pub mod contract_source;
pub mod contract_upgrade;
pub mod cose_parse;
pub mod envelope_parts;
pub mod key_decode;
pub mod mutate;
pub mod program_bytes;
pub mod quorum_seal;
pub mod row_bytes;
pub mod script_source;

mod calls;
#[path = "../../rust/vm/tests/common/mod.rs"]
mod common;

/// How libFuzzer changes and crosses inputs that are Python.
#[macro_export]
macro_rules! mutate_texts {
    () => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let text = String::from_utf8_lossy(&data[..size]).into_owned();
            let mut random = targets::mutate::Random(seed.into());
            if random.below(8) == 0 {
                return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
            }
            let changed = targets::mutate::text::mutate(&text, &text, &mut random);
            targets::put(changed.as_bytes(), &mut data[..max_size])
        });
        libfuzzer_sys::fuzz_crossover!(|one: &[u8], two: &[u8], out: &mut [u8], seed: u32| {
            let (one, two) = (String::from_utf8_lossy(one), String::from_utf8_lossy(two));
            let mut random = targets::mutate::Random(seed.into());
            let changed = targets::mutate::text::mutate(&one, &two, &mut random);
            targets::put(changed.as_bytes(), out)
        });
    };
}

/// How libFuzzer changes and crosses inputs that are CBOR behind some bytes. Where an input is none,
/// `$begin` says what to begin with.
#[macro_export]
macro_rules! mutate_trees {
    ($skip:expr, $begin:expr) => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let mut random = targets::mutate::Random(seed.into());
            let skip = $skip.min(size);
            let input = data[skip..size].to_vec();
            match targets::mutate::tree::mutate(&input, &input, &mut random) {
                Some(changed) if random.below(8) > 0 => {
                    return skip + targets::put(&changed, &mut data[skip..max_size]);
                }
                Some(_) => {}
                None => {
                    let begin: Option<Vec<u8>> = $begin(&data[..size], random.next() as usize);
                    if let Some(begin) = begin.filter(|begin| begin.len() <= max_size) {
                        return targets::put(&begin, &mut data[..max_size]);
                    }
                }
            }
            libfuzzer_sys::fuzzer_mutate(data, size, max_size)
        });
        libfuzzer_sys::fuzz_crossover!(|one: &[u8], two: &[u8], out: &mut [u8], seed: u32| {
            let mut random = targets::mutate::Random(seed.into());
            let (skip, other) = ($skip.min(one.len()), $skip.min(two.len()));
            let changed = targets::mutate::tree::mutate(&one[skip..], &two[other..], &mut random);
            let mut whole = one[..skip].to_vec();
            whole.extend(changed.unwrap_or_else(|| two[other..].to_vec()));
            targets::put(&whole, out)
        });
    };
}

/// Copies what fits; gives its length.
pub fn put(bytes: &[u8], out: &mut [u8]) -> usize {
    let length = bytes.len().min(out.len());
    out[..length].copy_from_slice(&bytes[..length]);
    length
}
