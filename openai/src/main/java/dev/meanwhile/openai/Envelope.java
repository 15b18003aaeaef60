package dev.meanwhile.openai;

import dev.meanwhile.openai.JsonScanner.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/// What the server must know of a request's body before it relays it: read in one walk, without a
/// tree. Of members that are given twice the last one counts. Immutable but for the bytes, which
/// must not be changed.
public final class Envelope {
  private static final byte[] MODEL = Json.ascii("model");
  private static final byte[] STREAM = Json.ascii("stream");
  private static final byte[] STREAM_OPTIONS = Json.ascii("stream_options");
  private static final byte[] INCLUDE_USAGE = Json.ascii("include_usage");
  private static final byte[] TEMPERATURE = Json.ascii("temperature");
  private static final byte[] ENCODING_FORMAT = Json.ascii("encoding_format");
  private static final byte[] N = Json.ascii("n");

  /// Bodies with more members than this are taken to have duplicates.
  private static final int MAX_MEMBERS = 256;

  private final byte[] body;
  private @Nullable Problem problem;
  private @Nullable String model;
  private @Nullable Edit modelAt;
  private @Nullable Edit streamAt;
  private @Nullable Edit optionsAt;
  private @Nullable Edit usageAt;
  private boolean options;
  private boolean stream;
  private boolean includeUsage;
  private boolean zeroTemperature;
  private boolean base64;
  private int n = 1;
  private boolean duplicates;
  private long[] names = new long[16];
  private int members;

  /// Why a body cannot be relayed.
  ///
  /// @param message what is wrong, and where
  /// @param param the member that is wrong, or null if it is the body
  /// @param code a stable name: `invalid_json`, `invalid_type`
  public record Problem(String message, @Nullable String param, String code) {}

  private Envelope(byte[] body) {
    this.body = body;
  }

  /// Reads a body; [#problem] says whether it can be used.
  public static Envelope of(byte[] body) {
    Envelope envelope = new Envelope(body);
    try {
      envelope.read(new JsonScanner().reset(body, 0, body.length));
    } catch (MalformedJson e) {
      envelope.problem =
          new Problem("The body is not valid JSON: " + e.getMessage() + ".", null, "invalid_json");
    }
    return envelope;
  }

  /// Why the body cannot be relayed, or null if it can: then the rest is valid.
  public @Nullable Problem problem() {
    return problem;
  }

  /// The bytes it was read from.
  public byte[] body() {
    return body;
  }

  /// The model that is asked for, or null if none is.
  public @Nullable String model() {
    return model;
  }

  /// Whether a stream is asked for.
  public boolean stream() {
    return stream;
  }

  /// Whether `stream_options.include_usage` is true.
  public boolean includeUsage() {
    return includeUsage;
  }

  /// Whether a temperature is given and is 0.
  public boolean zeroTemperature() {
    return zeroTemperature;
  }

  /// Whether embeddings are asked for in base64.
  public boolean base64() {
    return base64;
  }

  /// How many choices are asked for, 1 if that is not said.
  public int n() {
    return n;
  }

  /// Whether a member is given twice at the top level, so that APIs may understand different
  /// things.
  public boolean duplicates() {
    return duplicates;
  }

  /// The body with another model, everything else byte for byte as it was.
  ///
  /// @throws IllegalStateException if the body has no model to replace
  public byte[] withModel(String name) {
    return edited(name, false);
  }

  /// The body as it is to go up: with another model, or asking for a stream with usage, everything
  /// else byte for byte as it was.
  ///
  /// @param name the other model, or null
  /// @param streamed whether it is to ask for a stream with its closing usage chunk
  /// @throws IllegalStateException if the body has no model to replace
  public byte[] edited(@Nullable String name, boolean streamed) {
    var edits = new ArrayList<Edit>(3);
    if (name != null) {
      if (problem != null || modelAt == null) {
        throw new IllegalStateException("the body has no model to replace");
      }
      edits.add(modelAt.by(Json.quote(name)));
    }
    if (streamed) {
      askForStream(edits);
    }
    edits.sort(Comparator.comparingInt(Edit::start));
    var out = new Bytes(body.length + 80);
    int at = 0;
    for (Edit edit : edits) {
      out.add(body, at, edit.start).add(edit.text);
      at = edit.end;
    }
    return out.add(body, at, body.length).copy(0);
  }

