package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.server.config.Suggestion;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/// `GET /v1/operations` and `/v1/operations/{name}`: what can be called by name, and how. Prompts
/// are not told.
final class OperationRoute {
  static final String PATH = "/v1/operations";

  private final Loop loop;

  OperationRoute(Loop loop) {
    this.loop = loop;
  }

  /// As the configuration has them now.
  private Map<String, Operation> operations() {
    return loop.config().operations();
  }

  void list(HttpServerRequest request) {
    var data = new StringJoiner(",", "{\"object\":\"list\",\"data\":[", "]}");
    operations().values().forEach(operation -> data.add(json(operation)));
    Answers.send(request.response(), 200, Answers.JSON, data.toString().getBytes(UTF_8));
  }

  void get(HttpServerRequest request, String name) {
    Answers.send(request.response(), 200, Answers.JSON, json(find(name, null)).getBytes(UTF_8));
  }

  /// The operation of this name.
  ///
  /// @param param what of the request names it, or null if its path does
  /// @throws Refusal 404 if there is none
  Operation find(String name, @Nullable String param) {
    Operation found = operations().get(name);
    if (found == null) {
      throw new Refusal(
          404,
          "operation_not_found",
          "There is no operation of this name%s GET /v1/operations lists them."
              .formatted(
                  Suggestion.nearest(name, operations().keySet())
                      .map(near -> "; did you mean '" + near + "'?")
                      .orElse(".")),
          param);
    }
    return found;
  }

  /// The operation of this name, or null if there is none.
  @Nullable Operation findOrNull(String name) {
    return operations().get(name);
  }

  /// What an operation asks.
  ///
  /// @throws Refusal 400 if it has no question of its own
  static ChatTemplate template(Operation operation) {
    ChatTemplate template = operation.template();
    if (template == null) {
      throw new Refusal(
          400,
          "operation_without_prompt",
          "The operation '%s' has no prompt: send a call of your own with the header Meanwhile-Operation: %s, or give it a prompt."
              .formatted(operation.name(), operation.name()));
    }
    return template;
  }

  private static String json(Operation operation) {
    var variables = new StringJoiner(",", "{", "}");
    ChatTemplate template = operation.template();
    if (template != null) {
      template
          .variables()
          .forEach((name, kind) -> variables.add(JsonText.quoted(name) + ":" + word(kind)));
    }
    return "{\"name\":"
        + JsonText.quoted(operation.name())
        + ",\"object\":\"operation\",\"for\":"
        + word(operation.purpose())
        + ",\"deliver\":"
        + word(operation.deliver())
        + ",\"budget\":{\"total_ms\":"
        + millis(operation.budget().total())
        + ",\"first_token_ms\":"
        + millis(operation.budget().firstToken())
        + "},\"at_budget\":"
        + word(operation.atBudget())
        + ",\"model\":"
        + JsonText.quoted(template == null ? null : template.model())
        + ",\"variables\":"
        + (template == null ? "null" : variables)
        + "}";
  }

  private static String word(@Nullable Enum<?> value) {
    return value == null
        ? "null"
        : JsonText.quoted(value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }

  private static String millis(@Nullable Duration duration) {
    return duration == null ? "null" : Long.toString(duration.toMillis());
  }
}
