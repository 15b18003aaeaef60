package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.cache.Key;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Dispatcher.Prefetched;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.ChatTemplate.Filled;
import dev.meanwhile.openai.Envelope;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.ResponsesRequest;
import dev.meanwhile.openai.Splice;
import dev.meanwhile.prefetch.Fetch;
import dev.meanwhile.server.Recent;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.CachePolicy;
import dev.meanwhile.server.config.Coalesce;
import dev.meanwhile.server.config.Operation;
import dev.meanwhile.server.config.Secret;
import dev.meanwhile.server.config.Server;
import dev.meanwhile.server.prefetch.AheadCalls;
import dev.meanwhile.server.upstream.Client;
import dev.meanwhile.server.upstream.Headers;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Told;
import dev.meanwhile.upstream.Request;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// `POST /v1/chat/completions`, `POST /v1/embeddings`, and what is made of a chat call: `POST
/// /v1/responses`, `POST /v1/operations/{name}`. Every call is a run.
final class CallRoute implements AheadCalls {
  private static final String PATH = "/responses";
  private static final Duration PLAIN_GRACE = Duration.ZERO;
  private static final Duration RETRYING_GRACE = Duration.ofSeconds(10);
  private static final Duration STREAM_GRACE = Duration.ofSeconds(15);

  /// The priority of background work: interactive > background > refresh > prefetch.
  private static final int BACKGROUND = 1;

  /// How many kinds of calls are remembered.
  private static final int REMEMBERED = 1_000;

  private final Loop loop;
  private final WebhookRoute webhooks;
  private final OperationRoute operations;
  private final Map<Run.About, Run.About> abouts = new Recent<>(REMEMBERED);
  private final RequestKeys keys;
  private final Clocks clocks;

  /// What has come.
  ///
  /// @param route what was asked of this server, where that is no route of the upstream's; or null
  /// @param operation what it calls, or null
  /// @param filled the operation's prompt, where that is what it asks, or null
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Incoming(
      HttpServerRequest request,
      Api api,
      @Nullable String route,
      Caller caller,
      @Nullable Operation operation,
      @Nullable Filled filled,
      byte[] body,
      long began) {
    MultiMap headers() {
      return request.headers();
    }

    /// The same, which is made of a call in another API, or of an operation.
    Incoming as(Api other, @Nullable Operation called, @Nullable Filled prompt) {
      return new Incoming(request, other, route, caller, called, prompt, body, began);
    }
  }

  /// What a chat call is made for.
  ///
  /// @param body the request with its prompt written out
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Asking(ResponsesRequest request, byte[] body) {}

  CallRoute(Loop loop, WebhookRoute webhooks, OperationRoute operations) {
    this.loop = loop;
    this.webhooks = webhooks;
    this.operations = operations;
    this.keys = new RequestKeys(loop.secret());
    Server server = loop.config().server();
    this.clocks =
        new Clocks(
            server.connectTimeout(),
            server.firstContentTimeout(),
            server.betweenTimeout(),
            server.totalTimeout());
  }

  /// A call in one of the APIs; it may name an operation, whose policies then hold.
  void handle(HttpServerRequest request, Api api, Caller caller) {
    String tag = request.headers().get("meanwhile-operation");
    Operation operation = tag == null ? null : operations.find(tag.strip(), "Meanwhile-Operation");
    long began = loop.clock().nanos();
    read(
        request,
        body -> {
          var in = new Incoming(request, api, null, caller, operation, null, body, began);
          if (api == Api.RESPONSES) {
            responses(in);
          } else {
            Envelope envelope = envelope(body);
            boolean streamed = api == Api.CHAT && envelope.stream();
            accept(in, null, envelope, delivery(in, streamed, false));
          }
        });
  }

  /// A call of an operation: the body has the variables of its prompt.
  void operate(HttpServerRequest request, String name, Caller caller) {
    Operation operation = operations.find(name, null);
    ChatTemplate template = OperationRoute.template(operation);
    long began = loop.clock().nanos();
    read(
        request,
        body -> {
          Filled filled = template.fill(body);
          check(filled.problem());
          String route = OperationRoute.PATH + "/" + name;
          var in = new Incoming(request, Api.CHAT, route, caller, operation, filled, body, began);
          boolean async = Prefer.respondAsync(in.headers());
          Deliver deliver = async ? Deliver.ASYNC : deliver(in.headers(), operation.deliver());
          boolean streamed = deliver == Deliver.STREAM;
          boolean later = operation.deliver() == Deliver.ASYNC && !streamed;
          accept(in, null, envelope(filled.chat(streamed)), delivery(in, streamed, later));
        });
  }

