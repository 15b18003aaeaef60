package dev.meanwhile.server.auth;

import dev.meanwhile.server.Refusal;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Keeps web pages out of a server that knows no keys and so trusts this machine: a page that a
/// browser here shows could otherwise call it, by its own scripts or by a name of its own that is
/// made to point here (DNS rebinding).
final class Loopback {
  private static final Pattern IPV4 = Pattern.compile("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");

  private Loopback() {}

  /// @param listed origins that are not foreign
  /// @throws Refusal unless the request was made to this machine and not by a page from elsewhere
  static void check(HttpServerRequest request, List<String> listed) {
    HostAndPort authority = request.authority();
    if (authority == null || !isLoopback(authority.host())) {
      throw new Refusal(
          403,
          "host_not_allowed",
          "This server has no keys and answers only requests made to localhost, not to %s. Call it by localhost or 127.0.0.1, or configure keys."
              .formatted(authority == null ? "no Host" : "'" + printable(authority.host()) + "'"));
    }
    checkOrigin(request, listed);
  }

  /// @throws Refusal if the request was made by a page from elsewhere
  static void checkOrigin(HttpServerRequest request, List<String> listed) {
    String origin = request.headers().get("origin");
    if (origin != null && !listed.contains(origin) && !isLoopback(host(origin))) {
      throw new Refusal(
          403,
          "origin_not_allowed",
          "This server has no keys and does not answer web pages from elsewhere. Call it from your own server, list the page's origin as cors, or configure keys.");
    }
  }

  private static boolean isLoopback(@Nullable String host) {
    if (host == null) {
      return false;
    }
    if (host.equals("localhost") || host.equals("127.0.0.1")) {
      return true;
    }
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost")
        || name.endsWith(".localhost")
        || name.equals("::1")
        || name.equals("[::1]")
        || IPV4.matcher(name).matches();
  }

  private static @Nullable String host(String origin) {
    try {
      return URI.create(origin).getHost();
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static String printable(String text) {
    String plain = text.replaceAll("[^\\x20-\\x7e]", "?");
    return plain.length() > 100 ? plain.substring(0, 100) + "…" : plain;
  }
}
