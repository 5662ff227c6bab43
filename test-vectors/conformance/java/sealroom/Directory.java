package sealroom;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** The identities that a reader can look up, by fingerprint. */
final class Directory {
    private final Map<String, Identity.PublicIdentity> known = new LinkedHashMap<>();
    /** Whom somebody looked up in vain (SPEC §21, step 4). */
    final Set<String> missed = new LinkedHashSet<>();

    void add(Identity.PublicIdentity id) { known.put(Wire.hex(id.fingerprint()), id); }
    java.util.Collection<Identity.PublicIdentity> all() { return known.values(); }
    Identity.PublicIdentity find(byte[] fingerprint) { return known.get(Wire.hex(fingerprint)); }
    Identity.PublicIdentity get(byte[] fingerprint) {
        Identity.PublicIdentity id = find(fingerprint);
        if (id == null) throw miss(fingerprint);
        return id;
    }
    Refused miss(byte[] fingerprint) {
        missed.add(Wire.hex(fingerprint));
        return Refused.unknown("identity");
    }
}
