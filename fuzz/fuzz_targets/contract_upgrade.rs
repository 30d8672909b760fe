#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::contract_upgrade::run(bytes);
});
targets::mutate_texts!();
