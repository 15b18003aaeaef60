package dev.meanwhile.server.route;

import dev.meanwhile.dispatch.Step;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.ResponsesFold;
import dev.meanwhile.openai.ResponsesInput;
import dev.meanwhile.openai.ResponsesRequest;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.upstream.Client;
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
  private final RelayRoute relay;

  ResponsesRoute(Loop loop, RunRoute runs, RelayRoute relay) {
    this.relay = relay;
    this.loop = loop;
    this.runs = runs;
  }

  /// The object as it stands, or at its end, or its events.
  void get(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, this::get);
  }

  void cancel(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, this::cancel);
  }

  void erase(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, this::erase);
  }

  /// What it was asked.
  void input(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, ResponsesRoute::input);
  }

  /// What was asked, if this is a run of this API whose answer may be asked for later; else null.
  static @Nullable ResponsesRequest kept(Run run) {
    ResponsesRequest asked = Responses.speaks(run) ? ResponsesFold.request(run) : null;
    return asked != null && asked.store() ? asked : null;
  }

  /// A run that was asked for.
  ///
  /// @param id by which: ours, or what its upstream calls its answer
  /// @param theirs whether it is the upstream's
  private record Found(
      HttpServerRequest request, Caller caller, Run run, String id, boolean theirs) {}

  /// An id of ours, one of an upstream's that we know, or else one that the upstream may know.
  private void find(HttpServerRequest request, Caller caller, String id, Consumer<Found> found) {
    // Its body may be the upstream's to read.
    request.pause();
    String ours = ResponsesFold.runOf(id);
    if (ours != null && Turns.OURS.matcher(id).matches()) {
      find(request, caller, id, ours, found, () -> findTheirs(request, caller, id, found));
    } else {
      findTheirs(request, caller, id, found);
    }
  }

  private void findTheirs(
      HttpServerRequest request, Caller caller, String id, Consumer<Found> found) {
    Client client = loop.responsesClient();
    if (client == null) {
      request.resume();
      throw runs.notFound();
    }
    find(request, caller, id, id, found, () -> relay.handle(request, caller, client));
  }

  private void find(
      HttpServerRequest request,
      Caller caller,
      String id,
      String of,
      Consumer<Found> found,
      Runnable otherwise) {
    runs.look(
        request,
        caller,
        of,
        false,
        run -> {
          if (run == null || kept(run) == null) {
            otherwise.run();
          } else {
            request.resume();
            found.accept(new Found(request, caller, run, id, of.equals(id)));
          }
        });
  }

  private void get(Found found) {
    HttpServerRequest request = found.request;
    Run run = found.run;
    if ("true".equals(request.getParam("stream"))) {
      stream(found);
      return;
    }
    Duration patience = Prefer.wait(request.headers());
    if (run.terminal() != null || patience.isZero()) {
      object(found);
    } else {
      runs.checkReaders(run);
      runs.longPoll(request.response(), run, patience, () -> object(found));
    }
  }

  private static void object(Found found) {
    HttpServerResponse response = found.request.response();
    Failure failure = Step.MOVED.failure();
    if (failure != null && Step.MOVED.equals(found.run.terminal())) {
      // The run has not ended, only its life here.
      Answers.error(response, failure.status(), failure.code(), failure.message(), null);
    } else {
      Answers.send(response, 200, Answers.JSON, ResponsesFold.object(found.run, found.theirs));
    }
  }

  private void stream(Found found) {
    HttpServerRequest request = found.request;
    Run run = found.run;
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
    if (said == null
        && last != null
        && run.terminal() != null
        && after >= ResponsesFold.count(run, found.theirs) - 1) {
      // Tells an EventSource not to come back.
      request.response().setStatusCode(204).end();
      return;
    }
    runs.checkReaders(run);
    var delivery = Delivery.ofLook(null);
    var headers = new RunHeaders(loop, request, run, delivery, loop.clock().nanos(), null, null);
    boolean ids = last != null || "true".equals(request.getParam("sse_id"));
    new ResponsesAnswer(loop, request.response(), run, headers, found.theirs, after, ids)
        .beginAtOnce();
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

  private void cancel(Found found) {
    found.run.cancel(Terminal.CANCELLED);
    new Wait(found.run, loop.clock(), _ -> object(found)).begin();
  }

  /// Erases it, and what its upstream keeps of it, so that nobody finds it there.
  private void erase(Found found) {
    String name = ResponsesFold.theirId(found.run);
    Client client = loop.clients().get(found.run.about().upstream());
    if (name == null || client == null || found.run.terminal() == null) {
      erase(found, null);
    } else {
      relay.erase(
          found.request,
          found.caller,
          client,
          "/responses/" + name,
          failure -> erase(found, failure));
    }
  }

  private void erase(Found found, @Nullable Failure failure) {
    if (failure != null) {
      Answers.error(
          found.request.response(), failure.status(), failure.code(), failure.message(), null);
    } else {
      runs.erase(found.request, found.run, found.id, "response", false);
    }
  }

  private static void input(Found found) {
    HttpServerRequest request = found.request;
    Run run = found.run;
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
