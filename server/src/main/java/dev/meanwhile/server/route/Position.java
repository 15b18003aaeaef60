package dev.meanwhile.server.route;

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

  /// @throws Refusal 400 unless `text` is a position in `run`; null is the beginning
  static Position parse(@Nullable String text, Run run) {
    if (text == null || text.isEmpty()) {
      return new Position(run.attempt(), 0, 0);
    }
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw invalid("is not an id of this stream, which look like 1.42");
    }
    int part = matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3));
    var position =
        new Position(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), part);
    int last = run.end() + (run.terminal() == null ? 0 : 1);
    if (position.attempt != run.attempt() || position.offset > last) {
      throw invalid(
          "is beyond this run, which stands at %d.%d".formatted(run.attempt(), run.end()));
    }
    return position;
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
