package dev.meanwhile.server.route;

import dev.meanwhile.budget.Clock;
import dev.meanwhile.dispatch.Step;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.openai.Deltas;
import dev.meanwhile.view.Follow;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `GET /v1/runs/{id}` as a stream of events that know no dialect: `status`, `delta`, `ping`,
/// `done`. Every event has an id from which to go on.
final class RunEvents implements Follow.Sink {
  private final Loop loop;
  private final HttpServerResponse response;
  private final Run run;
  private final Follow follow;
  private final Stall stall;
  private final boolean statusWanted;

  /// What was seen before: of another attempt, nothing.
  private Position seen;

  private String position;
  private int attempt;
  private Clock.@Nullable Timer timer;
  private boolean over;

  RunEvents(Loop loop, HttpServerResponse response, Run run, Position from) {
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.seen = from;
    this.position = from.toString();
    this.attempt = from.attempt();
    this.statusWanted = from.offset() == 0;
    this.follow = new Follow(run, Math.min(from.offset(), run.end()), loop.clock(), this);
    this.stall = new Stall(response, loop.clock());
  }

  void begin() {
    loop.metrics().streams(1);
    response.closeHandler(_ -> over());
    response.exceptionHandler(_ -> over());
    response.drainHandler(_ -> follow.resume());
    Sse.open(response, null);
    response.write(Buffer.buffer("retry: 1000\n:\n\n"));
    if (statusWanted) {
      write(event("status", position, Snapshot.status(run)));
    }
    timer = loop.clock().after(loop.config().server().heartbeat(), this::beat);
    follow.begin();
    if (response.closed()) {
      over();
    }
  }

  @Override
  public boolean events(LogReader log, int from, int to) {
    var out = Buffer.buffer();
    for (int i = from; i < to; i++) {
      boolean restarted = log.kind(i) == Kind.RESTARTED;
      if (restarted) {
        attempt = Position.attemptOf(log, i);
        if (attempt > seen.attempt()) {
          seen = new Position(attempt, 0, 0);
        }
      }
      if (i < seen.offset()) {
        continue;
      }
      if (restarted) {
        var here = new Position(attempt, i + 1, 0);
        out.appendBuffer(event("restarted", here.toString(), "{\"attempt\":" + attempt + "}"));
      }
      List<String> deltas = Deltas.of(log.kind(i), log.bytes(i, i + 1));
      for (int part = i == seen.offset() ? seen.part() : 0; part < deltas.size(); part++) {
        boolean last = part == deltas.size() - 1;
        var here = new Position(attempt, last ? i + 1 : i, last ? 0 : part + 1);
        out.appendBuffer(event("delta", here.toString(), deltas.get(part)));
      }
    }
    if (to > seen.offset()) {
      position = new Position(attempt, to, 0).toString();
    }
    if (out.length() > 0) {
      write(out);
    }
    return !response.writeQueueFull();
  }

  @Override
  public void ended(Terminal terminal) {
    if (response.closed()) {
      over();
      return;
    }
    if (terminal.equals(Step.MOVED)) {
      // No `done`, and no proper end: an EventSource comes back with its last id.
      Sse.breakOff(response, Buffer.buffer(": the run goes on elsewhere\n\n"), loop.clock());
    } else {
      var after = new Position(attempt, run.end() + 1, 0);
      response.end(event("done", after.toString(), Snapshot.done(run, terminal)));
    }
    over();
  }

  private void write(Buffer events) {
    response.write(events);
    stall.wrote();
  }

  /// Both forms of a sign of life: page scripts cannot see comments, old parsers want them.
  private void beat() {
    timer = null;
    if (over) {
      return;
    }
    if (stall.isHopeless()) {
      response.reset();
      over();
      return;
    }
    if (stall.isQuiet()) {
      response.write(Buffer.buffer(":\n").appendBuffer(event("ping", position, "{}")));
    }
    timer = loop.clock().after(loop.config().server().heartbeat(), this::beat);
  }

  private static Buffer event(String type, String id, String data) {
    return Buffer.buffer("id: " + id + "\nevent: " + type + "\ndata: " + data + "\n\n");
  }

  private void over() {
    if (!over) {
      over = true;
      loop.metrics().streams(-1);
      Clock.Timer pending = timer;
      if (pending != null) {
        pending.cancel();
      }
      follow.stop();
    }
  }
}
