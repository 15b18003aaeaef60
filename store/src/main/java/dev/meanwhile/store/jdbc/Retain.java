package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Keeps what has ended as long and as much as is wanted. Deletes a few at a time through the
/// writer, which writes in between whatever else there is.
final class Retain {
  private final Database database;
  private final Writer writer;
  private final Store.Retention retention;
  private final Time time;
  private volatile boolean stopped;

  Retain(Database database, Writer writer, Store.Retention retention, Time time) {
    this.database = database;
    this.writer = writer;
    this.retention = retention;
    this.time = time;
  }

  /// Deletes all that is too old or too much. Blocks; may be cut short by trouble, or by the
  /// store's end.
  void run() {
    long before = time.millis() - retention.age().toMillis();
    long lasting = time.millis() - retention.lasting().toMillis();
    whileTrue((session, _) -> Expiry.some(session, database, before, lasting) > 0);
    whileTrue((session, _) -> {
      Batches.abandon(session, database);
      return Batches.sweep(session, database);
    });
    long hourAgo = time.millis() - Store.MAIL_HOUR;
    whileTrue((session, _) -> Notices.forget(session, before, hourAgo));
    long now = time.millis();
    whileTrue((session, _) -> Answers.some(session, database, now));
    await(
        writer,
        false,
        (session, _) -> {
          Answers.tidy(session, database);
          return true;
        });
    // What can be made again goes before what was promised.
    whileTrue((session, _) ->
        database.used(session) > retention.maxBytes()
            && Answers.some(session, database, Long.MAX_VALUE));
    whileTrue((session, _) ->
        database.used(session) > retention.maxBytes()
            && (Batches.sweep(session, database)
                || Expiry.some(session, database, Long.MAX_VALUE, Long.MAX_VALUE) > 0));
    whileTrue((session, _) -> database.giveBack(session));
  }

  /// Deletes no more.
  void stop() {
    stopped = true;
  }

  private void whileTrue(Item.Job.Work<Boolean> work) {
    boolean more = true;
    while (more && !stopped) {
      more = Boolean.TRUE.equals(await(writer, false, work));
    }
  }

  /// Does it on the writer's thread and waits for it.
  ///
  /// @return null if it was not done
  static <T extends @Nullable Object> @Nullable T await(
      Writer writer, boolean promise, Item.Job.Work<T> work) {
    var done = new CountDownLatch(1);
    var result = new AtomicReference<@Nullable T>();
    writer.give(
        new Item.Job<>(
            promise,
            work,
            new Store.Reply<T>() {
              @Override
              public void is(T answer) {
                result.set(answer);
                done.countDown();
              }

              @Override
              public void failed(String trouble) {
                done.countDown();
              }
            }));
    try {
      done.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return result.get();
  }
}
