package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.dispatch.Dispatcher.Prefetched;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.RunLog;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.ChatTemplate.Filled;
import dev.meanwhile.openai.Envelope.Problem;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.prefetch.Decision;
import dev.meanwhile.prefetch.Explanation;
import dev.meanwhile.prefetch.Sweep;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.server.prefetch.Prefetches.Told;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/// `GET /v1/operations/{name}/prefetch`: what is made before anyone asks, and why. `POST
/// /v1/operations/{name}/warm`: makes what its caller knows will be asked.
final class PrefetchRoute {
  /// The most questions in one call.
  private static final int MOST = 100;

  /// Headers that say which account of the upstream's is meant: another is another question.
  private static final List<String> PECULIAR =
      List.of("openai-beta", "openai-organization", "openai-project");

  private static final Prefetched NOBODY =
      new Prefetched() {
        @Override
        public void unmade() {}

        @Override
        public void ended(RunLog log, long took) {}
      };

  private final Loop loop;
  private final OperationRoute operations;
  private final CallRoute calls;

  PrefetchRoute(Loop loop, OperationRoute operations, CallRoute calls) {
    this.loop = loop;
    this.operations = operations;
    this.calls = calls;
  }

  /// The headers of a call that nobody makes.
  static MultiMap headers() {
    return MultiMap.caseInsensitiveMultiMap().add("content-type", Answers.JSON);
  }

  /// Whether such a call asks something else than one with these headers.
  static boolean isPeculiar(MultiMap headers) {
    return PECULIAR.stream().anyMatch(headers::contains);
  }

  void explain(HttpServerRequest request, String name, Caller caller) {
    Operation operation = operations.find(name, null);
    loop.prefetches()
        .explain(
            operation.name(),
            told ->
                loop.clock()
                    .execute(() -> {
                      if (told == null) {
                        Answers.refuse(
                            request.response(),
                            new Refusal(
                                404,
                                "no_prefetch",
                                "Nothing of the operation '%s' is made before it is asked: give it a prefetch section."
                                    .formatted(name)),
                            false);
                      } else {
                        byte[] json = json(operation, told, caller).getBytes(UTF_8);
                        Answers.send(request.response(), 200, Answers.JSON, json);
                      }
                    }));
  }

  void warm(HttpServerRequest request, String name, Caller caller) {
    Operation operation = operations.find(name, null);
    ChatTemplate template = OperationRoute.template(operation);
    if (operation.cache() == null) {
      throw new Refusal(
          400,
          "operation_without_cache",
          "Answers of the operation '%s' are not kept, so none can be made for later: give it a cache section."
              .formatted(name));
    }
    Bodies.read(
        loop,
        request,
        loop.config().server().maxBody(),
        false,
        body -> warm(request, operation, template, caller, body));
  }

  private void warm(
      HttpServerRequest request,
      Operation operation,
      ChatTemplate template,
      Caller caller,
      byte[] body) {
    if (calls.borrows(caller, request.headers(), template.model())) {
      throw new Refusal(
          400,
          "upstream_key_required",
          "What is made for later cannot go up with its caller's own key, which is never stored. Configure the upstream's key: --upstream-key-env NAME, or api-key in the file.");
    }
    MultiMap headers = headers();
    for (String name : PECULIAR) {
      if (request.headers().contains(name)) {
        headers.add(name, request.headers().get(name));
      }
    }
    // All of them are looked at before any is asked.
    var asked = new ArrayList<Submission>();
    for (String variables : variables(body)) {
      byte[] input = variables.getBytes(UTF_8);
      Filled filled = template.fill(input);
      Problem problem = filled.problem();
      if (problem != null) {
        throw new Refusal(400, problem.code(), problem.message(), problem.param());
      }
      Submission submission = calls.ahead(operation, filled, caller, headers, input);
      if (submission == null) {
        throw new Refusal(
            400,
            "operation_without_cache",
            "The answer to this is not kept: with share: user the variables must name a user.");
      }
      asked.add(submission);
    }
    String upstream = loop.clientOf(template.model()).config().name();
    if (loop.engine().queue(upstream).isFullOfPrefetches()) {
      throw new Refusal(
          429,
          "queue_full",
          "As many answers are to be made for later as may wait. Try again later, or raise max-queued of the upstream '%s'."
              .formatted(upstream));
    }
    long making = asked.stream().filter(each -> loop.dispatcher().prefetch(each, NOBODY)).count();
    String json =
        "{\"object\":\"warm\",\"kept\":%d,\"making\":%d}".formatted(asked.size() - making, making);
    Answers.send(request.response(), making > 0 ? 202 : 200, Answers.JSON, json.getBytes(UTF_8));
  }

