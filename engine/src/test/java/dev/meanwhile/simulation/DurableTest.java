package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Batch;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.ScriptedUpstream;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What is promised, by example: each of these was once wrong, or is easily.
class DurableTest {
  private static final Failure STOPPED = new Failure(503, "shutting_down", "It stops.");

  private final VirtualWorld world = new VirtualWorld(new SplittableRandom(1));
  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final List<Failure> refusals = new ArrayList<>();
  private final List<IdempotencyEntry.Held> held = new ArrayList<>();
  private Node process = new Node("a", 4, 100);

  /// One process on one loop.
  private final class Node {
    final VirtualWorld.Loop loop = world.loop();
    final ScriptedUpstream upstream = new ScriptedUpstream();
    final MemoryStore store;
    final Meanwhile engine;
    final Dispatcher dispatcher;

    Node(String node, int atOnce, int mostQueued) {
      this(node, new Queue(atOnce, mostQueued), null);
    }

    Node(String node, Queue queue, @Nullable Upstream other) {
      store = new MemoryStore(disk, node, step -> world.later(Duration.ofMillis(1), step));
      engine =
          new Meanwhile(
              new Meanwhile.Settings(
                  1,
                  1_000,
                  10,
                  Duration.ofSeconds(10),
                  1 << 20,
                  1 << 20,
                  Duration.ofMinutes(1),
                  Duration.ofHours(1),
                  _ -> queue),
              store,
              new Journal() {
                @Override
                public void began(Run run) {}

                @Override
                public void ended(Run run, long firstContent, long total) {}
              },
              () -> 0);
      engine.open();
      dispatcher = engine.on(loop, other == null ? upstream : other);
      engine.recover();
    }

    void crash() {
      store.die(0);
      loop.die();
    }

    /// Accepts a run, and lets the store answer.
    @Nullable Run accept(Submission submission) {
      var runs = new ArrayList<Run>();
      loop.on(() ->
          dispatcher.accept(
              submission,
              new Dispatcher.Answer() {
                @Override
                public void accepted(Run run) {
                  runs.add(run);
                }

                @Override
                public void refused(Failure failure) {
                  refusals.add(failure);
                }

                @Override
                public void held(IdempotencyEntry.Held holder) {
                  held.add(holder);
                }
              }));
      pass(100);
      return runs.isEmpty() ? null : runs.getFirst();
    }

    Run background() {
      return Objects.requireNonNull(accept(submission(true, null)));
    }

    @Nullable Run find(String id) {
      var found = new ArrayList<@Nullable Run>();
      loop.on(() ->
          dispatcher.find(
              id,
              "shop",
              new Store.Reply<@Nullable Run>() {
                @Override
                public void is(@Nullable Run run) {
                  found.add(run);
                }

                @Override
                public void failed(String trouble) {
                  throw new AssertionError(trouble);
                }
              }));
      pass(100);
      return found.getFirst();
    }

    void say(ScriptedUpstream.Exchange call, String text) {
      loop.on(() -> {
        if (!call.isStreaming()) {
          call.stream();
        }
        call.say(Kind.CONTENT, text);
      });
    }

    void end(ScriptedUpstream.Exchange call, Terminal how) {
      loop.on(() -> call.end(how));
      pass(100);
    }

    void refuse(ScriptedUpstream.Exchange call, String fields) {
      loop.on(() -> {
        call.connect();
        call.head(new Head(429, true, fields));
        call.end(Terminal.failed(new Failure(429, "rate_limit_exceeded", "Too many.")));
      });
      pass(100);
    }
  }

  private void pass(int millis) {
    world.pass(Duration.ofMillis(millis));
  }

  private Submission submission(boolean streamed, @Nullable IdempotencyEntry key) {
    long deadline = world.millis() + Duration.ofHours(1).toMillis();
    return submission(streamed, null, new Submission.Promise(true, 1, deadline, key));
  }

  private static Submission submission(
      boolean streamed, @Nullable Key same, Submission.@Nullable Promise promise) {
    var request = new Request("up", "chat", "/", List.of(), "{}".getBytes(UTF_8), streamed);
    return submission(request, same, promise);
  }

