package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Keeps the logs of one loop for a time after their end, within a number of bytes: the oldest
/// ended goes first, one that is being read stays. Only on that loop.
final class Keep {
  private static final Duration ROUND = Duration.ofSeconds(1);

  private final Clock clock;
  private final Duration time;
  private final long maxBytes;
  private final Consumer<Call> forget;
  private final ArrayDeque<Call> oldestFirst = new ArrayDeque<>();
  private Clock.@Nullable Timer timer;
  private long bytes;

  Keep(Clock clock, Duration time, long maxBytes, Consumer<Call> forget) {
    this.clock = clock;
    this.time = time;
    this.maxBytes = maxBytes;
    this.forget = forget;
  }

  void ended(Call call) {
    oldestFirst.add(call);
    bytes += call.footprint();
    sweep();
  }

  long bytes() {
    return bytes;
  }

  private void sweep() {
    long now = clock.nanos();
    // One pass at most: what is being read goes to the end of the line.
    for (int left = oldestFirst.size(); left > 0; left--) {
      Call oldest = oldestFirst.getFirst();
      if (bytes <= maxBytes && now - oldest.closedAt() < time.toNanos()) {
        break;
      }
      oldestFirst.removeFirst();
      if (oldest.isRead()) {
        oldestFirst.addLast(oldest);
      } else {
        bytes -= oldest.footprint();
        forget.accept(oldest);
      }
    }
    if (timer == null && !oldestFirst.isEmpty()) {
      timer =
          clock.after(
              ROUND,
              () -> {
                timer = null;
                sweep();
              });
    }
  }
}
