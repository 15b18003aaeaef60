package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.Envelope;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.ResponsesRequest;
import dev.meanwhile.openai.Splice;
import dev.meanwhile.server.Recent;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Secret;
import dev.meanwhile.server.config.Server;
import dev.meanwhile.server.upstream.Client;
import dev.meanwhile.server.upstream.Headers;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Store;
import dev.meanwhile.upstream.Request;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// `POST /v1/chat/completions`, `POST /v1/embeddings`, and `POST /v1/responses`, which is made of a
/// chat call: every call is a run.
final class CallRoute {
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
  private final Map<Run.About, Run.About> abouts = new Recent<>(REMEMBERED);
  private final RequestKeys keys;
  private final Clocks clocks;

  CallRoute(Loop loop, WebhookRoute webhooks) {
    this.loop = loop;
    this.webhooks = webhooks;
    this.keys = new RequestKeys(loop.secret());
    Server server = loop.config().server();
    this.clocks =
        new Clocks(
            server.connectTimeout(),
            server.firstContentTimeout(),
            server.betweenTimeout(),
            server.totalTimeout());
  }

  void handle(HttpServerRequest request, Api api, Caller caller) {
    long began = loop.clock().nanos();
    Server server = loop.config().server();
    Bodies.read(
        request,
        server.maxBody(),
        server.bodyTimeout(),
        loop.clock(),
        new Bodies.Reader() {
          @Override
          public void read(byte[] body) {
            try {
              call(request, api, caller, body, began);
            } catch (Refusal refusal) {
              refused(refusal);
            } catch (RuntimeException e) {
              // Nobody else would answer: this is called by the last part of the body.
              Answers.fault(request, e, false);
            }
          }

          @Override
          public void refused(Refusal refusal) {
            Answers.refuse(request.response(), refusal, false);
          }
        });
  }

  private void call(HttpServerRequest request, Api api, Caller caller, byte[] body, long began) {
    if (api == Api.RESPONSES) {
      responses(request, caller, body, began);
      return;
    }
    Envelope envelope = envelope(body);
    Delivery delivery =
        Delivery.of(
            request.headers(), caller, api == Api.CHAT && envelope.stream(), loop.config().mail());
    accept(request, api, caller, null, envelope, delivery, body, began);
  }

  private void responses(HttpServerRequest request, Caller caller, byte[] body, long began) {
    Client client = loop.clientOf(envelope(body).model());
    boolean relayed = client.config().api() == dev.meanwhile.server.config.Api.RESPONSES;
    ResponsesRequest asked = relayed ? ResponsesRequest.relayed(body) : ResponsesRequest.of(body);
    check(asked.problem());
    if (asked.background() && !asked.store()) {
      throw new Refusal(
          400,
          "unsupported_parameter",
          "'store' must be true where 'background' is: nobody else could ask for the answer.",
          "store");
    }
    Delivery delivery =
        Delivery.of(request.headers(), caller, asked.stream(), loop.config().mail());
    Delivery how = asked.background() ? delivery.ofBackground() : delivery;
    if (relayed) {
      relayed(request, caller, asked, how, body, began);
      return;
    }
    new Turns(
            loop,
            caller.tenant(),
            turns -> {
              try {
                Envelope chat = envelope(asked.chat(turns));
                accept(request, Api.CHAT, caller, asked, chat, how, body, began);
              } catch (Refusal refusal) {
                Answers.refuse(request.response(), refusal, false);
              } catch (RuntimeException e) {
                // Nobody else would answer: this may be called by the store's.
                Answers.fault(request, e, false);
              }
            },
            refusal -> Answers.refuse(request.response(), refusal, false))
        .before(asked.previous());
  }