  private static Submission submission(
      Request request, @Nullable Key same, Submission.@Nullable Promise promise) {
    return new Submission(
        new Run.About(
            "shop", "chat", "up", "m", request.streamed(), false, false, null, false, null, 0),
        request,
        true,
        Clocks.DEFAULT,
        OnLeave.CANCEL,
        Duration.ZERO,
        null,
        false,
        same,
        false,
        promise);
  }

  private static String text(Run run) {
    return new String(run.bytes(0, run.end()), UTF_8);
  }

  private StoredRun stored(Run run) {
    return Objects.requireNonNull(disk.run(run.id()));
  }

  // --- Accepting.

  @Test
  void a_full_queue_refuses_and_says_so() {
    process = new Node("b", 1, 2);
    for (int i = 0; i < 3; i++) {
      process.background();
    }
    assertThat(process.accept(submission(true, null))).isNull();
    assertThat(refusals).singleElement().extracting(Failure::code).isEqualTo("queue_full");
    assertThat(refusals.getFirst().status()).isEqualTo(429);
    assertThat(disk.runs()).hasSize(3);
  }

  @Test
  void an_idempotency_key_has_one_run_until_that_fails() {
    var key = new IdempotencyEntry(new byte[] {1}, new byte[] {2});
    Run first = Objects.requireNonNull(process.accept(submission(true, key)));
    assertThat(process.accept(submission(true, key))).isNull();
    assertThat(held).extracting(IdempotencyEntry.Held::run).containsExactly(first.id());
    process.end(
        process.upstream.last(), Terminal.failed(new Failure(400, "invalid_request", "No.")));
    assertThat(process.accept(submission(true, key))).as("it would be refused again").isNull();
    Run other = process.background();
    other.cancel(Terminal.CANCELLED);
    pass(100);
    assertThat(stored(other).status()).isEqualTo("cancelled");
  }

  @Test
  void a_named_run_goes_on_once_its_caller_was_told_where_it_is() {
    var key = new IdempotencyEntry(new byte[] {1}, new byte[] {2});
    long deadline = world.millis() + Duration.ofHours(1).toMillis();
    var promise = new Submission.Promise(false, 1, deadline, key);
    Run run = Objects.requireNonNull(process.accept(submission(true, null, promise)));
    process.say(process.upstream.last(), "almost ");
    var answers = new ArrayList<@Nullable String>();
    process.loop.on(() -> {
      run.enter();
      run.keep(answers::add);
    });
    pass(100);
    process.loop.on(run::leave);
    pass(60_000);
    assertThat(answers).hasSize(1).containsOnlyNulls();
    process.say(process.upstream.last(), "fine");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(run.status()).isEqualTo(Status.COMPLETED);
    assertThat(text(run)).isEqualTo("almost fine");
  }

  @Test
  void nothing_is_promised_while_the_disk_is_full_and_plain_calls_go_on() {
    process.store.trouble("the disk is full");
    assertThat(process.accept(submission(true, null))).isNull();
    assertThat(refusals).singleElement().extracting(Failure::code).isEqualTo("store_unavailable");
    Run plain = Objects.requireNonNull(process.accept(submission(true, null, null)));
    process.say(process.upstream.last(), "fine");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(plain.status()).isEqualTo(Status.COMPLETED);
  }

  // --- The end.

  @Test
  void an_end_is_seen_when_it_is_promised_and_content_at_once() {
    Run run = process.background();
    process.store.trouble("fsync failed");
    process.say(process.upstream.last(), "text");
    assertThat(text(run)).isEqualTo("text");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
    run.cancel(Terminal.CANCELLED);
    pass(1_000);
    process.store.trouble(null);
    pass(100);
    assertThat(run.status()).as("the end that was on its way stands").isEqualTo(Status.COMPLETED);
    assertThat(stored(run).status()).isEqualTo("completed");
    assertThat(run.endedAt()).isEqualTo(stored(run).endedAt());
  }

