package dev.meanwhile.testkit;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.bytes;
import static dev.meanwhile.testkit.StoreSamples.checkpoint;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.cut;
import static dev.meanwhile.testkit.StoreSamples.digest;
import static dev.meanwhile.testkit.StoreSamples.ended;
import static dev.meanwhile.testkit.StoreSamples.endpoint;
import static dev.meanwhile.testkit.StoreSamples.join;
import static dev.meanwhile.testkit.StoreSamples.key;
import static dev.meanwhile.testkit.StoreSamples.labelled;
import static dev.meanwhile.testkit.StoreSamples.lasting;
import static dev.meanwhile.testkit.StoreSamples.log;
import static dev.meanwhile.testkit.StoreSamples.mailing;
import static dev.meanwhile.testkit.StoreSamples.piece;
import static dev.meanwhile.testkit.StoreSamples.requeued;
import static dev.meanwhile.testkit.StoreSamples.run;
import static dev.meanwhile.testkit.StoreSamples.started;
import static dev.meanwhile.testkit.StoreSamples.telling;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Claimed;
import dev.meanwhile.store.Store.Due;
import dev.meanwhile.store.Store.Query;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What every adapter of [Store] does. A subclass gives the adapter, over data of the test's own.
public abstract class StoreContract extends AnswerStoreContract {
  protected static final Outcome STORED = new Outcome.Stored();
  protected static final Outcome FENCED = new Outcome.Fenced();
  protected static final Retention LONG = new Retention(Duration.ofDays(1), Long.MAX_VALUE);

  /// Milliseconds since 1970, for retention.
  protected final AtomicLong millis = new AtomicLong(10_000);

  private @Nullable StoreClient opened;

  @Override
  protected final AnswerStore answers() {
    return client().store();
  }

  @Override
  protected final List<String> heard() {
    return client().heard();
  }

  @Override
  protected final long last() {
    return client().lastPurge();
  }

  @Override
  protected void reopenAnswers() {
    reopen(LONG);
  }

  @Override
  protected void forget(long now) {
    millis.set(now);
    retain(client().store());
  }

  /// The adapter over this test's data, under the same name each time.
  protected abstract Store make(Retention retention);

  /// Has the store delete now what it need not keep.
  protected abstract void retain(Store store);

  /// Deletes this test's data.
  protected abstract void deleteData() throws Exception;

  @BeforeEach
  void openStore() {
    opened = new StoreClient(make(LONG)).open();
  }

  protected final StoreClient client() {
    return Objects.requireNonNull(opened);
  }

  @AfterEach
  void closeStore() throws Exception {
    client().store().close();
    deleteData();
  }

  /// Closes it and opens it again, as after a crash: nothing was released.
  protected void reopen(Retention retention) {
    client().store().close();
    opened = new StoreClient(make(retention)).open();
  }

  private StoredRun found(String name) {
    return Objects.requireNonNull(client().find("run_" + name), () -> name + " is not there");
  }

  private void stored(Change... changes) {
    for (Change change : changes) {
      assertThat(client().write(change)).as("%s", change).isEqualTo(STORED);
    }
  }

  private static List<String> ids(List<StoredRun> runs) {
    return runs.stream().map(StoredRun::id).toList();
  }

  private static List<String> logs(List<Claimed> claimed) {
    return claimed.stream().map(it -> it.log().id()).toList();
  }

  private static void same(List<Piece> pieces, Piece... expected) {
    assertThat(pieces).usingRecursiveFieldByFieldElementComparator().containsExactly(expected);
  }

  @Test
  void finds_a_run_by_the_upstreams_name_for_its_answer() {
    stored(accept("a"), started("a", 1), new Change.Named("log_a", 1, "resp_theirs"));
    stored(join("b", "a"), accept("c"));
    assertThat(Objects.requireNonNull(client().find("resp_theirs")).id()).isEqualTo("run_a");
    assertThat(client().find("resp_other")).isNull();
    assertThat(client().find("")).isNull();
    assertThat(client().write(new Change.Named("log_a", 0, "resp_late"))).isEqualTo(FENCED);
    stored(completed("a", 1, 5_000), new Change.Erased("run_a"));
    assertThat(Objects.requireNonNull(client().find("resp_theirs")).id()).isEqualTo("run_b");
    stored(new Change.Erased("run_b"));
    assertThat(client().find("resp_theirs")).isNull();
  }

  // Accept

  @Test
  void keeps_an_accepted_run() {
    StoredLog log =
        new StoredLog(
            "log_a",
            "shop",
            "openai",
            3,
            11,
            12,
            4,
            1,
            "in_progress",
            0,
            0,
            bytes("request"),
            bytes("head"),
            null);
    var run = new StoredRun("run_a", log, "other", bytes("about"), 13, 0, 0, false);
    stored(new Change.Accept(run, log, key("a")));
    assertThat(found("a")).usingRecursiveComparison().isEqualTo(run);
    assertThat(client().findKey(key("a").key()))
        .usingRecursiveComparison()
        .isEqualTo(new IdempotencyEntry.Held("run_a", key("a").bodyHash()));
    assertThat(client().find("run_b")).isNull();
    assertThat(client().findKey(key("b").key())).isNull();
  }

  @Test
  void accepts_a_run_twice_as_if_once() {
    stored(accept("a", key("a")), accept("a", key("a")), started("a", 1), accept("a", key("a")));
    assertThat(found("a").status()).isEqualTo("in_progress");
    stored(completed("a", 1, 5_000), accept("a", key("a")));
    assertThat(found("a").status()).isEqualTo("completed");
  }

  @Test
  void accepts_more_runs_over_a_log_until_it_ends() {
    stored(accept("a"), join("b", "a"), completed("a", 0, 5_000));
    assertThat(client().write(join("c", "a"))).isEqualTo(FENCED);
    assertThat(client().write(join("d", "nothing"))).isEqualTo(FENCED);
    assertThat(found("b").log().id()).isEqualTo("log_a");
    assertThat(found("b").status()).isEqualTo("completed");
    assertThat(client().find("run_c")).isNull();
  }

  @Test
  void gives_an_idempotency_key_to_one_run() {
    stored(accept("a", key("k")));
    assertConflict(client().write(accept("b", key("k"))), "run_a");
    assertThat(client().find("run_b")).isNull();
    stored(accept("b")); // nothing is left of the log that came with it
    assertThat(found("b").log().request()).isEqualTo(bytes("request of b"));
  }

