package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// One test for each kind of mistake a file can hold, with what its author is told.
class FileMistakesTest {
  private static final String UPSTREAM = "upstreams: {a: {base-url: http://a/v1}}\n";
  private static final String HASH = "ab".repeat(32);

  @TempDir private Path directory;

  @Test
  void unknownName() {
    assertError(
        UPSTREAM + "server:\n  prot: 1\n",
        "m.yaml:3:3: server: unknown name 'prot'; did you mean 'port'?");
  }

  @Test
  void unknownNameInAnotherSpelling() {
    assertError(
        UPSTREAM + "server: {maxRun: 1MB}",
        "m.yaml:2:10: server: unknown name 'maxRun'; did you mean 'max-run'?");
  }

  @Test
  void unknownNameNearNothing() {
    assertError(
        UPSTREAM + "keys:\n- {tenant: a, sha256: " + HASH + ", colour: red}",
        "m.yaml:3:89: keys[0]: unknown name 'colour'; expected one of tenant, sha256, may-detach,"
            + " coalesce, on-leave, admin");
  }

  @Test
  void unknownSection() {
    assertError(
        UPSTREAM + "operation: {}",
        "m.yaml:2:1: unknown name 'operation'; did you mean 'operations'?");
  }

  @Test
  void optionOutsideItsSection() {
    assertError(
        "port: 80\n" + UPSTREAM, "m.yaml:1:1: unknown name 'port'; did you mean 'server.port'?");
  }

  @Test
  void wrongValue() {
    assertError(
        UPSTREAM + "server:\n  port: http\n",
        "m.yaml:3:9: server.port: expected a whole number from 0 to 65535, such as 8080, but found"
            + " 'http'");
  }

  @Test
  void outOfRange() {
    assertError(
        UPSTREAM + "server: {heartbeat: 481h}",
        "m.yaml:2:21: server.heartbeat: expected a duration from 1ms to 480h (units h, m, s, ms),"
            + " such as 90s or 1h30m, but found '481h'");
  }

  @Test
  void groupInsteadOfValue() {
    assertError(
        UPSTREAM + "server: {port: [80]}",
        "m.yaml:2:16: server.port: expected a whole number from 0 to 65535, such as 8080, but found"
            + " a list or a group of names");
  }

  @Test
  void valueInsteadOfGroup() {
    assertError(
        UPSTREAM + "server: 8080",
        "m.yaml:2:9: server: expected names and values, such as port: 8080");
    assertError(
        "upstreams: {a: http://a/v1}",
        "m.yaml:1:16: upstreams.a: expected names and values, such as base-url:"
            + " https://api.openai.com/v1");
    assertError(
        "upstreams: http://a/v1",
        "m.yaml:1:12: upstreams: expected names and values, such as openai: {base-url:"
            + " https://api.openai.com/v1}");
    assertError(
        UPSTREAM + "keys: {tenant: a}",
        "m.yaml:2:7: keys: expected a list of keys, such as [{tenant: shop, sha256: 9f86…}]");
  }

  @Test
  void noValue() {
    assertError(
        UPSTREAM + "server:\n  port:\n",
        "m.yaml:3:8: server.port: expected a whole number from 0 to 65535, such as 8080, but found"
            + " no value");
    assertError(
        UPSTREAM + "server: {data: ''}",
        "m.yaml:2:16: server.data: expected a path, such as ./meanwhile-data, but it is empty");
  }

  @Test
  void duplicateName() {
    assertError(
        UPSTREAM + "server:\n  port: 1\n  port: 2\n",
        "m.yaml:4:3: server: duplicate name 'port'; line 3 has it already: keep one");
  }

  @Test
  void duplicateKey() {
    assertError(
        UPSTREAM
            + "keys:\n- {tenant: a, sha256: %s}\n- {tenant: b, sha256: %s}\n"
                .formatted(HASH, HASH.toUpperCase(Locale.ROOT)),
        "m.yaml:4:23: keys[1].sha256: duplicate key; line 3 has it already: keep one");
  }

