#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // A contract's source stands for its program.
    let begun = targets::program_bytes::begin(bytes, 0);
    targets::program_bytes::run(begun.as_deref().unwrap_or(bytes));
});
targets::mutate_trees!(0, targets::program_bytes::begin);
