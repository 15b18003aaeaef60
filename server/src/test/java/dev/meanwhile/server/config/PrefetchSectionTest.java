package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `prefetch` of an operation: what it means, and what its author is told of mistakes.
class PrefetchSectionTest {
  private static final String UPSTREAM =
      "upstreams: {a: {base-url: http://a/v1, api-key: k}, b: {base-url: http://b/v1}}\n";

  @TempDir private Path directory;

  private static String operation(String prefetch) {
    return operation("cache: {max-age: 1h}", prefetch);
  }

  private static String operation(String cache, String prefetch) {
    return "operations: {a: {for: page, model: m, prompt: '{{x}} {{y}}', "
        + cache
        + ", prefetch: "
        + prefetch
        + "}}\n";
  }

  private PrefetchPolicy read(String yaml) {
    Operation read = Written.in(directory, yaml).read().operations().get("a");
    return Objects.requireNonNull(Objects.requireNonNull(read).prefetch());
  }

  private void told(String yaml, String... parts) {
    assertThat(Written.in(directory, yaml).errors())
        .as(yaml)
        .singleElement()
        .asString()
        .contains(parts);
  }

  @Test
  void isWhatIsWritten() throws Exception {
    Files.writeString(directory.resolve("y.csv"), "y,z\n1,2\n");
    PrefetchPolicy policy =
        read(
            UPSTREAM
                + operation(
                    "{over: {x: [a, 'b c', 1.50, true, a], y: y.csv}, at: '30 2 * * 1-5', learn: true,"
                        + " tokens-per-hour: 200k, min-probability: 0.9, waste-max: .1}"));
    Over over = Objects.requireNonNull(policy.over());
    assertThat(over.values()).isEqualTo(Map.of("x", List.of("\"a\"", "\"b c\"", "1.50", "true")));
    assertThat(over.sources()).isEqualTo(Map.of("y", directory.resolve("y.csv").toUri()));
    assertThat(policy.learns()).isTrue();
    assertThat(policy.tokensPerHour()).isEqualTo(200_000);
    assertThat(policy.minProbability()).isEqualTo(0.9);
    assertThat(policy.wasteMax()).isEqualTo(0.1);
    assertThat(policy.tenants()).isNull();
    Cron at = Objects.requireNonNull(policy.at());
    // A Saturday.
    Instant next =
        Instant.ofEpochMilli(at.after(Instant.parse("2026-11-28T12:00:00Z").toEpochMilli()));
    assertThat(LocalTime.ofInstant(next, ZoneId.systemDefault())).isEqualTo(LocalTime.of(2, 30));
    assertThat(next).isBetween("2026-11-29T12:00:00Z", "2026-11-30T20:00:00Z");
  }

  @Test
  void theDefaultsAreThoseOfTheTable() {
    PrefetchPolicy policy = read(UPSTREAM + operation("{over: {x: [a], y: [b]}}"));
    assertThat(policy.at()).isNull();
    assertThat(policy.learns()).isFalse();
    assertThat(policy.tokensPerHour()).isNull();
    assertThat(policy.minProbability()).isEqualTo(0.8);
    assertThat(policy.wasteMax()).isEqualTo(0.2);
  }

