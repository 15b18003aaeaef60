package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.server.Refusal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Where a reader is in a run, as it stands in SSE ids and after `?after=`: `<attempt>.<offset>`,
/// and `+<part>` where one event of the log became several on the wire and only the first ones were
/// seen.
///
/// @param attempt the attempt that wrote what was seen
/// @param offset the offset of the next event; one more than the end of the log if the terminal
///   event has been seen too
/// @param part how many parts of the event at `offset` have been seen
record Position(int attempt, int offset, int part) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,6})\\.(\\d{1,9})(?:\\+(\\d{1,6}))?");

  /// It may be beyond the end: what came before it was lost with its process, or has yet to come
  /// from another node.
  ///
  /// @throws Refusal 400 unless `text` is a position in `run`; null is the beginning
  static Position parse(@Nullable String text, Run run) {
    if (text == null || text.isEmpty()) {
      return new Position(attemptAt(run, 0), 0, 0);
    }
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw invalid("is not an id of this stream, which look like 1.42");
    }
    int part = matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3));
    var position =
        new Position(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), part);
    int next = nextAttempt(run, position.attempt);
    if (next < run.end() && position.offset > next) {
      // What it saw after that was lost with its attempt: it goes on where the next one begins.
      return new Position(position.attempt, next, 0);
    }
    if (position.attempt < 1 || position.attempt > attemptAt(run, position.offset)) {
      throw invalid(
          "is beyond this run, which stands at %d.%d".formatted(run.attempt(), run.end()));
    }
    return position;
  }

  /// The offset at which the first attempt after this one begins to write, or the end.
  private static int nextAttempt(LogReader log, int attempt) {
    for (int i = 0; i < log.start(); i++) {
      if (log.kind(i) == Kind.RESTARTED && attemptOf(log, i) > attempt) {
        return i;
      }
    }
    return log.end();
  }

  /// The attempt that wrote what comes before `offset`, or whatever comes first.
  private static int attemptAt(LogReader log, int offset) {
    if (log.start() == 0) {
      return 1;
    }
    int attempt = 1;
    for (int i = 0; i < log.start() && i < Math.max(1, offset); i++) {
      if (log.kind(i) == Kind.RESTARTED) {
        attempt = attemptOf(log, i);
      }
    }
    return attempt;
  }

  /// The attempt that begins at `offset`, where a [Kind#RESTARTED] stands.
  static int attemptOf(LogReader log, int offset) {
    return Integer.parseInt(new String(log.bytes(offset, offset + 1), US_ASCII));
  }

  private static Refusal invalid(String why) {
    return new Refusal(
        400,
        "invalid_position",
        "The position given by Last-Event-ID or ?after= %s. Leave it out to read from the beginning."
            .formatted(why),
        "after");
  }

  @Override
  public String toString() {
    return attempt + "." + offset + (part == 0 ? "" : "+" + part);
  }
}
