package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.dispatch.Batch;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Line;
import dev.meanwhile.dispatch.Listed;
import dev.meanwhile.dispatch.Progress;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.WebhookEvent;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// `POST /v1/operations/{name}/batch`, and `/v1/batches/{id}` with what is below it: a run by the
/// id that it has as a batch. What no batch of ours can be called is the upstream's.
final class BatchRoute {
  private static final String PATH = "/v1/batches/";
  private static final String JSONL = "application/jsonl";
  private static final Pattern OURS = Pattern.compile("batch_([0-9a-hjkmnp-tv-z]{26})");
  private static final Pattern CONTROL = Pattern.compile("\\p{Cc}");
  private static final int LONGEST_ID = 256;

  /// How many lines are read from the store at once.
  private static final int PAGE = 32;

  private static final Duration SHORTEST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofMinutes(1);
  private static final String NOTHING_KEPT = " Nothing of this batch was kept.";

  private final Loop loop;
  private final CallRoute calls;
  private final WebhookRoute webhooks;
  private final RunRoute runs;
  private final RelayRoute relay;

  BatchRoute(Loop loop, CallRoute calls, WebhookRoute webhooks, RunRoute runs, RelayRoute relay) {
    this.loop = loop;
    this.calls = calls;
    this.webhooks = webhooks;
    this.runs = runs;
    this.relay = relay;
  }

  void submit(HttpServerRequest request, String name, Caller caller) {
    CallRoute.Lines lines = calls.lines(request, name, caller);
    Label label = lines.label();
    Batch batch = loop.dispatcher().batch();
    Store store = loop.engine().store();
    if (batch == null || store == null) {
      throw refusal(Dispatcher.NO_STORE);
    }
    String trouble = store.trouble();
    if (trouble != null) {
      throw refusal(RunRoute.storeUnavailable(trouble));
    }
    if (!loop.ready().getAsBoolean()) {
      throw new Refusal(
          503, "shutting_down", "This server is stopping. Try again: another will answer.");
    }
    Runnable read =
        () -> {
          var server = loop.config().server();
          JsonLines.read(
              request,
              server.maxBody(),
              server.bodyTimeout(),
              loop.clock(),
              new Upload(request, lines, batch, label));
        };
    String webhook = lines.told().webhook();
    if (webhook == null) {
      read.run();
    } else {
      request.pause();
      webhooks.find(request, caller, webhook, _ -> read.run());
    }
  }

  private static Refusal refusal(Failure failure) {
    return new Refusal(failure.status(), failure.code(), failure.message());
  }

  /// A batch on its way into the store.
  private final class Upload implements JsonLines.Sink {
    private final HttpServerRequest request;
    private final CallRoute.Lines lines;
    private final Batch batch;
    private final @Nullable Label label;
    private long bytes;

    Upload(HttpServerRequest request, CallRoute.Lines lines, Batch batch, @Nullable Label label) {
      this.request = request;
      this.lines = lines;
      this.batch = batch;
      this.label = label;
    }

    @Override
    public void line(int number, byte[] line, JsonLines.Taken taken) {
      var server = loop.config().server();
      if (batch.count() == server.maxBatch()) {
        throw tooLarge(
            "Line %,d is one more than a batch may have.".formatted(number),
            "Send it in several, or raise max-batch.");
      }
      Map<String, String> members = JsonText.members(line);
      if (members == null) {
        throw at(
            number,
            400,
            "invalid_json",
            "it is not a JSON object, such as {\"id\": \"my-1\", \"variables\": {…}}, on a line of its own.",
            null);
      }
      members.forEach((name, _) -> {
        if (!name.equals("id") && !name.equals("variables")) {
          throw at(
              number,
              400,
              "unsupported_parameter",
              "it has an `id` and `variables`; '%s' is not supported.".formatted(name),
              name);
        }
      });
      String id = id(number, line, members.get("id"));
      String variables = members.get("variables");
      try {
        bytes +=
            batch.add(
                number,
                id,
                lines.of(variables == null ? new byte[0] : variables.getBytes(UTF_8)),
                lines.promise());
      } catch (Refusal refusal) {
        throw at(number, refusal.status(), refusal.code(), refusal.text(), refusal.param());
      }
      if (bytes > server.maxData()) {
        throw tooLarge(
            "With line %,d the requests of this batch are larger than max-data.".formatted(number),
            "Send it in several, or raise max-data.");
      }
      if (!batch.isFull()) {
        taken.next();
        return;
      }
      write(taken::next, taken::refused);
    }

