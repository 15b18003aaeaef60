package dev.meanwhile.server.kit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads HTTP/1.1 messages off a socket, strictly: a body that ends before its end is an error.
final class WireInput {
  private final InputStream in;
  private boolean chunked;
  private boolean toEnd;
  private long left;

  WireInput(InputStream in) {
    this.in = new BufferedInputStream(in);
  }

  /// One line without its end, or null at the end of the connection.
  @Nullable String line() throws IOException {
    var line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    while (next != '\n') {
      if (next < 0) {
        throw new EOFException("the connection ended in a line: " + line);
      }
      line.write(next);
      next = in.read();
    }
    return line.toString(StandardCharsets.ISO_8859_1).replaceAll("\r$", "");
  }

  /// The header lines up to the blank one; names as they came.
  List<Map.Entry<String, String>> headers() throws IOException {
    var headers = new ArrayList<Map.Entry<String, String>>();
    for (String line = line(); line != null && !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.add(Map.entry(line.substring(0, colon), line.substring(colon + 1).strip()));
    }
    return List.copyOf(headers);
  }

  /// A body with this framing follows.
  void body(@Nullable String length, @Nullable String transfer, boolean otherwiseToEnd) {
    chunked = "chunked".equalsIgnoreCase(transfer);
    toEnd = !chunked && length == null && otherwiseToEnd;
    left = chunked || length == null ? 0 : Long.parseLong(length);
    if (chunked) {
      left = -1;
    }
  }

  /// The next byte of the body, or -1 at its proper end.
  ///
  /// @throws EOFException if the connection ended before the body
  int read() throws IOException {
    if (toEnd) {
      return in.read();
    }
    if (chunked && left <= 0) {
      if (left == 0) {
        line();
      }
      String size = line();
      if (size == null) {
        throw new EOFException("the connection ended between chunks");
      }
      left = Long.parseLong(size.split(";", 2)[0].strip(), 16);
      if (left == 0) {
        chunked = false;
        headers();
      }
    }
    if (left == 0) {
      return -1;
    }
    int next = in.read();
    if (next < 0) {
      throw new EOFException("the connection ended in the body");
    }
    left--;
    return next;
  }

  byte[] rest() throws IOException {
    var out = new ByteArrayOutputStream();
    for (int next = read(); next >= 0; next = read()) {
      out.write(next);
    }
    return out.toByteArray();
  }
}
