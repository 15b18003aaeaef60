package dev.meanwhile.view;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Store;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// The open feeds of one loop, by their channels. Those that have come equally far are answered by
/// one question to the store; those whose channel is quiet ask nothing. Only on the loop, apart
/// from what [Registry] says.
public final class Feeds {
  /// How many entries are read at once.
  private static final int MOST = 100;

  /// When a store that did not answer is asked again.
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /// Which loops have feeds of which channels: shared by all. Thread-safe.
  public static final class Registry {
    private final Map<Channel, Set<Feeds>> loops = new ConcurrentHashMap<>();

    /// Something has changed in these channels. On any thread.
    public void changed(Collection<Channel> channels) {
      for (Channel channel : channels) {
        for (Feeds each : loops.getOrDefault(channel, Set.of())) {
          each.clock.execute(() -> each.wake(channel));
        }
      }
    }

    private void add(Channel channel, Feeds feeds) {
      loops.merge(
          channel,
          Set.of(feeds),
          (is, more) -> {
            var both = new HashSet<>(is);
            both.addAll(more);
            return Set.copyOf(both);
          });
    }

    private void remove(Channel channel, Feeds feeds) {
      loops.computeIfPresent(
          channel,
          (_, is) -> {
            var rest = new HashSet<>(is);
            rest.remove(feeds);
            return rest.isEmpty() ? null : Set.copyOf(rest);
          });
    }
  }

  private final Registry registry;
  private final Store store;
  private final Clock clock;
  private final Map<Channel, Set<Feed>> open = new HashMap<>();

  /// Who waits for the answer to which question, by channel and mark.
  private final Map<Channel, Map<Mark, List<Feed>>> asked = new HashMap<>();

  private boolean stopped;

  public Feeds(Registry registry, Store store, Clock clock) {
    this.registry = registry;
    this.store = store;
    this.clock = clock;
  }

  /// Ends all of them, and those that begin from now on. On any thread.
  public void stop() {
    clock.execute(() -> {
      stopped = true;
      for (Set<Feed> feeds : List.copyOf(open.values())) {
        List.copyOf(feeds).forEach(Feed::over);
      }
    });
  }

  boolean isStopped() {
    return stopped;
  }

  void enter(Feed feed) {
    open.computeIfAbsent(
            feed.channel(),
            channel -> {
              registry.add(channel, this);
              return new LinkedHashSet<>();
            })
        .add(feed);
  }

  void leave(Feed feed) {
    Set<Feed> others = open.get(feed.channel());
    if (others != null && others.remove(feed) && others.isEmpty()) {
      open.remove(feed.channel());
      registry.remove(feed.channel(), this);
    }
  }

  private void wake(Channel channel) {
    // What was asked before may be answered without this: whoever asks from now on asks anew.
    asked.remove(channel);
    Set<Feed> feeds = open.get(channel);
    if (feeds != null) {
      List.copyOf(feeds).forEach(Feed::wake);
    }
  }

  void ask(Feed feed) {
    Channel channel = feed.channel();
    Mark after = feed.mark();
    Map<Mark, List<Feed>> questions = asked.computeIfAbsent(channel, _ -> new HashMap<>(2));
    List<Feed> waiting = questions.get(after);
    if (waiting != null) {
      waiting.add(feed);
      return;
    }
    List<Feed> asking = new ArrayList<>(List.of(feed));
    questions.put(after, asking);
    store.entries(
        channel,
        after,
        MOST,
        new Store.Reply<>() {
          @Override
          public void is(Entries entries) {
            boolean more = entries.entries().size() == MOST;
            answered(it -> it.answered(entries, more));
          }

          @Override
          public void failed(String trouble) {
            answered(it -> clock.after(PAUSE, it::failed));
          }

          private void answered(Consumer<Feed> then) {
            clock.execute(() -> {
              forget(channel, after, asking);
              asking.forEach(then);
            });
          }
        });
  }

  @SuppressWarnings("ReferenceEquality") // this very question
  private void forget(Channel channel, Mark after, List<Feed> asking) {
    Map<Mark, List<Feed>> questions = asked.get(channel);
    if (questions != null && questions.get(after) == asking) {
      questions.remove(after);
      if (questions.isEmpty()) {
        asked.remove(channel);
      }
    }
  }
}
