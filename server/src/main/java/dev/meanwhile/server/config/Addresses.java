package dev.meanwhile.server.config;

import java.net.InetAddress;
import java.util.regex.Pattern;

/// IP addresses as people write them, never looked up in the DNS.
final class Addresses {
  /// `InetAddress` alone would also take `0` or `127.1`, which are mistakes here.
  private static final Pattern V4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  private static final Pattern V6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");

  private Addresses() {}

  /// Parses an address.
  ///
  /// @throws IllegalArgumentException if it is no IP address
  static InetAddress parse(String text) {
    if (!V4.matcher(text).matches() && !V6.matcher(text).matches()) {
      throw new IllegalArgumentException("not an IP address");
    }
    return InetAddress.ofLiteral(text);
  }
}