  @Test
  void an_answer_that_is_too_large_is_no_answer() {
    Run plain = Objects.requireNonNull(process.accept(submission(false, null)));
    process.loop.on(() -> {
      process.upstream.last().connect();
      process.upstream.last().say(Kind.ANSWER, "x".repeat(1_001));
      process.upstream.last().end(Terminal.COMPLETED);
    });
    pass(100);
    assertThat(plain.status()).isEqualTo(Status.FAILED);
    Terminal terminal = Objects.requireNonNull(plain.terminal());
    assertThat(Objects.requireNonNull(terminal.failure()).code()).isEqualTo("run_too_large");
    assertThat(process.upstream.calls()).hasSize(1);
  }

  @Test
  void a_call_that_ends_before_it_has_begun_leaves_its_place() {
    process =
        new Node(
            "b",
            new Queue(1, 100),
            (_, listener) -> {
              listener.ended(Terminal.failed(new Failure(400, "no", "No.")));
              return () -> {};
            });
    for (int i = 0; i < 5; i++) {
      assertThat(process.background().status()).isEqualTo(Status.FAILED);
    }
    assertThat(process.engine.background()).isZero();
  }

  // --- One of several.

  private Run[] two() {
    var same = new Key(1, 2, 3, 4);
    Run first = Objects.requireNonNull(process.accept(submission(true, same, null)));
    Run second = Objects.requireNonNull(process.accept(submission(true, same, null)));
    process.loop.on(first::enter);
    process.loop.on(second::enter);
    assertThat(process.upstream.calls()).hasSize(1);
    return new Run[] {first, second};
  }

  private @Nullable String keep(Run run) {
    var answers = new ArrayList<@Nullable String>();
    run.keep(answers::add);
    pass(100);
    assertThat(answers).hasSize(1);
    return answers.getFirst();
  }

  @Test
  void a_cancelled_run_of_a_log_that_goes_on_reads_the_same_after_a_crash() {
    Run[] runs = two();
    assertThat(keep(runs[0])).isNull();
    assertThat(keep(runs[1])).isNull();
    process.say(process.upstream.last(), "half ");
    runs[0].cancel(Terminal.CANCELLED);
    runs[0].cancel(Terminal.CANCELLED);
    pass(5);
    process.say(process.upstream.last(), "whole");
    assertThat(runs[0].status()).isEqualTo(Status.CANCELLED);
    assertThat(text(runs[0])).isEqualTo("half ");
    process.crash();
    process = new Node("a", 4, 100);
    pass(1_000);
    process.say(process.upstream.last(), "other");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    Run cut = Objects.requireNonNull(process.find(runs[0].id()));
    assertThat(cut.status()).isEqualTo(Status.CANCELLED);
    assertThat(text(cut)).isEqualTo("half ");
    assertThat(cut.start()).isLessThanOrEqualTo(cut.end());
    Run other = Objects.requireNonNull(process.find(runs[1].id()));
    assertThat(text(other)).isEqualTo("half 2other");
    assertThat(other.start()).isEqualTo(2);
  }

  @Test
  void a_run_that_is_refused_leaves_the_kept_one_kept() {
    Run[] runs = two();
    assertThat(keep(runs[0])).isNull();
    process.store.trouble("the disk is full");
    assertThat(keep(runs[1])).isEqualTo("the disk is full");
    assertThat(keep(runs[0])).as("it is kept already").isNull();
    process.store.trouble(null);
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(stored(runs[0]).status()).isEqualTo("completed");
    assertThat(disk.run(runs[1].id())).isNull();
    assertThat(runs[1].status()).isEqualTo(Status.COMPLETED);
  }

  // --- After a crash.

  @Test
  void a_log_goes_on_from_its_checkpoint_with_times_and_text_as_they_were() {
    Run run = process.background();
    process.say(process.upstream.last(), "one and one and one ");
    pass(1_500);
    process.say(process.upstream.last(), "lost");
    process.crash();
    pass(3_000);
    process = new Node("a", 4, 100);
    pass(100);
    Run again = Objects.requireNonNull(process.find(run.id()));
    assertThat(text(again)).isEqualTo("one and one and one ");
    assertThat(again.micros(0)).isEqualTo(run.micros(0));
    process.say(process.upstream.last(), "one and one and one ");
    pass(1_500);
    process.say(process.upstream.last(), "and one");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    pass(20_000);
    assertThat(process.engine.run(run.id(), "shop")).isNull();
    Run read = Objects.requireNonNull(process.find(run.id()));
    assertThat(text(read)).isEqualTo("one and one and one 2one and one and one and one");
    assertThat(text(read).substring(read.size(0, read.start())))
        .isEqualTo("one and one and one and one");
    assertThat(process.upstream.calls()).hasSize(1);
  }

