package dev.meanwhile.server.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.AnswerStore;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredAnswer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClientOptions;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Kept answers in Redis or Valkey, which nodes share. Thread-safe.
///
/// **Purges.** One hash holds the last number of each purge, and whose it is: the id of the Redis
/// process that it was written by. Each script looks whether it is still that process. If not, it
/// may have lost the last purges, by a restart from an older copy as by a failover: then all that
/// was asked before is purged. The same happens when the hash was evicted. Numbers follow the
/// server's clock, and are higher than any that the asking node has heard of.
public final class RedisAnswers implements AnswerStore, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(RedisAnswers.class.getName());
  private static final Duration EVERY = Duration.ofMillis(500);

  /// How long one answer of Redis may take.
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /// The same, where nobody waits for it.
  private static final Duration UNHURRIED = Duration.ofSeconds(10);

  /// How often Redis is asked before the server begins without it.
  private static final int FIRST_LOOKS = 3;

  /// A node that has heard of no purges for so long gives nothing.
  private static final Duration DEAF = Duration.ofSeconds(8);

  /// Beyond the use of an answer: clocks differ.
  private static final Duration LONGER = Duration.ofHours(1);

  private static final int CONNECTIONS = 4;
  private static final int MOST_WAITING = 1_000;

  private static final String PURGES = "meanwhile:purges";
  private static final String ANSWER = "meanwhile:answer:";
  private static final String MAKING = "meanwhile:making:";
  private static final String RUN = "meanwhile:run:";

  /// `KEYS[1]` the purges, `ARGV[1]` the highest number that this node has heard of.
  private static final String LIFE =
      """
      local process = string.match(redis.call('info', 'server'), 'run_id:(%w+)')
      local time = redis.call('time')
      local now = time[1] * 1000 + math.floor(time[2] / 1000)
      local function text(number) return string.format('%.0f', number) end
      local function begin(last)
        redis.call('del', KEYS[1])
        redis.call('hset', KEYS[1], 'process', process, 'last', text(last), 'what *', text(last))
      end
      local last = tonumber(redis.call('hget', KEYS[1], 'last') or '0')
      if redis.call('hget', KEYS[1], 'process') ~= process then
        last = math.max(now, last + 1, tonumber(ARGV[1]) + 1)
        begin(last)
      end
      """;

  /// `ARGV[2]` up to what number all was heard. Answers with the last, and what was purged since.
  private static final String LOOK =
      LIFE
          + """
          local changed = {text(last)}
          if last > tonumber(ARGV[2]) then
            local all = redis.call('hgetall', KEYS[1])
            for i = 1, #all, 2 do
              if string.sub(all[i], 1, 5) == 'what ' and tonumber(all[i + 1]) > tonumber(ARGV[2]) then
                table.insert(changed, string.sub(all[i], 6))
                table.insert(changed, all[i + 1])
              end
            end
          end
          return changed
          """;

  /// `ARGV[2]` what is purged. Only so many are remembered.
  private static final String PURGE =
      LIFE
          + """
          last = math.max(now, last + 1)
          if redis.call('hlen', KEYS[1]) > 10000 then
            begin(last)
          end
          redis.call('hset', KEYS[1], 'last', text(last), 'what ' .. ARGV[2], text(last))
          return text(last)
          """;

  /// The numbers of the last purges of `ARGV[2]` and what follows.
  private static final String NUMBERS =
      LIFE
          + """
          local numbers = {}
          for i = 2, #ARGV do
            numbers[i - 1] = redis.call('hget', KEYS[1], 'what ' .. ARGV[i]) or '0'
          end
          return numbers
          """;

  /// `KEYS[1]` the answer; `ARGV` its stamp, when it was made, itself, and for how long it is kept.
  private static final String KEEP =
      """
      local stamp = tonumber(redis.call('hget', KEYS[1], 'stamp') or '-1')
      local made = tonumber(redis.call('hget', KEYS[1], 'made') or '-1')
      if stamp > tonumber(ARGV[1]) or stamp == tonumber(ARGV[1]) and made > tonumber(ARGV[2]) then
        return 0
      end
      redis.call('hset', KEYS[1], 'stamp', ARGV[1], 'made', ARGV[2], 'answer', ARGV[3])
      redis.call('pexpire', KEYS[1], ARGV[4])
      return 1
      """;

  private final Vertx vertx;
  private final Redis redis;
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile @Nullable PurgeListener listener;
  private final long deaf;
  private volatile long heardAt;
  private volatile long heard;
  private volatile long highest;
  private volatile boolean troubled;
  private volatile long timer = -1;

  /// @param address `redis://` or `rediss://`, with a password if there is one
  public RedisAnswers(Vertx vertx, URI address) {
    this(vertx, address, DEAF);
  }

  /// @param deaf after how long without hearing of purges nothing is given
  RedisAnswers(Vertx vertx, URI address, Duration deaf) {
    this.deaf = deaf.toNanos();
    this.heardAt = System.nanoTime() - this.deaf;
    this.vertx = vertx;
    this.redis =
        Redis.createClient(
            vertx,
            new RedisOptions()
                .setConnectionString(address.toString())
                .setMaxPoolSize(CONNECTIONS)
                .setMaxPoolWaiting(MOST_WAITING)
                .setMaxWaitingHandlers(MOST_WAITING)
                .setNetClientOptions(
                    new NetClientOptions()
                        .setConnectTimeout((int) PATIENCE.toMillis())
                        .setTcpKeepAlive(true)
                        .setTcpNoDelay(true)));
  }

  /// Begins to hear of purges. Blocks for a moment, until the first time; if that is in vain,
  /// nothing is given until there is one.
  public void open(PurgeListener its) {
    listener = its;
    timer = vertx.setPeriodic(EVERY.toMillis(), _ -> look());
    for (int i = 0; i < FIRST_LOOKS && !hears(); i++) {
      try {
        look().toCompletionStage().toCompletableFuture().join();
      } catch (CompletionException e) {
        LOG.log(Level.DEBUG, "Redis does not answer yet", e);
      }
    }
  }

  private Future<@Nullable Response> ask(Request request) {
    return ask(request, PATIENCE);
  }

  private Future<@Nullable Response> ask(Request request, Duration patience) {
    return redis.send(request).timeout(patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static Request script(String script, String key) {
    return Request.cmd(Command.EVAL).arg(script).arg(1).arg(key);
  }

  private Future<?> look() {
    if (!looking.compareAndSet(false, true)) {
      return Future.succeededFuture();
    }
    long began = System.nanoTime();
    return ask(script(LOOK, PURGES).arg(highest).arg(heard))
        .onComplete(
            changed -> {
              if (changed != null) {
                heard(changed, began);
              }
              looking.set(false);
            },
            failure -> {
              trouble(failure);
              looking.set(false);
            });
  }

  private void heard(Response changed, long began) {
    long last = Long.parseLong(changed.get(0).toString());
    var purges = new ArrayList<Purge>();
    for (int i = 1; i + 1 < changed.size(); i += 2) {
      String what = new String(changed.get(i).toBytes(), UTF_8);
      purges.add(new Purge(what, Long.parseLong(changed.get(i + 1).toString())));
    }
    tell(purges, last);
    heard = Math.max(heard, last);
    heardAt = began;
    troubled = false;
  }

  private void tell(List<Purge> purges, long last) {
    highest = Math.max(highest, last);
    PurgeListener told = listener;
    if (told != null) {
      told.purged(purges, last);
    }
  }

  /// @return what is wrong, and what to do
  private String trouble(Throwable failure) {
    if (!troubled) {
      troubled = true;
      LOG.log(Level.WARNING, "Redis does not answer: " + failure.getMessage());
    }
    return "Redis does not answer (%s). Look whether it runs and can be reached"
        .formatted(failure.getMessage());
  }

  @Override
  public boolean hears() {
    return System.nanoTime() - heardAt < deaf;
  }

  @Override
  public boolean sharesAnswers() {
    return true;
  }

  private static String hex(byte[] key) {
    return HexFormat.of().formatHex(key);
  }

  @Override
  public void answer(byte[] key, long now, Store.Reply<@Nullable StoredAnswer> reply) {
    ask(Request.cmd(Command.HGET).arg(ANSWER + hex(key)).arg("answer"))
        .onComplete(
            found -> {
              StoredAnswer answer = found == null ? null : AnswerBytes.read(key, found.toBytes());
              if (answer == null || answer.until() <= now) {
                reply.is(null);
              } else {
                check(answer, reply);
              }
            },
            failure -> reply.failed(trouble(failure)));
  }

  /// Purges are looked at after it was read, so that none is missed which came before.
  private void check(StoredAnswer answer, Store.Reply<@Nullable StoredAnswer> reply) {
    Request numbers = script(NUMBERS, PURGES).arg(highest);
    numbers.arg(Purge.ALL).arg(Purge.ofKey(answer.key()));
    answer.tags().forEach(tag -> numbers.arg(tag.getBytes(UTF_8)));
    ask(numbers)
        .onComplete(
            all -> {
              boolean good = all != null;
              for (int i = 0; good && i < all.size(); i++) {
                good = Long.parseLong(all.get(i).toString()) <= answer.stamp();
              }
              reply.is(good ? answer : null);
            },
            failure -> reply.failed(trouble(failure)));
  }

  @Override
  public void keep(StoredAnswer answer, Consumer<Outcome> done) {
    if (!hears()) {
      done.accept(new Outcome.Refused("Redis does not answer"));
      return;
    }
    String key = hex(answer.key());
    long time = answer.until() - answer.made() + LONGER.toMillis();
    Request keep =
        script(KEEP, ANSWER + key)
            .arg(answer.stamp())
            .arg(answer.made())
            .arg(AnswerBytes.of(answer))
            .arg(time);
    Request ofRun = Request.cmd(Command.SET).arg(RUN + answer.run()).arg(key).arg("PX").arg(time);
    // Before the answer, so that an erased run finds what it made.
    ask(ofRun, UNHURRIED)
        .compose(_ -> ask(keep, UNHURRIED))
        .compose(_ -> ask(Request.cmd(Command.DEL).arg(MAKING + key), UNHURRIED))
        .onComplete(
            _ -> done.accept(new Outcome.Stored()),
            failure -> done.accept(new Outcome.Refused(trouble(failure))));
  }

  @Override
  public void purge(String what, Consumer<Outcome> done) {
    ask(script(PURGE, PURGES).arg(highest).arg(what.getBytes(UTF_8)))
        .onComplete(
            number -> {
              if (number != null) {
                long given = Long.parseLong(number.toString());
                tell(List.of(new Purge(what, given)), given);
              }
              done.accept(new Outcome.Stored());
            },
            failure -> done.accept(new Outcome.Refused(trouble(failure))));
  }

  @Override
  public void erase(String run, Consumer<Outcome> done) {
    ask(Request.cmd(Command.GET).arg(RUN + run))
        .onComplete(
            key -> {
              if (key == null) {
                done.accept(new Outcome.Stored());
              } else {
                erase(run, key.toString(), done);
              }
            },
            failure -> done.accept(new Outcome.Refused(trouble(failure))));
  }

  private void erase(String run, String key, Consumer<Outcome> done) {
    ask(Request.cmd(Command.DEL).arg(ANSWER + key))
        .onComplete(
            _ ->
                purge(
                    Purge.ofKey(HexFormat.of().parseHex(key)),
                    outcome -> {
                      if (outcome instanceof Outcome.Stored) {
                        // Only once all is done: if it is not, it is tried again.
                        ask(Request.cmd(Command.DEL).arg(RUN + run));
                      }
                      done.accept(outcome);
                    }),
            failure -> done.accept(new Outcome.Refused(trouble(failure))));
  }

  @Override
  public void lease(byte[] key, Duration time, Store.Reply<Boolean> reply) {
    ask(Request.cmd(Command.SET)
            .arg(MAKING + hex(key))
            .arg("1")
            .arg("NX")
            .arg("PX")
            .arg(time.toMillis()))
        .onComplete(taken -> reply.is(taken != null), failure -> reply.failed(trouble(failure)));
  }

  @Override
  public void close() {
    vertx.cancelTimer(timer);
    redis.close();
  }
}
