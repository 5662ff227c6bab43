package sealroom;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** BIP-39, SPEC §11.1, with the English words. */
final class Mnemonic {
    private Mnemonic() {}

    private static final Map<String, Integer> PLACE = new HashMap<>();
    static {
        for (int i = 0; i < EnglishWords.LIST.length; i++) PLACE.put(EnglishWords.LIST[i], i);
    }

    private static String nfkd(String s) { return Normalizer.normalize(s, Normalizer.Form.NFKD); }
    /** White space is the property of Unicode. */
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);
    private static List<String> split(String words) {
        return SPACE.splitAsStream(nfkd(words)).filter(w -> !w.isEmpty()).toList();
    }

    /** [ID-01]: the number of words, each word, the checksum. Gives the entropy. */
    static byte[] check(String phrase) {
        List<String> words = split(phrase);
        int n = words.size();
        if (n % 3 != 0 || n < 12 || n > 24) throw Refused.malformed("ID-01", "number of words");
        boolean[] bits = new boolean[n * 11];
        for (int i = 0; i < n; i++) {
            Integer place = PLACE.get(words.get(i));
            if (place == null) throw Refused.malformed("ID-01", "unknown word");
            for (int j = 0; j < 11; j++) bits[i * 11 + j] = (place >> (10 - j) & 1) == 1;
        }
        byte[] entropy = new byte[n / 3 * 4];
        for (int i = 0; i < entropy.length * 8; i++) if (bits[i]) entropy[i / 8] |= (byte) (0x80 >> i % 8);
        byte[] hash = Algorithms.sha256(entropy);
        for (int i = 0; i < n / 3; i++) {
            if (bits[entropy.length * 8 + i] != ((hash[0] << i & 0x80) != 0)) throw Refused.malformed("ID-01", "checksum");
        }
        return entropy;
    }

    /** [ID-02] */
    static byte[] seed(String phrase, String passphrase) {
        byte[] words = String.join(" ", split(phrase)).getBytes(StandardCharsets.UTF_8);
        byte[] salt = nfkd("mnemonic" + passphrase).getBytes(StandardCharsets.UTF_8);
        return Algorithms.pbkdf2("HmacSHA512", words, salt, 2048);
    }
}
