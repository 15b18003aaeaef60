package dev.meanwhile.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.util.ArrayList;
import java.util.List;

/// An upstream that says what a test tells it to. For one thread.
public final class ScriptedUpstream implements Upstream {
  /// One call of it.
  public static final class Exchange implements Upstream.Exchange {
    private final Request request;
    private final Listener listener;
    private boolean aborted;
    private boolean streaming;
    private boolean ended;

    Exchange(Request request, Listener listener) {
      this.request = request;
      this.listener = listener;
    }

    public Request request() {
      return request;
    }

    public boolean aborted() {
      return aborted;
    }

    @Override
    public void abort() {
      aborted = true;
    }

    public void connect() {
      if (!aborted) {
        listener.connected();
      }
    }

    /// Connects and begins a stream.
    public void stream() {
      connect();
      head(new Head(200, true, ""));
    }

    public void head(Head head) {
      if (!aborted) {
        streaming = true;
        listener.head(head);
      }
    }

    /// Whether its answer has begun.
    public boolean isStreaming() {
      return streaming;
    }

    public void say(Kind kind, String event) {
      if (!aborted && !ended) {
        byte[] bytes = event.getBytes(UTF_8);
        listener.alive();
        listener.event(kind, bytes, 0, bytes.length);
        listener.flush();
      }
    }

    public void end(Terminal terminal) {
      if (!aborted && !ended) {
        ended = true;
        listener.ended(terminal);
      }
    }
  }

  private final List<Exchange> calls = new ArrayList<>();

  @Override
  public Exchange call(Request request, Listener listener) {
    var exchange = new Exchange(request, listener);
    calls.add(exchange);
    return exchange;
  }

  public List<Exchange> calls() {
    return calls;
  }

  public Exchange last() {
    return calls.getLast();
  }
}
