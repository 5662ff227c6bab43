//! Instructions and stack of what a device does, beside those of the primitives that it takes. Every result is checked.
//!
//! A line for each: name, instructions, bytes of stack, instructions of the primitives alone. What has to be refused has a line
//! too, with the error.

#![no_std]
#![no_main]

use aes_gcm::aead::{AeadInOut, KeyInit};
use core::hint::black_box;
use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::sec1::ToSec1Point;
use sealroom::*;
use sealroom_cortex_m4::people::{CONTENT, Draws, identity};
use sealroom_cortex_m4::{ENVELOPE, FIRST, MESSAGE, NEXT};

/// With `-icount shift=0` an instruction takes a nanosecond, and SysTick runs at 25 MHz.
const PER_TICK: u32 = 40;
const TICKS: u32 = 0x00ff_ffff;

/// How much stack is watched, below the caller's.
const WATCHED: u32 = 64 * 1024;
const PAINT: u32 = 0xc0de_cafe;
/// Room for the frame of the painter itself.
const MARGIN: u32 = 256;

#[inline(never)]
fn paint(top: u32) {
    for address in (top - WATCHED..top - MARGIN).step_by(4) {
        // SAFETY: RAM below the stack, which nothing else uses: there is no heap, and statics stand at its other end.
        unsafe { core::ptr::write_volatile(address as *mut u32, PAINT) }
    }
}

#[inline(never)]
fn painted_over(top: u32) -> u32 {
    let painted = |address: &u32| {
        // SAFETY: as above.
        unsafe { core::ptr::read_volatile(*address as *const u32) == PAINT }
    };
    let untouched = (top - WATCHED..top - MARGIN).step_by(4).take_while(painted).count() as u32;
    WATCHED - 4 * untouched
}

/// In a frame of its own, which counts.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Runs `work`; tells its instructions, and gives them with its result. `primitives`: what is to be compared with.
#[inline(never)]
fn measure<T>(name: &str, primitives: &[u32], work: impl FnOnce() -> T) -> (u32, T) {
    let top = cortex_m::register::msp::read();
    paint(top);
    let before = SYST::get_current();
    let result = apart(work);
    let after = SYST::get_current();
    let stack = painted_over(top);
    assert!(stack < WATCHED);
    let instructions = (before.wrapping_sub(after) & TICKS) * PER_TICK;
    hprintln!("{}\t{}\t{}\t{}", name, instructions, stack, primitives.iter().sum::<u32>());
    (instructions, result)
}

/// Takes the error away, so that no formatting of errors is linked.
fn sure<T, E>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|_| panic!())
}

fn refused<T>(name: &str, what: &str, result: Result<T, Error>) {
    let Err(error) = result else { panic!("{name}: {what}") };
    hprintln!("refused\t{}\t{}\t{:?}", name, what, error);
}

#[entry]
fn main() -> ! {
    let mut clock = sure(cortex_m::Peripherals::take().ok_or(())).SYST;
    clock.set_clock_source(SystClkSource::Core);
    clock.set_reload(TICKS);
    clock.clear_current();
    clock.enable_counter();
    run();
    debug::exit(debug::EXIT_SUCCESS);
    loop {
        cortex_m::asm::wfi();
    }
}

