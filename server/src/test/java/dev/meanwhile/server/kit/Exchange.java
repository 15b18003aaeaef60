package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// One request as an upstream got it, and the pen to write the answer with. The writer is
/// unbuffered: what is written is on the wire.
public final class Exchange {
  private final String line;
  private final List<Map.Entry<String, String>> headers;
  private final byte[] body;
  private final OutputStream out;
  private final Socket socket;
  private final CountDownLatch gone = new CountDownLatch(1);

  private Exchange(
      String line,
      List<Map.Entry<String, String>> headers,
      byte[] body,
      OutputStream out,
      Socket socket) {
    this.line = line;
    this.headers = headers;
    this.body = body;
    this.out = out;
    this.socket = socket;
  }

  static @Nullable Exchange read(WireInput in, OutputStream out, Socket socket) throws IOException {
    String line = in.line();
    if (line == null) {
      return null;
    }
    var headers = in.headers();
    in.body(find(headers, "content-length"), find(headers, "transfer-encoding"), false);
    return new Exchange(line, headers, in.rest(), out, socket);
  }

  static @Nullable String find(List<Map.Entry<String, String>> headers, String name) {
    for (var header : headers) {
      if (header.getKey().equalsIgnoreCase(name)) {
        return header.getValue();
      }
    }
    return null;
  }

  /// `POST /v1/chat/completions HTTP/1.1`.
  public String line() {
    return line;
  }

  public List<Map.Entry<String, String>> headers() {
    return headers;
  }

  public @Nullable String header(String name) {
    return find(headers, name);
  }

  /// The body's bytes, as a text of Latin-1 or UTF-8 that a test compares.
  public String body() {
    return new String(body, UTF_8);
  }

  public byte[] bytes() {
    return body.clone();
  }

  public void write(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  public void write(String text) throws IOException {
    write(text.getBytes(UTF_8));
  }

  /// A whole plain answer; `headers` are lines.
  public void json(int status, String json, String... headers) throws IOException {
    byte[] bytes = json.getBytes(UTF_8);
    write(
        head(status, "content-type: application/json", headers)
            + "content-length: "
            + bytes.length
            + "\r\n\r\n"
            + json);
  }

  /// Begins a chunked event stream.
  public void stream(String... headers) throws IOException {
    write(
        head(200, "content-type: text/event-stream", headers)
            + "transfer-encoding: chunked\r\n\r\n");
  }

  private static String head(int status, String type, String... headers) {
    var head = new StringBuilder("HTTP/1.1 " + status + " As It Is\r\n" + type + "\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return head.toString();
  }

  /// One chunk, written at once.
  public void chunk(byte[] bytes) throws IOException {
    byte[] size = (Integer.toHexString(bytes.length) + "\r\n").getBytes(UTF_8);
    byte[] whole = new byte[size.length + bytes.length + 2];
    System.arraycopy(size, 0, whole, 0, size.length);
    System.arraycopy(bytes, 0, whole, size.length, bytes.length);
    whole[whole.length - 2] = '\r';
    whole[whole.length - 1] = '\n';
    write(whole);
  }

  public void chunk(String text) throws IOException {
    chunk(text.getBytes(UTF_8));
  }

  /// One event with this data, in a chunk of its own.
  public void event(String data) throws IOException {
    chunk("data: " + data + "\n\n");
  }

  /// Ends a chunked body cleanly.
  public void end() throws IOException {
    write("0\r\n\r\n");
  }

  /// `[DONE]`, and the end.
  public void done() throws IOException {
    event("[DONE]");
    end();
  }

  /// Breaks the connection.
  public void cut() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  void gone() {
    gone.countDown();
  }

  /// Whether the caller has closed the connection.
  public boolean isGone() {
    return gone.getCount() == 0;
  }

  /// Returns once the caller has closed the connection.
  public void awaitGone() throws InterruptedException {
    if (!gone.await(Eventually.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("the gateway did not close its connection");
    }
  }
}
