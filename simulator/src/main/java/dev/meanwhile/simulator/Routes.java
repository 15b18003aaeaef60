package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.net.URLDecoder;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What is answered where, on one event loop.
final class Routes implements Handler<HttpServerRequest> {
  private static final String MODELS = "/v1/models";
  private static final String BACKEND = "/sim/backend/";

  /// Milliseconds.
  private static final Map<String, LogNormal> BACKENDS =
      Map.of(
          "cache", new LogNormal(1, 5),
          "service", new LogNormal(10, 100),
          "database", new LogNormal(5, 50));

  private final World world;
  private final Wheel wheel;
  private final Calls calls;

  Routes(World world, Wheel wheel) {
    this.world = world;
    this.wheel = wheel;
    this.calls = new Calls(world, wheel);
  }

  /// What is done with a body that has been read.
  private interface Call {
    void answer(HttpServerRequest request, byte[] body, long came);
  }

  @Override
  public void handle(HttpServerRequest request) {
    try {
      route(request);
    } catch (ApiError error) {
      answer(request.response(), error);
    }
  }

  private void route(HttpServerRequest request) {
    String path = request.path() == null ? "" : request.path();
    switch (path) {
      case "/v1/chat/completions" -> call(request, calls::chat);
      case "/v1/embeddings" -> call(request, calls::embeddings);
      case MODELS -> {
        allow(request, HttpMethod.GET);
        json(request.response(), models());
      }
      case "/sim/stats" -> {
        allow(request, HttpMethod.GET);
        json(request.response(), Json.MAPPER.writeValueAsString(world.stats()));
      }
      case "/sim/reset" -> {
        allow(request, HttpMethod.POST);
        world.reset();
        json(request.response(), Json.MAPPER.writeValueAsString(world.stats()));
      }
      default -> {
        if (path.startsWith(MODELS + "/")) {
          allow(request, HttpMethod.GET);
          String id = Target.of(decoded(path.substring(MODELS.length() + 1))).name();
          json(request.response(), model(id));
        } else if (path.startsWith(BACKEND)) {
          allow(request, HttpMethod.GET);
          backend(request.response(), path.substring(BACKEND.length()));
        } else {
          throw unknown(request);
        }
      }
    }
  }

  private void call(HttpServerRequest request, Call call) {
    allow(request, HttpMethod.POST);
    long came = System.nanoTime();
    var body = Buffer.buffer();
    request.handler(part -> {
      if (body.length() + part.length() > world.maxBody()) {
        // What still comes is read and dropped, or the answer would be lost with the connection.
        request.handler(_ -> {}).endHandler(_ -> {});
        tooLong(request);
      } else {
        body.appendBuffer(part);
      }
    });
    request.endHandler(_ -> {
      try {
        call.answer(request, body.getBytes(), came);
      } catch (ApiError error) {
        answer(request.response(), error);
      }
    });
  }

  private void tooLong(HttpServerRequest request) {
    if (request.version() != HttpVersion.HTTP_2) {
      request.response().putHeader(HttpHeaders.CONNECTION, "close");
    }
    answer(
        request.response(),
        new ApiError(
            413,
            "The body is longer than " + world.maxBody() + " bytes, the limit of this simulator",
            "invalid_request_error",
            null,
            null));
  }

  private static void allow(HttpServerRequest request, HttpMethod method) {
    if (!request.method().equals(method)) {
      request.response().putHeader("allow", method.name());
      throw new ApiError(
          405,
          "Not allowed to " + request.method() + " on " + request.path() + "; use " + method,
          "invalid_request_error",
          null,
          "method_not_supported");
    }
  }

  private static ApiError unknown(HttpServerRequest request) {
    return new ApiError(
        404,
        "Unknown request URL: " + request.method() + " " + request.path(),
        "invalid_request_error",
        null,
        "unknown_url");
  }

  private void backend(HttpServerResponse response, String name) {
    LogNormal latency = BACKENDS.get(name);
    if (latency == null) {
      throw new ApiError(
          404,
          "There is no backend '" + name + "'; there are cache, service and database",
          "invalid_request_error",
          null,
          null);
    }
    long millis = Draw.steady(latency, world.backend()).millis();
    response.putHeader("x-sim-total-ms", Long.toString(millis));
    var entry =
        new Wheel.Entry() {
          @Override
          void fire() {
            json(response, "{\"backend\":\"" + name + "\",\"ms\":" + millis + "}");
          }
        };
    response.exceptionHandler(_ -> wheel.cancel(entry));
    response.closeHandler(_ -> wheel.cancel(entry));
    wheel.schedule(entry, System.nanoTime() + millis * 1_000_000);
  }

  private static String models() {
    return Stream.of(Model.values())
        .map(model -> model(model.id()))
        .collect(Collectors.joining(",", "{\"object\":\"list\",\"data\":[", "]}"));
  }

  private static String model(String id) {
    return "{\"id\":\""
        + id
        + "\",\"object\":\"model\",\"created\":1767225600,\"owned_by\":\"simulator\"}";
  }

  private static String decoded(String segment) {
    try {
      return URLDecoder.decode(segment.replace("+", "%2B"), UTF_8);
    } catch (IllegalArgumentException _) {
      return segment;
    }
  }

  private static void answer(HttpServerResponse response, ApiError error) {
    response.setStatusCode(error.status());
    json(response, error.json());
  }

  private static void json(HttpServerResponse response, String body) {
    response.putHeader(HttpHeaders.CONTENT_TYPE, "application/json").end(body);
  }
}
