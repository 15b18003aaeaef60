package dev.meanwhile.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Head;
import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.testkit.VirtualWorld;
import dev.meanwhile.upstream.Request;
import dev.meanwhile.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// The AI API of a simulation: answers late, in pieces, badly or not at all, and remembers every
/// call, by the prompt that it was of.
final class Api {
  /// What a call comes to.
  private enum Fate {
    ANSWERS,
    ANSWERS_AT_ONCE,
    LIMITED,
    FAULTY,
    REFUSES,
    CUTS,
    HANGS
  }

  private final VirtualWorld world;
  private final SplittableRandom random;
  private final Map<String, List<Exchange>> calls = new HashMap<>();
  private double faults;

  /// @param faults the part of calls that go wrong
  Api(VirtualWorld world, SplittableRandom random, double faults) {
    this.world = world;
    this.random = random;
    this.faults = faults;
  }

  /// From now on all goes well.
  void heal() {
    faults = 0;
  }

  List<Exchange> calls(String prompt) {
    return calls.getOrDefault(prompt, List.of());
  }

  /// The API as one loop of a process sees it.
  Upstream seenBy(Life life, VirtualWorld.Loop loop) {
    return (request, listener) -> {
      var exchange = new Exchange(life, loop, request, listener);
      life.calls(exchange);
      calls.computeIfAbsent(exchange.prompt, _ -> new ArrayList<>()).add(exchange);
      exchange.begin();
      return exchange;
    };
  }

  /// One call.
  final class Exchange implements Upstream.Exchange {
    final Life life;
    final String prompt;

    /// What was sent of the answer, event by event.
    final List<String> said = new ArrayList<>();

    private final VirtualWorld.Loop loop;
    private final Upstream.Listener listener;
    private final boolean streamed;
    private final int number;
    private final long began = world.nanos();
    private boolean excused;
    private boolean aborted;
    private boolean timedOut;
    private @Nullable Terminal ended;

    Exchange(Life life, VirtualWorld.Loop loop, Request request, Upstream.Listener listener) {
      this.life = life;
      this.loop = loop;
      this.listener = listener;
      this.prompt = new String(request.body(), UTF_8);
      this.streamed = request.streamed();
      this.number = calls(prompt).size() + 1;
    }

    /// The process that made it is gone, or out of touch: another may be made.
    void excuse() {
      excused = true;
    }

    boolean isExcused() {
      return excused;
    }

    /// Whether another call for the same prompt is in order.
    boolean mayBeRepeated() {
      return excused
          || timedOut
          || ended != null && ended.failure() != null && isPassing(ended.failure().status());
    }

    private static boolean isPassing(int status) {
      return status == 429 || status >= 500;
    }

    /// Whether this process waits for its answer. A call that it recovered is nobody's but its
    /// run's.
    @SuppressWarnings("ReferenceEquality") // the very same
    boolean isUnderWayAt(Life process) {
      return life == process && number == 1 && !excused && !aborted && ended == null;
    }

    boolean completed() {
      return ended != null && ended.status() == Status.COMPLETED;
    }

    private void begin() {
      Fate fate =
          random.nextDouble() < faults
              ? Seeds.pick(
                  random,
                  Fate.ANSWERS_AT_ONCE,
                  Fate.LIMITED,
                  Fate.FAULTY,
                  Fate.REFUSES,
                  Fate.CUTS,
                  Fate.CUTS,
                  Fate.HANGS)
              : Fate.ANSWERS;
      switch (fate) {
        case ANSWERS -> later(() -> answer(1 + random.nextInt(6), Terminal.COMPLETED));
        case ANSWERS_AT_ONCE -> atOnce();
        case LIMITED -> later(() -> error(429, "rate_limit_exceeded"));
        case FAULTY -> later(() -> error(500, "server_error"));
        case REFUSES -> later(() -> error(400, "invalid_request"));
        case CUTS -> later(() -> answer(random.nextInt(4), cut()));
        case HANGS -> later(() -> answer(random.nextInt(2), null));
      }
    }

    private static Terminal cut() {
      return Terminal.failed(new Failure(502, "upstream_cut", "The connection broke."));
    }

    /// All within the call, before it returns.
    private void atOnce() {
      if (random.nextBoolean()) {
        end(cut());
      } else {
        listener.connected();
        listener.head(new Head(200, streamed, ""));
        event(streamed ? Kind.CONTENT : Kind.ANSWER);
        end(Terminal.COMPLETED);
      }
    }

    private void error(int status, String code) {
      listener.connected();
      String fields =
          status == 429 && random.nextBoolean()
              ? "retry-after: %d\nx-ratelimit-remaining-requests: 0\n".formatted(random.nextInt(30))
              : "";
      listener.head(new Head(status, streamed, fields));
      event(Kind.ANSWER);
      end(Terminal.failed(new Failure(status, code, "It says so.")));
    }

    /// @param how null: it falls silent
    private void answer(int events, @Nullable Terminal how) {
      listener.connected();
      later(() -> {
        listener.head(new Head(200, streamed, "x-call: " + number + "\n"));
        if (streamed) {
          event(Kind.FRAME);
        }
        more(streamed ? events : Math.min(events, Terminal.COMPLETED.equals(how) ? 1 : 0), how);
      });
    }

    private void more(int events, @Nullable Terminal how) {
      if (events > 0) {
        later(() -> {
          event(streamed ? Kind.CONTENT : Kind.ANSWER);
          if (random.nextInt(4) == 0) {
            more(events - 1, how);
          } else {
            later(() -> more(events - 1, how));
          }
        });
      } else if (how != null) {
        end(how);
      }
    }

    private void event(Kind kind) {
      if (aborted || ended != null) {
        return;
      }
      String text = "%s/%d/%d %s;".formatted(prompt, number, said.size(), "x".repeat(said.size()));
      said.add(text);
      byte[] bytes = text.getBytes(UTF_8);
      listener.alive();
      listener.event(kind, bytes, 0, bytes.length);
      if (!aborted) {
        listener.flush();
      }
    }

    private void end(Terminal terminal) {
      if (!aborted && ended == null) {
        ended = terminal;
        listener.ended(terminal);
      }
    }

    private void later(Runnable step) {
      world.later(
          world.some(Duration.ofSeconds(3)),
          () ->
              loop.on(() -> {
                if (!aborted && ended == null) {
                  step.run();
                }
              }));
    }

    @Override
    public void abort() {
      aborted = true;
      timedOut = world.nanos() - began >= Simulation.CLOCKS.connect().toNanos();
    }

    @Override
    public String toString() {
      return "%s/%d of %s%s%s: %s"
          .formatted(
              prompt, number, life, excused ? " excused" : "", aborted ? " aborted" : "", ended);
    }
  }
}
