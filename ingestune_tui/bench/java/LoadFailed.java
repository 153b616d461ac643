/** The child cannot go on: told to the parent as a Failed event, then the process ends with 1. */
final class LoadFailed extends RuntimeException {
    private static final long serialVersionUID = 1;
    /** Kafka's error name, or CONFIG or INTERNAL. */
    final String code;
    final boolean permanent;
    final boolean brokerGone;

    LoadFailed(String code, String reason, boolean permanent, boolean brokerGone) {
        super(reason);
        this.code = code;
        this.permanent = permanent;
        this.brokerGone = brokerGone;
    }
}
