package dev.meanwhile.simulator;

import java.util.concurrent.atomic.LongAdder;

/// What happened to one model's calls. Thread-safe.
final class Counts {
  private final LongAdder calls = new LongAdder();
  private final LongAdder cancelled = new LongAdder();
  private final LongAdder tokens = new LongAdder();

  void called() {
    calls.increment();
  }

  void left() {
    cancelled.increment();
  }

  void sent(int count) {
    tokens.add(count);
  }

  Stats.Counted counted() {
    return new Stats.Counted(calls.sum(), cancelled.sum(), tokens.sum());
  }

  void reset() {
    calls.reset();
    cancelled.reset();
    tokens.reset();
  }
}
