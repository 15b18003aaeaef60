package dev.meanwhile.server.route;

import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.ErrorBody;
import dev.meanwhile.openai.JsonText;
import io.vertx.core.buffer.Buffer;

/// What tells a run of the Responses API.
final class Responses {
  private Responses() {}

  /// Whether the run's caller speaks it, so that its answer is a fold of the log.
  static boolean speaks(Run run) {
    return run.about().api().equals(Api.RESPONSES.word());
  }

  /// The event that a stream breaks off with, nested and flat at once.
  ///
  /// @param number its sequence number
  static Buffer error(Failure failure, int number) {
    byte[] body = ErrorBody.of(failure);
    String nested = JsonText.member(body, "error");
    return Buffer.buffer(
        "event: error\ndata: {\"type\":\"error\",\"sequence_number\":%d,\"message\":%s,\"code\":%s,\"param\":null,\"error\":%s}\n\n"
            .formatted(
                number,
                JsonText.quoted(failure.message()),
                JsonText.quoted(failure.code()),
                nested));
  }
}
