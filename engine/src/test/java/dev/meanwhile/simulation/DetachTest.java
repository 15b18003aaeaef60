package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.MemoryStore.Commit;
import dev.meanwhile.testkit.ScriptedUpstream;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import dev.meanwhile.view.Follow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// A waiting caller's budget runs out at every moment of a call: the run is kept, or it is not, and
/// nothing is lost either way.
///
/// The call connects at 50 ms, says a token at 100, 200, 300 and 400 ms, and ends at 400 ms too.
class DetachTest {
  private static final String WHOLE = "one two three four ";
  private static final int SEEDS = 3;

  /// What the store does with the run.
  private enum Answer {
    STORES,
    REFUSES,
    /// It does not know whether it has it, tries again, and has it.
    STORES_TWICE,
    /// It does not know whether it has it, tries again, and has it then.
    STORES_THEN,
    /// The lease is lost on the way.
    LOSES
  }

  /// A process on one loop.
  private record Node(
      VirtualWorld world, VirtualWorld.Loop loop, Meanwhile engine, Dispatcher dispatcher) {
    static Node of(VirtualWorld world, Store store, Upstream upstream, SplittableRandom random) {
      var engine =
          new Meanwhile(
              new Meanwhile.Settings(
                  1,
                  1 << 20,
                  10,
                  Duration.ofSeconds(10),
                  1 << 20,
                  1 << 20,
                  Duration.ofMinutes(1),
                  Duration.ofHours(1),
                  _ -> new Queue(4, 100)),
              store,
              new Journal() {
                @Override
                public void began(Run run) {}

                @Override
                public void ended(Run run, long firstContent, long total) {}
              },
              random::nextDouble);
      engine.open();
      VirtualWorld.Loop loop = world.loop();
      Dispatcher dispatcher = engine.on(loop, upstream);
      engine.recover();
      return new Node(world, loop, engine, dispatcher);
    }

    /// What the run is for somebody who finds it by its id.
    @Nullable Run found(String id) {
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
      world.pass(Duration.ofSeconds(3));
      return found.getFirst();
    }
  }

  private static final class Scene implements MemoryStore.Schedule {
    private final Answer answer;
    private final int millis;
    private final SplittableRandom random;
    private final VirtualWorld world;
    private final MemoryStore.Disk disk = new MemoryStore.Disk();
    private final ScriptedUpstream upstream = new ScriptedUpstream();
    private final List<@Nullable String> answers = new ArrayList<>();
    private final StringBuilder seen = new StringBuilder();
    private @Nullable Terminal ended;
    private boolean asked;
    private int commits;

    /// @param millis how long each step of the store takes
    Scene(long seed, Answer answer, int millis) {
      this.answer = answer;
      this.millis = millis;
      random = new SplittableRandom(seed);
      world = new VirtualWorld(random);
    }

    MemoryStore store() {
      return new MemoryStore(disk, "a", this);
    }

    @Override
    public void later(Runnable step) {
      world.later(Duration.ofMillis(millis), step);
    }

    @Override
    public Commit commit() {
      if (!asked || commits++ > 0) {
        return Commit.DONE;
      }
      return switch (answer) {
        case STORES, LOSES -> Commit.DONE;
        case REFUSES -> Commit.FAILED;
        case STORES_TWICE -> Commit.UNKNOWN_DONE;
        case STORES_THEN -> Commit.UNKNOWN_FAILED;
      };
    }

    /// A stream that its caller waits for, and does not come back to.
    Run call(Node process) {
      var runs = new ArrayList<Run>();
      process.loop.on(() ->
          process.dispatcher.accept(
              new Submission(
                  new Run.About(
                      "shop", "chat", "up", "m", true, false, false, null, false, null, 0),
                  new Request("up", "chat", "/", List.of(), "{}".getBytes(UTF_8), true),
                  true,
                  Clocks.DEFAULT,
                  OnLeave.CANCEL,
                  Duration.ZERO,
                  null,
                  false,
                  null,
                  false,
                  null),
              new Dispatcher.Answer() {
                @Override
                public void accepted(Run run) {
                  runs.add(run);
                }

                @Override
                public void refused(Failure failure) {
                  throw new AssertionError(failure);
                }
              }));
      ScriptedUpstream.Exchange exchange = upstream.last();
      at(process, 50, exchange::stream);
      at(process, 100, () -> exchange.say(Kind.CONTENT, "one "));
      at(process, 200, () -> exchange.say(Kind.CONTENT, "two "));
      at(process, 300, () -> exchange.say(Kind.CONTENT, "three "));
      at(
          process,
          400,
          () -> {
            exchange.say(Kind.CONTENT, "four ");
            exchange.end(Terminal.COMPLETED);
          });
      return runs.getFirst();
    }