  @Test
  void what_waits_for_a_retry_waits_on() {
    Run run = process.background();
    process.refuse(process.upstream.last(), "retry-after: 60\n");
    assertThat(stored(run).status()).isEqualTo("queued");
    process.crash();
    process = new Node("a", 4, 100);
    pass(50_000);
    assertThat(process.upstream.calls()).isEmpty();
    pass(10_000);
    assertThat(process.upstream.calls()).hasSize(1);
    assertThat(stored(run).log().lost()).as("no attempt was under way").isZero();
  }

  @Test
  void three_attempts_are_lost_and_no_more() {
    Run run = process.background();
    for (int i = 1; i <= 3; i++) {
      assertThat(process.upstream.calls()).hasSize(1);
      process.crash();
      process = new Node("a", 4, 100);
      pass(100);
      assertThat(stored(run).log().lost()).isEqualTo(i);
    }
    assertThat(process.upstream.calls()).isEmpty();
    Terminal end = Objects.requireNonNull(process.find(run.id())).terminal();
    assertThat(Objects.requireNonNull(Objects.requireNonNull(end).failure()).code())
        .isEqualTo("lost_to_crashes");
  }

  @Test
  void crashes_in_the_queue_lose_nothing() {
    process.crash();
    process = new Node("b", 1, 100);
    process.background();
    Run waits = process.background();
    for (int i = 0; i < 5; i++) {
      process.crash();
      process = new Node("b", 1, 100);
      pass(100);
    }
    assertThat(stored(waits).log().lost()).isLessThanOrEqualTo(2);
    assertThat(stored(waits).endedAt()).isZero();
  }

  @Test
  void a_log_whose_runs_were_all_cancelled_is_not_called_for_again() {
    Run[] runs = two();
    keep(runs[0]);
    keep(runs[1]);
    runs[0].cancel(Terminal.CANCELLED);
    runs[1].cancel(Terminal.CANCELLED);
    // Both are cut; the end of the log is lost with the process.
    pass(2);
    process.store.die(0);
    process.loop.die();
    process = new Node("a", 4, 100);
    pass(100);
    assertThat(process.upstream.calls()).isEmpty();
    assertThat(stored(runs[0]).log().status()).isEqualTo("cancelled");
  }

  @Test
  void a_cancel_that_comes_while_a_log_is_recovered_is_not_forgotten() {
    Run run = process.background();
    process.say(process.upstream.last(), "text");
    pass(1_500);
    process.crash();
    process = new Node("a", 4, 100);
    process.store.unreadable(true);
    pass(100);
    // It is claimed, but its pieces cannot be read yet.
    var done = new ArrayList<Outcome>();
    process.store.write(new Change.CancelRequested(run.id()), done::add);
    pass(100);
    assertThat(done).containsExactly(new Outcome.Stored());
    process.store.unreadable(false);
    pass(5_000);
    assertThat(process.upstream.calls()).isEmpty();
    assertThat(stored(run).status()).isEqualTo("cancelled");
  }

  @Test
  void a_deadline_that_passed_while_nobody_was_there_fails_the_run() {
    Run run = process.background();
    process.crash();
    pass(3_700_000);
    process = new Node("a", 4, 100);
    pass(100);
    assertThat(process.upstream.calls()).isEmpty();
    Terminal end = Objects.requireNonNull(process.find(run.id())).terminal();
    assertThat(Objects.requireNonNull(Objects.requireNonNull(end).failure()).code())
        .isEqualTo("deadline_exceeded");
  }

  // --- Expiring.

  private static final int BUDGET = 60_000;

  private Submission expiring(boolean background) {
    Submission it = submission(true, null);
    var about =
        new Run.About("shop", "chat", "up", "m", true, false, false, null, false, "report", BUDGET);
    return new Submission(
        about,
        it.request(),
        true,
        it.clocks(),
        OnLeave.CONTINUE,
        it.grace(),
        null,
        false,
        null,
        false,
        null,
        null,
        true,
        background ? it.promise() : null);
  }

