package sealroom;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The line protocol of test-vectors/conformance/README.md: one JSON object a line, each answered with one. */
final class Serve {
    private Serve() {}

    static void run() throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null;) {
            if (line.isBlank()) continue;
            out.println(Json.write(answer(line)));
            out.flush();
        }
    }

    private static Map<String, Object> answer(String line) {
        Map<String, Object> a = new LinkedHashMap<>();
        try {
            Vec v = Vec.of(Json.parse(line));
            a.put("id", v.m.get("id"));
            Kinds.Kind kind = Kinds.ALL.get(v.text("kind"));
            String op = v.text("op");
            Map<String, Object> fields;
            if (kind == null || (op.equals("seal") && kind.seal() == null)) {
                throw new Skipped("kind " + v.text("kind"));
            } else if (op.equals("read")) {
                fields = kind.read().read(v);
            } else if (op.equals("seal")) {
                fields = kind.seal().seal(v, Draws.fresh());
            } else {
                throw new Skipped("op " + op);
            }
            a.put("result", "ok");
            a.putAll(fields);
        } catch (Refused e) {
            Kinds.refused(a, e);
        } catch (Skipped e) {
            a.put("result", "skipped");
            a.put("reason", e.getMessage());
        } catch (RuntimeException e) {
            // A request that makes no sense, or a fault here: neither is a verdict.
            a.put("result", "skipped");
            a.put("reason", "failed: " + e);
        }
        return a;
    }
}
