import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.Errors;

/** What became of every message: each one sent ends acknowledged or failed, here and nowhere else. */
final class Books implements Callback {
    private static final String PERMANENT = "MSG_SIZE_TOO_LARGE|RECORD_LIST_TOO_LARGE|CORRUPT_MESSAGE|POLICY_VIOLATION"
        + "|UNSUPPORTED_.*|INVALID_.*|.*AUTHORIZATION_FAILED|.*AUTHENTICATION_FAILED";
    final AtomicLong sent = new AtomicLong();
    final AtomicLong acknowledged = new AtomicLong();
    final AtomicLong failedTotal = new AtomicLong();
    /** Failures that may have been written all the same. */
    final AtomicLong timedOut = new AtomicLong();
    /** Messages that the client never took, its buffer being full. Known only in the thread that sends, within a send. */
    long refused;
    private final Map<String, Long> failed = new ConcurrentHashMap<>();
    private volatile Exception last;

    long outstanding() {
        return Math.max(0, sent.get() - acknowledged.get() - failedTotal.get());
    }

    Map<String, Long> failed() {
        return new TreeMap<>(failed);
    }

    /** Counts one report. Acknowledgements come from the client's I/O thread alone, so they need no atomic add. */
    @Override
    public void onCompletion(RecordMetadata metadata, Exception error) {
        if (error == null) {
            acknowledged.lazySet(acknowledged.get() + 1);
        } else if (error instanceof BufferExhaustedException) {
            sent.decrementAndGet(); // never taken in: another message goes in its place
            refused++;
        } else {
            last = error;
            failed.merge(nameOf(error), 1L, Long::sum);
            if (error instanceof TimeoutException) timedOut.incrementAndGet();
            failedTotal.incrementAndGet();
        }
    }

    /** The name that librdkafka, and so the rest of ingestune, gives an error. */
    static String nameOf(Throwable error) {
        String name = Errors.forException(error).name();
        return switch (name) {
            case "MESSAGE_TOO_LARGE" -> "MSG_SIZE_TOO_LARGE";
            case "UNKNOWN_TOPIC_OR_PARTITION" -> "UNKNOWN_TOPIC_OR_PART";
            case "REQUEST_TIMED_OUT" -> "_MSG_TIMED_OUT";
            case "UNKNOWN_SERVER_ERROR" -> error.getClass().getSimpleName();
            default -> name;
        };
    }

    boolean nothingGetsThrough() {
        return failedTotal.get() > 100 && acknowledged.get() == 0;
    }

    /** The most frequent error, in the broker's or client's own words. */
    LoadFailed failure(String what) {
        Map.Entry<String, Long> most = failed.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
        String words = last == null ? "" : " (" + last.getMessage() + ")";
        String reason = what + ": " + most.getValue() + " x " + most.getKey() + words;
        return new LoadFailed(most.getKey(), reason, most.getKey().matches(PERMANENT), false);
    }
}
