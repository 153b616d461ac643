import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.BufferedInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The load child for Kafka's Java client: the stages, the events and the honesty of the Python one (see protocol.py).
 * The main thread obeys the parent and reports; one thread sends; the client's own I/O thread counts what was
 * acknowledged. Started by java_launch.py, which prepares the messages: `IngestuneLoad SPEC_FILE MESSAGES_FILE`.
 */
public final class IngestuneLoad {
    static final long INTERVAL_NS = 500_000_000L;
    static final long WAKE_NS = 50_000L;
    static final double WARM_SHARE = 0.3, SATURATED_SHARE = 0.9;
    static final double CONNECT_S = 15, GRACE_S = 5, GONE_S = 10;
    static final int RECORD_BYTES = 9, WARM_PARTITIONS = 64, LOG_LINES = 20;
    static final long HIGHEST_US = 60_000_000L;

    /** What went wrong, for the parent; ends the process with 1. */
    static final class LoadFailed extends RuntimeException {
        final String code;
        final boolean permanent, brokerGone;

        LoadFailed(String code, String reason, boolean permanent, boolean brokerGone) {
            super(reason);
            this.code = code;
            this.permanent = permanent;
            this.brokerGone = brokerGone;
        }
    }

    /** The spec, as java_launch.py passes it on. */
    static final class Spec {
        final Properties config = new Properties();
        final String topic;
        final int partitions, maxTimedPerS;
        final long bytesCap, bytesPerS;
        final boolean dueTimeHeader;

        Spec(DataInputStream in) throws IOException {
            for (int left = in.readInt(); left > 0; left--) {
                String name = text(in);
                config.put(name, text(in));
            }
            topic = text(in);
            partitions = in.readInt();
            bytesCap = in.readLong();
            bytesPerS = in.readLong();
            dueTimeHeader = in.readBoolean();
            maxTimedPerS = in.readInt();
        }

        static String text(DataInputStream in) throws IOException {
            return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
        }

        /** The text without any value that a secret property holds. */
        String redact(String text) {
            for (String name : config.stringPropertyNames()) {
                String value = config.getProperty(name);
                String lower = name.toLowerCase(Locale.ROOT);
                boolean secret = lower.matches(".*(password|secret|jaas|token|keystore.key|certificate).*");
                if (secret && !value.isEmpty()) text = text.replace(value, "***");
            }
            return text;
        }
    }

    // Books: what became of every message --------------------------------------------------------------------

    final AtomicLong sent = new AtomicLong();
    final AtomicLong acknowledged = new AtomicLong();
    final AtomicLong failedTotal = new AtomicLong();
    final AtomicLong timedOut = new AtomicLong();
    final Map<String, Long> failed = new ConcurrentHashMap<>();
    volatile Exception last;

    long outstanding() {
        return Math.max(0, sent.get() - acknowledged.get() - failedTotal.get());
    }

    /** Counts one report. Acknowledgements come from the client's I/O thread alone. */
    final Callback books = this::count;

    void count(RecordMetadata metadata, Exception error) {
        if (error == null) {
            acknowledged.lazySet(acknowledged.get() + 1);
        } else if (error instanceof BufferExhaustedException) {
            sent.decrementAndGet(); // never taken in: tried again with the next message
        } else {
            last = error;
            failed.merge(nameOf(error), 1L, Long::sum);
            if (error instanceof TimeoutException) timedOut.incrementAndGet();
            failedTotal.incrementAndGet();
        }
    }

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

    // The sending thread -------------------------------------------------------------------------------------

    final Spec spec;
    final KafkaProducer<byte[], byte[]> producer;
    final ProducerRecord<byte[], byte[]>[] ring;
    final double meanBytes;
    final Thread sender = new Thread(this::work, "load");
    int position;
    volatile boolean flooding, stopped, flush;
    volatile long limit;
    volatile long allowedFromNs, allowedFromSent;
    volatile Pace pace;

