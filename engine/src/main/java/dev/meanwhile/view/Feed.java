package dev.meanwhile.view;

import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import java.util.List;

/// Tells one reader of the runs of a channel as their state changes, without an end. What it has
/// not been told is in the store: a slow reader costs one mark, and is told of where a run stands,
/// not of all states between. Everything happens on the reader's loop.
public final class Feed {
  private final Feeds feeds;
  private final Channel channel;
  private final Sink sink;
  private Mark mark;
  private boolean asking;
  private boolean again;
  private boolean full;
  private boolean over;

  /// @param after what was seen
  public Feed(Feeds feeds, Channel channel, Mark after, Sink sink) {
    this.feeds = feeds;
    this.channel = channel;
    this.mark = after;
    this.sink = sink;
  }

  public void begin() {
    if (feeds.isStopped()) {
      over();
      return;
    }
    // Before it asks, so that nothing changes unnoticed in between.
    feeds.enter(this);
    wake();
  }

  /// The sink has room again.
  public void resume() {
    full = false;
    askAgain();
  }

  /// The reader goes away; the sink hears nothing more. Idempotent.
  public void stop() {
    if (!over) {
      over = true;
      feeds.leave(this);
    }
  }

  /// How far it has come.
  public Mark mark() {
    return mark;
  }

  Channel channel() {
    return channel;
  }

  void wake() {
    again = true;
    askAgain();
  }

  private void askAgain() {
    if (again && !asking && !full && !over) {
      again = false;
      asking = true;
      feeds.ask(this);
    }
  }

  /// @param more whether there may be more than these
  void answered(Entries entries, boolean more) {
    asking = false;
    if (over) {
      return;
    }
    again |= more;
    if (entries.reset()) {
      mark = Mark.BEGINNING;
      sink.reset();
    }
    mark = entries.end();
    if (!entries.entries().isEmpty()) {
      full = !sink.entries(entries.from(), entries.entries());
    }
    askAgain();
  }

  /// The store did not answer a while ago.
  void failed() {
    asking = false;
    wake();
  }

  /// The server stops.
  void over() {
    stop();
    sink.over();
  }

  /// Where it is told.
  public interface Sink {
    /// What was seen before counts no more: some of it is gone. All that is there now follows.
    void reset();

    /// These runs have changed.
    ///
    /// @param from [Mark#at] the number of an entry is how far its reader has come
    /// @return false if no more should come before [Feed#resume]
    boolean entries(Mark from, List<Entry> entries);

    /// It ends here; its reader may come back at once.
    void over();
  }
}
