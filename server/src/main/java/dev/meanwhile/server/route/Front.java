package dev.meanwhile.server.route;

import dev.meanwhile.openai.Api;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.SignedUrls.Right;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Where every request comes in, and which route takes it.
public final class Front implements Handler<HttpServerRequest> {
  private static final String RUNS = "/v1/runs/";
  private static final String RUN_ID = "run_";
  private static final String RESPONSES = "/v1/responses";
  private static final String BATCHES = "/v1/batches";

  private final Loop loop;
  private final CallRoute calls;
  private final OperationRoute operations;
  private final BatchRoute batches;
  private final ReloadRoute reload;
  private final CacheRoute cache;
  private final PrefetchRoute prefetch;
  private final RunRoute runs;
  private final FeedRoute feeds;
  private final ListRoute list;
  private final WebhookRoute webhooks;
  private final RelayRoute relay;
  private final Cors cors;
  private final ResponsesRoute responses;

  public Front(Loop loop) {
    this.loop = loop;
    this.webhooks = new WebhookRoute(loop);
    this.operations = new OperationRoute(loop);
    this.cache = new CacheRoute(loop, operations);
    this.calls = new CallRoute(loop, webhooks, operations);
    this.prefetch = new PrefetchRoute(loop, operations, calls);
    loop.prefetches().begin(loop.clock(), calls);
    this.reload = new ReloadRoute(loop);
    var urls = new UrlRoute(loop);
    this.runs = new RunRoute(loop, urls);
    this.feeds = new FeedRoute(loop, urls);
    this.list = new ListRoute(loop);
    this.relay = new RelayRoute(loop);
    this.cors = new Cors(loop.config().server().cors());
    this.batches = new BatchRoute(loop, calls, webhooks, runs, relay);
    this.responses = new ResponsesRoute(loop, runs, relay);
  }

  @Override
  public void handle(HttpServerRequest request) {
    String path = request.path();
    boolean isNative =
        path == null
            || path.startsWith(RUNS)
            || path.startsWith(FeedRoute.PATH)
            || path.equals("/v1/runs")
            || !path.startsWith("/v1/");
    try {
      route(request, path == null ? "/" : path);
    } catch (Refusal refusal) {
      Answers.refuse(request.response(), refusal, isNative);
    } catch (RuntimeException e) {
      Answers.fault(request, e, isNative);
    }
  }

  /// The name of a request's route in metrics: one of a few, whatever callers ask for.
  public static String routeName(String path) {
    return switch (path) {
      case "/v1/chat/completions" -> "chat";
      case "/v1/embeddings" -> "embeddings";
      case "/health/live", "/health/ready" -> "health";
      case "/metrics" -> "metrics";
      default ->
          path.startsWith(RUNS) || path.equals("/v1/runs")
              ? "runs"
              : path.startsWith(FeedRoute.PATH)
                  ? "feeds"
                  : isIn(path, WebhookRoute.PATH)
                      ? "webhooks"
                      : isIn(path, OperationRoute.PATH)
                          ? "operations"
                          : isIn(path, BATCHES)
                              ? "batches"
                              : isIn(path, RESPONSES)
                                  ? "responses"
                                  : path.startsWith("/v1/") ? "relay" : "other";
    };
  }

  private static boolean isIn(String path, String above) {
    return path.equals(above) || path.startsWith(above + "/");
  }

