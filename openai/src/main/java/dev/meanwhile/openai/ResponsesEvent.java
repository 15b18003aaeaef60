package dev.meanwhile.openai;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Tells what an event of the Responses API says, or a plain answer of it. Builds no tree. One for
/// each answer; for one thread.
final class ResponsesEvent implements AnswerEvent {
  private static final byte[] TYPE = Json.ascii("type");
  private static final byte[] DELTA = Json.ascii("delta");
  private static final byte[] RESPONSE = Json.ascii("response");
  private static final byte[] ERROR = Json.ascii("error");
  private static final byte[] ID = Json.ascii("id");
  private static final byte[] STATUS = Json.ascii("status");
  private static final byte[] CODE = Json.ascii("code");
  private static final byte[] MESSAGE = Json.ascii("message");

  private final JsonScanner scanner = new JsonScanner();
  private final Consumer<String> named;
  private boolean known;
  private String status = "";
  private String code = "";
  private String message = "";
  private boolean failed;
  private boolean ended;
  private boolean streamed;

  /// @param named gets the id of the answer, once
  ResponsesEvent(Consumer<String> named) {
    this.named = named;
  }

  @Override
  public Kind read(byte[] bytes, int offset, int length) {
    streamed = true;
    String type = "";
    boolean content = false;
    JsonScanner in = scanner.reset(bytes, offset, length);
    try {
      in.enterObject();
      while (in.member()) {
        if (in.named(TYPE) && in.peek() == JsonScanner.Value.STRING) {
          type = in.string();
        } else if (in.named(DELTA)) {
          content = in.substance();
        } else if (in.named(RESPONSE) && in.peek() == JsonScanner.Value.OBJECT) {
          response(in);
        } else if (in.named(ERROR)) {
          error(in);
        } else if (in.named(CODE)) {
          code = text(in, code);
        } else if (in.named(MESSAGE)) {
          message = text(in, message);
        }
      }
    } catch (MalformedJson e) {
      // It is relayed as it is: what could be read of it counts.
    }
    switch (type) {
      case "response.completed", "response.incomplete", "response.failed", "response.cancelled" ->
          ended = true;
      case "error" -> {
        failed = true;
        return Kind.ERROR;
      }
      default -> {}
    }
    return content || type.equals("response.output_item.done") ? Kind.CONTENT : Kind.FRAME;
  }

  /// Reads a plain answer.
  ///
  /// @throws MalformedJson if it is no JSON object
  void readAnswer(byte[] bytes, int offset, int length) {
    JsonScanner in = scanner.reset(bytes, offset, length);
    response(in);
    in.finish();
  }

  @Override
  public boolean finished() {
    return ended || failed;
  }

  @Override
  public boolean whole() {
    return ended;
  }

  /// A `response.failed` does.
  @Override
  public boolean errorEnds() {
    return false;
  }

  @Override
  public Terminal terminal() {
    if (streamed && !finished()) {
      return Terminal.failed(
          new Failure(502, "upstream_cut", "the upstream's stream ended before its last event"));
    }
    if (failed || status.equals("failed")) {
      return Terminal.failed(failure());
    }
    return switch (status) {
      case "incomplete" -> Terminal.INCOMPLETE;
      case "cancelled" -> Terminal.CANCELLED;
      default -> Terminal.COMPLETED;
    };
  }

  private Failure failure() {
    boolean quota = code.equals("insufficient_quota");
    int http =
        switch (code) {
          case "rate_limit_exceeded", "insufficient_quota" -> 429;
          case "server_error", "" -> 502;
          default -> 400;
        };
    return new Failure(
        http,
        quota ? code : "upstream_error",
        message.isBlank() ? "the upstream reported an error and did not say which" : message);
  }

  private void response(JsonScanner in) {
    in.enterObject();
    while (in.member()) {
      if (in.named(ID) && in.peek() == JsonScanner.Value.STRING) {
        String id = in.string();
        if (!known && !id.isEmpty()) {
          known = true;
          named.accept(id);
        }
      } else if (in.named(STATUS)) {
        status = text(in, status);
      } else if (in.named(ERROR)) {
        error(in);
      }
    }
  }

  private void error(JsonScanner in) {
    if (in.peek() != JsonScanner.Value.OBJECT) {
      return;
    }
    in.enterObject();
    while (in.member()) {
      if (in.named(CODE)) {
        code = text(in, code);
      } else if (in.named(MESSAGE)) {
        message = text(in, message);
      }
    }
  }

  private static String text(JsonScanner in, @Nullable String otherwise) {
    return in.peek() == JsonScanner.Value.STRING ? in.string() : otherwise == null ? "" : otherwise;
  }
}
