package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.openai.Api;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.WebhookEvent;
import dev.meanwhile.openai.WebhookRequest;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.webhook.Guard;
import dev.meanwhile.server.webhook.Signing;
import dev.meanwhile.server.webhook.Urls;
import dev.meanwhile.store.Change;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// `/v1/webhook_endpoints`: where a tenant is told of its runs' ends. As OpenAI's own API; the
/// lists of deliveries are ours.
final class WebhookRoute {
  static final String PATH = "/v1/webhook_endpoints";

  private static final int MOST_ENDPOINTS = 100;
  private static final int MOST_BODY = 64 << 10;
  private static final int LONGEST_NAME = 256;
  private static final int USUAL = 20;
  private static final int MOST = 100;
  private static final Duration OVERLAP = Duration.ofHours(24);

  private final Loop loop;
  private final Guard guard;

  WebhookRoute(Loop loop) {
    this.loop = loop;
    this.guard = new Guard(loop.config().server().webhooksAllow());
  }

  void list(HttpServerRequest request, Caller caller) {
    endpoints(request, caller, found -> list(request, found));
  }

  void create(HttpServerRequest request, Caller caller) {
    body(
        request, said -> endpoints(request, caller, found -> create(request, caller, said, found)));
  }

  void get(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, it -> send(request, json(it, false)));
  }

  void update(HttpServerRequest request, Caller caller, String id) {
    body(request, said -> find(request, caller, id, it -> update(request, said, it)));
  }

  void delete(HttpServerRequest request, Caller caller, String id) {
    find(request, caller, id, it -> delete(request, it));
  }

  void rotate(HttpServerRequest request, Caller caller, String id) {
    body(request, said -> find(request, caller, id, it -> rotate(request, said, it)));
  }

  void test(HttpServerRequest request, Caller caller, String id) {
    body(request, said -> find(request, caller, id, it -> test(request, said, it)));
  }

  void deliveries(HttpServerRequest request, Caller caller, String id) {
    Page page = Page.of(request, USUAL, MOST);
    find(request, caller, id, it -> deliveries(request, page, it));
  }

  void resend(HttpServerRequest request, Caller caller, String id, String event) {
    find(request, caller, id, it -> resend(request, it, event));
  }

  /// Goes on with the endpoint that a call names.
  ///
  /// @throws Refusal if nothing is kept here
  void find(HttpServerRequest request, Caller caller, String id, Consumer<Endpoint> found) {
    endpoints(
        request,
        caller,
        all ->
            found.accept(
                all.stream()
                    .filter(it -> it.id().equals(id))
                    .findFirst()
                    .orElseThrow(() ->
                        new Refusal(
                            404,
                            "webhook_endpoint_not_found",
                            "There is no webhook endpoint of this id that you may see. Register it: POST "
                                + PATH
                                + "."))));
  }

  private Store store() {
    Store store = loop.engine().store();
    if (store == null) {
      var none = Dispatcher.NO_STORE;
      throw new Refusal(none.status(), none.code(), none.message());
    }
    return store;
  }

  private void endpoints(HttpServerRequest request, Caller caller, Consumer<List<Endpoint>> found) {
    store().endpoints(caller.tenant(), answered(request, found));
  }

  private <T> Store.Reply<T> answered(HttpServerRequest request, Consumer<T> then) {
    return new Store.Reply<>() {
      @Override
      public void is(T answer) {
        loop.clock().execute(() -> guarded(request, () -> then.accept(answer)));
      }

      @Override
      public void failed(String trouble) {
        loop.clock().execute(() -> unavailable(request, trouble));
      }
    };
  }

  private static void unavailable(HttpServerRequest request, String trouble) {
    var failure = RunRoute.storeUnavailable(trouble);
    Answers.error(request.response(), failure.status(), failure.code(), failure.message(), null);
  }

  private static void guarded(HttpServerRequest request, Runnable task) {
    try {
      task.run();
    } catch (Refusal refusal) {
      Answers.refuse(request.response(), refusal, false);
    } catch (RuntimeException e) {
      // Nobody else would answer: this is called by the store's answer.
      Answers.fault(request, e, false);
    }
  }

  private void body(HttpServerRequest request, Consumer<WebhookRequest> then) {
    Bodies.read(
        loop,
        request,
        MOST_BODY,
        false,
        body -> {
          WebhookRequest said;
          try {
            said = WebhookRequest.of(body);
          } catch (IllegalArgumentException e) {
            throw new Refusal(400, "invalid_request", Objects.requireNonNull(e.getMessage()));
          }
          then.accept(said);
        });
  }

  /// Writes it, and goes on when it is stored.
  private void write(HttpServerRequest request, Change change, Runnable then) {
    store()
        .write(
            change,
            outcome ->
                loop.clock()
                    .execute(() -> {
                      switch (outcome) {
                        case Outcome.Stored() -> guarded(request, then);
                        case Outcome.Refused(String reason) -> unavailable(request, reason);
                        case Outcome.Fenced(), Outcome.Conflict(_), Outcome.Repeated(_, _) ->
                            unavailable(request, "the endpoint was deleted in this moment");
                      }
                    }));
  }

  private void create(
      HttpServerRequest request, Caller caller, WebhookRequest said, List<Endpoint> others) {
    if (others.size() >= MOST_ENDPOINTS) {
      throw new Refusal(
          400,
          "too_many_webhook_endpoints",
          "There are %d webhook endpoints, the most there may be. Delete one."
              .formatted(MOST_ENDPOINTS));
    }
    if (said.name() == null || said.url() == null || said.eventTypes() == null) {
      String missing = said.name() == null ? "name" : said.url() == null ? "url" : "event_types";
      throw new Refusal(400, "missing_parameter", "`%s` is missing.".formatted(missing), missing);
    }
    check(said);
    long now = loop.clock().millis();
    var endpoint =
        new Endpoint(
            loop.dispatcher().id("whe_"),
            caller.tenant(),
            said.name(),
            said.url(),
            statuses(said.eventTypes()),
            Signing.newSecret(),
            null,
            0,
            now,
            now,
            false);
    write(request, new Change.Registered(endpoint), () -> send(request, json(endpoint, true)));
  }

  private void check(WebhookRequest said) {
    if (said.name() != null && (said.name().isBlank() || said.name().length() > LONGEST_NAME)) {
      throw new Refusal(
          400,
          "invalid_parameter",
          "`name` must be a text of 1 to %d characters.".formatted(LONGEST_NAME),
          "name");
    }
    String problem = said.url() == null ? null : Urls.problem(said.url(), guard);
    if (problem != null) {
      throw new Refusal(400, "invalid_webhook_url", "`url` is refused: " + problem + ".", "url");
    }
  }

  private static List<String> statuses(List<String> types) {
    for (String type : types) {
      checkType(type, "event_types");
    }
    return types.stream().distinct().map(WebhookEvent::word).toList();
  }

  private static String checkType(@Nullable String type, String param) {
    if (type == null || !WebhookEvent.TYPES.contains(type)) {
      throw new Refusal(
          400,
          "invalid_event_type",
          "`%s`: this server has the events %s."
              .formatted(param, String.join(", ", WebhookEvent.TYPES)),
          param);
    }
    return type;
  }

  private void update(HttpServerRequest request, WebhookRequest said, Endpoint was) {
    check(said);
    var now =
        new Endpoint(
            was.id(),
            was.tenant(),
            Objects.requireNonNullElse(said.name(), was.name()),
            Objects.requireNonNullElse(said.url(), was.url()),
            said.eventTypes() == null ? was.statuses() : statuses(said.eventTypes()),
            was.secret(),
            was.oldSecret(),
            was.oldUntil(),
            was.createdAt(),
            loop.clock().millis(),
            false);
    write(request, new Change.Registered(now), () -> send(request, json(now, false)));
  }

  private void rotate(HttpServerRequest request, WebhookRequest said, Endpoint was) {
    long now = loop.clock().millis();
    var rotated =
        new Endpoint(
            was.id(),
            was.tenant(),
            was.name(),
            was.url(),
            was.statuses(),
            Signing.newSecret(),
            said.keepOldSecret() ? was.secret() : null,
            said.keepOldSecret() ? now + OVERLAP.toMillis() : 0,
            was.createdAt(),
            now,
            was.disabled());
    write(request, new Change.Registered(rotated), () -> send(request, json(rotated, true)));
  }

  private void delete(HttpServerRequest request, Endpoint endpoint) {
    write(
        request,
        new Change.Unregistered(endpoint.id()),
        () ->
            send(
                request,
                "{\"id\":%s,\"object\":\"webhook_endpoint.deleted\",\"deleted\":true}"
                    .formatted(JsonText.quoted(endpoint.id()))));
  }

  /// Sends one event that is of no run, at once and once.
  private void test(HttpServerRequest request, WebhookRequest said, Endpoint endpoint) {
    String type = checkType(said.eventType(), "event_type");
    Notice notice =
        Notice.of(
            endpoint,
            loop.dispatcher().id("run_"),
            Api.CHAT.word(),
            WebhookEvent.word(type),
            loop.clock().millis(),
            false);
    loop.sender()
        .send(
            new Store.Due(notice, endpoint),
            answer -> loop.clock().execute(() -> tested(request, endpoint, type, answer)));
  }

  private static void tested(
      HttpServerRequest request, Endpoint endpoint, String type, Sender.Answer answer) {
    if (answer.status() == 0) {
      Answers.error(
          request.response(),
          400,
          "webhook_unreachable",
          "The webhook was not reached: " + answer.text() + ".",
          null);
      return;
    }
    send(
        request,
        "{\"object\":\"webhook_endpoint.test\",\"webhook_endpoint_id\":%s,\"event_type\":%s,\"status_code\":%d,\"success\":true}"
            .formatted(JsonText.quoted(endpoint.id()), JsonText.quoted(type), answer.status()));
  }

  private void deliveries(HttpServerRequest request, Page page, Endpoint endpoint) {
    store()
        .notices(
            endpoint.id(),
            page.after(),
            page.limit() + 1,
            answered(
                request,
                found -> send(request, page.of(found, Notice::event, it -> json(it, endpoint)))));
  }

  private void resend(HttpServerRequest request, Endpoint endpoint, String event) {
    // The cursor that is just above it.
    store()
        .notices(
            endpoint.id(),
            event + "0",
            1,
            answered(
                request,
                found -> {
                  if (found.isEmpty() || !found.getFirst().event().equals(event)) {
                    throw new Refusal(
                        404,
                        "delivery_not_found",
                        "This endpoint has no delivery of this event. It may have been kept no longer.");
                  }
                  Notice again = found.getFirst().again(loop.clock().millis());
                  write(
                      request,
                      new Change.Scheduled(again),
                      () -> send(request, json(again, endpoint)));
                }));
  }

  private void list(HttpServerRequest request, List<Endpoint> endpoints) {
    Page page = Page.of(request, USUAL, MOST);
    List<Endpoint> after =
        endpoints.stream()
            .filter(it -> page.after() == null || it.id().compareTo(page.after()) < 0)
            .limit(page.limit() + 1L)
            .toList();
    send(request, page.of(after, Endpoint::id, it -> json(it, false)));
  }

  private static void send(HttpServerRequest request, String json) {
    Answers.send(request.response(), 200, Answers.JSON, json.getBytes(UTF_8));
  }

  private static String json(Endpoint it, boolean withSecret) {
    String types =
        it.statuses().stream()
            .map(status -> JsonText.quoted(WebhookEvent.type(status)))
            .collect(Collectors.joining(","));
    return "{\"id\":"
        + JsonText.quoted(it.id())
        + ",\"object\":\"webhook_endpoint\",\"created_at\":"
        + it.createdAt() / 1_000
        + ",\"updated_at\":"
        + it.updatedAt() / 1_000
        + ",\"name\":"
        + JsonText.quoted(it.name())
        + ",\"url\":"
        + JsonText.quoted(it.url())
        + ",\"event_types\":["
        + types
        + "],\"status\":"
        + (it.disabled() ? "\"disabled\"" : "\"enabled\"")
        + (withSecret ? ",\"signing_secret\":" + JsonText.quoted(Signing.text(it.secret())) : "")
        + ",\"signing_secret_hint\":"
        + JsonText.quoted(Signing.hint(it.secret()))
        + "}";
  }

  private static String json(Notice it, Endpoint endpoint) {
    return "{\"id\":"
        + JsonText.quoted(it.event())
        + ",\"object\":\"webhook_delivery\",\"webhook_endpoint_id\":"
        + JsonText.quoted(endpoint.id())
        + ",\"event_type\":"
        + JsonText.quoted(WebhookEvent.type(Notice.word(it.api(), it.status())))
        + ",\"run\":"
        + JsonText.quoted(it.run())
        + ",\"created_at\":"
        + it.endedAt() / 1_000
        + ",\"status\":"
        + (it.arrived() ? "\"delivered\"" : it.due() > 0 ? "\"pending\"" : "\"failed\"")
        + ",\"tries\":"
        + it.tries()
        + ",\"last_try_at\":"
        + secondsOrNull(it.triedAt())
        + ",\"next_try_at\":"
        + secondsOrNull(it.due())
        + ",\"result\":"
        + JsonText.quoted(it.result().isEmpty() ? null : it.result())
        + "}";
  }

  private static String secondsOrNull(long millis) {
    return millis == 0 ? "null" : Long.toString(millis / 1_000);
  }
}
