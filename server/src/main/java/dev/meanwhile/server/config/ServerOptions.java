package dev.meanwhile.server.config;

import dev.meanwhile.budget.OnLeave;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// The table of the `server` section: every option with its type, range, default and description.
final class ServerOptions {
  static final Option<Integer> PORT =
      Option.of("port", Types.whole(0, 65535, 8080), "8080", "port to listen on; 0: any free one");
  static final Option<String> BIND =
      Option.of("bind", Types.ADDRESS, "127.0.0.1", "address to listen on");
  static final Option<Path> DATA =
      Option.of("data", Types.PATH, "./meanwhile-data", "directory for what is kept on disk");
  static final Option<URI> STORE =
      Option.optional(
          "store",
          Types.JDBC,
          "SQLite in data",
          "PostgreSQL database for several nodes, instead of a file in data");
  static final Option<String> NODE =
      Option.optional(
          "node",
          Types.name("a name", "node-1"),
          "the machine's name and the port",
          "this node's name among those on one database; the same again after a restart");
  static final Option<Duration> KEEP_STORED =
      Option.of(
          "keep-stored",
          Durations.positive(),
          "24h",
          "how long what was promised, and an Idempotency-Key, is kept after its end");
  static final Option<Duration> KEEP_RESPONSES =
      Option.of(
          "keep-responses",
          Durations.ofKeeping(),
          "720h",
          "the same of responses that were asked for with store");
  static final Option<Long> MAX_DATA =
      Option.of(
          "max-data",
          Sizes.total(),
          "10GB",
          "how much is kept on disk; the oldest ended goes first");
  static final Option<Duration> BACKGROUND_DEADLINE =
      Option.of(
          "background-deadline",
          Durations.positive(),
          "24h",
          "how long background work is tried before it fails");
  static final Option<URI> PUBLIC_URL =
      Option.optional(
          "public-url",
          Urls.type("https://ai.example.com"),
          "as the request says",
          "what links that are given out begin with");
  static final Option<List<Secret>> SECRET =
      Option.computed(
          "secret",
          Types.SECRETS,
          List::of,
          "made at the first start, kept with the data",
          "what signed URLs are signed with; of several the first signs, all are valid");
  static final Option<List<String>> CORS =
      Option.computed(
          "cors", Origins.TYPE, List::of, "none", "origins whose pages may use signed URLs");
  static final Option<List<Cidr>> TRUSTED_PROXIES =
      Option.computed(
          "trusted-proxies",
          Types.CIDRS,
          List::of,
          "none",
          "proxies whose X-Forwarded headers are believed");
  static final Option<List<Cidr>> WEBHOOKS_ALLOW =
      Option.computed(
          "webhooks-allow",
          Types.CIDRS,
          List::of,
          "public addresses only",
          "private addresses that webhooks may be sent to");
  static final Option<Boolean> OPEN =
      Option.of(
          "open", Types.BOOLEAN, "false", "serve other machines without keys; trust the network");
  static final Option<Path> TLS_CERT =
      Option.optional(
          "tls-cert", Types.PATH, "no TLS", "PEM file with the certificate chain; needs tls-key");
  static final Option<Path> TLS_KEY =
      Option.optional(
          "tls-key", Types.PATH, "no TLS", "PEM file with the private key; needs tls-cert");
  static final Option<Integer> LOOPS =
      Option.computed(
          "loops",
          Types.whole(1, 1024, 4),
          () -> Math.max(1, Runtime.getRuntime().availableProcessors() / 2),
          "half the cores",
          "event loops that carry the calls");
  static final Option<Coalesce> COALESCE =
      Option.of(
          "coalesce",
          Types.COALESCE,
          "safe",
          "share one upstream call among identical ones; safe: embeddings and temperature 0");
  static final Option<OnLeave> ON_LEAVE =
      Option.of(
          "on-leave", Types.ON_LEAVE, "cancel", "what to do with a call when its last caller left");
  static final Option<Duration> KEEP =
      Option.of("keep", Durations.orZero(), "15m", "how long a run is kept after its end");
  static final Option<Long> KEEP_BYTES =
      Option.computed(
          "keep-bytes",
          Sizes.total(),
          () -> Runtime.getRuntime().maxMemory() / 4,
          "a quarter of the heap",
          "how much of ended runs is kept in memory");
  static final Option<Long> CACHE_BYTES =
      Option.computed(
          "cache-bytes",
          Sizes.total(),
          () -> Runtime.getRuntime().maxMemory() / 8,
          "an eighth of the heap",
          "how much of answers is kept in memory to be given again");
  static final Option<URI> CACHE_REDIS =
      Option.optional(
          "cache-redis",
          Types.REDIS,
          "the store",
          "Redis or Valkey that keeps answers to be given again, instead of the store");
  static final Option<Integer> MAX_RUN =
      Option.of("max-run", Sizes.piece("1KB"), "16MB", "most bytes one run's log may hold");
  static final Option<Integer> MAX_BODY =
      Option.of("max-body", Sizes.piece("1KB"), "32MB", "most bytes of a request's body");
  static final Option<Integer> MAX_HEADER =
      Option.of("max-header", Sizes.piece("1KB"), "32KB", "most bytes of a request's headers");
  static final Option<Integer> MAX_EVENT =
      Option.of("max-event", Sizes.piece("1KB"), "8MB", "most bytes of one event of an upstream");
  static final Option<Integer> MAX_RUNS =
      Option.of("max-runs", Types.whole(1, 1_000_000, 5000), "10000", "most runs open at once");
  static final Option<Integer> MAX_READERS =
      Option.of(
          "max-readers", Types.whole(1, 1_000_000, 500), "1000", "most readers of one run at once");
  static final Option<Integer> MAX_BATCH =
      Option.of("max-batch", Types.whole(1, 1_000_000, 5_000), "1000000", "most lines of a batch");
  static final Option<Integer> MAX_CONNECTIONS =
      Option.of(
          "max-connections",
          Types.whole(1, 1_000_000, 5000),
          "20000",
          "most connections of callers at once");
  static final Option<Duration> IDLE_TIMEOUT =
      Option.of(
          "idle-timeout", Durations.positive(), "75s", "how long a connection may do nothing");
  static final Option<Duration> BODY_TIMEOUT =
      Option.of("body-timeout", Durations.positive(), "60s", "how long a request's body may take");
  static final Option<Duration> SHUTDOWN_TIMEOUT =
      Option.of(
          "shutdown-timeout", Durations.orZero(), "30s", "how long open calls may take to finish");
  static final Option<Duration> CONNECT_TIMEOUT =
      Option.of(
          "connect-timeout", Durations.positive(), "5s", "how long connecting upstream may take");
  static final Option<Duration> FIRST_CONTENT_TIMEOUT =
      Option.of(
          "first-content-timeout",
          Durations.positive(),
          "10m",
          "how long an upstream may take to its first content");
  static final Option<Duration> BETWEEN_TIMEOUT =
      Option.of(
          "between-timeout",
          Durations.positive(),
          "5m",
          "how long an upstream may be silent between events");
  static final Option<Duration> TOTAL_TIMEOUT =
      Option.of("total-timeout", Durations.positive(), "60m", "how long a whole call may take");
  static final Option<Duration> RETRY_WINDOW =
      Option.of(
          "retry-window",
          Durations.orZero(),
          "60s",
          "how long after its end a run still answers an SDK's retry");
  static final Option<Duration> HEARTBEAT =
      Option.of(
          "heartbeat", Durations.positive(), "15s", "how often a silent stream says it lives");
  static final Option<Duration> HOLD =
      Option.of(
          "hold", Durations.orZero(), "1s", "how long a stream's status waits for its first event");

