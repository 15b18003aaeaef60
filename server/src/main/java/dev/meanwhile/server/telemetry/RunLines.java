package dev.meanwhile.server.telemetry;

import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.openai.JsonText;
import java.io.PrintStream;
import java.time.Instant;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// One line of JSON per run, at its end: ids, times, sizes; never a prompt, an answer or a
/// credential. A thread of its own writes, so that a reader of the log who stands still stops no
/// loop: then lines are dropped, and counted in the next one. It looks ten times a second and
/// writes what has gathered at once: waking it for each line would cost a call more than its
/// relaying.
public final class RunLines implements Journal, AutoCloseable {
  private static final int MOST = 50_000;
  private static final long ROUND = 100_000_000L;

  private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();
  private final PrintStream out;
  private final Thread writer;
  private volatile boolean closed;

  public RunLines(PrintStream out) {
    this.out = out;
    this.writer = Thread.ofPlatform().name("run-lines").daemon().start(this::write);
  }

  @Override
  public void began(Run run) {}

  @Override
  public void ended(Run run, long first, long total) {
    Terminal terminal = run.terminal();
    if (terminal == null) {
      return;
    }
    var about = run.about();
    var line = new StringBuilder(320);
    line.append("{\"time\":\"").append(Instant.ofEpochMilli(System.currentTimeMillis()));
    line.append("\",\"run\":\"").append(run.id());
    line.append("\",\"tenant\":").append(JsonText.quoted(about.tenant()));
    line.append(",\"api\":\"").append(about.api());
    line.append("\",\"upstream\":").append(JsonText.quoted(about.upstream()));
    line.append(",\"model\":").append(JsonText.quoted(about.model()));
    if (about.operation() != null) {
      line.append(",\"operation\":").append(JsonText.quoted(about.operation()));
    }
    line.append(",\"streamed\":").append(about.streamed());
    line.append(",\"attached\":").append(about.attached());
    line.append(",\"status\":\"").append(terminal.status().word()).append('"');
    if (terminal.failure() != null) {
      line.append(",\"code\":").append(JsonText.quoted(terminal.failure().code()));
    }
    Head head = run.head();
    if (head != null) {
      line.append(",\"upstream_status\":").append(head.status());
    }
    if (first >= 0) {
      line.append(",\"first_content_ms\":").append(millis(first));
    }
    line.append(",\"total_ms\":").append(millis(total));
    line.append(",\"events\":").append(run.end());
    line.append(",\"bytes\":").append(run.size(0, run.end()));
    if (waiting.incrementAndGet() > MOST) {
      waiting.decrementAndGet();
      dropped.incrementAndGet();
      return;
    }
    long lost = dropped.get() == 0 ? 0 : dropped.getAndSet(0);
    if (lost > 0) {
      line.append(",\"lines_dropped_before\":").append(lost);
    }
    lines.add(line.append("}\n").toString());
  }

  private static double millis(long nanos) {
    return Math.round(nanos / 1e4) / 100.0;
  }

  private void write() {
    while (!closed) {
      LockSupport.parkNanos(ROUND);
      flush();
    }
    flush();
  }

  private void flush() {
    var batch = new StringBuilder();
    for (String line = lines.poll(); line != null; line = lines.poll()) {
      batch.append(line);
      waiting.decrementAndGet();
    }
    if (!batch.isEmpty()) {
      out.print(batch);
      out.flush();
    }
  }

  /// Writes what is waiting, for at most a second, and ends.
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(writer);
    try {
      writer.join(1_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
