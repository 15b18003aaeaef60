package dev.meanwhile.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.notify.Sender;
import dev.meanwhile.server.VertxClock;
import dev.meanwhile.server.config.Cidr;
import dev.meanwhile.server.kit.Certificate;
import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.Exchange;
import dev.meanwhile.server.kit.RawUpstream;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A sink that fails in every way.
class HttpSenderTest {
  private static final Cidr LOOPBACK = Cidr.parse("127.0.0.1/32");
  private static final Names NAMES = _ -> List.of(InetAddress.ofLiteral("127.0.0.1"));
  private static final Duration NEVER = Duration.ofMinutes(10);
  private static final Duration AT_ONCE = Duration.ofMillis(300);

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final RawUpstream sink = RawUpstream.start();

  @AfterEach
  void close() {
    vertx.close().await();
    sink.close();
  }

  private Sender sender(Names names, Duration limit) {
    Context context = vertx.getOrCreateContext();
    var guard = new Guard(List.of(LOOPBACK));
    return new HttpSender(vertx, context, new VertxClock(context), guard, names, limit);
  }

  private static CompletableFuture<Sender.Answer> send(Sender sender, String url) {
    var endpoint =
        new Endpoint("whe_x", "t", "n", url, List.of(), Signing.newSecret(), null, 0, 0, 0, false);
    var notice = Notice.of(endpoint, "run_1", "responses", "completed", 1_700_000_000_123L, true);
    var answer = new CompletableFuture<Sender.Answer>();
    sender.send(new Store.Due(notice, endpoint), answer::complete);
    return answer;
  }

  private String url() {
    return "http://hooks.example:" + sink.port() + "/hook?x=1";
  }

