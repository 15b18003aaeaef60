package dev.meanwhile.testkit;

import static dev.meanwhile.testkit.StoreSamples.bytes;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.ended;
import static dev.meanwhile.testkit.StoreSamples.endpoint;
import static dev.meanwhile.testkit.StoreSamples.log;
import static dev.meanwhile.testkit.StoreSamples.run;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store.Claimed;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.Store.Taken;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.Told;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What every adapter of [dev.meanwhile.store.Store] does, and does with batches.
public abstract class BatchContract extends StoreContract {
  private static final Map<String, Integer> ROOM = Map.of("openai", 100);

  /// Line `number` of those that run `run_<name>` answers.
  private static Change.Line line(int number, String name) {
    return line(number, "id-" + number, name, "shop", "openai");
  }

  private static Change.Line line(
      int number, String id, String name, String tenant, String upstream) {
    StoredLog usual = log(name, 2, 1_000);
    var log =
        new StoredLog(
            usual.id(),
            tenant,
            upstream,
            2,
            1_000,
            1_000,
            0,
            0,
            "queued",
            0,
            0,
            usual.request(),
            null,
            null);
    return new Change.Line(number, id, run(name, log, tenant, 1_000));
  }

  private static Change.Lines lines(String batch, Change.Line... lines) {
    return new Change.Lines("run_" + batch, List.of(lines));
  }

  private static Change.Submitted submitted(String batch, int lines) {
    return submitted(batch, "shop", Told.NOBODY, null, lines);
  }

  private static Change.Submitted submitted(
      String batch, String tenant, Told told, @Nullable Label label, int lines) {
    var log =
        new StoredLog(
            "log_" + batch,
            tenant,
            "openai",
            0,
            1_000,
            1_000,
            1,
            0,
            "in_progress",
            0,
            0,
            bytes(""),
            null,
            null);
    return new Change.Submitted(run(batch, log, tenant, 1_000), told, label, lines);
  }

  private void written(Change... changes) {
    for (Change change : changes) {
      assertThat(client().write(change)).as("%s", change).isEqualTo(STORED);
    }
  }

  private List<String> take(int room) {
    return names(client().take(Map.of("openai", room), 5_000).lines());
  }

  private static List<String> names(List<Claimed> taken) {
    return taken.stream().map(it -> it.runs().getFirst().id()).toList();
  }

  private static void counts(StoredBatch batch, int completed, int failed, int cancelled) {
    assertThat(batch)
        .extracting(StoredBatch::completed, StoredBatch::failed, StoredBatch::cancelled)
        .containsExactly(completed, failed, cancelled);
  }

  private StoredBatch batch(String name) {
    return client().batch("run_" + name);
  }

  @Test
  void lines_are_taken_in_their_order_once_all_were_read() {
    written(lines("b", line(1, "x"), line(2, "y")), lines("b", line(4, "z")));
    assertThat(take(5)).isEmpty();
    assertThat(client().findBatch("run_b")).isEmpty();
    written(submitted("b", 3));
    client().awaitHeard("lines");
    assertThat(client().claim(10)).isEmpty();
    Taken first = client().take(Map.of("openai", 2), 5_000);
    assertThat(names(first.lines())).containsExactly("run_x", "run_y");
    assertThat(first.more()).containsExactly("openai");
    assertThat(first.lines().getFirst().log().request()).isEqualTo(bytes("request of x"));
    Taken second = client().take(ROOM, 5_000);
    assertThat(names(second.lines())).containsExactly("run_z");
    assertThat(second.more()).isEmpty();
    assertThat(batch("b").total()).isEqualTo(3);
    assertThat(batch("b").run().status()).isEqualTo("in_progress");
  }

  @Test
  void a_batch_ends_with_the_last_of_its_lines_which_are_counted() {
    written(lines("b", line(1, "x"), line(2, "y"), line(3, "x"), line(4, "z")), submitted("b", 4));
    assertThat(take(100)).containsExactly("run_x", "run_y", "run_z");
    written(started("x", 1), started("y", 1), started("z", 1), completed("x", 1, 6_000));
    counts(batch("b"), 2, 0, 0);
    written(ended("y", 1, "failed", 7_000, true));
    counts(batch("b"), 2, 1, 0);
    assertThat(batch("b").run().endedAt()).isZero();
    written(ended("z", 1, "incomplete", 8_000, false));
    counts(batch("b"), 3, 1, 0);
    assertThat(batch("b").run())
        .matches(it -> it.status().equals("completed") && it.endedAt() == 8_000);
    // Written twice it is as if written once.
    written(ended("z", 1, "incomplete", 8_000, false), submitted("b", 4));
    counts(batch("b"), 3, 1, 0);
  }

