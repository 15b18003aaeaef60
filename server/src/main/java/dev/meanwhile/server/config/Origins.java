package dev.meanwhile.server.config;

import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Origins of web pages, spelled as browsers spell them in `Origin`.
final class Origins {
  static final Type<List<String>> TYPE =
      Type.of("<origins>", "origins of web pages", "https://shop.example.com", Origins::parse)
          .asList();

  private Origins() {}

  private static List<String> parse(String text) {
    return Arrays.stream(text.split(",", -1)).map(each -> origin(each.strip())).toList();
  }

  private static String origin(String text) {
    if (text.contains("*")) {
      throw new Wrong("each must be written out: * would let in pages of anybody");
    }
    URI uri = URI.create(text.toLowerCase(Locale.ROOT));
    String scheme = uri.getScheme();
    if (!"http".equals(scheme) && !"https".equals(scheme) || uri.getHost() == null) {
      throw new Wrong("one is http:// or https:// and a host");
    }
    boolean usual = uri.getPort() == (scheme.equals("https") ? 443 : 80);
    String origin =
        scheme + "://" + uri.getHost() + (uri.getPort() < 0 || usual ? "" : ":" + uri.getPort());
    if (uri.getPort() > 65535
        || !uri.equals(URI.create(usual ? origin + ":" + uri.getPort() : origin))) {
      throw new Wrong("an origin ends with its host or port, without a path");
    }
    return origin;
  }
}
