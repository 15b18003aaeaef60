package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogWriter;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One upstream call that writes a log. An attempt that nothing can replace writes straight to it;
/// any other keeps its events to itself until its first content, so that one that fails before
/// leaves no trace.
final class Attempt implements Upstream.Listener {
  /// An event that is held back.
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Held(Kind kind, long nanos, byte[] bytes) {}

  private final Call call;
  private final int number;
  private final LogWriter writer;
  private @Nullable List<Held> held;
  private long heldBytes;
  private @Nullable Head head;
  private Upstream.@Nullable Exchange exchange;
  private boolean announced;
  private long retryAfter;

  Attempt(Call call, int number, LogWriter writer, boolean replaceable) {
    this.call = call;
    this.number = number;
    this.writer = writer;
    this.held = replaceable ? new ArrayList<>() : null;
    // The first one is what everybody expects; any other says that it is there.
    this.announced = number == 1;
  }

  void begin(Upstream upstream, Request request) {
    Upstream.Exchange begun = upstream.call(request, this);
    // It may have ended, or been stopped, before it was handed over.
    if (call.isWriting(this)) {
      exchange = begun;
    } else {
      begun.abort();
    }
  }

  void abort() {
    if (exchange != null) {
      exchange.abort();
      exchange = null;
    }
  }

  LogWriter writer() {
    return writer;
  }

  /// What was held back is part of the log, now that no other attempt will replace this one.
  void release() {
    List<Held> events = held;
    if (events != null) {
      held = null;
      if (head != null) {
        writer.head(head);
      }
      for (Held event : events) {
        append(event.kind, event.nanos, event.bytes, 0, event.bytes.length);
      }
    }
    writer.publish();
  }

  /// Another attempt will replace this one: what it held back is dropped, what it wrote stays.
  void leave() {
    held = null;
    writer.publish();
  }

  @Override
  public void connected() {
    if (call.isWriting(this)) {
      call.connected();
    }
  }

  @Override
  public void head(Head value) {
    if (!call.isWriting(this)) {
      return;
    }
    if (held == null) {
      writer.head(value);
    } else {
      head = value;
      var limit = RateLimit.of(value);
      retryAfter = limit.retryAfter();
      call.told(limit);
    }
  }

  @Override
  public void named(String id) {
    if (call.isWriting(this)) {
      call.named(id);
    }
  }

  @Override
  public void alive() {
    if (call.isWriting(this)) {
      call.alive();
    }
  }

  @Override
  public void event(Kind kind, byte[] bytes, int offset, int length) {
    if (!call.isWriting(this)) {
      return;
    }
    if (held != null && kind != Kind.CONTENT) {
      heldBytes += length;
      if (heldBytes > call.room()) {
        call.tooLarge();
        return;
      }
      held.add(new Held(kind, call.lastByte(), Arrays.copyOfRange(bytes, offset, offset + length)));
    } else {
      if (held != null) {
        release();
      }
      if (!append(kind, call.lastByte(), bytes, offset, length)) {
        call.tooLarge();
        return;
      }
    }
    if (kind == Kind.CONTENT || kind == Kind.ANSWER) {
      call.content();
    }
  }

  private boolean append(Kind kind, long nanos, byte[] bytes, int offset, int length) {
    if (!announced) {
      announced = true;
      byte[] name = Integer.toString(number).getBytes(US_ASCII);
      writer.append(Kind.RESTARTED, nanos, name, 0, name.length);
    }
    return writer.append(kind, nanos, bytes, offset, length);
  }

  @Override
  public void flush() {
    if (held == null && call.isWriting(this)) {
      writer.publish();
      call.published();
    }
  }

  @Override
  public void ended(Terminal terminal) {
    if (call.isWriting(this)) {
      call.ended(terminal, retryAfter);
    }
  }
}
