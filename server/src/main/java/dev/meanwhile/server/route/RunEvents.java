package dev.meanwhile.server.route;

import static dev.meanwhile.server.route.Pulse.event;

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

/// `GET /v1/runs/{id}` as a stream of events that know no dialect: `status`, `delta`, `ping`,
/// `done`. Every event has an id from which to go on.
final class RunEvents implements Follow.Sink {
  private final Loop loop;
  private final HttpServerResponse response;
  private final Run run;
  private final Ends ends;
  private final Follow follow;
  private final Pulse pulse;
  private final boolean statusWanted;

  /// What was seen before: of another attempt, nothing.
  private Position seen;

  private String position;
  private int attempt;
  private boolean over;

  RunEvents(Loop loop, HttpServerResponse response, Run run, Ends ends, Position from) {
    this.loop = loop;
    this.response = response;
    this.run = run;
    this.ends = ends;
    this.seen = from;
    this.position = from.toString();
    this.attempt = from.attempt();
    this.statusWanted = from.offset() == 0;
    this.follow = new Follow(run, Math.min(from.offset(), run.end()), loop.clock(), this);
    this.pulse = new Pulse(loop, response, () -> position, this::over);
  }

  void begin() {
    response.drainHandler(_ -> follow.resume());
    pulse.begin();
    if (statusWanted) {
      pulse.write(event("status", position, Snapshot.status(run)));
    }
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
      pulse.write(out);
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
      response.end(event("done", after.toString(), ends.of(run, terminal)));
    }
    over();
  }

  private void over() {
    if (!over) {
      over = true;
      pulse.stop();
      follow.stop();
    }
  }
}
