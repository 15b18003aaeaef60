package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.dispatch.Submission;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.Envelope;
import dev.meanwhile.server.Recent;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.config.Secret;
import dev.meanwhile.server.config.Server;
import dev.meanwhile.server.upstream.Headers;
import dev.meanwhile.upstream.Request;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// `POST /v1/chat/completions` and `POST /v1/embeddings`: every call is a run.
final class CallRoute {
  private static final Duration PLAIN_GRACE = Duration.ZERO;
  private static final Duration RETRYING_GRACE = Duration.ofSeconds(10);
  private static final Duration STREAM_GRACE = Duration.ofSeconds(15);

  /// How many kinds of calls are remembered.
  private static final int REMEMBERED = 1_000;

  private final Loop loop;
  private final Map<Run.About, Run.About> abouts = new Recent<>(REMEMBERED);
  private final RequestKeys keys;
  private final Clocks clocks;

  CallRoute(Loop loop) {
    this.loop = loop;
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
    Envelope envelope = Envelope.of(body);
    if (envelope.problem() != null) {
      var problem = envelope.problem();
      throw new Refusal(400, problem.code(), problem.message(), problem.param());
    }
    HttpServerResponse response = request.response();
    Submission submission = submission(request, api, caller, envelope, body);
    loop.dispatcher()
        .accept(
            submission,
            new Dispatcher.Answer() {
              @Override
              public void accepted(Run run) {
                var headers = new RunHeaders(loop, request, run, began, submission.sameKey());
                if (submission.about().streamed()) {
                  new StreamAnswer(loop, response, run, headers, envelope.includeUsage()).begin();
                } else {
                  new PlainAnswer(loop, response, run, headers, envelope.encodingFormat()).begin();
                }
              }

              @Override
              public void refused(Failure failure) {
                Answers.error(response, failure.status(), failure.code(), failure.message(), null);
              }
            });
  }

  private Submission submission(
      HttpServerRequest request, Api api, Caller caller, Envelope envelope, byte[] body) {
    String upstream = loop.firstClient().config().name();
    // Without one the upstream says what it thinks of that.
    String model = envelope.model() == null ? "" : envelope.model();
    byte[] sent = body;
    int slash = model.indexOf('/');
    if (slash > 0 && loop.clients().containsKey(model.substring(0, slash))) {
      upstream = model.substring(0, slash);
      sent = envelope.withModel(model.substring(slash + 1));
    }
    String path = api == Api.CHAT ? "/chat/completions" : "/embeddings";
    String query = request.query();
    boolean streamed = api == Api.CHAT && envelope.stream();
    var call =
        new Request(
            upstream,
            api.word(),
            query == null ? path : path + "?" + query,
            upHeaders(request, caller, upstream),
            sent,
            streamed);
    String retryCount = request.headers().get("x-stainless-retry-count");
    boolean comesBack = retryCount != null || request.headers().contains("idempotency-key");
    boolean fresh = noCache(request);
    return new Submission(
        about(new Run.About(caller.tenant(), call.api(), upstream, model, streamed, false)),
        call,
        envelope.includeUsage(),
        clocks,
        caller.onLeave(),
        grace(streamed, comesBack),
        retryCount == null ? null : keys.ofRetry(caller, call, body),
        retryCount != null && !retryCount.equals("0") && !fresh,
        fresh || !coalesces(caller, api, envelope)
            ? null
            : keys.ofSame(caller, call, request.headers(), model, body));
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
    Secret key = loop.client(upstream).config().apiKey();
    return key == null && caller.passesThrough() ? headers : withCredential(headers, key);
  }

  /// A key of ours never goes upstream; the upstream's own, if it has one, takes its place.
  static List<Map.Entry<String, String>> withCredential(
      List<Map.Entry<String, String>> headers, @Nullable Secret key) {
    var changed = new ArrayList<Map.Entry<String, String>>(headers.size());
    for (var header : headers) {
      if (!header.getKey().equals("authorization") && !header.getKey().equals("api-key")) {
        changed.add(header);
      }
    }
    if (key != null) {
      changed.add(Map.entry("authorization", "Bearer " + key.reveal()));
    }
    return changed;
  }
}
