package dev.meanwhile.server.webhook;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The addresses that endpoints are registered with.
public final class Urls {
  private static final int LONGEST = 2_048;

  private Urls() {}

  /// What is wrong with it, or null.
  public static @Nullable String problem(String url, Guard guard) {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      return "it is not a URL";
    }
    boolean http = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
    if (!http || uri.getHost() == null || url.length() > LONGEST) {
      return "it must be an https:// or http:// address of at most 2,048 characters";
    }
    if (uri.getRawUserInfo() != null || uri.getRawFragment() != null) {
      return "it must have no user name, password or fragment";
    }
    try {
      // A name is looked up, and checked, each time something is sent.
      if (!guard.isOpen(InetAddress.ofLiteral(host(uri)))) {
        return "its address is not a public one; the server's webhooks-allow does not list it";
      }
    } catch (IllegalArgumentException e) {
      return null;
    }
    return null;
  }

  /// The host, without the brackets of an IPv6 address.
  static String host(URI url) {
    String host = Objects.requireNonNull(url.getHost());
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  /// The path and the query.
  static String target(URI url) {
    String path = url.getRawPath().isEmpty() ? "/" : url.getRawPath();
    return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
  }
}
