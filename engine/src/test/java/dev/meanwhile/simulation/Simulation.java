package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.MemoryStore.Commit;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.view.Follow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One random history of up to two nodes with one store: callers come, leave, come back and cancel;
/// processes crash, stop, and lose their lease; the database and the AI API have bad days. In the
/// end all is well again, and everything that was promised is looked at.
final class Simulation {
  static final Clocks CLOCKS =
      new Clocks(
          Duration.ofSeconds(5),
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofMinutes(2));
  private static final Failure NONE = new Failure(500, "none", "");

  /// A run that a caller was told of.
  private record Known(String id, String tenant, String prompt) {}

  private final SplittableRandom random;
  private final VirtualWorld world;
  private final MemoryStore.Disk disk = new MemoryStore.Disk();
  private final Api api;
  private final Map<String, @Nullable Life> nodes = new LinkedHashMap<>();
  private final Map<String, Integer> lives = new HashMap<>();
  private final List<String> told = new ArrayList<>();

  private final Map<String, Known> known = new LinkedHashMap<>();
  private final Set<String> promised = new HashSet<>();
  private final Set<String> erased = new HashSet<>();

  /// How each run ended for the first that saw it, and who that was.
  private final Map<String, String> endings = new HashMap<>();

  private final Map<String, Run> open = new LinkedHashMap<>();
  private final List<Follow> followers = new ArrayList<>();

  /// Of runs that were to be stopped: how many attempts their log had had when the store knew.
  private final Map<String, Integer> stopped = new HashMap<>();

  /// Which prompts are of requests that are the same.
  private final Map<String, Integer> alike = new HashMap<>();

  private boolean flaky;
  private boolean slow;
  private final boolean crowded;
  private int prompts;

  Simulation(SplittableRandom random) {
    this.random = random;
    this.world = new VirtualWorld(random);
    this.api = new Api(world, random, Seeds.pick(random, 0.0, 0.2, 0.6));
    this.flaky = random.nextInt(3) == 0;
    this.slow = random.nextInt(3) == 0;
    this.crowded = random.nextInt(3) == 0;
    nodes.put("a", null);
    if (random.nextInt(3) == 0) {
      nodes.put("b", null);
    }
  }