  private static List<String> variables(byte[] body) {
    String given = JsonText.member(body, "variables");
    if (given == null || JsonText.members(body) == null) {
      throw invalid();
    }
    if (given.startsWith("{")) {
      return List.of(given);
    }
    List<String> all = JsonText.elements(given.getBytes(UTF_8));
    if (all == null || all.isEmpty()) {
      throw invalid();
    }
    if (all.size() > MOST) {
      throw new Refusal(
          400,
          "too_many_inputs",
          "At most %,d questions in one call; send the rest in others.".formatted(MOST),
          "variables");
    }
    return all;
  }

  private static Refusal invalid() {
    return new Refusal(
        400,
        "invalid_warm",
        "Say what will be asked: {\"variables\": {…}}, or {\"variables\": [{…}, {…}]}.",
        "variables");
  }

  private static String json(Operation operation, Told told, Caller caller) {
    Explanation is = told.explanation();
    var policy = operation.prefetch();
    return "{\"object\":\"prefetch\",\"operation\":"
        + JsonText.quoted(operation.name())
        + ",\"learns\":"
        + (policy != null && policy.learns())
        + ",\"sweep\":"
        + sweep(told.sweep())
        + ",\"next_at\":"
        + seconds(told.next())
        + ",\"reads\":"
        + is.reads()
        + ",\"hits\":"
        + is.hits()
        + ",\"hit_ratio\":"
        + number(is.hitRatio())
        + ",\"prefetched\":"
        + is.prefetched()
        + ",\"read\":"
        + is.read()
        + ",\"wasted\":"
        + is.wasted()
        + ",\"failed\":"
        + is.failed()
        + ",\"open\":"
        + is.open()
        + ",\"waste_ratio\":"
        + number(is.wasteRatio())
        + ",\"tokens\":"
        + is.tokensSpent()
        + ",\"tokens_last_hour\":"
        + is.tokensLastHour()
        + ",\"seconds_saved\":"
        + number(is.secondsSaved())
        + ",\"not_fetched\":{\"improbable\":"
        + is.belowProbability()
        + ",\"tokens\":"
        + is.overTokens()
        + ",\"waste\":"
        + is.overWaste()
        + "},\"keys\":"
        + is.keys()
        + ",\"latest\":"
        + latest(operation, is.latest(), caller)
        + ",\"calibration\":"
        + calibration(is.calibration())
        + "}";
  }

  private static String sweep(@Nullable Sweep sweep) {
    return sweep == null
        ? "null"
        : "{\"began_at\":%s,\"ended_at\":%s,\"total\":%d,\"kept\":%d,\"made\":%d,\"failed\":%d,\"left\":%d,\"trouble\":%s}"
            .formatted(
                seconds(sweep.beganAt()),
                seconds(sweep.endedAt()),
                sweep.total(),
                sweep.kept(),
                sweep.made(),
                sweep.failed(),
                sweep.total() - sweep.kept() - sweep.made() - sweep.failed(),
                JsonText.quoted(sweep.trouble()));
  }

  /// The caller's own: what others ask is not told.
  private static String latest(Operation operation, List<Decision> latest, Caller caller) {
    var cache = operation.cache();
    var template = operation.template();
    List<String> names =
        cache != null && cache.key() != null
            ? cache.key()
            : template == null ? List.of() : List.copyOf(template.variables().keySet());
    var all = new StringJoiner(",", "[", "]");
    for (Decision each : latest) {
      if (!each.key().getFirst().equals(caller.tenant()) || each.key().size() != names.size() + 1) {
        continue;
      }
      var key = new StringJoiner(",", "{", "}");
      for (int i = 0; i < names.size(); i++) {
        key.add(JsonText.quoted(names.get(i)) + ":" + each.key().get(i + 1));
      }
      all.add(
          "{\"key\":%s,\"at\":%s,\"probability\":%s,\"tokens\":%d,\"why\":%s}"
              .formatted(
                  key,
                  seconds(each.at()),
                  number(each.probability()),
                  each.tokens(),
                  JsonText.quoted(each.why())));
    }
    return all.toString();
  }

  private static String calibration(List<Explanation.Bin> bins) {
    var all = new StringJoiner(",", "[", "]");
    for (Explanation.Bin bin : bins) {
      all.add(
          "{\"idle\":%s,\"score\":%s,\"probability\":%s,\"forecasts\":%s,\"observed\":%s}"
              .formatted(
                  number(bin.idle()),
                  number(bin.score()),
                  number(bin.probability()),
                  number(bin.forecasts()),
                  number(bin.observed())));
    }
    return all.toString();
  }

  private static String seconds(long millis) {
    return millis == 0 ? "null" : Long.toString(millis / 1_000);
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "null" : String.format(Locale.ROOT, "%.3f", value);
  }
}
