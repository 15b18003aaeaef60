package dev.meanwhile.server.route;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ChatUnfold;
import dev.meanwhile.openai.ErrorBody;
import dev.meanwhile.openai.ResponsesFold;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/// Answers a streamed call in the upstream's own dialect: follows the run and copies its bytes. A
/// failure in its middle must look broken: the error event, and then no proper end.
final class StreamAnswer extends Streaming {
  private final boolean usage;
  private boolean wrote;

  /// @param usage whether the caller asked for the closing usage chunk
  StreamAnswer(Loop loop, HttpServerResponse response, Run run, RunHeaders headers, boolean usage) {
    super(loop, response, run, headers);
    this.usage = usage;
  }

  @Override
  public boolean events(LogReader log, int from, int to) {
    came(log, from, to);
    Head head = log.head();
    if (head != null && !head.streamed()) {
      // A plain answer: what it is as a stream, or whether it is an error, its end tells.
      return true;
    }
    int sent = from;
    // An error before any content is told by the status, not by a stream that begins with it.
    int stop = !committed() && log.kind(from) == Kind.ERROR ? from : to;
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
      wrote = true;
      write(Pieces.of(log, from, to));
    }
  }

  @Override
  public void ended(Terminal terminal) {
    content();
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
      byte[] events = Responses.speaks(run) ? answer : ChatUnfold.of(answer, usage).orElse(answer);
      commit();
      response.end(Buffer.buffer(events));
    } else if (committed() || head.status() < 400) {
      broken(failure);
    } else {
      refuseWith(head.status(), answer);
    }
  }

  private void broken(Failure failure) {
    if (!committed()) {
      refuse(failure);
      return;
    }
    // The upstream's own error event has been passed on already.
    boolean told = run.end() > 0 && run.kind(run.end() - 1) == Kind.ERROR;
    if (Responses.speaks(run)) {
      if (told || ResponsesFold.isWhole(run)) {
        response.end();
      } else {
        breakAfter(Responses.error(failure, run.end() - run.start()));
      }
      return;
    }
    breakAfter(
        told
            ? null
            : Buffer.buffer("data: ")
                .appendBytes(
                    ErrorBody.of(failure.status(), failure.message(), null, failure.code()))
                .appendString("\n\n"));
  }
}
