package dev.meanwhile.simulator;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// What a simulator has been asked since its start or its last reset.
///
/// @param calls chat and embeddings calls that named a model there is, failed ones included
/// @param cancelled those whose caller went away before the end
/// @param tokens answer tokens sent
/// @param models the same three by model id; every model is in it, in order
public record Stats(long calls, long cancelled, long tokens, Map<String, Counted> models) {
  public Stats {
    models = Collections.unmodifiableMap(new TreeMap<>(models));
  }

  /// One model's share.
  public record Counted(long calls, long cancelled, long tokens) {}
}
