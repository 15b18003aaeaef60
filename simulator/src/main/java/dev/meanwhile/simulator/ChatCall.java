package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A chat call, understood.
///
/// @param target the model and its fault
/// @param usage whether a stream is to tell its usage
/// @param tokens the length of the answer
/// @param promptTokens about a quarter of the prompt's characters
/// @param text the seed of the answer's text: the same for the same messages
/// @param tool what is called instead of saying that text, or null
/// @param made the tokens of made-up JSON in the place of that text: the tool's arguments, or an
///   answer of the schema that was asked for; else empty
record ChatCall(
    Target target,
    boolean stream,
    boolean usage,
    int tokens,
    int promptTokens,
    long text,
    @Nullable ToolCall tool,
    List<byte[]> made) {
  private static final int LONGEST = 1_000_000;

  /// @throws ApiError 400 or 404
  static ChatCall of(JsonNode body, Overrides overrides) {
    var target = Target.of(body, overrides);
    if (!target.model().chats()) {
      throw new ApiError(
          404,
          "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
          "invalid_request_error",
          "model",
          null);
    }
    JsonNode messages = body.path("messages");
    if (!messages.isArray() || messages.isEmpty()) {
      throw ApiError.invalid("'messages' must be an array of at least one message", "messages");
    }
    if (body.path("n").asInt(1) != 1) {
      throw ApiError.invalid("The simulator gives one choice: 'n' must be 1", "n");
    }
    var prompt = new StringBuilder();
    for (JsonNode message : messages) {
      collect(message.path("content"), prompt);
      prompt.append('\n');
    }
    int tokens = overrides.tokens() == null ? tokens(body) : overrides.tokens();
    long text = Hash.of(prompt.toString().getBytes(UTF_8));
    var tool = ToolCall.of(body, text);
    String json = tool == null ? MadeUp.answer(body, text) : tool.arguments();
    List<byte[]> made = json == null ? List.of() : MadeUp.tokens(json);
    return new ChatCall(
        target,
        body.path("stream").asBoolean(false),
        body.path("stream_options").path("include_usage").asBoolean(false),
        json == null ? tokens : made.size(),
        Math.max(1, prompt.length() / 4),
        text,
        tool,
        made);
  }

  /// Token `index` (from 0) of the answer, escaped for a JSON string. Not to be changed.
  byte[] token(int index) {
    return made.isEmpty() ? Prose.json(text, index) : made.get(index);
  }

  /// All tokens of an answer that is a text, escaped for a JSON string.
  String whole() {
    if (made.isEmpty()) {
      return Prose.text(text, tokens).replace("\"", "\\\"");
    }
    var whole = new StringBuilder();
    made.forEach(token -> whole.append(new String(token, UTF_8)));
    return whole.toString();
  }

  /// Why the answer ends.
  String finish() {
    return tool == null ? "stop" : "tool_calls";
  }

  private static int tokens(JsonNode body) {
    for (String name : new String[] {"max_completion_tokens", "max_tokens"}) {
      JsonNode limit = body.path(name);
      if (limit.isNull() || limit.isMissingNode()) {
        continue;
      }
      if (!limit.isInt() || limit.intValue() < 1 || limit.intValue() > LONGEST) {
        throw ApiError.invalid("'" + name + "' must be an integer from 1 to " + LONGEST, name);
      }
      return limit.intValue();
    }
    return Timeline.USUAL;
  }

  /// Content is a string or an array of parts, of which text ones have a `text`.
  private static void collect(JsonNode content, StringBuilder prompt) {
    if (content.isString()) {
      prompt.append(content.stringValue());
    } else {
      for (JsonNode part : content) {
        prompt.append(part.path("text").asString(""));
      }
    }
  }
}
