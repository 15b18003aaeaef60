package dev.meanwhile.server.webhook;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import dev.meanwhile.store.Endpoint;
import java.net.http.HttpHeaders;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SigningTest {
  private static Endpoint endpoint(byte[] secret, byte @Nullable [] old, long until) {
    return new Endpoint("whe_x", "t", "n", "https://a", List.of(), secret, old, until, 0, 0, false);
  }

  @Test
  void signsAsTheStandardsOwnExample() {
    byte[] secret = Base64.getDecoder().decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    String signature =
        Signing.sign(
            secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}".getBytes(UTF_8));
    assertThat(signature).isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assertThat(Signing.text(secret)).isEqualTo("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  }

  @Test
  void makesSecretsThatDiffer() {
    byte[] secret = Signing.newSecret();
    assertThat(secret).hasSize(32).isNotEqualTo(Signing.newSecret());
    String text = Signing.text(secret);
    assertThat(Signing.hint(secret)).hasSize(11).startsWith("whsec_…");
    assertThat(text).contains(Signing.hint(secret).substring(7));
  }

  @Test
  void isVerifiedByEitherSecretWhileTheyRotate() throws Exception {
    byte[] secret = Signing.newSecret();
    byte[] old = Signing.newSecret();
    byte[] body = "{\"any\":\"thing\"}".getBytes(UTF_8);
    long now = System.currentTimeMillis() / 1_000;
    String both = Signing.header(endpoint(secret, old, now * 1_000 + 1), "evt_1", now, body);
    verify(secret, both, now, body);
    verify(old, both, now, body);
    String one = Signing.header(endpoint(secret, old, now * 1_000), "evt_1", now, body);
    verify(secret, one, now, body);
    assertThatThrownBy(() -> verify(old, one, now, body))
        .isInstanceOf(WebhookVerificationException.class);
  }

  private static void verify(byte[] secret, String signature, long at, byte[] body)
      throws Exception {
    var headers =
        HttpHeaders.of(
            Map.of(
                "webhook-id", List.of("evt_1"),
                "webhook-timestamp", List.of(Long.toString(at)),
                "webhook-signature", List.of(signature)),
            (_, _) -> true);
    new Webhook(Signing.text(secret)).verify(new String(body, UTF_8), headers);
  }
}
