package dev.meanwhile.server.route;

import static dev.meanwhile.server.route.Pulse.event;

import dev.meanwhile.openai.JsonText;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.view.Feed;
import dev.meanwhile.view.Feeds;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A channel as a stream of events: `status`, `reset`, `ping`. Every event has an id from which to
/// go on.
final class FeedEvents implements Feed.Sink {
  private static final Pattern ID = Pattern.compile("([0-9A-Za-z]{1,64})\\.(\\d{1,18})");
  private static final String BEGINNING = "0";

  /// Of no channel's life, so that its reader is told to begin again.
  private static final Mark UNKNOWN = new Mark("", Long.MAX_VALUE);

  private final HttpServerResponse response;
  private final Feed feed;
  private final Pulse pulse;

  /// @param after the id of what was seen, or null
  FeedEvents(
      Loop loop,
      Feeds feeds,
      HttpServerResponse response,
      Channel channel,
      @Nullable String after) {
    this.response = response;
    this.feed = new Feed(feeds, channel, mark(after), this);
    this.pulse = new Pulse(loop, response, () -> id(feed.mark()), this::gone);
  }

  private static Mark mark(@Nullable String id) {
    if (id == null || id.isEmpty() || id.equals(BEGINNING)) {
      return Mark.BEGINNING;
    }
    Matcher matcher = ID.matcher(id);
    return matcher.matches()
        ? new Mark(matcher.group(1), Long.parseLong(matcher.group(2)))
        : UNKNOWN;
  }

  private static String id(Mark mark) {
    return mark.isBeginning() ? BEGINNING : mark.born() + "." + mark.number();
  }

  void begin() {
    response.drainHandler(_ -> feed.resume());
    pulse.begin();
    feed.begin();
    if (response.closed()) {
      gone();
    }
  }

  @Override
  public void reset() {
    pulse.write(event("reset", BEGINNING, "{}"));
  }

  @Override
  public boolean entries(Mark from, List<Entry> entries) {
    var out = Buffer.buffer();
    for (Entry entry : entries) {
      out.appendBuffer(event("status", id(from.at(entry.number())), data(entry)));
    }
    pulse.write(out);
    return !response.writeQueueFull();
  }

  private static String data(Entry entry) {
    return "{\"run\":"
        + JsonText.quoted(entry.run())
        + ",\"title\":"
        + JsonText.quoted(entry.title())
        + ",\"status\":"
        + JsonText.quoted(entry.status())
        + ",\"created_at\":"
        + entry.createdAt() / 1_000
        + ",\"completed_at\":"
        + (entry.endedAt() == 0 ? "null" : entry.endedAt() / 1_000)
        + ",\"late\":"
        + entry.late()
        + "}";
  }

  @Override
  public void over() {
    pulse.stop();
    if (!response.ended() && !response.closed()) {
      response.end();
    }
  }

  private void gone() {
    pulse.stop();
    feed.stop();
  }
}
