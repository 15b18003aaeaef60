package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.openai.DeltaReader.Part;
import java.util.ArrayList;
import java.util.List;

/// Chat events as the native API shows them, free of any dialect.
public final class Deltas {
  private Deltas() {}

  /// What one event gives a user, as JSON objects on one line each: `{"index": 0, …}` with one of
  /// `text`, `reasoning`, `refusal` (strings) and `tool_call` (the fragment as it came). Empty if
  /// it says nothing here.
  ///
  /// @param event the event's bytes as they are in the log
  public static List<String> of(Kind kind, byte[] event) {
    List<String> deltas = new ArrayList<>();
    DeltaReader reader =
        new DeltaReader((index, part, bytes, from, to) ->
            deltas.add(
                "{\"index\":" + index + ",\"" + name(part) + "\":" + line(bytes, from, to) + "}"));
    switch (kind) {
      case CONTENT -> events(reader).feed(event, 0, event.length);
      case ANSWER -> reader.read(event, 0, event.length);
      case FRAME, USAGE, ERROR, MARK, RESTARTED -> {}
    }
    return deltas;
  }

  /// The text of the first choice in the events from `from` (inclusive) to `to` (exclusive).
  public static String text(LogReader log, int from, int to) {
    StringBuilder text = new StringBuilder();
    DeltaReader reader =
        new DeltaReader((index, part, bytes, start, end) -> {
          if (index == 0 && part == Part.TEXT) {
            text.append(Json.decode(bytes, start + 1, end - 1));
          }
        });
    if (from < to && log.kind(from) == Kind.ANSWER) {
      byte[] answer = log.bytes(from, from + 1);
      reader.read(answer, 0, answer.length);
    } else {
      log.read(from, to, events(reader)::feed);
    }
    return text.toString();
  }

  private static DataEvents events(DeltaReader reader) {
    return new DataEvents(reader::read);
  }

  private static String name(Part part) {
    return switch (part) {
      case TEXT -> "text";
      case REASONING -> "reasoning";
      case REFUSAL -> "refusal";
      case TOOL_CALL -> "tool_call";
    };
  }

  /// Raw JSON on one line: line ends in it can only be white space between tokens.
  private static String line(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, UTF_8).replace('\n', ' ').replace('\r', ' ');
  }
}
