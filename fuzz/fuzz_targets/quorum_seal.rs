#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::quorum_seal::run(bytes);
});
