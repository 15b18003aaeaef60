package dev.meanwhile.server.route;

import dev.meanwhile.openai.JsonText;
import dev.meanwhile.server.Refusal;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One page of a list in OpenAI's shape: what a request asks for by `after` and `limit`.
///
/// @param after the id after which it begins, or null
record Page(@Nullable String after, int limit) {
  static Page of(HttpServerRequest request, int usual, int most) {
    return new Page(request.getParam("after"), (int) number(request, "limit", usual, most));
  }

  /// A whole number of the query, from 1 on.
  ///
  /// @throws Refusal 400 if it is none
  static long number(HttpServerRequest request, String name, long usual, long most) {
    String text = request.getParam(name);
    if (text == null) {
      return usual;
    }
    long number = text.matches("\\d{1,12}") ? Long.parseLong(text) : -1;
    if (number < 1 || number > most) {
      throw new Refusal(
          400,
          "invalid_parameter",
          "`%s` is a whole number from 1 to %d.".formatted(name, most),
          name);
    }
    return number;
  }

  /// The page as JSON.
  ///
  /// @param found one more than the limit, if there are so many
  <T> String of(List<T> found, Function<T, @Nullable String> id, Function<T, String> json) {
    boolean more = found.size() > limit;
    List<T> shown = more ? found.subList(0, limit) : found;
    return "{\"object\":\"list\",\"data\":["
        + shown.stream().map(json).collect(Collectors.joining(","))
        + "],\"first_id\":"
        + JsonText.quoted(shown.isEmpty() ? null : id.apply(shown.getFirst()))
        + ",\"last_id\":"
        + JsonText.quoted(shown.isEmpty() ? null : id.apply(shown.getLast()))
        + ",\"has_more\":"
        + more
        + "}";
  }
}
