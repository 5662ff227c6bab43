#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealroom_fuzz::device(bytes));
