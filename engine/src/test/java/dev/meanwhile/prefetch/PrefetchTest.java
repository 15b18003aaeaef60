package dev.meanwhile.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.meanwhile.testkit.Seeds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefetchTest {
  private static final Duration AGE = Duration.ofHours(2);
  private static final long LIFETIME = AGE.toMillis();
  private static final long TOKENS = 700;

  /// Keys that are read at random, each at its own rate, and a cache that does what it is told.
  private static final class World {
    final SplittableRandom random;
    final Prefetch prefetch;
    final List<Decision> decisions = new ArrayList<>();
    final Map<List<String>, List<Long>> reads = new HashMap<>();
    private final Map<List<String>, Long> freshUntil = new HashMap<>();
    long now;

    World(SplittableRandom random, Settings settings) {
      this.random = random;
      prefetch = new Prefetch(settings, 0);
    }

    /// `reads` is how often the key of this number is read in a lifetime.
    void run(int keys, IntToDoubleFunction reads, String name, double lifetimes) {
      double[] rates = IntStream.range(0, keys).mapToDouble(reads).toArray();
      double[] sums = new double[keys];
      double sum = 0;
      for (int key = 0; key < keys; key++) {
        sum += rates[key];
        sums[key] = sum;
      }
      long end = now + (long) (lifetimes * LIFETIME);
      while (true) {
        now += (long) (-Math.log(1 - random.nextDouble()) / sum * LIFETIME);
        if (now > end) {
          now = end;
          return;
        }
        double drawn = random.nextDouble() * sum;
        int key = 0;
        while (sums[key] < drawn) {
          key++;
        }
        prefetch();
        read(List.of(name + key));
      }
    }

    void prefetch() {
      for (var decision : prefetch.due(now)) {
        decisions.add(decision);
        store(decision.key());
      }
    }

    void read(List<String> key) {
      prefetch.read(key, now);
      reads.computeIfAbsent(key, _ -> new ArrayList<>()).add(now);
      if (freshUntil.getOrDefault(key, 0L) <= now) {
        store(key);
      }
    }

    private void store(List<String> key) {
      prefetch.stored(key, TOKENS, 2, now);
      freshUntil.put(key, now + LIFETIME);
    }

    boolean cameTrue(Decision decision) {
      return reads.getOrDefault(decision.key(), List.of()).stream()
          .anyMatch(it -> it >= decision.at() && it < decision.at() + LIFETIME);
    }
  }

  private static Settings settings(double minProbability, long tokensPerHour, double wasteMax) {
    return new Settings(AGE, minProbability, tokensPerHour, wasteMax, 10_000);
  }

  @Test
  void probabilities_are_what_comes_true() {
    Seeds.check(
        5,
        random -> {
          // Everything is fetched, so that every probability is seen.
          var world = new World(random, settings(1e-9, Long.MAX_VALUE, 1));
          world.run(300, key -> 4 * Math.exp(-key / 60.0), "k", 30);
          double[] said = new double[5];
          int[] true_ = new int[5];
          int[] count = new int[5];
          for (var decision : world.decisions) {
            if (decision.at() > 10 * LIFETIME && decision.at() < 29 * LIFETIME) {
              int bin = (int) Math.min(4, decision.probability() * 5);
              said[bin] += decision.probability();
              true_[bin] += world.cameTrue(decision) ? 1 : 0;
              count[bin]++;
            }
          }
          for (int bin = 0; bin < 5; bin++) {
            assertThat(count[bin]).as("forecasts of bin %d", bin).isGreaterThan(100);
            assertThat(said[bin] / count[bin])
                .as("bin %d, %d forecasts", bin, count[bin])
                .isCloseTo((double) true_[bin] / count[bin], within(0.08));
          }
        });
  }

  @Test
  void only_what_is_likely_enough_is_fetched() {
    Seeds.check(
        5,
        random -> {
          var world = new World(random, settings(0.8, Long.MAX_VALUE, 0.2));
          world.run(100, key -> key < 20 ? 5 : 0.3, "k", 20);
          assertThat(world.decisions).hasSizeGreaterThan(150);
          assertThat(world.decisions).allMatch(it -> it.probability() >= 0.8);
          long popular =
              world.decisions.stream()
                  .filter(it -> Integer.parseInt(it.key().getFirst().substring(1)) < 20)
                  .count();
          assertThat((double) popular / world.decisions.size()).isGreaterThan(0.9);
          var explained = world.prefetch.explain(world.now);
          assertThat(explained.prefetched()).isEqualTo(world.decisions.size());
          assertThat(explained.read() + explained.wasted() + explained.open())
              .isEqualTo(explained.prefetched());
          assertThat(explained.secondsSaved()).isEqualTo(2.0 * explained.read());
          assertThat(explained.wasteRatio()).isLessThan(0.2);
          assertThat(explained.belowProbability()).isPositive();
          assertThat(explained.latest()).hasSize(50).endsWith(world.decisions.getLast());
          assertThat(world.decisions.getLast().why()).contains("visits expected", "% of such keys");
        });
  }

  @Test
  void nothing_is_fetched_where_nothing_can_be_predicted() {
    Seeds.check(
        5,
        random -> {
          var world = new World(random, settings(0.8, Long.MAX_VALUE, 0.2));
          world.run(2_000, _ -> 0.2, "k", 15);
          assertThat(world.decisions).isEmpty();
        });
  }

  @Test
  void nothing_is_fetched_before_a_forecast_has_come_true() {
    var prefetch = new Prefetch(settings(0.8, Long.MAX_VALUE, 0.2), 0);
    for (int i = 0; i < 500; i++) {
      prefetch.read(List.of("k" + i), i);
      prefetch.stored(List.of("k" + i), TOKENS, 1, i);
    }
    assertThat(prefetch.due(LIFETIME)).isEmpty();
    assertThat(prefetch.explain(LIFETIME).belowProbability()).isEqualTo(500);
  }

  @Test
  void a_few_keys_read_in_every_lifetime_are_soon_fetched() {
    var world = new World(new SplittableRandom(1), settings(0.8, Long.MAX_VALUE, 0.2));
    world.run(6, _ -> 8, "k", 6);
    assertThat(world.decisions).isNotEmpty();
  }

  @Test
  void no_hour_spends_more_than_it_may() {
    Seeds.check(
        20,
        random -> {
          long limit = TOKENS * random.nextInt(1, 20);
          var world = new World(random, settings(0.8, limit, 0.2));
          world.run(100, _ -> 5, "k", 15);
          assertThat(world.decisions).isNotEmpty();
          assertThat(world.prefetch.explain(world.now).overTokens()).isPositive();
          long hour = Duration.ofHours(1).toMillis();
          for (int first = 0, last = 0; last < world.decisions.size(); last++) {
            while (world.decisions.get(first).at() <= world.decisions.get(last).at() - hour) {
              first++;
            }
            assertThat((last - first + 1) * TOKENS).isLessThanOrEqualTo(limit);
          }
        });
  }

  @Test
  void what_an_answer_really_took_is_what_counts() {
    var world = new World(new SplittableRandom(1), settings(0.8, 1_000_000 * TOKENS, 0.2));
    world.run(200, _ -> 8, "k", 8);
    long before = world.prefetch.explain(world.now).tokensSpent();
    var decision = begun(world, 1).getFirst();
    long reserved = world.prefetch.explain(world.now).tokensSpent();
    assertThat(reserved).isGreaterThanOrEqualTo(before + TOKENS);
    world.prefetch.stored(decision.key(), 3 * TOKENS, 1, world.now);
    assertThat(world.prefetch.explain(world.now).tokensSpent()).isEqualTo(reserved + 2 * TOKENS);
    // What is not known is taken to be what was set aside.
    world.prefetch.stored(decision.key(), 0, 1, world.now);
    assertThat(world.prefetch.explain(world.now).tokensSpent()).isEqualTo(reserved + 2 * TOKENS);
  }

  @Test
  void waste_stays_within_its_limit_though_all_that_was_learned_is_wrong_again_and_again() {
    Seeds.check(
        10,
        random -> {
          var world = new World(random, settings(0.8, Long.MAX_VALUE, 0.2));
          for (int era = 0; era < 8; era++) {
            world.run(150, _ -> 5, "era" + era + "-", 2.5);
          }
          var explained = world.prefetch.explain(world.now);
          assertThat(explained.wasted()).isPositive();
          assertThat(explained.overWaste()).isPositive();
          // The credit of 20 comes back as it fades: by ln 2 / 4 of it in a lifetime.
          double credit = 20 * (1 + 20 * Math.log(2) / 4);
          assertThat((double) explained.wasted())
              .isLessThanOrEqualTo(0.2 * (explained.wasted() + explained.read() + credit));
        });
  }

  @Test
  void no_waste_allowed_is_no_prefetch() {
    var world = new World(new SplittableRandom(1), settings(0.8, Long.MAX_VALUE, 0));
    world.run(20, _ -> 8, "k", 10);
    assertThat(world.decisions).isEmpty();
    assertThat(world.prefetch.explain(world.now).overWaste()).isPositive();
  }

  @Test
  void the_same_history_gives_the_same_decisions() {
    Seeds.check(
        5,
        random -> {
          var copy = random.split();
          var same = new SplittableRandom(copy.nextLong());
          long seed = same.nextLong();
          var one = new World(new SplittableRandom(seed), settings(0.7, 20 * TOKENS, 0.2));
          var two = new World(new SplittableRandom(seed), settings(0.7, 20 * TOKENS, 0.2));
          for (var world : List.of(one, two)) {
            world.run(100, key -> 6.0 / (1 + key / 10), "k", 10);
          }
          assertThat(one.decisions).isNotEmpty().isEqualTo(two.decisions);
          assertThat(one.prefetch.explain(one.now)).isEqualTo(two.prefetch.explain(two.now));
        });
  }

  @Test
  void memory_is_bounded_and_keeps_what_is_useful() {
    Seeds.check(
        5,
        random -> {
          var world = new World(random, new Settings(AGE, 0.8, Long.MAX_VALUE, 0.2, 64));
          for (int i = 0; i < 4_000; i++) {
            world.now += LIFETIME / 200;
            world.prefetch();
            world.read(i % 10 == 0 ? List.of("a", "b") : List.of("a" + i, "b" + i));
            world.prefetch.consider(List.of(List.of("a", "c" + i)), world.now);
            var explained = world.prefetch.explain(world.now);
            assertThat(explained.keys()).isLessThanOrEqualTo(64);
            assertThat(explained.open()).isBetween(0L, 64L);
          }
          assertThat(world.decisions).isNotEmpty();
          assertThat(world.decisions).allMatch(it -> it.key().equals(List.of("a", "b")));
        });
  }

  @Test
  void combinations_never_read_are_judged_by_their_values() {
    Seeds.check(
        5,
        random -> {
          var prefetch = new Prefetch(settings(1e-9, Long.MAX_VALUE, 1), 0);
          long now = 0;
          // Ten popular values and ten that are seldom read; never both of one number.
          for (int i = 0; i < 20_000; i++) {
            now += LIFETIME / 1_500;
            for (var decision : prefetch.due(now)) {
              prefetch.stored(decision.key(), TOKENS, 1, now);
            }
            String kind = random.nextInt(20) > 0 ? "often" : "seldom";
            int a = random.nextInt(10);
            int b = (a + random.nextInt(1, 10)) % 10;
            prefetch.read(List.of(kind + a, kind + b), now);
            prefetch.stored(List.of(kind + a, kind + b), TOKENS, 1, now);
          }
          List<List<String>> unseen = new ArrayList<>();
          for (int i = 0; i < 10; i++) {
            unseen.add(List.of("seldom" + i, "seldom" + i));
            unseen.add(List.of("often" + i, "often" + i));
          }
          var decisions = prefetch.consider(unseen, now);
          assertThat(decisions).hasSize(20);
          assertThat(decisions.subList(0, 10))
              .allMatch(it -> it.key().getFirst().startsWith("often"))
              .allMatch(it -> it.visits() > 1);
          assertThat(decisions.subList(10, 20)).allMatch(it -> it.visits() < 0.5);
          assertThat(decisions.get(0).probability()).isGreaterThan(decisions.get(10).probability());
          assertThat(prefetch.consider(unseen, now)).as("under way already").isEmpty();
        });
  }

  @Test
  void a_failed_and_a_purged_prefetch_are_told_apart() {
    var world = new World(new SplittableRandom(1), settings(0.8, Long.MAX_VALUE, 0.2));
    world.run(200, _ -> 8, "k", 8);
    var begun = begun(world, 3);
    var before = world.prefetch.explain(world.now);
    world.prefetch.failed(begun.get(0).key(), world.now);
    world.prefetch.failed(begun.get(0).key(), world.now);
    world.prefetch.stored(begun.get(1).key(), TOKENS, 1, world.now);
    world.prefetch.purged(begun.get(1).key(), world.now);
    world.prefetch.purged(List.of("never heard of"), world.now);
    var after = world.prefetch.explain(world.now);
    assertThat(after.failed()).isEqualTo(before.failed() + 1);
    assertThat(after.wasted()).isEqualTo(before.wasted() + 1);
    assertThat(after.open()).isEqualTo(before.open() - 2);
    // A caller who lost the race, or came back from a restart, ends as waste and not as a leak.
    world.now += 2 * LIFETIME;
    world.prefetch.due(world.now);
    assertThat(world.prefetch.explain(world.now).wasted()).isEqualTo(after.wasted() + after.open());
  }

  /// So many prefetches that are under way, and nothing else happens.
  private static List<Decision> begun(World world, int count) {
    List<Decision> begun = new ArrayList<>();
    while (begun.size() < count) {
      world.now = Math.max(world.now, world.prefetch.nextDue().orElseThrow());
      begun.addAll(world.prefetch.due(world.now));
    }
    return begun;
  }

  @Test
  void time_that_goes_back_counts_as_the_latest() {
    var prefetch = new Prefetch(settings(0.8, Long.MAX_VALUE, 0.2), 5_000);
    prefetch.read(List.of("k"), 9_000);
    prefetch.stored(List.of("k"), TOKENS, 1, 1_000);
    assertThat(prefetch.nextDue().orElseThrow())
        .isBetween(9_000 + LIFETIME - 60_000 - 120_000, 9_000 + LIFETIME);
    prefetch.read(List.of("k"), Long.MIN_VALUE);
    assertThat(prefetch.explain(0).hitRatio()).isEqualTo(0.5);
    // A century later it is still quick, and all is forgotten.
    long century = Duration.ofDays(36_500).toMillis();
    prefetch.due(century);
    assertThat(prefetch.explain(century).keys()).isZero();
    assertThat(prefetch.nextDue()).isEmpty();
  }

  @Test
  void settings_say_what_is_wrong_with_them() {
    assertThatThrownBy(() -> settings(0, 1, 0.2))
        .hasMessage("min-probability is 0.0, must be over 0, at most 1");
    assertThatThrownBy(() -> settings(Double.NaN, 1, 0.2)).hasMessageContaining("min-probability");
    assertThatThrownBy(() -> settings(0.8, -1, 0.2)).hasMessageContaining("tokens-per-hour is -1");
    assertThatThrownBy(() -> settings(0.8, 1, 1.1)).hasMessageContaining("waste-max is 1.1");
    assertThatThrownBy(() -> new Settings(Duration.ofMillis(999), 0.8, 1, 0.2, 8))
        .hasMessageContaining("max-age is PT0.999S, must be at least 1s");
    assertThatThrownBy(() -> new Settings(AGE, 0.8, 1, 0.2, 7)).hasMessageContaining("max-keys");
  }
}
