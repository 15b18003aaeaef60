package dev.meanwhile.server.webhook;

import dev.meanwhile.server.config.Cidr;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.Stream;

/// Where requests to addresses that callers name may go: anywhere in public, and where the
/// configuration says. Else whoever may register an endpoint could reach what only this machine
/// reaches.
public final class Guard {
  /// All that is not public: this machine, private and shared networks, links, documentation and
  /// tests, multicast and reserved; and IPv6 addresses with an IPv4 address in them, which end
  /// there.
  private static final List<Cidr> CLOSED =
      Stream.of(
              "0.0.0.0/8",
              "10.0.0.0/8",
              "100.64.0.0/10",
              "127.0.0.0/8",
              "169.254.0.0/16",
              "172.16.0.0/12",
              "192.0.0.0/24",
              "192.0.2.0/24",
              "192.88.99.0/24",
              "192.168.0.0/16",
              "198.18.0.0/15",
              "198.51.100.0/24",
              "203.0.113.0/24",
              "224.0.0.0/4",
              "240.0.0.0/4",
              "::/96",
              "64:ff9b::/96",
              "64:ff9b:1::/48",
              "100::/64",
              "2001::/23",
              "2001:db8::/32",
              "2002::/16",
              "3fff::/20",
              "5f00::/16",
              "fc00::/7",
              "fe80::/10",
              "fec0::/10",
              "ff00::/8")
          .map(Cidr::parse)
          .toList();

  private final List<Cidr> allowed;

  /// @param allowed closed ranges that are open nonetheless
  public Guard(List<Cidr> allowed) {
    this.allowed = List.copyOf(allowed);
  }

  /// Whether requests may go there.
  public boolean isOpen(InetAddress address) {
    return isIn(allowed, address) || !isIn(CLOSED, address);
  }

  private static boolean isIn(List<Cidr> ranges, InetAddress address) {
    return ranges.stream().anyMatch(range -> range.contains(address));
  }
}
