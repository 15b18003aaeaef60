package dev.meanwhile.simulation;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Journal;
import dev.meanwhile.dispatch.Queue;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/// One process: an engine with its loops and its way to the store, from its start to its crash or
/// its stop.
final class Life {
  static final Duration DEADLINE = Duration.ofMinutes(30);

  private static final Duration LEASE = Duration.ofSeconds(10);

  final String node;
  final MemoryStore store;
  final Meanwhile engine;
  final List<VirtualWorld.Loop> loops = new ArrayList<>();
  final List<Dispatcher> dispatchers = new ArrayList<>();

  private final VirtualWorld world;
  private final Consumer<Api.Exchange> called;
  private final List<Api.Exchange> calls = new ArrayList<>();
  private final int number;
  private boolean over;
  private boolean stopping;

  Life(
      VirtualWorld world,
      SplittableRandom random,
      MemoryStore.Disk disk,
      MemoryStore.Schedule schedule,
      Api api,
      String node,
      int number,
      Consumer<Api.Exchange> called) {
    this.world = world;
    this.node = node;
    this.number = number;
    this.called = called;
    int loopCount = 1 + random.nextInt(2);
    int atOnce = 1 + random.nextInt(4);
    int most = random.nextInt(4) == 0 ? 3 : 1_000;
    int inMemory = Seeds.pick(random, 0, 1, 1_000);
    store = new MemoryStore(disk, node, schedule);
    engine =
        new Meanwhile(
            new Meanwhile.Settings(
                loopCount,
                1 << 20,
                1_000,
                Duration.ofMinutes(random.nextInt(3)).plusSeconds(1),
                1 << 20,
                1 << 20,
                Duration.ofMinutes(1),
                DEADLINE,
                _ -> new Queue(atOnce, most, inMemory)),
            store,
            new Journal() {
              @Override
              public void began(Run run) {}

              @Override
              public void ended(Run run, long firstContent, long total) {}
            },
            random::nextDouble);
    engine.open();
    for (int i = 0; i < loopCount; i++) {
      VirtualWorld.Loop loop = world.loop();
      loops.add(loop);
      dispatchers.add(engine.on(loop, api.seenBy(this, loop)));
    }
    engine.recover();
  }

  void calls(Api.Exchange exchange) {
    if (store.isFenced()) {
      exchange.excuse();
    }
    called.accept(exchange);
    calls.add(exchange);
  }

  boolean isOver() {
    return over;
  }

  boolean isStopping() {
    return stopping;
  }

  /// @param last how many changes it still writes
  void crash(int last) {
    over = true;
    excuse();
    store.die(last);
    loops.forEach(VirtualWorld.Loop::die);
    world.later(LEASE, store::expire);
  }

  void loseLease() {
    store.loseLease();
    excuseWhileOutOfTouch();
  }

  /// What it begins before it knows is of no use, and what it began before that too.
  private void excuseWhileOutOfTouch() {
    excuse();
    if (store.isFenced()) {
      world.later(Duration.ofMillis(20), this::excuseWhileOutOfTouch);
    } else {
      world.later(Duration.ofMillis(5), this::excuse);
    }
  }

  private void excuse() {
    calls.forEach(Api.Exchange::excuse);
  }

  /// Stops in good order, within `time`; `done` is run at the end.
  void stop(Duration time, Runnable done) {
    stopping = true;
    engine.stopAccepting();
    world.later(time.dividedBy(2), () -> alive(engine::stopAccepting));
    world.later(
        time,
        () ->
            alive(() -> {
              excuse();
              engine.stopAll(new Failure(503, "shutting_down", "It stops."));
              close(1_000, done);
            }));
  }

  private void alive(Runnable task) {
    if (!over) {
      task.run();
    }
  }

  private void close(int patience, Runnable done) {
    world.later(
        Duration.ofMillis(10),
        () ->
            alive(() -> {
              if (patience > 0 && !store.isIdle()) {
                close(patience - 1, done);
              } else {
                store.close();
                world.later(
                    Duration.ofMillis(100),
                    () -> {
                      over = true;
                      loops.forEach(VirtualWorld.Loop::die);
                      world.later(LEASE, store::expire);
                      done.run();
                    });
              }
            }));
  }

  @Override
  public String toString() {
    return node + number;
  }
}
