package dev.meanwhile.server.route;

import dev.meanwhile.cache.Key;
import dev.meanwhile.openai.CanonicalRequest;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.upstream.Request;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/// What makes two requests the same. Only on one loop.
final class RequestKeys {
  private final Secret secret;
  private final MessageDigest sha256;

  RequestKeys(Secret secret) {
    this.secret = secret.forPurpose("request");
    try {
      this.sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256, which every Java must have", e);
    }
  }

  /// The key by which an SDK's retry finds what it has asked for before: credential, route and the
  /// raw body.
  ///
  /// @param route what was asked of this server
  Key ofRetry(Caller caller, Request request, String route, byte[] body) {
    sha256.update(bytes(caller.credential() + "\n" + request.upstream() + "\n" + route));
    sha256.update((byte) 0);
    return Key.of(sha256.digest(body));
  }

  /// What an `Idempotency-Key` is stored by, and what it was used for.
  IdempotencyEntry ofIdempotency(Caller caller, String route, String key, byte[] body) {
    String whose = caller.tenant() + "\n" + caller.credential();
    byte[] name = sha256.digest(bytes(whose + "\n" + route + "\n" + key));
    return new IdempotencyEntry(name, sha256.digest(body));
  }

  /// The key by which identical requests find each other, or null if this one has none: design.md,
  /// Keys. The credential is part of it, since what it may see can differ.
  ///
  /// @param operation what is called, or null
  /// @param model as the caller named it, with or without the upstream's prefix
  @Nullable Key ofSame(
      Caller caller,
      Request request,
      @Nullable String operation,
      MultiMap headers,
      String model,
      byte[] body) {
    byte[] canonical = CanonicalRequest.of(body).orElse(null);
    if (canonical == null) {
      return null;
    }
    String prefix = request.upstream() + "/";
    return Key.of(
        secret.hmac(
            bytes(caller.tenant()),
            bytes(caller.credential()),
            bytes(operation),
            bytes(request.api()),
            bytes(request.path()),
            bytes(request.upstream()),
            bytes(model.startsWith(prefix) ? model.substring(prefix.length()) : model),
            bytes(headers.get("openai-beta")),
            bytes(headers.get("openai-organization")),
            bytes(headers.get("openai-project")),
            canonical));
  }

  /// The key by which a call finds kept answers, or null if it has none. The credential is no part
  /// of it: they are shared by all of the tenant, or by those of the same user.
  ///
  /// @param user whose answers they are, or null if they are everybody's
  /// @param values the variables that the operation counts alone, with what it asks, or null
  @Nullable Key ofCache(
      Caller caller,
      Request request,
      Operation operation,
      MultiMap headers,
      String model,
      @Nullable String user,
      byte @Nullable [] values,
      byte[] body) {
    byte[] canonical = CanonicalRequest.of(values == null ? body : values).orElse(null);
    if (canonical == null) {
      return null;
    }
    String prefix = request.upstream() + "/";
    return Key.of(
        secret.hmac(
            bytes(caller.tenant()),
            bytes(user),
            bytes(operation.name()),
            bytes(request.api()),
            bytes(request.path()),
            bytes(request.upstream()),
            bytes(model.startsWith(prefix) ? model.substring(prefix.length()) : model),
            bytes(headers.get("openai-beta")),
            bytes(headers.get("openai-organization")),
            bytes(headers.get("openai-project")),
            bytes(values == null ? "request" : "values"),
            canonical));
  }

  private static byte[] bytes(@Nullable String text) {
    return text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
  }
}