    void at(Node process, int time, Runnable what) {
      world.later(Duration.ofMillis(time), () -> process.loop.on(what));
    }

    /// The budget runs out now.
    void keep(Run run) {
      keep(run, () -> {});
    }

    /// @param told is run once the caller knows
    void keep(Run run, Runnable told) {
      asked = true;
      run.keep(trouble -> {
        answers.add(trouble);
        told.run();
      });
    }

    boolean isKept() {
      assertThat(answers).as("answered once").hasSize(1);
      return answers.getFirst() == null;
    }

    Follow follow(Node process, Run run) {
      var follow =
          new Follow(
              run,
              0,
              process.loop,
              new Follow.Sink() {
                @Override
                public boolean events(LogReader log, int from, int to) {
                  seen.append(new String(log.bytes(from, to), UTF_8));
                  return true;
                }

                @Override
                public void ended(Terminal terminal) {
                  ended = terminal;
                }
              });
      process.loop.on(follow::begin);
      return follow;
    }
  }

  private interface Case {
    void at(Scene scene, int moment);
  }

  /// Each moment, each answer of the store, fast and slow, in each order of what is at one instant.
  private static void always(List<Answer> all, Case what) {
    for (Answer answer : all) {
      for (int moment = 0; moment <= 420; moment += 10) {
        for (int millis : new int[] {0, 1, 10, 35, 250}) {
          for (int seed = 0; seed < SEEDS; seed++) {
            try {
              what.at(new Scene(seed, answer, millis), moment);
            } catch (RuntimeException | Error e) {
              throw new AssertionError(
                  "at %d ms, where the store %s, each step in %d ms, seed %d: %s"
                      .formatted(moment, answer, millis, seed, e),
                  e);
            }
          }
        }
      }
    }
  }

  private static String text(Run run) {
    return new String(run.bytes(run.start(), run.end()), UTF_8);
  }

  private static void isWhole(Run run) {
    assertThat(run.status()).isEqualTo(Status.COMPLETED);
    assertThat(text(run)).isEqualTo(WHOLE);
  }

  @Test
  void a_caller_that_stays_sees_all_whether_it_is_kept_or_not() {
    always(
        List.of(Answer.STORES, Answer.REFUSES, Answer.STORES_TWICE, Answer.STORES_THEN),
        (scene, moment) -> {
          Node process = Node.of(scene.world, scene.store(), scene.upstream, scene.random);
          Run run = scene.call(process);
          scene.follow(process, run);
          scene.at(process, moment, () -> scene.keep(run));
          scene.world.pass(Duration.ofSeconds(5));
          assertThat(scene.seen.toString()).isEqualTo(WHOLE);
          assertThat(scene.ended).isEqualTo(Terminal.COMPLETED);
          assertThat(scene.upstream.calls()).hasSize(1);
          StoredRun stored = scene.disk.run(run.id());
          assertThat(stored != null).as("kept and stored").isEqualTo(scene.isKept());
          if (stored != null) {
            assertThat(stored.status()).isEqualTo("completed");
            assertThat(stored.endedAt()).isEqualTo(run.endedAt());
          }
          isWhole(run);
          // Once memory has forgotten it, the store knows as much.
          scene.world.pass(Duration.ofSeconds(20));
          assertThat(process.engine.run(run.id(), "shop")).isNull();
          Run later = process.found(run.id());
          assertThat(later != null).isEqualTo(scene.isKept());
          if (later != null) {
            isWhole(later);
            assertThat(later.endedAt()).isEqualTo(run.endedAt());
            for (int i = 0; i < run.end(); i++) {
              assertThat(later.micros(i)).isEqualTo(run.micros(i));
            }
          }
        });
  }

  @Test
  void a_caller_that_is_told_its_address_and_leaves_finds_it_all() {
    always(
        List.of(Answer.STORES, Answer.STORES_TWICE, Answer.STORES_THEN),
        (scene, moment) -> {
          Node process = Node.of(scene.world, scene.store(), scene.upstream, scene.random);
          Run run = scene.call(process);
          Follow follow = scene.follow(process, run);
          // Told its address, it goes; told that there is none, it stays.
          scene.at(
              process,
              moment,
              () ->
                  scene.keep(
                      run,
                      () -> {
                        if (scene.isKept()) {
                          follow.stop();
                        }
                      }));
          scene.world.pass(Duration.ofSeconds(5));
          assertThat(scene.answers).hasSize(1);
          assertThat(scene.upstream.calls()).hasSize(1);
          assertThat(scene.upstream.last().aborted()).isFalse();
          isWhole(run);
          assertThat(WHOLE).startsWith(scene.seen.toString());
        });
  }

