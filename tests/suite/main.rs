//! All tests of the public API that need no program of their own: one program, since each is linked with all that the tests
//! use. `cargo test --test suite room_` runs those of modules whose names begin so. What takes many packages is in `tests/work`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::panic,
    clippy::unreachable,
    reason = "tests may fail loudly"
)]

#[path = "../common/mod.rs"]
mod common;

mod attacks;
mod attacks_again;
mod attacks_back;
mod attacks_batch;
mod attacks_honest;
mod attacks_kept;
mod attacks_keyring;
mod attacks_model;
mod attacks_people;
mod attacks_recent;
mod attacks_twin;
mod bip39;
mod det_keygen;
mod device_requests;
mod devices;
mod envelope;
mod hpke_differential;
mod identity;
mod keyring;
mod large;
mod layering;
mod malicious_server;
mod openssl;
mod padding;
mod peers_history;
mod properties;
mod recovery;
mod reject;
mod rfc9180;
mod room_attacks;
mod room_forks;
mod room_history;
mod room_joins;
mod room_life;
mod room_messages;
mod room_packages;
mod room_states;
mod salamanders;
mod single_epoch;
mod small;
mod spec_coverage;
mod types;
mod wycheproof;
mod wycheproof_rsa;
