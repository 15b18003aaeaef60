package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.openai.Template;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MailSectionTest {
  private static final String REST =
      "upstreams: {a: {base-url: http://a/v1}}\nserver: {public-url: https://ai.example.com/}\n";
  private static final String LEAST =
      "mail: {host: smtp.example.com, from: ai@example.com, allowed-domains: [example.com]";

  @TempDir private Path directory;

  private Written file(String more) {
    return Written.in(directory, REST + LEAST + more + "}");
  }

  private MailConfig read(String more) {
    return Objects.requireNonNull(file(more).read(Map.of(), Map.of("PASSWORD", "pa ss")).mail());
  }

  @Test
  void aFewNamesAreEnough() {
    MailConfig mail = read("");
    assertThat(mail.publicUrl()).hasToString("https://ai.example.com");
    assertThat(mail.host()).isEqualTo("smtp.example.com");
    assertThat(mail.tls()).isEqualTo(MailTls.STARTTLS);
    assertThat(mail.port()).isEqualTo(587);
    assertThat(mail.username()).isNull();
    assertThat(mail.password()).isNull();
    assertThat(mail.perRecipient()).isEqualTo(20);
    assertThat(mail.subject()).isEqualTo(Template.of("{{operation}} {{id}} {{status}}"));
    assertThat(mail.includeAnswer()).isFalse();
    assertThat(mail.linkExpires()).isEqualTo(Duration.ofHours(24));
    assertThat(Written.in(directory, REST).read().mail()).isNull();
  }

  @Test
  void allOfItIsRead() {
    MailConfig mail =
        Objects.requireNonNull(
            Written.in(
                    directory,
                    REST
                        + """
                        mail:
                          host: 127.0.0.1
                          port: 2525
                          tls: tls
                          username: me@example.com
                          password: "${PASSWORD}"
                          from: Ünser AI <ai@example.com>
                          allowed-domains: [example.com, Sub.Example.ORG]
                          per-recipient: 3
                          subject: "{{ operation }} ist fertig"
                          text: |
                            Hallo,
                            {{url}}
                          include-answer: true
                          link-expires: 2h
                        """)
                .read(Map.of(), Map.of("PASSWORD", "pa ss"))
                .mail());
    assertThat(mail)
        .isEqualTo(
            new MailConfig(
                mail.publicUrl(),
                "127.0.0.1",
                2525,
                MailTls.TLS,
                "me@example.com",
                new Secret("pa ss"),
                "Ünser AI <ai@example.com>",
                java.util.Set.of("example.com", "sub.example.org"),
                3,
                Template.of("{{ operation }} ist fertig"),
                Template.of("Hallo,\n{{url}}\n"),
                true,
                Duration.ofHours(2)));
    assertThat(mail.toString()).doesNotContain("pa ss");
    assertThat(mail.subject().with(Map.of("operation", "$1 \\"))).isEqualTo("$1 \\ ist fertig");
  }

  @ParameterizedTest
  @CsvSource({"starttls, 587", "tls, 465", "none, 25"})
  void thePortGoesByTheTls(String tls, int port) {
    assertThat(read(", tls: " + tls).port()).isEqualTo(port);
  }

  @Test
  void aMailNeedsThePublicUrl() {
    Written file = Written.in(directory, "upstreams: {a: {base-url: http://a/v1}}\n" + LEAST + "}");
    assertThat(file.errors())
        .containsExactly(
            "m.yaml:2:1: mail: needs server.public-url: a mail has a link, and no request to take"
                + " this server's address from; write server: {public-url: https://ai.example.com},"
                + " or say --public-url");
    assertThat(file.read(Map.of("public-url", "http://x"), Map.of()).mail()).isNotNull();
  }

  @Test
  void saysWhatIsMissing() {
    assertThat(Written.in(directory, REST + "mail: {}").errors())
        .containsExactly(
            "m.yaml:3:7: mail: host is missing: expected a host's name or IP address, such as"
                + " smtp.example.com",
            "m.yaml:3:7: mail: from is missing: expected an address, or a name and an address, such"
                + " as \"Meanwhile <ai@example.com>\"",
            "m.yaml:3:7: mail: allowed-domains is missing: expected domains, such as"
                + " [example.com]");
    assertThat(Written.in(directory, REST + "mail: [x]").errors())
        .containsExactly(
            "m.yaml:3:7: mail: expected names and values, such as host: smtp.example.com");
  }

  @Test
  void nameAndPasswordGoTogetherAndNeverInPlainText() {
    assertThat(file(", username: me").errors())
        .containsExactly(
            "m.yaml:3:96: mail.username: goes with password, which is missing; give it, or"
                + " neither");
    assertThat(file(", password: secret1").errors())
        .containsExactly(
            "m.yaml:3:96: mail.password: goes with username, which is missing; give it, or"
                + " neither");
    assertThat(file(", username: me, password: secret1, tls: none").errors())
        .containsExactly(
            "m.yaml:3:110: mail.password: would be sent in plain text; say tls: starttls or tls:"
                + " tls, or give none");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "port: 0",
        "tls: ssl",
        "per-recipient: 0",
        "link-expires: 5",
        "include-answer: maybe",
        "subject: \"a\\nb\"",
        "subject: \"{{name}}\"",
        "text: \"{{name}}\"",
        "text: \"{{}}\"",
        "username: \"a\\nb\"",
        "passwort: x"
      })
  void refusesWhatIsWrong(String more) {
    String name = more.substring(0, more.indexOf(':'));
    assertThat(file(", " + more).errors())
        .hasSize(1)
        .first()
        .asString()
        .matches("m\\.yaml:3:\\d+: mail.*" + name + ".*");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host: a b",
        "host: https://a",
        "host: 'user@a'",
        "from: ai",
        "from: 'a@b, c@d'",
        "from: \"A\\r\\nBcc: x <a@b>\"",
        "from: '\"A\" <a@b>'",
        "from: 'A <a@b> x'",
        "allowed-domains: ['*']",
        "allowed-domains: ['@example.com']",
        "allowed-domains: [a b]",
        "allowed-domains: []",
        "allowed-domains: [exämple.com]"
      })
  void refusesWhatIsNoHostAddressOrDomain(String wrong) {
    String name = wrong.substring(0, wrong.indexOf(':'));
    String section = "mail: {host: h, from: a@b, allowed-domains: [c]}";
    String mended =
        section.replaceFirst(
            name + ": (\\[c]|[^,}]+)", java.util.regex.Matcher.quoteReplacement(wrong));
    assertThat(Written.in(directory, REST + mended).errors())
        .hasSize(1)
        .first()
        .asString()
        .contains("mail." + name);
  }

  @Test
  void neverRepeatsASecretOrWhatComesFromTheEnvironment() {
    assertThat(
            file(", username: u, password: \"${X}\", subject: \"${Y}\"")
                .errors(Map.of(), Map.of("X", "se\ncret", "Y", "{{se-cret}}")))
        .hasSize(2)
        .noneMatch(it -> it.contains("cret"));
    assertThat(file(", subject: '{{id}} {{nam}}'").errors().getFirst())
        .endsWith(
            "in which each {{…}} is one of operation, id, status, url, such as \"{{operation}}"
                + " {{id}} {{status}}\"; its {{…}} number 2 is none of them");
  }
}
