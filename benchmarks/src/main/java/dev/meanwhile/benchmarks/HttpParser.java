package dev.meanwhile.benchmarks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.Locale;

/// Finds the HTTP/1.1 messages, requests or responses, in the bytes of a connection, however they
/// are cut. Knows only what the relays of this benchmark send.
final class HttpParser {
  /// What is told of each message, in this order.
  interface Sink {
    /// `status` is 0 for a request.
    void head(int status);

    /// A piece of the body without its transfer coding, valid during the call only.
    void body(ByteBuffer bytes);

    void end();
  }

  private enum State {
    START_LINE,
    HEADERS,
    FIXED_BODY,
    ENDLESS_BODY,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILERS
  }

  private final Sink sink;
  private final byte[] line = new byte[8192];
  private int lineLength;
  private State state = State.START_LINE;
  private int status;
  private boolean chunked;
  private long bodyLeft;

  HttpParser(Sink sink) {
    this.sink = sink;
  }

  /// Consumes all bytes.
  void feed(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      switch (state) {
        case FIXED_BODY, CHUNK -> takeBody(bytes);
        case ENDLESS_BODY -> {
          sink.body(bytes);
          bytes.position(bytes.limit());
        }
        case START_LINE, HEADERS, CHUNK_SIZE, CHUNK_END, TRAILERS -> {
          if (completesLine(bytes)) {
            takeLine();
            lineLength = 0;
          }
        }
      }
    }
  }

  private boolean completesLine(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      var next = bytes.get();
      if (next == '\n') {
        return true;
      }
      if (next != '\r') {
        line[lineLength++] = next;
      }
    }
    return false;
  }

  private void takeLine() {
    switch (state) {
      case START_LINE -> startLine();
      case HEADERS -> header();
      case CHUNK_SIZE -> chunkSize();
      case CHUNK_END -> state = State.CHUNK_SIZE;
      case TRAILERS -> {
        if (lineLength == 0) {
          end();
        }
      }
      case FIXED_BODY, ENDLESS_BODY, CHUNK ->
          throw new IllegalStateException("A body has no lines");
    }
  }

  private void startLine() {
    var isResponse = line[0] == 'H' && line[1] == 'T' && line[2] == 'T' && line[3] == 'P';
    status = isResponse ? (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0' : 0;
    chunked = false;
    bodyLeft = isResponse ? -1 : 0;
    state = State.HEADERS;
  }

  private void header() {
    if (lineLength == 0) {
      endOfHead();
    } else if ((line[0] | 0x20) == 'c' && named("content-length:")) {
      bodyLeft = Long.parseLong(text(15).strip());
    } else if ((line[0] | 0x20) == 't' && named("transfer-encoding:")) {
      chunked = text(18).toLowerCase(Locale.ROOT).contains("chunked");
    }
  }

  private boolean named(String name) {
    if (lineLength < name.length()) {
      return false;
    }
    for (var i = 0; i < name.length(); i++) {
      if (Character.toLowerCase(line[i]) != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private String text(int from) {
    return new String(line, from, lineLength - from, ISO_8859_1);
  }

  private void endOfHead() {
    sink.head(status);
    if (chunked) {
      state = State.CHUNK_SIZE;
    } else if (bodyLeft == 0) {
      end();
    } else {
      state = bodyLeft > 0 ? State.FIXED_BODY : State.ENDLESS_BODY;
    }
  }

  private void chunkSize() {
    bodyLeft = 0;
    for (var i = 0; i < lineLength && line[i] != ';' && line[i] != ' '; i++) {
      bodyLeft = bodyLeft * 16 + Character.digit(line[i], 16);
    }
    state = bodyLeft == 0 ? State.TRAILERS : State.CHUNK;
  }

  private void takeBody(ByteBuffer bytes) {
    var limit = bytes.limit();
    var end = (int) Math.min(limit, bytes.position() + bodyLeft);
    bodyLeft -= end - bytes.position();
    sink.body(bytes.limit(end));
    bytes.limit(limit).position(end);
    if (bodyLeft == 0) {
      if (state == State.CHUNK) {
        state = State.CHUNK_END;
      } else {
        end();
      }
    }
  }

  private void end() {
    state = State.START_LINE;
    sink.end();
  }
}