  /// All of them, in the order of help and documentation.
  static final List<Option<?>> ALL =
      List.of(
          PORT,
          BIND,
          DATA,
          STORE,
          NODE,
          KEEP_STORED,
          KEEP_RESPONSES,
          MAX_DATA,
          BACKGROUND_DEADLINE,
          PUBLIC_URL,
          SECRET,
          CORS,
          TRUSTED_PROXIES,
          WEBHOOKS_ALLOW,
          OPEN,
          TLS_CERT,
          TLS_KEY,
          LOOPS,
          COALESCE,
          ON_LEAVE,
          KEEP,
          KEEP_BYTES,
          CACHE_BYTES,
          CACHE_REDIS,
          MAX_RUN,
          MAX_BODY,
          MAX_HEADER,
          MAX_EVENT,
          MAX_RUNS,
          MAX_READERS,
          MAX_BATCH,
          MAX_CONNECTIONS,
          IDLE_TIMEOUT,
          BODY_TIMEOUT,
          SHUTDOWN_TIMEOUT,
          CONNECT_TIMEOUT,
          FIRST_CONTENT_TIMEOUT,
          BETWEEN_TIMEOUT,
          TOTAL_TIMEOUT,
          RETRY_WINDOW,
          HEARTBEAT,
          HOLD);

  private ServerOptions() {}

  static Server server(Values values) {
    return new Server(
        values.get(PORT),
        values.get(BIND),
        values.get(DATA),
        values.find(STORE),
        values.find(NODE),
        values.get(KEEP_STORED),
        values.get(KEEP_RESPONSES),
        values.get(MAX_DATA),
        values.get(BACKGROUND_DEADLINE),
        values.find(PUBLIC_URL),
        values.get(SECRET),
        values.get(CORS),
        values.get(TRUSTED_PROXIES),
        values.get(WEBHOOKS_ALLOW),
        values.get(OPEN),
        values.find(TLS_CERT),
        values.find(TLS_KEY),
        values.get(LOOPS),
        values.get(COALESCE),
        values.get(ON_LEAVE),
        values.get(KEEP),
        values.get(KEEP_BYTES),
        values.get(CACHE_BYTES),
        values.find(CACHE_REDIS),
        values.get(MAX_RUN),
        values.get(MAX_BODY),
        values.get(MAX_HEADER),
        values.get(MAX_EVENT),
        values.get(MAX_RUNS),
        values.get(MAX_READERS),
        values.get(MAX_BATCH),
        values.get(MAX_CONNECTIONS),
        values.get(IDLE_TIMEOUT),
        values.get(BODY_TIMEOUT),
        values.get(SHUTDOWN_TIMEOUT),
        values.get(CONNECT_TIMEOUT),
        values.get(FIRST_CONTENT_TIMEOUT),
        values.get(BETWEEN_TIMEOUT),
        values.get(TOTAL_TIMEOUT),
        values.get(RETRY_WINDOW),
        values.get(HEARTBEAT),
        values.get(HOLD));
  }
}
