package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// An embeddings call, understood.
///
/// @param inputs the texts; tokens given as numbers are their JSON
record EmbeddingsCall(Target target, List<String> inputs, int dimensions, boolean base64) {
  private static final int USUAL = 1_536;
  private static final int MOST_DIMENSIONS = 4_096;
  private static final int MOST_INPUTS = 2_048;

  /// @throws ApiError 400 or 404
  static EmbeddingsCall of(JsonNode body, Overrides overrides) {
    var target = Target.of(body, overrides);
    if (target.model() != Model.EMBEDDING) {
      throw ApiError.invalid(
          "The model `" + target.name() + "` makes no embeddings; use sim-embedding", "model");
    }
    String format = body.path("encoding_format").asString("float");
    if (!format.equals("float") && !format.equals("base64")) {
      throw ApiError.invalid("'encoding_format' must be float or base64", "encoding_format");
    }
    int dimensions = body.path("dimensions").asInt(USUAL);
    if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
      throw ApiError.invalid("'dimensions' must be 1 to " + MOST_DIMENSIONS, "dimensions");
    }
    return new EmbeddingsCall(
        target, inputs(body.path("input")), dimensions, format.equals("base64"));
  }

  private static List<String> inputs(JsonNode input) {
    if (input.isString()) {
      return List.of(input.stringValue());
    }
    if (!input.isArray() || input.isEmpty() || input.size() > MOST_INPUTS) {
      throw ApiError.invalid(
          "'input' must be a string or an array of 1 to " + MOST_INPUTS + " inputs", "input");
    }
    if (input.get(0).isNumber()) {
      return List.of(input.toString());
    }
    List<String> inputs = new ArrayList<>(input.size());
    for (JsonNode one : input) {
      if (!one.isString() && !one.isArray()) {
        throw ApiError.invalid("each input must be a string or an array of tokens", "input");
      }
      inputs.add(one.isString() ? one.stringValue() : one.toString());
    }
    return inputs;
  }

  int promptTokens() {
    return inputs.stream().mapToInt(text -> Math.max(1, text.length() / 4)).sum();
  }

  String json() {
    var json = new StringBuilder("{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < inputs.size(); i++) {
      float[] vector = Vectors.of(Hash.of(inputs.get(i).getBytes(UTF_8)), dimensions);
      json.append(i == 0 ? "" : ",")
          .append("{\"object\":\"embedding\",\"index\":")
          .append(i)
          .append(",\"embedding\":")
          .append(base64 ? '"' + Vectors.base64(vector) + '"' : Vectors.json(vector))
          .append('}');
    }
    int tokens = promptTokens();
    return json.append("],\"model\":\"")
        .append(target.name())
        .append("\",\"usage\":{\"prompt_tokens\":")
        .append(tokens)
        .append(",\"total_tokens\":")
        .append(tokens)
        .append("}}")
        .toString();
  }
}
