package dev.meanwhile.server.route;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.notify.Sender;
import dev.meanwhile.server.Links;
import dev.meanwhile.server.auth.Authenticator;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Api;
import dev.meanwhile.server.config.Config;
import dev.meanwhile.server.config.CurrentConfig;
import dev.meanwhile.server.prefetch.Prefetches;
import dev.meanwhile.server.telemetry.Metrics;
import dev.meanwhile.server.telemetry.Typical;
import dev.meanwhile.server.upstream.Client;
import dev.meanwhile.view.Feeds;
import java.util.Map;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// All that the routes of one loop use.
///
/// @param current the configuration, of which operations and keys may change
/// @param feeds null if nothing is kept
/// @param clients the connections to each upstream, by its name; the first takes what names none
/// @param secret keys the hashes of requests
/// @param sender sends to webhooks
/// @param prefetches what is made before anyone asks; the same for all loops
/// @param ready whether new work is accepted
public record Loop(
    Clock clock,
    CurrentConfig current,
    Meanwhile engine,
    Dispatcher dispatcher,
    @Nullable Feeds feeds,
    Map<String, Client> clients,
    Authenticator authenticator,
    Secret secret,
    Links links,
    Metrics metrics,
    Typical typical,
    Sender sender,
    Prefetches prefetches,
    BooleanSupplier ready) {
  /// The configuration as it is now.
  Config config() {
    return current.get();
  }

  Client client(String upstream) {
    return Objects.requireNonNull(clients.get(upstream), upstream);
  }

  /// The upstream that a model is asked of: the one that its name begins with, else the first.
  Client clientOf(@Nullable String model) {
    int slash = model == null ? -1 : model.indexOf('/');
    Client named = model == null || slash < 1 ? null : clients.get(model.substring(0, slash));
    return named == null ? firstClient() : named;
  }

  /// The first upstream that speaks the Responses API, or null.
  @Nullable Client responsesClient() {
    for (Client client : clients.values()) {
      if (client.config().api() == Api.RESPONSES) {
        return client;
      }
    }
    return null;
  }

  Client firstClient() {
    return clients.values().iterator().next();
  }
}