    private void write(Runnable then, Consumer<Refusal> otherwise) {
      batch.write(outcome -> {
        switch (outcome) {
          case Outcome.Stored() -> then.run();
          case Outcome.Repeated(int line, int before) ->
              otherwise.accept(
                  at(
                      line,
                      400,
                      "repeated_id",
                      "line %,d has the same id. Give each line an id of its own, or none: then it is the number of the line."
                          .formatted(before),
                      "id"));
          case Outcome.Refused(String reason) ->
              otherwise.accept(refusal(RunRoute.storeUnavailable(reason)));
          case Outcome.Fenced(), Outcome.Conflict(_) ->
              otherwise.accept(
                  refusal(
                      RunRoute.storeUnavailable(
                          "this node was out of touch with it for a moment")));
        }
      });
    }

    private String id(int number, byte[] line, @Nullable String said) {
      if (said == null || said.equals("null")) {
        return Integer.toString(number);
      }
      String id = JsonText.string(line, "id");
      if (id == null
          || id.isEmpty()
          || id.length() > LONGEST_ID
          || CONTROL.matcher(id).find()
          || !new String(id.getBytes(UTF_8), UTF_8).equals(id)) {
        throw at(
            number,
            400,
            "invalid_parameter",
            "`id` is a text of 1 to %d characters.".formatted(LONGEST_ID),
            "id");
      }
      return id;
    }

    private Refusal tooLarge(String what, String how) {
      return new Refusal(413, "batch_too_large", what + " " + how + NOTHING_KEPT);
    }

    private Refusal at(int number, int status, String code, String what, @Nullable String param) {
      return new Refusal(
          status, code, "Line %,d: %s%s".formatted(number, what, NOTHING_KEPT), param);
    }

    @Override
    public void end() {
      if (batch.count() == 0) {
        refused(
            new Refusal(
                400,
                "batch_empty",
                "There is no line in the body. Each line is a JSON object, such as {\"id\": \"my-1\", \"variables\": {…}}."));
        return;
      }
      write(
          () ->
              batch.submit(
                  lines.about(),
                  lines.told(),
                  label,
                  outcome -> {
                    if (outcome instanceof Outcome.Stored) {
                      accepted();
                    } else {
                      refused(refusal(RunRoute.storeUnavailable("the batch was not written")));
                    }
                  }),
          this::refused);
    }

    private void accepted() {
      String run = batch.id();
      loop.dispatcher()
          .progress(
              run,
              lines.about().tenant(),
              answered(
                  request,
                  progress -> {
                    if (progress == null) {
                      throw notFound();
                    }
                    String address = loop.links().to(request, PATH + WebhookEvent.batchOf(run));
                    HttpServerResponse response = request.response();
                    response
                        .putHeader("location", address)
                        .putHeader(
                            "operation-location", loop.links().to(request, "/v1/runs/" + run))
                        .putHeader("x-request-id", run)
                        .putHeader("meanwhile-run", run);
                    send(request, 202, progress);
                  }));
    }

    @Override
    public void refused(Refusal refusal) {
      batch.drop();
      Answers.refuse(request.response(), refusal, false);
    }

    @Override
    public void gone() {
      batch.drop();
    }
  }

