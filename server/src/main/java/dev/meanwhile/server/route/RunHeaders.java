package dev.meanwhile.server.route;

import dev.meanwhile.dispatch.Key;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The headers of an answer that is a view of a run.
final class RunHeaders {
  private final Loop loop;
  private final Run run;
  private final long began;
  private final String link;
  private final String cacheStatus;

  /// @param began when the request came, in nanoseconds on the loop's clock
  /// @param sameKey by what identical requests find this one, or null
  RunHeaders(Loop loop, HttpServerRequest request, Run run, long began, @Nullable Key sameKey) {
    this.loop = loop;
    this.run = run;
    this.began = began;
    this.link = "<" + loop.links().to(request, "/v1/runs/" + run.id()) + ">; rel=\"monitor\"";
    String control = request.headers().get("cache-control");
    this.cacheStatus =
        run.about().attached()
            ? "meanwhile; fwd=uri-miss; collapsed"
            : control != null && sameKey == null && control.toLowerCase(Locale.ROOT).contains("no-")
                ? "meanwhile; fwd=request; detail=no-cache"
                : "meanwhile; fwd=uri-miss";
  }

  /// Writes them, the upstream's own that are worth passing on before them.
  ///
  /// @param skip a header of the upstream's that does not hold here, in lower case
  void write(HttpServerResponse response, String skip) {
    MultiMap headers = response.headers();
    Head head = run.head();
    if (head != null) {
      head.forEach((name, value) -> {
        if (!name.equals(skip)) {
          headers.add(name, value);
        }
      });
    }
    long taken = loop.clock().nanos() - began;
    headers
        .set("x-request-id", run.id())
        .set("meanwhile-run", run.id())
        .set("link", link)
        .set("cache-status", cacheStatus)
        .set("openai-processing-ms", Long.toString(taken / 1_000_000))
        .set("server-timing", timing(taken));
  }

  private String timing(long taken) {
    var timing = new StringBuilder(48);
    int end = run.end();
    for (int i = 0; i < end; i++) {
      Kind kind = run.kind(i);
      if (kind == Kind.CONTENT || kind == Kind.ANSWER) {
        timing.append("ttft;dur=").append(run.micros(i) / 1_000).append(", ");
        break;
      }
    }
    return timing
        .append("ai;dur=")
        .append(taken / 1_000_000)
        .append(", cache;desc=miss")
        .toString();
  }
}
