package dev.meanwhile.server.webhook;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.Endpoint;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Signatures of Standard Webhooks, and the secrets they are made with.
public final class Signing {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String PREFIX = "whsec_";
  private static final int BYTES = 32;
  private static final int HINT = 4;

  private Signing() {}

  /// A new secret.
  public static byte[] newSecret() {
    byte[] secret = new byte[BYTES];
    new SecureRandom().nextBytes(secret);
    return secret;
  }

  /// A secret as its owner is given it: `whsec_…`.
  public static String text(byte[] secret) {
    return PREFIX + Base64.getEncoder().encodeToString(secret);
  }

  /// By what its owner knows it from others.
  public static String hint(byte[] secret) {
    String text = text(secret).replace("=", "");
    return PREFIX + "…" + text.substring(text.length() - HINT);
  }

  /// What a request to an endpoint is signed with: by each secret that is good at `seconds`, the
  /// newest first.
  ///
  /// @param seconds the time of this try, since 1970
  static String header(Endpoint endpoint, String id, long seconds, byte[] body) {
    String signature = sign(endpoint.secret(), id, seconds, body);
    byte[] old = endpoint.oldSecret();
    return old == null || endpoint.oldUntil() <= seconds * 1_000
        ? signature
        : signature + " " + sign(old, id, seconds, body);
  }

  static String sign(byte[] secret, String id, long seconds, byte[] body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(secret, ALGORITHM));
      mac.update((id + "." + seconds + ".").getBytes(UTF_8));
      return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no HmacSHA256, which every Java must have", e);
    }
  }
}
