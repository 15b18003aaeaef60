package dev.meanwhile.server.route;

import dev.meanwhile.log.Run;
import dev.meanwhile.openai.Api;

/// What tells a run of the Responses API.
final class Responses {
  private Responses() {}

  /// Whether the run's caller speaks it, so that its answer is a fold of the log.
  static boolean speaks(Run run) {
    return run.about().api().equals(Api.RESPONSES.word());
  }
}
