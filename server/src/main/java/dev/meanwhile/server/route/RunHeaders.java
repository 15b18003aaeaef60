package dev.meanwhile.server.route;

import dev.meanwhile.budget.Budget;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.openai.ResponsesFold;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// The headers of an answer that is a view of a run.
final class RunHeaders {
  private final Loop loop;
  private final Run run;
  private final long began;
  private final String link;
  private final String cacheStatus;
  private final Delivery delivery;
  private final String location;
  private final @Nullable Hit hit;
  private boolean late;

  /// Whether the first content, which the budget is for, is not there yet.
  private boolean awaited;

  /// Whether it was counted how the budget was kept.
  private boolean counted;

  /// @param delivery how the caller wants its answer
  /// @param began when the request came, in nanoseconds on the loop's clock
  /// @param submission what was asked, or null if this is a look at a run that is there
  /// @param hit the kept answer that is given, or null
  RunHeaders(
      Loop loop,
      HttpServerRequest request,
      Run run,
      Delivery delivery,
      long began,
      @Nullable Submission submission,
      @Nullable Hit hit) {
    this.hit = hit;
    this.delivery = delivery;
    this.location = loop.links().to(request, "");
    this.loop = loop;
    this.run = run;
    this.began = began;
    this.link = "<" + location + "/v1/runs/" + run.id() + ">; rel=\"monitor\"";
    this.cacheStatus = cacheStatus(request, submission);
  }

  /// As RFC 9211 has it.
  private String cacheStatus(HttpServerRequest request, @Nullable Submission submission) {
    Caching caching = submission == null ? null : submission.caching();
    String key = caching == null ? "" : "; key=\"" + caching.key() + "\"";
    if (hit != null) {
      String from = hit.stored() ? "; detail=STORE" : "";
      return "meanwhile; hit; ttl=" + Math.floorDiv(hit.ttl(), 1_000L) + key + from;
    }
    if (run.about().attached()) {
      return "meanwhile; fwd=uri-miss; collapsed" + key;
    }
    boolean alone =
        submission != null
            && (caching == null ? submission.sameKey() == null : !caching.reads())
            && CacheControl.of(request.headers()).isAlone();
    return (alone ? "meanwhile; fwd=request; detail=no-cache" : "meanwhile; fwd=uri-miss") + key;
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
    own(response, 200, outcome());
  }

  /// Writes those of an answer that takes the place of one which did not come in time.
  void writeInstead(HttpServerResponse response) {
    late = true;
    own(response, 200, outcome());
  }

  /// The budget is for the first content of a stream: only [#content] tells whether it was kept.
  void awaitContent() {
    awaited = true;
  }

  /// The first content of a stream is there, or none will come.
  void content() {
    awaited = false;
    count(outcome());
  }

  /// Writes those of an answer that only says where the run is, and returns its status.
  int writeAccepted(HttpServerResponse response) {
    int status = delivery.inBackground() && !delivery.async() ? 200 : 202;
    String run = location + "/v1/runs/" + this.run.id();
    Duration left = loop.typical().left(this.run, loop.clock().millis());
    own(response, status, delivery.budget() == null ? null : "detached");
    response
        .headers()
        .set(
            "location",
            switch (this.run.about().api()) {
              case "chat" -> location + "/v1/chat/completions/" + this.run.id();
              case "responses" -> location + "/v1/responses/" + ResponsesFold.idOf(this.run.id());
              default -> run;
            })
        .set("operation-location", run)
        .set("retry-after", Long.toString((left.toMillis() + 999) / 1_000))
        .set("openai-poll-after-ms", Long.toString(left.toMillis()));
    return status;
  }

  /// The budget has run out and the caller goes on waiting.
  void late() {
    late = true;
  }

  private @Nullable String outcome() {
    Duration budget = delivery.budget();
    if (budget == null) {
      return null;
    }
    if (late || loop.clock().nanos() - began > budget.toNanos()) {
      return "late";
    }
    return awaited ? null : "within";
  }

  private void own(HttpServerResponse response, int status, @Nullable String outcome) {
    long taken = loop.clock().nanos() - began;
    String applied = delivery.applied(status, taken);
    MultiMap headers = response.headers();
    if (applied != null) {
      headers.set("preference-applied", applied);
      headers.add("vary", "Prefer");
    }
    count(outcome);
    headers
        .set("x-request-id", run.id())
        .set("meanwhile-run", run.id())
        .set("link", link)
        .set("cache-status", cacheStatus)
        .set("openai-processing-ms", Long.toString(taken / 1_000_000))
        .set("server-timing", timing(taken, outcome));
    if (hit != null) {
      headers.set("age", Long.toString(hit.age() / 1_000));
    }
  }

  private void count(@Nullable String outcome) {
    if (outcome != null && !counted) {
      counted = true;
      loop.metrics().budget(run.about().operation(), outcome);
    }
  }

  private String timing(long taken, @Nullable String outcome) {
    var timing = new StringBuilder(48);
    // When a kept answer came is no time of this call's.
    int end = hit == null ? run.end() : run.start();
    for (int i = run.start(); i < end; i++) {
      Kind kind = run.kind(i);
      if (kind == Kind.CONTENT || kind == Kind.ANSWER) {
        timing.append("ttft;dur=").append(run.micros(i) / 1_000).append(", ");
        break;
      }
    }
    timing
        .append("ai;dur=")
        .append(taken / 1_000_000)
        .append(", cache;desc=")
        .append(hit == null ? "miss" : hit.ttl() > 0 ? "hit" : "stale");
    Duration budget = delivery.budget();
    if (budget != null && outcome != null) {
      timing.append(", budget;dur=").append(budget.toMillis());
      timing.append(";desc=\"").append(outcome).append('"');
    } else if (run.about().budget() > 0) {
      // Of the work; how it was kept is counted at its end.
      timing.append(", budget;dur=").append(run.about().budget());
      if (run.terminal() != null) {
        boolean missed = Budget.isLate(run.about().budget(), run.createdAt(), run.endedAt());
        timing.append(";desc=\"").append(missed ? "late" : "within").append('"');
      }
    }
    return timing.toString();
  }
}
