package dev.meanwhile.simulator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.core.JacksonException;

/// A recorded answer: either a stream's payloads or a plain body. Immutable.
final class Recording {
  private final boolean streams;
  private final List<byte[]> payloads;
  private final Script usual;
  private final byte[] body;
  private final int status;

  private Recording(boolean streams, List<byte[]> payloads, byte[] body, int status) {
    this.streams = streams;
    this.payloads = payloads;
    this.usual = framed(Framing.USUAL);
    this.body = body;
    this.status = status;
  }

  /// @throws IOException if the file cannot be read, is empty, or is a `.json` that is none
  static Recording read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    if (file.toString().endsWith(".json")) {
      return new Recording(false, List.of(), bytes, status(file, bytes));
    }
    List<byte[]> payloads = lines(bytes);
    if (payloads.isEmpty()) {
      throw new IOException(file + " holds no payload; a recording has one a line");
    }
    return new Recording(true, payloads, new byte[0], 200);
  }

  /// The lines that are not empty, without their ends; bytes, since a recording need not be UTF-8.
  private static List<byte[]> lines(byte[] bytes) {
    List<byte[]> lines = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= bytes.length; i++) {
      if (i == bytes.length || bytes[i] == '\n') {
        int to = i > from && bytes[i - 1] == '\r' ? i - 1 : i;
        if (to > from) {
          lines.add(Arrays.copyOfRange(bytes, from, to));
        }
        from = i + 1;
      }
    }
    return List.copyOf(lines);
  }

  private static int status(Path file, byte[] bytes) throws IOException {
    try {
      return Json.MAPPER.readTree(bytes).hasNonNull("error") ? 400 : 200;
    } catch (JacksonException e) {
      throw new IOException(file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /// Whether streamed calls are answered with it; else plain ones are.
  boolean streams() {
    return streams;
  }

  /// The recorded stream.
  Script script(Framing framing) {
    return framing.equals(Framing.USUAL) ? usual : framed(framing);
  }

  private Script framed(Framing framing) {
    return new RecordedScript(payloads.stream().map(framing::event).toList());
  }

  /// The recorded body; not to be changed.
  byte[] body() {
    return body;
  }

  /// 400 for a recorded error, else 200.
  int status() {
    return status;
  }
}