  /// What the lines of a batch have in common: the operation that they call, and its caller.
  ///
  /// @throws Refusal if it cannot be called so
  Lines lines(HttpServerRequest request, String name, Caller caller) {
    Operation operation = operations.find(name, null);
    ChatTemplate template = OperationRoute.template(operation);
    if (request.headers().contains("idempotency-key")) {
      throw new Refusal(
          400,
          "unsupported_parameter",
          "A batch takes no Idempotency-Key: it is not read twice to compare it. Give each line an id.",
          "Idempotency-Key");
    }
    long began = loop.clock().nanos();
    byte[] nothing = {};
    var in =
        new Incoming(
            request,
            Api.CHAT,
            OperationRoute.PATH + "/" + name,
            caller,
            operation,
            null,
            nothing,
            began);
    Delivery delivery = delivery(in, false, true).ofBackground();
    return new Lines(in, template, delivery);
  }

  /// Makes runs of lines.
  final class Lines {
    private final Incoming in;
    private final ChatTemplate template;
    private final Delivery delivery;
    private final boolean borrowed;
    private final Submission.Promise promise;

    private Lines(Incoming in, ChatTemplate template, Delivery delivery) {
      this.in = in;
      this.template = template;
      this.delivery = delivery;
      this.borrowed = borrows(in, template.model());
      this.promise =
          new Submission.Promise(
              true,
              BACKGROUND + 1,
              loop.clock().millis() + loop.config().server().backgroundDeadline().toMillis(),
              null);
    }

    /// Who is told of the end of the batch.
    Told told() {
      return delivery.told();
    }

    /// In which channel the batch is told of, or null.
    @Nullable Label label() {
      return FeedRoute.label(
          loop, in.request, Api.CHAT, in.operation == null ? "" : in.operation.name());
    }

    /// What each of them is promised.
    Submission.Promise promise() {
      return promise;
    }

    /// What the batch is of.
    Run.About about() {
      Operation operation = in.operation;
      return new Run.About(
          in.caller.tenant(),
          Notice.BATCH,
          loop.clientOf(template.model()).config().name(),
          template.model(),
          false,
          false,
          false,
          null,
          false,
          operation == null ? null : operation.name(),
          0);
    }

    /// The call that a line asks for.
    ///
    /// @param variables a JSON object
    /// @throws Refusal if they do not fill the prompt
    Submission of(byte[] variables) {
      Filled filled = template.fill(variables);
      check(filled.problem());
      return submission(
          in.as(Api.CHAT, in.operation, filled),
          null,
          envelope(filled.chat(false)),
          delivery,
          borrowed);
    }
  }

  /// A caller that takes events gets them; one that takes JSON and no events does not.
  private static Deliver deliver(MultiMap headers, Deliver usual) {
    String accept = String.join(",", headers.getAll("accept")).toLowerCase(Locale.ROOT);
    if (accept.contains("text/event-stream")) {
      return Deliver.STREAM;
    }
    return usual == Deliver.STREAM && accept.contains(Answers.JSON) ? Deliver.SYNC : usual;
  }

  private void read(HttpServerRequest request, Consumer<byte[]> then) {
    Bodies.read(loop, request, loop.config().server().maxBody(), false, then);
  }

  private Delivery delivery(Incoming in, boolean streamed, boolean later) {
    return Delivery.of(
        in.headers(), in.caller, streamed, in.operation, later, loop.config().mail());
  }

  private void responses(Incoming in) {
    String prompt = JsonText.member(in.body, "prompt");
    Operation named = prompt == null ? null : ofPrompt(prompt, in.body);
    if (prompt == null || named == null) {
      responses(in, in.body, null);
      return;
    }
    envelope(in.body); // all of it is JSON
    String variables = JsonText.member(prompt.getBytes(UTF_8), "variables");
    String input = variables == null || variables.equals("null") ? "{}" : variables;
    Filled filled = OperationRoute.template(named).fill(input.getBytes(UTF_8));
    check(filled.problem());
    Incoming called = in.as(Api.RESPONSES, in.operation == null ? named : in.operation, filled);
    responses(called, filled.responses(in.body), filled);
  }

