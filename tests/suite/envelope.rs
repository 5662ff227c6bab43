//! Sealing and opening, each way there is. SPEC §7 to §10.

use sealroom::*;

fn identity(n: u8) -> Identity {
    Root::from_bip39_seed(&[n; 64]).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

#[test]
fn one_shot() {
    let mut rng = SystemRng;
    let (alice, bob) = (identity(1), identity(2));
    for len in [0, 1, 100, 16383, 16384, 16385, 50_000] {
        for padding in [Padding::None, Padding::Padme] {
            let content = vec![7; len];
            let to = [bob.public().recipient()];
            let envelope = Envelope::to(&to).signed_by(alice.sender()).padding(padding).decoys(2).public_data(b"pub");
            let sealed = envelope.seal(&content, &mut rng).unwrap();
            for reader in [alice.reader(), bob.reader()] {
                let opened = open(&sealed, &[reader], &mut rng).unwrap();
                assert_eq!(opened.claimed_signer(), Some(alice.public().fingerprint()));
                assert_eq!(opened.verify(alice.public()).unwrap(), content);
            }
            let mut stream = envelope.stream(Some(len as u64), &mut rng).unwrap();
            let mut out = Vec::new();
            for piece in content.chunks(1000) {
                out.extend_from_slice(stream.push(piece).unwrap());
            }
            out.extend(stream.finish(&mut rng).unwrap());
            assert_eq!(open(&out, &[bob.reader()], &mut rng).unwrap().verify(alice.public()).unwrap(), content);
        }
    }
}

/// A server that holds a large envelope elsewhere inspects its head alone. [PAY-03] [WIRE-05]
#[test]
fn inspecting_a_head() {
    let bob = identity(2);
    let sealed =
        Envelope::to(&[bob.public().recipient()]).public_data(b"pub").seal(&[1; 40_000], &mut SystemRng).unwrap();
    let Ok(Info::Envelope(whole)) = inspect(&sealed) else { panic!("no envelope") };
    let (head, len) = (&sealed[..whole.header_len + 32], sealed.len() as u64);
    assert_eq!(EnvelopeInfo::of(head, len), Ok(whole));
    assert_eq!((whole.payload_len, whole.public_data), (40_000 + 3 * 16, &b"pub"[..]));
    let cut = EnvelopeInfo::of(&head[..head.len() - 1], len);
    assert_eq!(cut, Err(Error::Malformed { field: "commitment" }));
    for wrong in [0, 100, head.len() as u64, head.len() as u64 + 15, head.len() as u64 + 16_400] {
        assert_eq!(EnvelopeInfo::of(head, wrong), Err(Error::Malformed { field: "chunks" }), "{wrong}");
    }
}
