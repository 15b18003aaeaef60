package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ChatFold;
import dev.meanwhile.openai.Embeddings;
import dev.meanwhile.openai.ResponsesFold;
import dev.meanwhile.view.Wait;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Answers a plain call: waits for the end of the run, and sends it as one piece of JSON; or, where
/// the caller takes 202 and its time runs out before, sends that. The log never notices.
final class PlainAnswer {
  private final Loop loop;
  private final HttpServerResponse response;
  private final Run run;
  private final RunHeaders headers;
  private final boolean theirs;
  private final Wait wait;
  private BooleanSupplier spare = () -> false;
  private Clock.@Nullable Timer timer;

  /// Whether there is an answer: whichever comes first on this loop, the end or the promise.
  private boolean answered;

  /// @param theirs whether the caller gets the words of the upstream, which speaks its API
  PlainAnswer(Loop loop, HttpServerResponse response, Run run, RunHeaders headers, boolean theirs) {
    this.theirs = theirs;
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.headers = headers;
    this.wait = new Wait(run, loop.clock(), _ -> ended());
  }

  /// If the upstream fails, another answer may be given.
  ///
  /// @param instead gives it and tells whether it did; nothing was sent before
  PlainAnswer orElse(BooleanSupplier instead) {
    spare = instead;
    return this;
  }

  void begin() {
    response.closeHandler(_ -> over());
    response.exceptionHandler(_ -> over());
    wait.begin();
    if (response.closed()) {
      over();
    }
  }

  /// The same, but after `time` the caller is answered 202, once the run is kept.
  void beginToDetach(Duration time) {
    begin();
    if (!answered && !response.closed()) {
      timer = loop.clock().after(time, this::detach);
    }
  }

  /// The same, but after `time` the caller gets something else, and leaves.
  ///
  /// @param instead answers it, and tells whether it did; if not it goes on waiting; nothing was
  ///   sent before
  void beginToGiveUp(Duration time, BooleanSupplier instead) {
    begin();
    if (!answered && !response.closed()) {
      timer =
          loop.clock()
              .after(
                  time,
                  () -> {
                    timer = null;
                    if (instead.getAsBoolean()) {
                      answered = true;
                      over();
                    } else {
                      headers.late();
                    }
                  });
    }
  }

  private void detach() {
    timer = null;
    run.keep(reason -> loop.clock().execute(() -> kept(reason)));
  }

  private void kept(@Nullable String reason) {
    if (answered || response.closed()) {
      return;
    }
    if (reason == null) {
      answered = true;
      wait.stop();
      AcceptedAnswer.send(response, run, headers);
    } else {
      headers.late();
    }
  }

  private void over() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
    wait.stop();
  }

  private void ended() {
    Terminal terminal = run.terminal();
    if (terminal == null || answered || response.closed()) {
      return;
    }
    answered = true;
    over();
    Failure failed = terminal.failure();
    if (failed != null
        && (failed.status() >= 500 || failed.status() == 429)
        && spare.getAsBoolean()) {
      return;
    }
    headers.write(response, "content-length");
    Head head = run.head();
    boolean whole = run.end() > 0 && run.kind(run.end() - 1) == Kind.ANSWER && !run.isCut();
    if (theirs && whole && head != null) {
      send(head.status(), run.bytes(run.end() - 1, run.end()));
    } else if (Responses.speaks(run) && terminal.failure() == null) {
      response.headers().set("content-type", Answers.JSON);
      send(200, ResponsesFold.object(run, theirs));
    } else if (whole && head != null && (head.status() >= 400 || terminal.failure() == null)) {
      byte[] answer = run.bytes(run.end() - 1, run.end());
      if (head.status() < 300 && run.about().api().equals("embeddings")) {
        answer = Embeddings.inFormat(answer, run.about().base64());
      }
      send(head.status(), answer);
    } else if (terminal.failure() != null) {
      var failure = terminal.failure();
      response.headers().remove("content-type");
      Answers.error(response, failure.status(), failure.code(), failure.message(), null);
    } else if (terminal.status() == Terminal.CANCELLED.status()) {
      response.headers().remove("content-type");
      Answers.error(
          response, 400, "run_cancelled", "The run %s was cancelled.".formatted(run.id()), null);
    } else {
      response.headers().set("content-type", Answers.JSON);
      send(200, ChatFold.of(run, run.start(), run.end()));
    }
  }

  private void send(int status, byte[] answer) {
    String type = response.headers().get("content-type");
    Answers.send(response, status, type == null ? Answers.JSON : type, answer);
  }
}
