package dev.meanwhile.server.auth;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.server.Recent;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.Coalesce;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.Key;
import dev.meanwhile.server.config.Sha256;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Finds out who calls. Only on one loop.
public final class Authenticator {
  /// How many credentials are remembered, so that a call costs no HMAC.
  private static final int REMEMBERED = 1_000;

  private static final String BEARER = "Bearer ";

  private final CurrentConfig current;
  private final Secret secret;
  private final SignedUrls signedUrls;
  private final Map<String, Caller> known = new Recent<>(REMEMBERED);

  /// By which those were known.
  private Config config;

  /// @param secret the same for all loops, so that a credential is one tenant
  public Authenticator(CurrentConfig current, Secret secret) {
    this.current = current;
    this.config = current.get();
    this.secret = secret.forPurpose("tenant");
    this.signedUrls = SignedUrls.of(config.server().secret(), secret);
  }

  public SignedUrls signedUrls() {
    return signedUrls;
  }

  /// Who makes this request, by a signed URL if it is one, and else as [#caller].
  ///
  /// @param path what is asked for, as it was signed
  /// @param needed the right that it takes
  /// @param now in milliseconds since 1970
  /// @throws Refusal 401 or 403
  public Caller caller(HttpServerRequest request, String path, SignedUrls.Right needed, long now) {
    refresh();
    String signed = request.getParam(SignedUrls.PARAMETER);
    if (signed == null) {
      return caller(request);
    }
    if (trustsThisMachine()) {
      // The URL tells that it is meant for this server; any host may stand in it.
      Loopback.checkOrigin(request, config.server().cors());
    }
    String tenant = signedUrls.tenant(path, signed, needed, now);
    return new Caller(tenant, "", false, false, Coalesce.NEVER, OnLeave.CANCEL, false);
  }

  /// Who was known by other keys is so no more.
  @SuppressWarnings("ReferenceEquality") // a reload makes another; every call asks
  private void refresh() {
    Config now = current.get();
    if (config != now) {
      config = now;
      known.clear();
    }
  }

  private boolean trustsThisMachine() {
    return config.keys().isEmpty() && !config.server().open();
  }

  /// Who makes this request.
  ///
  /// @throws Refusal 401 or 403
  public Caller caller(HttpServerRequest request) {
    refresh();
    if (trustsThisMachine()) {
      Loopback.check(request, config.server().cors());
    }
    String credential = credential(request);
    Caller caller = credential == null ? null : known.get(credential);
    if (caller == null) {
      caller = config.keys().isEmpty() ? unknown(credential) : keyed(credential);
      if (credential != null) {
        known.put(credential, caller);
      }
    }
    return caller;
  }

  /// @throws Refusal 403 unless the caller may see what belongs to all tenants
  public void requireAdmin(HttpServerRequest request) {
    if (!caller(request).admin()) {
      throw new Refusal(
          403, "admin_only", "This needs a key with `admin: true`; the one given has not.");
    }
  }

  private static @Nullable String credential(HttpServerRequest request) {
    String authorization = request.headers().get("authorization");
    return authorization != null ? authorization : request.headers().get("api-key");
  }

  private Caller unknown(@Nullable String credential) {
    String tenant = "anonymous";
    if (credential != null) {
      byte[] mac = secret.hmac(credential.getBytes(StandardCharsets.UTF_8));
      tenant = HexFormat.of().formatHex(mac, 0, 16);
    }
    // Without keys the server trusts this machine, unless it was opened to others.
    return new Caller(
        tenant,
        tenant,
        true,
        false,
        config.server().coalesce(),
        config.server().onLeave(),
        !config.server().open());
  }

  private Caller keyed(@Nullable String credential) {
    if (credential == null) {
      throw new Refusal(
          401,
          "missing_api_key",
          "This server needs a key of its own: send it as `Authorization: Bearer …` or `api-key: …`.");
    }
    String key =
        credential.regionMatches(true, 0, BEARER, 0, BEARER.length())
            ? credential.substring(BEARER.length()).strip()
            : credential.strip();
    Sha256 hash = Sha256.of(key);
    Key match = null;
    // All are compared, each in constant time, so that timing tells nothing of the others.
    for (Key each : config.keys()) {
      if (each.sha256().equals(hash)) {
        match = each;
      }
    }
    if (match == null) {
      throw new Refusal(
          401,
          "invalid_api_key",
          "This key is not one of this server's. Make one with `meanwhile key` and put its hash in the configuration.");
    }
    OnLeave onLeave = match.onLeave();
    return new Caller(
        match.tenant(),
        hash.toString(),
        false,
        match.mayDetach(),
        match.coalesce() == null ? config.server().coalesce() : match.coalesce(),
        onLeave == null ? config.server().onLeave() : onLeave,
        match.admin());
  }
}