  private void isExpired(Run run) {
    assertThat(stored(run).status()).isEqualTo("cancelled");
    assertThat(stored(run).endedAt() - run.createdAt()).isBetween(59_999L, 60_200L);
    assertThat(code(Objects.requireNonNull(process.find(run.id())))).isEqualTo("expired");
  }

  @Test
  void a_run_is_stopped_when_its_budget_has_passed_whatever_it_does() {
    Run says = Objects.requireNonNull(process.accept(expiring(true)));
    process.say(process.upstream.last(), "half");
    var telling = process.upstream.last();
    Run pauses = Objects.requireNonNull(process.accept(expiring(true)));
    process.refuse(process.upstream.last(), "retry-after: 600\n");
    Run lasts = process.background();
    var other = process.upstream.last();
    process.say(other, "long");
    Run waited = Objects.requireNonNull(process.accept(expiring(false)));
    process.say(process.upstream.last(), "half");
    process.loop.on(() -> waited.keep(_ -> {}));
    pass(BUDGET - 1_000);
    for (Run each : List.of(says, pauses, waited)) {
      assertThat(each.terminal()).as("not before its time").isNull();
    }
    pass(1_000);
    isExpired(says);
    isExpired(pauses);
    isExpired(waited);
    assertThat(telling.aborted()).isTrue();
    assertThat(text(says)).as("what it had said").isEqualTo("half");
    assertThat(lasts.terminal()).as("one that does not expire").isNull();
    assertThat(other.aborted()).isFalse();
    assertThat(process.engine.background()).isLessThanOrEqualTo(1);
  }

  @Test
  void an_answer_in_time_stands() {
    Run run = Objects.requireNonNull(process.accept(expiring(true)));
    process.say(process.upstream.last(), "fine");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    pass(2 * BUDGET);
    assertThat(stored(run).status()).isEqualTo("completed");
  }

  @Test
  void a_run_in_line_is_stopped_there() {
    process.crash();
    process = longLine("b");
    process.background();
    process.say(process.upstream.last(), "long");
    Run parked = Objects.requireNonNull(process.accept(expiring(true)));
    assertThat(process.engine.queue("up").length()).isEqualTo(1);
    pass(BUDGET);
    isExpired(parked);
    assertThat(process.engine.queue("up").length()).isZero();
    assertThat(process.upstream.calls()).hasSize(1);
  }

  @Test
  void the_budget_goes_on_while_no_process_does() {
    Run soon = Objects.requireNonNull(process.accept(expiring(true)));
    process.say(process.upstream.last(), "half");
    pass(20_000);
    process.crash();
    pass(20_000);
    process = new Node("a", 4, 100);
    pass(10_000);
    assertThat(stored(soon).status()).isEqualTo("in_progress");
    pass(11_000);
    isExpired(soon);
    Run meanwhile = Objects.requireNonNull(process.accept(expiring(true)));
    int calls = process.upstream.calls().size();
    process.crash();
    pass(2 * BUDGET);
    process = new Node("a", 4, 100);
    pass(1_000);
    assertThat(stored(meanwhile).status()).isEqualTo("cancelled");
    assertThat(code(Objects.requireNonNull(process.find(meanwhile.id())))).isEqualTo("expired");
    assertThat(calls).isPositive();
    assertThat(process.upstream.calls()).as("no call for nobody").isEmpty();
  }

  // --- Superseding.

  private Submission superseding(@Nullable IdempotencyEntry key) {
    Submission it = submission(true, key);
    return new Submission(
        it.about(),
        it.request(),
        true,
        it.clocks(),
        it.onLeave(),
        it.grace(),
        null,
        false,
        null,
        false,
        null,
        new Key(1, 2, 3, 4),
        false,
        it.promise());
  }

