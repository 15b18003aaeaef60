package dev.meanwhile.view;

import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.labelled;
import static dev.meanwhile.testkit.StoreSamples.requeued;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.MemoryStore;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// Whatever happens to runs, connections and the store: no reader misses or repeats anything.
class FeedTest {
  private static final int HISTORIES = 3_000;

  @Test
  void no_gap_and_no_duplicate() {
    Seeds.check(HISTORIES, random -> new History(random).run());
  }

  @Test
  void readers_that_are_equally_far_are_one_question() {
    var world = new VirtualWorld(new SplittableRandom(1));
    var registry = new Feeds.Registry();
    var questions = new AtomicInteger();
    var store = new MemoryStore(new MemoryStore.Disk(), "a", schedule(world));
    store.open(listener(registry));
    var loop = world.loop();
    var feeds = new Feeds(registry, counting(store, questions), loop);
    var told = new AtomicInteger();
    for (int i = 0; i < 1_000; i++) {
      loop.on(() ->
          new Feed(
                  feeds,
                  new Channel("shop", "c"),
                  Mark.BEGINNING,
                  new Feed.Sink() {
                    @Override
                    public void reset() {}

                    @Override
                    public boolean entries(Mark from, List<Entry> entries) {
                      told.addAndGet(entries.size());
                      return true;
                    }

                    @Override
                    public void over() {}
                  })
              .begin());
    }
    world.pass(Duration.ofSeconds(1));
    int before = questions.get();
    assertThat(before).isLessThan(5);
    store.write(labelled("x", "other"), _ -> {});
    world.pass(Duration.ofSeconds(1));
    assertThat(questions).as("another channel is no question").hasValue(before);
    store.write(labelled("a", "c"), _ -> {});
    world.pass(Duration.ofSeconds(1));
    assertThat(told).hasValue(1_000);
    assertThat(questions.get() - before).isLessThan(5);
    assertThat(world.pending()).as("nothing is polled").isZero();
  }

  @Test
  void ends_when_the_server_stops_and_so_does_what_begins_then() {
    var world = new VirtualWorld(new SplittableRandom(1));
    var registry = new Feeds.Registry();
    var store = new MemoryStore(new MemoryStore.Disk(), "a", schedule(world));
    store.open(listener(registry));
    var loop = world.loop();
    var feeds = new Feeds(registry, store, loop);
    var reader = new Reader(feeds, "c", new SplittableRandom(1), world);
    loop.on(reader::connect);
    world.pass(Duration.ofSeconds(1));
    feeds.stop();
    world.pass(Duration.ofSeconds(1));
    assertThat(reader.ends).isEqualTo(1);
    loop.on(reader::connect);
    assertThat(reader.ends).isEqualTo(2);
  }

  private static MemoryStore.Schedule schedule(VirtualWorld world) {
    return step -> world.later(world.some(Duration.ofMillis(20)), step);
  }

  private static Store counting(Store store, AtomicInteger questions) {
    return (Store)
        java.lang.reflect.Proxy.newProxyInstance(
            Store.class.getClassLoader(),
            new Class<?>[] {Store.class},
            (_, method, arguments) -> {
              questions.incrementAndGet();
              return method.invoke(store, arguments);
            });
  }

  private static Store.Listener listener(Feeds.Registry registry) {
    return new Store.Listener() {
      @Override
      public void purged(List<Purge> purges, long last) {}

      @Override
      public void cancelRequested(String run) {}

      @Override
      public void leaseLost() {}

      @Override
      public void claimable() {}

      @Override
      public void lines() {}

      @Override
      public void due() {}

      @Override
      public void changed(Collection<Channel> channels) {
        registry.changed(channels);
      }
    };
  }

  /// One reader of a channel, whose connection is cut now and then, after any event.
  private static final class Reader implements Feed.Sink {
    private final Feeds feeds;
    private final Channel channel;
    private final SplittableRandom random;
    private final VirtualWorld world;
    private Feed feed;

    /// The last id that came through, and what it knows.
    private Mark seen = Mark.BEGINNING;

