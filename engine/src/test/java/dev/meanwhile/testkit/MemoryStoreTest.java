package dev.meanwhile.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.testkit.MemoryStore.Commit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The fake that the engine's proofs stand on.
class MemoryStoreTest {
  private static final Outcome STORED = new Outcome.Stored();
  private static final Outcome FENCED = new Outcome.Fenced();

  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final ArrayDeque<Commit> commits = new ArrayDeque<>();
  private final ArrayDeque<Runnable> steps = new ArrayDeque<>();
  private final List<String> heard = new ArrayList<>();
  private MemoryStore store = open("a");

  private MemoryStore open(String node) {
    var opened =
        new MemoryStore(
            disk,
            node,
            new MemoryStore.Schedule() {
              @Override
              public void later(Runnable step) {
                steps.add(step);
              }

              @Override
              public Commit commit() {
                return commits.isEmpty() ? Commit.DONE : commits.remove();
              }
            });
    opened.open(
        new Store.Listener() {
          @Override
          public void purged(List<Purge> purges, long last) {}

          @Override
          public void cancelRequested(String run) {
            heard.add(node + " cancel " + run);
          }

          @Override
          public void leaseLost() {
            heard.add(node + " lost");
          }

          @Override
          public void changed(Collection<Channel> channels) {}

          @Override
          public void due() {}

          @Override
          public void lines() {}

          @Override
          public void claimable() {
            heard.add(node + " claimable");
          }
        });
    return opened;
  }

  private void go() {
    for (Runnable step = steps.poll(); step != null; step = steps.poll()) {
      step.run();
    }
  }

  private static StoredLog log(String name, int priority) {
    return new StoredLog(
        "log_" + name, "shop", "up", priority, 1, 1, 0, 0, "queued", 0, 0, new byte[0], null, null);
  }

  private static Change.Accept accept(String name, @Nullable String key) {
    StoredLog log = log(name, 2);
    return new Change.Accept(
        run(name, log),
        log,
        key == null ? null : new IdempotencyEntry(key.getBytes(UTF_8), key.getBytes(UTF_8)));
  }

  private static StoredRun run(String name, StoredLog log) {
    return new StoredRun("run_" + name, log, "shop", new byte[0], 1, 0, 0, false);
  }

  private static Change.Checkpoint piece(String name, int attempt, int number, int end) {
    return new Change.Checkpoint(
        "log_" + name, attempt, new Piece(number, end, new byte[] {(byte) end}), null);
  }

  private static Change.Ended ended(String name, int attempt, boolean freesKeys) {
    return new Change.Ended(
        "log_" + name, attempt, "completed", 9, null, null, new byte[0], freesKeys);
  }

  private List<Outcome> write(Change... changes) {
    var outcomes = new ArrayList<Outcome>();
    for (Change change : changes) {
      store.write(change, outcomes::add);
    }
    go();
    return outcomes;
  }

  private <T> T ask(Consumer<Store.Reply<T>> question) {
    var answers = new ArrayList<T>();
    question.accept(
        new Store.Reply<>() {
          @Override
          public void is(T answer) {
            answers.add(answer);
          }

          @Override
          public void failed(String trouble) {
            throw new AssertionError(trouble);
          }
        });
    go();
    return answers.getFirst();
  }

  private StoredRun found(String name) {
    return Objects.requireNonNull(disk.run("run_" + name));
  }

  @Test
  void keeps_a_run_to_its_end() {
    assertThat(
            write(
                accept("a", "k"),
                accept("a", "k"),
                accept("b", "k"),
                new Change.Started("log_a", 1, 2),
                piece("a", 1, 0, 2),
                piece("a", 1, 0, 2),
                piece("a", 2, 1, 3),
                new Change.Requeued("log_a", 1, 7),
                new Change.Started("log_a", 2, 3),
                piece("a", 1, 1, 3),
                ended("a", 2, false),
                ended("a", 2, false),
                ended("a", 2, true),
                new Change.Accept(run("c", log("a", 2)), null, null)))
        .usingRecursiveFieldByFieldElementComparator()
        .containsExactly(
            STORED,
            STORED,
            new Outcome.Conflict(new IdempotencyEntry.Held("run_a", "k".getBytes(UTF_8))),
            STORED,
            STORED,
            STORED,
            FENCED,
            STORED,
            STORED,
            FENCED,
            STORED,
            STORED,
            FENCED,
            FENCED);
    assertThat(found("a").status()).isEqualTo("completed");
    assertThat(found("a").log().end()).isEqualTo(2);
    assertThat(disk.run("run_b")).isNull();
    assertThat(this.<List<Piece>>ask(it -> store.pieces("log_a", 0, it))).hasSize(1);
    assertThat(write(new Change.Erased("run_a"), new Change.Erased("run_a")))
        .containsExactly(STORED, STORED);
    assertThat(disk.run("run_a")).isNull();
    assertThat(write(accept("b", "k"))).containsExactly(STORED);
  }

