package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Store;
import java.lang.System.Logger.Level;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/// A few threads that answer questions, each over a connection of its own.
final class Readers {
  private static final System.Logger LOG = System.getLogger(Readers.class.getName());

  /// What is asked of the database.
  interface Question<T extends @Nullable Object> {
    T of(Session session) throws SQLException;
  }

  private interface Task {
    void run(Reader reader);
  }

  private final Database database;
  private final BlockingQueue<Task> queue = new LinkedBlockingQueue<>();
  private final List<Thread> threads = new ArrayList<>();

  Readers(Database database, int count) {
    this.database = database;
    for (int i = 0; i < count; i++) {
      var reader = new Reader();
      threads.add(Threads.named("store-reader-" + i, () -> run(reader)));
    }
  }

  void start() {
    threads.forEach(Thread::start);
  }

  <T extends @Nullable Object> void ask(Question<T> question, Store.Reply<T> reply) {
    queue.add(reader -> reader.answer(question, reply));
  }

  /// Says something on one of these threads.
  void say(Runnable what) {
    queue.add(_ -> {
      what.run();
    });
  }

  private void run(Reader reader) {
    try {
      while (!reader.closed) {
        try {
          queue.take().run(reader);
        } catch (RuntimeException e) {
          LOG.log(Level.ERROR, "whoever was answered by the store failed", e);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(Level.ERROR, "a reader of the store was interrupted and stops", e);
    } finally {
      reader.drop();
    }
  }

  /// Answers what was asked, and stops.
  void close() {
    for (var _ : threads) {
      queue.add(reader -> reader.closed = true);
    }
    threads.forEach(Threads::join);
  }

  private final class Reader {
    private @Nullable Session session;
    private boolean closed;

    <T extends @Nullable Object> void answer(Question<T> question, Store.Reply<T> reply) {
      T answer;
      try {
        answer = ask(question);
      } catch (SQLException e) {
        reply.failed(database.fault(e).message());
        return;
      } catch (RuntimeException e) {
        LOG.log(Level.ERROR, "A question could not be answered", e);
        reply.failed("The store failed: " + e + ". This is a bug: please report it.");
        return;
      }
      reply.is(answer);
    }

    /// A connection that was made long ago may be gone: then it is asked once more on a new one.
    private <T extends @Nullable Object> T ask(Question<T> question) throws SQLException {
      Session old = session;
      if (old != null) {
        try {
          return question.of(old);
        } catch (SQLException e) {
          LOG.log(Level.DEBUG, "asking again on a new connection", e);
          drop();
        }
      }
      var open = new Session(database.reading());
      session = open;
      try {
        return question.of(open);
      } catch (SQLException e) {
        drop();
        throw e;
      }
    }

    private void drop() {
      if (session != null) {
        session.close();
        session = null;
      }
    }
  }
}
