package dev.meanwhile.dispatch;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run.About;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The small parts of a run and its log as bytes in a store.
final class Encoding {
  private Encoding() {}

  static byte[] of(About about) {
    return write(out -> {
      out.writeUTF(about.tenant());
      out.writeUTF(about.api());
      out.writeUTF(about.upstream());
      text(out, about.model());
      out.writeBoolean(about.streamed());
      out.writeBoolean(about.attached());
    });
  }

  static About about(byte[] bytes) {
    return read(
        bytes,
        in ->
            new About(
                in.readUTF(),
                in.readUTF(),
                in.readUTF(),
                text(in),
                in.readBoolean(),
                in.readBoolean()));
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
      out.writeUTF(terminal.status().word());
      Failure failure = terminal.failure();
      out.writeBoolean(failure != null);
      if (failure != null) {
        out.writeShort(failure.status());
        out.writeUTF(failure.code());
        text(out, failure.message());
      }
    });
  }

  static Terminal terminal(byte[] bytes) {
    return read(
        bytes,
        in -> {
          var status = Status.valueOf(in.readUTF().toUpperCase(Locale.ROOT));
          return new Terminal(
              status,
              in.readBoolean()
                  ? new Failure(in.readUnsignedShort(), in.readUTF(), text(in))
                  : null);
        });
  }

  /// Writes a text of any length, where `writeUTF` takes 64 KB.
  static void text(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  static String text(DataInputStream in) throws IOException {
    return new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
  }

  private static byte[] write(Writing writing) {
    var bytes = new ByteArrayOutputStream(128);
    try (var out = new DataOutputStream(bytes)) {
      writing.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static <T> T read(byte[] bytes, Reading<T> reading) {
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return reading.from(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private interface Writing {
    void to(DataOutputStream out) throws IOException;
  }

  private interface Reading<T> {
    T from(DataInputStream in) throws IOException;
  }
}
