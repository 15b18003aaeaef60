package dev.meanwhile.server.config;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The table of an entry of `upstreams`, and of the flags that give one.
final class UpstreamOptions {
  /// The upstream that `--upstream` gives.
  static final String DEFAULT = "default";

  static final String EXAMPLE = "https://api.openai.com/v1";
  static final Type<String> NAME = Types.name("a name", "openai");

  static final Option<URI> BASE_URL =
      Option.required("base-url", Urls.type(EXAMPLE), "as an SDK's base URL, with its /v1");
  static final Option<Secret> API_KEY =
      Option.optional(
          "api-key", Types.SECRET, "the caller's own, if there are no keys", "credential to send");
  static final Option<Api> API =
      Option.of(
          "api",
          Types.API,
          "chat",
          "dialect it speaks; responses: chat, and /v1/responses as it is");
  static final Option<Integer> MAX_CONNECTIONS =
      Option.of(
          "max-connections", Types.whole(1, 1_000_000, 1024), "10000", "most connections to it");
  static final Option<Integer> MAX_QUEUE =
      Option.of(
          "max-queue", Types.whole(0, 1_000_000, 1000), "10000", "most calls waiting for one");

  static final Option<Integer> MAX_BACKGROUND =
      Option.of(
          "max-background",
          Types.whole(1, 1_000_000, 64),
          "16",
          "most calls of background work at once");
  static final Option<Integer> MAX_QUEUED =
      Option.of(
          "max-queued",
          Types.whole(1, 100_000_000, 1000),
          "100000",
          "most background runs waiting for their turn");

  static final List<Option<?>> ALL =
      List.of(BASE_URL, API_KEY, API, MAX_CONNECTIONS, MAX_QUEUE, MAX_BACKGROUND, MAX_QUEUED);

  /// `--upstream` and `--upstream-key-env`, which the file says in its own way.
  static final Option<URI> FLAG =
      Option.optional(
          "upstream",
          Urls.type(EXAMPLE),
          "the file's first",
          "base URL of the AI API, with its /v1; becomes the upstream named default");

  static final Option<String> KEY_FLAG =
      Option.optional(
          "upstream-key-env",
          Types.variable(),
          "the caller's key",
          "variable that holds the key for --upstream");

  static final List<Option<?>> FLAGS = List.of(FLAG, KEY_FLAG);

  private UpstreamOptions() {}

  static UpstreamConfig upstream(String name, Values values) {
    return new UpstreamConfig(
        name,
        values.get(BASE_URL),
        values.find(API_KEY),
        values.get(API),
        values.get(MAX_CONNECTIONS),
        values.get(MAX_QUEUE),
        values.get(MAX_BACKGROUND),
        values.get(MAX_QUEUED));
  }

  /// The upstream that the flags give, with the defaults for all they do not say.
  static UpstreamConfig given(URI baseUrl, @Nullable Secret key) {
    Values defaults = new Values();
    return new UpstreamConfig(
        DEFAULT,
        baseUrl,
        key,
        defaults.get(API),
        defaults.get(MAX_CONNECTIONS),
        defaults.get(MAX_QUEUE),
        defaults.get(MAX_BACKGROUND),
        defaults.get(MAX_QUEUED));
  }
}
