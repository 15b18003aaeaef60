package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.KeptAnswer;
import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.StoredAnswer;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Kept answers as they are stored, and back: the log with its events as one piece.
final class Shelved {
  private static final int VERSION = 1;

  private Shelved() {}

  /// @param answer its log is closed
  static StoredAnswer of(KeptAnswer answer, Deflated deflated) {
    RunLog log = answer.log();
    byte[] head = Encoding.of(log.head());
    byte[] terminal = Encoding.of(Objects.requireNonNull(log.terminal()));
    byte[] events = deflated.of(log, 0, log.end());
    byte[] bytes =
        Encoding.write(out -> {
          out.writeByte(VERSION);
          out.writeBoolean(answer.whole());
          out.writeBoolean(answer.refusal());
          out.writeLong(answer.lifetime());
          Freshness freshness = answer.freshness();
          out.writeLong(freshness.maxAge().toMillis());
          out.writeLong(freshness.staleWhileRevalidate().toMillis());
          out.writeLong(freshness.staleIfError().toMillis());
          out.writeLong(freshness.errors().toMillis());
          out.writeInt(log.attempt());
          out.writeLong(log.closedAt());
          out.writeBoolean(head != null);
          if (head != null) {
            bytes(out, head);
          }
          bytes(out, terminal);
          out.writeInt(log.end());
          bytes(out, events);
        });
    return new StoredAnswer(
        answer.key().bytes(),
        answer.run(),
        answer.stamp(),
        answer.made(),
        answer.until(),
        List.copyOf(answer.tags()),
        bytes);
  }

  private static void bytes(java.io.DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /// The answer with a log of its own on this loop; null if a newer version wrote it, or it is
  /// damaged.
  static @Nullable KeptAnswer read(StoredAnswer stored, Clock clock) {
    try {
      return Encoding.read(stored.log(), in -> read(stored, in, clock));
    } catch (UncheckedIOException e) {
      return null;
    }
  }

  private static KeptAnswer read(StoredAnswer stored, DataInputStream in, Clock clock)
      throws IOException {
    int version = in.readByte();
    if (version != VERSION) {
      throw new IOException("version " + version);
    }
    boolean whole = in.readBoolean();
    boolean refusal = in.readBoolean();
    long lifetime = in.readLong();
    var freshness = new Freshness(millis(in), millis(in), millis(in), millis(in));
    int attempt = in.readInt();
    long closedAt = in.readLong();
    @Nullable Head head = in.readBoolean() ? Encoding.head(Encoding.bytes(in)) : null;
    Terminal terminal = Encoding.terminal(Encoding.bytes(in));
    int end = in.readInt();
    byte[] events = Encoding.bytes(in);
    long now = clock.nanos();
    var log = new RunLog(clock, now, 1 << 30);
    LogWriter writer = log.begin(attempt);
    if (head != null) {
      writer.head(head);
    }
    Deflated.read(List.of(new Piece(0, end, events)), 0, writer, now);
    writer.close(terminal, closedAt);
    return new KeptAnswer(
        Key.of(stored.key()),
        log,
        stored.run(),
        whole,
        refusal,
        stored.stamp(),
        stored.made(),
        lifetime,
        freshness,
        Set.copyOf(stored.tags()));
  }

  private static Duration millis(DataInputStream in) throws IOException {
    return Duration.ofMillis(in.readLong());
  }
}
