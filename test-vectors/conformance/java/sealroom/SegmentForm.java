package sealroom;

import java.util.List;

/**
 * The form of envelope that a person or a device seals to itself, SPEC §18.9, §20.1, §20.7, §22.3: unsigned, one symmetric
 * stanza, padded, empty public data.
 */
final class SegmentForm {
    private SegmentForm() {}

    static byte[] seal(int type, byte[] content, byte[] kek, Draws random) {
        return Envelope.seal(type, content, true, null, new byte[0], List.of(new Envelope.KekRecipient(kek)), 0, random).bytes();
    }

    static byte[] open(byte[] b, int type, String tag, byte[] kek) {
        Envelope e = Envelope.decode(b, type);
        Header h = e.header;
        boolean good = h.signature() == 0 && h.padding() == 1 && h.publicData().length == 0 && h.stanzas().size() == 1
                && h.symmetric().size() == 1;
        if (!good) throw Refused.malformed(tag, "form of the envelope");
        byte[] dek = e.unwrap(new Envelope.KekReader(kek));
        if (dek == null) throw Refused.decrypt();
        return e.open(dek).content();
    }
}