  @Test
  void somebody_is_told_of_a_batch_once_and_of_no_line() {
    written(
        new Change.Registered(endpoint("whe_all", "shop", "completed", "failed")),
        new Change.Registered(endpoint("whe_batches", "shop", "batch.completed")),
        new Change.Registered(endpoint("whe_named", "shop")),
        lines("b", line(1, "x"), line(2, "y")),
        submitted("b", "shop", new Told("whe_named", "mailto:ann@example.com"), null, 2));
    take(100);
    written(started("x", 1), started("y", 1));
    written(completed("x", 1, 6_000), ended("y", 1, "failed", 6_500, true));
    assertThat(client().notices("whe_all", null, 10)).isEmpty();
    for (String each : List.of("whe_batches", "whe_named", "mailto:ann@example.com")) {
      assertThat(client().notices(each, null, 10))
          .extracting(Notice::event, Notice::run, Notice::api, Notice::status)
          .containsExactly(tuple("evt_b", "run_b", "batch", "completed"));
    }
  }

  @Test
  void a_batch_is_told_of_in_its_channel_and_its_lines_are_not() {
    written(
        lines("b", line(1, "x")),
        submitted("b", "shop", Told.NOBODY, new Label("ann", "reports"), 1));
    take(100);
    written(started("x", 1), completed("x", 1, 6_000));
    assertThat(client().entries(new Channel("shop", "ann"), Entries.Mark.BEGINNING, 10).entries())
        .extracting(Entries.Entry::run, Entries.Entry::status)
        .containsExactly(tuple("run_b", "completed"));
  }

  @Test
  void an_id_is_given_once() {
    written(lines("b", line(1, "x"), line(2, "y")));
    assertThat(client().write(lines("b", line(5, "id-2", "z", "shop", "openai"))))
        .isEqualTo(new Outcome.Repeated(5, 2));
    // The same again is no repetition.
    written(lines("c", line(1, "u"), line(2, "v")), lines("c", line(1, "u"), line(2, "v")));
    written(submitted("c", 2));
    take(100);
    written(started("u", 1), completed("u", 1, 6_000));
    counts(batch("c"), 1, 0, 0);
  }

  @Test
  void what_was_not_read_to_its_end_leaves_nothing() {
    written(lines("b", line(1, "x"), line(2, "y")), new Change.Dropped("run_b"));
    retain(client().store());
    assertThat(client().find("run_x")).isNull();
    assertThat(client().write(submitted("b", 2))).isEqualTo(FENCED);
    written(new Change.Dropped("run_b"), new Change.Dropped("run_never"));
    written(lines("c", line(1, "z")), submitted("c", 1));
    assertThat(client().write(new Change.Dropped("run_c"))).isEqualTo(FENCED);
    assertThat(take(100)).containsExactly("run_z");
  }

  @Test
  void what_a_process_did_not_read_to_its_end_the_next_one_gives_up() {
    written(lines("b", line(1, "x")));
    reopen(LONG);
    assertThat(client().write(lines("b", line(2, "y")))).isEqualTo(FENCED);
    assertThat(client().write(submitted("b", 1))).isEqualTo(FENCED);
    retain(client().store());
    assertThat(client().find("run_x")).isNull();
    // Not even if its sender goes on.
    written(lines("b", line(2, "y")));
    assertThat(client().write(submitted("b", 2))).isEqualTo(FENCED);
    written(new Change.Dropped("run_b"));
    assertThat(client().claim(10)).isEmpty();
  }

  @Test
  void a_batch_goes_on_in_the_next_process() {
    written(lines("b", line(1, "x"), line(2, "y"), line(3, "z")), submitted("b", 3));
    assertThat(take(2)).containsExactly("run_x", "run_y");
    written(started("x", 1), completed("x", 1, 6_000), started("y", 1));
    reopen(LONG);
    assertThat(names(client().claim(10))).containsExactly("run_y");
    assertThat(take(100)).containsExactly("run_z");
    written(started("y", 2), started("z", 1), completed("y", 2, 7_000), completed("z", 1, 8_000));
    counts(batch("b"), 3, 0, 0);
    assertThat(batch("b").run().status()).isEqualTo("completed");
  }

  @Test
  void a_stopped_batch_stops_its_lines() {
    written(
        lines("b", line(1, "x"), line(2, "y"), line(3, "z"), line(4, "u"), line(5, "z")),
        submitted("b", "shop", new Told(null, "mailto:ann@example.com"), null, 5));
    take(2);
    written(started("x", 1), started("y", 1), completed("y", 1, 6_000));
    written(new Change.CancelRequested("run_b"));
    assertThat(batch("b").run().cancelRequested()).isTrue();
    client().awaitHeard("cancel run_x");
    Taken taken = client().take(ROOM, 7_000);
    assertThat(taken.lines()).isEmpty();
    assertThat(taken.ended()).isEqualTo(2);
    counts(batch("b"), 1, 0, 3);
    assertThat(client().find("run_z"))
        .matches(it -> it != null && it.status().equals("cancelled") && it.endedAt() == 7_000);
    assertThat(client().notices("mailto:ann@example.com", null, 10)).isEmpty();
    written(ended("x", 1, "cancelled", 8_000, true));
    counts(batch("b"), 1, 0, 4);
    assertThat(batch("b").run().status()).isEqualTo("cancelled");
    assertThat(client().notices("mailto:ann@example.com", null, 10))
        .extracting(Notice::status)
        .containsExactly("cancelled");
    assertThat(client().write(new Change.CancelRequested("run_b"))).isEqualTo(FENCED);
  }

