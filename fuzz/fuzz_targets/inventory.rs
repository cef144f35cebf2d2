#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| certs_fuzz::checked("inventory", bytes));
