package dev.meanwhile.openai;

import dev.meanwhile.openai.JsonScanner.Value;
import java.util.Arrays;
import java.util.Locale;
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
  private int modelStart = -1;
  private int modelEnd = -1;
  private boolean stream;
  private boolean includeUsage;
  private boolean zeroTemperature;
  private @Nullable String encodingFormat;
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

  /// The encoding of embeddings that is asked for, or null if none is.
  public @Nullable String encodingFormat() {
    return encodingFormat;
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
    if (problem != null || modelStart < 0) {
      throw new IllegalStateException("the body has no model to replace");
    }
    String quoted = Json.quote(name);
    return new Bytes(body.length + quoted.length())
        .add(body, 0, modelStart)
        .add(quoted)
        .add(body, modelEnd, body.length)
        .copy(0);
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
      } else if (in.named(STREAM_OPTIONS)) {
        includeUsage = includeUsage(in);
      } else if (in.named(TEMPERATURE)) {
        zeroTemperature = zero(in);
      } else if (in.named(ENCODING_FORMAT)) {
        encodingFormat = in.peek() == Value.STRING ? in.string() : null;
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
    modelStart = in.start();
    modelEnd = in.end();
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

  private boolean includeUsage(JsonScanner in) {
    boolean asked = false;
    if (in.peek() == Value.OBJECT) {
      in.enterObject();
      while (in.member()) {
        if (in.named(INCLUDE_USAGE)) {
          asked = truth(in, "stream_options.include_usage");
        }
      }
    }
    return asked;
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
