package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/// Items that are committed together.
final class Group {
  private static final int MOST_ITEMS = 500;
  private static final long MOST_BYTES = 8 << 20;

  private final List<Item> items = new ArrayList<>();
  private final List<String> cancelled = new ArrayList<>();
  private long bytes;
  private boolean promise;
  private long number;
  private long node;
  private boolean inDoubt;
  private boolean due;
  private boolean lines;
  private final List<String> claimed = new ArrayList<>();
  private List<Channel> changed = List.of();
  private List<Purge> purged = List.of();

  void add(Item item) {
    items.add(item);
    bytes += item.bytes();
    promise |= item.isPromise();
  }

  boolean isFull() {
    return items.size() >= MOST_ITEMS || bytes >= MOST_BYTES;
  }

  boolean isEmpty() {
    return items.isEmpty();
  }

  List<Item> items() {
    return items;
  }

  boolean isPromise() {
    return promise;
  }

  long bytes() {
    return bytes;
  }

  /// It is about to be written under this number, by this epoch of the node.
  void begin(long asNumber, long byNode) {
    number = asNumber;
    node = byNode;
  }

  /// Its number, 0 before it was first tried.
  long number() {
    return number;
  }

  long node() {
    return node;
  }

  /// Whether it may have been committed.
  boolean inDoubt() {
    return inDoubt;
  }

  void inDoubt(boolean now) {
    inDoubt = now;
  }

  /// Writes all within the session's transaction.
  void apply(Session session, Database database) throws SQLException {
    cancelled.clear();
    claimed.clear();
    due = false;
    lines = false;
    var channels = new Channels(session, node, number);
    var answers = new Answers(session, database);
    var wave = new Wave(session, database, node, channels, answers);
    for (Item item : items) {
      switch (item) {
        case Item.Written written -> {
          if (isForeign(written)) {
            written.outcome(new Outcome.Fenced());
          } else {
            wave.add(written, cancelled);
          }
        }
        case Item.Job<?> job -> {
          wave.flush();
          job.run(session, this, channels);
          claimed.forEach(channels::touched);
        }
        case Item.Last _ -> {}
      }
    }
    wave.flush();
    purged = answers.end();
    changed = channels.number();
    due |= wave.due();
    lines |= wave.lines();
  }

  /// Its runs, if it is nothing but runs of this epoch that were accepted, with their logs and in
  /// no channel; else nothing.
  List<Change.Accept> accepts() {
    var accepts = new ArrayList<Change.Accept>();
    for (Item item : items) {
      if (item instanceof Item.Written written
          && written.node() == node
          && written.change() instanceof Change.Accept it
          && it.log() != null
          && it.label() == null) {
        accepts.add(it);
      } else {
        return List.of();
      }
    }
    return accepts;
  }

  /// All was written as it was given.
  void stored() {
    cancelled.clear();
    changed = List.of();
    purged = List.of();
    due = false;
    lines = false;
    for (Item item : items) {
      if (item instanceof Item.Written written) {
        written.outcome(new Outcome.Stored());
      }
    }
  }

  /// What was given in an earlier epoch of the node is fenced.
  private boolean isForeign(Item.Written written) {
    return written.node() != node && isOwners(written.change());
  }

  /// Whether only the log's owner may write it.
  static boolean isOwners(Change change) {
    return switch (change) {
      case Change.Accept _,
          Change.Started _,
          Change.Named _,
          Change.Checkpoint _,
          Change.Requeued _,
          Change.Ended _,
          Change.Cut _,
          Change.Released _,
          Change.Lines _,
          Change.Submitted _ ->
          true;
      case Change.CancelRequested _,
          Change.Erased _,
          Change.Dropped _,
          Change.Registered _,
          Change.Unregistered _,
          Change.Disabled _,
          Change.Scheduled _,
          Change.Tried _,
          Change.Kept _,
          Change.Purged _ ->
          false;
    };
  }

  /// Runs of this node that are to be stopped, told once it is committed.
  List<String> cancelled() {
    return cancelled;
  }

  /// Whether somebody is to be told of something, once it is committed.
  boolean due() {
    return due;
  }

  /// A job has found somebody to tell.
  void tellDue() {
    due = true;
  }

  /// Whether there may be lines of batches to take, once it is committed.
  boolean lines() {
    return lines;
  }

  /// A job has taken this log over.
  void claimed(String log) {
    claimed.add(log);
  }

  /// In which channels there is more, once it is committed.
  List<Channel> changed() {
    return changed;
  }

  /// What was purged, told once it is committed.
  List<Purge> purged() {
    return purged;
  }

  /// Takes the changes out that match.
  List<Item.Written> remove(Predicate<Change> which) {
    var removed = new ArrayList<Item.Written>();
    for (Item item : items) {
      if (item instanceof Item.Written written && which.test(written.change())) {
        removed.add(written);
      }
    }
    items.removeAll(removed);
    return removed;
  }

  /// The same, each alone.
  List<Group> split() {
    var groups = new ArrayList<Group>();
    for (Item item : items) {
      var alone = new Group();
      alone.add(item);
      groups.add(alone);
    }
    return groups;
  }
}
