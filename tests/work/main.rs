//! Tests of the public API with many packages, and with few that are made to be costly: with a backend whose operations with keys
//! are fast, too, by which what is not linear shows. `cargo test --test work --features aws-lc-rs` runs them with that.

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

mod attacks_ends;
mod attacks_given;
mod attacks_read;
mod attacks_restore;
mod attacks_unread;
mod attacks_work;
mod many;