    private final Map<String, String> states = new LinkedHashMap<>();
    private final Set<Mark> ids = new HashSet<>();
    private int resets;
    private int ends;
    private boolean calm;

    Reader(Feeds feeds, String channel, SplittableRandom random, VirtualWorld world) {
      this.feeds = feeds;
      this.channel = new Channel("shop", channel);
      this.random = random;
      this.world = world;
      this.feed = new Feed(feeds, this.channel, seen, this);
    }

    void connect() {
      feed.stop();
      feed = new Feed(feeds, channel, seen, this);
      feed.begin();
    }

    @Override
    public void reset() {
      seen = Mark.BEGINNING;
      states.clear();
      ids.clear();
      resets++;
    }

    @Override
    public boolean entries(Mark from, List<Entry> entries) {
      int through = calm || random.nextInt(3) > 0 ? entries.size() : random.nextInt(entries.size());
      for (Entry each : entries.subList(0, through)) {
        Mark id = from.at(each.number());
        assertThat(ids.add(id)).as("%s came twice", id).isTrue();
        assertThat(id.number()).isGreaterThan(seen.number());
        states.put(each.run(), each.status());
        seen = id;
      }
      if (through < entries.size()) {
        connect();
        return true;
      }
      if (!calm && random.nextInt(3) == 0) {
        Feed full = feed;
        world.later(world.some(Duration.ofSeconds(1)), full::resume);
        return false;
      }
      return true;
    }

    @Override
    public void over() {
      ends++;
    }
  }

  private static final class History {
    private final SplittableRandom random;
    private final VirtualWorld world;
    private final MemoryStore.Disk disk = new MemoryStore.Disk();
    private final MemoryStore store;
    private final List<Reader> readers = new ArrayList<>();
    private final VirtualWorld.Loop loop;
    private final Map<String, String> logs = new HashMap<>();
    private boolean erases;

    History(SplittableRandom random) {
      this.random = random;
      this.world = new VirtualWorld(random);
      this.store = new MemoryStore(disk, "a", schedule(world));
      this.loop = world.loop();
      var registry = new Feeds.Registry();
      store.open(listener(registry));
      var feeds = new Feeds(registry, store, loop);
      this.erases = random.nextInt(3) == 0;
      for (int i = 1 + random.nextInt(4); i > 0; i--) {
        readers.add(new Reader(feeds, "c" + random.nextInt(2), random, world));
      }
    }

    void run() {
      readers.forEach(reader -> loop.on(reader::connect));
      for (int step = random.nextInt(60); step > 0; step--) {
        world.pass(world.some(Duration.ofMillis(100)));
        switch (random.nextInt(10)) {
          case 0 -> loop.on(readers.get(random.nextInt(readers.size()))::connect);
          case 1 -> store.unreadable(random.nextBoolean());
          default -> change();
        }
      }
      store.unreadable(false);
      readers.forEach(reader -> reader.calm = true);
      world.pass(Duration.ofMinutes(1));
      for (Reader reader : readers) {
        var now = new LinkedHashMap<String, String>();
        disk.runs().stream()
            .map(disk::run)
            .filter(run -> run != null && reader.channel.name().equals(logs.get(run.id())))
            .forEach(run -> now.put(run.id(), run.status()));
        // What was erased it may know, until it is told to begin again.
        reader.states.keySet().removeIf(run -> disk.run(run) == null);
        assertThat(reader.states).isEqualTo(now);
        assertThat(erases || reader.resets == 0).as("%d resets", reader.resets).isTrue();
      }
    }

    private void change() {
      String name = "r" + random.nextInt(8);
      Change change =
          switch (random.nextInt(erases ? 6 : 5)) {
            case 0, 1 -> {
              String channel = "c" + random.nextInt(2);
              if (logs.putIfAbsent("run_" + name, channel) != null) {
                yield started(name, 1);
              }
              yield labelled(name, channel);
            }
            case 2 -> started(name, 1);
            case 3 -> requeued(name, 1, 0);
            case 4 -> completed(name, 1, 5_000);
            default -> new Change.Erased("run_" + name);
          };
      store.write(change, _ -> {});
    }
  }
}
