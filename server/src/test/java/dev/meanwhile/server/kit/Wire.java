package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A client over a bare HTTP/1.1 socket: sends what a test says, and tells exactly what came.
public final class Wire implements Closeable {
  private final Socket socket;
  private final WireInput in;
  private final OutputStream out;
  private int status;
  private List<Map.Entry<String, String>> headers = List.of();

  public Wire(int port) throws IOException {
    this(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  public Wire(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout((int) Eventually.PATIENCE.toMillis());
    in = new WireInput(socket.getInputStream());
    out = socket.getOutputStream();
  }

  public Wire send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
    return this;
  }

  public Wire send(String text) throws IOException {
    return send(text.getBytes(UTF_8));
  }

  /// A whole POST; `headers` are lines.
  public Wire post(String path, String body, String... headers) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    return send(
        request("POST", path, headers)
            + "content-type: application/json\r\ncontent-length: "
            + bytes.length
            + "\r\n\r\n"
            + body);
  }

  public Wire chat(String body, String... headers) throws IOException {
    return post("/v1/chat/completions", body, headers);
  }

  public Wire get(String path, String... headers) throws IOException {
    return send(request("GET", path, headers) + "\r\n");
  }

  private static String request(String method, String path, String... headers) {
    var head = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
    if (List.of(headers).stream()
        .noneMatch(it -> it.toLowerCase(Locale.ROOT).startsWith("host:"))) {
      head.append("Host: localhost\r\n");
    }
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return head.toString();
  }

  /// Reads the answer's status and headers.
  public int status() throws IOException {
    String line = in.line();
    if (line == null) {
      throw new IOException("the connection ended before an answer");
    }
    status = Integer.parseInt(line.split(" ", 3)[1]);
    headers = in.headers();
    in.body(header("content-length"), header("transfer-encoding"), true);
    if (status == 204 || status == 304 || status < 200) {
      in.body("0", null, false);
    }
    return status;
  }

  /// A header of the answer.
  public @Nullable String header(String name) {
    return Exchange.find(headers, name);
  }

  public List<Map.Entry<String, String>> headers() {
    return headers;
  }

  /// The rest of the body.
  ///
  /// @throws IOException if it is cut off
  public String rest() throws IOException {
    return new String(in.rest(), UTF_8);
  }

  /// So many bytes of the body.
  public String take(int bytes) throws IOException {
    var out = new ByteArrayOutputStream();
    for (int i = 0; i < bytes; i++) {
      out.write(in.read());
    }
    return out.toString(UTF_8);
  }

  public byte[] bytes() throws IOException {
    return in.rest();
  }

  /// The next block of the body through its blank line; comments alone are passed over. Empty at
  /// the proper end.
  ///
  /// @throws IOException if the body is cut off
  public String event() throws IOException {
    String block = block();
    while (!block.isEmpty() && !block.contains("data:")) {
      block = block();
    }
    return block;
  }

  /// The same, comments too.
  public String block() throws IOException {
    var block = new ByteArrayOutputStream();
    int last = 0;
    for (int next = in.read(); next >= 0; next = in.read()) {
      block.write(next);
      if (next == '\n' && last == '\n') {
        break;
      }
      last = next;
    }
    return block.toString(UTF_8);
  }

  /// The rest of the body up to where the connection broke.
  ///
  /// @throws AssertionError if it did not break
  public String broken() {
    var out = new ByteArrayOutputStream();
    try {
      for (int next = in.read(); next >= 0; next = in.read()) {
        out.write(next);
      }
    } catch (IOException _) {
      return out.toString(UTF_8);
    }
    throw new AssertionError("the answer ended as if it were whole: " + out.toString(UTF_8));
  }

  /// Whether the server has closed the connection, once it sends nothing more.
  public boolean isClosed() throws IOException {
    try {
      return in.line() == null;
    } catch (java.net.SocketException _) {
      return true;
    }
  }

  /// Goes away in the middle of whatever there is.
  public void leave() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    leave();
  }
}
