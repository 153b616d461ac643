import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * One paced stage: message i falls due at began + i / rate, whatever happened to the earlier ones, and its latency
 * counts from there. At most maxTimedPerS a second are timed, chosen by their place in the schedule.
 */
final class Pace {
    private static final long WAKE_NS = 50_000L;
    static final long HIGHEST_US = 60_000_000L;
    final long total;
    /** The byte cap: no more than so many are sent. */
    final long limit;
    final long beganNs;
    final long endNs;
    final Histogram latency = histogram();
    final Histogram lateness = histogram();
    private final Load load;
    private final double nsPerMessage;
    private final int every;
    private final long wallOffsetNs;
    private final Recorder recorder = new Recorder(1, HIGHEST_US, 3);
    private final Histogram interval = histogram();
    private final boolean[] over;
    private final AtomicLong timedOver = new AtomicLong();
    private long scheduled;
    private volatile long sent;
    private volatile boolean sendingOver;
    private volatile boolean stopped;

    Pace(Load load, double rate, double seconds) {
        this.load = load;
        nsPerMessage = 1e9 / rate;
        every = Math.max(1, (int) Math.ceil(rate / load.spec.maxTimedPerS));
        total = Math.max(1, (long) Math.ceil(rate * seconds - 1e-9));
        limit = Math.min(total, Math.max(0, (long) (load.spec.bytesCap / load.meanBytes) - load.books.sent.get()));
        over = new boolean[(int) (total / every) + 1];
        Instant wall = Instant.now();
        beganNs = System.nanoTime();
        endNs = beganNs + (long) (seconds * 1e9);
        wallOffsetNs = wall.getEpochSecond() * 1_000_000_000L + wall.getNano() - beganNs;
    }

    static Histogram histogram() {
        return new Histogram(1, HIGHEST_US, 3);
    }

    private static long us(long nanoseconds) {
        return Math.min(HIGHEST_US, Math.max(1, nanoseconds / 1000));
    }

    private long dueNs(long number) {
        return beganNs + (long) (number * nsPerMessage);
    }

    /** The window closes: what fell due before this, the byte cap permitting, is what the stage is about. */
    void end(long atNs) {
        long due = (long) ((Math.min(atNs, endNs) - 1 - beganNs) / nsPerMessage) + 1;
        scheduled = Math.max(sent, Math.min(limit, due));
    }

    long scheduled() {
        return scheduled;
    }

    long sent() {
        return sent;
    }

    boolean endsEarly() {
        return limit < total;
    }

    // In the sending thread

    /** All that falls due in the window, the last of it when the window has just closed. */
    void send() {
        long number = 0;
        while (number < limit && !stopped) {
            long waitNs = dueNs(number) - System.nanoTime();
            if (waitNs > 0) LockSupport.parkNanos(Math.max(WAKE_NS, waitNs));
            else if (number % every == 0 ? sendTimed(number) : load.send(load.next(), load.books)) sent = ++number;
            else LockSupport.parkNanos(WAKE_NS); // the client is full: the same number again, late as it then is
        }
        sendingOver = true;
    }

    private boolean sendTimed(long number) {
        final long dueNs = dueNs(number);
        final int place = (int) (number / every);
        boolean taken = load.send(message(dueNs), (metadata, error) -> {
            load.books.onCompletion(metadata, error);
            if (error instanceof BufferExhaustedException) return;
            recorder.recordValue(us(System.nanoTime() - dueNs));
            over[place] = true;
            timedOver.incrementAndGet();
        });
        if (taken) lateness.recordValue(us(System.nanoTime() - dueNs));
        return taken;
    }

    private ProducerRecord<byte[], byte[]> message(long dueNs) {
        ProducerRecord<byte[], byte[]> message = load.next();
        if (!load.spec.dueTimeHeader) return message;
        byte[] due = ByteBuffer.allocate(8).putLong(dueNs + wallOffsetNs).array();
        return new ProducerRecord<>(load.spec.topic, null, message.key(), message.value(),
            List.of(new RecordHeader("due", due)));
    }

    // In the main thread

    void stop() {
        stopped = true;
    }

    boolean sendingOver() {
        return sendingOver;
    }

    boolean allTimedAreOver() {
        return sendingOver && timedOver.get() >= (sent + every - 1) / every;
    }

    /** The latencies since the last call, which also go into the whole. */
    Histogram newLatencies() {
        recorder.getIntervalHistogramInto(interval);
        latency.add(interval);
        return interval;
    }

    /** Count what is not acknowledged, or was due and never sent, with its age: less would flatter a stall. */
    void giveUp() {
        newLatencies();
        long nowNs = System.nanoTime();
        for (long number = 0; number < scheduled; number += every)
            if (!over[(int) (number / every)]) latency.recordValue(us(nowNs - dueNs(number)));
    }
}
