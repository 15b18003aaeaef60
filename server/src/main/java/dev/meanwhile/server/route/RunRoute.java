package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Step;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.view.Wait;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// `GET /v1/runs/{id}` (snapshot, long poll, events) and `POST /v1/runs/{id}/cancel`.
final class RunRoute {
  private final Loop loop;
  private final Ends ends = new Ends();
  private final UrlRoute urls;

  RunRoute(Loop loop, UrlRoute urls) {
    this.loop = loop;
    this.urls = urls;
  }

  void get(HttpServerRequest request, Caller caller, String id) {
    find(
        request,
        caller,
        id,
        true,
        run -> {
          String accept = request.headers().get("accept");
          if (accept != null && accept.contains("text/event-stream")) {
            follow(request, run);
            return;
          }
          String known = request.headers().get("if-none-match");
          Duration patience = Prefer.wait(request.headers());
          if (run.terminal() != null || patience.isZero()) {
            snapshot(request.response(), run, known, null);
          } else {
            checkReaders(run);
            String applied = "wait=" + Prefer.text(patience);
            longPoll(
                request.response(),
                run,
                patience,
                () -> ended(request.response(), run, known, applied));
          }
        });
  }

  void cancel(HttpServerRequest request, Caller caller, String id) {
    find(
        request,
        caller,
        id,
        true,
        run -> {
          HttpServerResponse response = request.response();
          run.cancel(Terminal.CANCELLED);
          new Wait(run, loop.clock(), _ -> ended(response, run, null, null)).begin();
        });
  }

