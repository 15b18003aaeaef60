package dev.meanwhile.dispatch;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run.About;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.StoredLog;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The small parts of a run and its log as bytes in a store.
final class Encoding {
  /// The length of a text that is not there.
  private static final int MISSING = -1;

  private Encoding() {}

  static byte[] of(About about) {
    return write(out -> {
      text(out, about.tenant());
      text(out, about.api());
      text(out, about.upstream());
      text(out, about.model());
      out.writeBoolean(about.streamed());
      out.writeBoolean(about.attached());
      out.writeBoolean(about.base64());
      if (about.asked() != null || about.operation() != null || about.budget() > 0) {
        textOrNull(out, about.asked());
        out.writeBoolean(about.lasting());
        if (about.operation() != null || about.budget() > 0) {
          textOrNull(out, about.operation());
        }
        if (about.budget() > 0) {
          out.writeLong(about.budget());
        }
      }
    });
  }

  static About about(byte[] bytes) {
    return read(
        bytes,
        in -> {
          String tenant = text(in);
          String api = text(in);
          String upstream = text(in);
          String model = text(in);
          boolean streamed = in.readBoolean();
          boolean attached = in.readBoolean();
          boolean base64 = in.readBoolean();
          boolean more = in.available() > 0;
          String asked = more ? textOrNull(in) : null;
          boolean lasting = more && in.readBoolean();
          String operation = in.available() > 0 ? textOrNull(in) : null;
          long budget = in.available() > 0 ? in.readLong() : 0;
          return new About(
              tenant, api, upstream, model, streamed, attached, base64, asked, lasting, operation,
              budget);
        });
  }

  static byte @Nullable [] of(@Nullable Head head) {
    if (head == null) {
      return null;
    }
    return write(out -> {
      out.writeShort(head.status());
      out.writeBoolean(head.streamed());
      text(out, head.fields());
    });
  }

  static Head head(byte[] bytes) {
    return read(bytes, in -> new Head(in.readUnsignedShort(), in.readBoolean(), text(in)));
  }

  static byte[] of(Terminal terminal) {
    return write(out -> {
      text(out, terminal.status().word());
      Failure failure = terminal.failure();
      out.writeBoolean(failure != null);
      if (failure != null) {
        out.writeShort(failure.status());
        text(out, failure.code());
        text(out, failure.message());
      }
    });
  }

  /// How a log ended, or null if it has not. One that the store has ended by itself says no more
  /// than its status.
  static @Nullable Terminal terminal(StoredLog log) {
    if (log.terminal() != null) {
      return terminal(log.terminal());
    }
    return log.endedAt() == 0
        ? null
        : log.status().equals(Status.COMPLETED.word()) ? Terminal.COMPLETED : Terminal.CANCELLED;
  }

  static Terminal terminal(byte[] bytes) {
    return read(
        bytes,
        in -> {
          var status = Status.valueOf(text(in).toUpperCase(Locale.ROOT));
          return new Terminal(
              status,
              in.readBoolean() ? new Failure(in.readUnsignedShort(), text(in), text(in)) : null);
        });
  }

  /// Writes a text of any length, where `writeUTF` takes 64 KB: some are an upstream's own.
  static void text(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  /// The same of a text that may be missing.
  private static void textOrNull(DataOutputStream out, @Nullable String text) throws IOException {
    if (text == null) {
      out.writeInt(MISSING);
    } else {
      text(out, text);
    }
  }

  private static @Nullable String textOrNull(DataInputStream in) throws IOException {
    in.mark(Integer.BYTES);
    if (in.readInt() == MISSING) {
      return null;
    }
    in.reset();
    return text(in);
  }

  static String text(DataInputStream in) throws IOException {
    return new String(bytes(in), StandardCharsets.UTF_8);
  }

  static byte[] bytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0) {
      throw new IOException("a length of " + length);
    }
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(bytes.length + " bytes of " + length);
    }
    return bytes;
  }

  static byte[] write(Writing writing) {
    var bytes = new ByteArrayOutputStream(128);
    try (var out = new DataOutputStream(bytes)) {
      writing.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /// @throws UncheckedIOException if that is not all that `bytes` are
  static <T> T read(byte[] bytes, Reading<T> reading) {
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      T read = reading.from(in);
      if (in.read() >= 0) {
        throw new IOException("more than was written");
      }
      return read;
    } catch (IllegalArgumentException e) {
      throw new UncheckedIOException(new IOException(e));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Writes something.
  interface Writing {
    void to(DataOutputStream out) throws IOException;
  }

  /// Reads something.
  interface Reading<T> {
    T from(DataInputStream in) throws IOException;
  }
}
