package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.server.Refusal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Reads a request's body whole, within a size and a time.
final class Bodies {
  private static final int FIRST_ROOM = 64 << 10;

  /// A caller that is refused in the middle of its body has this long to read why, while the rest
  /// is dropped; a connection that is closed on a sender loses the answer.
  private static final Duration LINGER = Duration.ofSeconds(1);

  private final HttpServerRequest request;
  private final int max;
  private final Duration patience;
  private final Clock clock;
  private final Reader reader;
  private final Clock.Timer timer;
  private byte[] bytes;
  private int length;
  private boolean over;

  /// Begins to read, as long as this server allows; `then` gets the body on this loop. Whatever it
  /// throws is answered: it is called by the last part of the body, and nobody else would.
  ///
  /// @param isNative whether the route is one of ours, whose errors are problem details
  static void read(
      Loop loop, HttpServerRequest request, int max, boolean isNative, Consumer<byte[]> then) {
    read(
        request,
        max,
        loop.config().server().bodyTimeout(),
        loop.clock(),
        new Reader() {
          @Override
          public void read(byte[] body) {
            try {
              then.accept(body);
            } catch (Refusal refusal) {
              refused(refusal);
            } catch (RuntimeException e) {
              Answers.fault(request, e, isNative);
            }
          }

          @Override
          public void refused(Refusal refusal) {
            Answers.refuse(request.response(), refusal, isNative);
          }
        });
  }

  /// Begins to read; `reader` is told once, on this loop, unless the caller goes away before.
  static void read(
      HttpServerRequest request, int max, Duration patience, Clock clock, Reader reader) {
    String announced = request.headers().get("content-length");
    long size = announced == null ? 0 : parse(announced);
    if (size > max) {
      hangUp(request, clock);
      reader.refused(tooLarge(max));
      return;
    }
    new Bodies(request, max, patience, clock, reader, (int) size);
  }

  @SuppressWarnings("this-escape")
  private Bodies(
      HttpServerRequest request, int max, Duration patience, Clock clock, Reader reader, int size) {
    this.request = request;
    this.max = max;
    this.patience = patience;
    this.clock = clock;
    this.reader = reader;
    // What is announced need not come: not all of it is given room at once.
    this.bytes = new byte[Math.min(size, FIRST_ROOM)];
    this.timer = clock.after(patience, this::tooSlow);
    request.handler(this::part);
    request.endHandler(_ -> done(null));
    request.exceptionHandler(_ -> gone());
  }

  private void part(Buffer part) {
    if (over) {
      return;
    }
    int more = part.length();
    if (more > max - length) {
      hangUp(request, clock);
      done(tooLarge(max));
      return;
    }
    if (bytes.length < length + more) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, Math.min(max, bytes.length * 2)));
    }
    part.getBytes(0, more, bytes, length);
    length += more;
  }

  private void tooSlow() {
    hangUp(request, clock);
    done(
        new Refusal(
            408,
            "body_too_slow",
            "The body did not arrive within %s s. Send it faster, or raise body-timeout."
                .formatted(patience.toMillis() / 1000.0)));
  }

  private void gone() {
    over = true;
    timer.cancel();
  }

  private void done(@Nullable Refusal refusal) {
    if (over) {
      return;
    }
    gone();
    if (refusal != null) {
      reader.refused(refusal);
    } else {
      reader.read(bytes.length == length ? bytes : Arrays.copyOf(bytes, length));
    }
  }

  /// Gives whoever is refused in the middle of its body a little time to read why.
  static void hangUp(HttpServerRequest request, Clock clock) {
    boolean alone = request.streamId() < 0;
    if (alone) {
      request.response().putHeader("connection", "close");
    }
    clock.after(
        LINGER,
        () -> {
          if (alone) {
            request.connection().close();
          } else if (!request.isEnded()) {
            request.response().reset(0);
          }
        });
  }

  private static long parse(String number) {
    try {
      return Long.parseLong(number.strip());
    } catch (NumberFormatException e) {
      throw new Refusal(400, "invalid_content_length", "The Content-Length is not a number.");
    }
  }

  private static Refusal tooLarge(int max) {
    return new Refusal(
        413,
        "body_too_large",
        "The body is larger than %,d bytes, the most that is accepted. Send less, or raise max-body."
            .formatted(max));
  }

  /// Gets the body.
  interface Reader {
    void read(byte[] body);

    void refused(Refusal refusal);
  }
}
