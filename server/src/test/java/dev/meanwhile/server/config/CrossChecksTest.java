package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.OnLeave;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What must fit together, and what the flags mean for keys and upstreams.
class CrossChecksTest {
  private static final String UPSTREAM = "upstreams: {a: {base-url: http://a/v1}}\n";
  private static final String KEYS = "keys: [{tenant: t, sha256: " + "ab".repeat(32) + "}]\n";

  @TempDir private Path directory;

  @Test
  void aFewFlagsAreEnough() {
    Config config =
        ConfigReader.read(null, Map.of("upstream", "http://u:1/v1/", "port", "0"), Map.of());

    assertThat(config.keys()).isEmpty();
    assertThat(config.server().port()).isZero();
    assertThat(config.server().loopback()).isTrue();
    assertThat(config.upstreams())
        .containsExactly(
            Map.entry(
                "default",
                new UpstreamConfig(
                    "default",
                    URI.create("http://u:1/v1"),
                    null,
                    Api.CHAT,
                    10_000,
                    10_000,
                    16,
                    100_000)));
  }

  @Test
  void keysAndUpstreamsAreRead() {
    Config config =
        Written.in(
                directory,
                """
                keys:
                  - {tenant: shop, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}
                  - tenant: shop
                    sha256: %s
                    may-detach: true
                    coalesce: false
                    on-leave: finish
                    admin: true
                upstreams:
                  z: {base-url: https://z/v1/, api: chat, api-key: k, max-connections: 1, max-queue: 0}
                  a: {base-url: http://a/v1}
                """
                    .formatted("0".repeat(64)))
            .read();

    assertThat(config.keys())
        .containsExactly(
            new Key("shop", Sha256.of("test"), false, null, null, false),
            new Key(
                "shop", Sha256.parse("0".repeat(64)), true, Coalesce.NEVER, OnLeave.FINISH, true));
    assertThat(config.upstreams().keySet()).containsExactly("z", "a");
    assertThat(config.upstreams().get("z"))
        .isEqualTo(
            new UpstreamConfig(
                "z", URI.create("https://z/v1"), new Secret("k"), Api.CHAT, 1, 0, 16, 100_000));
    assertThat(config.toString()).contains("apiKey=***").doesNotContain("apiKey=k");
  }

  @Test
  void theUpstreamOfTheFlagComesFirstAndReplacesWhole() {
    Config config =
        Written.in(
                directory,
                "upstreams: {a: {base-url: http://a}, default: {base-url: http://b, api-key: k}}")
            .read(Map.of("upstream", "http://c/v1"), Map.of());

    assertThat(config.upstreams().keySet()).containsExactly("default", "a");
    assertThat(config.firstUpstream().baseUrl()).hasToString("http://c/v1");
    assertThat(config.firstUpstream().apiKey()).isNull();
  }

  @Test
  void theUpstreamOfAVariableWithItsKey() {
    Config config =
        ConfigReader.read(
            null,
            Map.of(),
            Map.of(
                "MEANWHILE_UPSTREAM", "http://c/v1",
                "MEANWHILE_UPSTREAM_KEY_ENV", "KEY",
                "KEY", "sk-1"));

    assertThat(config.firstUpstream().apiKey()).isEqualTo(new Secret("sk-1"));
  }