fn run() {
    // -- the primitives alone
    let scalar = black_box([0x29; 32]);
    let secret = sure(p256::SecretKey::from_slice(&scalar));
    let signing = sure(p256::ecdsa::SigningKey::from_slice(&scalar));
    let point = secret.public_key().to_sec1_point(false);
    let (generate, _) = measure("P-256: a key pair", &[], || {
        black_box(sure(p256::SecretKey::from_slice(&black_box(scalar))).public_key());
    });
    let (decode, _) = measure("P-256: a point decoded", &[], || {
        black_box(sure(p256::PublicKey::from_sec1_bytes(black_box(point.as_bytes()))));
    });
    let public = secret.public_key();
    let (agree, _) = measure("ECDH", &[], || {
        black_box(p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), black_box(&public).as_affine()));
    });
    let (sign, signature) = measure("ECDSA, sign", &[], || signing.sign_prehash(&black_box([7; 32])));
    let signature: p256::ecdsa::Signature = sure(signature);
    let (verify, _) = measure("ECDSA, verify", &[], || {
        sure(signing.verifying_key().verify_prehash(&black_box([7; 32]), &signature));
    });
    let mut text = CONTENT;
    let (encrypt, tag) = measure("AES-256-GCM, seal", &[], || {
        let aead = aes_gcm::Aes256Gcm::new(&black_box([8; 32]).into());
        sure(aead.encrypt_inout_detached(&[0; 12].into(), &[], (&mut text[..]).into()))
    });
    let (decrypt, _) = measure("AES-256-GCM, open", &[], || {
        let aead = aes_gcm::Aes256Gcm::new(&black_box([8; 32]).into());
        sure(aead.decrypt_inout_detached(&[0; 12].into(), &[], (&mut text[..]).into(), &tag));
    });
    assert!(text == CONTENT);

    // -- envelopes
    let mut rng = Draws::new(4);
    let [alice, device] = [1, 2].map(|number| sure(identity(number)));
    let alice_public = alice.public();
    let key = SymmetricKey::take(&mut [5; 32]);
    let mut sealed = [0; 2048];
    let mut out = [0; 2048];

    let to_alice = [alice_public.recipient()];
    let unsigned = Envelope::to(&to_alice);
    let signed = unsigned.signed_by(device.sender()).without_copy_for_me();
    let key_recipient = [Recipient::symmetric(&key)];
    let symmetric = Envelope::to(&key_recipient);
    let (reader, key_reader) = (alice.reader(), Reader::symmetric(&key));
    for (names, envelope, reader, seals, opens) in [
        (
            ["envelope, P-256, unsigned: seal", "envelope, P-256, unsigned: open"],
            unsigned,
            reader,
            &[generate, agree, encrypt][..],
            &[decode, agree, decrypt][..],
        ),
        (
            ["envelope, P-256, signed: seal", "envelope, P-256, signed: open"],
            signed,
            reader,
            &[generate, agree, sign, encrypt],
            &[decode, agree, verify, decrypt],
        ),
        (["envelope, symmetric: seal", "envelope, symmetric: open"], symmetric, key_reader, &[encrypt], &[decrypt]),
    ] {
        let (_, len) = measure(names[0], seals, || sure(envelope.seal_into(&CONTENT, &mut sealed, &mut rng)));
        measure(names[1], opens, || {
            let opened = sure(open_into(&sealed[..len], &[reader], &mut out, &mut rng));
            let content = match opened.claimed_signer() {
                Some(_) => sure(opened.verify(device.public())),
                None => opened.unverified(),
            };
            assert!(content == CONTENT);
        });
        sealed[len / 2] ^= 1;
        refused(names[1], "a changed byte", open_into(&sealed[..len], &[reader], &mut out, &mut rng));
        sealed[len / 2] ^= 1;
        refused(names[1], "cut short", open_into(&sealed[..len - 1], &[reader], &mut out, &mut rng));
    }
    let opened = sure(open_into(ENVELOPE, &[device.reader()], &mut out, &mut rng));
    assert!(sure(opened.verify(alice_public)) == CONTENT);

    // -- a room
    let (mut memory, mut next, mut other) = ([0; 1024], [0; 1024], [0; 1024]);
    let readers = [device.reader()];
    let (_, joined) = measure("room: join", &[decode, agree, verify], || {
        SingleEpoch::join(FIRST, alice_public, &readers, &mut memory, &mut rng)
    });
    let others = SingleEpoch::join(FIRST, device.public(), &readers, &mut other, &mut rng);
    refused("room: join", "another creator", others);
    let mut joined = sure(joined);
    let (_, followed) = measure("room: follow an addition", &[decode, verify], || {
        joined.follow(NEXT, &readers, &[alice_public], &mut next, &mut rng)
    });
    let epoch = sure(followed);
    let draft = Draft::new(&CONTENT);
    let device_id = DeviceId::from_bytes([6; 8]);
    let (_, len) = measure("message: seal", &[sign, encrypt], || {
        sure(epoch.seal_into(&draft, device_id, 0, &device.sender(), &mut sealed, &mut rng))
    });
    measure("message: open", &[verify, decrypt], || {
        let opened = sure(epoch.open_into(&sealed[..len], b"", &mut out, &[device.public()]));
        assert!(opened.content() == CONTENT);
    });
    refused("message: open", "another author", epoch.open_into(&sealed[..len], b"", &mut out, &[alice_public]));
    sealed[len / 2] ^= 1;
    refused("message: open", "a changed byte", epoch.open_into(&sealed[..len], b"", &mut out, &[device.public()]));
    assert!(sure(epoch.open_into(MESSAGE, b"", &mut out, &[alice_public])).content() == CONTENT);
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if let Some(place) = info.location() {
        hprintln!("failed at line {}", place.line());
    }
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}
