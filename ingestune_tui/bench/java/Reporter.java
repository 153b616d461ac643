import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Map;
import java.util.TreeMap;

/** Samples and stage results, made of differences of the books and the CPU clocks. Used by the main thread alone. */
final class Reporter {
    private static final long INTERVAL_NS = 500_000_000L;
    private static final long SHORTEST_NS = 1_000_000L;
    private static final double GONE_S = 10;
    private static final int RECORD_BYTES = 9;
    private final Load load;
    private final Books books;
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final com.sun.management.OperatingSystemMXBean system =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final long senderId;
    private Mark began;
    private Mark last;
    private double retries;
    private long dueNs;
    private long progressNs = System.nanoTime();
    private long progressAcknowledged;

    /** The books and clocks at one moment. */
    final class Mark {
        final long ns = System.nanoTime();
        final long sent = books.sent.get();
        final long acknowledged = books.acknowledged.get();
        final long failed = books.failedTotal.get();
        final long processCpuNs = system.getProcessCpuTime();
        final long threadCpuNs = Math.max(0, threads.getThreadCpuTime(senderId));
        final Map<String, Long> failedBy = books.failed();
    }

    Reporter(Load load) {
        this.load = load;
        books = load.books;
        senderId = id(load.sender);
    }

    /** Java 17 has no newer name for it. */
    @SuppressWarnings("deprecation")
    private static long id(Thread thread) {
        return thread.getId();
    }

    /** Time zero of the trial, the first time; later calls change nothing. */
    void begin() {
        if (began == null) {
            began = last = new Mark();
            restart(began.ns);
        }
    }

    /** Samples fall due each half second from here: a stage's length is then whole samples. */
    void restart(long atNs) {
        dueNs = atNs + INTERVAL_NS;
    }

    /** Send a sample if one is due. */
    void tick(String stage, Pace pace) {
        if (System.nanoTime() >= dueNs) sample(stage, new Mark(), pace);
    }

    /** The same in a stage that ends at a known moment, whose edge then closes the last sample: no sliver before it. */
    void tickUntil(long endNs, String stage, Pace pace) {
        if (endNs - System.nanoTime() > INTERVAL_NS / 2) tick(stage, pace);
    }

    /** Send the sample up to a stage's edge. */
    void edge(String stage, Mark at, Pace pace) {
        sample(stage, at, pace);
        restart(at.ns);
    }

    private void sample(String stage, Mark now, Pace pace) {
        long spanNs = now.ns - last.ns;
        if (spanNs < SHORTEST_NS) return;
        long messages = now.acknowledged - last.acknowledged;
        double ratio = load.metric("compression-rate-avg");
        double batchBytes = load.metric("batch-size-avg") / (ratio > 0 && ratio < 1 ? ratio : 1);
        double retriesNow = load.metric("record-retry-total");
        Line line = new Line("sample").put("stage", stage).put("t_s", (now.ns - began.ns) / 1e9)
            .put("interval_s", spanNs / 1e9).put("messages", messages).put("bytes", Math.round(messages * load.meanBytes))
            .put("backlog", books.outstanding()).put("errors", now.failed - last.failed)
            .put("cpu", (now.processCpuNs - last.processCpuNs) / (double) spanNs)
            .put("thread_cpu", (now.threadCpuNs - last.threadCpuNs) / (double) spanNs)
            .put("round_trip_ms", load.metric("request-latency-avg")).put("queue_ms", load.metric("record-queue-time-avg"))
            .put("batch_bytes", batchBytes).put("batch_messages", batchBytes / (load.meanBytes + RECORD_BYTES))
            .put("compression", 1 / ratio).put("throttle_ms", load.metric("produce-throttle-time-avg"))
            .put("retries", (long) Math.max(0, Double.isNaN(retriesNow) ? 0 : retriesNow - retries));
        if (pace != null) line.percentiles("latency_ms", pace.newLatencies());
        line.say();
        retries = Double.isNaN(retriesNow) ? retries : retriesNow;
        last = now;
        dueNs = Math.max(dueNs + INTERVAL_NS, now.ns + 1);
    }

    /** How many messages were acknowledged, or failed, between two marks. */
    static long settled(Mark start, Mark end) {
        return end.acknowledged + end.failed - start.acknowledged - start.failed;
    }

    /** A stage's result between two marks; what was sent and what was left is the stage's own to say. */
    Line stageDone(String stage, Mark start, Mark end, boolean early) {
        double spanNs = Math.max(1, end.ns - start.ns);
        long messages = end.acknowledged - start.acknowledged;
        Map<String, Long> failed = new TreeMap<>(end.failedBy);
        start.failedBy.forEach((name, count) -> failed.merge(name, -count, Long::sum));
        failed.values().removeIf(count -> count == 0);
        return new Line("stage_done").put("stage", stage).put("window_s", spanNs / 1e9).put("messages", messages)
            .put("bytes", Math.round(messages * load.meanBytes)).put("failed", failed)
            .put("ended_early", early ? "bytes_cap" : "")
            .put("cpu", (end.processCpuNs - start.processCpuNs) / spanNs)
            .put("thread_cpu", (end.threadCpuNs - start.threadCpuNs) / spanNs);
    }

    /** Fail where going on makes no sense: every message fails, or no broker is left. */
    void check() {
        if (books.nothingGetsThrough()) throw books.failure("every message failed");
        long nowNs = System.nanoTime();
        boolean waiting = books.outstanding() > 0 && books.acknowledged.get() == progressAcknowledged;
        if (!waiting) {
            progressNs = nowNs;
            progressAcknowledged = books.acknowledged.get();
        } else if (nowNs - progressNs > GONE_S * 1e9 && load.metric("connection-count") < 1) {
            throw new LoadFailed("_ALL_BROKERS_DOWN", "no broker is connected any more", false, true);
        }
    }
}