  /// The operation that a `prompt` names; null if this is for the upstream to judge, or for whoever
  /// reads the rest of the request.
  private @Nullable Operation ofPrompt(String prompt, byte[] body) {
    var members = JsonText.members(prompt.getBytes(UTF_8));
    String id = members == null ? null : JsonText.string(prompt.getBytes(UTF_8), "id");
    if (members == null || id == null) {
      return null;
    }
    Operation operation = operations.findOrNull(id);
    if (operation == null) {
      Client client = loop.clientOf(envelope(body).model());
      return client.config().api() == dev.meanwhile.server.config.Api.RESPONSES
          ? null
          : operations.find(id, "prompt.id");
    }
    members.forEach((name, value) -> {
      if (!name.equals("id") && !name.equals("variables") && !value.equals("null")) {
        throw new Refusal(
            400,
            "unsupported_parameter",
            "A prompt is the id of an operation and its variables; '%s' is not supported."
                .formatted(name),
            "prompt." + name);
      }
    });
    return operation;
  }

  /// @param body the request, its prompt written out
  /// @param filled the prompt of an operation that it names, or null
  private void responses(Incoming in, byte[] body, @Nullable Filled filled) {
    Client client = loop.clientOf(envelope(body).model());
    // What an operation asks is a chat call, whoever speaks what.
    boolean relayed =
        filled == null && client.config().api() == dev.meanwhile.server.config.Api.RESPONSES;
    ResponsesRequest asked = relayed ? ResponsesRequest.relayed(body) : ResponsesRequest.of(body);
    check(asked.problem());
    if (asked.background() && !asked.store()) {
      throw new Refusal(
          400,
          "unsupported_parameter",
          "'store' must be true where 'background' is: nobody else could ask for the answer.",
          "store");
    }
    Delivery delivery = delivery(in, asked.stream(), false);
    Delivery how = asked.background() ? delivery.ofBackground() : delivery;
    var asking = new Asking(asked, body);
    if (relayed) {
      relayed(in, asking, how);
      return;
    }
    new Turns(
            loop,
            in.caller.tenant(),
            turns -> {
              try {
                byte[] chat = asked.chat(turns);
                Envelope envelope = envelope(filled == null ? chat : filled.withParameters(chat));
                accept(in.as(Api.CHAT, in.operation, filled), asking, envelope, how);
              } catch (Refusal refusal) {
                Answers.refuse(in.request.response(), refusal, false);
              } catch (RuntimeException e) {
                // Nobody else would answer: this may be called by the store's.
                Answers.fault(in.request, e, false);
              }
            },
            refusal -> Answers.refuse(in.request.response(), refusal, false))
        .before(asked.previous());
  }

  /// The upstream speaks this API: it gets what was said, and an answer of ours that it goes on
  /// from by the name that it has there.
  private void relayed(Incoming in, Asking asking, Delivery delivery) {
    Turns.theirName(
        loop,
        in.caller.tenant(),
        asking.request.previous(),
        name -> {
          try {
            byte[] said =
                name == null
                    ? in.body
                    : Splice.of(in.body, Map.of("previous_response_id", JsonText.quoted(name)));
            accept(in, asking, envelope(said), delivery);
          } catch (Refusal refusal) {
            Answers.refuse(in.request.response(), refusal, false);
          } catch (RuntimeException e) {
            // Nobody else would answer: this may be called by the store's.
            Answers.fault(in.request, e, false);
          }
        },
        refusal -> Answers.refuse(in.request.response(), refusal, false));
  }

  private static Envelope envelope(byte[] body) {
    Envelope envelope = Envelope.of(body);
    check(envelope.problem());
    return envelope;
  }

  private static void check(Envelope.@Nullable Problem problem) {
    if (problem != null) {
      throw new Refusal(400, problem.code(), problem.message(), problem.param());
    }
  }

  /// @param asking what the chat call of `envelope` is made for, or null if it is the caller's own
  private void accept(Incoming in, @Nullable Asking asking, Envelope envelope, Delivery delivery) {
    boolean borrowed = borrows(in, envelope.model());
    Delivery how = borrowed ? delivery.bound() : delivery;
    Submission submission = submission(in, asking, envelope, how, borrowed);
    var answering = new Answering(in, envelope, how, submission);
    String webhook = how.told().webhook();
    if (how.told().mail() != null && loop.engine().store() == null) {
      answering.refused(Dispatcher.NO_STORE);
    } else if (webhook == null) {
      loop.dispatcher().accept(submission, answering);
    } else {
      webhooks.find(
          in.request, in.caller, webhook, _ -> loop.dispatcher().accept(submission, answering));
    }
  }