  @Test
  void a_promised_run_is_superseded_under_way_and_in_line_and_for_good() {
    process.crash();
    process = longLine("b");
    var runs = new ArrayList<Run>();
    for (int i = 0; i < 4; i++) {
      runs.add(Objects.requireNonNull(process.accept(superseding(null))));
      process.background();
    }
    pass(1_000);
    assertThat(process.upstream.calls().getFirst().aborted()).isTrue();
    assertThat(stored(runs.get(0)).status()).isEqualTo("cancelled");
    assertThat(stored(runs.get(1)).status()).isEqualTo("cancelled");
    assertThat(stored(runs.get(2)).status()).isEqualTo("cancelled");
    assertThat(stored(runs.get(3)).status()).isEqualTo("queued");
    process.crash();
    process = new Node("b", 10, 100);
    pass(1_000);
    assertThat(code(Objects.requireNonNull(process.find(runs.getFirst().id()))))
        .isEqualTo("superseded");
    assertThat(process.upstream.calls()).as("the others and the newest").hasSize(5);
  }

  @Test
  void a_request_made_again_under_its_key_does_not_supersede_its_own_run() {
    var key = new IdempotencyEntry(new byte[] {1}, new byte[] {2});
    Run run = Objects.requireNonNull(process.accept(superseding(key)));
    assertThat(process.accept(superseding(key))).isNull();
    assertThat(held).hasSize(1);
    assertThat(run.terminal()).isNull();
  }

  // --- A long line: the store has what waits, and memory only its place.

  /// One run is under way, three wait.
  private List<Run> line() {
    process.crash();
    process = longLine("b");
    var runs = new ArrayList<Run>();
    for (int i = 0; i < 4; i++) {
      runs.add(process.background());
    }
    assertThat(process.upstream.calls()).hasSize(1);
    assertThat(process.engine.kept()).as("in memory").isEqualTo(1);
    assertThat(process.engine.queue("up").length()).isEqualTo(3);
    return runs;
  }

  private Node longLine(String name) {
    return new Node(name, new Queue(1, 100, 0), null);
  }

  private static @Nullable String code(Run run) {
    Failure failure = run.terminal() == null ? null : run.terminal().failure();
    return failure == null ? null : failure.code();
  }

  @Test
  void whose_turn_it_is_comes_from_the_store_and_is_a_call_like_any_other() {
    List<Run> runs = line();
    for (Run each : runs) {
      process.say(process.upstream.last(), "fine");
      process.end(process.upstream.last(), Terminal.COMPLETED);
      Run read = Objects.requireNonNull(process.find(each.id()));
      assertThat(read.status()).isEqualTo(Status.COMPLETED);
      assertThat(text(read)).isEqualTo("fine");
      assertThat(read.createdAt()).isEqualTo(each.createdAt());
    }
    assertThat(process.engine.background()).isZero();
    assertThat(process.upstream.calls()).hasSize(4);
  }

  @Test
  void a_parked_run_that_somebody_looks_at_is_in_memory_and_keeps_its_place() {
    List<Run> runs = line();
    Run second = Objects.requireNonNull(process.find(runs.get(1).id()));
    assertThat(second.status()).isEqualTo(Status.QUEUED);
    assertThat(process.engine.run(second.id(), "shop")).isSameAs(second);
    assertThat(process.engine.queue("up").length()).isEqualTo(3);
    process.end(process.upstream.last(), Terminal.COMPLETED);
    process.say(process.upstream.last(), "at once");
    assertThat(text(second)).isEqualTo("at once");
    assertThat(process.engine.run(second.id(), "thief")).isNull();
  }

  @Test
  void parked_runs_are_stopped_at_once_by_whoever_asks() {
    List<Run> runs = line();
    Objects.requireNonNull(process.find(runs.get(1).id())).cancel(Terminal.CANCELLED);
    var done = new ArrayList<Outcome>();
    process.store.write(new Change.CancelRequested(runs.get(2).id()), done::add);
    pass(2_000);
    assertThat(done).containsExactly(new Outcome.Stored());
    assertThat(stored(runs.get(1)).status()).isEqualTo("cancelled");
    assertThat(stored(runs.get(2)).status()).isEqualTo("cancelled");
    assertThat(process.engine.queue("up").length()).isEqualTo(1);
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(stored(runs.get(3)).status()).isEqualTo("in_progress");
  }

