package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.Batch;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Run;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.MemoryStore.Commit;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// One random history of batches on up to two nodes with one store: they are sent whole, cut off,
/// given up and stopped, while processes crash, stop and lose their lease, and the database and the
/// AI API have bad days. In the end all is well again, and each batch is looked at.
final class BatchHistory {
  private static final String TO = "mailto:ann@example.com";
  private static final Duration LONG = Duration.ofHours(2);

  private final SplittableRandom random;
  private final VirtualWorld world;
  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final Api api;
  private final Map<String, @Nullable Life> nodes = new LinkedHashMap<>();
  private final List<Sent> batches = new ArrayList<>();
  private final Map<String, Integer> tally = new TreeMap<>();
  private final List<String> told = new ArrayList<>();
  private boolean flaky;
  private int lives;

  /// A batch as its sender knows it.
  private final class Sent {
    final Batch batch;
    final List<String> prompts = new ArrayList<>();
    final Submission.Promise promise =
        new Submission.Promise(true, 2, world.millis() + LONG.toMillis(), null);
    boolean cutOff;
    boolean accepted;
    boolean stopped;

    Sent(Batch batch) {
      this.batch = batch;
    }

    /// Sends the next lines, if there are any and it does not stop here.
    void more(int left) {
      if (left == 0) {
        submit();
        return;
      }
      if (random.nextInt(20) == 0) {
        cutOff = true;
        count("cut off");
        batch.drop();
        return;
      }
      int now = 1 + random.nextInt(left);
      for (int i = 0; i < now; i++) {
        boolean same = !prompts.isEmpty() && random.nextInt(5) == 0;
        String prompt =
            same ? prompts.get(random.nextInt(prompts.size())) : batch.id() + "-" + prompts.size();
        prompts.add(prompt);
        batch.add(prompts.size(), "n" + prompts.size(), submission(prompt, promise), promise);
      }
      batch.write(outcome -> {
        if (outcome instanceof Outcome.Stored) {
          more(left - now);
        } else {
          cutOff = true;
          count("not taken");
          batch.drop();
        }
      });
    }

    private void submit() {
      var about =
          new Run.About("shop", "batch", "up", "m", false, false, false, null, false, "op", 0);
      batch.submit(
          about,
          new Told(null, TO),
          null,
          outcome -> {
            accepted = outcome instanceof Outcome.Stored;
            if (!accepted) {
              batch.drop();
            }
          });
    }

    @Override
    public String toString() {
      return batch.id();
    }
  }

  BatchHistory(SplittableRandom random) {
    this.random = random;
    world = new VirtualWorld(random);
    api = new Api(world, random, Seeds.pick(random, 0.0, 0.1, 0.4));
    nodes.put("a", null);
    if (random.nextBoolean()) {
      nodes.put("b", null);
    }
  }

  private final MemoryStore.Schedule schedule =
      new MemoryStore.Schedule() {
        @Override
        public void later(Runnable step) {
          world.later(world.some(Duration.ofMillis(20)), step);
        }

        @Override
        public Commit commit() {
          return flaky && random.nextInt(3) == 0
              ? Seeds.pick(random, Commit.FAILED, Commit.UNKNOWN_FAILED, Commit.UNKNOWN_DONE)
              : Commit.DONE;
        }

        @Override
        public int group(int waiting) {
          return 1 + random.nextInt(waiting);
        }
      };

  Map<String, Integer> tally() {
    return tally;
  }

  private void count(String what) {
    tally.merge(what, 1, Integer::sum);
  }

  void run() {
    try {
      nodes.keySet().forEach(this::start);
      for (int left = 5 + random.nextInt(40); left > 0; left--) {
        world.pass(world.some(Duration.ofSeconds(20)));
        next();
      }
      heal();
      check();
    } catch (RuntimeException | Error e) {
      throw new AssertionError(e + "\nHistory:\n  " + String.join("\n  ", told), e);
    }
  }

  private void start(String node) {
    nodes.put(node, new Life(world, random, disk, schedule, api, node, ++lives, this::called));
  }

  /// A line is called for once, unless that call was of no use.
  private void called(Api.Exchange exchange) {
    for (Api.Exchange before : api.calls(exchange.prompt)) {
      assertThat(before.mayBeRepeated()).as("%s after %s", exchange, before).isTrue();
    }
  }

  private List<Life> alive() {
    var alive = new ArrayList<Life>();
    for (Life life : nodes.values()) {
      if (life != null && !life.isOver() && !life.isStopping()) {
        alive.add(life);
      }
    }
    return alive;
  }

  private void next() {
    switch (random.nextInt(12)) {
      case 0, 1, 2 -> send();
      case 3 -> stop();
      case 4, 5 -> harm();
      case 6 -> flaky = random.nextBoolean();
      case 7 -> revive();
      case 8 -> stopLine();
      default -> {}
    }
  }

  private void send() {
    List<Life> alive = alive();
    if (alive.isEmpty() || batches.size() == 4) {
      return;
    }
    Life life = alive.get(random.nextInt(alive.size()));
    int loop = random.nextInt(life.loops.size());
    int lines = Seeds.pick(random, 1, 5, 40);
    life.loops
        .get(loop)
        .on(() -> {
          Batch batch = Objects.requireNonNull(life.dispatchers.get(loop).batch());
          var sent = new Sent(batch);
          told.add("%s sends %s, %d lines".formatted(life, sent, lines));
          batches.add(sent);
          sent.more(lines);
        });
  }

