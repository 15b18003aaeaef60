package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputFormat;
import io.vertx.json.schema.OutputUnit;
import io.vertx.json.schema.SchemaRepository;
import io.vertx.json.schema.Validator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// `openapi.json`, and what of an answer is not as it says. Readers of the document must take
/// members that it does not name; here an object that does not say it may have more has none.
public final class Description {
  private static final String PATH = "/dev/meanwhile/server/openapi.json";
  private static final List<String> METHODS = List.of("get", "post", "delete", "put", "patch");

  private static final String BASE = "https://localhost/openapi.json";
  private static final JsonSchemaOptions OPTIONS =
      new JsonSchemaOptions()
          .setBaseUri("https://localhost/")
          .setDraft(Draft.DRAFT202012)
          .setOutputFormat(OutputFormat.Basic);

  private final JsonObject document;
  private final JsonObject closed;
  private final SchemaRepository schemas = SchemaRepository.create(OPTIONS);

  private Description(String text) {
    this.document = new JsonObject(text);
    this.closed = document.copy();
    close(closed);
    // It writes into what it is given.
    schemas.dereference(BASE, JsonSchema.of(closed.copy()));
  }

  /// As it is served.
  public static Description read() {
    try (var in = Objects.requireNonNull(Description.class.getResourceAsStream(PATH))) {
      return new Description(new String(in.readAllBytes(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public JsonObject document() {
    return document;
  }

  /// Everything described, by method and path: `GET /v1/runs/{id}`.
  public Map<String, JsonObject> operations() {
    var all = new TreeMap<String, JsonObject>();
    JsonObject paths = closed.getJsonObject("paths");
    for (String path : paths.fieldNames()) {
      JsonObject item = paths.getJsonObject(path);
      for (String method : METHODS) {
        if (item.containsKey(method)) {
          all.put(method.toUpperCase(Locale.ROOT) + " " + path, item.getJsonObject(method));
        }
      }
    }
    return all;
  }

  /// What of an answer is not as it is described.
  ///
  /// @param theirs whether it is the upstream's own, of which only that is described
  public List<String> problems(
      String operation,
      int status,
      Function<String, @Nullable String> header,
      String body,
      boolean theirs) {
    JsonObject responses =
        Objects.requireNonNull(operations().get(operation), operation).getJsonObject("responses");
    JsonObject answer = responses.getJsonObject(theirs ? "default" : Integer.toString(status));
    if (answer == null) {
      return List.of("status %d is not described".formatted(status));
    }
    answer = resolved(answer);
    var problems = new ArrayList<String>();
    headers(answer.getJsonObject("headers", new JsonObject()), header, problems);
    JsonObject content = answer.getJsonObject("content");
    if (content == null) {
      if (!body.isEmpty()) {
        problems.add("a body is not described: " + body);
      }
      return problems;
    }
    String type = String.valueOf(header.apply("content-type")).split(";", 2)[0];
    JsonObject media = content.getJsonObject(content.containsKey("*/*") ? "*/*" : type);
    if (media == null) {
      problems.add("content type %s is not described".formatted(type));
    } else if (type.equals("text/event-stream") && !theirs) {
      events(media.getJsonObject("x-events"), body, problems);
    } else if (type.equals("application/jsonl")) {
      body.lines().forEach(line -> json(media.getJsonObject("schema"), line, problems));
    } else if (type.equals("text/plain")) {
      body(media.getJsonObject("schema"), body, problems);
    } else {
      json(media.getJsonObject("schema"), body, problems);
    }
    return problems;
  }

  /// Whether this is a code of our own.
  public boolean isCode(String code) {
    return schema("ErrorCode").getJsonArray("enum").contains(code);
  }

  public JsonObject schema(String name) {
    return component("schemas").getJsonObject(name);
  }

  public JsonObject component(String kind) {
    return closed.getJsonObject("components").getJsonObject(kind);
  }

  /// What JSON says against a schema of the document.
  public List<String> against(String schema, String json) {
    var problems = new ArrayList<String>();
    json(new JsonObject().put("$ref", "#/components/schemas/" + schema), json, problems);
    return problems;
  }

  private void headers(
      JsonObject described, Function<String, @Nullable String> header, List<String> problems) {
    for (String name : described.fieldNames()) {
      JsonObject one = resolved(described.getJsonObject(name));
      String value = header.apply(name);
      if (value != null) {
        body(one.getJsonObject("schema"), value, problems);
      } else if (one.getBoolean("required", false)) {
        problems.add("header %s is missing".formatted(name));
      }
    }
  }

  private void events(JsonObject described, String body, List<String> problems) {
    for (String block : body.split("\n\n", -1)) {
      String type = "message";
      String data = null;
      for (String line : block.split("\n", -1)) {
        if (line.startsWith("event: ")) {
          type = line.substring(7);
        } else if (line.startsWith("data: ")) {
          data = line.substring(6);
        }
      }
      // Those of OpenAI's APIs say their type in the data, and are one kind here.
      JsonObject schema =
          described.getJsonObject(described.containsKey("message") ? "message" : type);
      if (data != null && schema == null) {
        problems.add("event %s is not described".formatted(type));
      } else if (data != null && !data.equals("[DONE]")) {
        json(schema, data, problems);
      }
    }
  }

  private void json(JsonObject schema, String json, List<String> problems) {
    try {
      body(schema, Json.decodeValue(json), problems);
    } catch (DecodeException e) {
      problems.add("no JSON: " + json);
    }
  }

  private void body(JsonObject schema, Object value, List<String> problems) {
    String ref = schema.getString("$ref");
    Validator validator =
        ref == null
            ? Validator.create(JsonSchema.of(schema.copy()), OPTIONS)
            : schemas.validator(BASE + ref);
    OutputUnit result = validator.validate(value);
    if (!result.getValid()) {
      problems.add(result.getErrors() + " in " + value);
    }
  }

  /// Where a reference leads, or the thing itself.
  public JsonObject resolved(JsonObject thing) {
    String ref = thing.getString("$ref");
    if (ref == null) {
      return thing;
    }
    JsonObject at = closed;
    for (String part : ref.substring(2).split("/", -1)) {
      at = Objects.requireNonNull(at.getJsonObject(part), ref);
    }
    return at;
  }

  private static void close(Object thing) {
    if (thing instanceof JsonObject object) {
      if (object.getValue("properties") instanceof JsonObject
          && "object".equals(object.getValue("type"))
          && !object.containsKey("additionalProperties")) {
        object.put("additionalProperties", false);
      }
      object.fieldNames().forEach(name -> close(object.getValue(name)));
    } else if (thing instanceof JsonArray array) {
      for (int i = 0; i < array.size(); i++) {
        close(array.getValue(i));
      }
    }
  }
}
