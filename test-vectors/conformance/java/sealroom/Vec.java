package sealroom;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A vector, or an object inside one (SPEC §16): its fields by their types. */
final class Vec {
    final Map<String, Object> m;

    Vec(Map<String, Object> m) { this.m = m; }

    @SuppressWarnings("unchecked")
    static Vec of(Object o) { return new Vec((Map<String, Object>) o); }

    boolean has(String f) { return m.get(f) != null; }
    private Object get(String f) {
        Object o = m.get(f);
        if (o == null) throw new IllegalArgumentException("no field " + f);
        return o;
    }
    String text(String f) { return (String) get(f); }
    byte[] hex(String f) { return Wire.unhex(text(f)); }
    byte[] hexOrNull(String f) { return has(f) ? hex(f) : null; }
    long num(String f) {
        BigInteger n = (BigInteger) get(f);
        if (n.signum() < 0 || n.bitLength() > 64) throw new IllegalArgumentException("not a uint64: " + f);
        return n.longValue();
    }
    List<Long> nums(String f) {
        List<Long> l = new ArrayList<>();
        for (Object o : list(f)) l.add(((BigInteger) o).longValueExact());
        return l;
    }
    boolean flag(String f) { return (Boolean) get(f); }
    Vec obj(String f) { return of(get(f)); }
    List<?> list(String f) { return (List<?>) get(f); }
    List<Vec> objs(String f) {
        List<Vec> l = new ArrayList<>();
        for (Object o : list(f)) l.add(of(o));
        return l;
    }
    List<byte[]> hexes(String f) {
        List<byte[]> l = new ArrayList<>();
        for (Object o : list(f)) l.add(Wire.unhex((String) o));
        return l;
    }
    Vec with(String f, Object value) {
        Map<String, Object> copy = new LinkedHashMap<>(m);
        copy.put(f, value);
        return new Vec(copy);
    }

    // ---- What §16 calls by one name everywhere

    Directory identities() {
        Directory d = new Directory();
        for (byte[] b : hexes("identities")) d.add(Identity.decode(b));
        return d;
    }
    /** An epoch: `signer`, `body`, `commitment` and `secret` or `message_key`. */
    Epoch epoch() {
        RoomEpoch body = RoomEpoch.decode(hex("body"));
        return has("secret") ? Epoch.withSecret(hex("signer"), body, hex("commitment"), hex("secret"))
                : Epoch.withMessageKey(hex("signer"), body, hex("commitment"), hex("message_key"));
    }
    List<Epoch> epochs(String f) { return objs(f).stream().map(Vec::epoch).toList(); }

    /** One of `keys`. */
    Envelope.Reader reader() {
        switch (text("kind")) {
            case "p256", "rsa": return new Envelope.KeyReader(Keys.pkcs8(hex("pkcs8")), hex("recipient_id"));
            case "symmetric": return new Envelope.KekReader(hex("key"));
            case "passphrase": return new Envelope.PassphraseReader(hex("passphrase"));
            case "attachment":
                byte[] k = hex("key");
                return new Envelope.AttachmentReader(Wire.slice(k, 0, 32), Wire.slice(k, 32, 64));
            default: throw new IllegalArgumentException("kind of key");
        }
    }
    Envelope.Sender sender() { return new Envelope.Sender(Identity.decode(hex("identity")), Keys.pkcs8(hex("pkcs8"))); }

    static BigInteger number(long n) { return new BigInteger(Long.toUnsignedString(n)); }
    static Map<String, Object> fields(Object... nameThenValue) {
        Map<String, Object> m = new LinkedHashMap<>();
        for (int i = 0; i < nameThenValue.length; i += 2) {
            Object v = nameThenValue[i + 1];
            if (v instanceof byte[] b) v = Wire.hex(b);
            if (v instanceof Long n) v = number(n);
            if (v instanceof Integer n) v = BigInteger.valueOf(n);
            m.put((String) nameThenValue[i], v);
        }
        return m;
    }
}
