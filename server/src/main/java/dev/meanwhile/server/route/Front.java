package dev.meanwhile.server.route;

import dev.meanwhile.openai.Api;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.SignedUrls.Right;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;

/// Where every request comes in, and which route takes it.
public final class Front implements Handler<HttpServerRequest> {
  private static final String RUNS = "/v1/runs/";
  private static final String MONITOR = "/v1/chat/completions/run_";
  private static final String CANCEL = "/cancel";
  private static final String URLS = "/urls";
  private static final String RESPONSES = "/v1/responses";

  private final Loop loop;
  private final CallRoute calls;
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
    this.calls = new CallRoute(loop, webhooks);
    var urls = new UrlRoute(loop);
    this.runs = new RunRoute(loop, urls);
    this.feeds = new FeedRoute(loop, urls);
    this.list = new ListRoute(loop);
    this.relay = new RelayRoute(loop);
    this.cors = new Cors(loop.config().server().cors());
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
                  : isWebhooks(path)
                      ? "webhooks"
                      : path.equals(RESPONSES) || path.startsWith(RESPONSES + "/")
                          ? "responses"
                          : path.startsWith("/v1/") ? "relay" : "other";
    };
  }

  private static boolean isWebhooks(String path) {
    return path.equals(WebhookRoute.PATH) || path.startsWith(WebhookRoute.PATH + "/");
  }

  private void route(HttpServerRequest request, String path) {
    boolean post = HttpMethod.POST.equals(request.method());
    switch (path) {
      case "/v1/chat/completions" -> {
        if (post) {
          calls.handle(request, Api.CHAT, loop.authenticator().caller(request));
        } else {
          relay.handle(request, loop.authenticator().caller(request));
        }
      }
      case "/v1/embeddings" -> {
        if (post) {
          calls.handle(request, Api.EMBEDDINGS, loop.authenticator().caller(request));
        } else {
          relay.handle(request, loop.authenticator().caller(request));
        }
      }
      case "/v1/runs" -> {
        if (HttpMethod.GET.equals(request.method())) {
          list.handle(request, loop.authenticator().caller(request));
        } else {
          request.response().putHeader("allow", "GET");
          throw new Refusal(405, "method_not_allowed", "The list of runs knows GET /v1/runs.");
        }
      }
      case "/health/live" -> health(request, true);
      case "/health/ready" -> health(request, loop.ready().getAsBoolean());
      case "/metrics" -> {
        loop.authenticator().requireAdmin(request);
        Answers.send(
            request.response(),
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            loop.metrics().text());
      }
      default -> {
        if (path.equals(RESPONSES) || path.startsWith(RESPONSES + "/")) {
          responses(request, path);
        } else if (path.startsWith(RUNS)) {
          if (!cors.answered(request)) {
            run(request, path.substring(RUNS.length()));
          }
        } else if (path.startsWith(FeedRoute.PATH)) {
          if (!cors.answered(request)) {
            feeds.handle(request, path.substring(FeedRoute.PATH.length()));
          }
        } else if (path.startsWith(MONITOR) && HttpMethod.GET.equals(request.method())) {
          Caller caller = loop.authenticator().caller(request);
          runs.monitor(request, caller, path.substring(MONITOR.length() - "run_".length()));
        } else if (isWebhooks(path)) {
          webhooks.handle(
              request,
              loop.authenticator().caller(request),
              path.substring(WebhookRoute.PATH.length()));
        } else if (path.startsWith("/v1/")) {
          relay.handle(request, loop.authenticator().caller(request));
        } else {
          throw new Refusal(
              404,
              "not_found",
              "There is nothing here. The API is under /v1: set your client's base URL to this server's address and /v1.");
        }
      }
    }
  }

  private void responses(HttpServerRequest request, String path) {
    Caller caller = loop.authenticator().caller(request);
    boolean post = HttpMethod.POST.equals(request.method());
    if (path.length() > RESPONSES.length()) {
      responses.handle(request, caller, path.substring(RESPONSES.length() + 1));
    } else if (post) {
      calls.handle(request, Api.RESPONSES, caller);
    } else {
      request.response().putHeader("allow", "POST");
      throw new Refusal(405, "method_not_allowed", "Responses are made by POST /v1/responses.");
    }
  }

  private void run(HttpServerRequest request, String rest) {
    boolean post = HttpMethod.POST.equals(request.method());
    boolean get = HttpMethod.GET.equals(request.method());
    int slash = rest.indexOf('/');
    String id = slash < 0 ? rest : rest.substring(0, slash);
    String verb = slash < 0 ? "" : rest.substring(slash);
    boolean cancel = post && verb.equals(CANCEL);
    String path = RUNS + id;
    Caller caller =
        loop.authenticator()
            .caller(
                request,
                path,
                get ? Right.READ : cancel ? Right.CANCEL : Right.OWN,
                loop.clock().millis());
    if (cancel) {
      runs.cancel(request, caller, id);
    } else if (post && verb.equals(URLS)) {
      runs.sign(request, caller, id, path);
    } else if (verb.isEmpty() && get) {
      runs.get(request, caller, id);
    } else if (verb.isEmpty() && HttpMethod.DELETE.equals(request.method())) {
      runs.erase(request, caller, id);
    } else {
      request.response().putHeader("allow", verb.isEmpty() ? "GET, DELETE" : "POST");
      throw new Refusal(
          405,
          "method_not_allowed",
          "A run knows GET and DELETE /v1/runs/{id}, and POST /v1/runs/{id}/cancel and /v1/runs/{id}/urls.");
    }
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