  /// What becomes of one call, on this loop.
  private final class Answering implements Dispatcher.Answer {
    private final Incoming in;
    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final @Nullable Operation operation;
    private final Envelope envelope;
    private final Delivery delivery;
    private final Submission submission;
    private final long began;
    private @Nullable Hit hit;

    /// Whether those who look ahead were told.
    private boolean foreseen;

    Answering(Incoming in, Envelope envelope, Delivery delivery, Submission submission) {
      this.in = in;
      this.request = in.request;
      this.response = request.response();
      this.operation = in.operation;
      this.envelope = envelope;
      this.delivery = delivery;
      this.submission = submission;
      this.began = in.began;
    }

    @Override
    public void accepted(Run run) {
      try {
        answer(run);
      } catch (RuntimeException e) {
        // Nobody else would answer: this may be called by the store's.
        Answers.fault(request, e, false);
      }
    }

    @Override
    public void found(Run run, Hit found) {
      hit = found;
      accepted(run);
    }

    /// Gives a kept answer in the place of one that failed or is late, if there is one.
    private boolean spare() {
      return hit == null && loop.dispatcher().spare(submission, this);
    }

    private void answer(Run run) {
      if (submission.caching() != null) {
        loop.metrics().cache(submission.about().operation(), hit);
        if (!foreseen) {
          foreseen = true;
          foresee(in, submission, hit, run);
        }
      }
      var headers = headers(run);
      if (Responses.speaks(run)) {
        answerResponses(run, headers);
      } else if (delivery.background() && run.terminal() == null) {
        AcceptedAnswer.send(response, run, headers);
      } else if (submission.about().streamed() && !delivery.background()) {
        new StreamAnswer(loop, response, run, headers, envelope.includeUsage())
            .orElse(this::spare)
            .begin();
      } else {
        plain(run, headers, false);
      }
    }

    private RunHeaders headers(Run run) {
      return new RunHeaders(loop, request, run, delivery, began, submission, hit);
    }

    private void answerResponses(Run run, RunHeaders headers) {
      if (run.about().attached() && ResponsesRoute.kept(run) != null) {
        // All others were promised before they began.
        run.keep(_ -> {});
      }
      // In the foreground the upstream's own words, where it speaks this API.
      boolean theirs = submission.request().api().equals(Api.RESPONSES.word());
      boolean accepted = delivery.background() && (delivery.async() || !delivery.inBackground());
      if (submission.about().streamed() && theirs && !delivery.background()) {
        new StreamAnswer(loop, response, run, headers, true).begin();
      } else if (submission.about().streamed() && !accepted) {
        boolean ids = "true".equals(request.getParam("sse_id"));
        var answer = new ResponsesAnswer(loop, response, run, headers, false, -1, ids);
        if (delivery.inBackground()) {
          answer.beginAtOnce();
        } else {
          answer.beginHeld();
        }
      } else if (delivery.inBackground() || delivery.background() && run.terminal() == null) {
        AcceptedAnswer.send(response, run, headers);
      } else {
        plain(run, headers, theirs);
      }
    }

    private void plain(Run run, RunHeaders headers, boolean theirs) {
      var answer = new PlainAnswer(loop, response, run, headers, theirs).orElse(this::spare);
      Duration after = delivery.detachAfter();
      Duration giveUp = delivery.giveUpAfter();
      String fallback = operation == null ? null : operation.fallback();
      if (after != null && !after.isZero()) {
        answer.beginToDetach(after);
      } else if (giveUp == null || fallback != null && run.about().api().equals("embeddings")) {
        // There is no text that could be an embedding.
        answer.begin();
      } else {
        answer.beginToGiveUp(giveUp, () -> gaveUp(run, headers, fallback));
      }
    }

