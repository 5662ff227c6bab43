//! Padding of a stream, which comes piece by piece where that is asked for. SPEC §9.2 [PAD-03]

use sealroom::*;

fn alice() -> Identity {
    Root::from_bip39_seed(&[1; 64]).identity(Profile::P256, 0, &mut SystemRng).unwrap()
}

#[test]
fn padding_comes_in_pieces() {
    let (alice, mut rng) = (alice(), SystemRng);
    // Just past a step of Padmé: 256 KiB of zeros.
    let content = vec![7; 1 << 23];
    let to = [alice.public().recipient()];
    let envelope = Envelope::to(&to).signed_by(alice.sender()).padding(Padding::Padme);
    let mut stream = envelope.stream(Some(content.len() as u64), &mut rng).unwrap();
    let mut sealed = stream.push(&content).unwrap().to_vec();
    let mut pieces = 0;
    while let Some(piece) = stream.pad().unwrap() {
        assert!(piece.len() <= 5 * 16_400);
        sealed.extend_from_slice(piece);
        pieces += 1;
    }
    assert_eq!(pieces, 4);
    let last = stream.finish(&mut rng).unwrap();
    assert!(last.len() <= 16_400 + 112);
    sealed.extend(last);
    assert_eq!(sealed.len(), envelope.seal(&content, &mut rng).unwrap().len());
    assert_eq!(open(&sealed, &[alice.reader()], &mut rng).unwrap().verify(alice.public()).unwrap(), content);
}

#[test]
fn padding_is_after_all_content_or_is_not() {
    let (alice, mut rng) = (alice(), SystemRng);
    let to = [alice.public().recipient()];
    let mut stream = Envelope::to(&to).padding(Padding::Padme).stream(Some(2), &mut rng).unwrap();
    stream.push(b"a").unwrap();
    assert!(matches!(stream.pad(), Err(Error::Argument { .. })));

    // An envelope without padding has none to give, and loses nothing by the question.
    let mut stream = Envelope::to(&to).stream(None, &mut rng).unwrap();
    assert_eq!(stream.pad(), Ok(None));
    let mut sealed = stream.push(b"a").unwrap().to_vec();
    assert_eq!(stream.pad(), Ok(None));
    sealed.extend(stream.finish(&mut rng).unwrap());
    assert_eq!(open(&sealed, &[alice.reader()], &mut rng).unwrap().unverified(), b"a");
}