  private static Sender.Answer now(CompletableFuture<Sender.Answer> answer) throws Exception {
    return answer.get(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @CsvSource({
    "200, ARRIVED",
    "204, ARRIVED",
    "301, FAILED",
    "307, FAILED",
    "400, FAILED",
    "410, GONE",
    "500, FAILED"
  })
  void goesByTheStatus(int status, Sender.Kind kind) throws Exception {
    var answer = send(sender(NAMES, NEVER), url());
    Exchange got = sink.take();
    assertThat(got.line()).isEqualTo("POST /hook?x=1 HTTP/1.1");
    assertThat(got.header("host")).isEqualTo("hooks.example:" + sink.port());
    assertThat(got.header("webhook-id")).isEqualTo("evt_1");
    assertThat(got.header("webhook-signature")).startsWith("v1,");
    assertThat(got.body())
        .isEqualTo(
            "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"response.completed\",\"created_at\":1700000000,\"data\":{\"id\":\"resp_1\",\"late\":true}}");
    got.json(status, "", "location: http://127.0.0.1:" + sink.port() + "/elsewhere");
    assertThat(now(answer).kind()).isEqualTo(kind);
    assertThat(now(answer).status()).isEqualTo(status);
    got.awaitGone();
    assertThat(sink.calls()).as("no redirect is followed").isEqualTo(1);
  }

  @Test
  void obeysRetryAfter() throws Exception {
    Sender sender = sender(NAMES, NEVER);
    var seconds = send(sender, url());
    sink.take().json(503, "", "retry-after: 120");
    assertThat(now(seconds).retryAfter()).isEqualTo(Duration.ofMinutes(2));
    var date = send(sender, url());
    sink.take().json(429, "", "retry-after: Fri, 01 Jan 2100 00:00:00 GMT");
    assertThat(now(date).retryAfter()).isGreaterThan(Duration.ofDays(1_000));
    var past = send(sender, url());
    sink.take().json(429, "", "retry-after: Fri, 01 Jan 2010 00:00:00 GMT");
    assertThat(now(past).retryAfter()).isZero();
    var nonsense = send(sender, url());
    sink.take().json(503, "", "retry-after: soon");
    assertThat(now(nonsense).retryAfter()).isNull();
  }

  @Test
  void givesUpOnSilence() throws Exception {
    var answer = send(sender(NAMES, AT_ONCE), url());
    Exchange got = sink.take();
    assertThat(now(answer).kind()).isEqualTo(Sender.Kind.FAILED);
    assertThat(now(answer).text()).startsWith("no answer within");
    got.awaitGone();
  }

  @Test
  void doesNotWaitForASlowBody() throws Exception {
    var answer = send(sender(NAMES, AT_ONCE), url());
    Exchange got = sink.take();
    got.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nslow");
    assertThat(now(answer).kind()).isEqualTo(Sender.Kind.ARRIVED);
    got.awaitGone();
  }

  @Test
  void doesNotReadABodyWithoutAnEnd() throws Exception {
    var answer = send(sender(NAMES, NEVER), url());
    Exchange got = sink.take();
    got.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
    assertThat(now(answer).kind()).isEqualTo(Sender.Kind.ARRIVED);
    got.write("x".repeat(70_000));
    got.awaitGone();
  }

  @Test
  void aCutIsAFailure() throws Exception {
    var answer = send(sender(NAMES, NEVER), url());
    sink.take().cut();
    assertThat(now(answer).text()).startsWith("no answer:");
  }

  @Test
  void aClosedPortIsAFailure() throws Exception {
    sink.close();
    var answer = send(sender(NAMES, NEVER), url());
    assertThat(now(answer).text()).startsWith("no connection:");
  }

  @Test
  void aHostWithoutAnAddressIsAFailure() throws Exception {
    Names none =
        host -> {
          throw new UnknownHostException(host);
        };
    assertThat(now(send(sender(none, NEVER), url())).text())
        .isEqualTo("hooks.example is not in the DNS");
  }

  @Test
  void connectsToNoClosedAddress() throws Exception {
    for (String closed : List.of("127.0.0.2", "10.0.0.1", "169.254.169.254", "::1")) {
      Names names = _ -> List.of(InetAddress.ofLiteral("127.0.0.1"), InetAddress.ofLiteral(closed));
      Sender.Answer answer = now(send(sender(names, NEVER), url()));
      assertThat(answer.kind()).isEqualTo(Sender.Kind.FAILED);
      assertThat(answer.text()).contains("webhooks-allow");
    }
    assertThat(sink.connections()).isZero();
  }

  @Test
  void connectsToTheVeryAddressThatItChecked() throws Exception {
    var asked = new AtomicInteger();
    // Whoever looked the name up a second time would be sent elsewhere.
    Names changing =
        _ ->
            List.of(
                InetAddress.ofLiteral(asked.getAndIncrement() == 0 ? "127.0.0.1" : "127.0.0.2"));
    Sender sender = sender(changing, NEVER);
    var answer = send(sender, url());
    sink.take().json(200, "");
    assertThat(now(answer).kind()).isEqualTo(Sender.Kind.ARRIVED);
    assertThat(asked).hasValue(1);
    assertThat(now(send(sender, url())).text())
        .as("each try looks it up anew")
        .contains("webhooks-allow");
    assertThat(sink.connections()).isEqualTo(1);
  }

  @Test
  void trustsNoCertificateThatNobodySigned(@TempDir Path directory) throws Exception {
    Certificate certificate = Certificate.make(directory);
    try (var secure = RawUpstream.start(certificate.context().getServerSocketFactory(), null)) {
      String url = "https://localhost:" + secure.port() + "/";
      Sender.Answer answer = now(send(sender(NAMES, NEVER), url));
      assertThat(answer.kind()).isEqualTo(Sender.Kind.FAILED);
      assertThat(answer.text()).startsWith("no connection:");
      assertThat(secure.calls()).isZero();
    }
  }

  @Test
  @ResourceLock(Resources.SYSTEM_PROPERTIES)
  void takesATrustedCertificateForItsOwnNameOnly(@TempDir Path directory) throws Exception {
    Certificate certificate = Certificate.make(directory);
    // Where the platform looks for whom it trusts; no other test's certificate is this one.
    var before = new HashMap<String, @Nullable String>();
    for (String flag : certificate.trustingFlags()) {
      String[] parts = flag.substring(2).split("=", 2);
      before.put(parts[0], System.getProperty(parts[0]));
      System.setProperty(parts[0], parts[1]);
    }
    try (var secure = RawUpstream.start(certificate.context().getServerSocketFactory(), null)) {
      Sender sender = sender(NAMES, NEVER);
      var right = send(sender, "https://localhost:" + secure.port() + "/");
      secure.take().json(200, "");
      assertThat(now(right).kind()).isEqualTo(Sender.Kind.ARRIVED);
      Sender.Answer wrong = now(send(sender, "https://hooks.example:" + secure.port() + "/"));
      assertThat(wrong.kind()).isEqualTo(Sender.Kind.FAILED);
      assertThat(wrong.text()).startsWith("no connection:");
      assertThat(secure.calls()).isEqualTo(1);
    } finally {
      before.forEach((name, value) -> {
        if (value == null) {
          System.clearProperty(name);
        } else {
          System.setProperty(name, value);
        }
      });
    }
  }
}