    /// The budget has run out.
    ///
    /// @return false if the caller goes on waiting all the same
    private boolean gaveUp(Run run, RunHeaders headers, @Nullable String fallback) {
      if (delivery.atBudget() == AtBudget.STALE) {
        return spare();
      }
      if (fallback != null) {
        Run constant = Fallback.of(loop, run, fallback);
        response.putHeader("meanwhile-fallback", "value");
        RunHeaders instead = headers(constant);
        instead.late();
        new PlainAnswer(loop, response, constant, instead, false).begin();
        return true;
      }
      headers.writeInstead(response);
      Answers.error(
          response,
          504,
          "budget_exceeded",
          "There was no answer within the budget of %d ms. GET /v1/runs/%s tells what became of the run: with `on-leave: finish` it goes on."
              .formatted(Objects.requireNonNull(delivery.budget()).toMillis(), run.id()),
          null);
      return true;
    }

    @Override
    public void refused(Failure failure) {
      if (failure.status() == 429) {
        // One place in the queue is free again after about so long.
        long millis = loop.typical().whole(submission.about()).toMillis();
        response.putHeader("retry-after", Long.toString(Math.max(1, (millis + 999) / 1_000)));
      }
      Answers.error(response, failure.status(), failure.code(), failure.message(), null);
    }

    @Override
    public void held(IdempotencyEntry.Held holder) {
      var key = Objects.requireNonNull(Objects.requireNonNull(submission.promise()).key());
      if (!Arrays.equals(key.bodyHash(), holder.bodyHash())) {
        Answers.error(
            response,
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used with another body. Use a new key for a new request.",
            "Idempotency-Key");
        return;
      }
      loop.dispatcher()
          .find(
              holder.run(),
              submission.about().tenant(),
              new Store.Reply<@Nullable Run>() {
                @Override
                public void is(@Nullable Run run) {
                  if (run == null) {
                    // It was erased in this moment: the key is free again.
                    loop.dispatcher().accept(submission, Answering.this);
                  } else {
                    response.putHeader("idempotency-replayed", "true");
                    accepted(run);
                  }
                }

                @Override
                public void failed(String trouble) {
                  refused(RunRoute.storeUnavailable(trouble));
                }
              });
    }
  }

  private Submission submission(
      Incoming in,
      @Nullable Asking asking,
      Envelope envelope,
      Delivery delivery,
      boolean borrowed) {
    Api api = in.api;
    Caller caller = in.caller;
    Operation operation = in.operation;
    ResponsesRequest asked = asking == null ? null : asking.request;
    // Without one the upstream says what it thinks of that.
    String model = envelope.model() == null ? "" : envelope.model();
    String upstream = loop.clientOf(model).config().name();
    int slash = model.indexOf('/');
    boolean prefixed = slash > 0 && loop.clients().containsKey(model.substring(0, slash));
    String renamed = prefixed ? model.substring(slash + 1) : null;
    boolean relayed = api == Api.RESPONSES;
    boolean streamed = api != Api.EMBEDDINGS && envelope.stream();
    // Who may leave before the end is served by a stream, so that no token is lost; so is who wants
    // to see that tokens come.
    boolean edited =
        api != Api.EMBEDDINGS && (delivery.detachAfter() != null || watches(operation));
    byte[] sent =
        renamed == null && !edited
            ? envelope.body()
            : relayed
                ? relayed(envelope.body(), renamed, edited, delivery)
                : envelope.edited(renamed, edited);
    String path = relayed ? PATH : api == Api.CHAT ? "/chat/completions" : "/embeddings";
    boolean own = in.route == null && (asked == null || relayed);
    String query = own ? in.request.query() : null;
    var call =
        new Request(
            upstream,
            api.word(),
            query == null ? path : path + "?" + query,
            in.filled == null
                ? upHeaders(in.request, caller, upstream)
                : asJson(upHeaders(in.request, caller, upstream)),
            sent,
            streamed || edited);
    if (borrowed && (delivery.detachAfter() != null || delivery.told().any())) {
      throw new Refusal(
          400,
          "upstream_key_required",
          "Work that outlives its request cannot go up with its caller's own key, which is never stored. Configure the upstream's key: --upstream-key-env NAME, or api-key in the file.");
    }
    String name = operation == null ? null : operation.name();
    Label label = FeedRoute.label(loop, in.request, api, name == null ? model : name);
    String retryCount = in.headers().get("x-stainless-retry-count");
    boolean comesBack = retryCount != null || delivery.idempotencyKey() != null;
    boolean fresh = CacheControl.of(in.headers()).isAlone();
    Duration work = delivery.work();
    boolean expires = work != null && operation != null && operation.expire();
    var about =
        new Run.About(
            caller.tenant(),
            asked == null ? call.api() : Api.RESPONSES.word(),
            upstream,
            model,
            streamed,
            false,
            asked == null && envelope.base64(),
            asking == null ? null : new String(asking.body, UTF_8),
            asked != null && asked.store(),
            name,
            work == null ? 0 : work.toMillis());
    String route = in.route != null ? in.route : asked == null ? call.path() : PATH;
    boolean alone = relayed || asked != null && !asked.isAlone();
    Caching caching =
        alone
            ? null
            : caching(
                caller,
                operation,
                counted(in, operation, envelope.body()),
                in.headers(),
                in.body,
                call,
                model,
                envelope.body());
    OnLeave onLeave = onLeave(caller, operation);
    return new Submission(
        asked == null ? about(about) : about,
        call,
        // Its last event has it in any case.
        relayed || edited || envelope.includeUsage(),
        clocks(operation),
        // Whoever is told of the end wants there to be one.
        delivery.told().any()
            ? OnLeave.CONTINUE
            : caching != null && onLeave == OnLeave.CANCEL ? OnLeave.FINISH : onLeave,
        grace(streamed, comesBack),
        retryCount == null
            ? null
            : keys.ofRetry(caller, call, in.route == null ? call.path() : route, in.body),
        retryCount != null && !retryCount.equals("0") && !fresh,
        // Of a log that others read nobody would be told for this call, nor may it end for them.
        fresh || expires || delivery.told().any() || label != null || alone
            ? null
            : caching != null
                ? caching.key()
                : coalesces(caller, api, envelope)
                    ? keys.ofSame(caller, call, name, in.headers(), model, envelope.body())
                    : null,
        borrowed,
        caching,
        supersedes(in),
        expires,
        promise(in, route, asked, delivery, label));
  }