  private void route(HttpServerRequest request, String path) {
    if ((path.startsWith(RUNS) || path.startsWith(FeedRoute.PATH)) && cors.answered(request)) {
      return;
    }
    Route.Found found = Route.of(request.method(), path);
    if (found == null) {
      other(request, path);
      return;
    }
    List<String> in = found.in();
    switch (found.route()) {
      case CHAT -> calls.handle(request, Api.CHAT, caller(request));
      case EMBEDDINGS -> calls.handle(request, Api.EMBEDDINGS, caller(request));
      case RESPOND -> calls.handle(request, Api.RESPONSES, caller(request));
      case CHAT_MONITOR -> {
        if (in.getFirst().startsWith(RUN_ID)) {
          runs.monitor(request, caller(request), in.getFirst());
        } else {
          relay.handle(request, caller(request));
        }
      }
      case RESPONSE -> responses.get(request, caller(request), in.getFirst());
      case RESPONSE_ERASE -> responses.erase(request, caller(request), in.getFirst());
      case RESPONSE_CANCEL -> responses.cancel(request, caller(request), in.getFirst());
      case RESPONSE_INPUT -> responses.input(request, caller(request), in.getFirst());
      case OPERATIONS -> {
        caller(request);
        operations.list(request);
      }
      case OPERATION -> {
        caller(request);
        operations.get(request, in.getFirst());
      }
      case OPERATE -> calls.operate(request, in.getFirst(), caller(request));
      case OPERATE_BATCH -> batches.submit(request, in.getFirst(), caller(request));
      case BATCH -> batches.get(request, caller(request), in.getFirst());
      case BATCH_RESULTS -> batches.lines(request, caller(request), in.getFirst(), false);
      case BATCH_ERRORS -> batches.lines(request, caller(request), in.getFirst(), true);
      case BATCH_CANCEL -> batches.cancel(request, caller(request), in.getFirst());
      case BATCH_ERASE -> batches.erase(request, caller(request), in.getFirst());
      case PREFETCH -> prefetch.explain(request, in.getFirst(), caller(request));
      case WARM -> prefetch.warm(request, in.getFirst(), caller(request));
      case CACHE_PURGE -> {
        loop.authenticator().requireAdmin(request);
        cache.purge(request);
      }
      case RUNS -> list.handle(request, caller(request));
      case RUN -> runs.get(request, caller(request, in, Right.READ), in.getFirst());
      case RUN_ERASE -> runs.erase(request, caller(request, in, Right.OWN), in.getFirst());
      case RUN_CANCEL -> runs.cancel(request, caller(request, in, Right.CANCEL), in.getFirst());
      case RUN_URLS -> {
        String id = in.getFirst();
        runs.sign(request, caller(request, in, Right.OWN), id, RUNS + id);
      }
      case FEED -> feeds.read(request, in.getFirst());
      case FEED_URLS -> feeds.sign(request, in.getFirst());
      case WEBHOOKS -> webhooks.list(request, caller(request));
      case WEBHOOK_CREATE -> webhooks.create(request, caller(request));
      case WEBHOOK -> webhooks.get(request, caller(request), in.getFirst());
      case WEBHOOK_UPDATE -> webhooks.update(request, caller(request), in.getFirst());
      case WEBHOOK_DELETE -> webhooks.delete(request, caller(request), in.getFirst());
      case WEBHOOK_ROTATE -> webhooks.rotate(request, caller(request), in.getFirst());
      case WEBHOOK_TEST -> webhooks.test(request, caller(request), in.getFirst());
      case DELIVERIES -> webhooks.deliveries(request, caller(request), in.getFirst());
      case DELIVERY_RESEND ->
          webhooks.resend(request, caller(request), in.getFirst(), in.getLast());
      case LIVE -> health(request, true);
      case READY -> health(request, loop.ready().getAsBoolean());
      case RELOAD -> reload.handle(request);
      case METRICS -> {
        loop.authenticator().requireAdmin(request);
        Answers.send(
            request.response(),
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            loop.metrics().text());
      }
      case OPENAPI -> OpenApi.answer(request);
    }
  }

  private Caller caller(HttpServerRequest request) {
    return loop.authenticator().caller(request);
  }

  /// Who asks for the run whose id is the first in its path, perhaps by a signed URL.
  private Caller caller(HttpServerRequest request, List<String> in, Right needed) {
    return loop.authenticator()
        .caller(request, RUNS + in.getFirst(), needed, loop.clock().millis());
  }

  /// No route of ours: it is the upstream's, or nobody's.
  private void other(HttpServerRequest request, String path) {
    boolean ours = Route.isOwn(path);
    Caller caller = path.startsWith("/v1/") ? caller(request) : null;
    if (!ours && caller != null) {
      relay.handle(request, caller);
      return;
    }
    String allowed = Route.allowed(path);
    if (allowed.isEmpty()) {
      throw new Refusal(
          404,
          "not_found",
          "There is nothing here. The API is under /v1: set your client's base URL to this server's address and /v1. GET /openapi.json describes it.");
    }
    request.response().putHeader("allow", allowed);
    throw new Refusal(
        405,
        "method_not_allowed",
        "This path knows %s only. GET /openapi.json describes what there is.".formatted(allowed));
  }

  private static void health(HttpServerRequest request, boolean well) {
    Answers.send(
        request.response(),
        well ? 200 : 503,
        Answers.JSON,
        (well ? "{\"status\":\"ok\"}" : "{\"status\":\"stopping\"}")
            .getBytes(StandardCharsets.UTF_8));
  }
}
