package sealroom;

/** What this implementation lacks, by name. It is no verdict about the input. */
final class Skipped extends RuntimeException {
    private static final long serialVersionUID = 1;
    Skipped(String lacks) { super(lacks, null, false, false); }
}
