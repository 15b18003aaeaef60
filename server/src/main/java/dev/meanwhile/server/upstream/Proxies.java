package dev.meanwhile.server.upstream;

import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import java.net.URI;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the usual proxy variables, as curl does: `https_proxy`, `http_proxy`, `no_proxy`, in
/// either case, the lower-case one first.
final class Proxies {
  private Proxies() {}

  /// The proxy on the way to `target`, or null.
  static @Nullable ProxyOptions of(URI target, Map<String, String> environment) {
    String variable = target.getScheme() + "_proxy";
    String proxy = look(environment, variable);
    if (proxy == null || bypassed(target, look(environment, "no_proxy"))) {
      return null;
    }
    URI uri = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
    if (uri.getHost() == null) {
      throw new IllegalArgumentException(
          variable.toUpperCase(Locale.ROOT)
              + " is not the URL of a proxy, such as http://proxy:3128");
    }
    var options =
        new ProxyOptions()
            .setType(uri.getScheme().startsWith("socks") ? ProxyType.SOCKS5 : ProxyType.HTTP)
            .setHost(uri.getHost())
            .setPort(uri.getPort() > 0 ? uri.getPort() : 3128);
    if (uri.getUserInfo() != null) {
      String[] user = uri.getUserInfo().split(":", 2);
      options.setUsername(user[0]).setPassword(user.length > 1 ? user[1] : "");
    }
    return options;
  }

  private static @Nullable String look(Map<String, String> environment, String name) {
    String value = environment.get(name);
    if (value == null) {
      value = environment.get(name.toUpperCase(Locale.ROOT));
    }
    return value == null || value.isBlank() ? null : value.strip();
  }

  private static boolean bypassed(URI target, @Nullable String noProxy) {
    if (noProxy == null) {
      return false;
    }
    String name = target.getHost().toLowerCase(Locale.ROOT);
    int port =
        target.getPort() > 0 ? target.getPort() : target.getScheme().equals("https") ? 443 : 80;
    for (String entry : noProxy.split(",", -1)) {
      String domain = entry.strip().toLowerCase(Locale.ROOT);
      if (domain.equals("*")) {
        return true;
      }
      if (domain.endsWith(":" + port)) {
        domain = domain.substring(0, domain.lastIndexOf(':'));
      }
      if (domain.startsWith("*.")) {
        domain = domain.substring(1);
      }
      String bare = domain.startsWith(".") ? domain.substring(1) : domain;
      if (!bare.isEmpty() && (name.equals(bare) || name.endsWith("." + bare))) {
        return true;
      }
    }
    return false;
  }
}