  @Test
  void theKeysVariableMustBeSet() {
    Written file = Written.in(directory, UPSTREAM);
    assertThat(file.errors(Map.of("upstream", "http://c", "upstream-key-env", "KEY"), Map.of()))
        .containsExactly(
            "--upstream-key-env: the variable KEY is not set, or empty; expected a variable that"
                + " holds the key");
    assertThat(
            file.errors(
                Map.of("upstream", "http://c"), Map.of("MEANWHILE_UPSTREAM_KEY_ENV", "gsk_1")))
        .containsExactly(
            "MEANWHILE_UPSTREAM_KEY_ENV: what it names is not set, or empty; expected a variable"
                + " that holds the key");
    assertThat(file.errors(Map.of("upstream-key-env", "KEY"), Map.of("KEY", "k")))
        .containsExactly(
            "--upstream-key-env: goes with --upstream, which is not given; for an upstream of the"
                + " file write api-key: \"${NAME}\" there");
    assertThat(
            file.errors(
                Map.of("upstream", "http://c", "upstream-key-env", "KEY"), Map.of("KEY", "a\nb")))
        .containsExactly(
            "--upstream-key-env: expected a key in printable ASCII without spaces, such as"
                + " \"${OPENAI_API_KEY}\"; what is there is not shown, since it comes from the"
                + " environment");
  }

  @Test
  void upstreamsMustBeThere() {
    String error =
        "upstreams: there is no AI API to send calls to; say --upstream https://api.openai.com/v1,"
            + " or set MEANWHILE_UPSTREAM, or write in the file upstreams: {openai: {base-url:"
            + " https://api.openai.com/v1}}";
    assertThat(Written.in(directory, "server: {port: 1}").errors()).containsExactly(error);
    assertThat(Written.in(directory, "upstreams: {}").errors()).containsExactly(error);
  }

  @Test
  void otherMachinesNeedKeysOrTrust() {
    String others =
        ": other machines can reach this address, and without keys all of them may use your"
            + " upstreams; add keys to the file (keys: [{tenant: shop, sha256: …}]), or bind to"
            + " 127.0.0.1, or, if you trust the network, say --open (server.open: true)";
    Written file = Written.in(directory, UPSTREAM + "server: {bind: 0.0.0.0}");
    assertThat(file.errors()).containsExactly("m.yaml:2:16: server.bind" + others);
    assertThat(file.errors(Map.of("bind", "::"), Map.of())).containsExactly("--bind" + others);
    assertThat(file.read(Map.of("open", "true"), Map.of()).server().loopback()).isFalse();
    assertThat(file.read(Map.of("bind", "127.0.0.2"), Map.of()).server().loopback()).isTrue();
    assertThat(Written.in(directory, UPSTREAM + KEYS + "server: {bind: 0.0.0.0}").read().keys())
        .hasSize(1);
  }

  @Test
  void certificateAndKeyGoTogether() {
    Written file = Written.in(directory, UPSTREAM + "server: {tls-cert: a.pem}");
    assertThat(file.errors())
        .containsExactly(
            "m.yaml:2:20: server.tls-cert: goes with tls-key, which is missing; give the PEM file"
                + " with the private key, or neither");
    assertThat(Written.in(directory, UPSTREAM).errors(Map.of(), Map.of("MEANWHILE_TLS_KEY", "b")))
        .containsExactly(
            "MEANWHILE_TLS_KEY: goes with tls-cert, which is missing; give the PEM file with the"
                + " certificate chain, or neither");
    Server server =
        Written.in(directory, UPSTREAM + "server: {tls-cert: a.pem}")
            .read(Map.of("tls-key", "b.pem"), Map.of())
            .server();
    assertThat(server.tlsCert()).isEqualTo(Path.of("a.pem"));
    assertThat(server.tlsKey()).isEqualTo(Path.of("b.pem"));
  }

  @Test
  void unknownFlag() {
    Written file = Written.in(directory, UPSTREAM);
    assertThat(file.errors(Map.of("prot", "1"), Map.of()))
        .containsExactly("--prot: unknown flag; did you mean --port?");
    assertThat(file.errors(Map.of("colour", "1"), Map.of()))
        .containsExactly("--colour: unknown flag; see --help");
  }

  @Test
  void onlyOpenAisApisAreSpoken() {
    assertThat(
            Written.in(directory, "upstreams: {a: {base-url: http://a, api: messages}}").errors())
        .containsExactly(
            "m.yaml:1:42: upstreams.a.api: expected one of chat, responses, such as chat, but found 'messages'");
  }
}
