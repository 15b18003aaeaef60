package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Variables: substituted in the file, and as a layer of their own.
class EnvironmentTest {
  private static final String UPSTREAM = "upstreams: {a: {base-url: http://a/v1}}\n";

  @TempDir private Path directory;

  @Test
  void variablesAreSubstituted() {
    Config config =
        Written.in(
                directory,
                """
                server: {port: "${PORT}", data: "/a/${DIR:-b}/$${DIR}$$", hold: "${NOT:-2s}"}
                upstreams: {a: {base-url: "http://${HOST}/v1", api-key: "${KEY}"}}
                """)
            .read(Map.of(), Map.of("PORT", "81", "HOST", "h", "KEY", "k$ey", "NOT", ""));

    assertThat(config.server().port()).isEqualTo(81);
    assertThat(config.server().data()).isEqualTo(Path.of("/a/b/${DIR}$"));
    assertThat(config.server().hold()).hasSeconds(2);
    UpstreamConfig upstream = config.firstUpstream();
    assertThat(upstream.baseUrl()).hasToString("http://h/v1");
    assertThat(upstream.apiKey()).isEqualTo(new Secret("k$ey"));
  }

  @Test
  void unsetVariable() {
    assertThat(
            Written.in(directory, "upstreams: {a: {base-url: http://a/v1, api-key: '${KEY}'}}")
                .errors())
        .containsExactly(
            "m.yaml:1:49: upstreams.a.api-key: the variable KEY is not set, or empty; set it, or"
                + " give a default: ${KEY:-default}");
  }

  @Test
  void loneDollar() {
    for (String value : List.of("$KEY", "a$", "${}", "${KEY", "${KEY-x}", "${1}")) {
      assertThat(
              Written.in(directory, UPSTREAM + "server: {data: '" + value + "'}")
                  .errors(Map.of(), Map.of("KEY", "k")))
          .as(value)
          .containsExactly(
              "m.yaml:2:16: server.data: a $ must begin a variable, as in ${NAME} or"
                  + " ${NAME:-default}; write $$ for the sign");
    }
  }

  @Test
  void whatCameFromTheEnvironmentIsNotRepeated() {
    String yaml =
        """
        server: {port: "${X}", hold: "1${X}", trusted-proxies: ["${X}"]}
        keys: [{tenant: "-${X}", sha256: "${X}"}]
        upstreams: {a: {base-url: "${X}", api: "${X}", api-key: "${X} "}}
        """;
    List<String> errors =
        Written.in(directory, yaml)
            .errors(
                Map.of(),
                Map.of(
                    "X", "hunter2", "MEANWHILE_LOOPS", "hunter2", "MEANWHILE_UPSTREAM", "hunter2"));

    assertThat(errors).hasSize(10).noneMatch(error -> error.contains("hunter"));
    assertThat(errors.getFirst())
        .isEqualTo(
            "m.yaml:1:16: server.port: expected a whole number from 0 to 65535, such as 8080; what"
                + " is there is not shown, since it comes from the environment");
  }

  @Test
  void secretsAreNotRepeated() {
    String yaml =
        """
        keys: [{tenant: a, sha256: hunter2}]
        upstreams:
          a: {base-url: "http://u:hunter2@a/v1", api-key: "hunter2 "}
          b: {base-url: "http://b/v1?key=hunter2"}
          c: {base-url: "hunter2"}
        """;
    List<String> errors =
        Written.in(directory, yaml)
            .errors(
                Map.of("upstream", "https://hunter2@a", "upstream-key-env", "hunter-2"), Map.of());

    assertThat(errors).noneMatch(error -> error.contains("hunter"));
    assertThat(errors)
        .containsExactly(
            "m.yaml:1:28: keys[0].sha256: expected the key's SHA-256 in 64 hexadecimal digits, such"
                + " as 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08; what is"
                + " there is not shown, since it may be secret",
            "m.yaml:3:17: upstreams.a.base-url: expected an http or https URL, such as"
                + " https://api.openai.com/v1; it holds a user name or password: remove it, and"
                + " give a key as api-key",
            "m.yaml:3:51: upstreams.a.api-key: expected a key in printable ASCII without spaces,"
                + " such as \"${OPENAI_API_KEY}\"; what is there is not shown, since it may be"
                + " secret",
            "m.yaml:4:17: upstreams.b.base-url: expected an http or https URL, such as"
                + " https://api.openai.com/v1; it must not have a query (what follows a ?)",
            "m.yaml:5:17: upstreams.c.base-url: expected an http or https URL, such as"
                + " https://api.openai.com/v1; it must begin with http:// or https://",
            "--upstream: expected an http or https URL, such as https://api.openai.com/v1; it holds"
                + " a user name or password: remove it, and give a key as api-key",
            "--upstream-key-env: expected the name of a variable, such as OPENAI_API_KEY; what is"
                + " there is not shown, since it may be secret");
  }

  @Test
  void unknownVariables() {
    assertThat(
            Written.in(directory, UPSTREAM)
                .errors(Map.of(), Map.of("MEANWHILE_MAXRUN", "1", "MEANWHILE_COLOUR", "red")))
        .containsExactly(
            "MEANWHILE_COLOUR: unknown variable; remove it, or choose a name without MEANWHILE_",
            "MEANWHILE_MAXRUN: unknown variable; did you mean MEANWHILE_MAX_RUN?");
  }

  @Test
  void variablesOfTheLauncherAndOfTheUserAreLeftAlone() {
    Config config =
        Written.in(directory, "upstreams: {a: {base-url: http://a/v1, api-key: '${MEANWHILE_A}'}}")
            .read(
                Map.of("upstream", "http://b/v1", "upstream-key-env", "MEANWHILE_B"),
                Map.of(
                    "MEANWHILE_A", "a",
                    "MEANWHILE_B", "b",
                    "MEANWHILE_HOME", "/",
                    "MEANWHILE_JAVA", "java",
                    "MEANWHILE_JAVA_OPTS", "-Xmx1g",
                    "PATH", "/bin"));

    assertThat(config.upstreams()).hasSize(2);
  }

  @Test
  void emptyVariable() {
    assertThat(Written.in(directory, UPSTREAM).errors(Map.of(), Map.of("MEANWHILE_PORT", "")))
        .containsExactly(
            "MEANWHILE_PORT: expected a whole number from 0 to 65535, such as 8080, but it is"
                + " empty");
  }
}
