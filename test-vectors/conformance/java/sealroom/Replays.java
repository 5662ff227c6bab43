package sealroom;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a reader keeps of the messages it saw, SPEC §19.4. */
final class Replays {
    static final int MESSAGES = 64, DEVICES = 32;

    static final class Device {
        long used;
        final TreeMap<Long, byte[]> seen = new TreeMap<>(Long::compareUnsigned);
    }

    /** By sender, then by device, in hexadecimal. */
    final Map<String, Map<String, Device>> senders = new LinkedHashMap<>();
    long used;

    /** [RMSG-07]: `fresh N`, `duplicate`, `reused` or `old`; `id` is the message id or its first 16 bytes. */
    String see(byte[] sender, byte[] device, long sequence, byte[] id) {
        Map<String, Device> devices = senders.computeIfAbsent(Wire.hex(sender), k -> new LinkedHashMap<>());
        Device d = devices.get(Wire.hex(device));
        byte[] half = Wire.slice(id, 0, 16);
        long skipped = 0;
        if (d != null) {
            byte[] before = d.seen.get(sequence);
            if (before != null) return Wire.same(before, half) ? "duplicate" : "reused";
            if (d.seen.size() == MESSAGES && Long.compareUnsigned(sequence, d.seen.firstKey()) < 0) return "old";
            long greatest = d.seen.lastKey();
            if (Long.compareUnsigned(sequence, greatest) > 0) skipped = sequence - greatest - 1;
        } else {
            if (devices.size() == DEVICES) forget(devices); // [RMSG-08]
            d = new Device();
            devices.put(Wire.hex(device), d);
        }
        d.seen.put(sequence, half);
        if (d.seen.size() > MESSAGES) d.seen.pollFirstEntry();
        d.used = ++used;
        return "fresh " + Long.toUnsignedString(skipped);
    }

    private static void forget(Map<String, Device> devices) {
        List<Map.Entry<String, Device>> l = new ArrayList<>(devices.entrySet());
        l.sort(Comparator.comparing(e -> e.getValue().used, Long::compareUnsigned));
        devices.remove(l.get(0).getKey());
    }

    static Replays of(RoomState s) {
        Replays r = new Replays();
        r.used = s.used();
        for (RoomState.Heard h : s.devices()) {
            Device d = new Device();
            d.used = h.used();
            for (RoomState.Seen m : h.seen()) d.seen.put(m.sequence(), m.id());
            r.senders.computeIfAbsent(Wire.hex(h.sender()), k -> new LinkedHashMap<>()).put(Wire.hex(h.device()), d);
        }
        return r;
    }
}
