import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.List;

/** Where the client's logger prints to: only its last lines are kept, for the person. */
final class LastLines extends OutputStream {
    private static final int LINES = 20;
    private static final int LETTERS = 500;
    private static final ArrayDeque<String> KEPT = new ArrayDeque<>();
    private final StringBuilder line = new StringBuilder();

    @Override
    public synchronized void write(int letter) {
        if (letter != '\n') {
            if (line.length() < LETTERS) line.append((char) (letter & 0xff));
            return;
        }
        synchronized (KEPT) {
            KEPT.add(line.toString());
            if (KEPT.size() > LINES) KEPT.removeFirst();
        }
        line.setLength(0);
    }

    static List<String> kept() {
        synchronized (KEPT) {
            return List.copyOf(KEPT);
        }
    }
}
