package dev.meanwhile.server.route;

import dev.meanwhile.dispatch.Step;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ResponsesFold;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/// A stream of the Responses API's events: folds the run's log from its beginning, and sends what
/// comes after a number.
final class ResponsesAnswer extends Streaming {
  private final ResponsesFold fold;
  private final int after;
  private final boolean ids;
  private Buffer pending = Buffer.buffer();

  /// Up to where the log is folded.
  private int folded;

  /// @param theirs whether the caller follows by the upstream's id, and so by its numbers
  /// @param after the last number the caller has seen, -1 for none
  /// @param ids whether events have SSE ids, which EventSource needs and others do not want
  ResponsesAnswer(
      Loop loop,
      HttpServerResponse response,
      Run run,
      RunHeaders headers,
      boolean theirs,
      int after,
      boolean ids) {
    super(loop, response, run, headers);
    this.after = after;
    this.ids = ids;
    this.folded = follow.offset();
    this.fold = new ResponsesFold(run, theirs, this::event);
  }

  /// The caller waits for the answer of its call: an early failure is told by the status.
  void beginHeld() {
    fold.begin();
    begin();
  }

  /// The run is there, whatever becomes of it.
  void beginAtOnce() {
    fold.begin();
    commit();
    response.write(pending.length() > 0 ? taken() : super.patience());
    begin();
  }

  private void event(int number, String type, byte[] json) {
    if (number > after) {
      if (ids) {
        pending.appendString("id: " + number + "\n");
      }
      pending.appendString("event: " + type + "\ndata: ").appendBytes(json).appendString("\n\n");
    }
  }

  private Buffer taken() {
    Buffer taken = pending;
    pending = Buffer.buffer();
    return taken;
  }

  @Override
  Buffer patience() {
    return taken();
  }

  @Override
  public boolean events(LogReader log, int from, int to) {
    came(log, from, to);
    Head head = log.head();
    boolean failing = !committed() && log.kind(from) == Kind.ERROR;
    if (head != null && !head.streamed() || failing) {
      // Whether it is an answer or an error, the end tells.
      return true;
    }
    if (!fold(log, to)) {
      return false;
    }
    if (pending.length() > 0) {
      write(taken());
    }
    return !response.writeQueueFull();
  }

  /// Folds up to `to`; false if what was sent is no part of the answer any more.
  private boolean fold(LogReader log, int to) {
    for (int i = folded; i < to; i++) {
      if (log.kind(i) == Kind.RESTARTED && fold.hasContent()) {
        follow.stop();
        breakAfter(Responses.error(RESTARTED, fold.count()));
        over();
        return false;
      }
      fold.add(log, i, i + 1);
      folded = i + 1;
    }
    return true;
  }

  @Override
  public void ended(Terminal terminal) {
    content();
    if (response.closed()) {
      over();
      return;
    }
    Failure failure = terminal.failure();
    if (terminal.equals(Step.MOVED)) {
      // It goes on elsewhere: whoever follows comes back and finds it there.
      response.reset();
    } else if (failure != null && !committed()) {
      Head head = run.head();
      if (head != null && head.status() >= 400 && run.end() > 0 && !run.isCut()) {
        refuseWith(head.status(), run.bytes(run.end() - 1, run.end()));
      } else {
        refuse(failure);
      }
    } else if (fold(run, run.end())) {
      fold.end(terminal, run.endedAt());
      commit();
      response.end(taken().appendString("data: [DONE]\n\n"));
    }
    over();
  }
}
