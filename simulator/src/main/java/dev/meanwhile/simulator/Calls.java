package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.HexFormat;
import java.util.SplittableRandom;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Answers AI calls, on one event loop.
final class Calls {
  private static final CharSequence FIRST_TOKEN =
      HttpHeaders.createOptimized("x-sim-first-token-ms");
  private static final CharSequence TOTAL = HttpHeaders.createOptimized("x-sim-total-ms");
  private static final CharSequence PROCESSING =
      HttpHeaders.createOptimized("openai-processing-ms");
  private static final CharSequence REQUEST_ID = HttpHeaders.createOptimized("x-request-id");
  private static final CharSequence EVENT_STREAM =
      HttpHeaders.createOptimized("text/event-stream; charset=utf-8");
  private static final CharSequence NO_CACHE = HttpHeaders.createOptimized("no-cache");

  private final World world;
  private final Wheel wheel;

  Calls(World world, Wheel wheel) {
    this.world = world;
    this.wheel = wheel;
  }

  /// @throws ApiError if the call is refused
  void chat(HttpServerRequest request, byte[] body, long came) {
    var overrides = Overrides.of(request.headers());
    var call = ChatCall.of(tree(body), overrides);
    var recording = world.recording(call.stream());
    var framing = Framing.of(call.target().fault());
    long seed = world.seed(body);
    String id = "chatcmpl-" + HexFormat.of().toHexDigits(seed);
    long created = System.currentTimeMillis() / 1_000;
    if (call.stream()) {
      var script =
          recording == null
              ? new ComposedScript(call, id, created, framing)
              : recording.script(framing);
      var asked =
          new Asked(
              request.response(),
              call.target(),
              overrides,
              seed,
              came,
              call.promptTokens(),
              script.tokens());
      stream(asked, script);
    } else {
      var asked =
          new Asked(
              request.response(),
              call.target(),
              overrides,
              seed,
              came,
              call.promptTokens(),
              call.tokens());
      if (recording == null) {
        plain(asked, 200, Completion.json(call, id, created).getBytes(UTF_8), call.tokens());
      } else {
        plain(asked, recording.status(), recording.body(), call.tokens());
      }
    }
  }

  /// @throws ApiError if the call is refused
  void embeddings(HttpServerRequest request, byte[] body, long came) {
    var overrides = Overrides.of(request.headers());
    var call = EmbeddingsCall.of(tree(body), overrides);
    var asked =
        new Asked(
            request.response(),
            call.target(),
            overrides,
            world.seed(body),
            came,
            call.promptTokens(),
            1);
    plain(asked, 200, call.json().getBytes(UTF_8), 0);
  }

  /// A call and what it will take.
  private record Asked(
      HttpServerResponse response,
      Target target,
      Overrides overrides,
      long seed,
      long came,
      int promptTokens,
      int tokens) {
    Timeline timeline() {
      var model = target.model();
      return Timeline.of(model, Draw.of(model.latency(), new SplittableRandom(seed)))
          .with(overrides.firstMillis(), overrides.tokenMillis());
    }
  }

  private static JsonNode tree(byte[] body) {
    JsonNode tree;
    try {
      tree = Json.MAPPER.readTree(body);
    } catch (JacksonException e) {
      throw ApiError.invalid(
          "We could not parse the JSON body of your request: " + e.getOriginalMessage(), null);
    }
    if (!tree.isObject()) {
      throw ApiError.invalid("The body of your request must be a JSON object", null);
    }
    return tree;
  }

  private Timeline begin(Asked asked) {
    Timeline timeline = asked.timeline();
    MultiMap headers = asked.response().headers();
    String total = Long.toString(Timeline.millis(timeline.total(asked.tokens())));
    headers.set(FIRST_TOKEN, Long.toString(Timeline.millis(timeline.first())));
    headers.set(TOTAL, total);
    headers.set(PROCESSING, total);
    headers.set(REQUEST_ID, "req_" + HexFormat.of().toHexDigits(Hash.mix(asked.seed())));
    world.counts(asked.target().model()).called();
    world.limits().admit(asked.promptTokens() + asked.tokens(), asked.came(), headers);
    return timeline;
  }

  private void plain(Asked asked, int status, byte[] body, int tokens) {
    Timeline timeline = begin(asked);
    if (!refuse(asked)) {
      answer(asked, status, body, tokens, timeline.total(asked.tokens()));
    }
  }

  private void stream(Asked asked, Script script) {
    Timeline timeline = begin(asked);
    if (refuse(asked)) {
      return;
    }
    var fault = asked.target().fault();
    var response = asked.response().setChunked(true);
    response.putHeader(HttpHeaders.CONTENT_TYPE, EVENT_STREAM);
    response.putHeader(HttpHeaders.CACHE_CONTROL, NO_CACHE);
    var counts = world.counts(asked.target().model());
    boolean silent = fault.stall() == Fault.FOREVER;
    long start = silent ? 0 : asked.came() + fault.stall() * 1_000_000;
    var answer = new StreamAnswer(wheel, response, counts, script, timeline, fault, start);
    if (!fault.holdHead()) {
      response.writeHead();
    }
    if (!silent) {
      answer.scheduleAt(start + timeline.first());
    }
  }

  private boolean refuse(Asked asked) {
    var fault = asked.target().fault();
    if (fault.status() == 0) {
      return false;
    }
    if (fault.retryAfter() >= 0) {
      asked.response().putHeader("retry-after", Integer.toString(fault.retryAfter()));
    }
    byte[] body = ApiError.simulated(fault.status()).json().getBytes(UTF_8);
    answer(asked, fault.status(), body, 0, 0);
    return true;
  }

  private void answer(Asked asked, int status, byte[] body, int tokens, long after) {
    var fault = asked.target().fault();
    var counts = world.counts(asked.target().model());
    var answer =
        new PlainAnswer(wheel, asked.response(), counts, status, body, tokens, fault.end());
    if (fault.stall() != Fault.FOREVER) {
      answer.scheduleAt(asked.came() + fault.stall() * 1_000_000 + after);
    }
  }
}
