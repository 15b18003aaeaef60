package dev.meanwhile.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.testkit.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RunLogTest {
  private static final int LIMIT = 1 << 20;

  @Test
  void what_is_appended_is_read_as_it_was() {
    Seeds.check(
        300,
        random -> {
          var log = new RunLog(Runnable::run, 0, LIMIT);
          LogWriter writer = log.begin();
          List<byte[]> events = new ArrayList<>();
          int published = 0;
          for (int i = random.nextInt(60); i > 0; i--) {
            byte[] event = bytes(random, random.nextInt(10) == 0 ? 20_000 : 400);
            Kind kind = Seeds.pick(random, Kind.values());
            assertThat(writer.append(kind, events.size() * 1_000L, event, 0, event.length))
                .isTrue();
            events.add(event);
            assertThat(log.end()).isEqualTo(published);
            if (random.nextBoolean()) {
              writer.publish();
              published = events.size();
            }
          }
          writer.close(Terminal.COMPLETED, 7);
          assertThat(log.end()).isEqualTo(events.size());
          assertThat(log.closedAt()).isEqualTo(7);
          int from = random.nextInt(events.size() + 1);
          int to = from + random.nextInt(events.size() - from + 1);
          assertThat(log.bytes(from, to)).isEqualTo(joined(events.subList(from, to)));
          for (int i = 0; i < events.size(); i++) {
            assertThat(log.micros(i)).isEqualTo(i - i % 4); // to 4 µs
            assertThat(log.size(i, i + 1)).isEqualTo(events.get(i).length);
          }
        });
  }

  @Test
  void an_older_attempt_writes_no_more() {
    var log = new RunLog(Runnable::run, 0, LIMIT);
    LogWriter first = log.begin();
    assertThat(append(first, "a")).isTrue();
    LogWriter second = log.begin();
    assertThat(append(first, "b")).isFalse();
    assertThat(first.publish()).isFalse();
    assertThat(first.close(Terminal.COMPLETED, 1)).isFalse();
    assertThat(append(second, "c")).isTrue();
    assertThat(second.close(Terminal.COMPLETED, 1)).isTrue();
    assertThat(new String(log.bytes(0, log.end()), UTF_8)).isEqualTo("ac");
    assertThat(log.attempt()).isEqualTo(2);
  }

  @Test
  void a_closed_log_stays_closed() {
    var log = new RunLog(Runnable::run, 0, LIMIT);
    LogWriter writer = log.begin();
    assertThat(writer.close(Terminal.CANCELLED, 1)).isTrue();
    assertThat(writer.close(Terminal.COMPLETED, 2)).isFalse();
    assertThat(append(writer, "late")).isFalse();
    assertThat(log.terminal()).isEqualTo(Terminal.CANCELLED);
    assertThat(log.end()).isZero();
  }

  @Test
  void a_log_never_exceeds_its_limit() {
    var log = new RunLog(Runnable::run, 0, 10);
    LogWriter writer = log.begin();
    assertThat(append(writer, "123456")).isTrue();
    assertThat(append(writer, "78901")).isFalse();
    assertThat(append(writer, "7890")).isTrue();
    writer.publish();
    assertThat(log.size(0, 2)).isEqualTo(10);
  }

  @Test
  void an_offset_beyond_the_end_is_refused() {
    var log = new RunLog(Runnable::run, 0, LIMIT);
    append(log.begin(), "not yet published");
    assertThatThrownBy(() -> log.kind(0))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("event 0 of 0");
  }

  @Test
  void followers_may_come_and_go_while_they_are_woken() {
    Seeds.check(
        200,
        random -> {
          var log = new RunLog(Runnable::run, 0, LIMIT);
          LogWriter writer = log.begin();
          List<Leaver> followers = new ArrayList<>();
          for (int i = 0; i < 20; i++) {
            var follower = new Leaver(log, 1 + random.nextInt(6));
            followers.add(follower);
            log.follow(follower);
          }
          for (int i = 0; i < 6; i++) {
            writer.publish();
          }
          for (Leaver follower : followers) {
            assertThat(follower.woken).isEqualTo(follower.leavesAt);
          }
        });
  }

  @Test
  void a_run_that_is_cut_ends_there_and_its_log_goes_on() {
    var log = new RunLog(Runnable::run, 0, LIMIT);
    LogWriter writer = log.begin();
    var owner = new Seat();
    var about = new Run.About("t", "chat", "u", "m", true, false, false, null, false, null, 0);
    var cut = new Run("run_1", about, 0, log, owner);
    var other = new Run("run_2", about, 0, log, owner);
    append(writer, "before ");
    writer.publish();
    assertThat(cut.cut(log.end(), 3, Terminal.CANCELLED)).isTrue();
    assertThat(cut.cut(log.end(), 4, Terminal.CANCELLED)).isFalse();
    append(writer, "after");
    writer.close(Terminal.COMPLETED, 9);
    assertThat(cut.terminal()).isEqualTo(Terminal.CANCELLED);
    assertThat(cut.endedAt()).isEqualTo(3);
    assertThat(new String(cut.bytes(0, cut.end()), UTF_8)).isEqualTo("before ");
    assertThat(other.terminal()).isEqualTo(Terminal.COMPLETED);
    assertThat(new String(other.bytes(0, other.end()), UTF_8)).isEqualTo("before after");
    assertThat(other.cut(log.end(), 10, Terminal.CANCELLED))
        .as("what has ended is not cut")
        .isFalse();
  }

  private static boolean append(LogWriter writer, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return writer.append(Kind.CONTENT, 0, bytes, 0, bytes.length);
  }

  private static byte[] bytes(SplittableRandom random, int most) {
    byte[] bytes = new byte[random.nextInt(most + 1)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) random.nextInt();
    }
    return bytes;
  }

  private static byte[] joined(List<byte[]> parts) {
    byte[] all = new byte[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return Arrays.copyOf(all, at);
  }

  private static final class Leaver implements LogReader.Follower {
    private final LogReader log;
    private final int leavesAt;
    private int woken;

    Leaver(LogReader log, int leavesAt) {
      this.log = log;
      this.leavesAt = leavesAt;
    }

    @Override
    public void wake() {
      woken++;
      if (woken == leavesAt) {
        log.unfollow(this);
      }
    }
  }

  private static final class Seat implements Run.Owner {
    @Override
    public void keep(Consumer<@Nullable String> done) {}

    @Override
    public void left() {}

    @Override
    public void returned() {}

    @Override
    public void cancel(Terminal how) {}
  }
}
