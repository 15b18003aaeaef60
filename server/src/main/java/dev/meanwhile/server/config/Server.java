package dev.meanwhile.server.config;

import dev.meanwhile.budget.OnLeave;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The `server` section. What each value means, its range and its default stand in one table,
/// [ServerOptions]; sizes are bytes.
///
/// @param port 0 means any free port
/// @param bind an IP address, without brackets
/// @param store a `jdbc:postgresql:` address; null: SQLite in `data`
/// @param cacheRedis a `redis:` or `rediss:` address; null: answers are kept in the store
/// @param node null: made of the machine's name and the port
/// @param publicUrl without a slash at its end; null: links follow the request
/// @param secret what URLs are signed with, the first of them; empty: what is kept with the data
/// @param cors the origins, as browsers write them
/// @param tlsCert null exactly if `tlsKey` is null
/// @param tlsKey null exactly if `tlsCert` is null
public record Server(
    int port,
    String bind,
    Path data,
    @Nullable URI store,
    @Nullable String node,
    Duration keepStored,
    Duration keepResponses,
    long maxData,
    Duration backgroundDeadline,
    @Nullable URI publicUrl,
    List<Secret> secret,
    List<String> cors,
    List<Cidr> trustedProxies,
    List<Cidr> webhooksAllow,
    boolean open,
    @Nullable Path tlsCert,
    @Nullable Path tlsKey,
    int loops,
    Coalesce coalesce,
    OnLeave onLeave,
    Duration keep,
    long keepBytes,
    long cacheBytes,
    @Nullable URI cacheRedis,
    int maxRun,
    int maxBody,
    int maxHeader,
    int maxEvent,
    int maxRuns,
    int maxReaders,
    int maxBatch,
    int maxConnections,
    Duration idleTimeout,
    Duration bodyTimeout,
    Duration shutdownTimeout,
    Duration connectTimeout,
    Duration firstContentTimeout,
    Duration betweenTimeout,
    Duration totalTimeout,
    Duration retryWindow,
    Duration heartbeat,
    Duration hold) {
  public Server {
    secret = List.copyOf(secret);
    cors = List.copyOf(cors);
    trustedProxies = List.copyOf(trustedProxies);
    webhooksAllow = List.copyOf(webhooksAllow);
  }

  /// Whether only this machine can reach the server.
  public boolean loopback() {
    return Addresses.parse(bind).isLoopbackAddress();
  }
}
