#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::row_bytes::run(bytes);
});
targets::mutate_trees!(1, targets::row_bytes::begin);
