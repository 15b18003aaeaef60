package dev.meanwhile.openai;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.upstream.Upstream;
import org.jspecify.annotations.Nullable;

/// Turns the body of a streamed answer into events, and decides how it ended.
///
/// For each [#feed]: alive, the events, flush, and at the end of the log ended, which comes once.
/// Whatever follows the end is ignored. For one thread.
public final class AnswerStream {
  private static final String CUT =
      "the upstream's stream ended before its last event; the answer is not whole: "
          + "call again, and look at the upstream or a proxy before it if this comes often";

  private final Upstream.Listener out;
  private final int maxEvent;
  private final SseFramer framer;
  private final Events events = new Events();
  private final AnswerEvent event;
  private @Nullable Terminal terminal;
  private boolean ending;
  private boolean stopped;

  /// @param api the dialect of the answer
  /// @param out hears of events and of the end; not of connected and head
  /// @param maxEvent the most bytes of one event
  public AnswerStream(Api api, Upstream.Listener out, int maxEvent) {
    this.event = api == Api.RESPONSES ? new ResponsesEvent(out::named) : new ChatEvent();
    this.out = out;
    this.maxEvent = maxEvent;
    this.framer = new SseFramer(maxEvent);
  }

  /// Takes the next bytes of the body, which are the caller's again afterwards.
  public void feed(byte[] bytes, int offset, int length) {
    if (stopped) {
      return;
    }
    out.alive();
    framer.feed(bytes, offset, length, events);
    settle();
  }

  /// The upstream has ended its body cleanly, which need not mean that the answer is whole.
  public void end() {
    if (stopped) {
      return;
    }
    ending = true;
    framer.finish(events);
    if (terminal == null) {
      terminal = event.finished() ? event.terminal() : failed("upstream_cut", CUT);
    }
    settle();
  }

  /// Whether the answer is whole, and only the end of its body, or a mark, is still to come: some
  /// upstreams send one, others end the body.
  public boolean whole() {
    return !stopped && event.whole();
  }

  /// From now on the listener hears nothing more, not even of the slice that is being read.
  public void stop() {
    stopped = true;
  }

  /// Whether it has ended, so that nothing of the connection is needed any more.
  public boolean stopped() {
    return stopped;
  }

  private void settle() {
    if (stopped) {
      return;
    }
    out.flush();
    if (terminal != null && !stopped) {
      stopped = true;
      out.ended(terminal);
    }
  }

  private static Terminal failed(String code, String message) {
    return Terminal.failed(new Failure(502, code, message));
  }

  private static boolean isMark(byte[] data, int offset, int length) {
    return length >= 6
        && data[offset] == '['
        && data[offset + 1] == 'D'
        && data[offset + 2] == 'O'
        && data[offset + 3] == 'N'
        && data[offset + 4] == 'E'
        && data[offset + 5] == ']';
  }

  private final class Events implements SseFramer.Sink {
    @Override
    public void event(
        byte[] frame, int offset, int length, byte[] data, int dataOffset, int dataLength) {
      if (terminal != null || stopped) {
        return;
      }
      Kind kind;
      if (isMark(data, dataOffset, dataLength)) {
        kind = Kind.MARK;
        terminal = event.terminal();
      } else {
        try {
          kind = event.read(data, dataOffset, dataLength);
        } catch (MalformedJson e) {
          // A last event that is cut off in its middle says that the stream was.
          terminal =
              ending
                  ? failed("upstream_cut", CUT)
                  : failed(
                      "upstream_invalid_event",
                      "the upstream sent an event whose data is not a JSON object ("
                          + e.getMessage()
                          + "); check that its base URL is that of an OpenAI-compatible API");
          return;
        }
        if (kind == Kind.ERROR && event.errorEnds()) {
          terminal = event.terminal();
        }
      }
      out.event(kind, frame, offset, length);
    }

    @Override
    public void tooLarge() {
      if (terminal == null) {
        terminal =
            failed(
                "upstream_event_too_large",
                "the upstream sent an event of more than "
                    + maxEvent
                    + " bytes, the limit; ask for less or raise the limit");
      }
    }
  }
}
