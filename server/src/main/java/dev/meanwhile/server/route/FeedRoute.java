package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.dispatch.Dispatcher;
import dev.meanwhile.openai.Api;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.SignedUrls.Right;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Label;
import dev.meanwhile.view.Feeds;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// `GET /v1/feeds/{channel}`: tells of runs as their state changes, and by what headers a run is
/// told of.
final class FeedRoute {
  static final String PATH = "/v1/feeds/";

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._:@~-]{1,128}");
  private static final int LONGEST_TITLE = 200;

  private final Loop loop;
  private final UrlRoute urls;

  FeedRoute(Loop loop, UrlRoute urls) {
    this.loop = loop;
    this.urls = urls;
  }

  /// @param channel as it stands in the path, which is percent-encoded
  void read(HttpServerRequest request, String channel) {
    String name = name(decoded(channel));
    Caller caller = caller(request, name, Right.READ);
    String after = request.getParam("after");
    new FeedEvents(
            loop,
            feeds(loop),
            request.response(),
            new Channel(caller.tenant(), name),
            after != null ? after : request.headers().get("last-event-id"))
        .begin();
  }

  /// Signs a URL of the feed; as [#read].
  void sign(HttpServerRequest request, String channel) {
    String name = name(decoded(channel));
    Caller caller = caller(request, name, Right.OWN);
    urls.read(request, false, wanted -> urls.answer(request, caller, PATH + name, wanted));
  }

  private Caller caller(HttpServerRequest request, String name, Right needed) {
    return loop.authenticator().caller(request, PATH + name, needed, loop.clock().millis());
  }

  private static Feeds feeds(Loop loop) {
    Feeds feeds = loop.feeds();
    if (feeds == null) {
      var none = Dispatcher.NO_STORE;
      throw new Refusal(none.status(), none.code(), none.message());
    }
    return feeds;
  }

  /// In which channel a call's run is to be told of, and as what; null if it does not say.
  ///
  /// @param usual the title if the call gives none; blank: what kind of call it is
  /// @throws Refusal if a header is not understood, or nothing is kept here
  static @Nullable Label label(Loop loop, HttpServerRequest request, Api api, String usual) {
    String channel = request.headers().get("meanwhile-channel");
    if (channel == null) {
      return null;
    }
    String name = name(channel.strip());
    String given = request.headers().get("meanwhile-title");
    String title =
        given == null ? usual(usual.isBlank() ? api.word() : usual) : decoded(given.strip());
    if (title.isBlank() || title.length() > LONGEST_TITLE || !title.equals(usual(title))) {
      throw new Refusal(
          400,
          "invalid_title",
          "Meanwhile-Title is a text of 1 to %d characters, percent-encoded as by encodeURIComponent."
              .formatted(LONGEST_TITLE),
          "Meanwhile-Title");
    }
    feeds(loop);
    return new Label(name, title);
  }

  /// What every database keeps as a text: no control characters, no halves of characters.
  private static String usual(String text) {
    String whole = new String(text.getBytes(UTF_8), UTF_8).replaceAll("\\p{Cc}", " ");
    return whole.length() <= LONGEST_TITLE
        ? whole
        : new String(whole.substring(0, LONGEST_TITLE).getBytes(UTF_8), UTF_8);
  }

  /// Percent-decoded, or empty if it is not properly encoded.
  private static String decoded(String text) {
    try {
      // A plus is itself here.
      return URLDecoder.decode(text.replace("+", "%2B"), UTF_8);
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private static String name(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new Refusal(
          400,
          "invalid_channel",
          "A channel is 1 to 128 letters, digits or . _ : @ ~ -, such as user:42.",
          "Meanwhile-Channel");
    }
    return name;
  }
}
