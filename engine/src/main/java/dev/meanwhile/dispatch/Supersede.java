package dev.meanwhile.dispatch;

import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Runs that a newer call takes the place of, such as suggestions while somebody types: the newest
/// of each key, which loops share. An entry lives no longer than its run. Thread-safe.
public final class Supersede {
  /// How a run ends whose place was taken.
  static final Terminal SUPERSEDED =
      new Terminal(
          Status.CANCELLED,
          new Failure(
              409,
              "superseded",
              "A newer call of this operation took the place of this one: its answer is the one to wait for."));

  /// @param request what an SDK's retry of the run's call would have in common with it, or null
  private record Newest(String run, @Nullable Key request) {}

  private final ConcurrentHashMap<Key, Newest> newest = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Key> keys = new ConcurrentHashMap<>();

  /// A call was accepted. An SDK's retry may come after a newer call, which it leaves alone: it
  /// takes the place of what it repeats only. On the loop of the run's log, so that its end comes
  /// after this.
  ///
  /// @param run the id of its run, or null if that has ended already
  /// @return the id of the run whose place it takes, or null
  @Nullable String by(Submission call, @Nullable String run) {
    Key key = call.supersedes();
    if (key == null) {
      return null;
    }
    var mine = run == null ? null : new Newest(run, call.retryKey());
    if (run != null) {
      keys.put(run, key);
    }
    Newest[] older = new Newest[1];
    newest.compute(
        key,
        (_, there) -> {
          if (there != null && call.retried() && !Objects.equals(there.request, call.retryKey())) {
            return there;
          }
          older[0] = there;
          return mine;
        });
    return older[0] == null ? null : older[0].run;
  }

  /// A run has ended, or goes on elsewhere.
  void ended(String run) {
    Key key = keys.remove(run);
    if (key != null) {
      newest.computeIfPresent(key, (_, there) -> there.run.equals(run) ? null : there);
    }
  }

  /// How many runs may be superseded.
  int size() {
    return Math.max(newest.size(), keys.size());
  }
}
