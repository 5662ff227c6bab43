//! What `bench.mjs` times: each scenario runs as often as it says, checks its result, and tells by 1 that it held.

use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use sealroom::*;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// 32 bits of the host's generator.
    safe fn random() -> u32;
}

struct Host;

impl TryRng for Host {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(random())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(random()) << 32 | u64::from(random()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for piece in out.chunks_mut(4) {
            piece.copy_from_slice(&random().to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Host {}

fn identity(number: u8) -> Result<Identity, Error> {
    Root::from_bip39_seed(&[number; 64]).identity(Profile::P256, 0, &mut Host)
}

/// 1 if all went as it should.
fn told(result: Result<bool, Error>) -> u32 {
    result.is_ok_and(|held| held).into()
}

fn envelopes(sealing: u32, opening: u32, len: u32, signed: bool) -> Result<bool, Error> {
    let (alice, bob) = (identity(1)?, identity(2)?);
    let content = vec![7; len as usize];
    let to = [bob.public().recipient()];
    let envelope = Envelope::to(&to);
    let envelope = if signed { envelope.signed_by(alice.sender()).without_copy_for_me() } else { envelope };
    let mut sealed = envelope.seal(&content, &mut Host)?;
    for _ in 0..sealing {
        sealed = envelope.seal(&content, &mut Host)?;
    }
    for _ in 0..opening {
        let opened = open(&sealed, &[bob.reader()], &mut Host)?;
        if content != if signed { opened.verify(alice.public())? } else { opened.unverified() } {
            return Ok(false);
        }
    }
    sealed[100] ^= 1;
    Ok(open(&sealed, &[bob.reader()], &mut Host).is_err())
}

fn messages(sealing: u32, opening: u32, len: u32) -> Result<bool, Error> {
    let (alice, bob) = (identity(1)?, identity(2)?);
    let people = [alice.public(), bob.public()];
    let package = Room::create(&alice.sender(), &[(bob.public(), Role::Admin)], HistoryPolicy::FromJoin, &mut Host)?;
    let join = |reader| Room::join(&package, alice.public(), &[reader], &mut Host)?.finish();
    let (mut alices, mut bobs) = (join(alice.reader())?, join(bob.reader())?);
    let content = vec![7; len as usize];
    let draft = Draft::new(&content);
    let mut sealed = alices.seal(&draft, &alice.sender(), &mut Host)?;
    for _ in 0..sealing {
        sealed = alices.seal(&draft, &alice.sender(), &mut Host)?;
    }
    for _ in 0..opening {
        if bobs.open(&sealed, b"", &people)?.content() != content {
            return Ok(false);
        }
    }
    sealed[100] ^= 1;
    Ok(bobs.open(&sealed, b"", &people).is_err())
}

/// Seals an envelope to one reader, and opens it, so many times.
#[unsafe(no_mangle)]
pub extern "C" fn unsigned(sealing: u32, opening: u32, len: u32) -> u32 {
    told(envelopes(sealing, opening, len, false))
}

/// The same with a signature.
#[unsafe(no_mangle)]
pub extern "C" fn signed(sealing: u32, opening: u32, len: u32) -> u32 {
    told(envelopes(sealing, opening, len, true))
}

/// Seals and opens a message of a room.
#[unsafe(no_mangle)]
pub extern "C" fn message(sealing: u32, opening: u32, len: u32) -> u32 {
    told(messages(sealing, opening, len))
}
