package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.SmtpServer;
import jakarta.mail.internet.MimeMessage;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Somebody is told of the end of a run by mail.
class MailTest {
  private static final String ANN = "mailto:ann@example.com";
  private static final String EMBED = "{\"model\":\"m\",\"input\":\"x\"}";
  private static final String[] SHOP = {"Authorization", "Bearer mw-shop"};
  private static final String[] BANK = {"Authorization", "Bearer mw-bank"};

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();
  private GreenMail mail = started(0);

  private static GreenMail started(int port) {
    var mail = new GreenMail(new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    mail.start();
    return mail;
  }

  @AfterEach
  void close() {
    upstream.close();
    mail.stop();
  }

  private int port() {
    return mail.getSmtp().getPort();
  }

  private Gateway gateway(String... more) throws Exception {
    return gateway(port(), more);
  }

  private Gateway gateway(int port, String... more) throws Exception {
    return Gateway.configured(
        data,
        """
        server: {public-url: 'https://ai.example.com'}
        keys:
          - {tenant: shop, sha256: %s, admin: true}
          - {tenant: bank, sha256: %s}
        upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
        operations:
          report: {for: report, model: m, prompt: 'On {{text}}', notify: 'mailto:Team@example.com'}
        mail: {host: 127.0.0.1, port: %d, tls: none, from: ai@example.com, allowed-domains: [example.com]%s}
        """
            .formatted(
                SafetyTest.sha256("mw-shop"),
                SafetyTest.sha256("mw-bank"),
                upstream.url(),
                port,
                String.join("", Arrays.stream(more).map(it -> ", " + it).toList())));
  }

  private static String[] with(String[] headers, String... more) {
    return Stream.of(headers, more).flatMap(Arrays::stream).toArray(String[]::new);
  }

  private static String accepted(Gateway gateway, String path, String body) throws Exception {
    String[] headers = with(SHOP, "Meanwhile-Notify", ANN, "Prefer", "respond-async");
    var answer = gateway.post(path, body, headers);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
    return header(answer, "meanwhile-run");
  }

  private MimeMessage arrived(int number) throws Exception {
    Eventually.until("mail " + number, () -> mail.getReceivedMessages().length >= number);
    assertThat(mail.getReceivedMessages()).hasSize(number);
    return mail.getReceivedMessages()[number - 1];
  }

  private static String text(MimeMessage message) throws Exception {
    return (String) message.getContent();
  }

  /// Its link, for this server.
  private static String link(MimeMessage message) throws Exception {
    String text = text(message);
    int at = text.indexOf("https://ai.example.com");
    return text.substring(at).strip().replaceFirst("^https://ai.example.com", "");
  }

  private void awaitMetric(Gateway gateway, String line) throws Exception {
    Eventually.until(line, () -> gateway.get("/metrics", SHOP).body().contains(line));
  }

  @Test
  void tellsWhomTheOperationNamesUnlessTheCallerNamesAnother() throws Exception {
    try (var gateway = gateway()) {
      String path = "/v1/operations/report";
      String run = header(gateway.post(path, "{\"text\":\"x\"}", SHOP), "meanwhile-run");
      say(upstream.take(), "done");
      assertThat(arrived(1).getSubject()).isEqualTo("report " + run + " is ready");
      assertThat(arrived(1).getAllRecipients()[0]).hasToString("team@example.com");
      gateway.post(path, "{\"text\":\"x\"}", with(SHOP, "Meanwhile-Notify", ANN));
      say(upstream.take(), "done");
      assertThat(arrived(2).getAllRecipients()).hasSize(1);
      assertThat(arrived(2).getAllRecipients()[0]).hasToString("ann@example.com");
    }
  }

  @Test
  void tellsOfTheEndOfEveryKindOfCallInEveryWayToEnd() throws Exception {
    try (var gateway = gateway()) {
      String chat = accepted(gateway, "/v1/chat/completions", Chat.plain("x"));
      say(upstream.take(), "the answer");
      MimeMessage first = arrived(1);
      assertThat(first.getSubject()).isEqualTo("chat " + chat + " is ready");
      assertThat(first.getAllRecipients()[0]).hasToString("ann@example.com");
      assertThat(first.getMessageID())
          .isEqualTo("<evt_" + chat.substring("run_".length()) + "@example.com>");
      assertThat(text(first)).doesNotContain("the answer").contains(chat + " is ready");
      // The end is there for whoever is told of it.
      assertThat(json(gateway.get(link(first)).body()).path("text").asString())
          .isEqualTo("the answer");

      String failed = accepted(gateway, "/v1/embeddings", EMBED);
      upstream.take().json(400, "{\"error\":{\"message\":\"bad\"}}");
      assertThat(arrived(2).getSubject()).isEqualTo("embeddings " + failed + " has failed");

      String embedded = accepted(gateway, "/v1/embeddings", EMBED);
      upstream
          .take()
          .json(200, "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.0]}]}");
      assertThat(arrived(3).getSubject()).isEqualTo("embeddings " + embedded + " is ready");

      var made =
          gateway.post(
              "/v1/responses",
              "{\"model\":\"m\",\"input\":\"x\",\"background\":true}",
              with(SHOP, "Meanwhile-Notify", ANN));
      String response = json(made.body()).path("id").asString();
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("cut"));
      call.event(Chat.chunk("{}", "\"length\""));
      call.done();
      assertThat(arrived(4).getSubject()).isEqualTo("responses " + response + " is incomplete");
      assertThat(json(gateway.get(link(arrived(4))).body()).path("status").asString())
          .isEqualTo("incomplete");

      String cancelled = accepted(gateway, "/v1/chat/completions", Chat.plain("y"));
      upstream.take();
      gateway.post("/v1/runs/" + cancelled + "/cancel", "", SHOP);
      assertThat(arrived(5).getSubject()).isEqualTo("chat " + cancelled + " was cancelled");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"arrived\"} 5.0");
      assertThat(gateway.log()).doesNotContain("ann@example.com");
    }
  }

  @Test
  void itsLinkReadsThisRunAgainAndAgainAndDoesNothingElse() throws Exception {
    String link;
    String snapshot;
    try (var gateway = gateway()) {
      String run = accepted(gateway, "/v1/chat/completions", Chat.plain("x"));
      say(upstream.take(), "done");
      link = link(arrived(1));
      assertThat(link).startsWith("/v1/runs/" + run + "?signed=read.");
      HttpResponse<String> page = gateway.get(link);
      assertThat(page.statusCode()).as(page.body()).isEqualTo(200);
      snapshot = page.body();
      assertThat(json(snapshot).path("id").asString()).isEqualTo(run);
      // A reload, with and without what the browser remembers.
      assertThat(gateway.get(link).body()).isEqualTo(snapshot);
      assertThat(gateway.get(link, "If-None-Match", header(page, "etag")).statusCode())
          .isEqualTo(304);
      String cancel = link.replace("?", "/cancel?");
      FailuresTest.error(gateway.post(cancel, "").body(), "url_not_allowed");
      String other = link.replace(run, run.substring(0, run.length() - 1) + "0");
      assertThat(gateway.get(other).statusCode()).isEqualTo(403);
      long expires = Long.parseLong(link.split("\\.", -1)[1]);
      assertThat(expires - json(snapshot).path("completed_at").asLong())
          .isBetween(86_399L, 86_430L);
    }
    try (var gateway = gateway()) {
      assertThat(gateway.get(link).body()).as("after a restart").isEqualTo(snapshot);
    }
  }

  @Test
  void hasTheAnswerWhereThatIsSwitchedOn() throws Exception {
    try (var gateway = gateway("include-answer: true")) {
      accepted(gateway, "/v1/chat/completions", Chat.plain("x"));
      say(upstream.take(), "the ", "answer");
      assertThat(text(arrived(1))).contains("the answer");
    }
  }

  @Test
  void promisesTheRunOfACallerThatWaitsOrLeaves() throws Exception {
    try (var gateway = gateway()) {
      Exchange call;
      try (var wire = gateway.wire()) {
        wire.chat(Chat.plain("x"), "Authorization: Bearer mw-shop", "Meanwhile-Notify: " + ANN);
        call = upstream.take();
      }
      call.json(200, Chat.answer("hello"));
      assertThat(arrived(1).getSubject()).endsWith(" is ready");
    }
  }

  @Test
  void goesWithAWebhookToo() throws Exception {
    try (var gateway = gateway()) {
      var unknown =
          gateway.chat(
              Chat.plain("x"), with(SHOP, "Meanwhile-Notify", ANN, "Meanwhile-Webhook", "whe_x"));
      FailuresTest.error(unknown.body(), "webhook_endpoint_not_found");
      assertThat(upstream.calls()).isZero();
    }
  }

  @Test
  void refusesWhatItCannotSendBeforeAnythingHappens() throws Exception {
    try (var gateway = gateway()) {
      for (List<String> each :
          List.of(
              List.of("ann@example.com", "invalid_notify"),
              List.of("mailto:ann@example.com,bob@example.com", "invalid_notify"),
              List.of("mailto:ann@example.com%0d%0aBcc:bob@example.com", "invalid_notify"),
              List.of("mailto:ann@example.com?subject=x", "invalid_notify"),
              List.of("mailto:" + "a".repeat(260) + "@example.com", "invalid_notify"),
              List.of("mailto:ann@example.net", "recipient_not_allowed"))) {
        for (String path : List.of("chat/completions", "embeddings", "responses")) {
          String body = path.startsWith("chat") ? Chat.plain("x") : EMBED;
          var answer =
              gateway.post("/v1/" + path, body, with(SHOP, "Meanwhile-Notify", each.get(0)));
          assertThat(answer.statusCode()).as(each.get(0)).isEqualTo(400);
          JsonNode error = FailuresTest.error(answer.body(), each.get(1));
          assertThat(error.path("param").asString()).isEqualTo("Meanwhile-Notify");
        }
      }
      var twice =
          gateway.chat(
              Chat.plain("x"), with(SHOP, "Meanwhile-Notify", ANN, "Meanwhile-Notify", ANN));
      FailuresTest.error(twice.body(), "invalid_notify");
      assertThat(upstream.calls()).isZero();
      assertThat(mail.getReceivedMessages()).isEmpty();
    }
  }

  @Test
  void needsASectionAStoreAndAnUpstreamsKeyOfOurOwn() throws Exception {
    try (var none = Gateway.keeping(data.resolve("none"), upstream)) {
      var answer = none.chat(Chat.plain("x"), "Meanwhile-Notify", ANN);
      assertThat(answer.statusCode()).isEqualTo(400);
      FailuresTest.error(answer.body(), "mail_not_configured");
    }
    String yaml =
        """
        server: {public-url: 'https://ai.example.com'}
        upstreams: {only: {base-url: '%s'}}
        mail: {host: 127.0.0.1, port: %d, tls: none, from: ai@example.com, allowed-domains: [example.com]}
        """
            .formatted(upstream.url(), port());
    try (var bare = Gateway.configured(yaml)) {
      var answer = bare.chat(Chat.plain("x"), "Meanwhile-Notify", ANN);
      assertThat(answer.statusCode()).isEqualTo(503);
      FailuresTest.error(answer.body(), "no_store");
    }
    try (var borrowed = Gateway.configured(data.resolve("borrowed"), yaml)) {
      var answer = borrowed.chat(Chat.plain("x"), "Authorization", "sk-1", "Meanwhile-Notify", ANN);
      FailuresTest.error(answer.body(), "upstream_key_required");
    }
    assertThat(upstream.calls()).isZero();
  }

  @Test
  void arrivesOnceAfterTheMailServerAndThisOneWereAway() throws Exception {
    int port = port();
    mail.stop();
    String run;
    try (var gateway = gateway(port)) {
      run = accepted(gateway, "/v1/chat/completions", Chat.plain("x"));
      say(upstream.take(), "done");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"failed\"}");
    }
    mail = started(port);
    try (var gateway = gateway(port)) {
      assertThat(arrived(1).getSubject()).isEqualTo("chat " + run + " is ready");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"arrived\"} 1.0");
      assertThat(mail.getReceivedMessages()).hasSize(1);
    }
  }

  @Test
  void tellsTheOperatorOfWhatWasGivenUp() throws Exception {
    try (var refusing =
            SmtpServer.start(null, it -> it.equals("RCPT") ? "550 5.1.1 no such mailbox" : null);
        var gateway = gateway(refusing.port())) {
      accepted(gateway, "/v1/chat/completions", Chat.plain("x"));
      say(upstream.take(), "done");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"given_up\"} 1.0");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"failed\"} 1.0");
      assertThat(refusing.letters()).isEmpty();
    }
  }

  @Test
  void aRecipientGetsNoMoreThanItsShareFromAllTenants() throws Exception {
    try (var gateway = gateway("per-recipient: 2")) {
      for (int i = 0; i < 2; i++) {
        accepted(gateway, "/v1/chat/completions", Chat.plain("x" + i));
        say(upstream.take(), "done");
        arrived(i + 1);
      }
      for (String to : List.of(ANN, "mailto:bob@example.com")) {
        var answer =
            gateway.chat(
                Chat.plain(to), with(BANK, "Meanwhile-Notify", to, "Prefer", "respond-async"));
        assertThat(answer.statusCode()).isEqualTo(202);
        say(upstream.take(), "done");
      }
      // Taken in one look with that of Bob, if it were to be taken.
      assertThat(arrived(3).getAllRecipients()[0]).hasToString("bob@example.com");
      awaitMetric(gateway, "meanwhile_notices_total{kind=\"mail\",outcome=\"arrived\"} 3.0");
      assertThat(mail.getReceivedMessages()).hasSize(3);
    }
  }
}
