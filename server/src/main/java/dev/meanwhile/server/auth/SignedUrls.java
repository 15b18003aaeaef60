package dev.meanwhile.server.auth;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.server.Refusal;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Locale;

/// URLs that carry a right to one thing until a time, so that a browser needs no key:
/// `?signed=<right>.<expires>.<tenant>.<HMAC of the path and all before>`. Thread-safe.
public final class SignedUrls {
  /// The parameter of the query that makes a URL a signed one.
  public static final String PARAMETER = "signed";

  /// What a URL may be used for; each is good for those before it too.
  public enum Right {
    READ,
    CANCEL,
    /// What no URL is signed for.
    OWN
  }

  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

  /// The first signs, all are valid.
  private final List<Secret> secrets;

  private SignedUrls(List<Secret> secrets) {
    this.secrets = secrets.stream().map(each -> each.forPurpose("signed urls")).toList();
  }

  /// @param written the configured ones
  /// @param kept what is used where there are none
  static SignedUrls of(List<dev.meanwhile.server.config.Secret> written, Secret kept) {
    return new SignedUrls(
        written.isEmpty()
            ? List.of(kept)
            : written.stream().map(each -> Secret.written(each.reveal())).toList());
  }

  /// The value of the parameter that lets whoever has it use `path` as `tenant`.
  ///
  /// @param expires in seconds since 1970
  public String sign(String path, String tenant, Right right, long expires) {
    String said =
        right.name().toLowerCase(Locale.ROOT)
            + "."
            + expires
            + "."
            + BASE64.encodeToString(tenant.getBytes(UTF_8));
    return said + "." + mac(secrets.getFirst(), path, said);
  }

  /// Whose right it is to use `path`.
  ///
  /// @param now in milliseconds since 1970
  /// @throws Refusal 403 if it is not signed by us, has expired, or is for less than `needed`
  String tenant(String path, String signed, Right needed, long now) {
    int dot = signed.lastIndexOf('.');
    String said = signed.substring(0, Math.max(0, dot));
    byte[] given = signed.substring(dot + 1).getBytes(UTF_8);
    boolean valid = false;
    // All are compared, each in constant time; as text, so that no other spelling is as good.
    for (Secret secret : secrets) {
      valid |= MessageDigest.isEqual(mac(secret, path, said).getBytes(UTF_8), given);
    }
    if (!valid) {
      throw new Refusal(
          403,
          "invalid_signature",
          "This URL is not signed by this server, was altered, or the secret it was signed with is gone. Ask for a new one.");
    }
    String[] parts = said.split("\\.", -1);
    if (now >= Long.parseLong(parts[1]) * 1_000) {
      throw new Refusal(403, "url_expired", "This signed URL has expired. Ask for a new one.");
    }
    if (Right.valueOf(parts[0].toUpperCase(Locale.ROOT)).compareTo(needed) < 0) {
      throw new Refusal(
          403,
          "url_not_allowed",
          needed == Right.OWN
              ? "No signed URL is good for this; it takes a key."
              : "This URL is signed for reading only. Ask for one with `allow: cancel`.");
    }
    return new String(Base64.getUrlDecoder().decode(parts[2]), UTF_8);
  }

  private static String mac(Secret secret, String path, String said) {
    return BASE64.encodeToString(secret.hmac(path.getBytes(UTF_8), said.getBytes(UTF_8)));
  }
}