    void work() {
        while (true) {
            Pace due = pace;
            if (flooding) flood();
            else if (due != null && !due.sendingOver) due.send();
            else if (flush) producer.flush();
            else LockSupport.parkNanos(100_000);
        }
    }

    /** As fast as the client accepts; a full buffer holds this thread up, as it would any application's. */
    void flood() {
        final boolean capped = spec.bytesPerS > 0;
        final double messagesPerNs = spec.bytesPerS / meanBytes / 1e9;
        while (flooding) {
            long soFar = sent.get();
            boolean early = capped
                && soFar >= allowedFromSent + (long) (messagesPerNs * (System.nanoTime() - allowedFromNs));
            if (soFar >= limit || early) LockSupport.parkNanos(200_000);
            else send(next(), books);
        }
    }

    ProducerRecord<byte[], byte[]> next() {
        ProducerRecord<byte[], byte[]> message = ring[position];
        position = position + 1 == ring.length ? 0 : position + 1;
        return message;
    }

    void send(ProducerRecord<byte[], byte[]> message, Callback callback) {
        sent.incrementAndGet();
        try {
            producer.send(message, callback);
        } catch (KafkaException error) {
            callback.onCompletion(null, error);
        }
    }

    void allow(double share) {
        limit = (long) ((long) (spec.bytesCap / meanBytes) * share);
        allowedFromSent = sent.get();
        allowedFromNs = System.nanoTime();
    }

    /** One paced stage: number i falls due at began + i / rate; each counts from due, timed by place in the schedule. */
    final class Pace {
        final double nsPerMessage;
        final int every;
        final long total, limit, beganNs, endNs, wallOffsetNs;
        final Recorder recorder = new Recorder(1, HIGHEST_US, 3);
        final Histogram latency = histogram(), lateness = histogram(), interval = histogram();
        final boolean[] over;
        volatile long sentHere, timedOver;
        volatile boolean sendingOver;

        Pace(double rate, double seconds) {
            nsPerMessage = 1e9 / rate;
            every = Math.max(1, (int) Math.ceil(rate / spec.maxTimedPerS));
            total = Math.max(1, (long) Math.ceil(rate * seconds - 1e-9));
            limit = Math.min(total, Math.max(0, (long) (spec.bytesCap / meanBytes) - sent.get()));
            over = new boolean[(int) (total / every) + 1];
            Instant wall = Instant.now();
            beganNs = System.nanoTime();
            endNs = beganNs + (long) (seconds * 1e9);
            wallOffsetNs = wall.getEpochSecond() * 1_000_000_000L + wall.getNano() - beganNs;
        }

        long dueNs(long number) {
            return beganNs + (long) (number * nsPerMessage);
        }

        long fallenDue(long nowNs) {
            return Math.min(total, (long) ((nowNs - beganNs) / nsPerMessage) + 1);
        }

        void send() {
            long number = 0, nowNs;
            while ((nowNs = System.nanoTime()) < endNs && number < limit && !stopped) {
                long waitNs = dueNs(number) - nowNs;
                if (waitNs > 0) {
                    LockSupport.parkNanos(Math.max(WAKE_NS, waitNs));
                    continue;
                }
                if (number % every == 0) sendTimed(number);
                else IngestuneLoad.this.send(next(), books);
                sentHere = ++number;
            }
            sendingOver = true;
        }

        void sendTimed(long number) {
            final long dueNs = dueNs(number);
            final int place = (int) (number / every);
            ProducerRecord<byte[], byte[]> message = next();
            if (spec.dueTimeHeader) {
                byte[] due = ByteBuffer.allocate(8).putLong(dueNs + wallOffsetNs).array();
                message = new ProducerRecord<>(spec.topic, null, message.key(), message.value(),
                    List.of(new RecordHeader("due", due)));
            }
            IngestuneLoad.this.send(message, (metadata, error) -> {
                count(metadata, error);
                recorder.recordValue(us(System.nanoTime() - dueNs));
                over[place] = true;
                timedOver++;
            });
            lateness.recordValue(us(System.nanoTime() - dueNs));
        }