  /// The upstream speaks this API: it gets what was said, and an answer of ours that it goes on
  /// from by the name that it has there.
  private void relayed(
      HttpServerRequest request,
      Caller caller,
      ResponsesRequest asked,
      Delivery delivery,
      byte[] body,
      long began) {
    Turns.theirName(
        loop,
        caller.tenant(),
        asked.previous(),
        name -> {
          try {
            byte[] said =
                name == null
                    ? body
                    : Splice.of(body, Map.of("previous_response_id", JsonText.quoted(name)));
            accept(request, Api.RESPONSES, caller, asked, envelope(said), delivery, body, began);
          } catch (Refusal refusal) {
            Answers.refuse(request.response(), refusal, false);
          } catch (RuntimeException e) {
            // Nobody else would answer: this may be called by the store's.
            Answers.fault(request, e, false);
          }
        },
        refusal -> Answers.refuse(request.response(), refusal, false));
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

  /// @param asked what the chat call of `envelope` is made for, or null if it is the caller's own
  private void accept(
      HttpServerRequest request,
      Api api,
      Caller caller,
      @Nullable ResponsesRequest asked,
      Envelope envelope,
      Delivery delivery,
      byte[] body,
      long began) {
    Submission submission = submission(request, api, caller, asked, envelope, delivery, body);
    var answering = new Answering(request, envelope, delivery, submission, began);
    String webhook = delivery.told().webhook();
    if (delivery.told().mail() != null && loop.engine().store() == null) {
      answering.refused(Dispatcher.NO_STORE);
    } else if (webhook == null) {
      loop.dispatcher().accept(submission, answering);
    } else {
      webhooks.find(request, caller, webhook, _ -> loop.dispatcher().accept(submission, answering));
    }
  }

  /// What becomes of one call, on this loop.
  private final class Answering implements Dispatcher.Answer {
    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Envelope envelope;
    private final Delivery delivery;
    private final Submission submission;
    private final long began;

    Answering(
        HttpServerRequest request,
        Envelope envelope,
        Delivery delivery,
        Submission submission,
        long began) {
      this.request = request;
      this.response = request.response();
      this.envelope = envelope;
      this.delivery = delivery;
      this.submission = submission;
      this.began = began;
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

    private void answer(Run run) {
      var headers = new RunHeaders(loop, request, run, delivery, began, submission.sameKey());
      if (Responses.speaks(run)) {
        answerResponses(run, headers);
      } else if (delivery.background() && run.terminal() == null) {
        AcceptedAnswer.send(response, run, headers);
      } else if (submission.about().streamed() && !delivery.background()) {
        new StreamAnswer(loop, response, run, headers, envelope.includeUsage()).begin();
      } else {
        plain(run, headers, false);
      }
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
      var answer = new PlainAnswer(loop, response, run, headers, theirs);
      Duration after = delivery.detachAfter();
      if (after == null || after.isZero()) {
        answer.begin();
      } else {
        answer.beginToDetach(after);
      }
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
      HttpServerRequest request,
      Api api,
      Caller caller,
      @Nullable ResponsesRequest asked,
      Envelope envelope,
      Delivery delivery,
      byte[] body) {
    // Without one the upstream says what it thinks of that.
    String model = envelope.model() == null ? "" : envelope.model();
    String upstream = loop.clientOf(model).config().name();
    int slash = model.indexOf('/');
    boolean prefixed = slash > 0 && loop.clients().containsKey(model.substring(0, slash));
    String renamed = prefixed ? model.substring(slash + 1) : null;
    boolean relayed = api == Api.RESPONSES;
    boolean streamed = api != Api.EMBEDDINGS && envelope.stream();
    // Who may leave before the end is served by a stream, so that no token is lost.
    boolean edited = api != Api.EMBEDDINGS && delivery.detachAfter() != null;
    byte[] sent =
        renamed == null && !edited
            ? envelope.body()
            : relayed
                ? relayed(envelope.body(), renamed, edited, delivery)
                : envelope.edited(renamed, edited);
    String path = relayed ? PATH : api == Api.CHAT ? "/chat/completions" : "/embeddings";
    String query = asked == null || relayed ? request.query() : null;
    List<Map.Entry<String, String>> headers = upHeaders(request, caller, upstream);
    var call =
        new Request(
            upstream,
            api.word(),
            query == null ? path : path + "?" + query,
            headers,
            sent,
            streamed || edited);
    boolean borrowed = headers.stream().anyMatch(header -> isCredential(header.getKey()));
    if (borrowed && (delivery.detachAfter() != null || delivery.told().any())) {
      throw new Refusal(
          400,
          "upstream_key_required",
          "Work that outlives its request cannot go up with its caller's own key, which is never stored. Configure the upstream's key: --upstream-key-env NAME, or api-key in the file.");
    }
    Label label = FeedRoute.label(loop, request, api, model);
    String retryCount = request.headers().get("x-stainless-retry-count");
    boolean comesBack = retryCount != null || delivery.idempotencyKey() != null;
    boolean fresh = noCache(request);
    return new Submission(
        asked == null
            ? about(
                new Run.About(
                    caller.tenant(),
                    call.api(),
                    upstream,
                    model,
                    streamed,
                    false,
                    envelope.base64(),
                    null,
                    false))
            : new Run.About(
                caller.tenant(),
                Api.RESPONSES.word(),
                upstream,
                model,
                streamed,
                false,
                false,
                new String(body, UTF_8),
                asked.store()),
        call,
        // Its last event has it in any case.
        relayed || edited || envelope.includeUsage(),
        clocks,
        // Whoever is told of the end wants there to be one.
        !delivery.told().any() ? caller.onLeave() : OnLeave.CONTINUE,
        grace(streamed, comesBack),
        retryCount == null ? null : keys.ofRetry(caller, call, body),
        retryCount != null && !retryCount.equals("0") && !fresh,
        // Of a log that others read nobody would be told for this call.
        fresh
                || delivery.told().any()
                || label != null
                || !coalesces(caller, api, envelope)
                || relayed
                || asked != null && !asked.isAlone()
            ? null
            : keys.ofSame(caller, call, request.headers(), model, envelope.body()),
        borrowed,
        promise(caller, call, asked, delivery, label, body));
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
      Caller caller,
      Request call,
      @Nullable ResponsesRequest asked,
      Delivery delivery,
      @Nullable Label label,
      byte[] body) {
    String key = delivery.idempotencyKey();
    boolean kept = asked != null && asked.store() && canStore();
    if (!delivery.background() && key == null && !delivery.told().any() && label == null && !kept) {
      return null;
    }
    String route = asked == null ? call.path() : PATH;
    return new Submission.Promise(
        delivery.background(),
        asked == null ? BACKGROUND : priority(asked),
        loop.clock().millis() + loop.config().server().backgroundDeadline().toMillis(),
        key == null ? null : keys.ofIdempotency(caller, route, key, body),
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

  private static boolean noCache(HttpServerRequest request) {
    String control = request.headers().get("cache-control");
    if (control == null) {
      return false;
    }
    String lower = control.toLowerCase(Locale.ROOT);
    return lower.contains("no-cache") || lower.contains("no-store");
  }

  private List<Map.Entry<String, String>> upHeaders(
      HttpServerRequest request, Caller caller, String upstream) {
    List<Map.Entry<String, String>> headers = Headers.up(request.headers());
    // The upstream's own key, where there is one, is added when the call is made.
    return loop.client(upstream).config().apiKey() == null && caller.passesThrough()
        ? headers
        : withCredential(headers, null);
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
