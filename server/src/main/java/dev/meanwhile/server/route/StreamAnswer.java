package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ChatUnfold;
import dev.meanwhile.openai.ErrorBody;
import dev.meanwhile.view.Follow;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/// Answers a streamed call in the upstream's own dialect: follows the run and copies its bytes.
///
/// Status and headers are held back until the first event, an early end, or a second has passed, so
/// that an early failure keeps its true status. A failure after that must look broken: the error
/// event, and then no proper end.
final class StreamAnswer implements Follow.Sink {
  private static final byte[] COMMENT = {':', '\n', '\n'};
  private static final Failure RESTARTED =
      new Failure(
          502,
          "run_restarted",
          "The call was made again after part of its answer was sent: what came here is no part of it. Ask for the run.");

  private final Loop loop;
  private final HttpServerResponse response;
  private final Run run;
  private final RunHeaders headers;
  private final boolean usage;
  private final Follow follow;
  private final Stall stall;
  private Clock.@Nullable Timer timer;
  private boolean committed;
  private boolean wrote;
  private boolean over;

  /// @param usage whether the caller asked for the closing usage chunk
  StreamAnswer(Loop loop, HttpServerResponse response, Run run, RunHeaders headers, boolean usage) {
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.headers = headers;
    this.usage = usage;
    this.follow = new Follow(run, run.start(), loop.clock(), this);
    this.stall = new Stall(response, loop.clock());
  }

  void begin() {
    loop.metrics().streams(1);
    response.closeHandler(_ -> over());
    response.exceptionHandler(_ -> over());
    response.drainHandler(_ -> follow.resume());
    timer = loop.clock().after(loop.config().server().hold(), this::heldLongEnough);
    follow.begin();
    if (response.closed()) {
      over();
    }
  }

  @Override
  public boolean events(LogReader log, int from, int to) {
    Head head = log.head();
    if (head != null && !head.streamed()) {
      // A plain answer: what it is as a stream, or whether it is an error, its end tells.
      return true;
    }
    int sent = from;
    // An error before any content is told by the status, not by a stream that begins with it.
    int stop = !committed && log.kind(from) == Kind.ERROR ? from : to;
    for (int i = from; i < stop; i++) {
      if (log.kind(i) == Kind.RESTARTED) {
        if (wrote) {
          follow.stop();
          broken(RESTARTED);
          over();
          return false;
        }
        sent = i + 1;
      }
      if (!usage && log.kind(i) == Kind.USAGE) {
        write(log, sent, i);
        sent = i + 1;
      }
    }
    write(log, sent, stop);
    return !response.writeQueueFull();
  }

  private void write(LogReader log, int from, int to) {
    if (from < to) {
      commit();
      wrote = true;
      response.write(Pieces.of(log, from, to));
      stall.wrote();
    }
  }

  @Override
  public void ended(Terminal terminal) {
    if (response.closed()) {
      over();
      return;
    }
    Head head = run.head();
    Failure failure = terminal.failure();
    if (head != null && !head.streamed() && run.end() > 0 && !run.isCut()) {
      plainEnded(head, failure);
    } else if (failure != null) {
      broken(failure);
    } else if (terminal.status() == Status.CANCELLED) {
      broken(new Failure(400, "run_cancelled", "The run %s was cancelled.".formatted(run.id())));
    } else {
      commit();
      response.end();
    }
    over();
  }

  /// The upstream gave one JSON answer: an error keeps its status, anything else becomes a stream.
  private void plainEnded(Head head, @Nullable Failure failure) {
    byte[] answer = run.bytes(run.end() - 1, run.end());
    if (failure == null) {
      // What is no chat.completion is passed on as it is.
      byte[] events = ChatUnfold.of(answer, usage).orElse(answer);
      commit();
      response.end(Buffer.buffer(events));
    } else if (committed || head.status() < 400) {
      broken(failure);
    } else {
      headers.write(response, "content-length");
      String type = response.headers().get("content-type");
      Answers.send(response, head.status(), type == null ? Answers.JSON : type, answer);
    }
  }

  private void broken(Failure failure) {
    if (!committed) {
      headers.write(response, "content-type");
      response.headers().remove("content-length");
      Answers.error(response, failure.status(), failure.code(), failure.message(), null);
      return;
    }
    // The upstream's own error event has been passed on already.
    boolean told = run.end() > 0 && run.kind(run.end() - 1) == Kind.ERROR;
    Buffer last =
        told
            ? Buffer.buffer(COMMENT)
            : Buffer.buffer("data: ")
                .appendBytes(
                    ErrorBody.of(failure.status(), failure.message(), null, failure.code()))
                .appendString("\n\n");
    Sse.breakOff(response, last, loop.clock());
  }

  private void commit() {
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
      response.write(Buffer.buffer(COMMENT));
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

  private void over() {
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