  /// What this call may take from the cache and leave there, or null.
  private @Nullable Caching caching(
      Caller caller,
      @Nullable Operation operation,
      @Nullable Filled filled,
      MultiMap headers,
      byte[] body,
      Request call,
      String model,
      byte[] asked) {
    CachePolicy policy = operation == null ? null : operation.cache();
    CacheControl said = CacheControl.of(headers);
    if (operation == null || policy == null || said.noStore()) {
      return null;
    }
    String user = null;
    if (policy.share() == CachePolicy.Share.USER) {
      user = user(body);
      if (user == null) {
        return null;
      }
    }
    byte[] values = policy.key() == null || filled == null ? null : filled.values(policy.key());
    Key key = keys.ofCache(caller, call, operation.name(), headers, model, user, values, asked);
    if (key == null) {
      return null;
    }
    Set<String> tags = new HashSet<>();
    tags.add(CacheRoute.ofOperation(operation.name()));
    policy.tags().forEach(tag -> tags.add(CacheRoute.ofTag(tag)));
    return new Caching(
        key,
        policy.freshness(),
        tags,
        !said.noCache(),
        said.onlyIfCached(),
        said.maxAge(),
        said.minFresh(),
        said.maxStale());
  }

  /// Who it is that asks, as it is said, and in which word; null if it is not.
  private static @Nullable String user(byte[] body) {
    Map<String, String> members = JsonText.members(body);
    for (String word : List.of("user", "safety_identifier")) {
      String said = members == null ? null : members.get(word);
      if (said != null && said.startsWith("\"") && !said.equals("\"\"")) {
        return word + said;
      }
    }
    return null;
  }

  /// The same, in whichever word: who types is one, whatever he is called.
  private static @Nullable String person(byte[] body) {
    String named = JsonText.string(body, "user");
    return named == null ? JsonText.string(body, "safety_identifier") : named;
  }

  /// What this call has in common with the older one whose place it takes, or null if it takes
  /// nobody's: its operation does not say so, or it does not say all that the operation names.
  private @Nullable Key supersedes(Incoming in) {
    if (in.operation == null || in.operation.supersede().isEmpty()) {
      return null;
    }
    var values = new ArrayList<String>();
    for (String name : in.operation.supersede()) {
      String value = name.equals("user") ? person(in.body) : null;
      if (value == null) {
        value = in.filled == null ? JsonText.member(in.body, name) : in.filled.given(name);
      }
      if (value == null) {
        return null;
      }
      values.add(value);
    }
    return keys.ofSuperseding(in.caller, in.operation.name(), values);
  }

