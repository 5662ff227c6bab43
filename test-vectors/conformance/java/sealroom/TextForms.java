package sealroom;

import java.util.Base64;

/** Text forms, SPEC §17. */
final class TextForms {
    private TextForms() {}

    static String write(String prefix, byte[] b) {
        return prefix + Base64.getUrlEncoder().withoutPadding().encodeToString(b);
    }

    /** [TXT-02]; the object's own decoder refuses another length. */
    static byte[] read(String prefix, String text) {
        if (!text.startsWith(prefix)) throw Refused.malformed("TXT-02", "prefix");
        String rest = text.substring(prefix.length());
        byte[] b;
        try {
            b = Base64.getUrlDecoder().decode(rest);
        } catch (IllegalArgumentException e) { throw Refused.malformed("TXT-02", "base64url"); }
        // Java takes padding and some unused bits; one text stands for one object.
        if (!write(prefix, b).equals(text)) throw Refused.malformed("TXT-02", "base64url");
        return b;
    }
    static byte[] fingerprint(String text) { return length(read("slrm-fp:", text), 32); }
    static byte[] pair(String text) { return length(read("slrm-sn:", text), 64); }

    private static byte[] length(byte[] b, int n) {
        if (b.length != n) throw Refused.malformed("TXT-02", "length");
        return b;
    }
}