  @Test
  void a_run_that_is_not_kept_is_as_it_was() {
    always(
        List.of(Answer.REFUSES),
        (scene, moment) -> {
          Node process = Node.of(scene.world, scene.store(), scene.upstream, scene.random);
          Run run = scene.call(process);
          Follow follow = scene.follow(process, run);
          int[] leftAt = {-1};
          scene.at(
              process,
              moment,
              () ->
                  scene.keep(
                      run,
                      () -> {
                        if (run.terminal() == null) {
                          leftAt[0] = scene.seen.length();
                          follow.stop();
                        }
                      }));
          scene.world.pass(Duration.ofSeconds(5));
          assertThat(scene.isKept()).isFalse();
          assertThat(scene.disk.runs()).isEmpty();
          if (leftAt[0] >= 0) {
            assertThat(run.status()).as("it left").isEqualTo(Status.CANCELLED);
            assertThat(scene.upstream.last().aborted()).isTrue();
            assertThat(text(run)).hasSize(leftAt[0]);
          } else {
            isWhole(run);
          }
          assertThat(process.engine.waitedFor()).isZero();
        });
  }

  /// Whether it was stored before the lease was lost decides who goes on.
  @Test
  void a_lease_that_is_lost_on_the_way_leaves_one_who_goes_on() {
    always(
        List.of(Answer.LOSES),
        (scene, moment) -> {
          MemoryStore store = scene.store();
          Node process = Node.of(scene.world, store, scene.upstream, scene.random);
          Run run = scene.call(process);
          scene.follow(process, run);
          scene.at(
              process,
              moment,
              () -> {
                scene.keep(run);
                store.loseLease();
              });
          scene.world.pass(Duration.ofSeconds(5));
          StoredRun stored = scene.disk.run(run.id());
          assertThat(stored != null).as("kept and stored").isEqualTo(scene.isKept());
          if (stored == null) {
            isWhole(run);
            assertThat(scene.upstream.calls()).hasSize(1);
            return;
          }
          if (stored.endedAt() == 0) {
            assertThat(scene.upstream.calls()).as("its next owner calls again").hasSize(2);
            assertThat(scene.upstream.calls().getFirst().aborted()).isTrue();
            ScriptedUpstream.Exchange again = scene.upstream.last();
            process.loop.on(() -> answer(again));
            scene.world.pass(Duration.ofSeconds(5));
          }
          isWhole(Objects.requireNonNull(process.found(run.id())));
        });
  }

  private static void answer(ScriptedUpstream.Exchange exchange) {
    exchange.stream();
    exchange.say(Kind.CONTENT, WHOLE);
    exchange.end(Terminal.COMPLETED);
  }

  @Test
  void a_crash_after_the_address_was_given_loses_nothing() {
    always(
        List.of(Answer.STORES),
        (scene, moment) -> {
          MemoryStore store = scene.store();
          Node process = Node.of(scene.world, store, scene.upstream, scene.random);
          Run run = scene.call(process);
          scene.follow(process, run);
          scene.at(
              process,
              moment,
              () ->
                  scene.keep(
                      run,
                      () -> {
                        if (scene.isKept()) {
                          store.die(0);
                          process.loop.die();
                        }
                      }));
          scene.world.pass(Duration.ofSeconds(2));
          if (!scene.isKept()) {
            return;
          }
          var upstream = new ScriptedUpstream();
          Node next = Node.of(scene.world, scene.store(), upstream, scene.random);
          scene.world.pass(Duration.ofSeconds(5));
          if (Objects.requireNonNull(scene.disk.run(run.id())).endedAt() == 0) {
            assertThat(upstream.calls()).hasSize(1);
            next.loop.on(() -> answer(upstream.last()));
            scene.world.pass(Duration.ofSeconds(5));
          }
          isWhole(Objects.requireNonNull(next.found(run.id())));
        });
  }

  @Test
  void both_who_ask_for_the_same_run_are_answered_alike() {
    always(
        List.of(Answer.STORES, Answer.REFUSES, Answer.STORES_TWICE),
        (scene, moment) -> {
          Node process = Node.of(scene.world, scene.store(), scene.upstream, scene.random);
          Run run = scene.call(process);
          scene.follow(process, run);
          scene.at(
              process,
              moment,
              () -> {
                scene.keep(run);
                scene.keep(run);
              });
          scene.world.pass(Duration.ofSeconds(5));
          boolean stored = scene.disk.run(run.id()) != null;
          assertThat(scene.answers)
              .hasSize(2)
              .allSatisfy(it -> assertThat(it == null).isEqualTo(stored));
          isWhole(run);
        });
  }
}
