package sealroom;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A small strict JSON (RFC 8259): objects as Map, lists as List, integers as BigInteger, other numbers refused;
 * a name that stands twice is refused.
 */
final class Json {
    private final String s;
    private int p;
    private int depth;

    private Json(String s) { this.s = s; }

    static Object parse(String s) {
        Json j = new Json(s);
        Object v = j.value();
        j.space();
        if (j.p != s.length()) throw j.bad("text after the value");
        return v;
    }

    private IllegalArgumentException bad(String what) { return new IllegalArgumentException("JSON at " + p + ": " + what); }
    private void space() { while (p < s.length() && " \t\r\n".indexOf(s.charAt(p)) >= 0) p++; }
    private char next() {
        if (p >= s.length()) throw bad("the end");
        return s.charAt(p++);
    }
    private char peek() {
        space();
        if (p >= s.length()) throw bad("the end");
        return s.charAt(p);
    }
    private void expect(String word) {
        if (!s.startsWith(word, p)) throw bad("expected " + word);
        p += word.length();
    }

    private Object value() {
        if (++depth > 64) throw bad("too deep");
        char c = peek();
        Object v;
        if (c == '{') v = object();
        else if (c == '[') v = list();
        else if (c == '"') v = string();
        else if (c == 't') { expect("true"); v = Boolean.TRUE; }
        else if (c == 'f') { expect("false"); v = Boolean.FALSE; }
        else if (c == 'n') { expect("null"); v = null; }
        else v = number();
        depth--;
        return v;
    }

    private Map<String, Object> object() {
        Map<String, Object> m = new LinkedHashMap<>();
        p++;
        if (peek() == '}') { p++; return m; }
        while (true) {
            if (peek() != '"') throw bad("a name");
            String name = string();
            if (m.containsKey(name)) throw bad("twice: " + name);
            if (peek() != ':') throw bad("a colon");
            p++;
            m.put(name, value());
            char c = peek();
            p++;
            if (c == '}') return m;
            if (c != ',') throw bad("a comma");
        }
    }

    private List<Object> list() {
        List<Object> l = new ArrayList<>();
        p++;
        if (peek() == ']') { p++; return l; }
        while (true) {
            l.add(value());
            char c = peek();
            p++;
            if (c == ']') return l;
            if (c != ',') throw bad("a comma");
        }
    }

    private String string() {
        StringBuilder b = new StringBuilder();
        p++;
        while (true) {
            char c = next();
            if (c == '"') return b.toString();
            if (c < 0x20) throw bad("a control character");
            if (c != '\\') { b.append(c); continue; }
            c = next();
            switch (c) {
                case '"', '\\', '/' -> b.append(c);
                case 'b' -> b.append('\b');
                case 'f' -> b.append('\f');
                case 'n' -> b.append('\n');
                case 'r' -> b.append('\r');
                case 't' -> b.append('\t');
                case 'u' -> {
                    int v = 0;
                    for (int i = 0; i < 4; i++) {
                        int d = "0123456789abcdef".indexOf(Character.toLowerCase(next()));
                        if (d < 0) throw bad("an escape");
                        v = v << 4 | d;
                    }
                    b.append((char) v);
                }
                default -> throw bad("an escape");
            }
        }
    }

    private BigInteger number() {
        int from = p;
        if (s.charAt(p) == '-') p++;
        int digits = p;
        while (p < s.length() && s.charAt(p) >= '0' && s.charAt(p) <= '9') p++;
        if (p == digits || (p - digits > 1 && s.charAt(digits) == '0')) throw bad("a value");
        if (p < s.length() && ".eE".indexOf(s.charAt(p)) >= 0) throw bad("no integer");
        return new BigInteger(s.substring(from, p));
    }

    static String write(Object v) {
        StringBuilder b = new StringBuilder();
        write(v, b);
        return b.toString();
    }

    private static void write(Object v, StringBuilder b) {
        if (v instanceof Map<?, ?> m) {
            String comma = "{";
            for (Map.Entry<?, ?> e : m.entrySet()) {
                b.append(comma);
                write(e.getKey(), b);
                b.append(':');
                write(e.getValue(), b);
                comma = ",";
            }
            b.append(m.isEmpty() ? "{}" : "}");
        } else if (v instanceof List<?> l) {
            String comma = "[";
            for (Object o : l) {
                b.append(comma);
                write(o, b);
                comma = ",";
            }
            b.append(l.isEmpty() ? "[]" : "]");
        } else if (v instanceof String t) {
            b.append('"');
            for (char c : t.toCharArray()) {
                if (c == '"' || c == '\\') b.append('\\').append(c);
                else if (c < 0x20) b.append(String.format("\\u%04x", (int) c));
                else b.append(c);
            }
            b.append('"');
        } else {
            b.append(v);
        }
    }
}
