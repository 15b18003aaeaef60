package dev.meanwhile.server.upstream;

import dev.meanwhile.log.Terminal.Failure;
import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.http.ConnectionPoolTooBusyException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLException;

/// What went wrong on the way to an upstream, as failures that say the next step.
public final class Faults {
  private Faults() {}

  /// No answer has begun.
  public static Failure beforeAnswer(Client client, Throwable cause) {
    return switch (cause) {
      case ConnectionPoolTooBusyException _ ->
          new Failure(
              503,
              "upstream_busy",
              "All %,d connections to %s are in use and %,d calls wait for one already. Try again, or raise max-connections or max-queue of this upstream."
                  .formatted(
                      client.config().maxConnections(), client.name(), client.config().maxQueue()));
      case ConnectTimeoutException _ ->
          new Failure(
              504,
              "upstream_connect_timeout",
              "%s did not accept a connection within the connect clock. Check its address and the network, or raise connect-timeout."
                  .formatted(client.name()));
      case UnknownHostException _ ->
          unreachable(client, "its name is not known; check base-url and DNS");
      case ConnectException _ ->
          unreachable(client, "the connection was refused; check base-url and that it runs");
      case SSLException tls ->
          unreachable(
              client, "the TLS handshake failed (" + tls.getMessage() + "); check its certificate");
      default ->
          unreachable(client, "the connection broke before an answer (" + cause.getMessage() + ")");
    };
  }

  /// The answer broke off.
  static Failure inAnswer(Client client) {
    return new Failure(
        502,
        "upstream_cut",
        "%s closed the connection in the middle of its answer. Try again."
            .formatted(client.name()));
  }

  static Failure tooLarge(Client client, int limit) {
    return new Failure(
        502,
        "run_too_large",
        "The answer of %s is larger than %,d bytes, the most that is kept of one run. Ask for less, or raise max-run."
            .formatted(client.name(), limit));
  }

  private static Failure unreachable(Client client, String why) {
    return new Failure(
        502, "upstream_unreachable", "No answer from %s: %s.".formatted(client.name(), why));
  }
}
