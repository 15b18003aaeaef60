package dev.meanwhile.server.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.SignedUrls.Right;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What was signed is good for just that; whatever is altered is good for nothing.
class SignedUrlsTest {
  private static final String PATH = "/v1/runs/run_1";
  private static final long NOW = 1_000_000;
  private static final long EXPIRES = 1_060;
  private final Secret kept = Secret.random();
  private final SignedUrls urls = SignedUrls.of(List.of(), kept);

  private static SignedUrls by(String... secrets) {
    return SignedUrls.of(
        List.of(secrets).stream().map(dev.meanwhile.server.config.Secret::new).toList(),
        Secret.random());
  }

  private static void refused(
      SignedUrls by, String path, String signed, Right needed, String code) {
    assertThatThrownBy(() -> by.tenant(path, signed, needed, NOW))
        .as(path + " " + signed)
        .isInstanceOfSatisfying(
            Refusal.class,
            refusal -> {
              assertThat(refusal.status()).isEqualTo(403);
              assertThat(refusal.code()).isEqualTo(code);
            });
  }

  @ParameterizedTest
  @EnumSource(
      value = Right.class,
      names = {"READ", "CANCEL"})
  void isGoodForItsRightAndLess(Right right) {
    String signed = urls.sign(PATH, "Läden & Söhne", right, EXPIRES);
    assertThat(signed).matches("[A-Za-z0-9._-]+");
    for (Right needed : Right.values()) {
      if (needed.compareTo(right) <= 0) {
        assertThat(urls.tenant(PATH, signed, needed, NOW)).isEqualTo("Läden & Söhne");
      } else {
        refused(urls, PATH, signed, needed, "url_not_allowed");
      }
    }
  }

  @Test
  void isGoodUntilItExpires() {
    String signed = urls.sign(PATH, "shop", Right.READ, EXPIRES);
    assertThat(urls.tenant(PATH, signed, Right.READ, EXPIRES * 1_000 - 1)).isEqualTo("shop");
    assertThatThrownBy(() -> urls.tenant(PATH, signed, Right.READ, EXPIRES * 1_000))
        .isInstanceOfSatisfying(
            Refusal.class, refusal -> assertThat(refusal.code()).isEqualTo("url_expired"));
  }

  /// Any character, exchanged, left out or put in, at any place of the path or of what is signed.
  @Test
  void nothingCanBeAltered() {
    String alphabet = "ABCXYZabcxyz0189-_.~=%/ ?ä";
    var random = new SplittableRandom(4);
    String signed = urls.sign(PATH, "shop", Right.READ, EXPIRES);
    for (int i = 0; i <= signed.length(); i++) {
      for (int j = 0; j < alphabet.length(); j++) {
        char c = alphabet.charAt(j);
        refused(
            urls,
            PATH,
            signed.substring(0, i) + c + signed.substring(i),
            Right.READ,
            "invalid_signature");
        if (i < signed.length() && signed.charAt(i) != c) {
          String other = signed.substring(0, i) + c + signed.substring(i + 1);
          refused(urls, PATH, other, Right.READ, "invalid_signature");
        }
      }
      if (i < signed.length()) {
        String shorter = signed.substring(0, i) + signed.substring(i + 1);
        refused(urls, PATH, shorter, Right.READ, "invalid_signature");
        refused(urls, PATH, signed.substring(0, i), Right.READ, "invalid_signature");
      }
    }
    for (int i = 0; i < PATH.length(); i++) {
      char c = alphabet.charAt(random.nextInt(alphabet.length()));
      String other = PATH.substring(0, i) + c + PATH.substring(i + 1);
      if (!other.equals(PATH)) {
        refused(urls, other, signed, Right.READ, "invalid_signature");
      }
    }
    // What belongs to the path and what to the rest is part of it.
    refused(urls, PATH + signed.charAt(0), signed.substring(1), Right.READ, "invalid_signature");
  }

  @Test
  void aSecretThatIsGoneTakesItsUrlsWithIt() {
    String first = "a".repeat(32);
    String second = "b".repeat(32);
    String signed = by(first).sign(PATH, "shop", Right.READ, EXPIRES);
    assertThat(by(first).tenant(PATH, signed, Right.READ, NOW)).isEqualTo("shop");
    assertThat(by(second, first).tenant(PATH, signed, Right.READ, NOW)).isEqualTo("shop");
    refused(by(second), PATH, signed, Right.READ, "invalid_signature");
    String later = by(second, first).sign(PATH, "shop", Right.READ, EXPIRES);
    assertThat(by(second).tenant(PATH, later, Right.READ, NOW)).isEqualTo("shop");
    refused(urls, PATH, later, Right.READ, "invalid_signature");
  }

  @Test
  void whatIsKeptSignsWhereNothingIsWritten() {
    String signed = urls.sign(PATH, "shop", Right.READ, EXPIRES);
    assertThat(SignedUrls.of(List.of(), kept).tenant(PATH, signed, Right.READ, NOW))
        .isEqualTo("shop");
  }
}
