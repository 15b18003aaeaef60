package dev.meanwhile.server.kit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/// A mail server that answers each command as a test wants, and knows STARTTLS if it has a
/// certificate.
public final class SmtpServer implements AutoCloseable {
  /// Says nothing any more, and waits until it is left.
  public static final String SILENCE = "(silence)";

  /// Says something without an end.
  public static final String DRIP = "(drip)";

  private final ServerSocket socket;
  private final @Nullable Certificate certificate;
  private final boolean secure;
  private final Function<String, @Nullable String> replies;
  private final List<String> heard = new CopyOnWriteArrayList<>();
  private final List<String> letters = new CopyOnWriteArrayList<>();
  private final AtomicInteger left = new AtomicInteger();

  private SmtpServer(
      @Nullable Certificate certificate,
      boolean secure,
      Function<String, @Nullable String> replies) {
    this.certificate = certificate;
    this.secure = secure;
    this.replies = replies;
    try {
      socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  /// @param replies what it answers to a command, the first word in upper case, such as `RCPT`,
  ///   also `HELLO` (its greeting) and `END` (of a letter); null: what is usual
  public static SmtpServer start(
      @Nullable Certificate certificate, Function<String, @Nullable String> replies) {
    return new SmtpServer(certificate, false, replies);
  }

  /// The same, which speaks TLS from the beginning.
  public static SmtpServer secure(Certificate certificate) {
    return new SmtpServer(certificate, true, _ -> null);
  }

  public int port() {
    return socket.getLocalPort();
  }

  /// Each command, after `plain ` or `tls `.
  public List<String> heard() {
    return heard;
  }

  /// Each letter as it came.
  public List<String> letters() {
    return letters;
  }

  /// How many connections have ended.
  public int left() {
    return left.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = socket.accept();
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException e) {
      // It is closed.
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      new Talk(connection).run();
    } catch (IOException e) {
      // The other side is gone, or does not trust this one.
    } finally {
      left.incrementAndGet();
    }
  }

  private final class Talk {
    private Socket connection;
    private String how = "plain ";

    Talk(Socket connection) {
      this.connection = connection;
    }

    void run() throws IOException {
      if (secure) {
        upgrade();
      }
      say("HELLO", "220 here");
      for (String line = line(); line != null; line = line()) {
        heard.add(how + line);
        String verb = line.split(" ", -1)[0].toUpperCase(Locale.ROOT);
        switch (verb) {
          case "EHLO" ->
              say(
                  verb,
                  certificate != null && how.equals("plain ")
                      ? "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"
                      : "250-here\r\n250 AUTH PLAIN LOGIN");
          case "STARTTLS" -> {
            if (say(verb, "220 go on")) {
              upgrade();
            }
          }
          case "AUTH" -> say(verb, "235 welcome");
          case "DATA" -> {
            if (say(verb, "354 go on")) {
              letters.add(letter());
              say("END", "250 taken");
            }
          }
          case "QUIT" -> {
            say(verb, "221 bye");
            return;
          }
          default -> say(verb, "250 fine");
        }
      }
    }

    /// Whether it said what is usual.
    private boolean say(String verb, String usual) throws IOException {
      String reply = replies.apply(verb);
      if (SILENCE.equals(reply)) {
        while (connection.getInputStream().read() >= 0) {
          // More of what nobody answers.
        }
        throw new IOException("left");
      }
      while (DRIP.equals(reply)) {
        write("250-more\r\n");
        java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
      }
      write((reply == null ? usual : reply) + "\r\n");
      return reply == null;
    }

    private void write(String text) throws IOException {
      connection.getOutputStream().write(text.getBytes(ISO_8859_1));
      connection.getOutputStream().flush();
    }

    private void upgrade() throws IOException {
      if (certificate == null) {
        throw new IOException("no certificate");
      }
      var secure =
          (SSLSocket)
              certificate
                  .context()
                  .getSocketFactory()
                  .createSocket(connection, InputStream.nullInputStream(), true);
      secure.startHandshake();
      connection = secure;
      how = "tls ";
    }

    private String letter() throws IOException {
      var letter = new StringBuilder();
      for (String line = line(); line != null && !line.equals("."); line = line()) {
        letter.append(line).append('\n');
      }
      return letter.toString();
    }

    private @Nullable String line() throws IOException {
      var line = new StringBuilder();
      for (int c = connection.getInputStream().read(); c != '\n'; ) {
        if (c < 0) {
          return null;
        }
        if (c != '\r') {
          line.append((char) c);
        }
        c = connection.getInputStream().read();
      }
      return line.toString();
    }
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
