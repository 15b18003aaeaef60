package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Server;
import dev.meanwhile.server.upstream.Client;
import dev.meanwhile.server.upstream.Erasing;
import dev.meanwhile.server.upstream.Headers;
import dev.meanwhile.server.upstream.Relay;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Every other `/v1` path: relayed unread to the first upstream, in both directions, without a run.
final class RelayRoute {
  private static final Pattern ENCODED_DOT = Pattern.compile("%2e", Pattern.CASE_INSENSITIVE);
  private static final Pattern ENCODED_SLASH =
      Pattern.compile("%2f|%5c|\\\\", Pattern.CASE_INSENSITIVE);

  private final Loop loop;

  RelayRoute(Loop loop) {
    this.loop = loop;
  }

  void handle(HttpServerRequest request, Caller caller) {
    handle(request, caller, loop.firstClient());
  }

  void handle(HttpServerRequest request, Caller caller, Client client) {
    Server server = loop.config().server();
    var limits =
        new Clocks(
            server.connectTimeout(),
            server.firstContentTimeout(),
            server.betweenTimeout(),
            server.totalTimeout());
    new Relay(
            loop.clock(),
            client,
            request,
            path(request),
            limits,
            headers -> credential(headers, caller, client),
            (status, code, message) ->
                Answers.error(request.response(), status, code, message, null))
        .begin();
  }

  /// Has what an upstream keeps erased there too.
  ///
  /// @param path below the base URL
  /// @param done gets null, or why it may still be there
  void erase(
      HttpServerRequest request,
      Caller caller,
      Client client,
      String path,
      Consumer<@Nullable Failure> done) {
    Erasing.begin(
        loop.clock(),
        client,
        path,
        credential(Headers.up(request.headers()), caller, client),
        loop.config().server().betweenTimeout(),
        done);
  }

  private static List<Map.Entry<String, String>> credential(
      List<Map.Entry<String, String>> headers, Caller caller, Client client) {
    boolean own = client.config().apiKey() == null && caller.passesThrough();
    return own ? headers : CallRoute.withCredential(headers, client.config().apiKey());
  }

  /// The path below the base URL, and never above it: what lies there is not what the upstream's
  /// key was given for.
  private static String path(HttpServerRequest request) {
    String path = String.valueOf(request.path()).substring("/v1".length());
    String plain = ENCODED_SLASH.matcher(ENCODED_DOT.matcher(path).replaceAll(".")).replaceAll("/");
    for (String segment : plain.split("/", -1)) {
      if (segment.equals(".") || segment.equals("..")) {
        throw new Refusal(
            400, "invalid_path", "The path has a `.` or `..` in it; write it without.");
      }
    }
    String query = request.query();
    return query == null ? path : path + "?" + query;
  }
}
