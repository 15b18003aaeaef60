package dev.meanwhile.server.route;

import io.vertx.core.http.HttpMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Everything that this server answers itself; what else is under `/v1` it relays. `openapi.json`
/// describes the same, which a test compares.
@SuppressWarnings("ImmutableEnumChecker") // nothing writes to them, and Vert.x's methods are values
public enum Route {
  CHAT("POST", "/v1/chat/completions"),
  EMBEDDINGS("POST", "/v1/embeddings"),
  RESPOND("POST", "/v1/responses"),
  CHAT_MONITOR("GET", "/v1/chat/completions/{id}"),
  RESPONSE("GET", "/v1/responses/{id}"),
  RESPONSE_ERASE("DELETE", "/v1/responses/{id}"),
  RESPONSE_CANCEL("POST", "/v1/responses/{id}/cancel"),
  RESPONSE_INPUT("GET", "/v1/responses/{id}/input_items"),
  OPERATIONS("GET", "/v1/operations"),
  OPERATION("GET", "/v1/operations/{name}"),
  OPERATE("POST", "/v1/operations/{name}"),
  OPERATE_BATCH("POST", "/v1/operations/{name}/batch"),
  BATCH("GET", "/v1/batches/{id}"),
  BATCH_RESULTS("GET", "/v1/batches/{id}/results"),
  BATCH_ERRORS("GET", "/v1/batches/{id}/errors"),
  BATCH_CANCEL("POST", "/v1/batches/{id}/cancel"),
  BATCH_ERASE("DELETE", "/v1/batches/{id}"),
  PREFETCH("GET", "/v1/operations/{name}/prefetch"),
  WARM("POST", "/v1/operations/{name}/warm"),
  CACHE_PURGE("POST", "/v1/cache/purge"),
  RUNS("GET", "/v1/runs"),
  RUN("GET", "/v1/runs/{id}"),
  RUN_ERASE("DELETE", "/v1/runs/{id}"),
  RUN_CANCEL("POST", "/v1/runs/{id}/cancel"),
  RUN_URLS("POST", "/v1/runs/{id}/urls"),
  FEED("GET", "/v1/feeds/{channel}"),
  FEED_URLS("POST", "/v1/feeds/{channel}/urls"),
  WEBHOOKS("GET", "/v1/webhook_endpoints"),
  WEBHOOK_CREATE("POST", "/v1/webhook_endpoints"),
  WEBHOOK("GET", "/v1/webhook_endpoints/{id}"),
  WEBHOOK_UPDATE("POST", "/v1/webhook_endpoints/{id}"),
  WEBHOOK_DELETE("DELETE", "/v1/webhook_endpoints/{id}"),
  WEBHOOK_ROTATE("POST", "/v1/webhook_endpoints/{id}/rotate_secret"),
  WEBHOOK_TEST("POST", "/v1/webhook_endpoints/{id}/test"),
  DELIVERIES("GET", "/v1/webhook_endpoints/{id}/deliveries"),
  DELIVERY_RESEND("POST", "/v1/webhook_endpoints/{id}/deliveries/{event}/resend"),
  LIVE("GET", "/health/live"),
  READY("GET", "/health/ready"),
  RELOAD("POST", "/v1/reload"),
  METRICS("GET", "/metrics"),
  OPENAPI("GET", "/openapi.json");

  /// Below these nothing is relayed: an upstream knows nothing of them, or not what we know.
  private static final List<String> OWN =
      List.of(
          "/v1/runs",
          "/v1/feeds",
          "/v1/operations",
          "/v1/reload",
          "/v1/cache",
          "/v1/webhook_endpoints",
          "/v1/responses");

  private static final Route[] ALL = values();

  private final HttpMethod method;
  private final String path;
  private final String[] parts;
  private final boolean varies;

  Route(String method, String path) {
    this.method = HttpMethod.valueOf(method);
    this.path = path;
    this.parts = path.split("/", -1);
    this.varies = path.contains("{");
  }

  /// The method that it takes.
  public String method() {
    return method.name();
  }

  /// Its path, variables in braces.
  public String path() {
    return path;
  }

  /// The route that a request takes.
  ///
  /// @param in what stands in the path's variables, percent-encoded as it came
  record Found(Route route, List<String> in) {}

  /// Which route this is, if it is one of ours.
  static @Nullable Found of(HttpMethod method, String path) {
    for (Route route : ALL) {
      if (!route.varies && route.path.equals(path) && route.takes(method)) {
        return new Found(route, List.of());
      }
    }
    String[] said = path.split("/", -1);
    for (Route route : ALL) {
      List<String> in = route.takes(method) ? route.match(said) : null;
      if (in != null) {
        return new Found(route, in);
      }
    }
    return null;
  }

  /// Whether nothing at this path is relayed.
  static boolean isOwn(String path) {
    return !path.startsWith("/v1/")
        || OWN.stream().anyMatch(own -> path.equals(own) || path.startsWith(own + "/"));
  }

  /// The methods that this path knows, as `Allow` says them; empty if there is no such path.
  static String allowed(String path) {
    String[] said = path.split("/", -1);
    return Arrays.stream(ALL)
        .filter(route -> route.match(said) != null)
        .map(Route::method)
        .collect(Collectors.joining(", "));
  }

  /// Who looks after a server may ask for the head only.
  private boolean takes(HttpMethod asked) {
    return method.equals(asked)
        || HttpMethod.HEAD.equals(asked)
            && HttpMethod.GET.equals(method)
            && !path.startsWith("/v1/");
  }

  private @Nullable List<String> match(String[] said) {
    if (said.length != parts.length) {
      return null;
    }
    List<String> in = new ArrayList<>(2);
    for (int i = 0; i < parts.length; i++) {
      if (parts[i].startsWith("{") && !said[i].isEmpty()) {
        in.add(said[i]);
      } else if (!parts[i].equals(said[i])) {
        return null;
      }
    }
    return in;
  }
}
