package sealroom;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Function;

/** Presentation language, SPEC §3; the common prefix, §6; bytes. */
final class Wire {
    private Wire() {}

    /** Reads within [pos, end); nothing is copied before its length was compared with what is there [WIRE-05]. */
    static final class In {
        final byte[] b;
        int pos;
        final int end;
        /** First offset past the limit of header bytes [LIM-02], or no limit. */
        final int limit;

        In(byte[] b) { this(b, 0, b.length, Integer.MAX_VALUE); }
        In(byte[] b, int pos, int end, int limit) { this.b = b; this.pos = pos; this.end = end; this.limit = limit; }

        int left() { return end - pos; }

        byte[] take(int n, String field) {
            need(n, field);
            pos += n;
            return Arrays.copyOfRange(b, pos - n, pos);
        }
        int u8(String field) { need(1, field); return b[pos++] & 0xff; }
        int u16(String field) { return u8(field) << 8 | u8(field); }
        long u32(String field) { return (long) u16(field) << 16 | u16(field); }
        /** uint64 in a long; compared with Long.compareUnsigned. */
        long u64(String field) { return u32(field) << 32 | u32(field); }

        /** A vector's length, [WIRE-02], [WIRE-03]. */
        int length(String field) {
            int first = u8(field);
            int n = switch (first >> 6) {
                case 0 -> first;
                case 1 -> (first & 0x3f) << 8 | u8(field);
                case 2 -> (first & 0x3f) << 24 | u8(field) << 16 | u16(field);
                default -> throw Refused.malformed("WIRE-02", field);
            };
            if ((first >> 6 == 1 && n < 64) || (first >> 6 == 2 && n < 16384)) throw Refused.malformed("WIRE-03", field);
            if ((long) pos + n > limit) throw Refused.limit("LIM-02", field);
            need(n, field);
            return n;
        }
        byte[] vec(String field) { return take(length(field), field); }
        /** A vector as a reader of its own, without copying it. */
        In sub(String field) {
            int n = length(field);
            pos += n;
            return new In(b, pos - n, pos, limit);
        }
        /** [WIRE-04] */
        void done(String field) { if (pos != end) throw Refused.malformed("WIRE-04", "bytes left over after " + field); }

        private void need(int n, String field) { if (n > end - pos) throw Refused.malformed("the end, in " + field); }
    }

    static final class Out {
        private final ByteArrayOutputStream o = new ByteArrayOutputStream();
        Out u8(int v) { o.write(v); return this; }
        Out u16(int v) { return u8(v >> 8).u8(v); }
        Out u32(long v) { return u16((int) (v >> 16)).u16((int) v); }
        Out u64(long v) { return u32(v >>> 32).u32(v); }
        Out put(byte[] v) { o.write(v, 0, v.length); return this; }
        Out vec(byte[] v) {
            int n = v.length;
            if (n < 64) u8(n);
            else if (n < 16384) u16(0x4000 | n);
            else if (n < 1 << 30) u32(0x80000000L | n);
            else throw new IllegalArgumentException("a vector of 2^30 bytes");
            return put(v);
        }
        byte[] bytes() { return o.toByteArray(); }
    }

    /** Decodes a whole object: nothing may be left over. */
    static <T> T whole(byte[] b, String field, Function<In, T> decode) {
        In in = new In(b);
        T t = decode.apply(in);
        in.done(field);
        return t;
    }

    static final byte[] MAGIC = ascii("SLRM");
    static final int MESSAGE = 1, ROOM_EPOCH = 2, KEYRING = 3, DEVICE_LINK = 4, HISTORY_GRANT = 5, ATTACHMENT = 6,
            ROOM_STATE = 7, KEYRING_STATE = 8, PUBLIC_IDENTITY = 0x20, TRANSITION = 0x21, DETACHED_SIGNATURE = 0x22,
            ROOM_MESSAGE = 0x23, LEAVE = 0x24, HEAD = 0x25, LINK_REQUEST = 0x26, CERTIFICATE = 0x27, PROOF = 0x28;
    /** Any envelope type is expected, or any type of the registry. */
    static final int ANY_ENVELOPE = -1, ANY = -2;

    /** [OBJ-01], [SUITE-01], [OBJ-02], [OBJ-03]. Returns the type. */
    static int prefix(In in, int expected) {
        if (!Arrays.equals(in.take(4, "magic"), MAGIC)) throw Refused.malformed("OBJ-01", "magic");
        if (in.u16("suite") != 1) throw Refused.unsupported("suite");
        int type = in.u8("type");
        boolean envelope = type >= MESSAGE && type <= KEYRING_STATE;
        if (!envelope && !(type >= PUBLIC_IDENTITY && type <= PROOF)) throw Refused.unsupported("type");
        if (expected == ANY_ENVELOPE ? !envelope : expected != ANY && type != expected) throw Refused.unsupported("another type");
        return type;
    }
    static Out prefix(int type) { return new Out().put(MAGIC).u16(1).u8(type); }

    static byte[] ascii(String s) { return s.getBytes(StandardCharsets.US_ASCII); }

    static byte[] cat(byte[]... parts) {
        Out o = new Out();
        for (byte[] p : parts) o.put(p);
        return o.bytes();
    }
    static byte[] slice(byte[] b, int from, int to) { return Arrays.copyOfRange(b, from, to); }

    /** Order of byte strings: as unsigned bytes, a prefix before what it begins. */
    static int compare(byte[] a, byte[] b) { return Arrays.compareUnsigned(a, b); }
    static boolean same(byte[] a, byte[] b) { return Arrays.equals(a, b); }
    /** In constant time for equal lengths. */
    static boolean sameSecret(byte[] a, byte[] b) { return java.security.MessageDigest.isEqual(a, b); }

    static String hex(byte[] b) { return java.util.HexFormat.of().formatHex(b); }
    static byte[] unhex(String s) { return java.util.HexFormat.of().parseHex(s); }
}
