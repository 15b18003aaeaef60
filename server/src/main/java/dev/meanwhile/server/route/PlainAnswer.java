package dev.meanwhile.server.route;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.openai.ChatFold;
import dev.meanwhile.openai.Embeddings;
import dev.meanwhile.view.Wait;
import io.vertx.core.http.HttpServerResponse;
import org.jspecify.annotations.Nullable;

/// Answers a plain call: waits for the end of the run, and sends it as one piece of JSON.
final class PlainAnswer {
  private final Loop loop;
  private final HttpServerResponse response;
  private final Run run;
  private final RunHeaders headers;
  private final @Nullable String encodingFormat;

  PlainAnswer(
      Loop loop,
      HttpServerResponse response,
      Run run,
      RunHeaders headers,
      @Nullable String encodingFormat) {
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.headers = headers;
    this.encodingFormat = encodingFormat;
  }

  void begin() {
    var wait = new Wait(run, loop.clock(), _ -> ended());
    response.closeHandler(_ -> wait.stop());
    response.exceptionHandler(_ -> wait.stop());
    wait.begin();
    if (response.closed()) {
      wait.stop();
    }
  }

  private void ended() {
    Terminal terminal = run.terminal();
    if (terminal == null || response.closed()) {
      return;
    }
    headers.write(response, "content-length");
    Head head = run.head();
    boolean whole = run.end() > 0 && run.kind(run.end() - 1) == Kind.ANSWER && !run.isCut();
    if (whole && head != null && (head.status() >= 400 || terminal.failure() == null)) {
      byte[] answer = run.bytes(run.end() - 1, run.end());
      if (head.status() < 300 && run.about().api().equals("embeddings")) {
        answer = Embeddings.inFormat(answer, encodingFormat);
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
      send(200, ChatFold.of(run, 0, run.end()));
    }
  }

  private void send(int status, byte[] answer) {
    String type = response.headers().get("content-type");
    Answers.send(response, status, type == null ? Answers.JSON : type, answer);
  }
}
