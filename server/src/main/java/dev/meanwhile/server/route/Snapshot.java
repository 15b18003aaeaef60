package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.Budget;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ChatFold;
import dev.meanwhile.openai.Deltas;
import dev.meanwhile.openai.Embeddings;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.ResponsesFold;
import org.jspecify.annotations.Nullable;

/// A run as it stands, as JSON: contract.md §6.
final class Snapshot {
  private Snapshot() {}

  /// The whole of it.
  static byte[] of(Run run) {
    // In this order: once there is a terminal event, the end read after it is final.
    Terminal terminal = run.terminal();
    int end = run.end();
    byte[] output = terminal == null ? null : output(run, end);
    byte[] asked =
        output != null && run.about().api().equals("embeddings")
            ? Embeddings.inFormat(output, run.about().base64())
            : output;
    String created = Long.toString(run.createdAt() / 1000);
    String json =
        "{\"id\":"
            + JsonText.quoted(run.id())
            + ",\"object\":\"run\",\"status\":"
            + JsonText.quoted(run.status().word())
            + ",\"operation\":"
            + JsonText.quoted(run.about().operation())
            + ",\"model\":"
            + model(run.about().model())
            + ",\"created_at\":"
            + created
            + ",\"started_at\":"
            + (run.attempt() == 0 ? "null" : created)
            + ",\"completed_at\":"
            + (terminal == null ? "null" : run.endedAt() / 1000)
            + ",\"budget\":"
            + budget(run.about(), run.createdAt(), terminal == null ? 0 : run.endedAt())
            + ",\"attempt\":"
            + run.attempt()
            + ",\"end\":"
            + end
            + ",\"text\":"
            + JsonText.quoted(Deltas.text(run, Math.min(run.start(), end), end))
            + ",\"output\":"
            + (asked == null ? "null" : new String(asked, UTF_8))
            + ",\"usage\":"
            + usage(output)
            + ",\"error\":"
            + error(terminal == null ? null : terminal.failure())
            + "}";
    return json.getBytes(UTF_8);
  }

  /// What was tolerated of a run that nobody waited for, and whether that was kept.
  ///
  /// @param endedAt in milliseconds since 1970, 0 while it has not: that is not told before
  static String budget(Run.About about, long createdAt, long endedAt) {
    boolean late = Budget.isLate(about.budget(), createdAt, endedAt);
    return about.budget() == 0
        ? "null"
        : "{\"total_ms\":" + about.budget() + ",\"late\":" + (endedAt == 0 ? "null" : late) + "}";
  }

  private static String model(String name) {
    return name.isEmpty() ? "null" : JsonText.quoted(name);
  }

  /// The version of a snapshot: it changes whenever the snapshot does.
  static String etag(Run run) {
    Terminal terminal = run.terminal();
    int events = run.end() + (terminal == null ? 0 : 1);
    return "\"" + run.id() + "-" + run.attempt() + "." + events + "\"";
  }

  /// The data of a `status` event.
  static String status(Run run) {
    return "{\"status\":\"" + run.status().word() + "\",\"attempt\":" + run.attempt() + "}";
  }

  /// The data of a `done` event.
  static String done(Run run, Terminal terminal) {
    return "{\"status\":\""
        + terminal.status().word()
        + "\",\"usage\":"
        + usage(output(run, run.end()))
        + ",\"error\":"
        + error(terminal.failure())
        + "}";
  }

  /// OpenAI's object as far as there is one; an answer that is no JSON is not shown.
  static byte @Nullable [] output(Run run, int end) {
    if (end <= run.start()) {
      return null;
    }
    if (Responses.speaks(run)) {
      return ResponsesFold.object(run);
    }
    byte[] output = ChatFold.of(run, run.start(), end);
    return run.kind(end - 1) != Kind.ANSWER || JsonText.isDocument(output) ? output : null;
  }

  private static String usage(byte @Nullable [] output) {
    String usage = output == null ? null : JsonText.member(output, "usage");
    return usage == null ? "null" : usage;
  }

  static String error(@Nullable Failure failure) {
    return failure == null
        ? "null"
        : "{\"status\":"
            + failure.status()
            + ",\"code\":"
            + JsonText.quoted(failure.code())
            + ",\"message\":"
            + JsonText.quoted(failure.message())
            + "}";
  }
}
