//! What the benches share.

/// Which code the primitives are: a group's name begins with it, so that runs with either stand beside each other.
pub(crate) const BACKEND: &str = if cfg!(feature = "aws-lc-rs") { "aws-lc-rs" } else { "rustcrypto" };
