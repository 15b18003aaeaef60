package dev.meanwhile.server.upstream;

import io.vertx.core.MultiMap;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Which headers go on, in either direction: all but those of one connection and those that are
/// between this server and its caller.
public final class Headers {
  private static final Set<String> OF_ONE_CONNECTION =
      Set.of(
          "connection",
          "keep-alive",
          "proxy-authenticate",
          "proxy-authorization",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "http2-settings",
          "host",
          "content-length",
          "expect");

  /// Said to this server, by its caller or by the proxies before it.
  private static final Set<String> FOR_US =
      Set.of(
          "cookie",
          "origin",
          "prefer",
          "cache-control",
          "last-event-id",
          "forwarded",
          "x-forwarded-for",
          "x-forwarded-host",
          "x-forwarded-port",
          "x-forwarded-proto",
          "x-real-ip",
          "accept-encoding");

  /// Of the upstream's answer; `x-request-id` goes on under a name of its own.
  private static final Set<String> OF_THE_UPSTREAM =
      Set.of(
          "set-cookie",
          "server",
          "date",
          "alt-svc",
          "strict-transport-security",
          "cache-control",
          "content-encoding",
          "x-accel-buffering",
          "access-control-allow-origin",
          "access-control-expose-headers");

  private Headers() {}

  /// The headers of a call that go upstream.
  public static List<Map.Entry<String, String>> up(MultiMap headers) {
    return pick(headers, FOR_US);
  }

  /// The headers of an upstream's answer that a caller is sent, as [dev.meanwhile.log.Head] has
  /// them.
  public static String down(MultiMap headers) {
    var down = new StringBuilder(128);
    for (var header : pick(headers, OF_THE_UPSTREAM)) {
      String name = header.getKey();
      down.append(name.equals("x-request-id") ? "meanwhile-upstream-request-id" : name)
          .append(": ")
          .append(header.getValue())
          .append('\n');
    }
    return down.toString();
  }

  /// The headers of an answer that is passed on unread: all but those of the connection.
  static List<Map.Entry<String, String>> unread(MultiMap headers) {
    return pick(headers, Set.of());
  }

  private static List<Map.Entry<String, String>> pick(MultiMap headers, Set<String> without) {
    Set<String> named = namedByConnection(headers);
    var picked = new ArrayList<Map.Entry<String, String>>(headers.size());
    headers.forEach((name, value) -> {
      String lower = lower(name);
      if (!OF_ONE_CONNECTION.contains(lower)
          && !without.contains(lower)
          && !named.contains(lower)
          && !lower.startsWith("meanwhile-")) {
        picked.add(Map.entry(lower, value));
      }
    });
    return picked;
  }

  /// What `Connection` names belongs to that connection too (RFC 9110 §7.6.1).
  private static Set<String> namedByConnection(MultiMap headers) {
    String first = headers.get("connection");
    if (first == null || first.equalsIgnoreCase("keep-alive") || first.equalsIgnoreCase("close")) {
      return Set.of();
    }
    var named = new HashSet<String>();
    for (String list : headers.getAll("connection")) {
      for (String name : list.split(",", -1)) {
        named.add(lower(name.strip()));
      }
    }
    return named;
  }

  private static String lower(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        return name.toLowerCase(Locale.ROOT);
      }
    }
    return name;
  }
}