        /** The percentiles since the last call, which go into the whole. */
        String newPercentiles() {
            recorder.getIntervalHistogramInto(interval);
            latency.add(interval);
            return percentiles(interval);
        }

        long timedSent() {
            return (sentHere + every - 1) / every;
        }

        /** Count what is not acknowledged, or was due and never sent, with its age: less would flatter a stall. */
        void giveUp(long scheduled) {
            newPercentiles();
            long nowNs = System.nanoTime();
            for (long number = 0; number < Math.min(scheduled, limit); number += every)
                if (!over[(int) (number / every)]) latency.recordValue(us(nowNs - dueNs(number)));
        }
    }

    static long us(long nanoseconds) {
        return Math.min(HIGHEST_US, Math.max(1, nanoseconds / 1000));
    }

    static Histogram histogram() {
        return new Histogram(1, HIGHEST_US, 3);
    }

    static String encode(Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int length = histogram.encodeIntoCompressedByteBuffer(buffer);
        return Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(buffer.array(), length));
    }

    // Opening ------------------------------------------------------------------------------------------------

    @SuppressWarnings("unchecked")
    IngestuneLoad(Spec spec, String messagesFile) throws IOException {
        this.spec = spec;
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(new FileInputStream(messagesFile), 1 << 20))) {
            byte[][] values = blocks(in);
            byte[][] keys = blocks(in);
            int slots = keys.length > 0 ? keys.length : Math.max(values.length, 4096 / values.length * values.length);
            ring = new ProducerRecord[slots];
            for (int slot = 0; slot < slots; slot++) {
                byte[] key = keys.length > 0 ? keys[slot] : null;
                ring[slot] = new ProducerRecord<>(spec.topic, key, values[slot % values.length]);
            }
            long bytes = 0;
            for (byte[] value : values) bytes += value.length;
            meanBytes = Math.max(1.0, (double) bytes / values.length);
        }
        Map<String, Object> config = new HashMap<>();
        spec.config.forEach((name, value) -> config.put((String) name, value));
        config.put("key.serializer", ByteArraySerializer.class);
        config.put("value.serializer", ByteArraySerializer.class);
        config.put("metrics.sample.window.ms", "250");
        try {
            producer = new KafkaProducer<>(config);
        } catch (KafkaException error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            boolean named = error instanceof ConfigException || cause == error;
            throw new LoadFailed("CONFIG", named ? error.getMessage() : cause.getMessage(), true, false);
        }
        producer.metrics().forEach((name, metric) -> {
            if (name.group().equals("producer-metrics")) metrics.put(name.name(), metric);
        });
    }

    static byte[][] blocks(DataInputStream in) throws IOException {
        byte[][] found = new byte[in.readInt()][];
        for (int index = 0; index < found.length; index++) found[index] = new byte[in.readInt()];
        for (byte[] block : found) in.readFully(block);
        return found;
    }

    /** Learn the topic, open the connections, have a few messages acknowledged. */
    void connect() throws InterruptedException {
        Thread first = new Thread(() -> {
            for (int partition = 0; partition < Math.min(spec.partitions, WARM_PARTITIONS); partition++) {
                ProducerRecord<byte[], byte[]> message = next();
                send(new ProducerRecord<>(spec.topic, partition, message.key(), message.value()), books);
            }
            producer.flush();
        }, "connect");
        first.setDaemon(true);
        first.start();
        first.join((long) (CONNECT_S * 1000));
        if (failedTotal.get() > 0) throw everythingFailed("the first messages failed");
        if (first.isAlive()) {
            if (metric("connection-count") < 1)
                throw new LoadFailed("_TRANSPORT", "no broker answered within " + (int) CONNECT_S + " s", false, true);
            throw new LoadFailed(sent.get() < 2 ? "UNKNOWN_TOPIC_OR_PART" : "_TIMED_OUT",
                "the first messages were not acknowledged within " + (int) CONNECT_S + " s", false, false);
        }
    }

    LoadFailed everythingFailed(String what) {
        Map.Entry<String, Long> most = failed.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
        String name = most.getKey();
        return new LoadFailed(name, what + ": " + most.getValue() + " x " + name + lastError(), permanent(name), false);
    }

    static boolean permanent(String name) {
        return name.matches("MSG_SIZE_TOO_LARGE|RECORD_LIST_TOO_LARGE|RECORD_TOO_LARGE|CORRUPT_MESSAGE|POLICY_VIOLATION"
            + "|UNSUPPORTED_.*|INVALID_.*|.*AUTHORIZATION_FAILED|.*AUTHENTICATION_FAILED");
    }

    String lastError() {
        return last == null ? "" : " (" + last.getMessage() + ")";
    }

    // Reporting ----------------------------------------------------------------------------------------------

    final Map<String, Metric> metrics = new HashMap<>();
    final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    final com.sun.management.OperatingSystemMXBean system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    Mark began, lastMark;
    double retries;
    long sampleDueNs, progressNs, progressAcknowledged;

    /** The books and clocks at one moment. */
    final class Mark {
        final long ns = System.nanoTime();
        final long sentThen = sent.get(), acknowledgedThen = acknowledged.get(), failedThen = failedTotal.get();
        final long processCpu = system.getProcessCpuTime(), threadCpu = Math.max(0, threads.getThreadCpuTime(sender.getId()));
        final Map<String, Long> failedBy = new TreeMap<>(failed);
    }

    double metric(String name) {
        Metric metric = metrics.get(name);
        return metric != null && metric.metricValue() instanceof Double value ? value : Double.NaN;
    }

    void begin() {
        if (began == null) {
            began = lastMark = new Mark();
            sampleDueNs = began.ns + INTERVAL_NS;
        }
    }

    /** The sample since the last one, when it is due or a stage's edge is reached. */
    void sample(String stage, boolean edge) {
        long nowNs = System.nanoTime();
        if (!edge && nowNs < sampleDueNs) return;
        Mark now = new Mark();
        long spanNs = now.ns - lastMark.ns;
        if (spanNs < 1_000_000) return;
        long messages = now.acknowledgedThen - lastMark.acknowledgedThen;
        double ratio = metric("compression-rate-avg"), batch = metric("batch-size-avg");
        double batchBytes = ratio > 0 && ratio < 1 ? batch / ratio : batch;
        double retried = metric("record-retry-total"), retriedNow = Double.isNaN(retried) ? 0 : retried - retries;
        retries += retriedNow;
        Pace current = pace;
        say(new Line("sample").put("stage", stage).put("t_s", (now.ns - began.ns) / 1e9).put("interval_s", spanNs / 1e9)
            .put("messages", messages).put("bytes", Math.round(messages * meanBytes))
            .raw("latency_ms", current != null && stage.equals("paced") ? current.newPercentiles() : "null")
            .put("backlog", outstanding()).put("errors", now.failedThen - lastMark.failedThen)
            .put("cpu", (now.processCpu - lastMark.processCpu) / (double) spanNs)
            .put("thread_cpu", (now.threadCpu - lastMark.threadCpu) / (double) spanNs)
            .put("round_trip_ms", metric("request-latency-avg")).put("queue_ms", metric("record-queue-time-avg"))
            .put("batch_bytes", batchBytes).put("batch_messages", batchBytes / (meanBytes + RECORD_BYTES))
            .put("compression", 1 / ratio).put("throttle_ms", metric("produce-throttle-time-avg"))
            .put("retries", (long) retriedNow));
        lastMark = now;
        sampleDueNs = edge ? now.ns + INTERVAL_NS : Math.max(sampleDueNs + INTERVAL_NS, now.ns + 1);
    }

    /** Fail where going on makes no sense. */
    void check() {
        if (failedTotal.get() > 100 && acknowledged.get() == 0) throw everythingFailed("every message failed");
        long nowNs = System.nanoTime();
        boolean waiting = outstanding() > 0 && acknowledged.get() == progressAcknowledged;
        if (!waiting || metric("connection-count") > 0) {
            progressNs = nowNs;
            progressAcknowledged = acknowledged.get();
        } else if (nowNs - progressNs > GONE_S * 1e9) {
            throw new LoadFailed("_ALL_BROKERS_DOWN", "no broker is connected any more", false, true);
        }
    }

    Line stageDone(String stage, Mark start, Mark end, long backlog) {
        double spanNs = Math.max(1, end.ns - start.ns);
        long messages = end.acknowledgedThen - start.acknowledgedThen;
        Map<String, Long> failedHere = new TreeMap<>(end.failedBy);
        start.failedBy.forEach((name, count) -> failedHere.merge(name, -count, Long::sum));
        failedHere.values().removeIf(count -> count == 0);
        return new Line("stage_done").put("stage", stage).put("window_s", spanNs / 1e9).put("messages", messages)
            .put("bytes", Math.round(messages * meanBytes)).put("failed", failedHere)
            .put("sent", end.sentThen - start.sentThen).put("backlog_end", backlog)
            .put("cpu", (end.processCpu - start.processCpu) / spanNs)
            .put("thread_cpu", (end.threadCpu - start.threadCpu) / spanNs);
    }

    static String percentiles(Histogram of) {
        StringBuilder text = new StringBuilder("{");
        double[] quantiles = {0.5, 0.95, 0.99, 0.999};
        String[] names = {"p50", "p95", "p99", "p999"};
        for (int index = 0; index < names.length; index++) {
            boolean shown = of.getTotalCount() * (1 - quantiles[index]) + 1e-9 >= 10;
            double value = of.getValueAtPercentile(quantiles[index] * 100) / 1000.0;
            text.append('"').append(names[index]).append("\":").append(shown ? value : "null").append(',');
        }
        return text.append("\"max\":").append(of.getTotalCount() > 0 ? of.getMaxValue() / 1000.0 : "null").append('}').toString();
    }

    /** One event as a line of JSON. */
    static final class Line {
        final StringBuilder text = new StringBuilder();

        Line(String event) {
            text.append("{\"event\":").append(quoted(event));
        }

        Line raw(String name, String json) {
            text.append(',').append(quoted(name)).append(':').append(json);
            return this;
        }

        Line put(String name, double value) {
            return raw(name, Double.isFinite(value) ? Double.toString(value) : "null");
        }

        Line put(String name, long value) {
            return raw(name, Long.toString(value));
        }

        Line put(String name, boolean value) {
            return raw(name, Boolean.toString(value));
        }

        Line put(String name, String value) {
            return raw(name, quoted(value));
        }

        Line put(String name, Map<String, Long> counts) {
            List<String> pairs = new ArrayList<>();
            counts.forEach((key, count) -> pairs.add(quoted(key) + ":" + count));
            return raw(name, "{" + String.join(",", pairs) + "}");
        }

        static String quoted(String value) {
            StringBuilder quoted = new StringBuilder("\"");
            for (char letter : value.toCharArray()) {
                if (letter == '"' || letter == '\\') quoted.append('\\').append(letter);
                else if (letter < ' ') quoted.append(String.format("\\u%04x", (int) letter));
                else quoted.append(letter);
            }
            return quoted.append('"').toString();
        }
    }

    static void say(Line line) {
        OUT.println(line.text.append('}'));
        OUT.flush();
    }

    // Stages, as the parent says -----------------------------------------------------------------------------

    static final Pattern NUMBER = Pattern.compile("\"(limit_s|seconds|rate|within_s)\"\\s*:\\s*([-+.0-9eE]+)");
    static final Pattern ACTION = Pattern.compile("\"do\"\\s*:\\s*\"(\\w+)\"");
    final LinkedBlockingQueue<String> commands = new LinkedBlockingQueue<>();

    /** A reader of stdin; a closed one ends the process at once. */
    void listen() {
        Thread reader = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
                for (String line; (line = in.readLine()) != null; ) {
                    Matcher action = ACTION.matcher(line);
                    if (action.find() && action.group(1).equals("stop")) stopped = true;
                    if (!line.isBlank()) commands.add(line);
                }
            } catch (IOException error) {
                // the same as a closed one
            }
            Runtime.getRuntime().halt(1);
        }, "stdin");
        reader.setDaemon(true);
        reader.start();
    }

    static double number(String command, String name, double otherwise) {
        Matcher found = NUMBER.matcher(command);
        while (found.find()) if (found.group(1).equals(name)) return Double.parseDouble(found.group(2));
        return otherwise;
    }

    void serve() throws InterruptedException {
        while (true) {
            String command = commands.poll(20, TimeUnit.MILLISECONDS);
            if (command == null) {
                check();
                continue;
            }
            Matcher action = ACTION.matcher(command);
            if (!action.find()) throw new LoadFailed("INTERNAL", "unreadable command", true, false);
            double seconds = number(command, "seconds", 0);
            switch (action.group(1)) {
                case "warm" -> warm(number(command, "limit_s", 15));
                case "saturate" -> saturate(seconds);
                case "pace" -> pace(number(command, "rate", 1), seconds);
                case "finish" -> {
                    finish(number(command, "within_s", 30));
                    return;
                }
                default -> {
                    return;
                }
            }
        }
    }

    void warm(double limitS) throws InterruptedException {
        begin();
        allow(WARM_SHARE);
        flooding = true;
        long untilNs = System.nanoTime() + (long) (limitS * 1e9);
        boolean told = false;
        while (commands.isEmpty()) {
            if (System.nanoTime() > untilNs) flooding = false;
            if (sent.get() >= limit && !told) {
                say(new Line("cap_reached").put("messages", sent.get()));
                told = true;
            }
            check();
            sample("warmup", false);
            Thread.sleep(2);
        }
    }

    void saturate(double seconds) throws InterruptedException {
        begin();
        allow(SATURATED_SHARE);
        Mark start = new Mark();
        sample("warmup", true);
        sampleDueNs = start.ns + INTERVAL_NS;
        flooding = true;
        long endNs = start.ns + (long) (seconds * 1e9), nowNs;
        while ((nowNs = System.nanoTime()) < endNs && sent.get() < limit && !stopped) {
            check();
            sample("saturated", false);
            LockSupport.parkNanos(Math.min(2_000_000, endNs - nowNs));
        }
        Mark end = new Mark();
        flooding = false;
        sample("saturated", true);
        say(stageDone("saturated", start, end, outstanding()).put("ended_early", sent.get() >= limit ? "bytes_cap" : ""));
        drain();
        sample("drain", true);
    }

    void drain() throws InterruptedException {
        while (outstanding() > 0 && !stopped) {
            check();
            sample("drain", false);
            Thread.sleep(2);
        }
    }

    void pace(double rate, double seconds) throws InterruptedException {
        begin();
        drain();
        sample("drain", true);
        Mark start = new Mark();
        Pace stage = new Pace(rate, seconds);
        pace = stage;
        sampleDueNs = stage.beganNs + INTERVAL_NS;
        long nowNs;
        while ((nowNs = System.nanoTime()) < stage.endNs && !stopped && !(stage.sendingOver && stage.limit < stage.total)) {
            check();
            sample("paced", false);
            LockSupport.parkNanos(Math.min(2_000_000, stage.endNs - nowNs));
        }
        Mark end = new Mark();
        long backlog = outstanding();
        sample("paced", true);
        long graceNs = System.nanoTime() + (long) (GRACE_S * 1e9);
        while ((!stage.sendingOver || stage.timedOver < stage.timedSent()) && System.nanoTime() < graceNs && !stopped) {
            sample("drain", false);
            Thread.sleep(1);
        }
        long scheduled = stage.fallenDue(stage.endNs - 1);
        stage.giveUp(scheduled);
        say(stageDone("paced", start, end, backlog).put("latency", encode(stage.latency)).put("due_to_sent", encode(stage.lateness))
            .put("scheduled", scheduled).put("ended_early", stage.limit < stage.total ? "bytes_cap" : ""));
        pace = null;
    }

    void finish(double withinS) throws InterruptedException {
        flush = true;
        long untilNs = System.nanoTime() + (long) (withinS * 1e9);
        while (outstanding() > 0 && System.nanoTime() < untilNs && !stopped) Thread.sleep(2);
        List<String> lines = new ArrayList<>();
        synchronized (LOG) {
            for (String line : LOG) lines.add(Line.quoted(spec.redact(line)));
        }
        say(new Line("finished").put("sent", sent.get()).put("acknowledged", acknowledged.get()).put("failed", failed)
            .put("timed_out", timedOut.get()).put("unacknowledged", outstanding())
            .put("bytes", Math.round(acknowledged.get() * meanBytes)).raw("log", "[" + String.join(",", lines) + "]"));
    }

    // The process --------------------------------------------------------------------------------------------

    static final ArrayDeque<String> LOG = new ArrayDeque<>();

    /** What the client's logger prints, as its last lines. */
    static final class LastLines extends OutputStream {
        final StringBuilder line = new StringBuilder();

        @Override
        public synchronized void write(int letter) {
            if (letter != '\n') {
                if (line.length() < 500) line.append((char) (letter & 0xff));
                return;
            }
            synchronized (LOG) {
                LOG.add(line.toString());
                if (LOG.size() > LOG_LINES) LOG.removeFirst();
            }
            line.setLength(0);
        }
    }

    /** Loads what a trial will load, so that the JVM can store it for quick starts (class data sharing). */
    static void rehearse() {
        Map<String, Object> config = Map.of("bootstrap.servers", "127.0.0.1:9", "max.block.ms", "300",
            "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
            producer.send(new ProducerRecord<>("rehearsal", new byte[8]), (metadata, error) -> nameOf(error));
            Recorder recorder = new Recorder(1, HIGHEST_US, 3);
            recorder.recordValue(1);
            percentiles(recorder.getIntervalHistogram());
            encode(recorder.getIntervalHistogram());
            new Line("rehearsal").put("metrics", producer.metrics().size()).put("failed", new TreeMap<>());
            ManagementFactory.getThreadMXBean().getThreadCpuTime(Thread.currentThread().getId());
            ManagementFactory.getOperatingSystemMXBean().getAvailableProcessors();
        }
    }

    public static void main(String[] files) {
        if (files.length == 0) {
            rehearse();
            return;
        }
        PrintStream lines = new PrintStream(new LastLines(), true);
        System.setOut(lines);
        System.setErr(lines);
        Spec spec = null;
        int code = 1;
        try (DataInputStream in = new DataInputStream(new FileInputStream(files[0]))) {
            spec = new Spec(in);
            IngestuneLoad load = new IngestuneLoad(spec, files[1]);
            load.listen();
            load.connect();
            load.sender.setDaemon(true);
            load.sender.start();
            load.threads.getThreadCpuTime(load.sender.getId());
            say(new Line("ready").put("pid", ProcessHandle.current().pid())
                .put("client", "kafka-clients " + AppInfoParser.getVersion()));
            load.serve();
            code = 0;
        } catch (LoadFailed failure) {
            fail(spec, failure.code, failure.getMessage(), failure.permanent, failure.brokerGone);
        } catch (AuthenticationException | AuthorizationException error) {
            fail(spec, nameOf(error), error.getMessage(), true, false);
        } catch (Exception error) {
            fail(spec, "INTERNAL", error.toString(), false, false);
        }
        OUT.flush();
        Runtime.getRuntime().halt(code);
    }

    static void fail(Spec spec, String code, String reason, boolean permanent, boolean brokerGone) {
        String told = reason == null ? code : spec == null ? reason : spec.redact(reason);
        say(new Line("failed").put("code", code).put("reason", told).put("permanent", permanent).put("broker_gone", brokerGone));
    }
}
