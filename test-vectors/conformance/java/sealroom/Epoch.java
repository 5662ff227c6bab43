package sealroom;

/** An epoch that is held, SPEC §18.1: with its secret, or with a granted message key alone (`secret` is null). */
record Epoch(byte[] signer, RoomEpoch body, byte[] commitment, byte[] secret, byte[] messageKey, byte[] transcript) {

    private static byte[] hash(byte[] signer, RoomEpoch body, byte[] commitment) {
        return Algorithms.sha256(Algorithms.signInput("room epoch", signer, body.bytes(), commitment));
    }
    static Epoch withSecret(byte[] signer, RoomEpoch body, byte[] commitment, byte[] secret) {
        byte[] h = hash(signer, body, commitment), key = Algorithms.derive(secret, "messages", h, 32);
        return new Epoch(signer, body, commitment, secret, key, Algorithms.derive(key, "room transcript", h, 32));
    }
    static Epoch withMessageKey(byte[] signer, RoomEpoch body, byte[] commitment, byte[] key) {
        byte[] h = hash(signer, body, commitment);
        return new Epoch(signer, body, commitment, null, key, Algorithms.derive(key, "room transcript", h, 32));
    }

    byte[] kek() { return Algorithms.derive(secret, "epoch wrap", transcript, 32); }
    long number() { return body.epoch(); }

    boolean isParentOf(Epoch child) {
        return child.number() != 0 && child.number() - 1 == number() && Wire.same(child.body.previous(), transcript);
    }

    /** §18.5, with the parent that is held. */
    static boolean yielding(byte[] signer, RoomEpoch body, RoomEpoch parent) {
        int role = parent.role(signer);
        if (role == 0) role = body.role(signer);
        return role != RoomEpoch.ADMIN;
    }

    /** §18.10 [ROOM-27] */
    String code() {
        StringBuilder b = new StringBuilder();
        for (byte i = 0; i < 2; i++) {
            b.append(Identity.half(Algorithms.sha256(Algorithms.signInput("room code", new byte[] {i}, transcript))));
        }
        return Identity.grouped(b.toString());
    }
}
