package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.server.kit.Wire;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A newer call takes the place of an older one: suggestions while somebody types. The calls are on
/// connections of their own, and so on any of the loops.
class SupersedingTest {
  private static final String SHOP = "Authorization: Bearer mw-shop";
  private static final String BANK = "Authorization: Bearer mw-bank";

  @TempDir private Path data;
  private final RawUpstream upstream = RawUpstream.start();
  private Gateway gateway;

  @BeforeEach
  void open() throws Exception {
    gateway =
        Gateway.configured(
            data,
            """
            server: {loops: 2}
            keys:
              - {tenant: shop, sha256: %s}
              - {tenant: bank, sha256: %s}
            upstreams: {only: {base-url: '%s', api-key: 'up-secret'}}
            operations:
              suggest:
                deliver: sync
                model: m-1
                prompt: 'For {{field}}: {{text}}'
                supersede: [user, field]
              twin: {deliver: sync, supersede: [user]}
              later: {for: report, model: m-1, prompt: '{{text}}', supersede: [user]}
            """
                .formatted(
                    SafetyTest.sha256("mw-shop"), SafetyTest.sha256("mw-bank"), upstream.url()));
  }

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private static String input(String user, String field, String text) {
    return "{\"user\":\"%s\",\"field\":\"%s\",\"text\":\"%s\"}".formatted(user, field, text);
  }

  private Wire suggest(String key, String input, String... headers) throws Exception {
    var all = new ArrayList<>(List.of(headers));
    all.add(key);
    return gateway.wire().post("/v1/operations/suggest", input, all.toArray(String[]::new));
  }

  private static void answered(Wire wire, Exchange call) throws Exception {
    call.json(200, Chat.answer("whole"));
    assertThat(wire.status()).isEqualTo(200);
    assertThat(wire.rest()).contains("whole");
  }

  private static void superseded(Wire wire) throws Exception {
    assertThat(wire.status()).isEqualTo(409);
    assertThat(wire.header("x-should-retry")).isEqualTo("false");
    FailuresTest.error(wire.rest(), "superseded");
  }

  @Test
  void theOlderCallIsToldAndItsUpstreamCallClosed() throws Exception {
    try (var older = suggest(SHOP, input("ann", "city", "L"))) {
      Exchange call = upstream.take();
      try (var newer = suggest(SHOP, input("ann", "city", "Lo"))) {
        Exchange its = upstream.take();
        superseded(older);
        call.awaitGone();
        answered(newer, its);
      }
    }
  }

  @Test
  void aStreamEndsWithTheErrorAndLooksBroken() throws Exception {
    try (var older = suggest(SHOP, input("ann", "city", "L"), "Accept: text/event-stream")) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("half"));
      assertThat(older.status()).isEqualTo(200);
      assertThat(older.event()).contains("half");
      try (var newer = suggest(SHOP, input("ann", "city", "Lo"))) {
        answered(newer, upstream.take());
      }
      assertThat(older.broken()).contains("\"code\":\"superseded\"").doesNotContain("[DONE]");
      call.awaitGone();
      var run = gateway.get("/v1/runs/" + older.header("meanwhile-run"), pair(SHOP));
      assertThat(json(run.body()).path("status").asString()).isEqualTo("cancelled");
      assertThat(json(run.body()).at("/error/code").asString()).isEqualTo("superseded");
      assertThat(json(run.body()).path("text").asString()).isEqualTo("half");
    }
  }

  @Test
  void aTaggedCallSaysItInItsOwnMembers() throws Exception {
    try (var older = tagged("\"user\":\"ann\"")) {
      upstream.take();
      try (var other = tagged("\"user\":\"bob\"");
          var newer = tagged("\"safety_identifier\":\"ann\"")) {
        Exchange a = upstream.take();
        Exchange b = upstream.take();
        superseded(older);
        a.json(200, Chat.answer("whole"));
        b.json(200, Chat.answer("whole"));
        assertThat(other.status()).isEqualTo(200);
        assertThat(newer.status()).isEqualTo(200);
      }
    }
  }

  private Wire tagged(String member) throws Exception {
    return gateway.wire().chat(Chat.plain("mine", member), SHOP, "Meanwhile-Operation: twin");
  }

  @Test
  void aResponseIsToldInItsOwnWords() throws Exception {
    String body = "{\"model\":\"m\",\"input\":\"a\",\"user\":\"ann\"%s}";
    try (var older = response(body.formatted(",\"stream\":true"))) {
      Exchange call = upstream.take();
      call.stream();
      call.event(Chat.chunk("half"));
      assertThat(older.status()).isEqualTo(200);
      try (var plain = response(body.formatted(""))) {
        upstream.take();
        assertThat(older.rest()).contains("event: error", "superseded").endsWith("[DONE]\n\n");
        try (var newest = response(body.formatted(""))) {
          answered(newest, upstream.take());
        }
        superseded(plain);
      }
    }
  }

  private Wire response(String body) throws Exception {
    return gateway.wire().post("/v1/responses", body, SHOP, "Meanwhile-Operation: twin");
  }

  @Test
  void aPromisedRunIsCancelled() throws Exception {
    String older = later("a");
    Exchange call = upstream.take();
    String newer = later("b");
    say(upstream.take(), "done");
    call.awaitGone();
    Eventually.until("it is cancelled", () -> status(older).equals("cancelled"));
    Eventually.until("it is done", () -> status(newer).equals("completed"));
    var monitor = gateway.get("/v1/chat/completions/" + older, pair(SHOP));
    assertThat(monitor.statusCode()).isEqualTo(409);
    assertThat(header(monitor, "x-should-retry")).isEqualTo("false");
    FailuresTest.error(monitor.body(), "superseded");
  }

  private String later(String text) throws Exception {
    HttpResponse<String> accepted =
        gateway.post(
            "/v1/operations/later", "{\"user\":\"ann\",\"text\":\"" + text + "\"}", pair(SHOP));
    assertThat(accepted.statusCode()).isEqualTo(202);
    return header(accepted, "meanwhile-run");
  }

  private String status(String run) throws Exception {
    return json(gateway.get("/v1/runs/" + run, pair(SHOP)).body()).path("status").asString();
  }

  private static String[] pair(String line) {
    return line.split(": ", 2);
  }

  @Test
  void anythingElseIsNotTouched() throws Exception {
    try (var ann = suggest(SHOP, input("ann", "city", "L"))) {
      Exchange call = upstream.take();
      try (var bob = suggest(SHOP, input("bob", "city", "L"))) {
        Exchange bobs = upstream.take();
        try (var bank = suggest(BANK, input("ann", "city", "L"))) {
          Exchange banks = upstream.take();
          try (var street = suggest(SHOP, input("ann", "street", "L"))) {
            Exchange streets = upstream.take();
            try (var nobody = suggest(SHOP, "{\"field\":\"city\",\"text\":\"L\"}")) {
              answered(nobody, upstream.take());
            }
            answered(street, streets);
          }
          answered(bank, banks);
        }
        answered(bob, bobs);
      }
      answered(ann, call);
    }
  }
}
