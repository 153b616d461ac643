import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The producer and the one thread that sends: as fast as it accepts, on a schedule, or nothing. */
final class Load {
    private static final double ANSWER_S = 5;
    private static final double CONNECT_S = 15;
    private static final int WARM_PARTITIONS = 64;
    final Spec spec;
    final Books books = new Books();
    final KafkaProducer<byte[], byte[]> producer;
    final double meanBytes;
    final Thread sender = new Thread(this::work, "load");
    private final Map<String, Metric> metrics = new HashMap<>();
    /** Prepared values and keys, gone round and round; the record around them is new each time, as an application's. */
    private final byte[][] values;
    private final byte[][] keys;
    private int value;
    private int key;
    private volatile boolean flooding;
    private volatile boolean flushing;
    private volatile Pace pace;
    private volatile long limit;
    private volatile long allowedFromNs;
    private volatile long allowedFromSent;

    Load(Spec spec, String messagesFile) throws IOException {
        this.spec = spec;
        try (DataInputStream in = open(messagesFile)) {
            values = blocks(in);
            byte[][] given = blocks(in);
            keys = given.length > 0 ? given : new byte[][] {null};
            long bytes = 0;
            for (byte[] each : values) bytes += each.length;
            meanBytes = Math.max(1.0, (double) bytes / values.length);
        }
        producer = producer();
        producer.metrics().forEach((name, metric) -> {
            if (name.group().equals("producer-metrics")) metrics.put(name.name(), metric);
        });
        sender.setDaemon(true);
    }

    private static DataInputStream open(String file) throws IOException {
        return new DataInputStream(new BufferedInputStream(new FileInputStream(file), 1 << 20));
    }

    private static byte[][] blocks(DataInputStream in) throws IOException {
        byte[][] found = new byte[in.readInt()][];
        for (int index = 0; index < found.length; index++) found[index] = new byte[in.readInt()];
        for (byte[] block : found) in.readFully(block);
        return found;
    }

    private KafkaProducer<byte[], byte[]> producer() {
        Map<String, Object> config = new HashMap<>();
        spec.config.forEach((name, value) -> config.put((String) name, value));
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        config.put("metrics.sample.window.ms", "250");
        try {
            return new KafkaProducer<>(config);
        } catch (KafkaException error) {
            boolean inItself = error instanceof ConfigException || error.getCause() == null;
            String reason = inItself ? error.getMessage() : error.getCause().getMessage();
            throw new LoadFailed("CONFIG", reason, true, false);
        }
    }

    /** A figure of the client's own metrics, of the last half second; NaN where it has none. */
    double metric(String name) {
        Metric metric = metrics.get(name);
        return metric != null && metric.metricValue() instanceof Double value ? value : Double.NaN;
    }

    /** Learn the topic, open the connections, have a few messages acknowledged; then the sender may start. */
    void connect() throws InterruptedException {
        Thread first = new Thread(this::sendFirst, "connect");
        first.setDaemon(true);
        first.start();
        first.join((long) (ANSWER_S * 1000));
        if (first.isAlive() && books.failedTotal.get() == 0 && metric("connection-count") < 1)
            throw new LoadFailed("_TRANSPORT", "no broker answered within " + (int) ANSWER_S + " s", false, true);
        first.join((long) ((CONNECT_S - ANSWER_S) * 1000));
        if (books.failedTotal.get() > 0) throw books.failure("the first messages failed");
        if (first.isAlive()) {
            String code = books.sent.get() < 2 ? "UNKNOWN_TOPIC_OR_PART" : "_TIMED_OUT";
            String reason = "the first messages were not acknowledged within " + (int) CONNECT_S + " s";
            throw new LoadFailed(code, reason, false, false);
        }
        sender.start();
    }

    private void sendFirst() {
        for (int partition = 0; partition < Math.min(spec.partitions, WARM_PARTITIONS); partition++) {
            ProducerRecord<byte[], byte[]> message = next();
            send(new ProducerRecord<>(spec.topic, partition, message.key(), message.value()), books);
        }
        producer.flush();
    }

    // In the sending thread

    private void work() {
        while (true) {
            Pace current = pace;
            if (flooding) flood();
            else if (current != null && !current.sendingOver()) current.send();
            else if (flushing) producer.flush();
            else LockSupport.parkNanos(100_000);
        }
    }

    /** As fast as the client accepts; a full buffer holds this thread up, as it would any application's. */
    private void flood() {
        final boolean capped = spec.bytesPerS > 0;
        final double messagesPerNs = spec.bytesPerS / meanBytes / 1e9;
        while (flooding) {
            long soFar = books.sent.get();
            boolean early = capped
                && soFar >= allowedFromSent + (long) (messagesPerNs * (System.nanoTime() - allowedFromNs));
            if (soFar >= limit || early) LockSupport.parkNanos(200_000);
            else send(next(), books);
        }
    }

    ProducerRecord<byte[], byte[]> next() {
        value = value + 1 == values.length ? 0 : value + 1;
        key = key + 1 == keys.length ? 0 : key + 1;
        return new ProducerRecord<>(spec.topic, keys[key], values[value]);
    }

    /** False when the client's buffer stayed full for as long as it may hold the sender up. */
    boolean send(ProducerRecord<byte[], byte[]> message, Callback callback) {
        long refused = books.refused;
        books.sent.incrementAndGet();
        try {
            producer.send(message, callback);
        } catch (KafkaException error) {
            callback.onCompletion(null, error);
        }
        return books.refused == refused;
    }

    // Told by the main thread

    /** Flood, up to a share of the byte cap; the rate cap's clock starts now. */
    void allow(double share) {
        limit = (long) ((long) (spec.bytesCap / meanBytes) * share);
        allowedFromSent = books.sent.get();
        allowedFromNs = System.nanoTime();
        flooding = true;
    }

    boolean atCap() {
        return books.sent.get() >= limit;
    }

    void stopFlooding() {
        flooding = false;
    }

    /** Send this schedule; null is none. */
    void follow(Pace schedule) {
        pace = schedule;
    }

    void flush() {
        flushing = true;
    }
}
