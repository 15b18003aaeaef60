package dev.meanwhile.prefetch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The prefetch of one operation in virtual time, beside a cache and an upstream of the test's own.
class AheadTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final long TOKENS = 500;

  private final VirtualClock clock = new VirtualClock();

  /// When the kept answers were made, by their keys.
  private final Map<List<String>, Long> kept = new HashMap<>();

  private final List<String> asked = new ArrayList<>();
  private final List<Runnable> underWay = new ArrayList<>();
  private Duration maxAge = HOUR;
  private boolean broken;
  private boolean held;
  private int mostUnderWay;
  private @Nullable String unreadable;

  private final class Cache implements Fetch {
    @Override
    public void fetch(Question question, Need need, Told told) {
      Long made = kept.get(question.key());
      long now = clock.millis();
      if (made != null
          && made >= need.since()
          && made + maxAge.toMillis() - now > need.left().toMillis()) {
        told.unneeded();
        return;
      }
      asked.add(question.input());
      Runnable end =
          () -> {
            if (broken) {
              told.failed();
            } else {
              kept.put(question.key(), clock.millis());
              told.made(TOKENS, 2);
            }
          };
      if (held) {
        underWay.add(end);
        mostUnderWay = Math.max(mostUnderWay, underWay.size());
      } else {
        clock.after(Duration.ofMillis(100), end);
      }
    }
  }

  private record Some(int size) implements Questions {
    @Override
    public @Nullable Question at(int index) {
      return index == 13 ? null : question(index);
    }
  }

  private static Question question(int number) {
    return new Question(List.of("shop", "k" + number), "q" + number);
  }

  private Questions.Source of(int size) {
    return new Questions.Source() {
      @Override
      public void read(Consumer<Questions> read, Consumer<String> failed) {
        if (unreadable == null) {
          read.accept(new Some(size));
        } else {
          failed.accept(unreadable);
        }
      }
    };
  }

  private Ahead ahead(
      boolean learns,
      Questions.@Nullable Source declared,
      Ahead.@Nullable Times times,
      long tokens) {
    var settings = new Settings(maxAge, 0.8, tokens, 0.2, 1_000);
    return new Ahead(clock, new Ahead.Plan(settings, learns, declared, times, 4), new Cache());
  }

  /// Every six hours, counted from the beginning of 1970.
  private static long sixHours(long millis) {
    long six = Duration.ofHours(6).toMillis();
    return (millis / six + 1) * six;
  }

  private static Sweep sweep(Ahead ahead) {
    return Objects.requireNonNull(ahead.sweep(), "no sweep yet");
  }

  private void untilNext(Ahead ahead) {
    clock.pass(Duration.ofMillis(ahead.next() - clock.millis()));
  }

  @Test
  void all_that_is_declared_is_made_at_its_times_and_once() {
    maxAge = Duration.ofHours(12);
    var ahead = ahead(false, of(250), AheadTest::sixHours, Long.MAX_VALUE / 2);
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked).as("its last time is not long ago").hasSize(249).doesNotHaveDuplicates();
    assertThat(sweep(ahead)).returns(249, Sweep::made).returns(1, Sweep::failed);
    assertThat(sweep(ahead).endedAt()).isPositive();
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked).as("made since that time").hasSize(249);
    assertThat(sweep(ahead)).returns(249, Sweep::kept).returns(0, Sweep::made);
    untilNext(ahead);
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked).as("at the next, although all are fresh").hasSize(2 * 249);
    assertThat(ahead.next() % Duration.ofHours(6).toMillis()).isZero();
  }

  @Test
  void a_time_that_is_long_ago_is_over() {
    var ahead = ahead(false, of(3), AheadTest::sixHours, Long.MAX_VALUE / 2);
    clock.pass(
        Duration.ofMillis(sixHours(clock.millis()) - clock.millis()).plus(Duration.ofHours(2)));
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked).isEmpty();
    untilNext(ahead);
    assertThat(asked).hasSize(3);
  }

  @Test
  void what_is_left_after_an_end_in_the_middle_is_made_after_the_next_begin() {
    maxAge = Duration.ofHours(12);
    held = true;
    var first = ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2);
    first.begin();
    for (int i = 0; i < 4; i++) {
      underWay.removeFirst().run();
    }
    assertThat(mostUnderWay).as("no more at once than may be").isEqualTo(4);
    first.stop();
    underWay.forEach(Runnable::run);
    assertThat(asked).as("nothing after its end").hasSize(8);
    held = false;
    clock.pass(Duration.ofMinutes(5));
    ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2).begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked)
        .containsExactlyInAnyOrder("q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9");
  }

  @Test
  void without_times_an_answer_is_made_anew_before_its_end() {
    var ahead = ahead(false, of(10), null, Long.MAX_VALUE / 2);
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(asked).hasSize(10);
    for (int minutes = 0; minutes < 600; minutes++) {
      clock.pass(Duration.ofMinutes(1));
      assertThat(kept.values())
          .as("always fresh")
          .allMatch(made -> clock.millis() - made < HOUR.toMillis());
    }
    assertThat(asked.size()).as("ten hours of ten answers").isBetween(110, 140);
  }

  @Test
  void spends_no_more_tokens_in_an_hour_than_it_may() {
    maxAge = Duration.ofHours(12);
    var ahead = ahead(false, of(12), AheadTest::sixHours, 2_400);
    ahead.begin();
    clock.pass(Duration.ofMinutes(30));
    // The first are taken for 1,000 each, until one has told what it cost.
    assertThat(asked.size()).isBetween(2, 4);
    assertThat(ahead.explain().tokensLastHour()).isLessThanOrEqualTo(2_400);
    int before = asked.size();
    clock.pass(Duration.ofMinutes(40));
    assertThat(asked.size()).as("the next hour").isBetween(before + 1, before + 4);
    clock.pass(Duration.ofHours(4));
    assertThat(sweep(ahead).made()).isEqualTo(12);
  }

  @Test
  void what_cannot_be_read_is_told_and_tried_again() {
    maxAge = Duration.ofHours(12);
    unreadable = "list.csv: gone";
    var ahead = ahead(false, of(3), AheadTest::sixHours, Long.MAX_VALUE / 2);
    ahead.begin();
    assertThat(sweep(ahead).trouble()).isEqualTo("list.csv: gone");
    unreadable = null;
    clock.pass(Duration.ofMinutes(1));
    assertThat(sweep(ahead).trouble()).isNull();
    clock.pass(Duration.ofMinutes(1));
    assertThat(sweep(ahead).made()).isEqualTo(3);
  }

  @Test
  void failures_end_a_sweep_like_answers() {
    maxAge = Duration.ofHours(12);
    broken = true;
    var ahead = ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2);
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(sweep(ahead)).returns(10, Sweep::failed);
    assertThat(sweep(ahead).endedAt()).isPositive();
    assertThat(ahead.explain()).returns(10L, Explanation::failed).returns(0L, Explanation::open);
  }

  @Test
  void tells_what_was_read_and_what_was_not() {
    maxAge = Duration.ofHours(12);
    var ahead = ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2);
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    for (int i = 0; i < 3; i++) {
      ahead.asked(question(i), true);
      ahead.asked(question(i), true);
    }
    ahead.asked(question(99), false);
    Explanation soon = ahead.explain();
    assertThat(soon.prefetched()).isEqualTo(10);
    assertThat(soon.read()).isEqualTo(3);
    assertThat(soon.open()).isEqualTo(7);
    assertThat(soon.hitRatio()).isEqualTo(6 / 7.0);
    assertThat(soon.secondsSaved()).isEqualTo(6);
    assertThat(soon.tokensSpent()).isEqualTo(10 * TOKENS);
    assertThat(soon.latest()).hasSize(10).allMatch(it -> it.why().equals("declared"));
    ahead.stop();
    var quiet = ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2);
    quiet.begin();
    clock.pass(Duration.ofMinutes(1));
    assertThat(quiet.explain().prefetched()).as("they are there").isZero();
    assertThat(quiet.explain().tokensSpent()).isZero();
  }

  @Test
  void what_nobody_read_is_waste() {
    maxAge = Duration.ofHours(3);
    clock.pass(Duration.ofMillis(sixHours(clock.millis()) - clock.millis()));
    var ahead = ahead(false, of(10), AheadTest::sixHours, Long.MAX_VALUE / 2);
    ahead.begin();
    clock.pass(Duration.ofMinutes(1));
    ahead.asked(question(1), true);
    clock.pass(Duration.ofHours(4));
    assertThat(ahead.explain()).returns(9L, Explanation::wasted).returns(0L, Explanation::open);
  }

  /// Somebody asks `k0` to `k4` every quarter of an hour, `n…` once each.
  private void read(Ahead ahead, SplittableRandom random, int round) {
    for (int i = 0; i < 5; i++) {
      read(ahead, question(i));
    }
    read(ahead, new Question(List.of("shop", "n" + round + random.nextInt(1_000)), "n"));
  }

  private void read(Ahead ahead, Question question) {
    Long made = kept.get(question.key());
    boolean hit = made != null && clock.millis() - made < maxAge.toMillis();
    ahead.asked(question, hit);
    if (!hit) {
      kept.put(question.key(), clock.millis());
      ahead.stored(question.key(), TOKENS, 2);
    }
  }

  @Test
  void learns_what_is_asked_again_and_fetches_that_alone() {
    Seeds.check(
        20,
        random -> {
          var world = new AheadTest();
          var ahead = world.ahead(true, null, null, 100_000);
          ahead.begin();
          for (int round = 0; round < 400; round++) {
            world.clock.pass(Duration.ofMinutes(15));
            world.read(ahead, random, round);
          }
          assertThat(world.asked).isNotEmpty().doesNotContain("n");
          assertThat(world.asked).contains("q0", "q1", "q2", "q3", "q4");
          Explanation is = ahead.explain();
          assertThat(is.hitRatio()).isGreaterThan(0.75);
          assertThat(is.wasteRatio()).isLessThan(0.2);
          int before = world.asked.size();
          // All of a sudden nobody asks any more: what it wastes is limited.
          world.clock.pass(Duration.ofDays(30));
          assertThat(world.asked.size() - before).isLessThanOrEqualTo(20);
          ahead.stop();
          assertThat(world.clock.timers()).isZero();
        });
  }

  @Test
  void learning_spends_no_more_tokens_than_it_may() {
    var ahead = ahead(true, null, null, 2 * TOKENS);
    ahead.begin();
    var random = new SplittableRandom(1);
    for (int round = 0; round < 400; round++) {
      clock.pass(Duration.ofMinutes(15));
      read(ahead, random, round);
      assertThat(ahead.explain().tokensLastHour()).isLessThanOrEqualTo(2 * TOKENS);
    }
    assertThat(ahead.explain().overTokens()).isPositive();
  }

  @Test
  void of_what_is_declared_only_what_is_likely_is_fetched() {
    var ahead = ahead(true, of(100), null, 1_000_000);
    ahead.begin();
    var random = new SplittableRandom(2);
    for (int round = 0; round < 400; round++) {
      clock.pass(Duration.ofMinutes(15));
      read(ahead, random, round);
    }
    assertThat(asked).contains("q0", "q1", "q2", "q3", "q4");
    assertThat(asked.stream().filter(it -> it.compareTo("q5") > 0).count())
        .as("others")
        .isLessThan(asked.size() / 5);
    assertThat(ahead.sweep()).isNull();
    assertThat(ahead.explain().failed()).isZero();
  }

  @Test
  void remembers_a_bounded_part_of_what_was_asked() {
    var ahead = ahead(true, null, null, 1_000_000);
    ahead.begin();
    for (int i = 0; i < 5_000; i++) {
      ahead.asked(new Question(List.of("shop", "k" + i), "x".repeat(4_000)), false);
    }
    ahead.asked(new Question(List.of("shop", "long"), "x".repeat(5_000)), false);
    assertThat(ahead.explain().keys()).isLessThanOrEqualTo(1_000);
    assertThat(ahead.explain().reads()).as("too long to be kept").isEqualTo(5_000);
  }
}
