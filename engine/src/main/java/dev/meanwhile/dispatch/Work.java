package dev.meanwhile.dispatch;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.upstream.Request;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// All that is needed to make the attempts of a log, as it is stored with it.
///
/// @param request what to send
/// @param usage whether a stream was asked for its closing usage chunk
/// @param clocks the limits of each attempt
/// @param deadline until when attempts are made, in milliseconds since 1970; 0 if this is no
///   background work
/// @param expires when the log is stopped if it has not ended, in milliseconds since 1970; 0: never
/// @param borrowed whether the request goes up with its caller's own credential, which is never
///   stored: then nobody but this process can make an attempt
record Work(
    Request request, boolean usage, Clocks clocks, long deadline, long expires, boolean borrowed) {
  private static final int VERSION = 2;

  /// What was stored without [#expires].
  private static final int FIRST = 1;

  /// What the names of headers with credentials have in them.
  private static final List<String> CREDENTIALS =
      List.of("auth", "api-key", "apikey", "cookie", "secret", "token", "password");

  /// When the log is stopped, in nanoseconds on `clock`, or [State#NEVER].
  long expiresOn(Clock clock) {
    return expires == 0 ? State.NEVER : nanos(clock, expires);
  }

  /// A time in milliseconds since 1970, in nanoseconds on `clock`.
  static long nanos(Clock clock, long millis) {
    return clock.nanos() + Duration.ofMillis(millis - clock.millis()).toNanos();
  }

  /// Whether nothing of it is missing once it is stored.
  boolean isStoredWhole() {
    return !borrowed && request.headers().stream().noneMatch(it -> isCredential(it.getKey()));
  }

  byte[] encoded() {
    var bytes = new ByteArrayOutputStream(request.body().length + 512);
    try (var out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      Encoding.text(out, request.upstream());
      Encoding.text(out, request.api());
      Encoding.text(out, request.path());
      out.writeBoolean(request.streamed());
      List<Map.Entry<String, String>> headers =
          request.headers().stream().filter(it -> !isCredential(it.getKey())).toList();
      out.writeInt(headers.size());
      for (var header : headers) {
        Encoding.text(out, header.getKey());
        Encoding.text(out, header.getValue());
      }
      out.writeInt(request.body().length);
      out.write(request.body());
      out.writeBoolean(usage);
      for (Duration each : durations(clocks)) {
        out.writeLong(each.toNanos());
      }
      out.writeLong(deadline);
      out.writeBoolean(borrowed);
      out.writeLong(expires);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /// @throws UncheckedIOException if these bytes are not what [#encoded] gave
  static Work of(byte[] encoded) {
    return Encoding.read(
        encoded,
        in -> {
          int version = in.readByte();
          if (version != VERSION && version != FIRST) {
            throw new IOException("stored by a newer version");
          }
          String upstream = Encoding.text(in);
          String api = Encoding.text(in);
          String path = Encoding.text(in);
          boolean streamed = in.readBoolean();
          var headers = new ArrayList<Map.Entry<String, String>>();
          for (int left = in.readInt(); left > 0; left--) {
            headers.add(Map.entry(Encoding.text(in), Encoding.text(in)));
          }
          byte[] body = Encoding.bytes(in);
          boolean usage = in.readBoolean();
          var clocks =
              new Clocks(
                  Duration.ofNanos(in.readLong()),
                  Duration.ofNanos(in.readLong()),
                  Duration.ofNanos(in.readLong()),
                  Duration.ofNanos(in.readLong()));
          long deadline = in.readLong();
          boolean borrowed = in.readBoolean();
          return new Work(
              new Request(upstream, api, path, headers, body, streamed),
              usage,
              clocks,
              deadline,
              version == FIRST ? 0 : in.readLong(),
              borrowed);
        });
  }

  /// Whether a header gives its sender away: such a one is never stored.
  static boolean isCredential(String header) {
    // A loop, not a stream: each header of each accepted run is looked at, twice.
    String name = header.toLowerCase(Locale.ROOT);
    for (String credential : CREDENTIALS) {
      if (name.contains(credential)) {
        return true;
      }
    }
    return false;
  }

  private static List<Duration> durations(Clocks clocks) {
    return List.of(clocks.connect(), clocks.firstContent(), clocks.between(), clocks.total());
  }
}
