package dev.meanwhile.server.prefetch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.config.Over;
import dev.meanwhile.server.config.Table;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.testkit.VirtualClock;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// What is declared elsewhere, and what is told of it when it cannot be read.
class SourcesTest {
  private static Object read(URI source, Duration limit) throws Exception {
    var told = new LinkedBlockingQueue<Object>();
    new Sources(limit)
        .read(
            new Over(Map.of("n", List.of("1", "2")), Map.of("x", source, "y", source)),
            new VirtualClock(),
            told::add,
            told::add);
    return String.valueOf(told.poll(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS));
  }

  private static Object read(RawUpstream.Script script) throws Exception {
    try (var there = RawUpstream.start(script)) {
      return read(
          URI.create("http://localhost:" + there.port() + "/all?key=secret"), Eventually.PATIENCE);
    }
  }

  @Test
  void comesRowByRowBesideWhatIsWritten() throws Exception {
    String csv = "y,more,x\n1,2,3\n4,5,6\n1,7,3\n";
    assertThat(read(exchange -> exchange.json(200, csv)))
        .asString()
        .contains("Part[names=[n], rows=[[1], [2]]]")
        .containsAnyOf(
            "Part[names=[x, y], rows=[[\"3\", \"1\"], [\"6\", \"4\"]]]",
            "Part[names=[y, x], rows=[[\"1\", \"3\"], [\"4\", \"6\"]]]");
    assertThat(read(exchange -> exchange.json(200, "{\"x\":1,\"y\":\"a\"}\n")))
        .asString()
        .containsAnyOf("[x, y], rows=[[1, \"a\"]]", "[y, x], rows=[[\"a\", 1]]");
  }

  @Test
  void whatIsWrongIsToldWithoutPathOrQuery() throws Exception {
    assertThat(read(exchange -> exchange.json(404, "x,y\n1,2\n")))
        .isEqualTo("localhost: it answered 404; 200 with CSV or lines of JSON is wanted");
    assertThat(read(exchange -> exchange.json(302, "", "location: http://localhost/x")))
        .asString()
        .startsWith("localhost: it answered 302");
    assertThat(read(exchange -> exchange.json(200, "x\n1\n")))
        .isEqualTo("localhost: it has no column 'y'; its columns are x");
    assertThat(read(exchange -> exchange.json(200, "<html>")))
        .isEqualTo("localhost: it has no rows: expected one for each combination of values");
    assertThat(read(exchange -> exchange.cut())).asString().startsWith("localhost: it cannot be");
    assertThat(
            read(exchange -> {
              exchange.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nx,y\n1,");
              exchange.write(new byte[] {(byte) 0xff, '2'});
            }))
        .isEqualTo("localhost: its answer is not UTF-8");
    String row = "1".repeat(1_000) + ",2\n";
    assertThat(
            read(
                exchange -> exchange.json(200, "x,y\n" + row.repeat(Table.MOST_BYTES / 1_000 + 1))))
        .asString()
        .endsWith("or its answer is larger than 16,777,216 bytes");
    assertThat(read(URI.create("http://127.0.0.1:1/"), Eventually.PATIENCE))
        .asString()
        .startsWith("127.0.0.1: it cannot be reached");
    assertThat(read(URI.create("file:///no/such/secret/list.csv"), Eventually.PATIENCE))
        .asString()
        .startsWith("list.csv: it cannot be read");
  }

  @Test
  void oneThatDoesNotAnswerIsLeft() throws Exception {
    try (var there = RawUpstream.start()) {
      assertThat(read(URI.create("http://localhost:" + there.port() + "/"), Duration.ofMillis(50)))
          .isEqualTo("localhost: it has not answered within 0.05 s");
    }
  }
}
