//! A device that seals and opens envelopes, signed and unsigned, for P-256 and symmetric keys: its size is the code's.

#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m_rt::entry;
use sealroom::*;
use sealroom_cortex_m4::ENVELOPE;
use sealroom_cortex_m4::people::{Draws, identity};

#[entry]
fn main() -> ! {
    let _ = black_box(run());
    loop {
        cortex_m::asm::wfi();
    }
}

fn run() -> Result<(), Error> {
    let mut rng = Draws::new(1);
    let device = identity(black_box(2))?;
    let mut text = [0; PublicIdentity::MAX_LEN];
    let alice = PublicIdentity::from_bytes(identity(1)?.public().encode_into(&mut text)?)?;
    let key = SymmetricKey::take(&mut black_box([3; 32]));
    let readers = [device.reader(), Reader::symmetric(&key)];
    let mut buffer = [0; 2048];
    let content = open_into(black_box(ENVELOPE), &readers, &mut buffer, &mut rng)?.verify(&alice)?;
    let to = [alice.recipient(), Recipient::symmetric(&key)];
    let mut sealed = [0; 2048];
    for envelope in [Envelope::to(&to), Envelope::to(&to).signed_by(device.sender()).padding(Padding::Padme)] {
        black_box(envelope.seal_into(content, &mut sealed, &mut rng)?);
    }
    Ok(())
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