  @Test
  void the_deadline_of_a_parked_run_passes_in_line() {
    process.crash();
    var queue = new Queue(1, 100, 0);
    process = new Node("b", queue, null);
    queue.stop();
    Run run = process.background();
    pass(3_590_000);
    assertThat(queue.length()).isEqualTo(1);
    assertThat(process.engine.kept()).isZero();
    pass(11_000);
    assertThat(stored(run).status()).isEqualTo("failed");
    assertThat(code(Objects.requireNonNull(process.find(run.id())))).isEqualTo("deadline_exceeded");
    assertThat(queue.length()).isZero();
  }

  @Test
  void a_parked_run_whose_turn_comes_while_the_store_is_silent_keeps_its_place() {
    List<Run> runs = line();
    process.store.unreadable(true);
    process.end(process.upstream.last(), Terminal.COMPLETED);
    pass(5_000);
    assertThat(process.upstream.calls()).hasSize(1);
    assertThat(process.engine.background()).isEqualTo(1);
    process.store.unreadable(false);
    pass(2_000);
    assertThat(process.upstream.calls()).hasSize(2);
    assertThat(stored(runs.get(1)).status()).isEqualTo("in_progress");
  }

  @Test
  void what_the_store_does_not_have_whole_waits_in_memory() {
    process.crash();
    process = longLine("b");
    process.background();
    long deadline = world.millis() + Duration.ofHours(1).toMillis();
    var secret =
        new Request(
            "up", "chat", "/", List.of(Map.entry("x-secret", "s")), "{}".getBytes(UTF_8), true);
    process.accept(submission(secret, null, new Submission.Promise(true, 1, deadline, null)));
    process.end(process.upstream.last(), Terminal.COMPLETED);
    assertThat(process.upstream.last().request().headers()).isEqualTo(secret.headers());
  }

  @Test
  void a_stopping_process_hands_parked_runs_over() {
    List<Run> runs = line();
    process.engine.stopAccepting();
    pass(1_000);
    assertThat(disk.unowned()).isEqualTo(3);
    assertThat(process.engine.queue("up").length()).isZero();
    Node next = longLine("c");
    pass(100);
    assertThat(next.upstream.calls()).hasSize(1);
    assertThat(stored(runs.get(1)).log().lost()).isZero();
  }

  @Test
  void a_lost_lease_leaves_parked_runs_to_others() {
    List<Run> runs = line();
    process.store.loseLease();
    Node other = new Node("c", 10, 100);
    pass(1_000);
    assertThat(process.engine.queue("up").length()).isZero();
    assertThat(other.upstream.calls()).hasSize(4);
    Run seen = Objects.requireNonNull(process.find(runs.get(3).id()));
    assertThat(seen.status()).isEqualTo(Status.IN_PROGRESS);
  }

  // --- Batches: all but a few lines wait in the store alone.

  private String batch(int lines) {
    var promise =
        new Submission.Promise(true, 2, world.millis() + Duration.ofHours(1).toMillis(), null);
    Batch batch = Objects.requireNonNull(process.dispatcher.batch());
    var outcomes = new ArrayList<Outcome>();
    process.loop.on(() -> {
      for (int i = 1; i <= lines; i++) {
        var request =
            new Request("up", "chat", "/", List.of(), Integer.toString(i).getBytes(UTF_8), true);
        batch.add(i, "n" + i, submission(request, null, promise), promise);
      }
      batch.write(outcomes::add);
      var about =
          new Run.About("shop", "batch", "up", "m", false, false, false, null, false, "op", 0);
      batch.submit(about, Told.NOBODY, null, outcomes::add);
    });
    pass(100);
    assertThat(outcomes).hasSize(2).containsOnly(new Outcome.Stored());
    return batch.id();
  }

  @Test
  void of_a_batch_so_many_lines_are_in_memory_as_have_room() {
    process.crash();
    process = new Node("b", 1, 10);
    String batch = batch(100);
    for (int done = 0; done < 100; done++) {
      assertThat(process.upstream.calls()).hasSize(done + 1);
      assertThat(process.engine.queue("up").length()).isBetween(Math.min(3, 99 - done), 5);
      process.say(process.upstream.last(), "fine");
      process.end(process.upstream.last(), Terminal.COMPLETED);
    }
    StoredBatch end = Objects.requireNonNull(disk.batch(batch));
    assertThat(end.completed()).isEqualTo(100);
    assertThat(end.run().status()).isEqualTo("completed");
    assertThat(process.engine.background()).isZero();
  }