  /// How far it is.
  void get(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, (_, progress) -> send(request, 200, progress));
  }

  void cancel(HttpServerRequest request, Caller caller, String id) {
    find(
        request,
        caller,
        id,
        (run, _) ->
            loop.dispatcher()
                .stop(
                    run,
                    outcome -> {
                      if (outcome instanceof Outcome.Refused(String reason)) {
                        Answers.refuse(
                            request.response(), refusal(RunRoute.storeUnavailable(reason)), false);
                      } else {
                        // What has ended stays as it is.
                        get(request, caller, id);
                      }
                    }));
  }

  void erase(HttpServerRequest request, Caller caller, String id) {
    find(
        request,
        caller,
        id,
        (run, progress) -> {
          checkEnded(id, progress);
          runs.find(request, caller, run, false, it -> runs.erase(request, it, id, "batch", false));
        });
  }

  /// What became of its lines, in their order, once all have ended.
  ///
  /// @param failed whether only those that have no answer
  void lines(HttpServerRequest request, Caller caller, String id, boolean failed) {
    find(
        request,
        caller,
        id,
        (run, progress) -> {
          checkEnded(id, progress);
          new Results(request.response(), run, failed).next();
        });
  }

  private static void checkEnded(String id, Progress progress) {
    if (progress.run().endedAt() == 0) {
      throw new Refusal(
          400,
          "batch_not_ended",
          "The batch has not ended: %,d of %,d lines have. GET %s%s tells how far it is; POST %s%s/cancel stops it."
              .formatted(progress.ended(), progress.total(), PATH, id, PATH, id));
    }
  }

  private interface Found {
    void found(String run, Progress progress);
  }

  private void find(HttpServerRequest request, Caller caller, String id, Found found) {
    var ours = OURS.matcher(id);
    if (!ours.matches()) {
      relay.handle(request, caller);
      return;
    }
    String run = "run_" + ours.group(1);
    loop.dispatcher()
        .progress(
            run,
            caller.tenant(),
            answered(
                request,
                progress -> {
                  if (progress == null) {
                    throw notFound();
                  }
                  found.found(run, progress);
                }));
  }

  private Refusal notFound() {
    return new Refusal(
        404,
        "batch_not_found",
        "There is no batch of this id that you may see. It may have been kept no longer: %s s after its end."
            .formatted(loop.config().server().keepStored().toSeconds()));
  }

  private Store.Reply<@Nullable Progress> answered(
      HttpServerRequest request, Consumer<@Nullable Progress> then) {
    return new Store.Reply<>() {
      @Override
      public void is(@Nullable Progress answer) {
        try {
          then.accept(answer);
        } catch (Refusal refusal) {
          Answers.refuse(request.response(), refusal, false);
        } catch (RuntimeException e) {
          Answers.fault(request, e, false);
        }
      }

      @Override
      public void failed(String trouble) {
        Answers.refuse(request.response(), refusal(RunRoute.storeUnavailable(trouble)), false);
      }
    };
  }

  private void send(HttpServerRequest request, int status, Progress progress) {
    HttpServerResponse response = request.response();
    Duration left = left(progress);
    if (left != null) {
      Duration poll =
          left.compareTo(SHORTEST) < 0 ? SHORTEST : left.compareTo(LONGEST) > 0 ? LONGEST : left;
      response
          .putHeader("retry-after", Long.toString((poll.toMillis() + 999) / 1_000))
          .putHeader("openai-poll-after-ms", Long.toString(poll.toMillis()));
    }
    Answers.send(response, status, Answers.JSON, json(request, progress, left).getBytes(UTF_8));
  }

  /// How much longer it will take, by its pace so far, or before there is one by how long such
  /// calls take; null if it has ended.
  private @Nullable Duration left(Progress progress) {
    Listed run = progress.run();
    int lines = progress.total() - progress.ended();
    if (run.endedAt() > 0) {
      return null;
    }
    if (progress.ended() > 0) {
      long taken = Math.max(1, loop.clock().millis() - run.createdAt());
      return Duration.ofMillis((long) ((double) taken * lines / progress.ended()));
    }
    var about = run.about();
    var call =
        new Run.About(
            about.tenant(),
            "chat",
            about.upstream(),
            about.model(),
            false,
            false,
            false,
            null,
            false,
            about.operation(),
            0);
    long atOnce = loop.engine().queue(about.upstream()).atOnce();
    return loop.typical().whole(call).multipliedBy(lines).dividedBy(atOnce);
  }

  private String json(HttpServerRequest request, Progress progress, @Nullable Duration left) {
    Listed run = progress.run();
    boolean ended = run.endedAt() > 0;
    boolean cancelled = run.status().equals("cancelled");
    String id = WebhookEvent.batchOf(run.id());
    String seconds = ended ? Long.toString(run.endedAt() / 1_000) : "null";
    String address = loop.links().to(request, PATH + id);
    return "{\"id\":"
        + JsonText.quoted(id)
        + ",\"object\":\"batch\",\"operation\":"
        + JsonText.quoted(run.about().operation())
        + ",\"model\":"
        + JsonText.quoted(run.about().model())
        + ",\"status\":"
        + JsonText.quoted(!ended && progress.stopping() ? "cancelling" : run.status())
        + ",\"created_at\":"
        + run.createdAt() / 1_000
        + ",\"completed_at\":"
        + (cancelled ? "null" : seconds)
        + ",\"cancelled_at\":"
        + (cancelled ? seconds : "null")
        + ",\"request_counts\":{\"total\":"
        + progress.total()
        + ",\"completed\":"
        + progress.completed()
        + ",\"failed\":"
        + progress.failed()
        + ",\"cancelled\":"
        + progress.cancelled()
        + "},\"eta_ms\":"
        + (left == null ? "null" : Long.toString(left.toMillis()))
        + ",\"results\":"
        + (ended ? JsonText.quoted(address + "/results") : "null")
        + ",\"errors\":"
        + (ended ? JsonText.quoted(address + "/errors") : "null")
        + "}";
  }

  /// Sends what became of the lines, as fast as it is taken.
  private final class Results implements Store.Reply<List<Line>> {
    private final HttpServerResponse response;
    private final String run;
    private final boolean failed;
    private int after;

    Results(HttpServerResponse response, String run, boolean failed) {
      this.response = response;
      this.run = run;
      this.failed = failed;
    }

    void next() {
      if (!response.closed()) {
        loop.dispatcher().lines(run, after, PAGE, failed, this);
      }
    }

    @Override
    public void is(List<Line> lines) {
      if (response.closed()) {
        return;
      }
      if (!response.headWritten()) {
        response
            .setChunked(true)
            .putHeader("content-type", JSONL)
            .putHeader("cache-control", "no-store");
      }
      if (lines.isEmpty()) {
        response.end();
        return;
      }
      var page = Buffer.buffer();
      lines.forEach(line -> append(page, line));
      after = lines.getLast().number();
      response.write(page);
      if (response.writeQueueFull()) {
        response.drainHandler(_ -> {
          response.drainHandler(null);
          next();
        });
      } else {
        next();
      }
    }

    @Override
    public void failed(String trouble) {
      if (response.headWritten()) {
        // What breaks must look broken.
        response.reset();
      } else {
        Answers.refuse(response, refusal(RunRoute.storeUnavailable(trouble)), false);
      }
    }
  }

  private static void append(Buffer page, Line line) {
    Run run = line.run();
    Terminal terminal = run == null ? null : run.terminal();
    Failure failure =
        run == null
            ? new Failure(404, "run_erased", "The run of this line was erased.")
            : terminal == null ? null : terminal.failure();
    byte[] output =
        terminal == null || run == null || failure != null ? null : Snapshot.output(run, run.end());
    page.appendString("{\"id\":")
        .appendString(JsonText.quoted(line.id()))
        .appendString(",\"line\":")
        .appendString(Integer.toString(line.number()))
        .appendString(",\"run\":")
        .appendString(JsonText.quoted(run == null ? null : run.id()))
        .appendString(",\"status\":")
        .appendString(JsonText.quoted(run == null ? "failed" : run.status().word()))
        .appendString(",\"output\":");
    if (output == null) {
      page.appendString("null");
    } else {
      page.appendBytes(onOneLine(output));
    }
    page.appendString(",\"error\":").appendString(Snapshot.error(failure)).appendString("}\n");
  }

  /// Between its tokens JSON may have line breaks, which here end it.
  private static byte[] onOneLine(byte[] json) {
    byte[] line = json.clone();
    for (int i = 0; i < line.length; i++) {
      if (line[i] == '\n' || line[i] == '\r') {
        line[i] = ' ';
      }
    }
    return line;
  }
}
