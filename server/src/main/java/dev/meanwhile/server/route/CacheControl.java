package dev.meanwhile.server.route;

import dev.meanwhile.server.Refusal;
import io.vertx.core.MultiMap;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What a request says with `Cache-Control` (RFC 9111, 5.2.1); what it does not know is passed
/// over.
///
/// @param maxAge the oldest answer that will do, or null
/// @param minFresh how long an answer must still be fresh; zero or more
/// @param maxStale how stale it may be; zero or more
record CacheControl(
    boolean noCache,
    boolean noStore,
    boolean onlyIfCached,
    @Nullable Duration maxAge,
    Duration minFresh,
    Duration maxStale) {
  private static final CacheControl NOTHING =
      new CacheControl(false, false, false, null, Duration.ZERO, Duration.ZERO);
  private static final Duration ANY = Duration.ofDays(36_500);

  /// @throws Refusal 400 if a time is no number of seconds
  static CacheControl of(MultiMap headers) {
    if (!headers.contains("cache-control")) {
      return NOTHING;
    }
    boolean noCache = false;
    boolean noStore = false;
    boolean onlyIfCached = false;
    Duration maxAge = null;
    Duration minFresh = Duration.ZERO;
    Duration maxStale = Duration.ZERO;
    for (String part : String.join(",", headers.getAll("cache-control")).split(",", -1)) {
      String[] said = part.strip().toLowerCase(Locale.ROOT).split("\\s*=\\s*", 2);
      switch (said[0]) {
        case "no-cache" -> noCache = true;
        case "no-store" -> noStore = true;
        case "only-if-cached" -> onlyIfCached = true;
        case "max-age" -> maxAge = seconds(said);
        case "min-fresh" -> minFresh = seconds(said);
        case "max-stale" -> maxStale = said.length == 1 ? ANY : seconds(said);
        default -> {}
      }
    }
    return new CacheControl(noCache, noStore, onlyIfCached, maxAge, minFresh, maxStale);
  }

  private static Duration seconds(String[] said) {
    String text = said.length == 1 ? "" : said[1].replace("\"", "");
    if (!text.matches("[0-9]{1,9}")) {
      throw new Refusal(
          400,
          "invalid_cache_control",
          "In Cache-Control %s is a number of seconds, such as %s=60.".formatted(said[0], said[0]),
          "Cache-Control");
    }
    return Duration.ofSeconds(Long.parseLong(text));
  }

  /// Whether the answer of another call will not do.
  boolean isAlone() {
    return noCache || noStore;
  }
}
