package dev.meanwhile.benchmarks;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Begins a round each gap, all on one [Loop]. The connections of a round are open before its first
/// caller asks. Not thread-safe.
final class AttachLoad extends Loop.Timer implements AutoCloseable {
  private static final Duration TIME_TO_CONNECT = Duration.ofMillis(100);

  private final Loop loop;
  private final Target target;
  private final List<Duration> callers;
  private final long firstGroup;
  private final int count;
  private final long gapNanos;
  private final List<AttachRound> rounds = new ArrayList<>();
  private final List<Connection> connections = new ArrayList<>();
  private int done;

  /// Schedules the rounds, whose prompts are numbered from `firstGroup`; `callers` are the times at
  /// which the callers of a round ask.
  AttachLoad(
      Loop loop, Target target, List<Duration> callers, long firstGroup, int count, Duration gap) {
    this.loop = loop;
    this.target = target;
    this.callers = List.copyOf(callers);
    this.firstGroup = firstGroup;
    this.count = count;
    this.gapNanos = gap.toNanos();
    due(System.nanoTime());
    loop.schedule(this);
  }

  /// Begins the next round.
  @Override
  void fire(long now) {
    var round = new AttachRound(callers.size());
    var group = firstGroup + rounds.size();
    rounds.add(round);
    for (var i = 0; i < callers.size(); i++) {
      var number = i;
      var call = target.repeatedCall(group, tries(i));
      var asks = now + TIME_TO_CONNECT.plus(callers.get(i)).toNanos();
      connections.add(
          loop.connect(
              target.port(), connection -> new Caller(connection, round, number, call, asks)));
    }
    if (rounds.size() < count) {
      due(due() + gapNanos);
      loop.schedule(this);
    }
  }

  /// The first and the last caller are an SDK: only a retry gets an answer that has ended.
  private int tries(int caller) {
    return caller == 0 ? 0 : caller == callers.size() - 1 ? 1 : -1;
  }

  /// Those begun so far.
  List<AttachRound> rounds() {
    return List.copyOf(rounds);
  }

  /// Whether nothing more can come.
  boolean isDone() {
    return done == count * callers.size();
  }

  @Override
  public void close() {
    connections.forEach(Connection::close);
  }

  private final class Caller extends Loop.Timer implements Connection.Handler, HttpParser.Sink {
    private final Connection connection;
    private final AttachRound round;
    private final int number;
    private final ByteBuffer call;
    private final HttpParser parser = new HttpParser(this);
    private final Token.Scanner scanner = new Token.Scanner(this::token);
    private int status;
    private int tokens;
    private boolean outOfOrder;
    private boolean finished;

    Caller(Connection connection, AttachRound round, int number, ByteBuffer call, long asks) {
      this.connection = connection;
      this.round = round;
      this.number = number;
      this.call = call;
      due(asks);
    }

    @Override
    public void connected() {
      loop.schedule(this);
    }

    /// Asks.
    @Override
    void fire(long now) {
      round.asked(number, System.nanoTime());
      connection.write(call);
    }

    @Override
    public void received(ByteBuffer bytes) {
      parser.feed(bytes);
    }

    @Override
    public void head(int answerStatus) {
      status = answerStatus;
    }

    @Override
    public void body(ByteBuffer bytes) {
      scanner.feed(bytes);
    }

    private void token(int numberInStream, long sentAt) {
      if (tokens == 0) {
        round.firstToken(number, System.nanoTime(), sentAt);
      }
      outOfOrder |= numberInStream != tokens;
      tokens++;
    }

    @Override
    public void end() {
      if (status == 200 && tokens == AttachPlan.STREAM.tokens() && !outOfOrder) {
        round.whole(number);
      }
      finish();
      connection.close();
    }

    @Override
    public void closed() {
      finish();
    }

    private void finish() {
      if (!finished) {
        finished = true;
        done++;
      }
    }
  }
}
