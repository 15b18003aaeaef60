package dev.meanwhile.server.mail;

import static dev.meanwhile.server.kit.SmtpServer.DRIP;
import static dev.meanwhile.server.kit.SmtpServer.SILENCE;
import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.meanwhile.log.Run;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.notify.Sender.Kind;
import dev.meanwhile.server.VertxClock;
import dev.meanwhile.server.auth.Authenticator;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.auth.SignedUrls;
import dev.meanwhile.server.config.ConfigReader;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.config.MailConfig;
import dev.meanwhile.server.kit.Certificate;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.SmtpServer;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeUtility;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A mail server that is as it should be, and one that fails in every way.
class MailSenderTest {
  private static final Duration NEVER = Duration.ofMinutes(10);
  private static final Duration SOON = Duration.ofSeconds(1);
  private static final String LOGIN = ", username: meanwhile, password: p4ssw0rd";

  @TempDir private Path directory;
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final SignedUrls urls =
      new Authenticator(
              CurrentConfig.of(
                  ConfigReader.read(null, Map.of("upstream", "http://localhost:1/v1"), Map.of())),
              Secret.random())
          .signedUrls();
  private @Nullable Run run = Mails.run("the answer");

  @AfterEach
  void close() {
    vertx.close().await();
  }

  private MailSender sender(MailConfig mail, Duration limit, @Nullable SSLSocketFactory trusted) {
    var clock = new VertxClock(vertx.getOrCreateContext());
    return new MailSender(clock, mail, urls, (_, _, found) -> found.is(run), limit, trusted);
  }

  private static Sender.Answer send(Sender sender, Notice notice) throws Exception {
    var answer = new CompletableFuture<Sender.Answer>();
    sender.send(new Store.Due(notice, null), answer::complete);
    return answer.get(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private static Notice notice() {
    return Notice.mail(
        "mailto:ann@example.com", "shop", "run_1", "chat", "completed", 1_000, false);
  }

  private Sender.Answer plainly(Duration limit, Function<String, @Nullable String> replies)
      throws Exception {
    try (var server = SmtpServer.start(null, replies)) {
      var answer = send(sender(config(server.port(), "none", ""), limit, null), notice());
      Eventually.until("it is left", () -> server.left() == 1);
      return answer;
    }
  }

  private static MailConfig config(int port, String tls, String more) {
    return Mails.config("", ", port: " + port + ", tls: " + tls + more);
  }

  private static Function<String, @Nullable String> to(String verb, String reply) {
    return said -> said.equals(verb) ? reply : null;
  }

  @Test
  void logsInAndSaysAllElseInTlsOnly() throws Exception {
    var certificate = Certificate.make(directory);
    try (var server = SmtpServer.start(certificate, _ -> null)) {
      SSLSocketFactory trusting = certificate.context().getSocketFactory();
      var sender = sender(config(server.port(), "starttls", LOGIN), NEVER, trusting);
      var answer = send(sender, notice());
      assertThat(answer.kind()).as(answer.text()).isEqualTo(Kind.ARRIVED);
      assertThat(answer.status()).isEqualTo(250);
      assertThat(server.heard().stream().filter(it -> it.startsWith("plain ")))
          .containsExactly("plain EHLO ai.example.com", "plain STARTTLS");
      assertThat(server.heard())
          .contains("tls MAIL FROM:<ai@example.com>", "tls RCPT TO:<ann@example.com>")
          .anyMatch(it -> it.startsWith("tls AUTH "));
      String letter = server.letters().getFirst();
      assertThat(letter)
          .contains("\nMessage-ID: <evt_1@example.com>\n")
          .contains("\nSubject: chat run_1 is ready\n")
          .contains("\nFrom: Meanwhile <ai@example.com>\n")
          .contains("\nTo: ann@example.com\n")
          .contains("\nAuto-Submitted: auto-generated\n")
          .doesNotContain("answer");
      assertThat(letter.replace("=\n", "").replace("=3D", "="))
          .contains("\nchat run_1 is ready.\n\n")
          .contains("\nhttps://ai.example.com/base/v1/runs/run_1?signed=read.");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"starttls", "tls"})
  void saysNothingToAServerThatItDoesNotTrust(String tls) throws Exception {
    var certificate = Certificate.make(directory);
    try (var server =
        tls.equals("tls")
            ? SmtpServer.secure(certificate)
            : SmtpServer.start(certificate, _ -> null)) {
      var answer = send(sender(config(server.port(), tls, LOGIN), NEVER, null), notice());
      assertThat(answer.kind()).isEqualTo(Kind.FAILED);
      assertThat(answer.text()).doesNotContain("p4ssw0rd");
      assertThat(server.heard()).allMatch(it -> it.matches("plain (EHLO .*|STARTTLS)"));
      assertThat(server.letters()).isEmpty();
    }
  }

  @Test
  void saysNothingToAServerWithoutStarttls() throws Exception {
    try (var server = SmtpServer.start(null, _ -> null)) {
      var answer = send(sender(config(server.port(), "starttls", LOGIN), NEVER, null), notice());
      assertThat(answer.kind()).isEqualTo(Kind.FAILED);
      assertThat(answer.text()).contains("STARTTLS");
      assertThat(server.heard()).allMatch(it -> it.matches("plain (EHLO .*|QUIT)"));
    }
  }

  @Test
  void saysNothingWhenStarttlsIsRefused() throws Exception {
    var refusing = to("STARTTLS", "454 not now");
    try (var server = SmtpServer.start(Certificate.make(directory), refusing)) {
      var answer = send(sender(config(server.port(), "starttls", LOGIN), NEVER, null), notice());
      assertThat(answer.kind()).isEqualTo(Kind.FAILED);
      assertThat(server.heard()).allMatch(it -> it.matches("plain (EHLO .*|STARTTLS|QUIT)"));
    }
  }

  @Test
  void sendsOverTlsToTheNameInTheCertificateOnly() throws Exception {
    var certificate = Certificate.make(directory);
    var itsOwn = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTPS));
    itsOwn.start();
    try {
      int port = itsOwn.getSmtps().getPort();
      var answer = send(sender(config(port, "tls", ""), NEVER, trustingGreenMail()), notice());
      assertThat(answer.kind()).as("trusted, but another's").isEqualTo(Kind.FAILED);
      assertThat(itsOwn.getReceivedMessages()).isEmpty();
    } finally {
      itsOwn.stop();
    }
    try (var ours = SmtpServer.secure(certificate)) {
      SSLSocketFactory trusting = certificate.context().getSocketFactory();
      var answer = send(sender(config(ours.port(), "tls", LOGIN), NEVER, trusting), notice());
      assertThat(answer.kind()).as(answer.text()).isEqualTo(Kind.ARRIVED);
      assertThat(ours.letters()).hasSize(1);
    }
  }

