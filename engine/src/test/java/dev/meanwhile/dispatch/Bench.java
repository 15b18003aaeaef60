package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.Meanwhile;
import dev.meanwhile.budget.Clocks;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Caching;
import dev.meanwhile.cache.Hit;
import dev.meanwhile.cache.Key;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.store.Store;
import dev.meanwhile.testkit.ScriptedUpstream;
import dev.meanwhile.testkit.VirtualClock;
import dev.meanwhile.upstream.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// An engine on one loop in virtual time, with a scripted upstream.
final class Bench {
  static final Key SAME = new Key(1, 2, 3, 4);
  static final Key RETRY = new Key(5, 6, 7, 8);

  final VirtualClock clock = new VirtualClock();
  final ScriptedUpstream upstream = new ScriptedUpstream();
  final List<String> ended = new ArrayList<>();
  final Meanwhile engine;
  final Dispatcher dispatcher;
  @Nullable Failure refusal;

  /// What was found last, or null if nothing was.
  @Nullable Hit hit;

  static final Meanwhile.Settings SETTINGS =
      new Meanwhile.Settings(
          1,
          1 << 20,
          100,
          Duration.ofMinutes(15),
          1 << 20,
          1 << 20,
          Duration.ofMinutes(1),
          Duration.ofHours(1),
          _ -> new Queue(4, 1_000));

  Bench() {
    this(SETTINGS);
  }

  Bench(Meanwhile.Settings settings) {
    this(settings, null);
  }

  /// @param store where answers outlive it, or null
  Bench(Meanwhile.Settings settings, @Nullable Store store) {
    engine =
        new Meanwhile(
            settings,
            store,
            new Journal() {
              @Override
              public void began(Run run) {}

              @Override
              public void ended(Run run, long firstContent, long total) {
                ended.add(run.id() + " " + run.status());
              }
            });
    engine.open();
    dispatcher = engine.on(clock, upstream);
  }

  /// The runs of all calls, in the order in which they were accepted.
  final List<Run> accepted = new ArrayList<>();

  /// The one that was accepted last, since a call was made that was not at once.
  @Nullable Run later() {
    return accepted.isEmpty() ? null : accepted.getLast();
  }

  /// Whether there is an answer to give instead of another.
  boolean spare(Ask ask) {
    return dispatcher.spare(
        ask.submission(),
        new Dispatcher.Answer() {
          @Override
          public void accepted(Run run) {}

          @Override
          public void refused(Failure failure) {}
        });
  }

  Run accept(Ask ask) {
    return Objects.requireNonNull(tryAccept(ask), () -> "refused: " + refusal);
  }

  @Nullable Run tryAccept(Ask ask) {
    int before = accepted.size();
    hit = null;
    dispatcher.accept(
        ask.submission(),
        new Dispatcher.Answer() {
          @Override
          public void accepted(Run run) {
            accepted.add(run);
          }

          @Override
          public void found(Run run, Hit found) {
            hit = found;
            accepted(run);
          }

          @Override
          public void refused(Failure failure) {
            refusal = failure;
          }
        });
    return accepted.size() == before ? null : accepted.getLast();
  }

  /// What a test asks for.
  record Ask(
      boolean streamed,
      boolean usage,
      OnLeave onLeave,
      Duration grace,
      boolean retried,
      boolean same,
      @Nullable Caching caching,
      String body,
      @Nullable Key supersedes,
      Key request) {
    static Ask plain() {
      return new Ask(
          false, false, OnLeave.CANCEL, Duration.ZERO, false, false, null, "{}", null, RETRY);
    }

    static Ask stream() {
      return new Ask(
          true,
          true,
          OnLeave.CANCEL,
          Duration.ofSeconds(15),
          false,
          false,
          null,
          "{}",
          null,
          RETRY);
    }

    Ask coalescing() {
      return new Ask(
          streamed, usage, onLeave, grace, retried, true, caching, body, supersedes, request);
    }

    Ask retry() {
      return new Ask(
          streamed, usage, onLeave, grace, true, same, caching, body, supersedes, request);
    }

    /// A retry of another request.
    Ask retriedAs(Key other) {
      return new Ask(streamed, usage, onLeave, grace, true, same, caching, body, supersedes, other);
    }

    Ask withoutUsage() {
      return new Ask(
          streamed, false, onLeave, grace, retried, same, caching, body, supersedes, request);
    }

    Ask leaving(OnLeave policy, Duration time) {
      return new Ask(
          streamed, usage, policy, time, retried, same, caching, body, supersedes, request);
    }

    Ask cached(Caching how) {
      return new Ask(
          streamed, usage, onLeave, grace, retried, true, how, body, supersedes, request);
    }

    /// The same, which no other call may answer.
    Ask alone() {
      return new Ask(
          streamed, usage, onLeave, grace, retried, false, caching, body, supersedes, request);
    }

    Ask superseding(Key key) {
      return new Ask(streamed, usage, onLeave, grace, retried, same, caching, body, key, request);
    }

    Ask saying(String text) {
      return new Ask(
          streamed, usage, onLeave, grace, retried, same, caching, text, supersedes, request);
    }

    Submission submission() {
      return new Submission(
          new Run.About(
              "shop", "chat", "default", "m", streamed, false, false, null, false, null, 0),
          new Request(
              "default", "chat", "/chat/completions", List.of(), body.getBytes(UTF_8), streamed),
          usage,
          Clocks.DEFAULT,
          onLeave,
          grace,
          request,
          retried,
          same ? SAME : null,
          true,
          caching,
          supersedes,
          false,
          null);
    }
  }
}