  @Test
  void gives_an_idempotency_key_to_one_run_within_a_group() {
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 50; i++) {
      answers.add(client().later(accept("r" + i, key("k" + i % 5))));
    }
    for (int i = 0; i < 50; i++) {
      if (i < 5) {
        assertThat(answers.get(i).now()).isEqualTo(STORED);
      } else {
        assertConflict(answers.get(i).now(), "run_r" + i % 5);
      }
    }
    assertThat(client().list(new Query(null, null, null, null, 1000))).hasSize(5);
  }

  private static void assertConflict(Outcome outcome, String holder) {
    assertThat(outcome)
        .isInstanceOfSatisfying(
            Outcome.Conflict.class, it -> assertThat(it.holder().run()).isEqualTo(holder));
  }

  // Attempts

  @Test
  void an_attempt_begins_after_what_older_ones_wrote() {
    stored(
        accept("a"),
        started("a", 1),
        new Change.Checkpoint("log_a", 1, piece("a", 0, 3), bytes("head")));
    assertThat(found("a").log().end()).isEqualTo(3);
    assertThat(found("a").log().head()).isEqualTo(bytes("head"));
    stored(started("a", 1));
    same(client().pieces("log_a", 0), piece("a", 0, 3));
    assertThat(found("a").log().head()).isEqualTo(bytes("head"));
    stored(started("a", 2));
    same(client().pieces("log_a", 0), piece("a", 0, 3));
    StoredLog log = found("a").log();
    assertThat(log.attempt()).isEqualTo(2);
    assertThat(log.status()).isEqualTo("in_progress");
    assertThat(log.end()).isEqualTo(3);
    assertThat(log.head()).isNull();
  }

  @Test
  void keeps_the_pieces_of_an_attempt() {
    stored(
        accept("a"),
        accept("b"),
        started("a", 1),
        started("b", 1),
        checkpoint("a", 1, 0, 2),
        checkpoint("b", 1, 0, 7),
        checkpoint("a", 1, 1, 5),
        checkpoint("a", 1, 1, 5),
        checkpoint("a", 1, 2, 6));
    same(client().pieces("log_a", 0), piece("a", 0, 2), piece("a", 1, 5), piece("a", 2, 6));
    same(client().pieces("log_a", 2), piece("a", 2, 6));
    assertThat(client().pieces("log_a", 3)).isEmpty();
    assertThat(client().pieces("log_c", 0)).isEmpty();
    assertThat(found("a").log().end()).isEqualTo(6);
    assertThat(found("b").log().end()).isEqualTo(7);
  }

  @Test
  void requeues_a_log() {
    stored(accept("a"), started("a", 1), checkpoint("a", 1, 0, 2), requeued("a", 1, 7_000));
    StoredLog log = found("a").log();
    assertThat(log.status()).isEqualTo("queued");
    assertThat(log.notBefore()).isEqualTo(7_000);
    assertThat(log.attempt()).isEqualTo(1);
    stored(requeued("a", 1, 7_000), started("a", 2));
    assertThat(found("a").status()).isEqualTo("in_progress");
  }

  @Test
  void fences_an_older_attempt_and_one_that_has_not_begun() {
    stored(accept("a"), started("a", 1), started("a", 2));
    for (int attempt : new int[] {1, 3}) {
      assertThat(client().write(checkpoint("a", attempt, 0, 1))).isEqualTo(FENCED);
      assertThat(client().write(requeued("a", attempt, 9))).isEqualTo(FENCED);
      assertThat(client().write(completed("a", attempt, 9))).isEqualTo(FENCED);
      assertThat(client().write(cut("a", attempt, "a", 0, 9))).isEqualTo(FENCED);
    }
    assertThat(client().write(started("a", 1))).isEqualTo(FENCED);
    assertThat(found("a").status()).isEqualTo("in_progress");
    assertThat(found("a").log().end()).isZero();
  }

  @Test
  void fences_what_comes_after_the_end_and_what_is_of_no_log() {
    stored(accept("a"), started("a", 1), completed("a", 1, 5_000));
    for (String name : new String[] {"a", "nothing"}) {
      assertThat(client().write(started(name, 1))).isEqualTo(FENCED);
      assertThat(client().write(started(name, 2))).isEqualTo(FENCED);
      assertThat(client().write(checkpoint(name, 1, 0, 1))).isEqualTo(FENCED);
      assertThat(client().write(requeued(name, 1, 9))).isEqualTo(FENCED);
      assertThat(client().write(ended(name, 1, "failed", 9, true))).isEqualTo(FENCED);
      assertThat(client().write(cut(name, 1, name, 0, 9))).isEqualTo(FENCED);
    }
    assertThat(found("a").status()).isEqualTo("completed");
  }

  // The end

  @Test
  void ends_a_log_and_its_runs() {
    stored(accept("a"), join("b", "a"), started("a", 1), checkpoint("a", 1, 0, 4));
    var end =
        new Change.Ended(
            "log_a", 1, "incomplete", 5_000, piece("a", 1, 6), bytes("head"), bytes("end"), false);
    stored(end, end);
    for (String run : List.of("a", "b")) {
      assertThat(found(run).status()).isEqualTo("incomplete");
      assertThat(found(run).endedAt()).isEqualTo(5_000);
      assertThat(found(run).terminal()).isEqualTo(bytes("end"));
      assertThat(found(run).log().head()).isEqualTo(bytes("head"));
      assertThat(found(run).log().end()).isEqualTo(6);
    }
    same(client().pieces("log_a", 0), piece("a", 0, 4), piece("a", 1, 6));
  }

  @Test
  void an_end_keeps_idempotency_keys_or_frees_them() {
    stored(accept("a", key("a")), accept("b", key("b")));
    stored(ended("a", 0, "completed", 5_000, false), ended("b", 0, "failed", 5_000, true));
    assertConflict(client().write(accept("c", key("a"))), "run_a");
    stored(accept("d", key("b")));
    assertThat(Objects.requireNonNull(client().findKey(key("b").key())).run()).isEqualTo("run_d");
  }

  @Test
  void cuts_a_run_out_of_a_log_that_goes_on() {
    stored(accept("a", key("a")), join("b", "a"), started("a", 1), checkpoint("a", 1, 0, 4));
    stored(cut("a", 1, "a", 4, 4_000), cut("a", 1, "a", 4, 4_000));
    assertThat(found("a").status()).isEqualTo("cancelled");
    assertThat(found("a").cutEnd()).isEqualTo(4);
    assertThat(found("a").endedAt()).isEqualTo(4_000);
    assertThat(found("b").status()).isEqualTo("in_progress");
    assertThat(client().findKey(key("a").key())).isNull();
    stored(completed("a", 1, 5_000));
    assertThat(found("a").status()).isEqualTo("cancelled");
    assertThat(found("a").endedAt()).isEqualTo(4_000);
    assertThat(found("b").status()).isEqualTo("completed");
  }

  // From outside

  @Test
  void tells_the_owner_of_a_cancel() {
    stored(accept("a"), started("a", 1));
    stored(new Change.CancelRequested("run_a"), new Change.CancelRequested("run_a"));
    client().awaitHeard("cancel run_a");
    assertThat(found("a").cancelRequested()).isTrue();
    assertThat(found("a").status()).isEqualTo("in_progress");
  }

  @Test
  void does_not_cancel_what_has_ended() {
    stored(accept("a"), completed("a", 0, 5_000), accept("b"), join("c", "b"));
    stored(cut("b", 0, "c", 0, 5_000));
    for (String run : List.of("run_a", "run_c", "run_nothing")) {
      assertThat(client().write(new Change.CancelRequested(run))).isEqualTo(FENCED);
    }
    assertThat(found("a").cancelRequested()).isFalse();
    assertThat(client().heard()).isEmpty();
  }

  @Test
  void erases_a_run_and_a_log_that_nobody_reads() {
    stored(accept("a", key("a")), join("b", "a"), started("a", 1), checkpoint("a", 1, 0, 4));
    stored(completed("a", 1, 5_000), new Change.Erased("run_a"), new Change.Erased("run_a"));
    assertThat(client().find("run_a")).isNull();
    assertThat(client().findKey(key("a").key())).isNull();
    assertThat(found("b").log().end()).isEqualTo(4);
    stored(new Change.Erased("run_b"));
    assertThat(client().find("run_b")).isNull();
    assertThat(client().pieces("log_a", 0)).isEmpty();
    stored(accept("a", key("a")));
    assertThat(found("a").status()).isEqualTo("queued");
  }

  @Test
  void does_not_erase_what_has_not_ended() {
    stored(accept("a"), join("b", "a"));
    assertThat(client().write(new Change.Erased("run_a"))).isEqualTo(FENCED);
    stored(cut("a", 0, "a", 0, 4_000), new Change.Erased("run_a"));
    assertThat(client().find("run_a")).isNull();
    assertThat(found("b").status()).isEqualTo("queued");
    stored(completed("a", 0, 5_000));
  }

  // Order

  @Test
  void writes_the_changes_of_a_log_in_their_order() {
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 40; i++) {
      String name = "r" + i;
      for (Change change :
          List.of(
              accept(name, key(name)),
              started(name, 1),
              checkpoint(name, 1, 0, 2),
              checkpoint(name, 1, 1, 3),
              requeued(name, 1, 6_000),
              started(name, 2),
              checkpoint(name, 2, 2, 5),
              join(name + "x", name),
              cut(name, 2, name, 1, 6_500),
              accept(name + "y", key(name)),
              completed(name, 2, 7_000),
              new Change.Erased("run_" + name),
              started(name + "y", 1),
              ended(name + "y", 1, "failed", 7_000, true),
              accept(name + "z", key(name)))) {
        answers.add(client().later(change));
      }
    }
    assertThat(answers).allSatisfy(it -> assertThat(it.now()).isEqualTo(STORED));
    for (int i = 0; i < 40; i++) {
      assertThat(client().find("run_r" + i)).isNull();
      assertThat(found("r" + i + "x").status()).isEqualTo("completed");
      same(
          client().pieces("log_r" + i, 0),
          piece("r" + i, 0, 2),
          piece("r" + i, 1, 3),
          piece("r" + i, 2, 5));
      assertThat(Objects.requireNonNull(client().findKey(key("r" + i).key())).run())
          .isEqualTo("run_r" + i + "z");
    }
  }

  // Claims

  @Test
  void claims_nothing_of_its_own() {
    stored(accept("a"), started("a", 1));
    assertThat(client().claim(10)).isEmpty();
  }

  @Test
  void claims_by_priority_then_by_age() {
    stored(
        accept(log("a", 3, 100), "a"),
        accept(log("b", 1, 300), "b"),
        accept(log("c", 1, 200), "c"),
        accept(log("d", 0, 900), "d"),
        accept(log("e", 0, 950), "e"),
        completed("e", 0, 960));
    reopen(LONG);
    assertThat(logs(client().claim(2))).containsExactly("log_d", "log_c");
    assertThat(logs(client().claim(2))).containsExactly("log_b", "log_a");
    assertThat(client().claim(2)).isEmpty();
    stored(started("a", 1), completed("b", 0, 1_000));
  }

  @Test
  void claims_a_log_with_its_runs() {
    stored(accept("a"), join("b", "a"), join("c", "a"), started("a", 1));
    stored(new Change.Checkpoint("log_a", 1, piece("a", 0, 4), bytes("head")));
    stored(cut("a", 1, "b", 2, 3_000), new Change.CancelRequested("run_c"));
    reopen(LONG);
    Claimed claimed = client().claim(10).getFirst();
    assertThat(ids(claimed.runs())).containsExactly("run_a", "run_c");
    assertThat(claimed.runs().get(1).cancelRequested()).isTrue();
    assertThat(claimed.runs().get(0).about()).isEqualTo(bytes("about a"));
    StoredLog log = claimed.log();
    assertThat(claimed.runs().get(0).log()).isSameAs(log);
    assertThat(log.request()).isEqualTo(bytes("request of a"));
    assertThat(log.head()).isEqualTo(bytes("head"));
    assertThat(log.attempt()).isEqualTo(1);
    assertThat(log.end()).isEqualTo(4);
    same(client().pieces("log_a", 0), piece("a", 0, 4));
  }

  @Test
  void counts_an_attempt_that_was_under_way_as_lost() {
    stored(accept("waits"), accept("runs"), accept("again"), accept("released"));
    stored(started("runs", 1), started("again", 1), requeued("again", 1, 0));
    stored(started("released", 1), new Change.Released(List.of("log_released", "log_nothing")));
    reopen(LONG);
    for (Claimed claimed : client().claim(10)) {
      boolean wasUnderWay = claimed.log().id().equals("log_runs");
      assertThat(claimed.log().lost()).as(claimed.log().id()).isEqualTo(wasUnderWay ? 1 : 0);
    }
    reopen(LONG); // no attempt was begun in between
    assertThat(client().claim(10)).hasSize(4);
    assertThat(found("runs").log().lost()).isEqualTo(1);
    stored(started("runs", 2));
    reopen(LONG);
    client().claim(10);
    assertThat(found("runs").log().lost()).isEqualTo(2);
  }

  @Test
  void does_not_write_what_it_released() {
    stored(accept("a"), started("a", 1), new Change.Released(List.of("log_a")));
    assertThat(client().write(checkpoint("a", 1, 0, 1))).isEqualTo(FENCED);
    assertThat(client().write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    stored(new Change.Released(List.of("log_a")));
    assertThat(logs(client().claim(10))).containsExactly("log_a");
    stored(started("a", 2));
  }

  @Test
  void does_not_write_what_it_has_not_claimed() {
    stored(accept("a"), started("a", 1));
    reopen(LONG);
    assertThat(client().write(checkpoint("a", 1, 0, 1))).isEqualTo(FENCED);
    assertThat(client().write(started("a", 2))).isEqualTo(FENCED);
    assertThat(client().write(join("b", "a"))).isEqualTo(FENCED);
    assertThat(client().write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    client().claim(10);
    stored(started("a", 2), completed("a", 2, 5_000));
  }

  // Lists

  @Test
  void lists_the_newest_first_in_pages() {
    for (int i = 0; i < 10; i++) {
      StoredLog log = log("l" + i, 2, 100 + i);
      stored(new Change.Accept(run("l" + i, log, i % 2 == 0 ? "even" : "odd", 100 + i), log, null));
    }
    stored(completed("l0", 0, 5_000), completed("l1", 0, 5_000), started("l2", 1));
    stored(ended("l3", 0, "cancelled", 5_000, false), join("m0", "l4"));
    stored(cut("l4", 0, "m0", 0, 5_000));

    List<StoredRun> first = client().list(new Query(null, null, null, null, 4));
    assertThat(ids(first)).containsExactly("run_m0", "run_l9", "run_l8", "run_l7");
    assertThat(ids(client().list(new Query(null, null, null, "run_l7", 2))))
        .containsExactly("run_l6", "run_l5");
    assertThat(ids(client().list(new Query("odd", null, null, "run_l9", 2))))
        .containsExactly("run_l7", "run_l5");
    assertThat(ids(client().list(new Query(null, "completed", null, null, 10))))
        .containsExactly("run_l1", "run_l0");
    assertThat(ids(client().list(new Query("even", "completed", null, null, 10))))
        .containsExactly("run_l0");
    assertThat(ids(client().list(new Query(null, "in_progress", null, null, 10))))
        .containsExactly("run_l2");
    assertThat(ids(client().list(new Query(null, "queued", null, null, 2))))
        .containsExactly("run_l9", "run_l8");
    assertThat(ids(client().list(new Query(null, "cancelled", null, null, 10))))
        .containsExactly("run_m0", "run_l3");
    assertThat(ids(client().list(new Query(null, null, 108L, null, 10))))
        .containsExactly("run_m0", "run_l9", "run_l8");
    assertThat(ids(client().list(new Query("even", null, 105L, "run_l9", 1))))
        .containsExactly("run_l8");
    assertThat(client().list(new Query("nobody", null, null, null, 10))).isEmpty();
    assertThat(first.get(1).about()).isEqualTo(bytes("about l9"));
    assertThat(first.get(1).log().request()).as("left out of lists").isEmpty();
  }

  // Keeping

  @Test
  void keeps_all_over_a_restart() {
    stored(accept("a", key("a")), started("a", 1), checkpoint("a", 1, 0, 4));
    stored(accept("b", key("b")), completed("b", 0, 5_000));
    byte[] secret = client().store().constant("secret", () -> digest("made"));
    StoredRun b = found("b");
    reopen(LONG);
    assertThat(found("b")).usingRecursiveComparison().isEqualTo(b);
    same(client().pieces("log_a", 0), piece("a", 0, 4));
    assertConflict(client().write(accept("c", key("a"))), "run_a");
    assertThat(client().store().constant("secret", () -> digest("other"))).isEqualTo(secret);
    assertThat(client().store().constant("other", () -> digest("other")))
        .isEqualTo(digest("other"));
    assertThat(client().store().trouble()).isNull();
  }

  @Test
  void forgets_what_ended_too_long_ago() {
    var retention = new Retention(Duration.ofSeconds(100), Long.MAX_VALUE);
    reopen(retention);
    stored(accept("old", key("old")), started("old", 1), checkpoint("old", 1, 0, 3));
    stored(completed("old", 1, 20_000), accept("young"), completed("young", 0, 20_001));
    stored(accept("flies"), join("cut", "flies"), cut("flies", 0, "cut", 0, 1_000));
    millis.set(120_001);
    retain(client().store());
    assertThat(client().find("run_old")).isNull();
    assertThat(client().findKey(key("old").key())).isNull();
    assertThat(client().pieces("log_old", 0)).isEmpty();
    assertThat(found("young").status()).isEqualTo("completed");
    assertThat(found("flies").status()).isEqualTo("queued");
    millis.set(1_000_000_000);
    retain(client().store());
    assertThat(ids(client().list(new Query(null, null, null, null, 10))))
        .contains("run_flies")
        .doesNotContain("run_young");
  }

  @Test
  void keeps_longer_what_lasts_longer() {
    reopen(new Retention(Duration.ofSeconds(100), Duration.ofSeconds(3_000), Long.MAX_VALUE));
    stored(accept("short"), lasting("long", "long", log("long")), accept("joined"));
    stored(lasting("late", "joined", null), join("early", "long"));
    for (String log : List.of("short", "long", "joined")) {
      stored(completed(log, 0, 20_000));
    }
    millis.set(3_020_000);
    retain(client().store());
    assertThat(client().find("run_short")).isNull();
    for (String run : List.of("long", "joined", "late", "early")) {
      assertThat(found(run).status()).isEqualTo("completed");
    }
    millis.set(3_020_001);
    retain(client().store());
    assertThat(client().find("run_long")).isNull();
    assertThat(client().find("run_joined")).isNull();
  }

  @Test
  protected void forgets_the_oldest_ended_when_there_is_too_much() {
    reopen(new Retention(Duration.ofDays(1000), 2_000_000));
    var random = new java.util.Random(1);
    byte[] large = new byte[10_000];
    for (int i = 0; i < 400; i++) {
      String name = "r%03d".formatted(i);
      random.nextBytes(large);
      client().later(accept(name));
      client().later(started(name, 1));
      client().later(new Change.Checkpoint("log_" + name, 1, new Piece(0, 1, large.clone()), null));
      if (i != 0) {
        client().later(completed(name, 1, 5_000 + i));
      }
    }
    stored(completed("r399", 1, 5_399));
    retain(client().store());
    List<String> left = ids(client().list(new Query(null, null, null, null, 1000)));
    assertThat(left).contains("run_r399", "run_r000").doesNotContain("run_r001");
    assertThat(left.size()).isBetween(20, 250);
    var ended = left.subList(0, left.size() - 1);
    assertThat(ended).containsExactlyElementsOf(newest(ended.size()));
  }

  private static List<String> newest(int count) {
    var ids = new ArrayList<String>();
    for (int i = 399; i > 399 - count; i--) {
      ids.add("run_r%03d".formatted(i));
    }
    return ids;
  }

  // Notices

  private void registered(Endpoint... endpoints) {
    for (Endpoint each : endpoints) {
      stored(new Change.Registered(each));
    }
  }

  private List<String> notices(String endpoint) {
    return client().notices(endpoint, null, 100).stream()
        .map(it -> it.event() + " " + it.status())
        .toList();
  }

  @Test
  void keeps_endpoints() {
    var first =
        new Endpoint(
            "whe_1",
            "shop",
            "first",
            "https://a",
            List.of("failed", "completed"),
            bytes("secret"),
            bytes("old"),
            7,
            5,
            6,
            false);
    registered(first, endpoint("whe_2", "shop"), endpoint("whe_3", "bank", "failed"));
    reopen(LONG);
    List<Endpoint> found = client().endpoints("shop");
    assertThat(found.stream().map(Endpoint::id)).containsExactly("whe_2", "whe_1");
    assertThat(found.get(1)).usingRecursiveComparison().isEqualTo(first);
    assertThat(found.get(0).statuses()).isEmpty();
    Endpoint changed = endpoint("whe_1", "shop", "cancelled");
    registered(changed, changed);
    assertThat(client().endpoints("shop").get(1).url()).isEqualTo("https://example.com/whe_1");
    assertThat(client().endpoints("shop").get(1).statuses()).containsExactly("cancelled");
    stored(new Change.Unregistered("whe_1"), new Change.Unregistered("whe_1"));
    assertThat(client().endpoints("shop")).hasSize(1);
    assertThat(client().endpoints("nobody")).isEmpty();
  }

  @Test
  void an_end_makes_notices_for_those_who_want_to_know() {
    registered(
        endpoint("whe_all", "shop", "completed", "failed", "cancelled", "incomplete"),
        endpoint("whe_failed", "shop", "failed"),
        endpoint("whe_named", "shop"),
        endpoint("whe_other", "bank", "completed", "failed"));
    stored(accept("a"), accept("b"), telling("c", "whe_named"), telling("d", "whe_other"));
    stored(join("e", "a"), cut("a", 0, "e", 0, 4_000));
    client().awaitHeard("due");
    assertThat(notices("whe_all")).containsExactly("evt_e cancelled");
    Change end = completed("a", 0, 5_000);
    stored(end, end, ended("b", 0, "failed", 5_000, true), completed("c", 0, 5_000));
    stored(completed("d", 0, 6_000));
    assertThat(notices("whe_all"))
        .containsExactly(
            "evt_e cancelled",
            "evt_d completed",
            "evt_c completed",
            "evt_b failed",
            "evt_a completed");
    assertThat(notices("whe_failed")).containsExactly("evt_b failed");
    assertThat(notices("whe_named")).containsExactly("evt_c completed");
    assertThat(notices("whe_other")).as("another tenant's").isEmpty();
    assertThat(client().notices("whe_all", "evt_d", 2).stream().map(Notice::event))
        .containsExactly("evt_c", "evt_b");
    assertThat(client().notices("whe_named", null, 1).getFirst())
        .isEqualTo(
            new Notice(
                "evt_c",
                "whe_named",
                "shop",
                "run_c",
                "responses",
                "completed",
                5_000,
                0,
                5_000,
                0,
                "",
                false,
                false));
  }

  @Test
  void gives_a_notice_to_one_until_it_says_what_became_of_it() {
    registered(endpoint("whe_x", "shop", "completed"), endpoint("whe_y", "shop", "completed"));
    for (String run : List.of("a", "b", "c")) {
      stored(accept(run), completed(run, 0, 5_000 + run.charAt(0)));
    }
    assertThat(client().due(List.of(), 5_000, 9_000, 10)).isEmpty();
    assertThat(client().due(List.of("whe_x", "whe_y"), 8_000, 9_000, 10)).isEmpty();
    List<Due> due = client().due(List.of("whe_y"), 8_000, 9_000, 2);
    assertThat(due.stream().map(it -> it.notice().event()))
        .containsExactlyInAnyOrder("evt_a", "evt_b");
    assertThat(due.getFirst().endpoint())
        .usingRecursiveComparison()
        .isEqualTo(endpoint("whe_x", "shop", "completed"));
    assertThat(client().due(List.of("whe_y"), 8_000, 9_000, 9)).hasSize(1);
    assertThat(client().due(List.of(), 8_000, 9_000, 2)).as("of the other").hasSize(2);
    assertThat(client().due(List.of("whe_y"), 8_999, 9_500, 9)).isEmpty();
    Notice first = due.getFirst().notice();
    Change arrived = new Change.Tried(first.tried(8_500, "200", true, 0), 9_000);
    Notice second = due.getLast().notice();
    stored(arrived, arrived, new Change.Tried(second.tried(8_500, "500", false, 20_000), 9_000));
    assertThat(client().due(List.of("whe_y"), 19_999, 30_000, 9)).as("c, again").hasSize(1);
    Due again = client().due(List.of("whe_y"), 20_000, 30_000, 9).getFirst();
    assertThat(again.notice())
        .isEqualTo(
            new Notice(
                second.event(),
                "whe_x",
                "shop",
                second.run(),
                "",
                "completed",
                second.endedAt(),
                1,
                30_000,
                8_500,
                "500",
                false,
                false));
    assertThat(client().write(new Change.Tried(second.tried(1, "late", true, 0), 9_000)))
        .as("it was claimed anew")
        .isEqualTo(FENCED);
  }

  @Test
  void sends_a_notice_again_and_one_of_its_own() {
    registered(endpoint("whe_x", "shop", "completed"));
    stored(accept("a"), completed("a", 0, 5_000));
    Notice notice = client().due(List.of(), 8_000, 9_000, 2).getFirst().notice();
    Notice arrived = notice.tried(8_500, "200", true, 0);
    stored(new Change.Tried(arrived, 9_000), new Change.Scheduled(arrived.again(10_000)));
    client().awaitHeard("due");
    assertThat(client().due(List.of(), 10_000, 20_000, 2).getFirst().notice())
        .isEqualTo(arrived.again(20_000));
    Notice own = Notice.of(endpoint("whe_x", "shop"), "run_t", "chat", "failed", 6_000, false);
    stored(new Change.Scheduled(own), new Change.Scheduled(own));
    assertThat(notices("whe_x")).containsExactly("evt_t failed", "evt_a completed");
    stored(new Change.Unregistered("whe_x"));
    assertThat(notices("whe_x")).isEmpty();
    assertThat(client().write(new Change.Scheduled(own))).isEqualTo(FENCED);
  }

  @Test
  void sends_nothing_to_a_disabled_endpoint() {
    registered(endpoint("whe_x", "shop", "completed"));
    stored(accept("a"), accept("b"), accept("c"), completed("a", 0, 5_000));
    Change disabled = new Change.Disabled("whe_x", "gone");
    stored(disabled, disabled, completed("b", 0, 5_000));
    assertThat(client().endpoints("shop").getFirst().disabled()).isTrue();
    assertThat(client().due(List.of(), 9_000, 10_000, 9)).isEmpty();
    assertThat(client().notices("whe_x", null, 9))
        .extracting(Notice::due, Notice::result)
        .containsExactly(tuple(0L, "the endpoint is disabled"), tuple(0L, "gone"));
    registered(endpoint("whe_x", "shop", "completed"));
    stored(completed("c", 0, 5_000));
    assertThat(client().due(List.of(), 9_000, 10_000, 9)).hasSize(1);
  }

  @Test
  void keeps_notices_that_wait_longer_than_their_runs() {
    reopen(new Retention(Duration.ofSeconds(100), Long.MAX_VALUE));
    registered(endpoint("whe_x", "shop", "completed"));
    stored(accept("a"), accept("b"), completed("a", 0, 20_000), completed("b", 0, 20_000));
    Notice b =
        client().due(List.of(), 30_000, 40_000, 9).stream()
            .map(Due::notice)
            .filter(it -> it.event().equals("evt_b"))
            .findFirst()
            .orElseThrow();
    stored(new Change.Tried(b.tried(35_000, "200", true, 0), 40_000));
    millis.set(134_000);
    retain(client().store());
    assertThat(client().find("run_a")).isNull();
    assertThat(notices("whe_x")).hasSize(2);
    millis.set(136_000);
    retain(client().store());
    assertThat(notices("whe_x")).containsExactly("evt_a completed");
    reopen(LONG);
    assertThat(client().due(List.of(), 136_000, 140_000, 9)).hasSize(1);
  }

  // Mails

  private static final String ANN = "mailto:ann@example.com";
  private static final String BOB = "mailto:bob@example.com";
  private static final long HOUR = Store.MAIL_HOUR;

  /// The events of mails that are due then, each taken for a minute.
  private List<String> mails(long now, String... busy) {
    return client().due(List.of(busy), now, now + 60_000, 32).stream()
        .map(it -> it.notice().event().substring(4))
        .toList();
  }

  private void arrived(String recipient, String run, long now) {
    Notice notice =
        client().notices(recipient, null, 100).stream()
            .filter(it -> it.run().equals("run_" + run))
            .findFirst()
            .orElseThrow();
    stored(new Change.Tried(notice.tried(now, "250", true, 0), notice.due()));
  }

  @Test
  void an_end_makes_a_notice_for_who_is_told_by_mail() {
    registered(endpoint("whe_x", "shop", "incomplete"));
    StoredLog both = log("b");
    stored(
        mailing("a", ANN),
        new Change.Accept(run("b", both), both, null, new Told("whe_x", ANN), null, "chat", false),
        mailing("c", BOB),
        accept("d"),
        mailing("e", BOB));
    stored(join("f", "a"), cut("e", 0, "e", 0, 4_000));
    client().awaitHeard("due");
    Change end = completed("a", 0, 5_000);
    stored(end, end, completed("b", 0, 5_000), ended("c", 0, "failed", 6_000, true));
    stored(completed("d", 0, 7_000));
    reopen(LONG);
    assertThat(notices(ANN)).containsExactly("evt_b completed", "evt_a completed");
    assertThat(notices(BOB)).containsExactly("evt_e cancelled", "evt_c failed");
    assertThat(notices("whe_x")).containsExactly("evt_b completed");
    assertThat(client().notices(ANN, "evt_b", 9).getFirst())
        .isEqualTo(Notice.mail(ANN, "shop", "run_a", "chat", "completed", 5_000, false));
    assertThat(client().due(List.of("whe_x"), 3_999, 9_000, 9)).isEmpty();
    List<Due> due = client().due(List.of("whe_x", ANN), 8_000, 9_000, 9);
    assertThat(due)
        .containsExactly(
            new Due(
                Notice.mail(BOB, "shop", "run_e", "chat", "cancelled", 4_000, false)
                    .claimed(8_000, 9_000),
                null));
  }

  @Test
  void gives_a_recipient_one_mail_at_a_time_and_a_node_few() {
    for (int i = 0; i < 12; i++) {
      stored(mailing("a" + i, ANN), completed("a" + i, 0, 5_000 + i));
      String other = "mailto:r%02d@example.com".formatted(i);
      stored(mailing("b" + i, other), completed("b" + i, 0, 6_000 + i));
    }
    assertThat(mails(10_000))
        .containsExactlyInAnyOrder("a0", "b0", "b1", "b2", "b3", "b4", "b5", "b6");
    assertThat(mails(10_000, ANN, "whe_x", "mailto:r03@example.com"))
        .as("those under way count")
        .containsExactlyInAnyOrder("b7", "b8", "b9", "b10", "b11");
  }

  @Test
  void gives_a_recipient_so_many_mails_within_an_hour() {
    for (int i = 0; i < 6; i++) {
      stored(mailing("a" + i, ANN), completed("a" + i, 0, 5_000 + i));
    }
    stored(mailing("b", BOB), completed("b", 0, 6_000));
    assertThat(mails(10_000, BOB)).containsExactly("a0");
    assertThat(mails(20_000, BOB)).containsExactly("a1");
    arrived(ANN, "a0", 21_000);
    assertThat(mails(30_000, BOB)).containsExactly("a2");
    assertThat(mails(40_000, BOB)).as("three were begun").isEmpty();
    assertThat(mails(40_000)).as("of others it is not asked").containsExactly("b");
    Notice waiting = client().notices(ANN, "evt_a4", 1).getFirst();
    assertThat(waiting.due()).as("not tried").isEqualTo(5_003);
    assertThat(waiting.tries()).isZero();
    assertThat(mails(80_001, BOB)).as("lost to a crash, and counted").containsExactly("a1");
    arrived(ANN, "a1", 81_000);
    Notice third = client().notices(ANN, "evt_a3", 1).getFirst();
    stored(new Change.Tried(third.tried(31_000, "451", false, 90_000), third.due()));
    assertThat(mails(95_000, BOB)).as("tried again, and counted").containsExactly("a2");
    arrived(ANN, "a2", 96_000);
    assertThat(mails(21_000 + HOUR - 1, BOB)).isEmpty();
    reopen(LONG);
    assertThat(mails(21_000 + HOUR, BOB)).containsExactly("a3");
    arrived(ANN, "a3", 22_000 + HOUR);
    assertThat(mails(81_000 + HOUR - 1, BOB)).isEmpty();
    assertThat(mails(81_000 + HOUR, BOB)).containsExactly("a4");
  }

  @Test
  void counts_mails_that_are_kept_no_longer_than_a_moment() {
    reopen(new Retention(Duration.ofSeconds(1), Long.MAX_VALUE));
    for (int i = 0; i < 4; i++) {
      stored(mailing("a" + i, ANN), completed("a" + i, 0, 5_000));
    }
    for (int i = 0; i < 3; i++) {
      assertThat(mails(10_000)).containsExactly("a" + i);
      arrived(ANN, "a" + i, 10_000);
    }
    millis.set(9_000 + HOUR);
    retain(client().store());
    assertThat(mails(9_000 + HOUR)).isEmpty();
    millis.set(11_000 + HOUR);
    retain(client().store());
    assertThat(notices(ANN)).containsExactly("evt_a3 completed");
    assertThat(mails(11_000 + HOUR)).containsExactly("a3");
  }

  // Opening and closing

  @Test
  void refuses_when_it_is_closed() {
    client().store().close();
    client().store().close();
    assertThat(client().write(accept("a"))).isInstanceOf(Outcome.Refused.class);
    assertThat(client().store().trouble()).isNotNull();
  }

  @Test
  void writes_what_was_given_before_it_was_closed() {
    for (int i = 0; i < 1_000; i++) {
      client().later(accept("r" + i));
    }
    reopen(LONG);
    assertThat(client().claim(2_000)).hasSize(1_000);
  }

  // Channels

  private static final Channel CHANNEL = new Channel("shop", "user:1");

  private Entries entries(Mark after) {
    return client().entries(CHANNEL, after, 100);
  }

  private static List<String> states(Entries entries) {
    return entries.entries().stream().map(it -> it.run().substring(4) + " " + it.status()).toList();
  }

  @Test
  void tells_of_labelled_runs_as_they_stand() {
    assertThat(entries(Mark.BEGINNING)).isEqualTo(Entries.none(Mark.BEGINNING));
    stored(labelled("a", "user:1"), accept("b"), labelled("c", "user:1"), labelled("d", "user:2"));
    Entries first = entries(Mark.BEGINNING);
    assertThat(first.reset()).isFalse();
    assertThat(states(first)).containsExactly("a queued", "c queued");
    Entry entry = first.entries().getFirst();
    assertThat(entry.title()).isEqualTo("title of a");
    assertThat(entry.createdAt()).isEqualTo(1_000);
    assertThat(entry.endedAt()).isZero();
    stored(started("a", 1), started("b", 1), started("d", 1));
    Entries second = entries(first.end());
    assertThat(second.reset()).isFalse();
    assertThat(states(second)).containsExactly("a in_progress");
    stored(completed("a", 1, 5_000), started("c", 1), requeued("c", 1, 0));
    Entries third = entries(second.end());
    assertThat(states(third)).containsExactly("a completed", "c queued");
    assertThat(third.entries().getFirst().endedAt()).isEqualTo(5_000);
    assertThat(entries(third.end()).entries()).isEmpty();
    assertThat(entries(third.end()).end()).isEqualTo(third.end());
    assertThat(states(entries(Mark.BEGINNING))).containsExactly("a completed", "c queued");
    assertThat(states(client().entries(new Channel("shop", "user:2"), Mark.BEGINNING, 9)))
        .containsExactly("d in_progress");
    assertThat(client().entries(new Channel("bank", "user:1"), Mark.BEGINNING, 9).entries())
        .isEmpty();
  }

  @Test
  void numbers_every_change_of_a_channel_higher_than_all_before() {
    var numbers = new ArrayList<Long>();
    Mark mark = Mark.BEGINNING;
    for (int i = 0; i < 20; i++) {
      stored(labelled("r" + i, "user:1"), started("r" + i, 1));
      Entries more = entries(mark);
      more.entries().forEach(it -> numbers.add(it.number()));
      mark = more.end();
    }
    assertThat(numbers).hasSize(20).isSorted().doesNotHaveDuplicates();
    assertThat(entries(Mark.BEGINNING).entries().stream().map(Entry::number).toList())
        .isEqualTo(numbers);
    Entries page = client().entries(CHANNEL, Mark.BEGINNING, 7);
    assertThat(page.entries()).hasSize(7);
    assertThat(client().entries(CHANNEL, page.end(), 100).entries()).hasSize(13);
  }

  @Test
  void tells_of_no_state_twice() {
    stored(labelled("a", "user:1"), started("a", 1));
    Mark mark = entries(Mark.BEGINNING).end();
    stored(labelled("a", "user:1"), started("a", 1), checkpoint("a", 1, 0, 3));
    assertThat(client().write(started("a", 0))).isEqualTo(FENCED);
    assertThat(entries(mark).entries()).isEmpty();
    stored(completed("a", 1, 5_000));
    mark = entries(mark).end();
    stored(completed("a", 1, 5_000));
    assertThat(entries(mark).entries()).isEmpty();
  }

  @Test
  void tells_of_a_cut_run_and_not_of_the_others_over_its_log() {
    stored(labelled("a", "user:1"), started("a", 1));
    var label = new Label("user:1", "another");
    stored(
        new Change.Accept(run("b", log("a")), null, null, Told.NOBODY, label, "responses", false));
    Mark mark = entries(Mark.BEGINNING).end();
    stored(cut("a", 1, "b", 0, 4_000));
    Entries cut = entries(mark);
    assertThat(states(cut)).containsExactly("b cancelled");
    assertThat(cut.entries().getFirst().endedAt()).isEqualTo(4_000);
    stored(completed("a", 1, 5_000));
    assertThat(states(entries(cut.end()))).containsExactly("a completed");
  }

  @Test
  void tells_of_what_ended_after_its_budget() {
    registered(endpoint("whe_x", "shop", "completed", "cancelled"));
    for (String name : List.of("a", "b", "c")) {
      StoredLog log = log(name);
      var label = new Label("user:1", name);
      long lateAt = name.equals("c") ? 0 : 5_000;
      stored(
          new Change.Accept(
              run(name, log), log, null, new Told(null, ANN), label, "chat", false, lateAt));
    }
    StoredRun joined = run("d", log("a"));
    stored(
        new Change.Accept(
            joined, null, null, Told.NOBODY, new Label("user:1", "d"), "chat", false, 4_000));
    assertThat(entries(Mark.BEGINNING).entries()).noneMatch(Entry::late);
    stored(cut("a", 0, "d", 0, 4_999));
    stored(completed("a", 0, 5_000), completed("b", 0, 4_999), completed("c", 0, 9_000));
    reopen(LONG);
    assertThat(entries(Mark.BEGINNING).entries().stream().filter(Entry::late).map(Entry::run))
        .containsExactlyInAnyOrder("run_a", "run_d");
    for (String who : List.of("whe_x", ANN)) {
      assertThat(client().notices(who, null, 9).stream().filter(Notice::late).map(Notice::run))
          .as(who)
          .containsExactlyInAnyOrderElementsOf(
              who.equals(ANN) ? List.of("run_a") : List.of("run_a", "run_d"));
    }
    Due due = client().due(List.of(), 8_000, 9_000, 9).getFirst();
    stored(new Change.Tried(due.notice().tried(8_500, "500", false, 30_000), 9_000));
    assertThat(client().notices("whe_x", null, 9).stream().filter(Notice::late)).hasSize(2);
  }

  @Test
  void says_when_there_is_more_in_a_channel() {
    stored(labelled("a", "user:1"));
    client().awaitHeard("changed user:1");
    stored(started("a", 1));
    client().awaitHeard("changed user:1");
    stored(labelled("b", "user:2"));
    client().awaitHeard("changed user:2");
    stored(completed("a", 1, 5_000));
    client().awaitHeard("changed user:1");
  }

  @Test
  void goes_on_numbering_after_a_restart() {
    stored(labelled("a", "user:1"), started("a", 1));
    Mark mark = entries(Mark.BEGINNING).end();
    reopen(LONG);
    assertThat(entries(mark)).isEqualTo(new Entries(false, mark, List.of()));
    client().claim(10);
    Entries claimed = entries(mark);
    assertThat(states(claimed)).containsExactly("a queued");
    stored(started("a", 2), completed("a", 2, 5_000));
    assertThat(states(entries(claimed.end()))).containsExactly("a completed");
  }

  @Test
  void a_reader_that_is_behind_what_was_removed_begins_again() {
    stored(labelled("a", "user:1"), started("a", 1));
    Mark old = entries(Mark.BEGINNING).end();
    stored(labelled("b", "user:1"), completed("a", 1, 5_000));
    Mark now = entries(old).end();
    stored(new Change.Erased("run_a"));
    assertThat(entries(now).reset()).as("it has seen all").isFalse();
    Entries again = entries(old);
    assertThat(again.reset()).isTrue();
    assertThat(states(again)).containsExactly("b queued");
    assertThat(entries(now.at(now.number() + 1)).reset()).as("beyond all").isTrue();
    assertThat(entries(new Mark("other", now.number())).reset()).as("of another life").isTrue();
    assertThat(entries(Mark.BEGINNING).reset()).isFalse();
  }

  @Test
  void a_channel_is_gone_with_its_last_run_and_begins_anew() {
    stored(labelled("a", "user:1"), started("a", 1), completed("a", 1, 5_000));
    Mark old = entries(Mark.BEGINNING).end();
    millis.set(5_000 + LONG.age().toMillis() + 1);
    retain(client().store());
    assertThat(entries(old)).isEqualTo(Entries.none(old));
    assertThat(entries(old).reset()).isTrue();
    stored(labelled("b", "user:1"), started("b", 1));
    assertThat(entries(old).reset()).isTrue();
    assertThat(states(entries(old))).containsExactly("b in_progress");
  }

  @Test
  protected void answers_go_before_what_was_promised() {
    reopen(new Retention(Duration.ofDays(1000), 3_500_000));
    var random = new java.util.Random(1);
    byte[] large = new byte[10_000];
    stored(accept("a"), completed("a", 0, 5_000));
    for (int i = 0; i < 400; i++) {
      random.nextBytes(large);
      var some =
          new StoredAnswer(
              digest("k%03d".formatted(i)), "run", 0, 5_000, 100_000 + i, List.of(), large.clone());
      client().later(new Change.Kept(some));
    }
    kept(answer("last", 0, 5_000));
    retain(client().store());
    assertThat(client().find("run_a")).isNotNull();
    assertThat(given("k000")).as("what ends first goes first").isNull();
    assertThat(given("k399")).isNotNull();
  }

  @Test
  void what_has_not_ended_keeps_its_answer() {
    stored(accept("d"));
    kept(answer("d", 0, 5_000));
    assertThat(client().write(new Change.Erased("run_d"))).isEqualTo(FENCED);
    assertThat(given("d")).isNotNull();
    stored(completed("d", 0, 5_000), new Change.Erased("run_d"));
    assertThat(given("d")).isNull();
  }
}
