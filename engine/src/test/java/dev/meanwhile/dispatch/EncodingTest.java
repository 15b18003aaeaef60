package dev.meanwhile.dispatch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.Clocks;
import dev.meanwhile.log.Head;
import dev.meanwhile.log.Run.About;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.upstream.Request;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// What is kept of a run and its log, beside the events.
class EncodingTest {
  private static String text(SplittableRandom random) {
    String part = Seeds.pick(random, "", "a", "Grüße, 世界 🚆", "x\ny: z", "\"{}\\\0");
    return part.repeat(Seeds.pick(random, 0, 1, 3, 20_000));
  }

  private static Duration time(SplittableRandom random) {
    return Duration.ofNanos(1 + random.nextLong(Duration.ofDays(400).toNanos()));
  }

  private static Work work(SplittableRandom random) {
    byte[] body = new byte[Seeds.pick(random, 0, 10, 100_000)];
    random.nextBytes(body);
    var headers = new ArrayList<Map.Entry<String, String>>();
    for (int left = random.nextInt(5); left > 0; left--) {
      headers.add(Map.entry("x-" + left, text(random)));
    }
    return new Work(
        new Request(text(random), text(random), text(random), headers, body, random.nextBoolean()),
        random.nextBoolean(),
        new Clocks(time(random), time(random), time(random), time(random)),
        random.nextLong(),
        random.nextLong(),
        random.nextBoolean());
  }

  private static Terminal terminal(SplittableRandom random) {
    return Seeds.pick(
        random,
        Terminal.COMPLETED,
        Terminal.INCOMPLETE,
        Terminal.CANCELLED,
        Terminal.failed(new Failure(400 + random.nextInt(200), text(random), text(random))));
  }

  @Test
  void all_comes_back() {
    Seeds.check(
        500,
        random -> {
          Work work = work(random);
          Work same = Work.of(work.encoded());
          assertThat(same.request().upstream()).isEqualTo(work.request().upstream());
          assertThat(same.request().api()).isEqualTo(work.request().api());
          assertThat(same.request().path()).isEqualTo(work.request().path());
          assertThat(same.request().headers()).isEqualTo(work.request().headers());
          assertThat(same.request().body()).isEqualTo(work.request().body());
          assertThat(same.request().streamed()).isEqualTo(work.request().streamed());
          assertThat(same.usage()).isEqualTo(work.usage());
          assertThat(same.clocks()).isEqualTo(work.clocks());
          assertThat(same.deadline()).isEqualTo(work.deadline());
          assertThat(same.expires()).isEqualTo(work.expires());
          assertThat(same.borrowed()).isEqualTo(work.borrowed());
          String asked = random.nextBoolean() ? text(random) : null;
          var about =
              new About(
                  text(random),
                  text(random),
                  text(random),
                  text(random),
                  random.nextBoolean(),
                  random.nextBoolean(),
                  random.nextBoolean(),
                  asked,
                  asked != null && random.nextBoolean(),
                  random.nextBoolean() ? text(random) : null,
                  random.nextBoolean() ? random.nextLong(Long.MAX_VALUE) : 0);
          assertThat(Encoding.about(Encoding.of(about))).isEqualTo(about);
          var head = new Head(100 + random.nextInt(500), random.nextBoolean(), text(random));
          assertThat(Encoding.head(Objects.requireNonNull(Encoding.of(head)))).isEqualTo(head);
          Terminal terminal = terminal(random);
          assertThat(Encoding.terminal(Encoding.of(terminal))).isEqualTo(terminal);
        });
    for (Status status : Status.values()) {
      if (status.isFinal() && status != Status.FAILED) {
        var terminal = new Terminal(status, null);
        assertThat(Encoding.terminal(Encoding.of(terminal))).isEqualTo(terminal);
      }
    }
  }

  @Test
  void what_was_stored_before_runs_could_expire_is_read() {
    Work work = work(new SplittableRandom(1));
    byte[] now = work.encoded();
    byte[] before = Arrays.copyOf(now, now.length - Long.BYTES);
    before[0] = 1;
    Work read = Work.of(before);
    assertThat(read.expires()).isZero();
    assertThat(read.deadline()).isEqualTo(work.deadline());
    assertThat(read.borrowed()).isEqualTo(work.borrowed());
  }

  /// What was cut, garbled or made up is refused as such, whatever it looks like.
  @Test
  void damage_is_refused() {
    Seeds.check(
        2_000,
        random -> {
          var about =
              new About("shop", "chat", "up", "m", true, false, false, null, false, null, 0);
          refused(random, work(random).encoded(), Work::of);
          refused(random, Encoding.of(about), Encoding::about);
          refused(random, Encoding.of(terminal(random)), Encoding::terminal);
          refused(
              random,
              Objects.requireNonNull(Encoding.of(new Head(200, true, "a: b\n"))),
              Encoding::head);
        });
  }

  private static void refused(
      SplittableRandom random, byte[] encoded, Function<byte[], Object> read) {
    byte[] damaged = encoded.clone();
    boolean cut = random.nextBoolean();
    if (cut) {
      damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
    } else {
      for (int left = 1 + random.nextInt(20); left > 0; left--) {
        damaged[random.nextInt(Math.min(damaged.length, 60))] = (byte) random.nextInt(256);
      }
    }
    try {
      Object other = read.apply(damaged);
      assertThat(cut).as("cut, and read as %s", other).isFalse();
    } catch (UncheckedIOException expected) {
      assertThat(expected).isNotNull();
    }
  }

  @Test
  void no_credential_is_stored() {
    String secret = "sk-proj-0123456789abcdef";
    var headers = new ArrayList<Map.Entry<String, String>>();
    for (String name :
        List.of(
            "authorization",
            "Authorization",
            "api-key",
            "X-Api-Key",
            "x-goog-api-key",
            "proxy-authorization",
            "cf-aig-authorization",
            "helicone-auth",
            "cookie",
            "x-amz-security-token")) {
      headers.add(Map.entry(name, "Bearer " + secret));
    }
    headers.add(Map.entry("openai-beta", "assistants=v2"));
    headers.add(Map.entry("openai-organization", "org-1"));
    var work =
        new Work(
            new Request("up", "chat", "/chat/completions", headers, "{}".getBytes(UTF_8), true),
            true,
            Clocks.DEFAULT,
            5,
            0,
            true);
    byte[] encoded = work.encoded();
    assertThat(new String(encoded, ISO_8859_1)).doesNotContain(secret).doesNotContain("Bearer");
    assertThat(Work.of(encoded).request().headers())
        .containsExactly(
            Map.entry("openai-beta", "assistants=v2"), Map.entry("openai-organization", "org-1"));
    assertThat(work.request().headers()).as("what is sent now").hasSize(12);
  }
}
