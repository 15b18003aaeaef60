package dev.meanwhile.server.prefetch;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.server.config.Over;
import dev.meanwhile.server.config.Table;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/// Reads what operations declare: from the configuration, from files beside it, and from the
/// addresses that it names. Redirects are not followed, proxies not used.
public final class Sources {
  private static final Duration CONNECT = Duration.ofSeconds(5);

  /// How long an address may take in all.
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Duration limit;

  public Sources() {
    this(LIMIT);
  }

  /// The same with a limit of a test's own.
  Sources(Duration limit) {
    this.limit = limit;
  }

  /// Reads all of it; one of both is told, on `loop`.
  ///
  /// @param failed gets why it cannot be read
  void read(Over over, Clock loop, Consumer<List<Product.Part>> read, Consumer<String> failed) {
    if (over.sources().isEmpty()) {
      read.accept(parts(over, Map.of()));
      return;
    }
    // Files are nothing for an event loop.
    Thread.ofVirtual()
        .name("prefetch-sources")
        .start(() -> {
          Runnable told;
          try {
            var tables = new LinkedHashMap<URI, Table>();
            for (URI source : over.sources().values()) {
              if (!tables.containsKey(source)) {
                tables.put(source, table(source));
              }
            }
            List<Product.Part> parts = parts(over, tables);
            told = () -> read.accept(parts);
          } catch (IllegalArgumentException e) {
            String why = String.valueOf(e.getMessage());
            told = () -> failed.accept(why);
          }
          try {
            loop.execute(told);
          } catch (RejectedExecutionException _) {
            // The server has stopped meanwhile.
          }
        });
  }

  private Table table(URI source) {
    try {
      return "file".equals(source.getScheme()) ? Table.in(source) : Table.of(fetch(source));
    } catch (IllegalArgumentException e) {
      throw named(source, e);
    }
  }

  /// What goes wrong is told to tenants: neither a path nor a query is part of it.
  private static IllegalArgumentException named(URI source, IllegalArgumentException e) {
    boolean isFile = "file".equals(source.getScheme());
    String name = isFile ? String.valueOf(Path.of(source).getFileName()) : source.getHost();
    return new IllegalArgumentException(name + ": " + e.getMessage(), e);
  }

  private String fetch(URI url) {
    HttpClient client = HttpClient.newBuilder().connectTimeout(CONNECT).build();
    try {
      var request =
          HttpRequest.newBuilder(url)
              .header("accept", "text/csv, application/x-ndjson, application/jsonl")
              .build();
      HttpResponse<byte[]> answer =
          client
              .sendAsync(
                  request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), Table.MOST_BYTES))
              .get(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (answer.statusCode() != 200) {
        throw new IllegalArgumentException(
            "it answered %d; 200 with CSV or lines of JSON is wanted"
                .formatted(answer.statusCode()));
      }
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(answer.body())).toString();
    } catch (CharacterCodingException _) {
      throw new IllegalArgumentException("its answer is not UTF-8");
    } catch (TimeoutException _) {
      throw new IllegalArgumentException(
          "it has not answered within %s s".formatted(limit.toMillis() / 1e3));
    } catch (ExecutionException _) {
      throw new IllegalArgumentException(
          "it cannot be reached, or its answer is larger than %,d bytes"
              .formatted(Table.MOST_BYTES));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new IllegalArgumentException("this server is stopping");
    } finally {
      client.shutdownNow();
    }
  }

  private static List<Product.Part> parts(Over over, Map<URI, Table> tables) {
    var parts = new ArrayList<Product.Part>();
    over.values()
        .forEach((name, values) ->
            parts.add(new Product.Part(List.of(name), values.stream().map(List::of).toList())));
    tables.forEach((source, table) -> {
      List<String> names =
          over.sources().entrySet().stream()
              .filter(each -> each.getValue().equals(source))
              .map(Map.Entry::getKey)
              .toList();
      try {
        parts.add(new Product.Part(names, table.columns(names)));
      } catch (IllegalArgumentException e) {
        throw named(source, e);
      }
    });
    return parts;
  }
}
