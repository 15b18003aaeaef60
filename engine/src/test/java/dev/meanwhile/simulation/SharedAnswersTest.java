package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.MemoryStore.Commit;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Nodes over one store that ask, answer, purge, crash and begin anew, in any order: nobody is
/// given what was asked before a purge that was answered where he asks, or a second ago elsewhere;
/// and everybody is given something.
class SharedAnswersTest {
  private static final Key KEY = new Key(1, 2, 3, 4);

  /// What a store's step takes at most, while it is not slow.
  private static final Duration STEP = Duration.ofMillis(20);

  /// After so long a purge holds on all nodes.
  private static final Duration EVERYWHERE = Duration.ofSeconds(1);

  private static final TreeMap<String, Integer> TALLY = new TreeMap<>();

  @Test
  void what_was_asked_before_a_purge_is_given_to_nobody_after_it() {
    TALLY.clear();
    Seeds.check(400, random -> new History(random).run());
    if (Long.getLong("seed") == null) {
      // All that can go wrong was there to go wrong.
      assertThat(TALLY)
          .containsKeys(
              "purged",
              "purge refused",
              "from memory",
              "from the store",
              "stale",
              "made",
              "crashed");
    }
  }

  private static void count(String what) {
    TALLY.merge(what, 1, Integer::sum);
  }

  /// @param begun when it was wanted
  /// @param done when it was answered
  private record Purge(int node, long begun, long done) {}

  private static final class Asked {
    final Node node;
    final long at;
    @Nullable Run run;

    Asked(Node node, long at) {
      this.node = node;
      this.at = at;
    }
  }

  private static final class History {
    private final SplittableRandom random;
    private final VirtualWorld world;
    private final MemoryStore.Disk disk = new MemoryStore.Disk();
    private final List<Node> nodes = new ArrayList<>();
    private final List<Purge> purges = new ArrayList<>();
    private final List<Asked> asked = new ArrayList<>();
    private final boolean flaky;

    History(SplittableRandom random) {
      this.random = random;
      this.world = new VirtualWorld(random);
      this.flaky = random.nextInt(3) == 0;
      int count = 1 + random.nextInt(3);
      for (int i = 0; i < count; i++) {
        nodes.add(new Node(this, i));
      }
    }

    void run() {
      for (int left = 60; left > 0; left--) {
        int i = random.nextInt(nodes.size());
        Node node = nodes.get(i);
        switch (random.nextInt(16)) {
          case 0, 1, 2 -> node.purge();
          case 3 -> {
            if (random.nextInt(3) == 0) {
              node.crash(random.nextInt(3));
              nodes.set(i, new Node(this, i));
              count("crashed");
            }
          }
          case 4 -> {
            node.store.unreadable(true);
            world.later(world.some(Duration.ofSeconds(5)), () -> node.store.unreadable(false));
          }
          case 5 -> {
            node.store.trouble("full");
            world.later(world.some(Duration.ofSeconds(5)), () -> node.store.trouble(null));
          }
          default -> node.ask();
        }
        world.pass(world.some(Duration.ofSeconds(8)));
      }
      world.pass(Duration.ofMinutes(5));
      for (Asked each : asked) {
        if (!each.node.dead) {
          check(each);
        }
      }
    }

    private void check(Asked each) {
      Run run = Objects.requireNonNull(each.run, () -> "nothing for who asked at " + each.at);
      Terminal terminal = Objects.requireNonNull(run.terminal());
      if (terminal.failure() != null) {
        return;
      }
      long made = Long.parseLong(new String(run.bytes(run.start(), run.end()), UTF_8));
      for (Purge purge : purges) {
        long holds = purge.done + (purge.node == each.node.number ? 0 : EVERYWHERE.toNanos());
        if (each.at > holds) {
          assertThat(made)
              .as("given to who asked at %d on node %d, after %s", each.at, each.node.number, purge)
              .isGreaterThanOrEqualTo(purge.begun);
        }
      }
    }
  }

  private static final class Node {
    private final History history;
    private final VirtualWorld world;
    private final SplittableRandom random;
    private final int number;
    private final MemoryStore store;
    private final Meanwhile engine;
    private final List<VirtualWorld.Loop> loops = new ArrayList<>();
    private final List<Dispatcher> dispatchers = new ArrayList<>();
    private boolean dead;

