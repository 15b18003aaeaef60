package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.Notice;
import java.util.List;

/// What a webhook is told: OpenAI's thin event, which names what happened and to what, and holds
/// nothing of the answer.
public final class WebhookEvent {
  private static final String PREFIX = "response.";
  private static final String BATCH = Notice.BATCH + ".";

  /// The events there are, one for each way to end.
  public static final List<String> TYPES =
      List.of(
          "response.completed",
          "response.failed",
          "response.cancelled",
          "response.incomplete",
          "batch.completed",
          "batch.cancelled");

  private WebhookEvent() {}

  /// The event's type for an end.
  ///
  /// @param word of the end: [Notice#word]
  public static String type(String word) {
    return word.startsWith(BATCH) ? word : PREFIX + word;
  }

  /// The word of the end that an event of one of the [#TYPES] tells.
  public static String word(String type) {
    return type.startsWith(BATCH) ? type : type.substring(PREFIX.length());
  }

  /// What whoever called a run knows it by.
  ///
  /// @param api the dialect its caller speaks
  /// @param run its own id
  public static String idOf(String api, String run) {
    return Api.RESPONSES.word().equals(api)
        ? ResponsesFold.idOf(run)
        : Notice.BATCH.equals(api) ? batchOf(run) : run;
  }

  /// The id of the batch that this run is.
  public static String batchOf(String run) {
    return "batch_" + run.substring(run.indexOf('_') + 1);
  }

  /// The body that is sent, the same for each try.
  ///
  /// @param id the event's
  /// @param word of the end: [Notice#word]
  /// @param createdAt when it happened, in seconds since 1970
  /// @param of the id of what ended
  /// @param late whether that was after its budget, which OpenAI has no word for
  public static byte[] body(String id, String word, long createdAt, String of, boolean late) {
    return ("{\"id\":"
            + Json.quote(id)
            + ",\"object\":\"event\",\"type\":"
            + Json.quote(type(word))
            + ",\"created_at\":"
            + createdAt
            + ",\"data\":{\"id\":"
            + Json.quote(of)
            + (late ? ",\"late\":true}}" : "}}"))
        .getBytes(UTF_8);
  }
}
