package dev.meanwhile.server;

import dev.meanwhile.server.config.Cidr;
import dev.meanwhile.server.config.Server;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.InetAddress;
import java.net.URI;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Decides where every link that is given out leads: to `public-url` if there is one; else to where
/// a trusted proxy says the caller called; else to where the request was made.
public final class Links {
  private static final Pattern AUTHORITY =
      Pattern.compile("[A-Za-z0-9._\\-]+(:\\d{1,5})?|\\[[0-9a-fA-F:.]+](:\\d{1,5})?");
  private final Server server;

  public Links(Server server) {
    this.server = server;
  }

  /// The address of `path` for the one who made this request.
  public String to(HttpServerRequest request, String path) {
    URI publicUrl = server.publicUrl();
    if (publicUrl != null) {
      return publicUrl + path;
    }
    String scheme = request.isSSL() ? "https" : "http";
    String authority = null;
    if (isTrusted(request)) {
      String proto = first(request.headers().get("x-forwarded-proto"));
      if ("http".equals(proto) || "https".equals(proto)) {
        scheme = proto;
      }
      authority = first(request.headers().get("x-forwarded-host"));
    }
    if (authority == null || !AUTHORITY.matcher(authority).matches()) {
      HostAndPort called = request.authority();
      authority = called == null ? "localhost:" + server.port() : called.toString();
    }
    return scheme + "://" + authority + path;
  }

  private boolean isTrusted(HttpServerRequest request) {
    if (server.trustedProxies().isEmpty() || request.remoteAddress().hostAddress() == null) {
      return false;
    }
    InetAddress peer = InetAddress.ofLiteral(request.remoteAddress().hostAddress());
    for (Cidr range : server.trustedProxies()) {
      if (range.contains(peer)) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable String first(@Nullable String list) {
    if (list == null) {
      return null;
    }
    int comma = list.indexOf(',');
    return (comma < 0 ? list : list.substring(0, comma)).strip();
  }
}