  @Test
  void a_batch_that_is_stopped_before_anything_was_taken_ends() {
    written(lines("b", line(1, "x"), line(2, "y")), submitted("b", 2));
    written(new Change.CancelRequested("run_b"));
    assertThat(client().take(Map.of(), 7_000).ended()).isEqualTo(2);
    counts(batch("b"), 0, 0, 2);
    assertThat(batch("b").run())
        .matches(it -> it.status().equals("cancelled") && it.endedAt() == 7_000);
  }

  @Test
  void lines_are_taken_for_upstreams_with_room_and_in_turns_between_tenants() {
    for (String batch : List.of("a", "b")) {
      Change.Line[] lines =
          Stream.iterate(1, i -> i + 1)
              .limit(3)
              .map(i -> line(i, "id-" + i, batch + i, "shop", "openai"))
              .toArray(Change.Line[]::new);
      written(lines(batch, lines), submitted(batch, 3));
    }
    written(
        lines("c", line(1, "1", "c1", "other", "openai"), line(2, "2", "c2", "other", "openai")),
        submitted("c", "other", Told.NOBODY, null, 2),
        lines("d", line(1, "1", "d1", "shop", "local")),
        submitted("d", 1));
    Taken first = client().take(Map.of("openai", 4), 5_000);
    assertThat(names(first.lines()))
        .containsExactlyInAnyOrder("run_a1", "run_a2", "run_c1", "run_c2");
    assertThat(first.more()).containsExactlyInAnyOrder("openai", "local");
    assertThat(take(3)).containsExactly("run_a3");
    assertThat(take(3)).containsExactly("run_b1", "run_b2", "run_b3");
    Taken last = client().take(Map.of("openai", 3, "local", 3), 5_000);
    assertThat(names(last.lines())).containsExactly("run_d1");
    assertThat(last.more()).isEmpty();
  }

  @Test
  void the_lines_are_read_in_their_order() {
    written(lines("b", line(1, "x"), line(3, "y"), line(4, "x"), line(5, "z")), submitted("b", 4));
    take(100);
    written(
        started("x", 1),
        StoreSamples.checkpoint("x", 1, 0, 3),
        completed("x", 1, 6_000),
        started("y", 1),
        ended("y", 1, "failed", 7_000, true),
        started("z", 1),
        completed("z", 1, 8_000));
    List<StoredLine> first = client().lines("run_b", 0, 2, false);
    assertThat(first)
        .extracting(StoredLine::number, StoredLine::id, it -> status(it), it -> it.pieces().size())
        .containsExactly(tuple(1, "id-1", "completed", 1), tuple(3, "id-3", "failed", 0));
    assertThat(client().lines("run_b", 3, 10, false))
        .extracting(StoredLine::number, BatchContract::status)
        .containsExactly(tuple(4, "completed"), tuple(5, "completed"));
    written(new Change.Erased("run_z"));
    assertThat(client().lines("run_b", 0, 10, true))
        .extracting(StoredLine::number, BatchContract::status)
        .containsExactly(tuple(3, "failed"), tuple(5, null));
  }

  private static @Nullable String status(StoredLine line) {
    return line.run() == null ? null : line.run().status();
  }

  @Test
  void lines_are_kept_as_long_as_their_batch() {
    reopen(new Retention(Duration.ofSeconds(1), Long.MAX_VALUE));
    written(lines("b", line(1, "x"), line(2, "y")), submitted("b", 2));
    take(100);
    written(started("x", 1), completed("x", 1, 10_000), started("y", 1));
    millis.set(20_000);
    retain(client().store());
    assertThat(client().find("run_x")).isNotNull();
    written(completed("y", 1, 20_000));
    retain(client().store());
    assertThat(client().lines("run_b", 0, 10, false)).hasSize(2);
    millis.set(21_001);
    retain(client().store());
    assertThat(client().findBatch("run_b")).isEmpty();
    assertThat(client().find("run_b")).isNull();
    assertThat(client().find("run_x")).isNull();
    assertThat(client().lines("run_b", 0, 10, false)).isEmpty();
  }

  @Test
  void an_erased_batch_takes_its_lines_along() {
    written(lines("b", line(1, "x"), line(2, "y")), submitted("b", 2));
    take(100);
    written(started("x", 1), completed("x", 1, 6_000), started("y", 1));
    assertThat(client().write(new Change.Erased("run_b"))).isEqualTo(FENCED);
    written(completed("y", 1, 7_000), new Change.Erased("run_b"));
    assertThat(client().findBatch("run_b")).isEmpty();
    retain(client().store());
    assertThat(client().find("run_x")).isNull();
    assertThat(client().find("run_y")).isNull();
  }
}
