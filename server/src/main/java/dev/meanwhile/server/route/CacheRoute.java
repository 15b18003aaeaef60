package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.cache.Key;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.store.Outcome;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// `POST /v1/cache/purge`: kept answers are not given any more.
final class CacheRoute {
  private static final int MOST = 16 << 10;

  /// No tag, name or key is longer.
  private static final int LONGEST = 64;

  private final Loop loop;
  private final OperationRoute operations;

  CacheRoute(Loop loop, OperationRoute operations) {
    this.loop = loop;
    this.operations = operations;
  }

  /// The tag that all answers of an operation have.
  static String ofOperation(String name) {
    return "operation " + name;
  }

  /// The tag that the answers have whose operation says so.
  static String ofTag(String name) {
    return "tag " + name;
  }

  void purge(HttpServerRequest request) {
    Bodies.read(
        loop,
        request,
        MOST,
        false,
        body -> purge(body, outcome -> loop.clock().execute(() -> answer(request, outcome))));
  }

  private static void answer(HttpServerRequest request, Outcome outcome) {
    if (outcome instanceof Outcome.Refused refused) {
      Answers.error(
          request.response(),
          503,
          "store_unavailable",
          "Nothing can be purged for all now: %s. Try again.".formatted(refused.reason()),
          null);
    } else {
      Answers.send(request.response(), 200, Answers.JSON, "{\"purged\":true}".getBytes(UTF_8));
    }
  }

  private void purge(byte[] body, Consumer<Outcome> done) {
    Meanwhile engine = loop.engine();
    var members = JsonText.members(body);
    if (members == null || members.size() != 1) {
      throw refusal(null);
    }
    String name = members.keySet().iterator().next();
    String value = JsonText.string(body, name);
    if (value == null || value.isEmpty() || value.length() > LONGEST) {
      throw refusal(name);
    }
    switch (name) {
      case "operation" -> engine.purge(ofOperation(operations.find(value, name).name()), done);
      case "tag" -> engine.purge(ofTag(value), done);
      case "key" -> engine.purge(key(value), done);
      default -> throw refusal(name);
    }
  }

  private static Key key(String text) {
    try {
      return Key.parse(text);
    } catch (IllegalArgumentException e) {
      throw refusal("key");
    }
  }

  private static Refusal refusal(@Nullable String param) {
    return new Refusal(
        400,
        "invalid_purge",
        "Say what is not to be given any more, one of: {\"operation\": its name}, {\"tag\": a tag of operations}, {\"key\": what Cache-Status said}.",
        param);
  }
}
