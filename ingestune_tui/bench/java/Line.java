import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** One event as a line of JSON on stdout. A figure that is not finite is null. */
final class Line {
    private static final PrintStream OUT =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    private static final double[] QUANTILES = {0.5, 0.95, 0.99, 0.999};
    private static final String[] NAMES = {"p50", "p95", "p99", "p999"};
    private final StringBuilder text = new StringBuilder();

    Line(String event) {
        text.append("{\"event\":").append(quoted(event));
    }

    private Line raw(String name, String json) {
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

    Line put(String name, List<String> lines) {
        return raw(name, "[" + String.join(",", lines.stream().map(Line::quoted).toList()) + "]");
    }

    /** A histogram in the V2 encoding that Python and C read. */
    Line encoded(String name, Histogram histogram) {
        ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int length = histogram.encodeIntoCompressedByteBuffer(buffer);
        return put(name, Base64.getEncoder().encodeToString(Arrays.copyOf(buffer.array(), length)));
    }

    /** The percentiles in ms that enough measurements stand for: at least 10 of them above. */
    Line percentiles(String name, Histogram of) {
        List<String> pairs = new ArrayList<>();
        for (int index = 0; index < NAMES.length; index++) {
            boolean shown = of.getTotalCount() * (1 - QUANTILES[index]) + 1e-9 >= 10;
            double value = of.getValueAtPercentile(QUANTILES[index] * 100) / 1000.0;
            pairs.add(quoted(NAMES[index]) + ":" + (shown ? Double.toString(value) : "null"));
        }
        pairs.add("\"max\":" + (of.getTotalCount() > 0 ? Double.toString(of.getMaxValue() / 1000.0) : "null"));
        return raw(name, "{" + String.join(",", pairs) + "}");
    }

    void say() {
        OUT.println(text.append('}'));
        OUT.flush();
    }

    private static String quoted(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char letter : value.toCharArray()) {
            if (letter == '"' || letter == '\\') quoted.append('\\').append(letter);
            else if (letter < ' ') quoted.append(String.format("\\u%04x", (int) letter));
            else quoted.append(letter);
        }
        return quoted.append('"').toString();
    }
}
