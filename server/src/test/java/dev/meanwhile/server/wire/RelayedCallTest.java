package dev.meanwhile.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What a call looks like to the upstream, and its answer to the caller.
class RelayedCallTest {
  /// Odd spacing, order, escapes, numbers, and members nobody knows.
  private static final String ODD =
      "{ \"zebra\" : [1.0, 1e3,-0.0,\n\t9007199254740993],\r\n \"model\":\"\\u0067pt\\/4 \u6771\","
          + "\"messages\":[{\"content\":\"Z\\u00fcrich \\u2192 \u6771\u4eac \\ud83d\\ude00\",\"role\":\"user\"}],"
          + "  \"vendor_option\":{\"b\":null,\"a\":true} , \"user\":\"\" } \n";

  private final RawUpstream upstream = RawUpstream.start();

  @AfterEach
  void close() {
    upstream.close();
  }

  @Test
  void sendsTheBodyUpByteForByte() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(ODD)) {
      Exchange call = upstream.take();
      assertThat(call.line()).isEqualTo("POST /v1/chat/completions HTTP/1.1");
      assertThat(call.body()).isEqualTo(ODD);
      call.json(200, Chat.answer("yes"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void replacesNothingButTheModelsPrefix() throws Exception {
    String yaml =
        "upstreams: {first: {base-url: '%s'}, second: {base-url: 'http://127.0.0.1:9/v1'}}"
            .formatted(upstream.url());
    String before = ODD.replace("\"\\u0067pt\\/4 \u6771\"", "\"first\\/vendor\\/gpt\"");
    String after = ODD.replace("\"\\u0067pt\\/4 \u6771\"", "\"vendor/gpt\"");
    try (var gateway = Gateway.configured(yaml);
        var wire = gateway.wire().chat(before)) {
      Exchange call = upstream.take();
      assertThat(call.body()).isEqualTo(after);
      call.json(200, Chat.answer("yes"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void sendsAModelWithAnUnknownPrefixToTheFirstUpstreamAsItIs() throws Exception {
    String body = Chat.plain("x").replace("\"m\"", "\"meta-llama/Llama-3\"");
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(body)) {
      Exchange call = upstream.take();
      assertThat(call.body()).isEqualTo(body);
      call.json(200, Chat.answer("yes"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void sendsTheCallersHeadersUpAndNoneThatIsBetweenCallerAndServer() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire =
            gateway
                .wire()
                .chat(
                    Chat.plain("x"),
                    "Authorization: Bearer sk-mine",
                    "OpenAI-Organization: org-1",
                    "X-Vendor-Option: a, b",
                    "X-Twice: 1",
                    "X-Twice: 2",
                    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    "X-Client-Request-Id: mine-7",
                    "User-Agent: test/1",
                    "Connection: keep-alive, X-Hop",
                    "X-Hop: secret of this connection",
                    "Keep-Alive: timeout=5",
                    "TE: trailers",
                    "Cookie: session=1",
                    "Prefer: wait=1",
                    "X-Forwarded-For: 10.0.0.1",
                    "Accept-Encoding: gzip",
                    "Meanwhile-Anything: 1")) {
      Exchange call = upstream.take();
      assertThat(call.header("authorization")).isEqualTo("Bearer sk-mine");
      assertThat(call.header("openai-organization")).isEqualTo("org-1");
      assertThat(call.header("x-vendor-option")).isEqualTo("a, b");
      assertThat(call.headers().stream().filter(it -> it.getKey().equals("x-twice")))
          .extracting(java.util.Map.Entry::getValue)
          .containsExactly("1", "2");
      assertThat(call.header("traceparent")).startsWith("00-0af7651916cd43dd");
      assertThat(call.header("x-client-request-id")).isEqualTo("mine-7");
      assertThat(call.header("user-agent")).isEqualTo("test/1");
      assertThat(call.header("content-type")).isEqualTo("application/json");
      assertThat(call.header("host")).isEqualTo("127.0.0.1:" + upstream.port());
      for (String none :
          new String[] {
            "x-hop",
            "keep-alive",
            "te",
            "cookie",
            "prefer",
            "x-forwarded-for",
            "accept-encoding",
            "meanwhile-anything"
          }) {
        assertThat(call.header(none)).as(none).isNull();
      }
      call.json(200, Chat.answer("yes"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void sendsTheAnswerBackByteForByteWithItsHeaders() throws Exception {
    String answer =
        " {\"vendor\" : {\"x\":1.50}, \"object\":\"chat.completion\",\"choices\":[{\"message\":"
            + "{\"content\":\"\\u00e9\u6771\"},\"finish_reason\":\"stop\"}] , \"zz\":null}\n";
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire().chat(Chat.plain("x"))) {
      upstream
          .take()
          .json(
              200,
              answer,
              "x-ratelimit-remaining-requests: 41",
              "x-request-id: req_theirs",
              "openai-version: 2020-10-01",
              "set-cookie: a=b",
              "Connection: X-Hop",
              "X-Hop: 1");
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.header("content-type")).isEqualTo("application/json");
      assertThat(wire.header("x-ratelimit-remaining-requests")).isEqualTo("41");
      assertThat(wire.header("openai-version")).isEqualTo("2020-10-01");
      assertThat(wire.header("set-cookie")).isNull();
      assertThat(wire.header("x-hop")).isNull();
      assertThat(wire.header("meanwhile-upstream-request-id")).isEqualTo("req_theirs");
      assertThat(wire.header("x-request-id"))
          .startsWith("run_")
          .isEqualTo(wire.header("meanwhile-run"));
      assertThat(wire.header("link"))
          .isEqualTo(
              "<http://localhost/v1/runs/%s>; rel=\"monitor\""
                  .formatted(wire.header("meanwhile-run")));
      assertThat(wire.header("cache-status")).isEqualTo("meanwhile; fwd=uri-miss");
      assertThat(wire.header("cache-control")).isEqualTo("no-store");
      assertThat(wire.header("openai-processing-ms")).matches("\\d+");
      assertThat(wire.header("server-timing")).contains("ai;dur=").contains("ttft;dur=");
      assertThat(wire.rest()).isEqualTo(answer);
    }
  }

  @Test
  void passesTheQueryOn() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire =
            gateway.wire().post("/v1/chat/completions?api-version=2&x=%20y", Chat.plain("x"))) {
      Exchange call = upstream.take();
      assertThat(call.line()).isEqualTo("POST /v1/chat/completions?api-version=2&x=%20y HTTP/1.1");
      call.json(200, Chat.answer("yes"));
      assertThat(wire.status()).isEqualTo(200);
    }
  }

  @Test
  void servesManyCallsOverOneUpstreamConnection() throws Exception {
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      for (int i = 0; i < 5; i++) {
        wire.chat(Chat.plain("x" + i));
        upstream.take().json(200, Chat.answer("a" + i));
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).isEqualTo(Chat.answer("a" + i));
        wire.chat(Chat.streamed("s" + i));
        Exchange call = upstream.take();
        call.stream();
        call.event(Chat.chunk("a"));
        call.event(Chat.stop());
        call.done();
        assertThat(wire.status()).isEqualTo(200);
        assertThat(wire.rest()).endsWith("data: [DONE]\n\n");
      }
      assertThat(upstream.connections()).isEqualTo(1);
    }
  }

  @Test
  void convertsEmbeddingsToTheFormatThatWasAsked() throws Exception {
    String floats = "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.0,-2.5]}]}";
    String base64 = "\"AACAPwAAIMA=\"";
    try (var gateway = Gateway.before(upstream);
        var wire = gateway.wire()) {
      wire.post(
          "/v1/embeddings", "{\"model\":\"e\",\"input\":\"a\",\"encoding_format\":\"base64\"}");
      Exchange call = upstream.take();
      assertThat(call.line()).isEqualTo("POST /v1/embeddings HTTP/1.1");
      call.json(200, floats);
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).isEqualTo(floats.replace("[1.0,-2.5]", base64));
      wire.post("/v1/embeddings", "{\"model\":\"e\",\"input\":\"a\"}");
      upstream.take().json(200, floats.replace("[1.0,-2.5]", base64));
      assertThat(wire.status()).isEqualTo(200);
      assertThat(wire.rest()).contains("\"embedding\":[1.0,-2.5]");
    }
  }
}
