package dev.meanwhile.dispatch;

import dev.meanwhile.log.Terminal;

/// What [Step] wants done, in order.
public sealed interface Effect {
  /// Call the upstream.
  record Start() implements Effect {}

  /// Close the upstream's call.
  record Abort() implements Effect {}

  /// Append the terminal event.
  record Close(Terminal terminal) implements Effect {}
}
