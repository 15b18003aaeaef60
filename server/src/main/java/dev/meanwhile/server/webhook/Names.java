package dev.meanwhile.server.webhook;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/// Finds the addresses of a host; may block.
public interface Names {
  /// The machine's own way.
  Names SYSTEM = host -> List.of(InetAddress.getAllByName(host));

  /// @throws UnknownHostException if there are none
  List<InetAddress> of(String host) throws UnknownHostException;
}
