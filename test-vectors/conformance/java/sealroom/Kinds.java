package sealroom;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a reader does with a vector of each kind, SPEC §16. A kind is a method and a line in the table of its section. */
final class Kinds {
    private Kinds() {}

    /** Gives what is compared; refuses by Refused. Of many objects one of which is refused, `result` and `check` are among it. */
    interface Read { Map<String, Object> read(Vec v); }
    /** Seals what the vector says with these draws; gives the object's field alone. */
    interface Seal { Map<String, Object> seal(Vec v, Draws random); }

    /** `consumed`: hexadecimal fields of which every bit counts. `inputs`: names in the objects of a list that are not compared. */
    record Kind(Read read, Seal seal, List<String> consumed, Set<String> inputs) {
        Kind inputs(String... names) { return new Kind(read, seal, consumed, Set.of(names)); }
        /** Of the objects of a list, what is compared. */
        Object withoutInputs(Object o) {
            if (inputs.isEmpty() || !(o instanceof List<?> l)) return o;
            return l.stream().map(x -> {
                if (!(x instanceof Map<?, ?> m)) return x;
                Map<Object, Object> copy = new LinkedHashMap<>(m);
                copy.keySet().removeAll(inputs);
                if ("confirm".equals(m.get("do"))) copy.remove("member"); // of other steps of a history it is what they give
                return copy;
            }).toList();
        }
    }

    static final Map<String, Kind> ALL = new LinkedHashMap<>();
    static {
        KindsForms.add(ALL);
        KindsRooms.add(ALL);
        KindsKeyring.add(ALL);
        KindsDevices.add(ALL);
    }
    static Kind kind(Read read, String... consumed) { return new Kind(read, null, List.of(consumed), Set.of()); }
    static Kind kind(Read read, Seal seal, String... consumed) { return new Kind(read, seal, List.of(consumed), Set.of()); }

    /** `result` and `check` of what was refused, as they stand in vectors and answers. */
    static void refused(Map<String, Object> fields, Refused e) {
        fields.put("result", e.cls);
        if (e.cls.equals("room") || e.cls.equals("link") || e.cls.equals("proof")) fields.put("check", e.tag);
    }

    static boolean padme(Vec v) {
        return switch (v.text("padding")) {
            case "none" -> false;
            case "padme" -> true;
            default -> throw new IllegalArgumentException("padding");
        };
    }

    static int profile(String name) {
        return switch (name) {
            case "p256" -> Identity.P256;
            case "rsa3072" -> Identity.RSA_3072;
            case "rsa4096" -> Identity.RSA_4096;
            default -> throw new IllegalArgumentException("profile");
        };
    }
}
