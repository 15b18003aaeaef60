package dev.meanwhile.simulator;

import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// What all event loops share. Thread-safe.
final class World {
  /// Bodies remembered; later ones all count as a first occurrence.
  private static final int MOST_BODIES = 1 << 20;

  private final SimulatorConfig config;
  private final @Nullable Recording recording;
  private final Map<Model, Counts> counts = new EnumMap<>(Model.class);
  private final ConcurrentHashMap<Long, Integer> occurrences = new ConcurrentHashMap<>();
  private final AtomicLong backendCalls = new AtomicLong();
  private final RateLimits limits;

  World(SimulatorConfig config) throws IOException {
    this.config = config;
    this.recording = config.replay() == null ? null : Recording.read(config.replay());
    for (Model model : Model.values()) {
      counts.put(model, new Counts());
    }
    limits =
        new RateLimits(config.requestsPerMinute(), config.tokensPerMinute(), System.nanoTime());
  }

  int maxBody() {
    return config.maxBody();
  }

  RateLimits limits() {
    return limits;
  }

  /// What streamed calls (or plain ones) are answered with.
  @Nullable Recording recording(boolean streamed) {
    return recording != null && recording.streams() == streamed ? recording : null;
  }

  Counts counts(Model model) {
    return Objects.requireNonNull(counts.get(model));
  }

  /// The seed of the next call with this body: repeatable for the same calls in the same order.
  long seed(byte[] body) {
    long hash = Hash.of(body);
    int occurrence = 0;
    if (occurrences.size() < MOST_BODIES || occurrences.containsKey(hash)) {
      occurrence = occurrences.merge(hash, 1, Integer::sum) - 1;
    }
    return Hash.mix(Hash.mix(config.seed()) + hash + occurrence);
  }

  /// The random numbers of the next call to a backend.
  SplittableRandom backend() {
    return new SplittableRandom(Hash.mix(config.seed()) + backendCalls.getAndIncrement());
  }

  Stats stats() {
    Map<String, Stats.Counted> models = new HashMap<>();
    counts.forEach((model, counted) -> models.put(model.id(), counted.counted()));
    return new Stats(
        models.values().stream().mapToLong(Stats.Counted::calls).sum(),
        models.values().stream().mapToLong(Stats.Counted::cancelled).sum(),
        models.values().stream().mapToLong(Stats.Counted::tokens).sum(),
        models);
  }

  /// Forgets counts and occurrences: the next calls draw what the first did.
  void reset() {
    counts.values().forEach(Counts::reset);
    occurrences.clear();
    backendCalls.set(0);
  }
}
