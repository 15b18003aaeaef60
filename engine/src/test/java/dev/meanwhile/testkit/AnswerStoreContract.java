package dev.meanwhile.testkit;

import static dev.meanwhile.testkit.StoreSamples.bytes;
import static dev.meanwhile.testkit.StoreSamples.digest;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.StoredAnswer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What every adapter of [AnswerStore] does. A subclass gives the adapter, over data of the test's
/// own.
public abstract class AnswerStoreContract {
  /// The adapter, which is open.
  protected abstract AnswerStore answers();

  /// What its listener was told of, each as `purged` and what, in order.
  protected abstract List<String> heard();

  /// Closes it and opens it again, as after a crash.
  protected abstract void reopenAnswers() throws Exception;

  /// Has it delete now what is of no use at `now`.
  protected abstract void forget(long now);

  /// The number of the last purge that was heard of: the stamp of what is asked now.
  protected abstract long last();

  protected static StoredAnswer answer(String name, long stamp, long made, String... tags) {
    return new StoredAnswer(
        digest(name),
        "run_" + name,
        stamp,
        made,
        made + 1_000,
        List.of(tags),
        bytes("answer of " + name + " at " + made));
  }

  private static Outcome outcome(Consumer<Consumer<Outcome>> given) {
    var answer = new StoreClient.Answer<Outcome>();
    given.accept(answer::is);
    return answer.now();
  }

  protected final void kept(StoredAnswer... all) {
    for (StoredAnswer each : all) {
      assertThat(outcome(done -> answers().keep(each, done))).isEqualTo(new Outcome.Stored());
    }
  }

  protected final @Nullable String given(String name) {
    StoredAnswer found = StoreClient.answer(answers(), digest(name), 5_500);
    return found == null ? null : new String(found.log(), UTF_8);
  }

  private void purged(String what) {
    assertThat(outcome(done -> answers().purge(what, done))).isEqualTo(new Outcome.Stored());
  }

  @Test
  void keeps_an_answer_for_as_long_as_it_is_of_use() throws Exception {
    var kept = answer("a", last(), 5_000, "tag one", "", "two\u0000\n\u00e9", "x".repeat(2_000));
    kept(kept, answer("b", last(), 5_000));
    assertThat(StoreClient.answer(answers(), digest("a"), 5_999))
        .usingRecursiveComparison()
        .isEqualTo(kept);
    assertThat(StoreClient.answer(answers(), digest("a"), 6_000)).isNull();
    assertThat(given("c")).isNull();
    reopenAnswers();
    assertThat(given("a")).isNotNull();
  }

  @Test
  void the_newer_answer_stays_whichever_comes_last() {
    long before = last();
    purged("other");
    kept(answer("a", before, 5_001), answer("a", before, 5_002), answer("a", before, 5_001));
    assertThat(given("a")).endsWith("at 5002");
    kept(answer("a", last(), 5_000), answer("a", before, 5_300));
    assertThat(given("a")).as("asked after more purges").endsWith("at 5000");
  }

  @Test
  void many_answers_are_kept_at_once() {
    var outcomes = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 600; i++) {
      var outcome = new StoreClient.Answer<Outcome>();
      answers().keep(answer("k" + i % 300, last(), 5_000 + i), outcome::is);
      outcomes.add(outcome);
    }
    outcomes.forEach(each -> assertThat(each.now()).isEqualTo(new Outcome.Stored()));
    assertThat(given("k0")).endsWith("at 5300");
    assertThat(given("k299")).endsWith("at 5599");
  }

  @Test
  void what_was_asked_before_a_purge_is_not_given() {
    String odd = "odd\u0000'\u20ac";
    String of = Purge.ofKey(digest("d"));
    long before = last();
    kept(
        answer("a", before, 5_000, "one", "two"),
        answer("b", before, 5_000, "two"),
        answer("c", before, 5_000, "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", odd),
        answer("d", before, 5_000),
        answer("e", before, 5_000, "oneself"));
    purged("one");
    long one = last();
    assertThat(one).isGreaterThan(before);
    assertThat(given("a")).isNull();
    assertThat(given("b")).isNotNull();
    purged(odd);
    assertThat(given("c")).isNull();
    purged(of);
    assertThat(given("d")).isNull();
    assertThat(given("e")).isNotNull();
    assertThat(heard()).containsSubsequence("purged one", "purged " + odd, "purged " + of);
    // It was under way.
    kept(answer("a", before, 5_100, "one", "two"), answer("d", one, 5_100));
    assertThat(given("a")).isNull();
    assertThat(given("d")).isNull();
    kept(answer("a", one, 5_200, "one", "two"), answer("d", last(), 5_200));
    assertThat(given("a")).isNotNull();
    assertThat(given("d")).isNotNull();
    purged("one");
    assertThat(given("a")).isNull();
    purged(Purge.ALL);
    assertThat(given("e")).isNull();
  }

  @Test
  void a_purge_holds_after_a_restart() throws Exception {
    long before = last();
    kept(answer("a", before, 5_000, "one"), answer("b", before, 5_000));
    purged("one");
    long one = last();
    reopenAnswers();
    assertThat(last()).as("what is asked now is stamped with it").isEqualTo(one);
    assertThat(given("a")).isNull();
    assertThat(given("b")).isNotNull();
    kept(answer("a", before, 5_001, "one"));
    assertThat(given("a")).isNull();
    kept(answer("a", one, 5_002, "one"));
    assertThat(given("a")).isNotNull();
    purged("one");
    assertThat(last()).isGreaterThan(one);
    assertThat(given("a")).isNull();
  }

  @Test
  void an_erased_runs_answer_is_gone_and_all_forget_it() {
    long before = last();
    kept(answer("a", before, 5_000), answer("b", before, 5_000), answer("c", before, 5_000));
    for (String run : List.of("run_a", "run_b", "run_b")) {
      assertThat(outcome(done -> answers().erase(run, done))).isEqualTo(new Outcome.Stored());
    }
    assertThat(given("a")).isNull();
    assertThat(given("b")).isNull();
    assertThat(given("c")).isNotNull();
    assertThat(heard())
        .containsSubsequence(
            "purged " + Purge.ofKey(digest("a")), "purged " + Purge.ofKey(digest("b")));
  }

  @Test
  protected void forgets_answers_that_are_of_no_use() throws Exception {
    for (int i = 0; i < 250; i++) {
      kept(answer("old" + i, last(), 5_000));
    }
    kept(answer("a", last(), 5_400));
    forget(6_100);
    // Asked as if time had stood still.
    assertThat(given("old0")).isNull();
    assertThat(given("old249")).isNull();
    assertThat(given("a")).isNotNull();
  }

  @Test
  void one_makes_an_answer_where_others_would_too() {
    assertThat(StoreClient.lease(answers(), digest("a"), Duration.ofHours(1))).isTrue();
    assertThat(answers().hears()).isTrue();
    assertThat(StoreClient.lease(answers(), digest("a"), Duration.ofHours(1)))
        .isEqualTo(!answers().sharesAnswers());
    kept(answer("a", last(), 5_000));
    assertThat(StoreClient.lease(answers(), digest("a"), Duration.ofHours(1))).isTrue();
  }
}
