package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.OnLeave;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every option of the server: its default, where it can be given and who wins, and what is wrong.
class OptionsTest {
  private static final String UPSTREAM = "upstreams: {a: {base-url: http://a/v1}}\n";

  @TempDir private Path directory;

  /// @param right three right values, all different
  /// @param parsed what they mean
  /// @param wrong values that must be refused
  record Row(
      String name,
      Function<Server, @Nullable Object> accessor,
      @Nullable Object byDefault,
      List<String> right,
      List<Object> parsed,
      List<String> wrong) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<Row> rows() {
    int cores = Runtime.getRuntime().availableProcessors();
    long heap = Runtime.getRuntime().maxMemory();
    List<Row> rows = new ArrayList<>();
    rows.add(number("port", Server::port, 8080, "65536"));
    rows.add(
        new Row(
            "bind",
            Server::bind,
            "127.0.0.1",
            List.of("127.0.0.2", "::1", "localhost"),
            List.of("127.0.0.2", "0:0:0:0:0:0:0:1", "127.0.0.1"),
            List.of("example.com", "127.1", "0", "1.2.3.256", "[::1]", "fe80::1%lo")));
    rows.add(path("data", Server::data, Path.of("./meanwhile-data")));
    rows.add(
        new Row(
            "store",
            Server::store,
            null,
            List.of(
                "jdbc:postgresql://db/m", "jdbc:postgresql:m", "jdbc:postgresql://h:1/m?user=u"),
            List.of(
                URI.create("jdbc:postgresql://db/m"),
                URI.create("jdbc:postgresql:m"),
                URI.create("jdbc:postgresql://h:1/m?user=u")),
            List.of("jdbc:mysql://db/m", "postgresql://db/m", "db", "jdbc:postgresql://a b")));
    rows.add(
        new Row(
            "node",
            Server::node,
            null,
            List.of("a", "node-1", "n.2_b"),
            List.of("a", "node-1", "n.2_b"),
            List.of("a b", "-a", "a/b", "x".repeat(65))));
    rows.add(duration("keep-stored", Server::keepStored, Duration.ofHours(24), "0s"));
    rows.add(
        new Row(
            "keep-responses",
            Server::keepResponses,
            Duration.ofDays(30),
            List.of("1ms", "24h", "481h"),
            List.of(Duration.ofMillis(1), Duration.ofHours(24), Duration.ofHours(481)),
            List.of("0s", "30d", "100001h")));
    rows.add(
        new Row(
            "max-data",
            Server::maxData,
            10L << 30,
            List.of("3GB", "5", "7KB"),
            List.of(3L << 30, 5L, 7L << 10),
            List.of("1025GB", "1TB", "-1")));
    rows.add(
        duration("background-deadline", Server::backgroundDeadline, Duration.ofHours(24), "0s"));
    rows.add(
        new Row(
            "public-url",
            Server::publicUrl,
            null,
            List.of("https://a.example", "http://a.example:81/b/", "HTTPS://a.example"),
            List.of(
                URI.create("https://a.example"),
                URI.create("http://a.example:81/b"),
                URI.create("HTTPS://a.example")),
            List.of(
                "a.example", "ftp://a", "https://a?b", "https://a#b", "https://u:p@a", "http:")));
    rows.add(
        new Row(
            "secret",
            Server::secret,
            List.of(),
            List.of("s".repeat(32), "!".repeat(512), "t".repeat(32) + ", " + "u".repeat(32)),
            List.of(
                List.of(new Secret("s".repeat(32))),
                List.of(new Secret("!".repeat(512))),
                List.of(new Secret("t".repeat(32)), new Secret("u".repeat(32)))),
            List.of("s".repeat(31), "s".repeat(513), "s s".repeat(20), "s".repeat(40) + ",")));
    rows.add(
        new Row(
            "cors",
            Server::cors,
            List.of(),
            List.of(
                "https://a.example", "http://localhost:3000", "https://A.example:443, http://b:81"),
            List.of(
                List.of("https://a.example"),
                List.of("http://localhost:3000"),
                List.of("https://a.example", "http://b:81")),
            List.of(
                "*",
                "https://*.example",
                "a.example",
                "https://a.example/",
                "https://a.example/x",
                "https://a.example?x",
                "https://u@a.example",
                "https://a.example:99999",
                "ftp://a.example",
                "null")));
    rows.add(
        new Row(
            "trusted-proxies",
            Server::trustedProxies,
            List.of(),
            List.of("10.0.0.0/8", "::1", "10.1.0.0/16, 192.168.0.1"),
            List.of(
                List.of(cidr("10.0.0.0", 8)),
                List.of(cidr("::1", 128)),
                List.of(cidr("10.1.0.0", 16), cidr("192.168.0.1", 32))),
            List.of("10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "nginx", "::1,", "10.0.0.0/-1")));
    rows.add(
        new Row(
            "webhooks-allow",
            Server::webhooksAllow,
            List.of(),
            List.of("10.0.0.0/8", "::1", "10.1.0.0/16, 192.168.0.1"),
            List.of(
                List.of(cidr("10.0.0.0", 8)),
                List.of(cidr("::1", 128)),
                List.of(cidr("10.1.0.0", 16), cidr("192.168.0.1", 32))),
            List.of("10.0.0.1/8", "hooks")));
    rows.add(
        new Row(
            "open",
            Server::open,
            false,
            List.of("true", "false", "true"),
            List.of(true, false, true),
            List.of("yes", "True", "1")));
    rows.add(number("loops", Server::loops, Math.max(1, cores / 2), "0"));
    rows.add(
        new Row(
            "coalesce",
            Server::coalesce,
            Coalesce.SAFE,
            List.of("true", "false", "safe"),
            List.of(Coalesce.ALWAYS, Coalesce.NEVER, Coalesce.SAFE),
            List.of("yes", "always")));
    rows.add(
        new Row(
            "on-leave",
            Server::onLeave,
            OnLeave.CANCEL,
            List.of("finish", "continue", "cancel"),
            List.of(OnLeave.FINISH, OnLeave.CONTINUE, OnLeave.CANCEL),
            List.of("FINISH", "stop")));
    rows.add(duration("keep", Server::keep, Duration.ofMinutes(15), "1"));
    rows.add(
        new Row(
            "keep-bytes",
            Server::keepBytes,
            heap / 4,
            List.of("3GB", "5", "7KB"),
            List.of(3L << 30, 5L, 7L << 10),
            List.of("1025GB", "1TB", "-1")));
    rows.add(
        new Row(
            "cache-bytes",
            Server::cacheBytes,
            heap / 8,
            List.of("3GB", "5", "7KB"),
            List.of(3L << 30, 5L, 7L << 10),
            List.of("1025GB", "1TB", "-1")));
    rows.add(
        new Row(
            "cache-redis",
            Server::cacheRedis,
            null,
            List.of("redis://a", "rediss://:pw@b:6380/1", "redis://127.0.0.1:6379"),
            List.of(
                URI.create("redis://a"),
                URI.create("rediss://:pw@b:6380/1"),
                URI.create("redis://127.0.0.1:6379")),
            List.of("a:6379", "http://a", "redis:", "redis://a b", "unix:///run/redis")));
    rows.add(size("max-run", Server::maxRun, 16 << 20));
    rows.add(size("max-body", Server::maxBody, 32 << 20));
    rows.add(size("max-header", Server::maxHeader, 32 << 10));
    rows.add(size("max-event", Server::maxEvent, 8 << 20));
    rows.add(number("max-runs", Server::maxRuns, 10_000, "0"));
    rows.add(number("max-readers", Server::maxReaders, 1000, "0"));
    rows.add(number("max-batch", Server::maxBatch, 1_000_000, "0"));
    rows.add(number("max-connections", Server::maxConnections, 20_000, "0"));
    rows.add(duration("idle-timeout", Server::idleTimeout, Duration.ofSeconds(75), "0s"));
    rows.add(duration("body-timeout", Server::bodyTimeout, Duration.ofSeconds(60), "0s"));
    rows.add(duration("shutdown-timeout", Server::shutdownTimeout, Duration.ofSeconds(30), "s"));
    rows.add(duration("connect-timeout", Server::connectTimeout, Duration.ofSeconds(5), "0s"));
    rows.add(
        duration(
            "first-content-timeout", Server::firstContentTimeout, Duration.ofMinutes(10), "0s"));
    rows.add(duration("between-timeout", Server::betweenTimeout, Duration.ofMinutes(5), "0s"));
    rows.add(duration("total-timeout", Server::totalTimeout, Duration.ofMinutes(60), "0s"));
    rows.add(duration("retry-window", Server::retryWindow, Duration.ofSeconds(60), "1d"));
    rows.add(duration("heartbeat", Server::heartbeat, Duration.ofSeconds(15), "0s"));
    rows.add(duration("hold", Server::hold, Duration.ofSeconds(1), "1.5s"));
    return rows;
  }

  private static Row number(
      String name, Function<Server, @Nullable Object> accessor, int is, String wrong) {
    List<String> bad = List.of(wrong, "-1", "1.0", "0x1", "+1", "99999999999", "ten");
    return new Row(name, accessor, is, List.of("7", "8", "9"), List.of(7, 8, 9), bad);
  }

  private static Row path(String name, Function<Server, @Nullable Object> accessor, Path is) {
    List<Object> parsed = List.of(Path.of("a"), Path.of("/b"), Path.of("../c"));
    return new Row(name, accessor, is, List.of("a", "/b", "../c"), parsed, List.of("\0"));
  }

  private static Row duration(
      String name, Function<Server, @Nullable Object> accessor, Duration is, String wrong) {
    return new Row(
        name,
        accessor,
        is,
        List.of("300ms", "1h30m", "24h"),
        List.of(Duration.ofMillis(300), Duration.ofMinutes(90), Duration.ofHours(24)),
        List.of(wrong, "5", "5S", "30m1h", "5 s", "-5s", "481h", "9999999999s", "5sec"));
  }

  private static Row size(String name, Function<Server, @Nullable Object> accessor, int is) {
    return new Row(
        name,
        accessor,
        is,
        List.of("4KB", "1GB", "5000"),
        List.of(4096, 1 << 30, 5000),
        List.of("1023", "1025MB", "4kb", "4 KB", "4K", "1.5MB", "-1", "99999999999999GB"));
  }

  private static Cidr cidr(String address, int bits) {
    return new Cidr(InetAddress.ofLiteral(address), bits);
  }

  @Test
  void everyOptionIsHere() {
    // The two of TLS need each other, and are tested in CrossChecksTest.
    List<String> elsewhere = List.of("upstream", "upstream-key-env", "tls-cert", "tls-key");
    assertThat(Stream.concat(elsewhere.stream(), rows().stream().map(Row::name)))
        .containsExactlyInAnyOrderElementsOf(
            ConfigReader.options().stream().map(OptionInfo::name).toList());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void default_(Row row) {
    assertThat(row.accessor().apply(server("", Map.of(), Map.of()))).isEqualTo(row.byDefault());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void flagWinsOverVariableWinsOverFile(Row row) {
    String variable = Place.variableName(row.name());
    String yaml = "server: {" + row.name() + ": '" + row.right().get(0) + "'}";
    Map<String, String> environment = Map.of(variable, row.right().get(1));
    Map<String, String> flags = Map.of(row.name(), row.right().get(2));

    Server fromFile = server(yaml, Map.of(), Map.of());
    Server fromVariable = server(yaml, Map.of(), environment);
    Server fromFlag = server(yaml, flags, environment);

    assertThat(row.accessor().apply(fromFile)).isEqualTo(row.parsed().get(0));
    assertThat(row.accessor().apply(fromVariable)).isEqualTo(row.parsed().get(1));
    assertThat(row.accessor().apply(fromFlag)).isEqualTo(row.parsed().get(2));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void wrongValuesAreRefusedInEveryLayer(Row row) {
    String variable = Place.variableName(row.name());
    for (String wrong : row.wrong()) {
      String quoted = wrong.equals("\0") ? "\"\\0\"" : "'" + wrong + "'";
      String yaml = "server: {" + row.name() + ": " + quoted + "}";
      int column = 12 + row.name().length();
      assertThat(errors(yaml, Map.of(), Map.of()))
          .as(wrong)
          .singleElement()
          .asString()
          .startsWith("m.yaml:2:" + column + ": server." + row.name() + ": expected ");
      assertThat(errors("", Map.of(), Map.of(variable, wrong)))
          .as(wrong)
          .singleElement()
          .asString()
          .startsWith(variable + ": expected ");
      assertThat(errors("", Map.of(row.name(), wrong), Map.of()))
          .as(wrong)
          .singleElement()
          .asString()
          .startsWith("--" + row.name() + ": expected ");
    }
  }

  @Test
  void listsMayBeWrittenAsLists() {
    assertThat(server("server: {trusted-proxies: []}", Map.of(), Map.of()).trustedProxies())
        .isEmpty();
    assertThat(
            server("server: {trusted-proxies: [10.0.0.0/8, '::1']}", Map.of(), Map.of())
                .trustedProxies())
        .containsExactly(cidr("10.0.0.0", 8), cidr("::1", 128));
    assertThat(errors("server: {trusted-proxies: [10.0.0.0/8, nginx]}", Map.of(), Map.of()))
        .containsExactly(
            "m.yaml:2:40: server.trusted-proxies: expected IP addresses or ranges, such as"
                + " 10.0.0.0/8 or 127.0.0.1,::1, but found 'nginx'");
  }

  private Server server(String yaml, Map<String, String> flags, Map<String, String> environment) {
    return Written.in(directory, UPSTREAM + yaml).read(flags, environment).server();
  }

  private List<String> errors(
      String yaml, Map<String, String> flags, Map<String, String> environment) {
    return Written.in(directory, UPSTREAM + yaml).errors(flags, environment);
  }
}
