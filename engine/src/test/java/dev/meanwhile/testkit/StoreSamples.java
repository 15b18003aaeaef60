package dev.meanwhile.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.StoredLog;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs, logs and changes to give to a store. Run `run_x` reads log `log_x` if nothing else is
/// said.
public final class StoreSamples {
  private StoreSamples() {}

  public static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  public static StoredLog log(String name) {
    return log(name, 2, 1_000);
  }

  /// A log that waits for its first attempt.
  public static StoredLog log(String name, int priority, long createdAt) {
    return new StoredLog(
        "log_" + name,
        "shop",
        "openai",
        priority,
        createdAt,
        createdAt,
        0,
        0,
        "queued",
        0,
        0,
        bytes("request of " + name),
        null,
        null);
  }

  public static StoredRun run(String name, StoredLog log) {
    return run(name, log, "shop", log.createdAt());
  }

  public static StoredRun run(String name, StoredLog log, String tenant, long createdAt) {
    return new StoredRun(
        "run_" + name, log, tenant, bytes("about " + name), createdAt, 0, 0, false);
  }

  public static IdempotencyEntry key(String name) {
    return new IdempotencyEntry(digest("key " + name), digest("body " + name));
  }

  /// 32 bytes that begin with the text.
  public static byte[] digest(String text) {
    return java.util.Arrays.copyOf(bytes(text), 32);
  }

  public static Change.Accept accept(String name) {
    return accept(name, null);
  }

  public static Change.Accept accept(String name, @Nullable IdempotencyEntry key) {
    StoredLog log = log(name);
    return new Change.Accept(run(name, log), log, key);
  }

  public static Change.Accept accept(StoredLog log, String run) {
    return new Change.Accept(run(run, log), log, null);
  }

  /// A run of which `endpoint` is told.
  public static Change.Accept telling(String name, String endpoint) {
    StoredLog log = log(name);
    return new Change.Accept(
        run(name, log), log, null, new Told(endpoint, null), null, "responses", false);
  }

  /// A run of which somebody is told by mail.
  ///
  /// @param to `mailto:` and an address
  public static Change.Accept mailing(String name, String to) {
    StoredLog log = log(name);
    return new Change.Accept(run(name, log), log, null, new Told(null, to), null, "chat", false);
  }

  /// A run that is told of in a channel.
  public static Change.Accept labelled(String name, String channel) {
    StoredLog log = log(name);
    var label = new Label(channel, "title of " + name);
    return new Change.Accept(run(name, log), log, null, Told.NOBODY, label, "responses", false);
  }

  /// An endpoint of the tenant `whose`.
  public static Endpoint endpoint(String id, String whose, String... statuses) {
    return new Endpoint(
        id,
        whose,
        "name of " + id,
        "https://example.com/" + id,
        List.of(statuses),
        digest("secret"),
        null,
        0,
        1_000,
        2_000,
        false);
  }

  /// A run that lasts longer than others.
  ///
  /// @param log null if it is stored
  public static Change.Accept lasting(String name, String over, @Nullable StoredLog log) {
    return new Change.Accept(run(name, log(over)), log, null, Told.NOBODY, null, "responses", true);
  }

  /// A run over a log that is stored.
  public static Change.Accept join(String name, String log) {
    return new Change.Accept(run(name, log(log)), null, null);
  }

  public static Change.Started started(String name, int attempt) {
    return new Change.Started("log_" + name, attempt, 2_000);
  }

  public static Change.Checkpoint checkpoint(String name, int attempt, int number, int end) {
    return new Change.Checkpoint("log_" + name, attempt, piece(name, number, end), null);
  }

  public static Piece piece(String name, int number, int end) {
    return new Piece(number, end, bytes("piece " + number + " of " + name));
  }

  public static Change.Requeued requeued(String name, int attempt, long notBefore) {
    return new Change.Requeued("log_" + name, attempt, notBefore);
  }

  public static Change.Ended completed(String name, int attempt, long at) {
    return ended(name, attempt, "completed", at, false);
  }

  public static Change.Ended ended(
      String name, int attempt, String status, long at, boolean freesKeys) {
    return new Change.Ended(
        "log_" + name, attempt, status, at, null, null, bytes("end of " + name), freesKeys);
  }

  public static Change.Cut cut(String log, int attempt, String run, int end, long at) {
    return new Change.Cut("log_" + log, attempt, "run_" + run, end, at);
  }
}
