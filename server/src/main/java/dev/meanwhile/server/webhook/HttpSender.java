package dev.meanwhile.server.webhook;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.openai.WebhookEvent;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Sends notices as POSTs: the host is looked up once, the address is checked, and the connection
/// goes to that very address. Redirects are not followed, proxies not used.
public final class HttpSender implements Sender {
  /// How much of an answer's body is read, and dropped, before the connection is closed on it.
  private static final int MOST_DROPPED = 64 << 10;

  /// How many connections there are to one address at a time.
  private static final int CONNECTIONS = 64;

  private final Vertx vertx;
  private final Context context;
  private final Clock clock;
  private final Guard guard;
  private final Names names;
  private final Duration limit;
  private final HttpClient http;

  /// @param context of the loop whose time `clock` is
  public HttpSender(Vertx vertx, Context context, Clock clock, Guard guard) {
    this(vertx, context, clock, guard, Names.SYSTEM, LIMIT);
  }

  /// The same with a directory of names, and a limit, of a test's own.
  HttpSender(Vertx vertx, Context context, Clock clock, Guard guard, Names names, Duration limit) {
    this.vertx = vertx;
    this.context = context;
    this.clock = clock;
    this.guard = guard;
    this.names = names;
    this.limit = limit;
    http =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setKeepAlive(false)
                .setConnectTimeout((int) LIMIT.toMillis())
                .setMaxHeaderSize(32 << 10),
            new PoolOptions().setHttp1MaxSize(CONNECTIONS));
  }

  @Override
  public void send(Store.Due due, Consumer<Answer> done) {
    context.runOnContext(_ -> new Try(due, done).begin());
  }

  private static Answer failed(String text) {
    return new Answer(Kind.FAILED, 0, text, null);
  }

  private final class Try {
    private final Endpoint endpoint;
    private final Notice notice;
    private final Consumer<Answer> done;
    private final Clock.Timer timer;
    private @Nullable HttpClientRequest request;
    private boolean over;
    private int dropped;

    Try(Store.Due due, Consumer<Answer> done) {
      this.endpoint = Objects.requireNonNull(due.endpoint(), "a mail");
      this.notice = due.notice();
      this.done = done;
      this.timer = clock.after(limit, this::tooLate);
    }

    void begin() {
      URI url = URI.create(endpoint.url());
      String host = Urls.host(url);
      vertx
          .executeBlocking(() -> names.of(host), false)
          .onSuccess(addresses -> connect(url, host, addresses))
          .onFailure(failure ->
              end(
                  failed(
                      failure instanceof UnknownHostException
                          ? host + " is not in the DNS"
                          : "no address: " + failure)));
    }

    private void connect(URI url, String host, List<InetAddress> addresses) {
      if (over) {
        return;
      }
      // All must be open: which of them is tried is not for the DNS to choose.
      for (InetAddress each : addresses) {
        if (!guard.isOpen(each)) {
          end(failed("the address of " + host + " is not a public one: list it in webhooks-allow"));
          return;
        }
      }
      boolean tls = "https".equals(url.getScheme());
      int port = url.getPort() > 0 ? url.getPort() : tls ? 443 : 80;
      http.request(
              new RequestOptions()
                  .setMethod(HttpMethod.POST)
                  .setServer(
                      SocketAddress.inetSocketAddress(port, addresses.getFirst().getHostAddress()))
                  .setHost(host)
                  .setPort(port)
                  .setSsl(tls)
                  .setURI(Urls.target(url)))
          .onSuccess(this::write)
          .onFailure(failure -> end(failed("no connection: " + why(failure))));
    }

    private void write(HttpClientRequest made) {
      if (over) {
        made.reset();
        return;
      }
      request = made;
      long now = clock.millis() / 1_000;
      byte[] body =
          WebhookEvent.body(
              notice.event(),
              Notice.word(notice.api(), notice.status()),
              notice.endedAt() / 1_000,
              WebhookEvent.idOf(notice.api(), notice.run()),
              notice.late());
      made.putHeader("content-type", "application/json")
          .putHeader("user-agent", "Meanwhile")
          .putHeader("webhook-id", notice.event())
          .putHeader("webhook-timestamp", Long.toString(now))
          .putHeader("webhook-signature", Signing.header(endpoint, notice.event(), now, body));
      made.send(Buffer.buffer(body))
          .onSuccess(this::answered)
          .onFailure(failure -> end(failed("no answer: " + why(failure))));
    }

    private void answered(HttpClientResponse response) {
      int status = response.statusCode();
      boolean arrived = status >= 200 && status < 300;
      say(
          new Answer(
              arrived ? Kind.ARRIVED : status == 410 ? Kind.GONE : Kind.FAILED,
              status,
              Integer.toString(status),
              arrived ? null : retryAfter(response.getHeader("retry-after"))));
      response.handler(part -> {
        dropped += part.length();
        if (dropped > MOST_DROPPED) {
          hangUp();
        }
      });
      response.exceptionHandler(_ -> timer.cancel());
      response.endHandler(_ -> timer.cancel());
    }

    private @Nullable Duration retryAfter(@Nullable String text) {
      if (text == null) {
        return null;
      }
      if (text.matches("\\d{1,9}")) {
        return Duration.ofSeconds(Long.parseLong(text));
      }
      try {
        long at =
            ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                .toInstant()
                .toEpochMilli();
        return Duration.ofMillis(Math.max(0, at - clock.millis()));
      } catch (DateTimeParseException e) {
        return null;
      }
    }

    private void tooLate() {
      say(failed("no answer within " + limit.toSeconds() + " s"));
      hangUp();
    }

    private void hangUp() {
      timer.cancel();
      if (request != null) {
        request.reset();
      }
    }

    private void end(Answer answer) {
      timer.cancel();
      say(answer);
    }

    private void say(Answer answer) {
      if (!over) {
        over = true;
        done.accept(answer);
      }
    }

    private static String why(Throwable failure) {
      Throwable cause = failure;
      while (cause.getCause() != null && cause.getMessage() == null) {
        cause = cause.getCause();
      }
      return Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getSimpleName());
    }
  }
}
