package dev.meanwhile.server.route;

import dev.meanwhile.cache.Key;
import dev.meanwhile.openai.CanonicalRequest;
import dev.meanwhile.server.Recent;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.upstream.Request;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What makes two requests the same. For one thread.
public final class RequestKeys {
  /// How many bodies are remembered with their keys, and up to which size: 4 MB at most.
  private static final int REMEMBERED = 256;

  private static final int REMEMBERED_BYTES = 16_384;

  private final Secret secret;
  private final MessageDigest sha256;

  /// What was asked last in the same bytes need not be read again.
  private final Map<Asked, Key> recent = new Recent<>(REMEMBERED);

  /// @param secret the server's own, which keys all that it makes
  public RequestKeys(Secret secret) {
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
    return key("same " + caller.credential(), caller, request, operation, headers, model, body);
  }

  /// The key by which a call finds kept answers, or null if it has none. The credential is no part
  /// of it: they are shared by all of the tenant, or by those of the same user.
  ///
  /// @param operation what is called
  /// @param user whose answers they are, or null if they are everybody's
  /// @param values the variables that the operation counts alone, with what it asks, or null
  public @Nullable Key ofCache(
      Caller caller,
      Request request,
      String operation,
      MultiMap headers,
      String model,
      @Nullable String user,
      byte @Nullable [] values,
      byte[] body) {
    String whose = user == null ? "kept" : "kept for " + user;
    return values == null
        ? key(whose, caller, request, operation, headers, model, body)
        : key("values " + whose, caller, request, operation, headers, model, values);
  }

  /// @param use what the key is for, and whose it is, so that no two uses share one
  private @Nullable Key key(
      String use,
      Caller caller,
      Request request,
      @Nullable String operation,
      MultiMap headers,
      String model,
      byte[] body) {
    String prefix = request.upstream() + "/";
    var asked =
        new Asked(
            List.of(
                use,
                caller.tenant(),
                operation == null ? "" : operation,
                request.api(),
                request.path(),
                request.upstream(),
                model.startsWith(prefix) ? model.substring(prefix.length()) : model,
                all(headers, "openai-beta"),
                all(headers, "openai-organization"),
                all(headers, "openai-project")),
            body);
    Key known = recent.get(asked);
    if (known != null) {
      return known;
    }
    byte[] canonical = CanonicalRequest.of(body).orElse(null);
    if (canonical == null) {
      return null;
    }
    byte[][] parts = new byte[asked.circumstances.size() + 1][];
    for (int i = 0; i < parts.length - 1; i++) {
      parts[i] = bytes(asked.circumstances.get(i));
    }
    parts[parts.length - 1] = canonical;
    Key key = Key.of(secret.hmac(parts));
    if (body.length <= REMEMBERED_BYTES) {
      recent.put(asked, key);
    }
    return key;
  }

  /// The key by which a call finds the older one whose place it takes.
  ///
  /// @param values of what the operation names, in its order
  Key ofSuperseding(Caller caller, String operation, List<String> values) {
    var parts = new ArrayList<byte[]>();
    parts.add(bytes("supersede"));
    parts.add(bytes(caller.tenant()));
    parts.add(bytes(operation));
    values.forEach(value -> parts.add(bytes(value)));
    return Key.of(secret.hmac(parts.toArray(byte[][]::new)));
  }

  /// All that is said under this name, since all of it goes up.
  private static String all(MultiMap headers, String name) {
    return headers.contains(name) ? String.join("\n", headers.getAll(name)) : "";
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /// All that makes a key, byte for byte.
  ///
  /// @param circumstances all but the body
  @SuppressWarnings("ArrayRecordComponent") // compared by what is in it
  private record Asked(List<String> circumstances, byte[] body) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Asked asked
          && Arrays.equals(body, asked.body)
          && circumstances.equals(asked.circumstances);
    }

    @Override
    public int hashCode() {
      return 31 * circumstances.hashCode() + Arrays.hashCode(body);
    }
  }
}
