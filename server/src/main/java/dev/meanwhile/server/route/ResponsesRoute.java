package dev.meanwhile.server.route;

import dev.meanwhile.dispatch.Step;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ResponsesFold;
import dev.meanwhile.openai.ResponsesInput;
import dev.meanwhile.openai.ResponsesRequest;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.view.Wait;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// `/v1/responses/{id}` and what is below it: a run by the id that it has in this API.
final class ResponsesRoute {
  private static final int USUAL = 20;
  private static final int MOST = 100;

  private final Loop loop;
  private final RunRoute runs;

  ResponsesRoute(Loop loop, RunRoute runs) {
    this.loop = loop;
    this.runs = runs;
  }

  /// @param rest of the path: an id, or an id and what is wanted of it
  void handle(HttpServerRequest request, Caller caller, String rest) {
    String[] parts = rest.split("/", -1);
    String what = request.method() + (parts.length == 1 ? "" : " " + parts[1]);
    if (parts.length > 2) {
      throw runs.notFound();
    }
    switch (what) {
      case "GET" -> find(request, caller, parts[0], run -> get(request, run));
      case "GET input_items" -> find(request, caller, parts[0], run -> input(request, run));
      case "POST cancel" -> find(request, caller, parts[0], run -> cancel(request, run));
      case "DELETE" ->
          find(
              request,
              caller,
              parts[0],
              run -> runs.erase(request, run, parts[0], "response", false));
      default -> {
        request.response().putHeader("allow", "GET, DELETE");
        throw new Refusal(
            405,
            "method_not_allowed",
            "A response knows GET and DELETE /v1/responses/{id}, POST …/cancel and GET …/input_items.");
      }
    }
  }

  /// What was asked, if this is a run of this API whose answer may be asked for later; else null.
  static @Nullable ResponsesRequest kept(Run run) {
    ResponsesRequest asked = Responses.speaks(run) ? ResponsesFold.request(run) : null;
    return asked != null && asked.store() ? asked : null;
  }

  private void find(HttpServerRequest request, Caller caller, String id, Consumer<Run> found) {
    String run = ResponsesFold.runOf(id);
    if (run == null) {
      throw runs.notFound();
    }
    runs.find(
        request,
        caller,
        run,
        false,
        it -> {
          if (kept(it) == null) {
            throw runs.notFound();
          }
          found.accept(it);
        });
  }

  private void get(HttpServerRequest request, Run run) {
    if ("true".equals(request.getParam("stream"))) {
      stream(request, run);
      return;
    }
    Duration patience = Prefer.wait(request.headers());
    if (run.terminal() != null || patience.isZero()) {
      object(request.response(), run);
    } else {
      runs.checkReaders(run);
      runs.longPoll(request.response(), run, patience, () -> object(request.response(), run));
    }
  }

  private static void object(HttpServerResponse response, Run run) {
    Failure failure = Step.MOVED.failure();
    if (failure != null && Step.MOVED.equals(run.terminal())) {
      // The run has not ended, only its life here.
      Answers.error(response, failure.status(), failure.code(), failure.message(), null);
    } else {
      Answers.send(response, 200, Answers.JSON, ResponsesFold.object(run));
    }
  }

  private void stream(HttpServerRequest request, Run run) {
    String last = request.headers().get("last-event-id");
    String said = request.getParam("starting_after");
    String number = said != null ? said : last;
    int after = number == null ? -1 : number(number.strip());
    if (after >= 0 && restarted(run)) {
      throw new Refusal(
          400,
          "run_restarted",
          "The call was made again, and its events are numbered anew: read them from the beginning, without starting_after.",
          "starting_after");
    }
    if (said == null && last != null && run.terminal() != null && after >= lastNumber(run)) {
      // Tells an EventSource not to come back.
      request.response().setStatusCode(204).end();
      return;
    }
    runs.checkReaders(run);
    var delivery = new Delivery(false, null, null, true, null, null, false);
    var headers = new RunHeaders(loop, request, run, delivery, loop.clock().nanos(), null);
    boolean ids = last != null || "true".equals(request.getParam("sse_id"));
    new ResponsesAnswer(loop, request.response(), run, headers, after, ids).beginAtOnce();
  }

  /// Whether events were told that are no part of the answer any more.
  private static boolean restarted(Run run) {
    for (int i = run.start() - 1; i >= 0; i--) {
      if (run.kind(i) == Kind.CONTENT || run.kind(i) == Kind.ANSWER) {
        return true;
      }
    }
    return false;
  }

  /// The number of the last event of a run that has ended.
  private static int lastNumber(Run run) {
    return ResponsesFold.count(run) - 1;
  }

  private static int number(String text) {
    if (text.matches("\\d{1,9}")) {
      return Integer.parseInt(text);
    }
    throw new Refusal(
        400,
        "invalid_parameter",
        "`starting_after` (and Last-Event-ID) is the sequence_number of an event.",
        "starting_after");
  }

  private void cancel(HttpServerRequest request, Run run) {
    run.cancel();
    new Wait(run, loop.clock(), _ -> object(request.response(), run)).begin();
  }

  private static void input(HttpServerRequest request, Run run) {
    String limit = request.getParam("limit");
    int most = limit == null ? USUAL : limit.matches("\\d{1,3}") ? Integer.parseInt(limit) : 0;
    if (most < 1 || most > MOST) {
      throw new Refusal(
          400,
          "invalid_parameter",
          "`limit` is a whole number from 1 to %d.".formatted(MOST),
          "limit");
    }
    String order = request.getParam("order");
    if (order != null && !order.equals("asc") && !order.equals("desc")) {
      throw new Refusal(400, "invalid_parameter", "`order` is asc or desc.", "order");
    }
    Answers.send(
        request.response(),
        200,
        Answers.JSON,
        ResponsesInput.page(run, "asc".equals(order), request.getParam("after"), most));
  }
}
