package dev.meanwhile.server;

import dev.meanwhile.server.config.Server;
import java.net.BindException;

/// The server could not be started, and what to do about it.
public final class StartFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  private StartFailure(String message, Throwable cause) {
    super(message, cause);
  }

  static StartFailure of(Server server, Throwable cause) {
    if (cause instanceof BindException) {
      return new StartFailure(
          "Cannot listen on %s:%d: %s. Stop what listens there, or choose another with --port."
              .formatted(server.bind(), server.port(), cause.getMessage()),
          cause);
    }
    if (server.tlsCert() != null) {
      return new StartFailure(
          "Cannot start: %s. Check --tls-cert %s and --tls-key %s (PEM files, the key in PKCS#8)."
              .formatted(cause.getMessage(), server.tlsCert(), server.tlsKey()),
          cause);
    }
    return new StartFailure("Cannot start: " + cause.getMessage(), cause);
  }
}