  @Test
  void cuts_one_run_of_two() {
    write(accept("a", "k"), new Change.Accept(run("b", log("a", 2)), null, null));
    var cut = new Change.Cut("log_a", 0, "run_a", 0, 5);
    assertThat(write(new Change.Erased("run_a"), cut, cut, new Change.CancelRequested("run_a")))
        .containsExactly(FENCED, STORED, STORED, FENCED);
    assertThat(write(new Change.CancelRequested("run_b"))).containsExactly(STORED);
    assertThat(heard).containsOnly("a cancel run_b");
    assertThat(found("a").status()).isEqualTo("cancelled");
    assertThat(found("b").status()).isEqualTo("queued");
    assertThat(write(accept("c", "k"))).containsExactly(STORED);
  }

  @Test
  void a_crash_leaves_what_was_committed_and_counts_the_attempt() {
    write(accept("waits", null), accept("runs", null), new Change.Started("log_runs", 1, 1));
    write(accept("left", null), new Change.Started("log_left", 1, 1));
    write(new Change.Released(List.of("log_left")));
    store.write(accept("last", null), _ -> {});
    store.write(accept("gone", null), _ -> {});
    store.die(1);
    go();
    store = open("a");
    List<Store.Claimed> claimed = ask(it -> store.claim(10, it));
    assertThat(claimed).extracting(it -> it.log().id()).hasSize(4).doesNotContain("log_gone");
    assertThat(claimed).allSatisfy(it -> assertThat(it.log().status()).isEqualTo("queued"));
    assertThat(claimed).extracting(it -> it.log().lost()).containsExactly(0, 1, 0, 0);
    assertThat(this.<List<Store.Claimed>>ask(it -> store.claim(10, it))).isEmpty();
  }

  @Test
  void a_lost_lease_fences_what_was_given_before_and_after() {
    write(accept("a", null));
    store.write(new Change.Started("log_a", 1, 1), outcome -> heard.add("" + outcome));
    store.loseLease();
    assertThat(store.trouble()).isNotNull();
    MemoryStore other = open("b");
    assertThat(this.<List<Store.Claimed>>ask(it -> other.claim(10, it))).hasSize(1);
    assertThat(heard).containsSubsequence(FENCED.toString()).contains("a lost", "a claimable");
    assertThat(store.trouble()).isNull();
    assertThat(write(new Change.Started("log_a", 1, 1))).containsExactly(FENCED);
  }

  @Test
  void tells_refused_from_unknown() {
    commits.add(Commit.FAILED);
    assertThat(write(accept("a", null), new Change.Started("log_b", 1, 1)))
        .hasSize(2)
        .first()
        .isInstanceOf(Outcome.Refused.class);
    commits.add(Commit.UNKNOWN_DONE);
    store.write(accept("b", null), outcome -> heard.add("" + outcome));
    while (!commits.isEmpty()) {
      steps.remove().run();
    }
    store.trouble("full");
    assertThat(write(accept("c", null)).getFirst()).isInstanceOf(Outcome.Refused.class);
    assertThat(heard).isEmpty();
    store.trouble(null);
    go();
    assertThat(heard).containsExactly(STORED.toString());
  }

  @Test
  void an_engine_may_not_leave_gaps() {
    write(accept("a", null), new Change.Started("log_a", 1, 1));
    assertThatThrownBy(() -> write(piece("a", 1, 1, 3))).isInstanceOf(AssertionError.class);
    steps.clear();
    assertThatThrownBy(() -> write(new Change.Started("log_a", 3, 1)))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void writes_what_was_given_when_it_is_closed() {
    store.write(accept("a", null), outcome -> heard.add("" + outcome));
    store.close();
    assertThat(disk.runs()).containsExactly("run_a");
    assertThat(write(accept("b", null)).getFirst()).isInstanceOf(Outcome.Refused.class);
    assertThat(heard).containsExactly(STORED.toString());
  }
}