  /// What counts alone of a call: an operation's variables, where they are all that its caller
  /// brings. An SDK may add more to what it asks, or ask what another operation does.
  private static @Nullable Filled counted(
      Incoming in, @Nullable Operation operation, byte[] asked) {
    Filled filled = in.filled;
    if (filled == null
        || operation == null
        || operation.cache() == null
        || operation.cache().key() == null
        || filled.template() != operation.template()) {
      return null;
    }
    return in.route != null || filled.isAllOf(asked) ? filled : null;
  }

  /// What asks `filled` of an operation for the cache alone; its answer serves plain and streamed
  /// callers.
  ///
  /// @param headers what of a caller's headers counts, and goes up
  /// @return null if its answer is not kept
  @Nullable Submission ahead(
      Operation operation, Filled filled, Caller caller, MultiMap headers, byte[] variables) {
    Envelope envelope = envelope(filled.chat(true));
    String model = Objects.requireNonNull(envelope.model(), "an operation's prompt names one");
    String upstream = loop.clientOf(model).config().name();
    String prefix = upstream + "/";
    var call =
        new Request(
            upstream,
            Api.CHAT.word(),
            "/chat/completions",
            Headers.up(headers),
            model.startsWith(prefix)
                ? envelope.edited(model.substring(prefix.length()), true)
                : envelope.body(),
            true);
    Caching caching =
        caching(caller, operation, filled, headers, variables, call, model, envelope.body());
    return caching == null
        ? null
        : new Submission(
            about(
                new Run.About(
                    caller.tenant(),
                    call.api(),
                    upstream,
                    model,
                    false,
                    false,
                    false,
                    null,
                    false,
                    operation.name(),
                    0)),
            call,
            true,
            clocks(operation),
            OnLeave.FINISH,
            PLAIN_GRACE,
            null,
            false,
            caching.key(),
            false,
            caching,
            null,
            false,
            null);
  }

  @Override
  public void ask(
      Operation operation, Filled filled, String tenant, Fetch.Need need, Prefetched told) {
    var nobody = new Caller(tenant, "", false, false, Coalesce.NEVER, OnLeave.FINISH, false);
    byte[] variables = filled.input().getBytes(UTF_8);
    Submission asked = ahead(operation, filled, nobody, PrefetchRoute.headers(), variables);
    if (asked == null) {
      told.unmade();
      return;
    }
    Duration age =
        need.since() == 0
            ? null
            : Duration.ofMillis(Math.max(0, loop.clock().millis() - need.since()));
    loop.dispatcher().prefetch(asked.needing(age, need.left()), told);
  }

  /// Tells those who look ahead what was asked, if they could have asked it.
  private void foresee(Incoming in, Submission submission, @Nullable Hit hit, Run run) {
    Operation operation = in.operation;
    Filled filled = in.filled;
    if (operation != null
        && operation.prefetch() != null
        && filled != null
        && in.route != null
        && submission.caching() != null
        && !PrefetchRoute.isPeculiar(in.headers())) {
      boolean fresh = hit != null && hit.ttl() > 0;
      boolean made = hit == null && !run.about().attached();
      loop.prefetches().asked(operation, in.caller.tenant(), filled, fresh, made ? run : null);
    }
  }

  /// Whether its clocks look at what an upstream says on the way to its answer.
  private static boolean watches(@Nullable Operation operation) {
    return operation != null
        && (operation.firstContentTimeout() != null || operation.betweenTimeout() != null);
  }

  private Clocks clocks(@Nullable Operation operation) {
    return operation == null
        ? clocks
        : new Clocks(
            clocks.connect(),
            or(operation.firstContentTimeout(), clocks.firstContent()),
            or(operation.betweenTimeout(), clocks.between()),
            or(operation.totalTimeout(), clocks.total()));
  }

  private static Duration or(@Nullable Duration said, Duration usual) {
    return said == null ? usual : said;
  }

  private static OnLeave onLeave(Caller caller, @Nullable Operation operation) {
    OnLeave said = operation == null ? null : operation.onLeave();
    return said == null ? caller.onLeave() : said;
  }

