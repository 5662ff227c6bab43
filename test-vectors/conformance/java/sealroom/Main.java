package sealroom;

import java.nio.file.Path;

/**
 * A second implementation of SPEC.md, with the cryptography of JCA alone. It is made to be read beside the specification,
 * and not for use with real secrets: it takes no care of timing or of memory.
 *
 * Dedicated to the public domain under CC0 1.0, like SPEC.md.
 */
final class Main {
    private Main() {}

    private static final String USAGE = """
            usage: java sealroom.Main check DIR [--slow] [--mutate [N]]
                   java sealroom.Main serve
                   java sealroom.Main own""";

    public static void main(String[] args) throws Exception {
        String command = args.length == 0 ? "" : args[0];
        switch (command) {
            case "check" -> System.exit(check(args) ? 0 : 1);
            case "serve" -> Serve.run();
            case "own" -> System.exit(Own.run() ? 0 : 1);
            default -> {
                System.err.println(USAGE);
                System.exit(2);
            }
        }
    }

    private static boolean check(String[] args) throws Exception {
        boolean slow = false;
        int mutate = 0;
        for (int i = 2; i < args.length; i++) {
            if (args[i].equals("--slow")) slow = true;
            else if (args[i].equals("--mutate")) {
                mutate = 1;
                if (i + 1 < args.length && args[i + 1].matches("[1-9][0-9]{0,8}")) mutate = Integer.parseInt(args[++i]);
            } else throw new IllegalArgumentException(args[i]);
        }
        return new Check(Path.of(args[1]), slow, mutate).run();
    }
}
