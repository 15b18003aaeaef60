package dev.meanwhile.upstream;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;

/// The AI APIs, as the engine needs them. Every method, of the port and of what it calls back, runs
/// on the loop of the log that is written; none blocks.
public interface Upstream {
  /// Makes one call. The listener hears of it until [Listener#ended] or [Exchange#abort], whichever
  /// comes first; it may hear of it before this method returns.
  Exchange call(Request request, Listener listener);

  /// A call under way.
  interface Exchange {
    /// Closes the call towards the upstream, so that it stops working; the listener hears nothing
    /// more. Idempotent.
    void abort();
  }

  /// Hears of one call, in this order: connected, head, events, ended; once there is a name, named.
  interface Listener {
    /// There is a connection and the request is on its way.
    void connected();

    /// The answer began.
    void head(Head head);

    /// The upstream has an id of its own for its answer, by which it can be asked for.
    void named(String id);

    /// One event; the bytes are the caller's again afterwards.
    void event(Kind kind, byte[] bytes, int offset, int length);

    /// Bytes came, whether they make an event or not: a sign of life. Said before their events.
    void alive();

    /// All events that came in one read have been handed over.
    void flush();

    /// The call is over: a whole answer, an early end, or a failure before or in the middle of it.
    void ended(Terminal terminal);
  }
}
