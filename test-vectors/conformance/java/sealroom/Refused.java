package sealroom;

/** What a reader refuses: the class of SPEC §14 and, where one is known, the tag of the rule. */
final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;
    final String cls;
    final String tag;

    Refused(String cls, String tag, String what) {
        super(cls + (tag == null ? "" : " [" + tag + "]") + (what == null ? "" : ": " + what));
        this.cls = cls;
        this.tag = tag;
    }

    static Refused malformed(String what) { return new Refused("malformed", null, what); }
    static Refused malformed(String tag, String what) { return new Refused("malformed", tag, what); }
    static Refused unsupported(String what) { return new Refused("unsupported", null, what); }
    static Refused limit(String tag, String what) { return new Refused("limit", tag, what); }
    /** [ERR-01]: one failure that tells nothing more. */
    static Refused decrypt() { return new Refused("decrypt", null, null); }
    static Refused signature(String tag) { return new Refused("signature", tag, null); }
    static Refused room(String tag, String what) { return new Refused("room", tag, what); }
    static Refused link(String tag) { return new Refused("link", tag, null); }
    static Refused proof(String tag) { return new Refused("proof", tag, null); }
    static Refused unknown(String what) { return new Refused("unknown", null, what); }
}