  private void askForStream(List<Edit> edits) {
    var missing = new StringJoiner(",");
    if (streamAt == null) {
      missing.add("\"stream\":true");
    } else {
      edits.add(streamAt.by("true"));
    }
    Edit all = optionsAt;
    if (usageAt != null) {
      edits.add(usageAt.by("true"));
    } else if (all == null) {
      missing.add("\"stream_options\":{\"include_usage\":true}");
    } else if (options) {
      boolean empty = onlySpace(all.start + 1, all.end - 1);
      edits.add(Edit.at(all.start + 1, "\"include_usage\":true" + (empty ? "" : ",")));
    } else {
      edits.add(all.by("{\"include_usage\":true}"));
    }
    if (missing.length() > 0) {
      int first = firstMember();
      edits.add(Edit.at(first, missing + (body[first] == '}' ? "" : ",")));
    }
  }

  private boolean onlySpace(int from, int to) {
    for (int i = from; i < to; i++) {
      if (body[i] > ' ') {
        return false;
      }
    }
    return true;
  }

  /// Where the first member begins, or the closing brace of an empty object is.
  private int firstMember() {
    int at = 0;
    while (body[at] != '{') {
      at++;
    }
    do {
      at++;
    } while (body[at] <= ' ' && body[at] >= 0);
    return at;
  }

  /// A part of the body, from `start` (inclusive) to `end` (exclusive), and what takes its place.
  private record Edit(int start, int end, String text) {
    static Edit of(JsonScanner in) {
      return new Edit(in.start(), in.end(), "");
    }

    static Edit at(int place, String text) {
      return new Edit(place, place, text);
    }

    Edit by(String other) {
      return new Edit(start, end, other);
    }
  }

  private void read(JsonScanner in) {
    if (in.peek() != Value.OBJECT) {
      problem =
          new Problem(
              "The body must be a JSON object, not " + word(in.peek()) + ".", null, "invalid_json");
      return;
    }
    in.enterObject();
    while (in.member()) {
      note(in.nameHash());
      if (in.named(MODEL)) {
        model(in);
      } else if (in.named(STREAM)) {
        stream = truth(in, "stream");
        in.skip();
        streamAt = Edit.of(in);
      } else if (in.named(STREAM_OPTIONS)) {
        streamOptions(in);
      } else if (in.named(TEMPERATURE)) {
        zeroTemperature = zero(in);
      } else if (in.named(ENCODING_FORMAT)) {
        base64 = in.peek() == Value.STRING && in.string().equals("base64");
      } else if (in.named(N)) {
        n = Math.max(1, in.natural());
      }
    }
    in.finish();
  }

  private void note(long name) {
    if (members == MAX_MEMBERS) {
      duplicates = true;
      return;
    }
    for (int i = 0; i < members; i++) {
      duplicates |= names[i] == name;
    }
    if (members == names.length) {
      names = Arrays.copyOf(names, members * 2);
    }
    names[members++] = name;
  }

  private void model(JsonScanner in) {
    Value value = in.peek();
    switch (value) {
      case STRING -> model = in.string();
      case NULL -> {
        in.skip();
        model = null;
      }
      case OBJECT, ARRAY, NUMBER, TRUE, FALSE -> {
        wrongType("model", "a string", value);
        in.skip();
      }
    }
    modelAt = Edit.of(in);
  }

  private boolean truth(JsonScanner in, String name) {
    Value value = in.peek();
    return switch (value) {
      case TRUE -> true;
      case FALSE, NULL -> false;
      case OBJECT, ARRAY, STRING, NUMBER -> {
        wrongType(name, "a boolean", value);
        yield false;
      }
    };
  }

  private void streamOptions(JsonScanner in) {
    options = in.peek() == Value.OBJECT;
    in.skip();
    Edit all = Edit.of(in);
    optionsAt = all;
    if (options) {
      var inner = new JsonScanner().reset(body, all.start, all.end - all.start);
      inner.enterObject();
      while (inner.member()) {
        if (inner.named(INCLUDE_USAGE)) {
          includeUsage = truth(inner, "stream_options.include_usage");
          inner.skip();
          usageAt = Edit.of(inner);
        }
      }
    }
  }

  private boolean zero(JsonScanner in) {
    boolean number = in.peek() == Value.NUMBER;
    in.skip();
    for (int i = in.start(); number && i < in.end() && (body[i] | 0x20) != 'e'; i++) {
      number = body[i] < '1' || body[i] > '9';
    }
    return number;
  }

  private void wrongType(String name, String expected, Value value) {
    if (problem == null) {
      problem =
          new Problem(
              "Invalid type for '"
                  + name
                  + "': expected "
                  + expected
                  + ", but got "
                  + word(value)
                  + " instead.",
              name,
              "invalid_type");
    }
  }

  private static String word(Value value) {
    return switch (value) {
      case OBJECT, ARRAY -> "an " + value.name().toLowerCase(Locale.ROOT);
      case STRING, NUMBER -> "a " + value.name().toLowerCase(Locale.ROOT);
      case TRUE, FALSE -> "a boolean";
      case NULL -> "null";
    };
  }
}
