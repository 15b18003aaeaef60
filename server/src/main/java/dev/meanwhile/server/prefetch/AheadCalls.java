package dev.meanwhile.server.prefetch;

import dev.meanwhile.dispatch.Dispatcher.Prefetched;
import dev.meanwhile.openai.ChatTemplate.Filled;
import dev.meanwhile.prefetch.Fetch;
import dev.meanwhile.server.config.Operation;

/// Makes calls that nobody has asked for, on one loop.
public interface AheadCalls {
  /// Asks `filled` of an operation for a tenant, unless there is an answer that will do.
  void ask(Operation operation, Filled filled, String tenant, Fetch.Need need, Prefetched told);
}
