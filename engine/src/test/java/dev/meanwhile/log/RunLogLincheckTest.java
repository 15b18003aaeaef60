package dev.meanwhile.log;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// One writer and readers on other threads, every interleaving of small histories: whatever a
/// reader sees is a prefix of what was written, and once it sees the end it sees all.
public class RunLogLincheckTest {
  private final RunLog log = new RunLog(Runnable::run, 0, 10_000);
  private final LogWriter writer = log.begin();
  private int written;

  @Operation(nonParallelGroup = "writer")
  public void write() {
    // Events of 400 bytes: the first chunk is not enough for three of them.
    if (written < 3) {
      byte[] event = new byte[400];
      event[0] = (byte) ('a' + written);
      writer.append(Kind.CONTENT, 0, event, 0, event.length);
      written++;
      writer.publish();
    }
  }

  @Operation(nonParallelGroup = "writer")
  public void close() {
    writer.close(Terminal.COMPLETED, 1);
  }

  @Operation
  public String read() {
    Terminal terminal = log.terminal();
    int end = log.end();
    var seen = new StringBuilder();
    for (int i = 0; i < end; i++) {
      seen.append((char) log.bytes(i, i + 1)[0]);
    }
    return seen + (terminal == null ? "" : ".");
  }

  @Test
  void readers_see_prefixes() {
    new ModelCheckingOptions()
        .iterations(20)
        .invocationsPerIteration(500)
        .threads(2)
        .actorsPerThread(3)
        .sequentialSpecification(Sequential.class)
        .check(RunLogLincheckTest.class);
  }

  /// The same as one thread would see it.
  public static class Sequential {
    private final StringBuilder events = new StringBuilder();
    private @Nullable String end;
    private int written;

    public void write() {
      if (written < 3) {
        if (end == null) {
          events.append((char) ('a' + written));
        }
        written++;
      }
    }

    public void close() {
      end = ".";
    }

    public String read() {
      return events + (end == null ? "" : end);
    }
  }
}