  @Test
  void aSourceCanGiveAllVariables() throws Exception {
    Files.writeString(directory.resolve("all.csv"), "y,x\n1,2\n");
    URI csv = directory.resolve("all.csv").toUri();
    Over over = Objects.requireNonNull(read(UPSTREAM + operation("{over: all.csv}")).over());
    assertThat(over.sources()).isEqualTo(Map.of("x", csv, "y", csv));
    Over url =
        Objects.requireNonNull(
            read(UPSTREAM + operation("{over: 'https://shop.example.com/all'}")).over());
    assertThat(url.sources().get("x")).isEqualTo(URI.create("https://shop.example.com/all"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{}|operations.a.prefetch: says of nothing that it is to be made",
        "[]|expected names and values",
        "{ovr: {x: [a], y: [b]}, learn: true, tokens-per-hour: 1}|unknown name 'ovr'; did you mean 'over'?",
        "{over: {x: [a]}}|operations.a.prefetch.over: has no values of y",
        "{over: {x: [a], y: [b], z: [c]}}|operations.a.prefetch.over.z: 'z' is no variable",
        "{over: {x: [a], y: []}}|operations.a.prefetch.over.y: expected values",
        "{over: {x: [a], y: {b: c}}}|operations.a.prefetch.over.y: expected a text",
        "{over: {x: [a], y: 'http://'}}|expected a URL",
        "{over: {x: [a], y: none.csv}}|none.csv: it cannot be read; expected CSV",
        "{over: {x: [a], y: [b]}, at: 'at two'}|expected a time as crontab has it",
        "{over: {x: [a], y: [b]}, at: '0 2 * *'}|expected a time as crontab has it",
        "{over: {x: [a], y: [b]}, at: '-'}|no time is meant by it",
        "{learn: true}|operations.a.prefetch.learn: spends what nobody has asked for",
        "{learn: maybe, tokens-per-hour: 1}|expected true or false",
        "{learn: true, tokens-per-hour: many}|expected a number, with k or m",
        "{learn: true, tokens-per-hour: 1, at: '0 2 * * *'}|operations.a.prefetch.at: goes with over",
        "{learn: true, tokens-per-hour: 1, tenants: [shop]}|operations.a.prefetch.tenants: goes with over",
        "{learn: true, tokens-per-hour: 1, min-probability: 2}|expected a number from 0 to 1",
        "{over: {x: [a], y: [b]}, waste-max: 0.1}|operations.a.prefetch.waste-max: goes with learn",
        "{over: {x: [a], y: [b]}, tenants: [shop]}|names the tenant 'shop', which has no key"
      })
  void everyMistakeIsTold(String prefetch, String told) {
    told(UPSTREAM + operation(prefetch), told);
  }

  @Test
  void needsAnswersThatAreKeptForAll() {
    String over = "{over: {x: [a], y: [b]}}";
    told(
        UPSTREAM + operation("cache: {max-age: 1s}", over),
        "operations.a.prefetch: needs a cache.max-age of 2s or more");
    told(
        UPSTREAM + operation("cache: {max-age: 1h, share: user}", over),
        "operations.a.prefetch: makes answers for all of a tenant");
    told(
        UPSTREAM + operation("on-leave: finish", over),
        "operations.a.prefetch: makes answers that are kept: write prompt and cache too");
    told(
        UPSTREAM
            + "operations: {a: {for: page, cache: {max-age: 1h}, prefetch: {learn: true,"
            + " tokens-per-hour: 1}}}",
        "operations.a.prefetch: makes answers that are kept: write prompt and cache too");
  }

  @Test
  void theProductIsBounded() {
    String many = "[" + numbers(400) + "]";
    told(
        UPSTREAM + operation("{over: {x: " + many + ", y: " + many + "}}"),
        "operations.a.prefetch.over: has more than 100,000 combinations");
  }

  private static String numbers(int count) {
    var all = new StringBuilder("0");
    for (int i = 1; i < count; i++) {
      all.append(',').append(i);
    }
    return all.toString();
  }

  /// In nobody's name, and so with nobody's credential.
  @Test
  void needsAnUpstreamWithAKeyOfItsOwn() {
    String over = "{over: {x: [a], y: [b]}}";
    String other = operation(over).replace("model: m", "model: b/m");
    told(UPSTREAM + other, "the upstream 'b' has no key of its own: give it an api-key");
    // Where callers have keys of ours, theirs never go up.
    String keys = "keys: [{tenant: shop, sha256: " + "0".repeat(64) + "}]\n";
    read(keys + UPSTREAM + other);
    told(
        keys + UPSTREAM + operation("{over: {x: [a], y: [b]}, tenants: [shp]}"),
        "names the tenant 'shp', which has no key; did you mean 'shop'?");
    var flag = Written.in(directory, operation(over));
    assertThat(flag.errors(Map.of("upstream", "http://c/v1"), Map.of()))
        .singleElement()
        .asString()
        .contains("the upstream 'default' has no key of its own");
    flag.read(
        Map.of("upstream", "http://c/v1", "upstream-key-env", "KEY"), Map.of("KEY", "secret"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|it has no rows",
        "x,y|it has no rows",
        "x\\n1|it has no column 'y'; its columns are x",
        "x,y\\n1|line 2 has 1 values, and the first has 2 names",
        "x,y\\n1,2,3|line 2 has 3 values",
        "x,y\\n\"1,2|the quote of line 2 is not closed",
        "x,y\\n\"1\"2,3|line 2 goes on after a closing quote",
        "{\"x\":1,\"y\":2}\\n{\"x\":1}|line 2 has not all the names of the first",
        "{\"x\":1,\"y\":2}\\n{\"x\":|line 2 is no JSON object"
      })
  void aFileWithMistakesIsRefused(String text, String told) throws Exception {
    Files.writeString(directory.resolve("y.csv"), text.replace("\\n", "\n"));
    told(UPSTREAM + operation("{over: y.csv}"), "operations.a.prefetch.over: ", "y.csv: ", told);
  }

  @Test
  void aFileThatIsTooBigOrNoTextIsRefused() throws Exception {
    Path csv = directory.resolve("y.csv");
    Files.writeString(csv, "x,y\n" + "1,2\n".repeat(100_001));
    told(UPSTREAM + operation("{over: y.csv}"), "it has more than 100,000 rows");
    Files.write(csv, new byte[Table.MOST_BYTES + 1]);
    told(UPSTREAM + operation("{over: y.csv}"), "it is bigger than 16,777,216 bytes");
    Files.write(csv, new byte[] {'x', ',', 'y', '\n', (byte) 0xff, ',', '1'});
    told(UPSTREAM + operation("{over: y.csv}"), "it is not UTF-8");
    Files.delete(csv);
    Files.createDirectory(csv);
    told(UPSTREAM + operation("{over: y.csv}"), "it cannot be read");
  }

  @Test
  void tablesAreReadAsTheyAreMeant() {
    Table csv = Table.of("\uFEFFa,\"b\"\"c\"\r\n\"1\n2\",\r\n\r\n x ,\"\"\n");
    assertThat(csv.names()).containsExactly("a", "b\"c");
    assertThat(csv.rows())
        .containsExactly(List.of("\"1\\u000a2\"", "\"\""), List.of("\" x \"", "\"\""));
    assertThat(csv.columns(List.of("b\"c"))).as("each once").containsExactly(List.of("\"\""));
    Table lines = Table.of("\n{\"a\":1,\"b\":[2]}\r\n\n{\"b\":\"x\",\"a\":null,\"c\":0}");
    assertThat(lines.rows()).containsExactly(List.of("1", "[2]"), List.of("null", "\"x\""));
  }
}
