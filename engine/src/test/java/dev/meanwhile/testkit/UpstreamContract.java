package dev.meanwhile.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/// What every adapter of [Upstream] does. A subclass gives the adapter, and a peer at its other end
/// that does as it is told.
public abstract class UpstreamContract {
  /// The AI API that the adapter calls.
  public interface Peer {
    /// Waits for the call, and begins to answer it with a stream of events.
    void stream() throws Exception;

    /// Sends one chat event with this JSON.
    void event(String json) throws Exception;

    /// Ends the stream with its end mark.
    void done() throws Exception;

    /// Waits for the call, and answers it with this JSON.
    void answer(int status, String json) throws Exception;

    /// Waits for the call if there was none yet, and breaks the connection.
    void cut() throws Exception;

    /// Waits until the adapter has closed the call.
    void awaitGone() throws Exception;
  }

  private static final String CONTENT =
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}";
  private static final String STOP =
      "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";
  private static final String ANSWER =
      "{\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},"
          + "\"finish_reason\":\"stop\"}]}";

  /// Makes the call through the adapter, on its loop.
  protected abstract Upstream.Exchange call(Request request, Upstream.Listener listener)
      throws Exception;

  /// Calls [Upstream.Exchange#abort] on the adapter's loop, and returns when that is done.
  protected abstract void abort(Upstream.Exchange exchange) throws Exception;

  protected abstract Peer peer();

  /// An address where nobody answers.
  protected abstract Request toNobody();

  /// A call to the peer.
  protected abstract Request request(boolean streamed);

  /// What was heard, one word each, in order.
  private static final class Ear implements Upstream.Listener {
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final StringBuilder all = new StringBuilder();
    private volatile Terminal terminal = Terminal.CANCELLED;

    @Override
    public void connected() {
      heard.add("connected");
    }

    @Override
    public void head(Head head) {
      heard.add("head " + head.status() + (head.streamed() ? " stream" : ""));
    }

    @Override
    public void named(String id) {
      heard.add("named " + id);
    }

    @Override
    public void event(Kind kind, byte[] bytes, int offset, int length) {
      heard.add(kind + " " + new String(bytes, offset, length, UTF_8));
    }

    @Override
    public void alive() {
      heard.add("alive");
    }

    @Override
    public void flush() {
      heard.add("flush");
    }

    @Override
    public void ended(Terminal ending) {
      terminal = ending;
      heard.add("ended");
    }

    /// Waits for this word, and gives all that came before it, signs of life left out.
    List<String> until(Predicate<String> word) throws InterruptedException {
      var before = new java.util.ArrayList<String>();
      while (true) {
        String next = heard.poll(30, TimeUnit.SECONDS);
        if (next == null) {
          throw new AssertionError("heard nothing more after " + all);
        }
        all.append(next).append('\n');
        if (!next.equals("alive") && !next.equals("flush")) {
          before.add(next.replaceAll("\\s+$", ""));
        }
        if (word.test(next)) {
          return before;
        }
      }
    }

    List<String> untilEnded() throws InterruptedException {
      return until("ended"::equals);
    }

    int code() {
      return Objects.requireNonNull(terminal.failure()).status();
    }
  }

  @Test
  void tellsOfAStreamInOrder() throws Exception {
    var ear = new Ear();
    call(request(true), ear);
    peer().stream();
    peer().event(CONTENT);
    assertThat(ear.until(it -> it.startsWith("CONTENT")))
        .as("an event is told before the next is sent")
        .containsExactly("connected", "head 200 stream", "CONTENT data: " + CONTENT);
    peer().event(STOP);
    peer().done();
    assertThat(ear.untilEnded())
        .containsExactly("FRAME data: " + STOP, "MARK data: [DONE]", "ended");
    assertThat(ear.terminal.status()).isEqualTo(Status.COMPLETED);
  }

  @Test
  void saysThatItIsAliveBeforeAnEventAndFlushesAfterIt() throws Exception {
    var ear = new Ear();
    call(request(true), ear);
    peer().stream();
    peer().event(CONTENT);
    ear.until(it -> it.startsWith("CONTENT"));
    ear.until("flush"::equals);
    String all = ear.all.toString();
    assertThat(all.indexOf("alive")).isBetween(0, all.indexOf("CONTENT"));
    peer().cut();
    ear.untilEnded();
  }

  @Test
  void tellsOfAPlainAnswerAsOneEvent() throws Exception {
    var ear = new Ear();
    call(request(false), ear);
    peer().answer(200, ANSWER);
    assertThat(ear.untilEnded())
        .containsExactly("connected", "head 200", "ANSWER " + ANSWER, "ended");
    assertThat(ear.terminal).isEqualTo(Terminal.COMPLETED);
  }

  @Test
  void tellsOfAnErrorWithItsStatusAndBody() throws Exception {
    for (boolean streamed : new boolean[] {false, true}) {
      var ear = new Ear();
      call(request(streamed), ear);
      peer().answer(429, "{\"error\":{}}");
      assertThat(ear.untilEnded())
          .containsExactly("connected", "head 429", "ANSWER {\"error\":{}}", "ended");
      assertThat(ear.code()).isEqualTo(429);
    }
  }

  @Test
  void tellsThatItDoesNotReachAnybody() throws Exception {
    var ear = new Ear();
    call(toNobody(), ear);
    assertThat(ear.untilEnded()).containsExactly("ended");
    assertThat(ear.code()).isEqualTo(502);
  }

  @Test
  void tellsThatTheConnectionBrokeBeforeAnAnswer() throws Exception {
    var ear = new Ear();
    call(request(true), ear);
    peer().cut();
    assertThat(ear.untilEnded()).containsExactly("connected", "ended");
    assertThat(ear.code()).isEqualTo(502);
  }

  @Test
  void tellsThatTheConnectionBrokeInTheAnswer() throws Exception {
    var ear = new Ear();
    call(request(true), ear);
    peer().stream();
    peer().event(CONTENT);
    ear.until(it -> it.startsWith("CONTENT"));
    peer().cut();
    assertThat(ear.untilEnded()).containsExactly("ended");
    assertThat(ear.code()).isEqualTo(502);
  }

  @Test
  void isSilentOnceItIsAborted() throws Exception {
    var ear = new Ear();
    Upstream.Exchange exchange = call(request(true), ear);
    peer().stream();
    peer().event(CONTENT);
    ear.until(it -> it.startsWith("CONTENT"));
    abort(exchange);
    ear.heard.clear();
    abort(exchange);
    peer().awaitGone();
    // The loop has seen the end of the connection by the time it has made another call.
    var other = new Ear();
    call(toNobody(), other);
    other.untilEnded();
    assertThat(ear.heard).isEmpty();
  }

  @Test
  void closesACallThatIsAbortedBeforeItsAnswer() throws Exception {
    var ear = new Ear();
    Upstream.Exchange exchange = call(request(false), ear);
    ear.until("connected"::equals);
    abort(exchange);
    peer().awaitGone();
    assertThat(ear.heard).isEmpty();
  }

  @Test
  void endsOnce() throws Exception {
    var ear = new Ear();
    Upstream.Exchange exchange = call(request(true), ear);
    peer().stream();
    peer().event(STOP);
    peer().done();
    ear.untilEnded();
    abort(exchange);
    var other = new Ear();
    call(toNobody(), other);
    other.untilEnded();
    assertThat(ear.heard.stream().filter(it -> !it.equals("flush") && !it.equals("alive")))
        .isEmpty();
  }
}
