//! What a device asks a server, and what a server remembers of it. SPEC §23.2.

use crate::crypto::sha256;
use crate::derive::sign_input_hash;
use crate::error::Error;
use crate::labels;
use crate::wire::encode_length;
#[cfg(feature = "alloc")]
use alloc::collections::BTreeMap;
use core::fmt;

/// Greatest lengths in bytes. SPEC §23.2 [PRF-06]
const MAX_AUDIENCE_LEN: usize = 255;
const MAX_METHOD_LEN: usize = 32;
const MAX_SERVER_NONCE_LEN: usize = 64;

/// A request as a client sends it, or as a server received it: what a proof is over. SPEC §23.2
///
/// Nothing else of a request is covered: what its meaning depends on stands in target or body.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    audience: &'a [u8],
    method: &'a [u8],
    target: &'a [u8],
    body_hash: [u8; 32],
    server_nonce: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request without a body.
    ///
    /// `audience`: the server's name, 1 to 255 bytes, as client and server agreed on it; a server states its own, and never
    /// what a request says. `method`: 1 to 32 bytes, as sent. `target`: path and query, as sent.
    #[must_use]
    pub fn new(audience: &'a [u8], method: &'a [u8], target: &'a [u8]) -> Self {
        Self { audience, method, target, body_hash: sha256(&[]), server_nonce: &[] }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: &[u8]) -> Self {
        Self { body_hash: sha256(body), ..self }
    }

    /// Sets the SHA-256 of the body, for one that memory does not hold.
    #[must_use]
    pub const fn body_hash(self, hash: [u8; 32]) -> Self {
        Self { body_hash: hash, ..self }
    }

    /// Sets what the server gave the client for this request, 1 to 64 bytes; a server sets what it demands.
    #[must_use]
    pub const fn server_nonce(self, nonce: &'a [u8]) -> Self {
        Self { server_nonce: nonce, ..self }
    }

    /// SHA-256 of `SignInput("request proof", RequestInput)`. SPEC §23.2 [PRF-04] [PRF-06]
    pub(super) fn digest(&self, certificate_hash: &[u8; 32], time: u64, nonce: &[u8; 16]) -> Result<[u8; 32], Error> {
        let fits = (1..=MAX_AUDIENCE_LEN).contains(&self.audience.len())
            && (1..=MAX_METHOD_LEN).contains(&self.method.len())
            && self.server_nonce.len() <= MAX_SERVER_NONCE_LEN;
        if !fits {
            return Err(Error::Argument {
                what: "an empty or too long audience or method, or a too long server nonce",
            });
        }
        let [audience_len, method_len, nonce_len] =
            [self.audience, self.method, self.server_nonce].map(|vector| encode_length(vector.len()));
        let pieces: [&[u8]; 11] = [
            certificate_hash,
            audience_len.0.get(..audience_len.1).unwrap_or_default(),
            self.audience,
            method_len.0.get(..method_len.1).unwrap_or_default(),
            self.method,
            &sha256(self.target),
            &self.body_hash,
            &time.to_be_bytes(),
            nonce,
            nonce_len.0.get(..nonce_len.1).unwrap_or_default(),
            self.server_nonce,
        ];
        Ok(sign_input_hash(labels::REQUEST_PROOF, &pieces))
    }
}

impl fmt::Debug for Request<'_> {
    /// Neither target nor nonce: a log is no place for them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request(..)")
    }
}

/// What a server remembers of the proofs that it took, so that it takes none twice. SPEC §23.2 [PRF-05]
///
/// Servers that answer to one audience share it. A store that is behind an asynchronous API: note digest and `until`,
/// answer `true`, and ask the store before the request is acted on.
pub trait Replays {
    /// Whether `digest` comes for the first time; it is remembered then until `until` is reached.
    ///
    /// `now` and `until` are seconds since 1970-01-01T00:00:00Z by the verifier's clock. `false` also if it cannot be
    /// remembered: the request is then refused. Of two calls with one digest at the same time one gets `true` at most.
    fn first(&mut self, digest: &[u8; 32], now: u64, until: u64) -> bool;
}

/// [`Replays`] in memory, for a server of one process. What it holds is lost when the process ends: a server that starts
/// again refuses proofs, or demands a server nonce, for more than twice the clock's tolerance. SPEC §23.2
///
/// When it is full of proofs that could come again it refuses every request.
#[cfg(feature = "alloc")]
#[derive(Clone)]
pub struct RememberedProofs {
    until: BTreeMap<[u8; 32], u64>,
    max: usize,
    /// The least time until which one is remembered: before it, to look through all of them would find none to forget.
    next: u64,
    /// The greatest time until which one was remembered that is forgotten: a clock that is set back takes none of those again.
    forgotten: u64,
}

#[cfg(feature = "alloc")]
impl RememberedProofs {
    /// Holds at most `max` proofs: as many as come within twice the clock's tolerance, at least. Each takes some 50 bytes.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { until: BTreeMap::new(), max, next: u64::MAX, forgotten: 0 }
    }
}

#[cfg(feature = "alloc")]
impl Replays for RememberedProofs {
    fn first(&mut self, digest: &[u8; 32], now: u64, until: u64) -> bool {
        // The last second of all does not pass.
        if self.until.len() >= self.max && now >= self.next && self.next != u64::MAX {
            self.next = u64::MAX;
            self.until.retain(|_, until| {
                let kept = now < *until || *until == u64::MAX;
                if kept {
                    self.next = self.next.min(*until);
                } else {
                    self.forgotten = self.forgotten.max(*until);
                }
                kept
            });
        }
        let first = self.until.len() < self.max && until > self.forgotten && !self.until.contains_key(digest);
        if first {
            self.until.insert(*digest, until);
            self.next = self.next.min(until);
        }
        first
    }
}

#[cfg(feature = "alloc")]
impl fmt::Debug for RememberedProofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberedProofs").field("held", &self.until.len()).field("max", &self.max).finish()
    }
}
