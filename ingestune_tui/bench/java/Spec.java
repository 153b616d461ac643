import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Properties;

/** What the parent wants measured, as java_launch.py passes it on (protocol.ProducerSpec). */
final class Spec {
    final Properties config = new Properties();
    final String topic;
    final int partitions;
    final int maxTimedPerS;
    final long bytesCap;
    /** 0 is no cap. */
    final long bytesPerS;
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

    private static String text(DataInputStream in) throws IOException {
        return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
    }

    /** The text without any value that a secret property holds. */
    String redact(String text) {
        String told = text;
        for (String name : config.stringPropertyNames()) {
            String value = config.getProperty(name);
            String lower = name.toLowerCase(Locale.ROOT);
            boolean secret = lower.matches(".*(password|secret|jaas|token|keystore\\.key|certificate).*");
            if (secret && !value.isEmpty()) told = told.replace(value, "***");
        }
        return told;
    }
}