  private final MemoryStore.Schedule schedule =
      new MemoryStore.Schedule() {
        @Override
        public void later(Runnable step) {
          world.later(world.some(slow ? Duration.ofSeconds(3) : Duration.ofMillis(8)), step);
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

  void run() {
    try {
      nodes.keySet().forEach(this::start);
      for (int left = 5 + random.nextInt(60); left > 0; left--) {
        world.pass(world.some(Duration.ofMillis(crowded && random.nextInt(8) > 0 ? 200 : 4_000)));
        next();
      }
      heal();
      check();
    } catch (RuntimeException | Error e) {
      String end = "\n  ";
      throw new AssertionError(e + "\nHistory:" + end + String.join(end, told), e);
    }
  }

  /// How often what happened.
  Map<String, Integer> tally() {
    return disk.tally();
  }

  private void note(String what) {
    told.add("%.3f s: %s".formatted((world.nanos() - 1_000_000_000L) / 1e9, what));
  }

  // What happens.

  private void next() {
    Life life = anyLife();
    switch (crowded && random.nextInt(3) == 0 ? 4 + random.nextInt(11) : random.nextInt(22)) {
      case 0, 1, 2, 3 -> submitBackground(life);
      case 4, 5 -> {
        for (int left = crowded ? 3 : 1; left > 0; left--) {
          submitPlain(life);
        }
      }
      case 6 -> submitPromised(life);
      case 7, 8 -> keep();
      case 9 -> leave();
      case 10, 11 -> find(life, true);
      case 12 -> find(life, false);
      case 13, 14 -> cancel(life);
      case 15 -> crash(life);
      case 16 -> loseLease(life);
      case 17 -> trouble(life);
      case 18 -> stop(life);
      case 19 -> erase(life);
      case 20 -> foreign(life);
      default -> world.pass(Duration.ofSeconds(random.nextInt(20)));
    }
  }

  private @Nullable Life anyLife() {
    var names = List.copyOf(nodes.keySet());
    return nodes.get(names.get(random.nextInt(names.size())));
  }

  private void start(String node) {
    Life before = nodes.get(node);
    if (before == null || before.isOver()) {
      int number = lives.merge(node, 1, Integer::sum);
      var life = new Life(world, random, disk, schedule, api, node, number, this::called);
      nodes.put(node, life);
      note(life + " starts");
    }
  }

  private void crash(@Nullable Life life) {
    if (life != null && !life.isOver()) {
      note(life + " crashes");
      life.crash(random.nextInt(3));
      world.later(world.some(Duration.ofSeconds(30)), () -> start(life.node));
    }
  }

  private void stop(@Nullable Life life) {
    if (life != null && !life.isOver() && !life.isStopping()) {
      note(life + " stops");
      life.stop(
          world.some(Duration.ofSeconds(20)),
          () -> {
            note(life + " has stopped");
            start(life.node);
          });
    }
  }

  private void loseLease(@Nullable Life life) {
    if (life != null && !life.isOver()) {
      note(life + " loses its lease");
      life.loseLease();
    }
  }

  private void trouble(@Nullable Life life) {
    if (life == null || life.isOver()) {
      return;
    }
    boolean reads = random.nextBoolean();
    note(life + (reads ? " cannot read" : " cannot write"));
    if (reads) {
      life.store.unreadable(true);
    } else {
      life.store.trouble("the disk is full");
    }
    world.later(
        world.some(Duration.ofSeconds(20)),
        () -> {
          life.store.unreadable(false);
          life.store.trouble(null);
        });
  }

  private void on(@Nullable Life life, Consumer<Dispatcher> task) {
    if (life != null && !life.isOver()) {
      int loop = random.nextInt(life.loops.size());
      life.loops.get(loop).on(() -> task.accept(life.dispatchers.get(loop)));
    }
  }

  // Callers.

  private Submission submission(
      String prompt, boolean streamed, @Nullable Key same, Submission.@Nullable Promise promise) {
    String tenant = Seeds.pick(random, "shop", "shop", "bank");
    boolean expires = promise != null && random.nextInt(6) == 0;
    return new Submission(
        new Run.About(
            tenant,
            "chat",
            "up",
            "m",
            streamed,
            false,
            false,
            null,
            false,
            null,
            expires ? Seeds.pick(random, 1_000, 20_000, 300_000) : 0),
        new Request("up", "chat", "/chat/completions", List.of(), prompt.getBytes(UTF_8), streamed),
        true,
        CLOCKS,
        Seeds.pick(random, OnLeave.values()),
        Duration.ofSeconds(random.nextInt(5)),
        null,
        false,
        same,
        false,
        null,
        random.nextInt(4) == 0 ? new Key(9, random.nextInt(3), 0, 0) : null,
        expires,
        promise);
  }

  private String prompt() {
    return "p" + ++prompts;
  }

  private @Nullable IdempotencyEntry key() {
    if (random.nextBoolean()) {
      return null;
    }
    byte[] key = {(byte) random.nextInt(5)};
    return new IdempotencyEntry(key, key);
  }

  private void submitBackground(@Nullable Life life) {
    long deadline = world.millis() + Seeds.pick(random, 30_000, 600_000, 1_800_000);
    promise(
        life,
        new Submission.Promise(true, random.nextInt(4), deadline, key()),
        random.nextBoolean());
  }

  private void submitPromised(@Nullable Life life) {
    promise(life, new Submission.Promise(false, 0, 0, key()), random.nextBoolean());
  }

  private void promise(@Nullable Life life, Submission.Promise promise, boolean streamed) {
    String prompt = prompt();
    on(
        life,
        dispatcher ->
            dispatcher.accept(
                submission(prompt, streamed, null, promise),
                new Dispatcher.Answer() {
                  @Override
                  public void accepted(Run run) {
                    note("%s promises %s of %s".formatted(life, run.id(), prompt));
                    assertThat(disk.run(run.id())).as("accepted and stored").isNotNull();
                    learn(run, prompt);
                    promised.add(run.id());
                    if (!promise.background() || random.nextInt(3) == 0) {
                      follow(Objects.requireNonNull(life), run);
                    }
                  }

                  @Override
                  public void refused(Failure failure) {
                    note("%s refuses %s: %s".formatted(life, prompt, failure.code()));
                  }

                  @Override
                  public void held(IdempotencyEntry.Held holder) {
                    note("the key of %s is held by %s".formatted(prompt, holder.run()));
                  }
                }));
  }

  private void submitPlain(@Nullable Life life) {
    String prompt = prompt();
    int same = crowded ? random.nextInt(2) : random.nextInt(6);
    if (same < 2) {
      alike.put(prompt, same);
    }
    on(
        life,
        dispatcher ->
            dispatcher.accept(
                submission(
                    prompt, random.nextBoolean(), same < 2 ? new Key(same, 0, 0, 0) : null, null),
                new Dispatcher.Answer() {
                  @Override
                  public void accepted(Run run) {
                    note("%s begins %s of %s".formatted(life, run.id(), prompt));
                    learn(run, prompt);
                    open.put(run.id(), run);
                    follow(Objects.requireNonNull(life), run);
                  }

                  @Override
                  public void refused(Failure failure) {
                    note("%s refuses %s: %s".formatted(life, prompt, failure.code()));
                  }
                }));
  }

  private void learn(Run run, String prompt) {
    known.put(run.id(), new Known(run.id(), run.about().tenant(), prompt));
  }

  /// A caller's budget runs out.
  private void keep() {
    if (open.isEmpty()) {
      return;
    }
    Run run = latest(List.copyOf(open.values()));
    note("to be kept: " + run.id());
    run.keep(trouble -> {
      note("%s is kept: %s".formatted(run.id(), trouble));
      disk.tally().merge(trouble == null ? "kept" : "not kept", 1, Integer::sum);
      StoredRun stored = disk.run(run.id());
      if (trouble == null && !erased.contains(run.id())) {
        assertThat(stored).as("kept and stored").isNotNull();
        promised.add(run.id());
      } else if (run.terminal() == null) {
        assertThat(stored).as("not kept and not stored").isNull();
      }
    });
  }

  private void leave() {
    if (!followers.isEmpty()) {
      followers.remove(random.nextInt(followers.size())).stop();
    }
  }

  private @Nullable Known anyKnown() {
    return known.isEmpty() ? null : latest(List.copyOf(known.values()));
  }

  /// One of them, more often one of the last.
  private <T> T latest(List<T> all) {
    int size = all.size();
    return all.get(size - 1 - random.nextInt(random.nextBoolean() ? size : Math.min(size, 4)));
  }

  private void find(@Nullable Life life, boolean stay) {
    Known wanted = anyKnown();
    if (wanted != null) {
      find(
          life,
          wanted,
          run -> {
            if (run.terminal() != null) {
              ended(life, run);
            } else if (stay) {
              follow(Objects.requireNonNull(life), run);
            }
          });
    }
  }

  private void find(@Nullable Life life, Known wanted, Consumer<Run> found) {
    boolean mustBeThere = promised.contains(wanted.id) && !wanted.tenant.equals("thief");
    on(
        life,
        dispatcher ->
            dispatcher.find(
                wanted.id,
                wanted.tenant,
                new Store.Reply<@Nullable Run>() {
                  @Override
                  public void is(@Nullable Run run) {
                    if (run != null) {
                      found.accept(run);
                    } else if (mustBeThere) {
                      assertThat(erased).as("lost, if they are not erased").contains(wanted.id);
                    }
                  }

                  @Override
                  public void failed(String trouble) {
                    note("%s cannot say what %s is: %s".formatted(life, wanted.id, trouble));
                  }
                }));
  }

  private void foreign(@Nullable Life life) {
    Known wanted = anyKnown();
    if (wanted != null) {
      find(
          life,
          new Known(wanted.id, "thief", ""),
          run -> {
            throw new AssertionError("shown to another tenant: " + run.id());
          });
    }
  }

  private void cancel(@Nullable Life life) {
    Known wanted = anyKnown();
    if (wanted != null) {
      find(
          life,
          wanted,
          run -> {
            note("%s cancels %s".formatted(life, run.id()));
            run.cancel(Terminal.CANCELLED);
            if (random.nextInt(4) == 0) {
              run.cancel(Terminal.CANCELLED);
            }
          });
    }
  }

  private void erase(@Nullable Life life) {
    Known wanted = anyKnown();
    if (wanted != null) {
      find(
          life,
          wanted,
          run -> {
            if (run.terminal() != null && !isMoved(run)) {
              note("%s erases %s".formatted(life, run.id()));
              erased.add(run.id());
              on(life, dispatcher -> dispatcher.erase(run, _ -> {}));
            }
          });
    }
  }

  private void follow(Life life, Run run) {
    if (life.isOver()) {
      return;
    }
    VirtualWorld.Loop loop = life.loops.get(random.nextInt(life.loops.size()));
    var seen = new StringBuilder();
    var follow =
        new Follow(
            run,
            0,
            loop,
            new Follow.Sink() {
              @Override
              public boolean events(LogReader log, int from, int to) {
                seen.append(text(log, from, to));
                return true;
              }

              @Override
              public void ended(Terminal terminal) {
                assertThat(seen.toString())
                    .as("what was followed of %s", run.id())
                    .startsWith(text(run, 0, run.end()));
                Simulation.this.ended(life, run);
              }
            });
    followers.add(follow);
    loop.on(follow::begin);
  }

  private static String text(LogReader log, int from, int to) {
    return new String(log.bytes(from, to), UTF_8);
  }

  /// Whether this is no end, but word that the run is elsewhere or nowhere.
  private static boolean isMoved(Run run) {
    Terminal terminal = Objects.requireNonNull(run.terminal());
    String code = Objects.requireNonNullElse(terminal.failure(), NONE).code();
    return code.equals("run_moved") || code.equals("run_erased");
  }

  /// Somebody sees the end of a run: it is the same for all.
  private void ended(@Nullable Life life, Run run) {
    if (isMoved(run)) {
      return;
    }
    Terminal terminal = Objects.requireNonNull(run.terminal());
    var kinds = new StringBuilder();
    for (int i = 0; i < run.end(); i++) {
      kinds.append(run.kind(i)).append(' ').append(run.micros(i)).append(' ');
    }
    String ending =
        "%s at %d, attempt %d, from %d: %s %s"
            .formatted(
                terminal,
                run.endedAt(),
                run.isCut() ? 0 : run.attempt(),
                run.start(),
                text(run, 0, run.end()),
                kinds);
    String before = endings.putIfAbsent(run.id(), ending);
    if (before == null) {
      Failure why = terminal.failure();
      note(
          "%s shows that %s ended: %s"
              .formatted(life, run.id(), why == null ? terminal.status() : why.code()));
      disk.tally().merge(why == null ? terminal.status().word() : why.code(), 1, Integer::sum);
    } else {
      assertThat(ending).as("the end of %s as %s has it", run.id(), life).isEqualTo(before);
    }
  }

  // What is always true.

  private void called(Api.Exchange exchange) {
    note("calls " + exchange);
    if (exchange.isExcused()) {
      return;
    }
    if (alike.containsKey(exchange.prompt) && exchange.isUnderWayAt(exchange.life)) {
      assertThat(
              alike.keySet().stream()
                  .filter(it -> Objects.equals(alike.get(it), alike.get(exchange.prompt)))
                  .flatMap(it -> api.calls(it).stream())
                  .filter(it -> it.isUnderWayAt(exchange.life)))
          .as("calls for the same that are under way beside %s", exchange)
          .isEmpty();
    }
    List<Api.Exchange> before = api.calls(exchange.prompt);
    assertThat(before)
        .as("calls before one more of %s", exchange)
        .allMatch(Api.Exchange::mayBeRepeated);
    for (Known each : known.values()) {
      StoredRun stored = each.prompt.equals(exchange.prompt) ? disk.run(each.id) : null;
      if (stored != null && promised.contains(each.id)) {
        assertThat(stored.log().endedAt()).as("it has not ended: %s", exchange).isZero();
        assertThat(stored.log().lost()).as("lost before %s", exchange).isLessThan(3);
        if (stored.cancelRequested() && stored.cutAt() == 0) {
          int attempts = disk.attempts(stored.log().id());
          assertThat(attempts - stopped.computeIfAbsent(each.id, _ -> attempts))
              .as("attempts since %s was to be stopped", each.id)
              .isLessThanOrEqualTo(1);
        }
      }
    }
  }

  // The end.

  private void heal() {
    note("all is well");
    flaky = false;
    slow = false;
    api.heal();
    for (int i = 0; i < 600; i++) {
      nodes.forEach((node, life) -> {
        if (life != null && !life.isOver()) {
          life.store.trouble(null);
          life.store.unreadable(false);
        }
      });
      world.pass(Duration.ofSeconds(i < 60 ? 1 : 10));
      if (i > 35 && isOver()) {
        return;
      }
    }
    throw new AssertionError(
        "never over: "
            + promised.stream()
                .map(disk::run)
                .filter(it -> it != null && it.endedAt() == 0)
                .toList());
  }

  private boolean isOver() {
    return disk.unowned() == 0
        && disk.runs().stream().allMatch(it -> Objects.requireNonNull(disk.run(it)).endedAt() > 0)
        && nodes.values().stream()
            .allMatch(it -> it != null && !it.isOver() && it.engine.waitedFor() == 0);
  }

  private void check() {
    for (Known each : known.values()) {
      if (promised.contains(each.id) && !erased.contains(each.id)) {
        StoredRun stored = Objects.requireNonNull(disk.run(each.id), () -> "lost: " + each);
        assertThat((long) stored.log().lost())
            .as("attempts of %s that are counted as lost", each)
            .isLessThanOrEqualTo(
                known.values().stream()
                    .filter(other -> reads(other, stored.log().id()))
                    .flatMap(other -> api.calls(other.prompt).stream())
                    .filter(Api.Exchange::isExcused)
                    .count());
      }
    }
    // Somebody who was never there reads it all.
    start("z");
    Life reader = Objects.requireNonNull(nodes.get("z"));
    var seen = new HashSet<String>();
    for (Known each : known.values()) {
      if (promised.contains(each.id) && !erased.contains(each.id)) {
        find(
            reader,
            each,
            run -> {
              ended(reader, run);
              check(each, run);
              seen.add(each.id);
            });
      }
    }
    world.pass(Duration.ofSeconds(1));
    var all = new HashSet<>(promised);
    all.removeAll(erased);
    assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
    for (Life life : nodes.values()) {
      assertThat(Objects.requireNonNull(life).engine.background())
          .as("places that are taken at the upstream by nobody, of %s", life)
          .isZero();
    }
  }

  /// Whether a run reads this log; of one that the store does not know, nobody can say.
  private boolean reads(Known run, String log) {
    StoredRun stored = disk.run(run.id);
    return stored == null || stored.log().id().equals(log);
  }

  private void check(Known each, Run run) {
    Terminal terminal = Objects.requireNonNull(run.terminal(), () -> "not ended: " + each);
    int end = run.end();
    for (int i = 0; i < end; i++) {
      if (run.kind(i) == Kind.RESTARTED) {
        assertThat(run.start()).isGreaterThan(i);
      }
    }
    if (terminal.status() == Status.COMPLETED) {
      String text = text(run, run.start(), end);
      String prompt = text.substring(0, text.indexOf('/'));
      assertThat(api.calls(prompt).stream().filter(Api.Exchange::completed))
          .as("the whole answer of one call for %s", each)
          .extracting(call -> String.join("", call.said))
          .contains(text);
    }
  }
}
