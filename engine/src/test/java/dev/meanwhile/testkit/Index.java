package dev.meanwhile.testkit;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.StoredRun;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Channels and their entries as maps: that part of a store which every one of the tests' own has.
public final class Index {
  private static final class Numbers {
    private final String born;
    private long last;
    private long head;

    Numbers(String born) {
      this.born = born;
    }
  }

  private record Placed(Channel channel, Entry entry, Change.Accept by) {}

  private final Map<Channel, Numbers> channels = new HashMap<>();
  private final Map<String, Placed> entries = new HashMap<>();

  /// A run was accepted: it is told of from now on.
  public void accepted(Change.Accept by) {
    StoredRun run = by.run();
    Label label = by.label();
    if (label == null) {
      return;
    }
    var channel = new Channel(run.tenant(), label.channel());
    channels.computeIfAbsent(channel, _ -> new Numbers(run.id().substring(4)));
    entries.putIfAbsent(
        run.id(),
        new Placed(
            channel, new Entry(0, run.id(), label.title(), "", run.createdAt(), 0, false), by));
  }

  /// The state of a run may have changed.
  ///
  /// @return where there is more now, or null
  public @Nullable Channel touched(StoredRun run) {
    Placed is = entries.get(run.id());
    if (is == null || is.entry.status().equals(run.status())) {
      return null;
    }
    long number = ++Objects.requireNonNull(channels.get(is.channel)).last;
    Entry was = is.entry;
    var now =
        new Entry(
            number,
            was.run(),
            was.title(),
            run.status(),
            was.createdAt(),
            run.endedAt(),
            is.by.isLate(run.endedAt()));
    entries.put(run.id(), new Placed(is.channel, now, is.by));
    return is.channel;
  }

  /// A run is gone.
  public void forget(String run) {
    Placed gone = entries.remove(run);
    if (gone == null) {
      return;
    }
    Numbers numbers = Objects.requireNonNull(channels.get(gone.channel));
    numbers.head = Math.max(numbers.head, gone.entry.number());
    if (entries.values().stream().noneMatch(it -> it.channel.equals(gone.channel))) {
      channels.remove(gone.channel);
    }
  }

  /// Every run that is told of.
  public List<String> runs() {
    return List.copyOf(entries.keySet());
  }

  public Entries entries(Channel channel, Mark after, int most) {
    Numbers numbers = channels.get(channel);
    if (numbers == null) {
      return Entries.none(after);
    }
    boolean good = after.isGood(numbers.born, numbers.head, numbers.last);
    var from = new Mark(numbers.born, good ? after.number() : 0);
    return new Entries(
        !good,
        from,
        entries.values().stream()
            .filter(it -> it.channel.equals(channel) && it.entry.number() > from.number())
            .map(Placed::entry)
            .sorted(Comparator.comparingLong(Entry::number))
            .limit(most)
            .toList());
  }
}
