package dev.meanwhile.simulator;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// An answer that is a call of one of the caller's tools, with arguments made up from the tool's
/// schema.
///
/// @param arguments a JSON object, as text
record ToolCall(String id, String name, String arguments) {
  /// The call that this request is answered with: of the tool that `tool_choice` names, else of the
  /// first. Null without tools, with `tool_choice` none, and once a tool has answered.
  ///
  /// @param seed of what is made up
  /// @throws ApiError 400 if there is no such tool
  static @Nullable ToolCall of(JsonNode body, long seed) {
    JsonNode tools = body.path("tools");
    JsonNode messages = body.path("messages");
    boolean answered = messages.path(messages.size() - 1).path("role").asString("").equals("tool");
    JsonNode choice = body.path("tool_choice");
    if (tools.isEmpty() || answered || choice.asString("").equals("none")) {
      return null;
    }
    String wanted = choice.at("/function/name").asString("");
    for (JsonNode tool : tools) {
      JsonNode function = tool.path("function");
      String name = function.path("name").asString("");
      if (!name.isEmpty() && (wanted.isEmpty() || wanted.equals(name))) {
        return new ToolCall(
            "call_" + Long.toHexString(seed), name, MadeUp.json(function.path("parameters"), seed));
      }
    }
    throw ApiError.invalid("There is no function tool '" + wanted + "'", "tool_choice");
  }

  /// As the member `tool_calls` of a message holds it.
  ///
  /// @param index the beginning of a member to say where in a stream it belongs, or nothing
  String json(String index, String argued) {
    return "{%s\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":\"%s\",\"arguments\":\"%s\"}}"
        .formatted(index, id, Json.escaped(name), Json.escaped(argued));
  }
}
