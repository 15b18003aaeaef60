package dev.meanwhile.server.mail;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.config.MailConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecipientTest {
  private static final MailConfig MAIL = Mails.config("", "");

  private static String code(String... said) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> Recipient.of(List.of(said), MAIL));
    assertThat(refusal).as(String.join(" | ", said)).isNotNull();
    assertThat(refusal.status()).isEqualTo(400);
    return refusal.code();
  }

  @ParameterizedTest
  @CsvSource({
    "mailto:ann@example.com, mailto:ann@example.com",
    "' MAILTO:Ann.Lee+ai@Example.COM ', mailto:ann.lee+ai@example.com",
    "mailto:o'neil_x-y=z&co~1@example.com, mailto:o'neil_x-y=z&co~1@example.com",
    "mailto:a@sub.example.org, mailto:a@sub.example.org",
  })
  void readsAnAddress(String said, String to) {
    assertThat(Recipient.of(List.of(said), MAIL)).isEqualTo(to);
    assertThat(Recipient.of(List.of(), MAIL)).isNull();
    assertThat(Recipient.of(List.of(), null)).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "mailto:",
        "ann@example.com",
        "https://example.com/ann",
        "mailto:ann",
        "mailto:@example.com",
        "mailto:ann@",
        "mailto:ann@@example.com",
        "mailto:ann@example.com,bob@example.com",
        "mailto:ann@example.com;bob@example.com",
        "mailto:ann@example.com bob@example.com",
        "mailto:ann@example.com?subject=hello",
        "mailto:?to=ann@example.com",
        "mailto:ann@example.com#x",
        "mailto:ann%40example.com",
        "mailto:ann%0d%0abcc:bob@example.com",
        "mailto:ann@example.com%0d%0aBcc:%20bob@example.com",
        "mailto:ann@example.com\r\nBcc: bob@example.com",
        "mailto:ann\n@example.com",
        "mailto:ann\u0000@example.com",
        "mailto:\"ann lee\"@example.com",
        "mailto:\"ann\"@example.com",
        "mailto:Ann <ann@example.com>",
        "mailto:<ann@example.com>",
        "mailto:ann(x)@example.com",
        "mailto:ann\\@example.com",
        "mailto:änn@example.com",
        "mailto:ann@exämple.com",
        "mailto:ann@example.com.",
        "mailto:.ann@example.com",
        "mailto:ann.@example.com",
        "mailto:a..nn@example.com",
        "mailto:ann@-example.com",
        "mailto:ann@example..com",
        "mailto:ann@[127.0.0.1]",
        "mailto://ann@example.com",
        "mailto:mailto:ann@example.com"
      })
  void refusesWhatIsNoPlainAddress(String said) {
    assertThat(code(said)).isEqualTo("invalid_notify");
  }

  @Test
  void refusesWhatIsTooLong() {
    String longest = "a".repeat(64) + "@example.com";
    assertThat(Recipient.of(List.of("mailto:" + longest), MAIL)).endsWith(longest);
    assertThat(code("mailto:a" + longest)).isEqualTo("invalid_notify");
    String domain = "b".repeat(60) + "." + "c".repeat(60) + "." + "d".repeat(60) + ".example.com";
    assertThat(code("mailto:" + "a".repeat(254 - domain.length() - 1) + "@" + domain))
        .isEqualTo("recipient_not_allowed");
    assertThat(code("mailto:" + "a".repeat(254 - domain.length()) + "@" + domain))
        .isEqualTo("invalid_notify");
  }

  @Test
  void refusesSeveralHeaders() {
    assertThat(code("mailto:ann@example.com", "mailto:ann@example.com"))
        .isEqualTo("invalid_notify");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mailto:ann@example.net",
        "mailto:ann@notexample.com",
        "mailto:ann@sub.example.com",
        "mailto:ann@com",
        "mailto:ann@example.com.evil.net"
      })
  void refusesOtherDomains(String said) {
    assertThat(code(said)).isEqualTo("recipient_not_allowed");
  }

  @Test
  void saysThatThereIsNoMailHere() {
    Refusal refusal =
        catchThrowableOfType(
            Refusal.class, () -> Recipient.of(List.of("mailto:ann@example.com"), null));
    assertThat(refusal.code()).isEqualTo("mail_not_configured");
    assertThat(refusal.getMessage()).contains("section `mail`");
  }
}
