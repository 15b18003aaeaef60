package dev.meanwhile.crash;

import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The client's journal: every call it made, and what it was told of it. Thread-safe.
final class Journal {
  private final String name;
  private final AtomicInteger count = new AtomicInteger();
  private final List<Promised> all = new CopyOnWriteArrayList<>();
  private final List<String> violations = new CopyOnWriteArrayList<>();

  Journal(String name) {
    this.name = name;
  }

  /// A call that is about to be made.
  Promised next(Promised.How how, Random random) {
    boolean isLong = random.nextInt(12) == 0;
    var question =
        new Question(
            name + "-" + count.incrementAndGet(),
            isLong ? 30 : 1 + random.nextInt(6),
            isLong ? 60 : random.nextInt(25),
            how == Promised.How.ASYNC && random.nextInt(15) == 0);
    var promised = new Promised(question, how);
    all.add(promised);
    return promised;
  }

  List<Promised> all() {
    return all;
  }

  /// One that was promised, or null if there is none yet.
  @Nullable Promised any(Random random) {
    int size = all.size();
    if (size == 0) {
      return null;
    }
    // Mostly a late one, which may be under way.
    int back = random.nextInt(random.nextInt(4) == 0 ? size : Math.min(size, 12));
    Promised found = all.get(size - 1 - back);
    return found.run == null ? null : found;
  }

  void violation(String what) {
    violations.add(what);
  }

  List<String> violations() {
    return violations;
  }
}
