package dev.meanwhile.simulator;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The models there are, one per latency class.
enum Model {
  FAST("sim-fast", 300, 800),
  STANDARD("sim-standard", 800, 2_000),
  COMPLEX("sim-complex", 2_000, 5_000),
  VISION("sim-vision", 1_000, 3_000),
  EMBEDDING("sim-embedding", 100, 500);

  private static final Map<String, Model> BY_ID = new TreeMap<>();

  static {
    for (Model model : values()) {
      BY_ID.put(model.id, model);
    }
  }

  private final String id;
  private final double p5;
  private final double p95;

  Model(String id, double p5, double p95) {
    this.id = id;
    this.p5 = p5;
    this.p95 = p95;
  }

  String id() {
    return id;
  }

  /// Milliseconds.
  LogNormal latency() {
    return new LogNormal(p5, p95);
  }

  boolean chats() {
    return this != EMBEDDING;
  }

  /// The model of that exact id.
  static @Nullable Model of(String id) {
    return BY_ID.get(id);
  }
}
