package dev.meanwhile.store;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Where answers outlive the process that are kept to be given again, and where nodes share them.
/// Asynchronous and thread-safe as [Store]. Nothing that is kept here is a promise: what is lost is
/// made again.
///
/// **Purges.** Each has a number, and whoever has heard of a number can have heard of all lower
/// ones. An answer is good only while nothing that it is has been purged with a number above its
/// stamp, which is the highest number that its node had been told of when it was asked. So what was
/// asked before a purge is never given after it, whenever and wherever it ends.
public interface AnswerStore {
  /// The answer to what has this key, if it is of any use at `now` and has not been purged; else
  /// null.
  ///
  /// @param now in milliseconds since 1970
  void answer(byte[] key, long now, Store.Reply<@Nullable StoredAnswer> reply);

  /// Keeps an answer, unless one is there that [StoredAnswer#replaces] it. Whoever had the right to
  /// make it gives that up. In trouble it is refused at once.
  void keep(StoredAnswer answer, Consumer<Outcome> done);

  /// Purges a tag, or one key. The listener is told before this is answered; so are, within a
  /// second, those of other nodes.
  ///
  /// @param what a tag, or [Purge#ofKey]
  /// @param done is told [Outcome.Stored] when it would survive a loss of power
  void purge(String what, Consumer<Outcome> done);

  /// Takes the right to make the answer of a key, so that of all nodes one does: for a time, or
  /// until the answer is there. Without other nodes it is always given, and nothing is written.
  ///
  /// @param time by the store's clock
  /// @param reply whether it is this node's now
  void lease(byte[] key, Duration time, Store.Reply<Boolean> reply);

  /// Forgets what a run made, as if its key had been purged.
  void erase(String run, Consumer<Outcome> done);

  /// Whether other nodes may give what is kept here, at the same time.
  boolean sharesAnswers();

  /// Whether this node has heard lately of what others have purged. If not, it must not give what
  /// it has in memory.
  boolean hears();

  /// Hears of purges.
  interface PurgeListener {
    /// These were purged, on whatever node. May come twice.
    ///
    /// @param last all purges up to this number were committed before: the stamp of logs that begin
    ///   from now on
    void purged(List<Purge> purges, long last);
  }
}
