package dev.meanwhile.testkit;

import dev.meanwhile.store.Purge;
import dev.meanwhile.store.StoredAnswer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a store does with answers that are kept to be given again, in its simplest form. For one
/// thread.
public final class Answers {
  private final Map<ByteBuffer, StoredAnswer> answers = new HashMap<>();
  private final Map<ByteBuffer, Long> leases = new HashMap<>();
  private final Map<String, Long> purged = new HashMap<>();
  private long last;

  /// The number of the last purge.
  public long last() {
    return last;
  }

  public void keep(StoredAnswer answer) {
    var key = ByteBuffer.wrap(answer.key());
    StoredAnswer before = answers.get(key);
    if (before == null || answer.replaces(before)) {
      answers.put(key, answer);
    }
    leases.remove(key);
  }

  public @Nullable StoredAnswer answer(byte[] key, long now) {
    StoredAnswer answer = answers.get(ByteBuffer.wrap(key));
    return answer != null && now < answer.until() && isGood(answer) ? answer : null;
  }

  private boolean isGood(StoredAnswer answer) {
    var what = new ArrayList<>(answer.tags());
    what.add(Purge.ALL);
    what.add(Purge.ofKey(answer.key()));
    return what.stream().allMatch(it -> purged.getOrDefault(it, 0L) <= answer.stamp());
  }

  public Purge purge(String what) {
    purged.put(what, ++last);
    return new Purge(what, last);
  }

  public boolean lease(byte[] key, Duration time, long now) {
    Long until = leases.get(ByteBuffer.wrap(key));
    boolean free = until == null || until <= now;
    if (free) {
      leases.put(ByteBuffer.wrap(key), now + time.toMillis());
    }
    return free;
  }

  /// Forgets what a run made.
  ///
  /// @return of what others must hear
  public List<Purge> erase(String run) {
    var purges = new ArrayList<Purge>();
    for (StoredAnswer answer : List.copyOf(answers.values())) {
      if (answer.run().equals(run)) {
        answers.remove(ByteBuffer.wrap(answer.key()));
        purges.add(purge(Purge.ofKey(answer.key())));
      }
    }
    return purges;
  }

  /// Deletes what is of no use any more.
  public void forget(long now) {
    answers.values().removeIf(answer -> answer.until() <= now);
  }
}