  private static Submission submission(String prompt, Submission.Promise promise) {
    return new Submission(
        new Run.About("shop", "chat", "up", "m", false, false, false, null, false, "op", 0),
        new Request("up", "chat", "/", List.of(), prompt.getBytes(UTF_8), true),
        true,
        Simulation.CLOCKS,
        OnLeave.CANCEL,
        Duration.ZERO,
        null,
        false,
        null,
        false,
        promise);
  }

  private void stop() {
    List<Life> alive = alive();
    if (!alive.isEmpty() && !batches.isEmpty()) {
      Sent sent = batches.get(random.nextInt(batches.size()));
      told.add("stops " + sent);
      alive
          .getFirst()
          .store
          .write(
              new Change.CancelRequested(sent.batch.id()),
              outcome -> sent.stopped |= outcome instanceof Outcome.Stored);
    }
  }

  private void stopLine() {
    List<Life> alive = alive();
    List<String> runs = disk.runs();
    if (!alive.isEmpty() && !runs.isEmpty() && random.nextInt(3) == 0) {
      String run = runs.get(random.nextInt(runs.size()));
      alive.getFirst().store.write(new Change.CancelRequested(run), _ -> {});
    }
  }

  private void harm() {
    List<Life> alive = alive();
    if (alive.isEmpty()) {
      return;
    }
    Life life = alive.get(random.nextInt(alive.size()));
    switch (random.nextInt(3)) {
      case 0 -> {
        told.add(life + " crashes");
        count("crashes");
        life.crash(random.nextInt(4));
        nodes.put(life.node, null);
      }
      case 1 -> {
        told.add(life + " stops");
        count("stops");
        life.stop(Duration.ofSeconds(5), () -> nodes.replace(life.node, life, null));
      }
      default -> {
        if (nodes.size() > 1) {
          told.add(life + " loses its lease");
          count("leases lost");
          life.loseLease();
        }
      }
    }
  }

  private void revive() {
    for (var node : List.copyOf(nodes.entrySet())) {
      if (node.getValue() == null) {
        told.add(node.getKey() + " starts");
        start(node.getKey());
      }
    }
  }

  private void heal() {
    flaky = false;
    api.heal();
    world.pass(Duration.ofSeconds(60));
    revive();
    world.pass(LONG.plusHours(1));
  }

  private void check() {
    var lines = new HashMap<String, Integer>();
    for (Sent sent : batches) {
      StoredBatch batch = disk.batch(sent.batch.id());
      if (batch == null) {
        assertThat(sent.accepted).as("%s is lost", sent).isFalse();
        count("left nothing");
        continue;
      }
      assertThat(sent.cutOff).as("%s was not sent whole", sent).isFalse();
      check(sent, batch);
      lines.put(sent.batch.id(), batch.total());
    }
    // Nothing is left of those that are not there.
    int runs = lines.size();
    for (Sent sent : batches) {
      if (lines.containsKey(sent.batch.id())) {
        runs += (int) sent.prompts.stream().distinct().count();
      }
    }
    assertThat(disk.runs()).hasSize(runs);
    assertThat(disk.notices())
        .extracting(Notice::run)
        .containsExactlyInAnyOrderElementsOf(lines.keySet());
  }

  private void check(Sent sent, StoredBatch batch) {
    assertThat(batch.run().endedAt()).as("%s has ended: %s", sent, batch).isPositive();
    assertThat(batch.total()).isEqualTo(sent.prompts.size());
    assertThat(batch.ended()).isEqualTo(batch.total());
    int completed = 0;
    int failed = 0;
    int cancelled = 0;
    var life = alive().getFirst();
    var read = new ArrayList<StoredLine>();
    life.store.lines(
        sent.batch.id(),
        0,
        1_000,
        false,
        new Store.Reply<>() {
          @Override
          public void is(List<StoredLine> answer) {
            read.addAll(answer);
          }

          @Override
          public void failed(String trouble) {
            throw new AssertionError(trouble);
          }
        });
    world.pass(Duration.ofSeconds(1));
    assertThat(read).hasSize(batch.total());
    for (int i = 0; i < read.size(); i++) {
      StoredRun run = Objects.requireNonNull(read.get(i).run());
      assertThat(read.get(i).id()).isEqualTo("n" + (i + 1));
      switch (run.status()) {
        case "completed" -> {
          completed++;
          assertThat(api.calls(sent.prompts.get(i)))
              .as("the answer of line %d of %s", i + 1, sent)
              .anyMatch(Api.Exchange::completed);
        }
        case "failed" -> failed++;
        case "cancelled" -> cancelled++;
        default -> throw new AssertionError(run.id() + " is " + run.status());
      }
    }
    assertThat(List.of(batch.completed(), batch.failed(), batch.cancelled()))
        .as("counted of %s", sent)
        .containsExactly(completed, failed, cancelled);
    boolean stopped = batch.run().cancelRequested();
    assertThat(stopped || !sent.stopped).as("%s was to be stopped", sent).isTrue();
    assertThat(batch.run().status()).isEqualTo(stopped ? "cancelled" : "completed");
    count(batch.run().status());
    tally.merge("lines", batch.total(), Integer::sum);
    tally.merge("lines with an answer", completed, Integer::sum);
  }
}
