package dev.meanwhile.conformance.openaijava;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.Headers;
import com.openai.errors.OpenAIException;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.webhooks.WebhookCreateParams;
import com.openai.models.webhooks.WebhookCreateParams.EventType;
import com.openai.models.webhooks.WebhookRotateSecretParams;
import com.openai.models.webhooks.WebhookVerificationParams;
import com.sun.net.httpserver.HttpServer;
import dev.meanwhile.conformance.Rig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// `com.openai:openai-java` registers a webhook and unwraps what is delivered to it.
@Timeout(60)
final class OpenAiJavaWebhooksTest {
  private final Rig rig = Rig.keeping();
  private final BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
  private HttpServer sink;

  private record Delivery(Headers headers, String body) {}

  @BeforeEach
  void listen() throws IOException {
    sink = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    sink.createContext(
        "/",
        exchange -> {
          Headers headers = Headers.builder().putAll(exchange.getRequestHeaders()).build();
          deliveries.add(
              new Delivery(headers, new String(exchange.getRequestBody().readAllBytes(), UTF_8)));
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    sink.start();
  }

  @AfterEach
  void stop() {
    sink.stop(0);
    rig.close();
  }

  @Test
  void unwrapsARealDelivery() throws InterruptedException {
    OpenAIClient client =
        OpenAIOkHttpClient.builder()
            .apiKey(Rig.API_KEY)
            .baseUrl(rig.baseUrl())
            .responseValidation(true)
            .build();
    var endpoint =
        client
            .webhooks()
            .create(
                WebhookCreateParams.builder()
                    .name("conformance")
                    .url("http://127.0.0.1:" + sink.getAddress().getPort() + "/hook")
                    .addEventType(EventType.RESPONSE_COMPLETED)
                    .build());
    String id =
        client
            .responses()
            .create(
                ResponseCreateParams.builder()
                    .model("sim-fast")
                    .input("How do trains cross borders?")
                    .background(true)
                    .build())
            .id();

    Delivery delivery = delivery();
    var signed =
        WebhookVerificationParams.builder().payload(delivery.body).headers(delivery.headers);
    var event = client.webhooks().unwrap(signed.secret(endpoint.signingSecret()).build());
    var completed = event.asResponseCompleted().validate();
    assertThat(completed.data().id()).isEqualTo(id);
    // Whoever is told of the end finds it.
    assertThat(client.responses().retrieve(id).status()).contains(ResponseStatus.COMPLETED);

    String other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assertThatThrownBy(() -> client.webhooks().unwrap(signed.secret(other).build()))
        .isInstanceOf(OpenAIException.class);

    // While the secret rotates, both unwrap what is delivered; afterwards only the new one.
    String second = rotated(client, endpoint.id(), true);
    String next = background(client);
    Delivery both = delivery();
    for (String secret : List.of(endpoint.signingSecret(), second)) {
      assertThat(unwrapped(client, both, secret)).isEqualTo(next);
    }
    String third = rotated(client, endpoint.id(), false);
    String last = background(client);
    Delivery one = delivery();
    assertThat(unwrapped(client, one, third)).isEqualTo(last);
    for (String old : List.of(endpoint.signingSecret(), second)) {
      assertThatThrownBy(() -> unwrapped(client, one, old)).isInstanceOf(OpenAIException.class);
    }
    client.close();
  }

  private Delivery delivery() throws InterruptedException {
    return Objects.requireNonNull(deliveries.poll(30, TimeUnit.SECONDS));
  }

  private static String rotated(OpenAIClient client, String endpoint, boolean keep) {
    return client
        .webhooks()
        .rotateSecret(
            WebhookRotateSecretParams.builder()
                .webhookEndpointId(endpoint)
                .keepOldSecretActiveFor24Hours(keep)
                .build())
        .signingSecret();
  }

  private static String background(OpenAIClient client) {
    var ask = ResponseCreateParams.builder().model("sim-fast").input("And then?").background(true);
    return client.responses().create(ask.build()).id();
  }

  /// The id of the response that a delivery tells of.
  private static String unwrapped(OpenAIClient client, Delivery delivery, String secret) {
    var signed =
        WebhookVerificationParams.builder()
            .payload(delivery.body)
            .headers(delivery.headers)
            .secret(secret);
    return client.webhooks().unwrap(signed.build()).asResponseCompleted().validate().data().id();
  }
}
