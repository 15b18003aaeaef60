package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An answer that is a call of one of the caller's tools, with arguments made up from the tool's
/// schema.
///
/// @param arguments a JSON object, as text
record ToolCall(String id, String name, String arguments) {
  /// How many characters come as one token.
  private static final int TOKEN = 4;

  /// How deep a schema is followed; below that everything is empty.
  private static final int DEEPEST = 8;

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
        ObjectNode arguments = object(function.path("parameters"), seed, DEEPEST);
        return new ToolCall(
            "call_" + Long.toHexString(seed), name, Json.MAPPER.writeValueAsString(arguments));
      }
    }
    throw ApiError.invalid("There is no function tool '" + wanted + "'", "tool_choice");
  }

  /// The arguments in pieces, each escaped for a JSON string.
  List<byte[]> tokens() {
    var tokens = new ArrayList<byte[]>();
    for (int from = 0; from < arguments.length(); ) {
      int to = Math.min(from + TOKEN, arguments.length());
      if (Character.isHighSurrogate(arguments.charAt(to - 1))) {
        to++;
      }
      tokens.add(escaped(arguments.substring(from, to)).getBytes(UTF_8));
      from = to;
    }
    return List.copyOf(tokens);
  }

  /// As the member `tool_calls` of a message holds it.
  ///
  /// @param index the beginning of a member to say where in a stream it belongs, or nothing
  String json(String index, String argued) {
    return "{%s\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":\"%s\",\"arguments\":\"%s\"}}"
        .formatted(index, id, escaped(name), escaped(argued));
  }

  private static String escaped(String text) {
    String quoted = Json.MAPPER.writeValueAsString(text);
    return quoted.substring(1, quoted.length() - 1);
  }

  private static ObjectNode object(JsonNode schema, long seed, int depth) {
    ObjectNode object = Json.MAPPER.createObjectNode();
    if (depth > 0) {
      schema
          .path("properties")
          .properties()
          .forEach(property ->
              object.set(
                  property.getKey(),
                  value(property.getValue(), seed + property.getKey().hashCode(), depth - 1)));
    }
    return object;
  }

  private static JsonNode value(JsonNode schema, long seed, int depth) {
    JsonNode choices = schema.path("enum");
    if (!choices.isEmpty()) {
      return choices.get(0);
    }
    JsonNode types = schema.path("type");
    String type = types.isArray() ? types.path(0).asString("") : types.asString("");
    var nodes = Json.MAPPER.getNodeFactory();
    return switch (type) {
      case "integer" -> nodes.numberNode(Math.floorMod(seed, 100));
      case "number" -> nodes.numberNode(Math.floorMod(seed, 100) / 2.0);
      case "boolean" -> nodes.booleanNode((seed & 1) == 0);
      case "null" -> nodes.nullNode();
      case "object" -> object(schema, seed, depth);
      case "array" -> {
        ArrayNode array = nodes.arrayNode();
        yield depth > 0 ? array.add(value(schema.path("items"), seed, depth - 1)) : array;
      }
      default -> nodes.stringNode(Prose.text(seed, 2));
    };
  }
}
