package dev.meanwhile.server.config;

import java.net.URI;

/// Addresses of web servers. What is wrong in one is never repeated: people put keys in them.
final class Urls {
  private Urls() {}

  static Type<URI> type(String example) {
    return Type.of("<url>", "an http or https URL", example, Urls::parse).asSecret();
  }

  /// Parses a URL.
  ///
  /// @return the URL without a slash at its end
  private static URI parse(String text) {
    URI uri = URI.create(text);
    if (uri.getRawUserInfo() != null || text.contains("@")) {
      throw new Wrong("it holds a user name or password: remove it, and give a key as api-key");
    }
    String scheme = uri.getScheme();
    if (!"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)) {
      throw new Wrong("it must begin with http:// or https://");
    }
    if (uri.getHost() == null) {
      throw new Wrong("its host is missing or has letters that host names may not have");
    }
    if (uri.getPort() == 0 || uri.getPort() > 65535) {
      throw new Wrong("its port must be 1 to 65535");
    }
    if (uri.getRawQuery() != null) {
      throw new Wrong("it must not have a query (what follows a ?)");
    }
    if (uri.getRawFragment() != null) {
      throw new Wrong("it must not have a fragment (what follows a #)");
    }
    return URI.create(text.replaceAll("/+$", ""));
  }
}
