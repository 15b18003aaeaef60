package dev.meanwhile.server.wire;

import static dev.meanwhile.server.wire.AsyncTest.header;
import static dev.meanwhile.server.wire.AsyncTest.json;
import static dev.meanwhile.server.wire.AsyncTest.say;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Chat;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.Gateway;
import dev.meanwhile.server.kit.RawUpstream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A configuration that is read anew while the server runs: all of it holds, or nothing changes.
class ReloadTest {
  private static final String SUM =
      """
        sum: {deliver: sync, model: m, prompt: 'Sum up {{text}}'}
        tell: {for: stream, model: m, prompt: 'Tell {{text}}'}
        later: {for: report, model: m, prompt: 'Report {{text}}'}
      """;
  private static final String INPUT = "{\"text\":\"x\"}";

  @TempDir private Path directory;
  private final RawUpstream upstream = RawUpstream.start();
  private Path file;
  private Gateway gateway;

  @BeforeEach
  void open() throws Exception {
    file = directory.resolve("m.yaml");
    write("mw-shop", SUM);
    gateway = Gateway.reloading(directory, file, "--loops=2");
  }

  @AfterEach
  void close() {
    gateway.close();
    upstream.close();
  }

  private void write(String key, String operations) throws Exception {
    Files.writeString(
        file,
        """
        keys:
          - {tenant: shop, sha256: %s}
          - {tenant: ops, sha256: %s, admin: true}
        upstreams: {only: {base-url: '%s', api-key: up}}
        operations:
        %s
        """
            .formatted(
                SafetyTest.sha256(key), SafetyTest.sha256("mw-ops"), upstream.url(), operations));
  }

  private HttpResponse<String> reload() throws Exception {
    return gateway.post("/v1/reload", "", "Authorization", "Bearer mw-ops");
  }

  private void refused(String... said) throws Exception {
    var answer = reload();
    assertThat(answer.statusCode()).isEqualTo(400);
    FailuresTest.error(answer.body(), "invalid_configuration");
    assertThat(answer.body()).contains("Nothing was changed").contains(said);
    assertThat(names()).isEqualTo("sum tell later");
  }

  private String names() throws Exception {
    var names = new StringBuilder();
    json(gateway.get("/v1/operations", "Authorization", "Bearer mw-shop").body())
        .path("data")
        .forEach(it -> names.append(names.isEmpty() ? "" : " ").append(it.path("name").asString()));
    return names.toString();
  }

  @Test
  void holdsFromNowOnAndDropsNoRun() throws Exception {
    assertThat(names()).isEqualTo("sum tell later");
    try (var stream =
            gateway.wire().post("/v1/operations/tell", INPUT, "Authorization: Bearer mw-shop");
        var plain = gateway.wire()) {
      Exchange streaming = upstream.take();
      streaming.stream();
      streaming.event(Chat.chunk("one "));
      assertThat(stream.status()).isEqualTo(200);
      assertThat(stream.event()).contains("one ");
      var later = gateway.post("/v1/operations/later", INPUT, "Authorization", "Bearer mw-shop");
      Exchange background = upstream.take();
      plain.post("/v1/operations/sum", INPUT, "Authorization: Bearer mw-shop");
      Exchange waiting = upstream.take();

      write("mw-new", "  sum: {deliver: sync, model: m2, prompt: 'Anew {{what}}'}\n");
      var reloaded = reload();
      assertThat(reloaded.statusCode()).isEqualTo(200);
      assertThat(json(reloaded.body()))
          .isEqualTo(json("{\"object\":\"configuration\",\"operations\":1,\"keys\":2}"));

      // On every connection, so on every loop.
      for (int i = 0; i < 8; i++) {
        try (var old = gateway.wire().get("/v1/operations", "Authorization: Bearer mw-shop")) {
          FailuresTest.error(old, 401, "invalid_api_key");
        }
        try (var gone =
            gateway.wire().post("/v1/operations/tell", INPUT, "Authorization: Bearer mw-new")) {
          FailuresTest.error(gone, 404, "operation_not_found");
        }
      }
      try (var wire =
          gateway
              .wire()
              .post("/v1/operations/sum", "{\"what\":\"y\"}", "Authorization: Bearer mw-new")) {
        Exchange call = upstream.take();
        assertThat(call.body()).contains("\"m2\"").contains("Anew y");
        call.json(200, Chat.answer("new"));
        assertThat(wire.status()).isEqualTo(200);
      }

      streaming.event(Chat.chunk("two"));
      assertThat(stream.event()).contains("two");
      streaming.event(Chat.stop());
      streaming.done();
      assertThat(stream.rest()).endsWith("data: [DONE]\n\n");
      waiting.json(200, Chat.answer("whole"));
      assertThat(plain.status()).isEqualTo(200);
      assertThat(plain.rest()).contains("whole");
      say(background, "kept");
      var read =
          gateway.get(
              "/v1/runs/" + header(later, "meanwhile-run"),
              "Prefer",
              "wait=30",
              "Authorization",
              "Bearer mw-new");
      assertThat(json(read.body()).path("text").asString()).isEqualTo("kept");
    }
  }

  @Test
  void changesNothingIfAnythingIsWrong() throws Exception {
    write("mw-new", "  a: {fro: page}\n  b: {for: never}\n");
    refused("m.yaml:6:7", "did you mean 'for'", "m.yaml:7:12", "'never'");
    Files.writeString(file, "operations: [");
    refused("m.yaml:1:");
    Files.delete(file);
    refused("m.yaml");
  }

  @Test
  void changesNothingIfMoreHasChanged() throws Exception {
    write("mw-new", "  other: {for: page}\n");
    String right = Files.readString(file);
    Files.writeString(file, right.replace("api-key: up", "api-key: secret-2"));
    var answer = reload();
    assertThat(answer.body()).doesNotContain("secret-2");
    refused("upstreams: has changed", "restart");
    Files.writeString(file, right + "server: {max-body: 1MB}\n");
    refused("server: has changed");
    Files.writeString(file, right);
    assertThat(reload().statusCode()).isEqualTo(200);
  }

  @Test
  void isForAdminsOnly() throws Exception {
    write("mw-new", "  other: {for: page}\n");
    var answer = gateway.post("/v1/reload", "", "Authorization", "Bearer mw-shop");
    assertThat(answer.statusCode()).isEqualTo(403);
    FailuresTest.error(answer.body(), "admin_only");
    assertThat(gateway.post("/v1/reload", "").statusCode()).isEqualTo(401);
    assertThat(gateway.get("/v1/reload", "Authorization", "Bearer mw-ops").statusCode())
        .isEqualTo(405);
    assertThat(names()).isEqualTo("sum tell later");
  }
}