    Node(History history, int number) {
      this.history = history;
      this.world = history.world;
      this.random = history.random;
      this.number = number;
      this.store = new MemoryStore(history.disk, "node" + number, schedule());
      engine =
          new Meanwhile(
              new Meanwhile.Settings(
                  2,
                  1 << 20,
                  1_000,
                  Duration.ofMinutes(1),
                  1 << 20,
                  // Sometimes nothing stays in memory.
                  Seeds.pick(random, 0L, 1L << 20, 1L << 20),
                  Duration.ofMinutes(1),
                  Duration.ofMinutes(1),
                  _ -> new Queue(4, 1_000)),
              store,
              new Journal() {
                @Override
                public void began(Run run) {}

                @Override
                public void ended(Run run, long firstContent, long total) {}
              },
              random::nextDouble);
      engine.open();
      for (int i = 0; i < 2; i++) {
        var loop = world.loop();
        loops.add(loop);
        dispatchers.add(engine.on(loop, (request, listener) -> answer(loop, request, listener)));
      }
    }

    private MemoryStore.Schedule schedule() {
      return new MemoryStore.Schedule() {
        @Override
        public void later(Runnable step) {
          world.later(world.some(STEP), step);
        }

        @Override
        public Commit commit() {
          return history.flaky && random.nextInt(4) == 0
              ? Seeds.pick(random, Commit.FAILED, Commit.UNKNOWN_FAILED, Commit.UNKNOWN_DONE)
              : Commit.DONE;
        }

        @Override
        public long millis() {
          return world.millis();
        }
      };
    }

    /// The upstream: says, late, when it was asked.
    private Upstream.Exchange answer(
        VirtualWorld.Loop loop, Request request, Upstream.Listener listener) {
      count("made");
      listener.connected();
      boolean fails = random.nextInt(8) == 0;
      var timer =
          loop.after(
              world.some(Duration.ofSeconds(20)),
              () -> {
                if (fails) {
                  listener.ended(Terminal.failed(new Failure(502, "upstream_cut", "cut")));
                } else {
                  listener.head(new Head(200, false, ""));
                  listener.event(Kind.ANSWER, request.body(), 0, request.body().length);
                  listener.flush();
                  listener.ended(Terminal.COMPLETED);
                }
              });
      return timer::cancel;
    }

    void crash(int last) {
      dead = true;
      store.die(last);
      loops.forEach(VirtualWorld.Loop::die);
      world.later(Duration.ofSeconds(10), store::expire);
    }

    void purge() {
      long begun = world.nanos();
      java.util.function.Consumer<Outcome> done =
          outcome -> {
            boolean isDone = outcome instanceof Outcome.Stored;
            count(isDone ? "purged" : "purge refused");
            if (isDone && !dead) {
              history.purges.add(new Purge(number, begun, world.nanos()));
            }
          };
      if (random.nextBoolean()) {
        engine.purge("shop", done);
      } else {
        engine.purge(KEY, done);
      }
    }

    void ask() {
      var each = new Asked(this, world.nanos());
      history.asked.add(each);
      int i = random.nextInt(2);
      boolean coalesces = random.nextInt(4) > 0;
      loops
          .get(i)
          .on(() ->
              dispatchers
                  .get(i)
                  .accept(
                      submission(Long.toString(world.nanos()), coalesces),
                      new Dispatcher.Answer() {
                        @Override
                        public void accepted(Run run) {
                          assertThat(each.run).as("answered twice").isNull();
                          each.run = run;
                        }

                        @Override
                        public void found(Run run, Hit hit) {
                          count(hit.stored() ? "from the store" : "from memory");
                          if (hit.ttl() < 0) {
                            count("stale");
                          }
                          accepted(run);
                        }

                        @Override
                        public void refused(Failure failure) {
                          throw new AssertionError("refused: " + failure);
                        }
                      }));
    }

    private Submission submission(String body, boolean coalesces) {
      var freshness =
          new Freshness(
              Duration.ofSeconds(20),
              Duration.ofSeconds(20),
              Duration.ofSeconds(40),
              Duration.ZERO);
      return new Submission(
          new Run.About("shop", "chat", "default", "m", false, false, false, null, false, null, 0),
          new Request(
              "default", "chat", "/chat/completions", List.of(), body.getBytes(UTF_8), false),
          true,
          Clocks.DEFAULT,
          OnLeave.FINISH,
          Duration.ZERO,
          null,
          false,
          coalesces ? KEY : null,
          true,
          new Caching(KEY, freshness, Set.of("shop", "other")),
          null,
          false,
          null);
    }
  }
}