  private static SSLSocketFactory trustingGreenMail() throws Exception {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = GreenMail.class.getResourceAsStream("/greenmail.p12")) {
      keys.load(in, "changeit".toCharArray());
    }
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("it", keys.getCertificate(keys.aliases().nextElement()));
    var trusting = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusting.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trusting.getTrustManagers(), new SecureRandom());
    return context.getSocketFactory();
  }

  @ParameterizedTest
  @CsvSource({
    "RCPT, 550 5.1.1 <Ann@example.com>: no such mailbox, REFUSED, 550",
    "RCPT, 553 no, REFUSED, 553",
    "RCPT, 450 4.2.1 ann@example.com is busy, FAILED, 450",
    "RCPT, 452 full, FAILED, 452",
    "HELLO, 421 not now, FAILED, 0",
    "HELLO, 554 not you, FAILED, 0",
    "HELLO, nonsense, FAILED, 0",
    "MAIL, 550 not from you, FAILED, 0",
    "DATA, 451 not now, FAILED, 0",
    "END, 554 not this, FAILED, 0",
    "END, 451 not now, FAILED, 0"
  })
  void goesByTheReply(String verb, String reply, Kind kind, int status) throws Exception {
    var answer = plainly(NEVER, to(verb, reply));
    assertThat(answer.kind()).as(answer.text()).isEqualTo(kind);
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.text()).isNotEmpty().doesNotContainIgnoringCase("ann@");
  }

  @Test
  void aQuitThatFailsTakesNothingBack() throws Exception {
    assertThat(plainly(NEVER, to("QUIT", "500 never")).kind()).isEqualTo(Kind.ARRIVED);
  }

  @Test
  void neverTellsThePassword() throws Exception {
    var certificate = Certificate.make(directory);
    var refusing = to("AUTH", "535 5.7.8 wrong");
    try (var server = SmtpServer.start(certificate, refusing)) {
      SSLSocketFactory trusting = certificate.context().getSocketFactory();
      MailConfig mail = config(server.port(), "starttls", LOGIN);
      var answer = send(sender(mail, NEVER, trusting), notice());
      assertThat(answer.kind()).isEqualTo(Kind.FAILED);
      assertThat(answer.text()).contains("535").doesNotContain("p4ssw0rd");
      assertThat(mail.toString()).doesNotContain("p4ssw0rd");
      assertThat(server.heard()).noneMatch(it -> it.contains("MAIL FROM"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "HELLO, " + SILENCE,
    "EHLO, " + SILENCE,
    "RCPT, " + SILENCE,
    "END, " + SILENCE,
    "EHLO, " + DRIP,
    "RCPT, " + DRIP
  })
  void waitsNoLongerThanItsLimit(String verb, String how) throws Exception {
    assertThat(plainly(SOON, to(verb, how)).kind()).isEqualTo(Kind.FAILED);
  }

  @Test
  void saysThatThereIsNoServer() throws Exception {
    int port;
    try (var server = SmtpServer.start(null, _ -> null)) {
      port = server.port();
    }
    var answer = send(sender(config(port, "none", ""), NEVER, null), notice());
    assertThat(answer.kind()).isEqualTo(Kind.FAILED);
    assertThat(answer.text()).contains("localhost");
  }

  @Test
  void aRunThatIsGoneIsToldToNobody() throws Exception {
    run = null;
    try (var server = SmtpServer.start(null, _ -> null)) {
      var answer = send(sender(config(server.port(), "none", ""), NEVER, null), notice());
      assertThat(answer.kind()).isEqualTo(Kind.REFUSED);
      assertThat(server.heard()).isEmpty();
    }
  }

  private MimeMessage received(String more, Notice notice) throws Exception {
    var mail = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    mail.start();
    try {
      var answer =
          send(sender(config(mail.getSmtp().getPort(), "none", more), NEVER, null), notice);
      assertThat(answer.kind()).as(answer.text()).isEqualTo(Kind.ARRIVED);
      return mail.getReceivedMessages()[0];
    } finally {
      mail.stop();
    }
  }

  private static String text(MimeMessage message) throws Exception {
    return (String) message.getContent();
  }

  @Test
  void encodesWhatIsNotAscii() throws Exception {
    MimeMessage message =
        received(
            ", subject: 'Für Sie 東京 ☕ {{operation}} {{ id }} {{status}} "
                + "x".repeat(80)
                + "', text: \"Grüße {{id}}\\n.\\n{{url}}\\n\"",
            Notice.mail(
                "mailto:ann@example.com", "shop", "run_1", "Ü\r\nBcc: x@y", "failed", 1, false));
    assertThat(message.getSubject())
        .isEqualTo("Für Sie 東京 ☕ Ü Bcc: x@y run_1 has failed " + "x".repeat(80));
    assertThat(message.getHeader("Bcc")).isNull();
    assertThat(MimeUtility.unfold(message.getHeader("Subject")[0])).matches("\\p{ASCII}+");
    assertThat(text(message))
        .startsWith("Grüße run_1\r\n.\r\nhttps://ai.example.com/base/v1/runs/");
    assertThat(message.getAllRecipients()).hasSize(1);
  }

  @Test
  void saysHowItEndedByTheIdItsCallerKnows() throws Exception {
    assertThat(received("", ended("responses", "cancelled")).getSubject())
        .isEqualTo("responses resp_1 was cancelled");
    assertThat(received("", ended("embeddings", "incomplete")).getSubject())
        .isEqualTo("embeddings run_1 is incomplete");
  }

  private static Notice ended(String api, String status) {
    return Notice.mail("mailto:ann@example.com", "shop", "run_1", api, status, 1_000, false);
  }

  @Test
  void hasTheAnswerOnlyWhereThatIsSwitchedOnAndNotAllOfALongOne() throws Exception {
    run = Mails.run("the answer is 42");
    assertThat(text(received("", notice()))).doesNotContain("the answer");
    assertThat(text(received(", include-answer: true", notice()))).contains("the answer is 42");
    // The limit is in the middle of a character.
    run = Mails.run("x".repeat(Letter.MOST_ANSWER - 1) + "😀" + "y".repeat(100));
    assertThat(text(received(", include-answer: true", notice())))
        .contains("x".repeat(Letter.MOST_ANSWER - 1) + "…")
        .doesNotContain("yyyyy", "?…");
    run = Mails.run("");
    assertThat(text(received(", include-answer: true", notice()))).contains("signed=");
  }
}
