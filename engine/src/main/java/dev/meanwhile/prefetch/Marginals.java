package dev.meanwhile.prefetch;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// How often each value of each dimension of the keys is read: what is known of a combination that
/// nobody has read yet. Were the dimensions independent, it would be read as often as the product
/// of its values' shares says. A share is `(n + 1)/(N + V)` for `n` of `N` visits and `V` known
/// values (Laplace's rule of succession: shrunk to equal shares), without what the key itself has
/// added.
final class Marginals {
  private final int most;
  private final double halfLife;
  private final Fading all;
  private final List<Map<String, Fading>> dimensions = new ArrayList<>();

  /// Keeps `most` values of each dimension.
  Marginals(int most, double halfLife) {
    this.most = most;
    this.halfLife = halfLife;
    all = new Fading(halfLife);
  }

  void visit(List<String> values, double now) {
    all.add(1, now);
    for (int i = 0; i < values.size(); i++) {
      if (dimensions.size() == i) {
        dimensions.add(new LinkedHashMap<>());
      }
      var counts = dimensions.get(i);
      counts.computeIfAbsent(values.get(i), _ -> new Fading(halfLife)).add(1, now);
      dropLeast(counts, most, count -> count.at(now));
    }
  }

  /// How many visits of this combination to expect among those that are remembered.
  double visits(List<String> values, double own, double now) {
    double others = Math.max(0, all.at(now) - own);
    double expected = others;
    for (int i = 0; i < Math.min(values.size(), dimensions.size()); i++) {
      var counts = dimensions.get(i);
      var count = counts.get(values.get(i));
      double seen = count == null ? 0 : Math.max(0, count.at(now) - own);
      expected *= (seen + 1) / (others + counts.size());
    }
    return expected;
  }

  /// If there are more than `most`, removes and returns the least ones, an eighth of all so that it
  /// is seldom done; of equal ones the older.
  static <K, V> List<V> dropLeast(Map<K, V> map, int most, ToDoubleFunction<V> worth) {
    if (map.size() <= most) {
      return List.of();
    }
    record Ranked<K, V>(K key, V value, double worth) {}
    return map.entrySet().stream()
        .map(it -> new Ranked<>(it.getKey(), it.getValue(), worth.applyAsDouble(it.getValue())))
        .sorted(Comparator.comparingDouble(Ranked::worth))
        .limit(map.size() - most + most / 8)
        .map(it -> {
          map.remove(it.key());
          return it.value();
        })
        .toList();
  }
}