  @Test
  void missingRequiredNames() {
    assertThat(Written.in(directory, UPSTREAM + "keys: [{}]").errors())
        .containsExactly(
            "m.yaml:2:8: keys[0]: tenant is missing: expected a name of 1 to 64 letters, digits,"
                + " dots, dashes or underscores, such as shop",
            "m.yaml:2:8: keys[0]: sha256 is missing: expected the key's SHA-256 in 64 hexadecimal"
                + " digits, such as 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    assertError(
        "upstreams: {a: {}}",
        "m.yaml:1:16: upstreams.a: base-url is missing: expected an http or https URL, such as"
            + " https://api.openai.com/v1");
  }

  @Test
  void anchorAndAlias() {
    assertThat(Written.in(directory, UPSTREAM + "server: {keep: &k 5s, hold: *k}").errors())
        .containsExactly(
            "m.yaml:2:16: the anchor &k is not allowed; write the value out wherever it is needed",
            "m.yaml:2:29: the alias *k is not allowed; write the value out wherever it is needed");
  }

  @Test
  void tag() {
    assertError(
        UPSTREAM + "server: {port: !!int 80}",
        "m.yaml:2:16: tags are not allowed; write the value without its !tag");
  }

  @Test
  void secondDocument() {
    assertError(
        UPSTREAM + "---\nserver: {}\n",
        "m.yaml:2:1: a second document begins here; expected one: remove the ---");
  }

  @Test
  void deepNesting() {
    assertThat(Written.in(directory, "[".repeat(100_000)).errors())
        .containsExactly("m.yaml:1:65: is nested too deeply; expected at most 64 levels");
  }

  @Test
  void nameThatIsNoName() {
    assertError(
        UPSTREAM + "server: {[a]: 1}",
        "m.yaml:2:10: server: expected a name before the colon, such as port: 8080");
  }

  @Test
  void noYaml() {
    assertThat(Written.in(directory, UPSTREAM + "server: {port: 80\n").errors())
        .singleElement()
        .asString()
        .startsWith("m.yaml:3:1: this is not valid YAML: ")
        .endsWith("; expected lines such as port: 8080");
  }

  @Test
  void tooBig() {
    assertError(
        UPSTREAM + "#".repeat(1 << 20),
        "m.yaml: is bigger than 1 MB; expected a configuration, which is far smaller");
  }

  @Test
  void notUtf8() {
    byte[] bytes = (UPSTREAM + "# Zürich é").getBytes(StandardCharsets.UTF_8);
    bytes[bytes.length - 1] = 'x';
    assertThat(Written.in(directory, bytes).errors())
        .containsExactly("m.yaml:2:10: this is not valid UTF-8; save the file in that encoding");
  }

  @Test
  void controlCharacter() {
    assertError(
        UPSTREAM + "a: \u0007",
        "m.yaml:2:4: the control character U+0007 is not allowed in YAML; remove it");
  }

  @Test
  void empty() {
    String empty =
        "m.yaml: is empty; expected at least upstreams: {openai: {base-url:"
            + " https://api.openai.com/v1}}";
    assertError("", empty);
    assertError("# nothing yet\n", empty);
  }

  @Test
  void noSuchFile() {
    assertThat(new Written(directory.resolve("m.yaml")).errors())
        .containsExactly("m.yaml: there is no such file; create it, or give another path");
  }

  @Test
  void directoryInsteadOfFile() {
    assertThat(new Written(directory).errors())
        .singleElement()
        .asString()
        .contains("cannot be read")
        .endsWith("; expected a YAML file");
  }

  @Test
  void allAreToldAtOnceInTheOrderOfTheFile() {
    assertThat(
            Written.in(directory, "server: {hold: x, port: x}\nupstreams: {a: {api: x}}\nx: 1")
                .errors(Map.of("keep", "x"), Map.of("MEANWHILE_LOOPS", "x")))
        .extracting(error -> error.substring(0, error.indexOf(": ")))
        .containsExactly(
            "m.yaml:1:16",
            "m.yaml:1:25",
            "m.yaml:2:16",
            "m.yaml:2:22",
            "m.yaml:3:1",
            "MEANWHILE_LOOPS",
            "--keep");
  }

  private void assertError(String yaml, String error) {
    assertThat(Written.in(directory, yaml).errors()).containsExactly(error);
  }
}
