package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/// Reads in their order.
///
/// @param name what the report calls it
/// @param keys what is read: the values of each key's dimensions
/// @param millis when, from 0 on, never going back
/// @param lifetime how long an answer is fresh
record Trace(String name, List<List<String>> keys, List<Long> millis, Duration lifetime) {
  /// The first bytes tell text from numbers.
  private static final int LOOKED_AT = 4_096;

  /// A file's keys: text with a key in each line, or 32-bit big-endian numbers; as it is, or packed
  /// by xz or gzip. It has no times, so a read comes every so often that all are ten days.
  ///
  /// @throws IOException if it cannot be read or holds no keys
  static Trace read(Path file) throws IOException {
    var bytes = unpacked(file);
    var keys = isText(bytes) ? lines(bytes) : numbers(file, bytes);
    if (keys.isEmpty()) {
      throw new IOException(file + " holds no keys: give it one in each line");
    }
    return even(file.getFileName().toString(), keys);
  }

  /// These keys in even distances over ten days, with a lifetime of one.
  static Trace even(String name, List<List<String>> keys) {
    var day = Duration.ofDays(1);
    var millis = new ArrayList<Long>();
    for (var i = 0; i < keys.size(); i++) {
      millis.add(10 * day.toMillis() * i / keys.size());
    }
    return new Trace(name, keys, millis, day);
  }

  private static byte[] unpacked(Path file) throws IOException {
    var bytes = Files.readAllBytes(file);
    if (begins(bytes, 0x1f, 0x8b)) {
      try (var unpacking = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
        return unpacking.readAllBytes();
      }
    }
    if (begins(bytes, 0xfd, '7', 'z', 'X', 'Z')) {
      var process =
          new ProcessBuilder("xz", "-dc", file.toAbsolutePath().toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      process.getOutputStream().close();
      var unpacked = process.getInputStream().readAllBytes();
      if (process.onExit().join().exitValue() != 0) {
        throw new IOException("xz could not unpack " + file);
      }
      return unpacked;
    }
    return bytes;
  }

  private static boolean begins(byte[] bytes, int... with) {
    for (var i = 0; i < with.length; i++) {
      if (i >= bytes.length || (bytes[i] & 0xff) != with[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isText(byte[] bytes) {
    for (var i = 0; i < Math.min(bytes.length, LOOKED_AT); i++) {
      if (bytes[i] >= 0 && bytes[i] < ' ' && !Character.isWhitespace(bytes[i])) {
        return false;
      }
    }
    return true;
  }

  private static List<List<String>> lines(byte[] bytes) {
    return new String(bytes, UTF_8)
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .map(List::of)
        .toList();
  }

  private static List<List<String>> numbers(Path file, byte[] bytes) throws IOException {
    if (bytes.length % Integer.BYTES != 0) {
      throw new IOException(file + " is neither text nor 32-bit numbers");
    }
    var keys = new ArrayList<List<String>>();
    for (var numbers = ByteBuffer.wrap(bytes).asIntBuffer(); numbers.hasRemaining(); ) {
      keys.add(List.of(Integer.toUnsignedString(numbers.get())));
    }
    return keys;
  }
}
