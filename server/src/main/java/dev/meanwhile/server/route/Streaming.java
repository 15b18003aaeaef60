package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.view.Follow;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A streamed answer that follows a run, whatever its dialect.
///
/// Status and headers are held back until the first event, an early end, or a second has passed, so
/// that an early failure keeps its true status. While nothing comes, comments do.
abstract class Streaming implements Follow.Sink {
  static final Failure RESTARTED =
      new Failure(
          502,
          "run_restarted",
          "The call was made again after part of its answer was sent: what came here is no part of it. Ask for the run.");

  private static final byte[] COMMENT = {':', '\n', '\n'};

  final Loop loop;
  final HttpServerResponse response;
  final Run run;
  final RunHeaders headers;
  final Follow follow;
  private BooleanSupplier spare = () -> false;
  private final Stall stall;
  private Clock.@Nullable Timer timer;
  private boolean committed;
  private boolean content;
  private boolean over;

  @SuppressWarnings("this-escape") // nothing is called before begin()
  Streaming(Loop loop, HttpServerResponse response, Run run, RunHeaders headers) {
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.headers = headers;
    this.follow = new Follow(run, run.start(), loop.clock(), this);
    this.stall = new Stall(response, loop.clock());
  }

  void begin() {
    loop.metrics().streams(1);
    headers.awaitContent();
    response.closeHandler(_ -> over());
    response.exceptionHandler(_ -> over());
    response.drainHandler(_ -> follow.resume());
    if (timer == null) {
      timer = loop.clock().after(loop.config().server().hold(), this::heldLongEnough);
    }
    follow.begin();
    if (response.closed()) {
      over();
    }
  }

  /// Events have come, perhaps the first content.
  void came(LogReader log, int from, int to) {
    for (int i = from; i < to && !content; i++) {
      Kind kind = log.kind(i);
      if (kind == Kind.CONTENT || kind == Kind.ANSWER) {
        content();
      }
    }
  }

  /// The first content has come, or none will.
  void content() {
    if (!content) {
      content = true;
      headers.content();
    }
  }

  /// What is said when the head has been held back long enough.
  Buffer patience() {
    return Buffer.buffer(COMMENT);
  }

  boolean committed() {
    return committed;
  }

  void write(Buffer events) {
    commit();
    response.write(events);
    stall.wrote();
  }

  /// If the upstream fails before anything was sent, another answer may be given.
  ///
  /// @param instead gives it and tells whether it did
  Streaming orElse(BooleanSupplier instead) {
    spare = instead;
    return this;
  }

  /// Whether another answer was given in the place of this failure.
  private boolean isReplaced(int status) {
    return (status >= 500 || status == 429) && spare.getAsBoolean();
  }

  /// Tells of a failure by the status, where nothing was sent yet.
  void refuse(Failure failure) {
    if (isReplaced(failure.status())) {
      return;
    }
    headers.write(response, "content-type");
    response.headers().remove("content-length");
    Answers.error(response, failure.status(), failure.code(), failure.message(), null);
  }

  /// The upstream's own error answer, where nothing was sent yet.
  void refuseWith(int status, byte[] answer) {
    if (isReplaced(status)) {
      return;
    }
    headers.write(response, "content-length");
    String type = response.headers().get("content-type");
    Answers.send(response, status, type == null ? Answers.JSON : type, answer);
  }

  /// Breaks the connection after the last word, or after a comment if that has been said already.
  void breakAfter(@Nullable Buffer word) {
    Buffer last = word == null ? Buffer.buffer(COMMENT) : word;
    Sse.breakOff(response, last, loop.clock());
  }

  void commit() {
    if (committed) {
      return;
    }
    committed = true;
    Sse.open(response, headers);
    beatLater();
  }

  private void heldLongEnough() {
    timer = null;
    if (!committed && !over) {
      commit();
      response.write(patience());
    }
  }

  private void beatLater() {
    if (timer != null) {
      timer.cancel();
    }
    timer = loop.clock().after(loop.config().server().heartbeat(), this::beat);
  }

  private void beat() {
    timer = null;
    if (over) {
      return;
    }
    if (stall.isHopeless()) {
      response.reset();
      over();
      return;
    }
    if (stall.isQuiet()) {
      response.write(Buffer.buffer(COMMENT));
    }
    beatLater();
  }

  void over() {
    if (!over) {
      over = true;
      loop.metrics().streams(-1);
      Clock.Timer pending = timer;
      if (pending != null) {
        pending.cancel();
      }
      follow.stop();
    }
  }
}
