package dev.meanwhile.server.redis;

import static dev.meanwhile.testkit.StoreSamples.digest;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.kit.Eventually;
import dev.meanwhile.server.kit.RedisProcess;
import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.testkit.AnswerStoreContract;
import dev.meanwhile.testkit.StoreClient;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Over a real Redis.
class RedisAnswersTest extends AnswerStoreContract {
  private static final Vertx VERTX = Vertx.vertx();
  private static RedisProcess redis;

  private final Node one = new Node();
  private final Node two = new Node();

  /// A node, and what it has heard.
  private static final class Node implements AnswerStore.PurgeListener {
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final AtomicLong last = new AtomicLong();
    private @Nullable RedisAnswers answers;

    void open(Duration deaf) throws Exception {
      var made = new RedisAnswers(VERTX, redis.address(), deaf);
      made.open(this);
      answers = made;
      Eventually.until("it hears", made::hears);
    }

    RedisAnswers answers() {
      return Objects.requireNonNull(answers);
    }

    void close() {
      if (answers != null) {
        answers.close();
      }
    }

    @Override
    public void purged(List<Purge> purges, long number) {
      last.accumulateAndGet(number, Math::max);
      purges.forEach(purge -> heard.add("purged " + purge.what()));
    }
  }

  @BeforeAll
  static void startRedis() throws IOException {
    redis = RedisProcess.start();
  }

  @AfterAll
  static void stopRedis() throws IOException {
    redis.close();
    VERTX.close();
  }

  @BeforeEach
  void open() throws Exception {
    redis.command("FLUSHALL");
    one.open(Duration.ofHours(1));
  }

  @AfterEach
  void close() {
    one.close();
    two.close();
  }

  @Override
  protected AnswerStore answers() {
    return one.answers();
  }

  @Override
  protected List<String> heard() {
    return one.heard;
  }

  @Override
  protected long last() {
    return one.last.get();
  }

  @Override
  protected void reopenAnswers() throws Exception {
    one.close();
    one.open(Duration.ofHours(1));
  }

  /// Redis does that by itself, much later.
  @Override
  protected void forgets_answers_that_are_of_no_use() throws Exception {
    kept(answer("a", last(), 5_000));
    String key = "meanwhile:answer:" + Purge.ofKey(digest("a")).substring("key ".length());
    assertThat(redis.command("TTL " + key)).matches(":3[56][0-9]{2}");
  }

  @Override
  protected void forget(long now) {}

  @Test
  void nodes_hear_of_each_others_purges() throws Exception {
    two.open(Duration.ofHours(1));
    kept(answer("a", last(), 5_000, "shop"));
    assertThat(StoreClient.answer(two.answers(), digest("a"), 5_500)).isNotNull();
    assertThat(outcome(two.answers(), "shop")).isEqualTo(new Outcome.Stored());
    Eventually.until("it is heard", () -> one.heard.contains("purged shop"));
    assertThat(one.last.get()).isEqualTo(two.last.get());
    assertThat(given("a")).isNull();
    assertThat(StoreClient.lease(two.answers(), digest("b"), Duration.ofHours(1))).isTrue();
    assertThat(StoreClient.lease(one.answers(), digest("b"), Duration.ofHours(1))).isFalse();
  }

  /// By a failover, or a restart from an older copy: the last purges may be lost.
  @Test
  void of_another_process_nothing_is_given_that_was_asked_before() throws Exception {
    long before = last();
    kept(answer("a", before, 5_000));
    redis.command("HSET meanwhile:purges process another last 7");
    assertThat(given("a")).isNull();
    Eventually.until("it is heard", () -> one.heard.contains("purged *") && last() > before);
    kept(answer("a", last(), 5_000));
    assertThat(given("a")).isNotNull();
    redis.command("DEL meanwhile:purges");
    assertThat(given("a")).as("what was purged was evicted").isNull();
  }

  @Test
  void what_is_damaged_is_not_there() throws Exception {
    kept(answer("a", last(), 5_000));
    String key = "meanwhile:answer:" + Purge.ofKey(digest("a")).substring("key ".length());
    for (String wrong : new String[] {"x", "\"\\x01\\xff\\xff\\xff\\xff\"", "\"\""}) {
      redis.command("HSET " + key + " answer " + wrong);
      assertThat(given("a")).isNull();
    }
  }

  @Test
  void one_that_was_killed_refuses_all_at_once_or_soon_and_goes_on_when_it_is_back()
      throws Exception {
    // It looks twice a second: for most of the time it hears nothing.
    two.open(Duration.ofMillis(100));
    kept(answer("a", last(), 5_000));
    redis.kill();
    assertThat(failed(two.answers())).isTrue();
    assertThat(outcome(two.answers(), "shop")).isInstanceOf(Outcome.Refused.class);
    Eventually.until("it hears nothing", () -> !two.answers().hears());
    var refused = new CompletableFuture<Outcome>();
    two.answers().keep(answer("a", last(), 5_000), refused::complete);
    assertThat(refused.get(30, TimeUnit.SECONDS)).isInstanceOf(Outcome.Refused.class);
    redis.again();
    Eventually.until("it hears", () -> two.answers().hears());
    assertThat(StoreClient.answer(two.answers(), digest("a"), 5_500)).isNull();
    assertThat(outcome(two.answers(), "shop")).isEqualTo(new Outcome.Stored());
  }

  private static Outcome outcome(AnswerStore of, String purge) throws Exception {
    var outcome = new CompletableFuture<Outcome>();
    of.purge(purge, outcome::complete);
    return outcome.get(30, TimeUnit.SECONDS);
  }

  private static boolean failed(AnswerStore of) throws Exception {
    var failed = new CompletableFuture<Boolean>();
    of.answer(
        digest("a"),
        5_500,
        new Store.Reply<@Nullable StoredAnswer>() {
          @Override
          public void is(@Nullable StoredAnswer answer) {
            failed.complete(false);
          }

          @Override
          public void failed(String trouble) {
            failed.complete(true);
          }
        });
    return failed.get(30, TimeUnit.SECONDS);
  }
}
