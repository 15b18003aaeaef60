package dev.meanwhile.server.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.StoredAnswer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/// A kept answer as one value, without its key, and back.
final class AnswerBytes {
  private static final int VERSION = 1;

  private AnswerBytes() {}

  static byte[] of(StoredAnswer answer) {
    var bytes = new ByteArrayOutputStream(answer.log().length + 200);
    try (var out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      write(out, answer.run().getBytes(UTF_8));
      out.writeLong(answer.stamp());
      out.writeLong(answer.made());
      out.writeLong(answer.until());
      out.writeInt(answer.tags().size());
      for (String tag : answer.tags()) {
        write(out, tag.getBytes(UTF_8));
      }
      write(out, answer.log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /// Null if it is damaged, or a newer version wrote it.
  static @Nullable StoredAnswer read(byte[] key, byte[] bytes) {
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      if (in.readByte() != VERSION) {
        return null;
      }
      String run = new String(part(in), UTF_8);
      long stamp = in.readLong();
      long made = in.readLong();
      long until = in.readLong();
      var tags = new ArrayList<String>();
      for (int left = in.readInt(); left > 0; left--) {
        tags.add(new String(part(in), UTF_8));
      }
      return new StoredAnswer(key, run, stamp, made, until, tags, part(in));
    } catch (IOException e) {
      return null;
    }
  }

  private static byte[] part(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > in.available()) {
      throw new IOException("a length of " + length);
    }
    return in.readNBytes(length);
  }
}
