//! A device that joins a room, follows it, and seals and opens its messages: its size is the code's.

#![no_std]
#![no_main]

use core::hint::black_box;
use cortex_m_rt::entry;
use sealroom::*;
use sealroom_cortex_m4::people::{Draws, identity};
use sealroom_cortex_m4::{FIRST, MESSAGE, NEXT};

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
    let (mut memory, mut next) = ([0; 1024], [0; 1024]);
    let mut epoch = SingleEpoch::join(black_box(FIRST), &alice, &[device.reader()], &mut memory, &mut rng)?;
    let epoch = epoch.follow(black_box(NEXT), &[device.reader()], &[&alice], &mut next, &mut rng)?;
    let mut out = [0; 2048];
    let mut sealed = [0; 2048];
    let opened = epoch.open_into(black_box(MESSAGE), b"", &mut out, &[&alice])?;
    let draft = Draft::new(opened.content());
    black_box(epoch.seal_into(&draft, *opened.device(), 0, &device.sender(), &mut sealed, &mut rng)?);
    Ok(())
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