  /// A request of the Responses API as it goes to an upstream that speaks it: what is background
  /// work here is none there, but a stream.
  private static byte[] relayed(
      byte[] body, @Nullable String model, boolean edited, Delivery delivery) {
    var values = new LinkedHashMap<String, String>();
    if (model != null) {
      values.put("model", JsonText.quoted(model));
    }
    if (edited) {
      values.put("stream", "true");
    }
    if (delivery.inBackground()) {
      values.put("background", "false");
    }
    return Splice.of(body, values);
  }

  /// What the store must promise before this call is accepted: all of it if nobody waits for it,
  /// its name if it has one, and what is told of it.
  private Submission.@Nullable Promise promise(
      Incoming in,
      String route,
      @Nullable ResponsesRequest asked,
      Delivery delivery,
      @Nullable Label label) {
    String key = delivery.idempotencyKey();
    boolean kept = asked != null && asked.store() && canStore();
    if (!delivery.background() && key == null && !delivery.told().any() && label == null && !kept) {
      return null;
    }
    return new Submission.Promise(
        delivery.background(),
        asked == null ? BACKGROUND : priority(asked),
        loop.clock().millis() + loop.config().server().backgroundDeadline().toMillis(),
        key == null ? null : keys.ofIdempotency(in.caller, route, key, in.body),
        delivery.told(),
        label);
  }

  /// Whether answers that are to be asked for later can be promised; if not they are made all the
  /// same, and stay in memory.
  private boolean canStore() {
    Store store = loop.engine().store();
    return store != null && store.trouble() == null;
  }

  private static int priority(ResponsesRequest asked) {
    return switch (asked.serviceTier()) {
      case "priority" -> BACKGROUND - 1;
      case "flex" -> BACKGROUND + 1;
      default -> BACKGROUND;
    };
  }

  /// Calls are alike: those that are kept share this.
  private Run.About about(Run.About about) {
    Run.About known = abouts.putIfAbsent(about, about);
    return known == null ? about : known;
  }

  /// How long a caller that has left may come back.
  ///
  /// @param comesBack whether it has said that it would
  static Duration grace(boolean streamed, boolean comesBack) {
    return streamed ? STREAM_GRACE : comesBack ? RETRYING_GRACE : PLAIN_GRACE;
  }

  private static boolean coalesces(Caller caller, Api api, Envelope envelope) {
    return switch (caller.coalesce()) {
      case ALWAYS -> true;
      case NEVER -> false;
      case SAFE -> api == Api.EMBEDDINGS || envelope.zeroTemperature();
    };
  }

  private List<Map.Entry<String, String>> upHeaders(
      HttpServerRequest request, Caller caller, String upstream) {
    List<Map.Entry<String, String>> headers = Headers.up(request.headers());
    // The upstream's own key, where there is one, is added when the call is made.
    return loop.client(upstream).config().apiKey() == null && caller.passesThrough()
        ? headers
        : withCredential(headers, null);
  }

  /// What is written here is JSON, whatever its caller sent.
  private static List<Map.Entry<String, String>> asJson(List<Map.Entry<String, String>> headers) {
    var changed = new ArrayList<Map.Entry<String, String>>(headers.size() + 1);
    for (var header : headers) {
      if (!header.getKey().equals("content-type")) {
        changed.add(header);
      }
    }
    changed.add(Map.entry("content-type", Answers.JSON));
    return changed;
  }

  /// Whether a call to this model's upstream goes up with its caller's own credential.
  private boolean borrows(Incoming in, @Nullable String model) {
    return borrows(in.caller, in.headers(), model);
  }

  boolean borrows(Caller caller, MultiMap headers, @Nullable String model) {
    return caller.passesThrough()
        && loop.clientOf(model).config().apiKey() == null
        && Headers.up(headers).stream().anyMatch(each -> isCredential(each.getKey()));
  }

  private static boolean isCredential(String header) {
    return header.equals("authorization") || header.equals("api-key");
  }

  /// A key of ours never goes upstream; the upstream's own, if it has one, takes its place.
  static List<Map.Entry<String, String>> withCredential(
      List<Map.Entry<String, String>> headers, @Nullable Secret key) {
    var changed = new ArrayList<Map.Entry<String, String>>(headers.size());
    for (var header : headers) {
      if (!isCredential(header.getKey())) {
        changed.add(header);
      }
    }
    if (key != null) {
      changed.add(Map.entry("authorization", "Bearer " + key.reveal()));
    }
    return changed;
  }
}