  void erase(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, true, run -> erase(request, run, id, "run", true));
  }

  /// Erases an ended run.
  ///
  /// @param id its id in the API, which calls it `object`
  void erase(HttpServerRequest request, Run run, String id, String object, boolean isNative) {
    if (run.terminal() == null) {
      throw new Refusal(
          400,
          "run_not_ended",
          "The run has not ended. Cancel it first: POST /v1/%ss/%s/cancel.".formatted(object, id));
    }
    loop.dispatcher()
        .erase(
            run,
            outcome -> {
              if (outcome instanceof Outcome.Stored) {
                Answers.send(
                    request.response(),
                    200,
                    Answers.JSON,
                    "{\"id\":%s,\"object\":\"%s\",\"deleted\":true}"
                        .formatted(JsonText.quoted(id), object)
                        .getBytes(UTF_8));
              } else {
                refuse(request, storeUnavailable("the erasure was not written"), isNative);
              }
            });
  }

  /// Signs a URL of the run.
  void sign(HttpServerRequest request, Caller caller, String id, String path) {
    urls.read(
        request,
        true,
        wanted -> find(request, caller, id, true, _ -> urls.answer(request, caller, path, wanted)));
  }

  /// The monitor of a chat call that was answered 202: 202 while it runs, then what it would have
  /// been answered.
  void monitor(HttpServerRequest request, Caller caller, String id) {
    long began = loop.clock().nanos();
    find(
        request,
        caller,
        id,
        false,
        run -> {
          Duration patience = Prefer.wait(request.headers());
          var delivery = Delivery.ofLook(patience.isZero() ? null : patience);
          var headers = new RunHeaders(loop, request, run, delivery, began, null, null);
          HttpServerResponse response = request.response();
          response.headersEndHandler(_ -> {
            // How it has ended stays as it is: who asks again is told the same.
            if (response.getStatusCode() >= 400 && !Step.MOVED.equals(run.terminal())) {
              response.putHeader("x-should-retry", "false");
            }
          });
          if (run.terminal() == null && patience.isZero()) {
            AcceptedAnswer.send(response, run, headers);
            return;
          }
          var answer = new PlainAnswer(loop, response, run, headers, false);
          if (run.terminal() == null) {
            answer.beginToDetach(patience);
          } else {
            answer.begin();
          }
        });
  }

  /// Finds a run, in memory or in the store, and goes on with it.
  void find(
      HttpServerRequest request, Caller caller, String id, boolean isNative, Consumer<Run> found) {
    look(
        request,
        caller,
        id,
        isNative,
        run -> {
          if (run == null) {
            throw notFound();
          }
          found.accept(run);
        });
  }

  /// The same, where there need not be one.
  void look(
      HttpServerRequest request,
      Caller caller,
      String id,
      boolean isNative,
      Consumer<@Nullable Run> found) {
    loop.dispatcher()
        .find(
            id,
            caller.tenant(),
            new Store.Reply<@Nullable Run>() {
              @Override
              public void is(@Nullable Run run) {
                try {
                  found.accept(run);
                } catch (Refusal refusal) {
                  Answers.refuse(request.response(), refusal, isNative);
                } catch (RuntimeException e) {
                  Answers.fault(request, e, isNative);
                }
              }

              @Override
              public void failed(String trouble) {
                refuse(request, storeUnavailable(trouble), isNative);
              }
            });
  }

  Refusal notFound() {
    return new Refusal(
        404,
        "run_not_found",
        "There is no run of this id that you may see. It may have been kept no longer: %s s after its end, or %s s if it was promised."
            .formatted(
                loop.config().server().keep().toSeconds(),
                loop.config().server().keepStored().toSeconds()));
  }

  static Failure storeUnavailable(String trouble) {
    return new Failure(
        503, "store_unavailable", "The store does not answer: " + trouble + ". Try again.");
  }

  private static void refuse(HttpServerRequest request, Failure failure, boolean isNative) {
    Answers.refuse(
        request.response(),
        new Refusal(failure.status(), failure.code(), failure.message()),
        isNative);
  }

  void checkReaders(Run run) {
    int max = loop.config().server().maxReaders();
    if (run.readers() >= max) {
      throw new Refusal(
          503,
          "too_many_readers",
          "This run has %,d readers, the most it may have. Try again in a moment, or raise max-readers."
              .formatted(max));
    }
  }

  private void follow(HttpServerRequest request, Run run) {
    String after = request.getParam("after");
    Position from =
        Position.parse(after != null ? after : request.headers().get("last-event-id"), run);
    if (run.terminal() != null && from.offset() == run.end() + 1) {
      // Tells an EventSource not to come back.
      request.response().setStatusCode(204).end();
      return;
    }
    checkReaders(run);
    new RunEvents(loop, request.response(), run, ends, from).begin();
  }

  /// Answers at the end of the run, or when the caller's patience is at an end.
  void longPoll(HttpServerResponse response, Run run, Duration patience, Runnable answer) {
    var timer = new AtomicReference<Clock.Timer>();
    var wait =
        new Wait(
            run,
            loop.clock(),
            _ -> {
              Clock.Timer pending = timer.get();
              if (pending != null) {
                pending.cancel();
              }
              answer.run();
            });
    response.closeHandler(_ -> {
      Clock.Timer pending = timer.get();
      if (pending != null) {
        pending.cancel();
      }
      wait.stop();
    });
    wait.begin();
    timer.set(
        loop.clock()
            .after(
                patience,
                () -> {
                  wait.stop();
                  answer.run();
                }));
  }

  /// Answers who has waited for the end of a run.
  private static void ended(
      HttpServerResponse response, Run run, @Nullable String known, @Nullable String applied) {
    Failure failure = Step.MOVED.failure();
    if (failure != null && Step.MOVED.equals(run.terminal())) {
      // The run has not ended, only its life here.
      Answers.problem(response, failure.status(), failure.code(), failure.message());
    } else {
      snapshot(response, run, known, applied);
    }
  }

  private static void snapshot(
      HttpServerResponse response, Run run, @Nullable String known, @Nullable String applied) {
    if (response.ended() || response.closed()) {
      return;
    }
    String etag = Snapshot.etag(run);
    response.putHeader("etag", etag);
    response.headers().add("vary", "Prefer, Accept");
    response.putHeader("cache-control", "no-cache");
    if (applied != null) {
      response.putHeader("preference-applied", applied);
    }
    if (known != null && Answers.matches(known, etag)) {
      response.setStatusCode(304).end();
    } else {
      Answers.send(response, 200, Answers.JSON, Snapshot.of(run));
    }
  }
}
