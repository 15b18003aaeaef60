package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// JSON made up from a schema: what a tool is called with, and answers that are to match one.
final class MadeUp {
  /// How many characters come as one token.
  private static final int TOKEN = 4;

  /// How deep a schema is followed; below that everything is empty.
  private static final int DEEPEST = 8;

  private MadeUp() {}

  /// An object that has all that the schema's top level names.
  static String json(JsonNode schema, long seed) {
    return Json.MAPPER.writeValueAsString(object(schema, seed, DEEPEST));
  }

  /// The text that a request's `response_format` wants, or null if any will do.
  static @Nullable String answer(JsonNode body, long seed) {
    JsonNode schema = body.at("/response_format/json_schema/schema");
    return schema.isObject() ? json(schema, seed) : null;
  }

  /// A text in pieces, each escaped for a JSON string.
  static List<byte[]> tokens(String text) {
    var tokens = new ArrayList<byte[]>();
    for (int from = 0; from < text.length(); ) {
      int to = Math.min(from + TOKEN, text.length());
      if (Character.isHighSurrogate(text.charAt(to - 1))) {
        to++;
      }
      tokens.add(Json.escaped(text.substring(from, to)).getBytes(UTF_8));
      from = to;
    }
    return List.copyOf(tokens);
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
