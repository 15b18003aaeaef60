package dev.meanwhile.crash;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a call asks: a marker that no other call has, and how the AI API is to answer.
///
/// @param tokens how many tokens the answer has
/// @param pause milliseconds before each of them
/// @param flaky whether the first call is answered 503
record Question(String marker, int tokens, int pause, boolean flaky) {
  private static final Pattern TEXT =
      Pattern.compile("\"content\":\"(\\S+) tokens=(\\d+) pause=(\\d+) flaky=(true|false)\"");

  static Question in(String body) {
    Matcher text = TEXT.matcher(body);
    if (!text.find()) {
      throw new IllegalArgumentException("no question: " + body);
    }
    return new Question(
        text.group(1),
        Integer.parseInt(text.group(2)),
        Integer.parseInt(text.group(3)),
        Boolean.parseBoolean(text.group(4)));
  }

  /// The request's body.
  String body() {
    return "{\"model\":\"crash\",\"messages\":[{\"role\":\"user\",\"content\":\"%s tokens=%d pause=%d flaky=%s\"}]}"
        .formatted(marker, tokens, pause, flaky);
  }

  /// A token of the answer to the how many-th call: no two calls say the same.
  String token(int call, int index) {
    return marker + "#" + call + "." + index + " ";
  }

  /// The whole answer to a call.
  String answer(int call) {
    var text = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      text.append(token(call, i));
    }
    return text.toString();
  }
}
