#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::script_source::run(bytes);
});
targets::mutate_texts!();
