package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.upstream.Request;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// All that is needed to make the attempts of a log, as it is stored with it.
///
/// @param request what to send
/// @param usage whether a stream was asked for its closing usage chunk
/// @param clocks the limits of each attempt
/// @param deadline until when attempts are made, in milliseconds since 1970; 0 if this is no
///   background work
/// @param borrowed whether the request goes up with its caller's own credential, which is never
///   stored: then nobody but this process can make an attempt
record Work(Request request, boolean usage, Clocks clocks, long deadline, boolean borrowed) {
  private static final int VERSION = 1;

  byte[] encoded() {
    var bytes = new ByteArrayOutputStream(request.body().length + 512);
    try (var out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      out.writeUTF(request.upstream());
      out.writeUTF(request.api());
      Encoding.text(out, request.path());
      out.writeBoolean(request.streamed());
      List<Map.Entry<String, String>> headers = request.headers();
      out.writeShort(headers.size());
      for (var header : headers) {
        boolean secret = isCredential(header.getKey());
        out.writeUTF(header.getKey());
        Encoding.text(out, secret ? "" : header.getValue());
      }
      out.writeInt(request.body().length);
      out.write(request.body());
      out.writeBoolean(usage);
      for (Duration each : durations(clocks)) {
        out.writeLong(each.toMillis());
      }
      out.writeLong(deadline);
      out.writeBoolean(borrowed);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /// @throws UncheckedIOException if these bytes are not what [#encoded] gave
  static Work of(byte[] encoded) {
    try (var in = new DataInputStream(new ByteArrayInputStream(encoded))) {
      if (in.readByte() != VERSION) {
        throw new IOException("stored by a newer version");
      }
      String upstream = in.readUTF();
      String api = in.readUTF();
      String path = Encoding.text(in);
      boolean streamed = in.readBoolean();
      var headers = new ArrayList<Map.Entry<String, String>>();
      for (int left = in.readUnsignedShort(); left > 0; left--) {
        String name = in.readUTF();
        String value = Encoding.text(in);
        if (!isCredential(name)) {
          headers.add(Map.entry(name, value));
        }
      }
      byte[] body = in.readNBytes(in.readInt());
      boolean usage = in.readBoolean();
      var clocks =
          new Clocks(
              Duration.ofMillis(in.readLong()),
              Duration.ofMillis(in.readLong()),
              Duration.ofMillis(in.readLong()),
              Duration.ofMillis(in.readLong()));
      return new Work(
          new Request(upstream, api, path, headers, body, streamed),
          usage,
          clocks,
          in.readLong(),
          in.readBoolean());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean isCredential(String header) {
    return header.equals("authorization") || header.equals("api-key");
  }

  private static List<Duration> durations(Clocks clocks) {
    return List.of(clocks.connect(), clocks.firstContent(), clocks.between(), clocks.total());
  }
}
