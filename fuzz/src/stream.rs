//! Streams, padding, and reading at an offset.

use crate::common::{Input, Rng, people, symmetric};
use sealroom::{AttachmentKey, Envelope, EnvelopeStart, Error, Limits, Locked, Padding, Reader, Recipient, Unlocked};

/// How what was sealed opens.
enum Key {
    Attachment(AttachmentKey),
    /// A message under the symmetric key.
    Message,
}

impl Key {
    fn unlock(&self, locked: &Locked<'_>) -> Result<Unlocked, Error> {
        match self {
            Self::Attachment(key) => key.unlock(locked),
            Self::Message => locked.unlock(&[Reader::symmetric(&symmetric())], &mut Rng(0)),
        }
    }
}

/// Sealed piece by piece, changed or not, and opened as a whole, piece by piece and at offsets: all agree, and nothing but
/// what was sealed comes out. [PAY-03] [PAD-01] [PAD-03] [OFF-01] [ATT-01]
pub fn stream(bytes: &[u8]) {
    let input = &mut Input(bytes);
    let kind = input.byte();
    let len =
        [input.short() % 200, 16_384 * 2 - 12 + input.short() % 24, input.short() % 50_000][usize::from(kind) % 3];
    let content: Vec<u8> = (0..len).map(|at| (at * 31 + usize::from(kind)) as u8).collect();
    let Some((valid, key)) = seal(&content, kind, input) else { return };
    let mut envelope = valid.clone();
    input.edit(&mut envelope);

    let whole = open_whole(&envelope, &key);
    let pieces = open_pieces(&envelope, &key, input);
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok());
    assert_eq!(whole.ok(), (envelope == valid).then_some(&content).cloned());
    for _ in 0..1 + input.byte() % 3 {
        at_offset(&envelope, &key, &content, input, envelope == valid);
    }
}

/// By pieces that the input says; `None` if another length was told than came.
fn seal(content: &[u8], kind: u8, input: &mut Input<'_>) -> Option<(Vec<u8>, Key)> {
    let rng = &mut Rng(kind.into());
    let (padded, attachment, signed, lie) = (kind & 4 != 0, kind & 8 != 0, kind & 48 == 48, kind & 192 == 192);
    let told = content.len() as u64 + if lie { 1 + u64::from(input.byte()) } else { 0 };
    let told = (padded || lie).then_some(told);
    let (key, padding) = (symmetric(), if padded { Padding::Padme } else { Padding::None });
    let to = [Recipient::symmetric(&key)];
    let mut builder = Envelope::to(if attachment { &[] } else { &to }).padding(padding).public_data(b"public");
    if signed && !attachment {
        builder = builder.signed_by(people()[0].first().sender());
    }
    let stream = if attachment { builder.stream_attachment(told, rng) } else { builder.stream(told, rng) };
    let mut stream = stream.unwrap();
    let mut envelope = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((1 + input.short()).min(rest.len()));
        envelope.extend_from_slice(stream.push(piece).unwrap());
        rest = after;
    }
    if told.is_some_and(|told| told == content.len() as u64) {
        assert!(stream.push(b"more").is_err());
    }
    for _ in 0..input.byte() % 3 {
        match stream.pad() {
            Ok(Some(zeros)) => envelope.extend_from_slice(zeros),
            Ok(None) => {}
            Err(_) => assert!(lie),
        }
    }
    let (last, key) = if attachment {
        let (last, key) = stream.finish_attachment().inspect_err(|_| assert!(lie)).ok()?;
        (last, Key::Attachment(key))
    } else {
        (stream.finish(rng).inspect_err(|_| assert!(lie)).ok()?, Key::Message)
    };
    assert!(!lie, "a stream of another length than was told");
    envelope.extend(last);
    Some((envelope, key))
}

fn open_whole(envelope: &[u8], key: &Key) -> Result<Vec<u8>, Error> {
    let locked = Locked::decode(envelope, &Limits::default())?;
    Ok(key.unlock(&locked)?.open(locked.payload())?.unverified())
}

fn open_pieces(envelope: &[u8], key: &Key, input: &mut Input<'_>) -> Result<Vec<u8>, Error> {
    let mut start = EnvelopeStart::new(Limits::default());
    let mut left = envelope;
    let mut next = || {
        let (piece, after) = left.split_at((1 + input.short()).min(left.len()));
        left = after;
        Some(piece).filter(|piece| !piece.is_empty())
    };
    let mut rest = None;
    while rest.is_none() {
        rest = start.push(next().ok_or(Error::Decrypt)?)?;
    }
    let mut stream = key.unlock(&start.locked()?)?.stream();
    let mut content = stream.push(rest.unwrap_or_default())?.unverified().to_vec();
    while let Some(piece) = next() {
        content.extend_from_slice(stream.push(piece)?.unverified());
    }
    content.extend(stream.finish()?.unverified());
    Ok(content)
}

/// What opens at an offset is what was sealed there, also of an envelope that was changed elsewhere.
fn at_offset(envelope: &[u8], key: &Key, content: &[u8], input: &mut Input<'_>, valid: bool) {
    let (a, b) = (input.short() as u64, input.short() as u64);
    let claimed = if input.byte() % 4 == 3 { input.long() } else { envelope.len() as u64 };
    let read = || {
        let locked = Locked::decode(envelope, &Limits::default())?;
        let probe = key.unlock(&locked)?.at_offsets(claimed)?;
        let (last, first) = (probe.last_chunk(), probe.first_chunk());
        let (last, first) = (bytes_at(envelope, &last), first.map(|first| bytes_at(envelope, &first)));
        let reader = probe.authenticate(last, first)?;
        assert_eq!(reader.content_len(), content.len() as u64);
        let wanted = a.min(b).min(reader.content_len())..a.max(b).min(reader.content_len());
        assert!(reader.fetch(&(wanted.start..reader.content_len() + 1)).is_err());
        let sealed = bytes_at(envelope, &reader.fetch(&wanted)?);
        let opened = reader.open(&wanted, sealed)?.unverified();
        let mut out = vec![0; sealed.len()];
        assert_eq!(reader.open_into(&wanted, sealed, &mut out)?.unverified(), opened);
        assert_eq!(opened, content[wanted.start as usize..wanted.end as usize]);
        Ok::<_, Error>(())
    };
    let opened = read();
    assert!(opened.is_ok() || !valid || claimed != envelope.len() as u64, "{opened:?}");
}

/// Those of the bytes of a range that are there.
fn bytes_at<'e>(envelope: &'e [u8], range: &std::ops::Range<u64>) -> &'e [u8] {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(envelope.len());
    &envelope[place(range.start)..place(range.end).max(place(range.start))]
}
