package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;

/// What a webhook is told: OpenAI's thin event, which names what happened and to what, and holds
/// nothing of the answer.
public final class WebhookEvent {
  private static final String PREFIX = "response.";

  /// The events there are, one for each way to end.
  public static final List<String> TYPES =
      List.of("response.completed", "response.failed", "response.cancelled", "response.incomplete");

  private WebhookEvent() {}

  /// The event's type for the end of a run.
  ///
  /// @param status `completed`, `failed`, `cancelled` or `incomplete`
  public static String type(String status) {
    return PREFIX + status;
  }

  /// The status that an event of one of the [#TYPES] tells.
  public static String status(String type) {
    return type.substring(PREFIX.length());
  }

  /// What whoever called a run knows it by.
  ///
  /// @param api the dialect its caller speaks
  /// @param run its own id
  public static String idOf(String api, String run) {
    return Api.RESPONSES.word().equals(api) ? ResponsesFold.idOf(run) : run;
  }

  /// The body that is sent, the same for each try.
  ///
  /// @param id the event's
  /// @param createdAt when it happened, in seconds since 1970
  /// @param of the id of what ended
  /// @param late whether that was after its budget, which OpenAI has no word for
  public static byte[] body(String id, String status, long createdAt, String of, boolean late) {
    return ("{\"id\":"
            + Json.quote(id)
            + ",\"object\":\"event\",\"type\":"
            + Json.quote(type(status))
            + ",\"created_at\":"
            + createdAt
            + ",\"data\":{\"id\":"
            + Json.quote(of)
            + (late ? ",\"late\":true}}" : "}}"))
        .getBytes(UTF_8);
  }
}