  @Test
  void a_batch_leaves_room_for_others_and_goes_after_them() {
    process.crash();
    process = new Node("b", 1, 10);
    batch(100);
    Run other = process.background();
    assertThat(refusals).isEmpty();
    process.end(process.upstream.last(), Terminal.COMPLETED);
    process.say(process.upstream.last(), "first");
    assertThat(text(other)).isEqualTo("first");
  }

  // --- Stopping.

  @Test
  void a_stopping_process_hands_over_what_waits_and_calls_for_nothing() {
    process.crash();
    process = new Node("b", 1, 100);
    process.background();
    for (int i = 0; i < 5; i++) {
      process.background();
    }
    process.engine.stopAccepting();
    pass(1_000);
    assertThat(disk.unowned()).as("the five that wait").isEqualTo(5);
    process.engine.stopAll(STOPPED);
    pass(1_000);
    assertThat(process.upstream.calls()).hasSize(1);
    assertThat(process.upstream.last().aborted()).isTrue();
    assertThat(disk.unowned()).isEqualTo(6);
    assertThat(disk.tally().getOrDefault("claims", 0)).isZero();
    process.store.close();
    Node next = new Node("c", 10, 100);
    pass(100);
    assertThat(next.upstream.calls()).hasSize(6);
    assertThat(disk.runs().stream().map(disk::run).map(it -> it.log().lost())).containsOnly(0);
  }

  @Test
  void a_stopping_process_lets_an_end_that_is_on_its_way_be_seen() {
    Run run = process.background();
    process.say(process.upstream.last(), "text");
    process.store.trouble("fsync failed");
    process.end(process.upstream.last(), Terminal.COMPLETED);
    process.engine.stopAccepting();
    process.engine.stopAll(STOPPED);
    pass(100);
    assertThat(run.status()).isEqualTo(Status.IN_PROGRESS);
    process.store.trouble(null);
    pass(100);
    assertThat(run.status()).isEqualTo(Status.COMPLETED);
    assertThat(stored(run).status()).isEqualTo("completed");
  }

  @Test
  void a_run_that_is_being_kept_while_all_is_ended_is_handed_over() {
    Run run = Objects.requireNonNull(process.accept(submission(true, null, null)));
    process.loop.on(run::enter);
    var answers = new ArrayList<@Nullable String>();
    run.keep(answers::add);
    process.engine.stopAll(STOPPED);
    pass(100);
    assertThat(answers).hasSize(1).containsOnlyNulls();
    assertThat(disk.unowned()).isEqualTo(1);
    assertThat(process.engine.waitedFor()).isZero();
  }

  // --- Leases.

  @Test
  void a_lost_lease_calls_for_nothing_on_its_way_out() {
    process.crash();
    process = new Node("b", 1, 100);
    Run run = process.background();
    for (int i = 0; i < 5; i++) {
      process.background();
    }
    process.store.loseLease();
    Node other = new Node("c", 10, 100);
    pass(1_000);
    assertThat(process.upstream.calls()).hasSize(1);
    assertThat(process.upstream.last().aborted()).isTrue();
    assertThat(other.upstream.calls()).hasSize(6);
    Run elsewhere = Objects.requireNonNull(process.find(run.id()));
    assertThat(elsewhere.terminal()).as("as its new owner has it").isNull();
    assertThat(elsewhere.status()).isEqualTo(Status.IN_PROGRESS);
  }

  @Test
  void a_run_that_waits_on_another_node_is_queued_there() {
    process.crash();
    process = new Node("b", 1, 100);
    process.background();
    Run waits = process.background();
    Node other = new Node("c", 1, 100);
    Run seen = Objects.requireNonNull(other.find(waits.id()));
    assertThat(seen.status()).isEqualTo(Status.QUEUED);
    other.loop.on(seen::enter);
    waits.cancel(Terminal.CANCELLED);
    pass(1_000);
    assertThat(seen.status()).isEqualTo(Status.CANCELLED);
  }
}
