import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The load child for Kafka's Java client: the stages, the events and the honesty of the Python one (see protocol.py).
 * The main thread obeys the parent and reports; Load's thread sends; the client's own I/O thread counts what was
 * acknowledged. Started by java_launch.py, which prepares the messages: `IngestuneLoad SPEC_FILE MESSAGES_FILE`.
 */
public final class IngestuneLoad {
    private static final double WARM_SHARE = 0.3;
    private static final double SATURATED_SHARE = 0.9;
    private static final double GRACE_S = 5;
    private static final Pattern ACTION = Pattern.compile("\"do\"\\s*:\\s*\"(\\w+)\"");
    private static final Pattern NUMBER =
        Pattern.compile("\"(limit_s|seconds|rate|within_s)\"\\s*:\\s*([-+.0-9eE]+)");
    private final LinkedBlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private volatile boolean stopped;
    private final Load load;
    private final Reporter reporter;

    private IngestuneLoad(Load load) {
        this.load = load;
        reporter = new Reporter(load);
    }

    /** Takes commands as they come; a closed stdin ends the process at once. */
    private void listen() {
        Thread reader = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
                for (String line; (line = in.readLine()) != null; ) {
                    if (action(line).equals("stop")) stopped = true;
                    if (!line.isBlank()) commands.add(line);
                }
            } catch (IOException error) {
                System.err.println("stdin: " + error); // the same as a closed one
            }
            Runtime.getRuntime().halt(1);
        }, "stdin");
        reader.setDaemon(true);
        reader.start();
    }

    private static String action(String command) {
        Matcher found = ACTION.matcher(command);
        return found.find() ? found.group(1) : "";
    }

    private static double number(String command, String name) {
        Matcher found = NUMBER.matcher(command);
        while (found.find()) if (found.group(1).equals(name)) return Double.parseDouble(found.group(2));
        throw new LoadFailed("INTERNAL", "a command without its " + name, true, false);
    }

    private void serve() throws InterruptedException {
        while (true) {
            String command = commands.poll(20, TimeUnit.MILLISECONDS);
            if (command == null) {
                reporter.check();
                continue;
            }
            switch (action(command)) {
                case "warm" -> warm(number(command, "limit_s"));
                case "saturate" -> saturate(number(command, "seconds"));
                case "pace" -> pace(number(command, "rate"), number(command, "seconds"));
                case "finish" -> {
                    finish(number(command, "within_s"));
                    return;
                }
                case "stop" -> {
                    return;
                }
                default -> throw new LoadFailed("INTERNAL", "unknown command " + command, true, false);
            }
        }
    }

    private void warm(double limitS) throws InterruptedException {
        reporter.begin();
        load.allow(WARM_SHARE);
        long untilNs = System.nanoTime() + (long) (limitS * 1e9);
        boolean told = false;
        while (commands.isEmpty()) {
            if (System.nanoTime() > untilNs) load.stopFlooding();
            if (load.atCap() && !told) {
                new Line("cap_reached").put("messages", load.books.sent.get()).say();
                told = true;
            }
            reporter.check();
            reporter.tick("warmup", null);
            Thread.sleep(2);
        }
    }

    private void saturate(double seconds) throws InterruptedException {
        reporter.begin();
        load.allow(SATURATED_SHARE);
        Reporter.Mark start = reporter.new Mark();
        reporter.edge("warmup", start, null);
        long endNs = start.ns + (long) (seconds * 1e9);
        long nowNs;
        while ((nowNs = System.nanoTime()) < endNs && !load.atCap() && !stopped) {
            reporter.check();
            reporter.tickUntil(endNs, "saturated", null);
            LockSupport.parkNanos(Math.min(2_000_000, endNs - nowNs));
        }
        Reporter.Mark end = reporter.new Mark();
        load.stopFlooding();
        reporter.edge("saturated", end, null);
        reporter.stageDone("saturated", start, end, load.atCap()).put("sent", end.sent - start.sent)
            .put("backlog_end", Math.max(0, end.sent - end.acknowledged - end.failed)).say();
        drain();
    }

    /** Wait for the backlog to empty by itself: no flush, linger holds. */
    private void drain() throws InterruptedException {
        while (load.books.outstanding() > 0 && !stopped) {
            reporter.check();
            reporter.tick("drain", null);
            Thread.sleep(2);
        }
        reporter.edge("drain", reporter.new Mark(), null);
    }

    private void pace(double rate, double seconds) throws InterruptedException {
        reporter.begin();
        drain();
        Pace pace = new Pace(load, rate, seconds);
        Reporter.Mark start = reporter.new Mark();
        load.follow(pace);
        reporter.restart(pace.beganNs);
        long nowNs;
        while ((nowNs = System.nanoTime()) < pace.endNs && !stopped && !(pace.sendingOver() && pace.endsEarly())) {
            reporter.check();
            reporter.tickUntil(pace.endNs, "paced", pace);
            LockSupport.parkNanos(Math.min(2_000_000, pace.endNs - nowNs));
        }
        Reporter.Mark end = reporter.new Mark();
        reporter.edge("paced", end, pace);
        pace.end(end.ns);
        if (stopped) pace.stop();
        long graceNs = System.nanoTime() + (long) (GRACE_S * 1e9);
        while (!pace.allTimedAreOver() && System.nanoTime() < graceNs && !stopped) {
            reporter.tick("drain", null);
            Thread.sleep(1);
        }
        pace.stop();
        pace.giveUp();
        reporter.stageDone("paced", start, end, pace.endsEarly()).encoded("latency", pace.latency)
            .encoded("due_to_sent", pace.lateness).put("scheduled", pace.scheduled()).put("sent", pace.sent())
            .put("backlog_end", Math.max(0, pace.scheduled() - Reporter.settled(start, end))).say();
        load.follow(null);
    }

    private void finish(double withinS) throws InterruptedException {
        load.flush();
        Books books = load.books;
        long untilNs = System.nanoTime() + (long) (withinS * 1e9);
        while (books.outstanding() > 0 && System.nanoTime() < untilNs && !stopped) Thread.sleep(2);
        new Line("finished").put("sent", books.sent.get()).put("acknowledged", books.acknowledged.get())
            .put("failed", books.failed()).put("timed_out", books.timedOut.get())
            .put("unacknowledged", books.outstanding())
            .put("bytes", Math.round(books.acknowledged.get() * load.meanBytes))
            .put("log", LastLines.kept().stream().map(load.spec::redact).toList()).say();
    }

    /** Loads the classes that a trial will load, so that the JVM can store them for quick starts. */
    private static void rehearse() {
        Map<String, Object> config = Map.of("bootstrap.servers", "127.0.0.1:9", "max.block.ms", "300",
            "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
            producer.send(new ProducerRecord<>("rehearsal", new byte[8]), new Books());
            Recorder recorder = new Recorder(1, Pace.HIGHEST_US, 3);
            recorder.recordValue(1);
            Histogram histogram = recorder.getIntervalHistogram();
            new Line("rehearsal").put("failed", new TreeMap<>()).percentiles("p", histogram).encoded("h", histogram)
                .put("metrics", producer.metrics().size());
            ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            ManagementFactory.getOperatingSystemMXBean().getAvailableProcessors();
        }
    }

    public static void main(String[] files) {
        PrintStream lines = new PrintStream(new LastLines(), true);
        System.setOut(lines); // stdout belongs to the protocol
        System.setErr(lines);
        if (files.length == 0) {
            rehearse();
            return;
        }
        Spec spec = null;
        int code = 1;
        try (DataInputStream in = new DataInputStream(new FileInputStream(files[0]))) {
            spec = new Spec(in);
            Thread.setDefaultUncaughtExceptionHandler(IngestuneLoad::fatal);
            IngestuneLoad child = new IngestuneLoad(new Load(spec, files[1]));
            child.listen();
            child.load.connect();
            new Line("ready").put("pid", ProcessHandle.current().pid())
                .put("client", "kafka-clients " + AppInfoParser.getVersion()).say();
            child.serve();
            code = 0;
        } catch (LoadFailed failure) {
            fail(spec, failure.code, failure.getMessage(), failure.permanent, failure.brokerGone);
        } catch (AuthenticationException | AuthorizationException error) {
            fail(spec, Books.nameOf(error), error.getMessage(), true, false);
        } catch (Exception error) {
            fail(spec, "INTERNAL", error.toString(), false, false);
        }
        Runtime.getRuntime().halt(code);
    }

    /** Out of memory, most likely: no stage goes on without its threads. */
    private static void fatal(Thread thread, Throwable error) {
        fail(null, "INTERNAL", "the Java client's thread " + thread.getName() + " ended: " + error, false, false);
        Runtime.getRuntime().halt(1);
    }

    private static void fail(Spec spec, String code, String reason, boolean permanent, boolean brokerGone) {
        String told = reason == null ? code : spec == null ? reason : spec.redact(reason);
        new Line("failed").put("code", code).put("reason", told).put("permanent", permanent)
            .put("broker_gone", brokerGone).say();
    }
}
