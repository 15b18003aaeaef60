package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.JsonScanner.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;

/// Gives an embeddings answer the encoding that its caller asked for: SDKs ask for base64
/// (little-endian float32), and some upstreams answer arrays all the same.
public final class Embeddings {
  private static final byte[] DATA = Json.ascii("data");
  private static final byte[] EMBEDDING = Json.ascii("embedding");

  private final byte[] answer;
  private final Value wanted;
  private final JsonScanner in;
  private final Bytes out;

  /// Up to where the answer was copied.
  private int copied;

  private Embeddings(byte[] answer, Value wanted) {
    this.answer = answer;
    this.wanted = wanted;
    this.in = new JsonScanner().reset(answer, 0, answer.length);
    this.out = new Bytes(answer.length);
  }

  /// The answer with every embedding in the format that was asked for.
  ///
  /// @param base64 whether that is base64; all else means arrays of numbers, as OpenAI has it
  /// @return the very same bytes if nothing was to be done, or anything in them is not what an
  ///   embedding can be; otherwise the embeddings differ and all else is byte for byte the same
  public static byte[] inFormat(byte[] answer, boolean base64) {
    Value wanted = base64 ? Value.STRING : Value.ARRAY;
    try {
      return new Embeddings(answer, wanted).convert();
    } catch (MalformedJson | IllegalArgumentException e) {
      return answer;
    }
  }

  private byte[] convert() {
    in.enterObject();
    while (in.member()) {
      if (in.named(DATA) && in.peek() == Value.ARRAY) {
        in.enterArray();
        while (in.element()) {
          if (in.peek() == Value.OBJECT) {
            item();
          }
        }
      }
    }
    in.finish();
    return copied == 0 ? answer : out.add(answer, copied, answer.length).copy(0);
  }

  private void item() {
    in.enterObject();
    while (in.member()) {
      if (in.named(EMBEDDING)) {
        Value present = in.peek();
        if (present == Value.ARRAY && wanted == Value.STRING) {
          in.skip();
          base64(in.start(), in.end());
        } else if (present == Value.STRING && wanted == Value.ARRAY) {
          numbers(in.string());
        }
      }
    }
  }

  /// Replaces the array at this place.
  private void base64(int from, int to) {
    Bytes floats = new Bytes((to - from) / 2);
    JsonScanner array = new JsonScanner().reset(answer, from, to - from);
    array.enterArray();
    while (array.element()) {
      if (array.peek() != Value.NUMBER) {
        throw new MalformedJson("no number", array.start());
      }
      array.skip();
      int length = array.end() - array.start();
      float number = Float.parseFloat(new String(answer, array.start(), length, UTF_8));
      int bits = Float.floatToRawIntBits(finite(number));
      floats.add(bits).add(bits >> 8).add(bits >> 16).add(bits >> 24);
    }
    byte[] text = Base64.getEncoder().encode(floats.copy(0));
    out.add(answer, copied, from).add('"').add(text, 0, text.length).add('"');
    copied = to;
  }

  /// Replaces the string that was taken last.
  private void numbers(String base64) {
    byte[] bytes = Base64.getDecoder().decode(base64);
    if (bytes.length % 4 != 0) {
      throw new IllegalArgumentException("not whole float32 numbers");
    }
    ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.add(answer, copied, in.start()).add('[');
    for (int i = 0; i < bytes.length; i += 4) {
      if (i > 0) {
        out.add(',');
      }
      out.add(Float.toString(finite(floats.getFloat(i))));
    }
    out.add(']');
    copied = in.end();
  }

  /// JSON has no other numbers.
  private static float finite(float number) {
    if (!Float.isFinite(number)) {
      throw new IllegalArgumentException("not a finite float32");
    }
    return number;
  }
}
