package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.IdempotencyEntry;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoreException;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A store over a database: one writer, a few readers.
final class JdbcStore implements Store {
  private static final String NOT_OPEN = "The store is not open.";
  private static final String CONSTANT = "select value from constant where name = ?";
  private static final String NEW_CONSTANT =
      "insert into constant (name, value) values (?, ?) on conflict do nothing";

  private final Database database;
  private final String node;
  private final Lease lease;
  private final Readers readers;
  private final Writer writer;
  private final Retain retain;
  private final Time time;
  private final CompletableFuture<Session> connected = new CompletableFuture<>();
  private volatile @Nullable Listener listener;
  private volatile boolean open;
  private volatile @Nullable Watch watch;
  private @Nullable Timetable timetable;

  JdbcStore(
      Database database,
      String node,
      Duration leaseLength,
      Retention retention,
      int readerCount,
      Time time) {
    this.database = database;
    this.node = node;
    this.time = time;
    lease = new Lease(database, node, leaseLength, time);
    readers = new Readers(database, readerCount);
    writer =
        new Writer(
            database,
            lease,
            this::cancelled,
            this::tellDue,
            this::tellLines,
            this::tellChanged,
            this::tellPurged);
    retain = new Retain(database, writer, retention, time);
  }

  /// Begins what takes longest and needs nobody: the database is loaded, connected and brought to
  /// its schema, while whoever made this store gets ready to open it.
  void prepare() {
    Threads.named(
            "store-opening",
            () -> {
              try {
                connected.complete(connect());
              } catch (SQLException | RuntimeException | Error e) {
                connected.completeExceptionally(e);
              }
            })
        .start();
  }

  private Session connect() throws SQLException {
    var session = new Session(database.writing());
    try {
      database.check(session.connection());
      Schema.migrate(database, session);
      return session;
    } catch (SQLException | RuntimeException e) {
      session.close();
      throw e;
    }
  }

  @Override
  public void open(Listener told) {
    listener = told;
    try (Session session = connected()) {
      takeEpoch(session);
      database.opened(session);
      long lastPurge = Answers.last(session);
      session.endQuietly();
      told.purged(List.of(), lastPurge);
      if (database instanceof Postgres shared) {
        var watching = new Watch(shared, lease, time, told);
        watch = watching;
        watching.start(session, lastPurge);
      }
    } catch (SQLException e) {
      throw new StoreException("The store cannot be opened. " + database.fault(e).message(), e);
    }
    readers.start();
    writer.start();
    timetable = new Timetable(database, node, retain, this::lookForDue);
    timetable.start();
    open = true;
  }

  private Session connected() throws SQLException {
    try {
      return connected.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case SQLException failure -> throw failure;
        case StoreException failure -> throw failure;
        case null, default -> throw e;
      }
    }
  }

  private void takeEpoch(Session session) throws SQLException {
    try {
      lease.take(session, true);
    } catch (SQLException e) {
      if (database.fault(e).kind() == Fault.Kind.TROUBLE) {
        throw e;
      }
      // Another process begins under this name at the same moment: the later one has it.
      session.connection().rollback();
      lease.take(session, true);
    }
  }

  private void cancelled(String run) {
    Listener told = listener;
    if (told != null) {
      told.cancelRequested(run);
    }
  }

  private void tellDue() {
    Listener told = listener;
    if (told != null) {
      told.due();
    }
  }

  private void tellLines() {
    Listener told = listener;
    if (told != null) {
      told.lines();
    }
  }

  private void tellChanged(List<Channel> channels) {
    Listener told = listener;
    if (told != null) {
      told.changed(channels);
    }
  }

  private void tellPurged(List<Purge> purges) {
    Listener told = listener;
    if (told != null) {
      told.purged(purges, purges.getLast().number());
    }
  }

  /// Tells of notices that became due without this process, and of lines that nobody takes: those
  /// of an earlier one, or of a node that is gone.
  private void lookForDue() {
    look(session -> Notices.isDue(session, time.millis()), this::tellDue);
    look(Batches::anyOpen, this::tellLines);
  }

  private void look(Readers.Question<Boolean> whether, Runnable then) {
    readers.ask(
        whether,
        new Reply<Boolean>() {
          @Override
          public void is(Boolean answer) {
            if (answer) {
              then.run();
            }
          }

          @Override
          public void failed(String trouble) {
            // It is looked for again soon.
          }
        });
  }

  @Override
  public @Nullable String trouble() {
    String ofWriter = writer.trouble();
    return !open ? NOT_OPEN : ofWriter != null ? ofWriter : lease.whyNot();
  }

  @Override
  public boolean shared() {
    return database.shared();
  }

  @Override
  public void write(Change change, Consumer<Outcome> told) {
    boolean leaves = change instanceof Change.Dropped || change instanceof Change.Erased;
    Consumer<Outcome> done =
        !leaves
            ? told
            : outcome -> {
              told.accept(outcome);
              sweep();
            };
    String trouble = change.isRefusable() || !open ? trouble() : null;
    if (trouble == null) {
      writer.give(new Item.Written(change, lease.node(), done));
    } else if (open) {
      readers.say(() -> done.accept(new Outcome.Refused(trouble)));
    } else {
      done.accept(new Outcome.Refused(trouble));
    }
  }

  /// Deletes the lines of batches that are gone, some at a time, as the writer comes to it.
  private void sweep() {
    writer.give(
        new Item.Job<>(
            false,
            (session, _) -> Batches.sweep(session, database),
            new Reply<Boolean>() {
              @Override
              public void is(Boolean more) {
                if (more) {
                  sweep();
                }
              }

              @Override
              public void failed(String trouble) {
                // Retention comes to it.
              }
            }));
  }

  @Override
  public boolean hears() {
    Watch watching = watch;
    return watching == null || watching.hears();
  }

  @Override
  public void answer(byte[] key, long now, Reply<@Nullable StoredAnswer> reply) {
    readers.ask(session -> Answers.find(session, key, now), reply);
  }

  @Override
  public void lease(byte[] key, Duration time, Reply<Boolean> reply) {
    String trouble = trouble();
    if (!shared()) {
      reply.is(true);
    } else if (trouble != null) {
      reply.failed(trouble);
    } else {
      writer.give(
          new Item.Job<>(
              false, (session, _) -> Answers.lease(session, database, key, time), reply));
    }
  }

  @Override
  public void claim(int most, Reply<List<Claimed>> reply) {
    writer.give(
        new Item.Job<>(
            true, (session, group) -> Claim.take(session, database, group, most), reply));
  }

  @Override
  public void take(Map<String, Integer> rooms, long now, Reply<Taken> reply) {
    long node = lease.node();
    writer.give(
        new Item.Job<>(
            true,
            (session, group, channels) ->
                group.node() == node
                    ? new Batches(session, database, channels).take(group, rooms, now)
                    : new Taken(List.of(), Set.of(), 0),
            reply));
  }

  @Override
  public void batch(String run, Reply<@Nullable StoredBatch> reply) {
    readers.ask(session -> Batches.find(session, run), reply);
  }

  @Override
  public void lines(
      String batch, int after, int most, boolean failed, Reply<List<StoredLine>> reply) {
    readers.ask(session -> Batches.lines(session, batch, after, most, failed), reply);
  }

  @Override
  public void pieces(String log, int fromPiece, Reply<List<Piece>> reply) {
    readers.ask(session -> Questions.pieces(session, log, fromPiece), reply);
  }

  @Override
  public void find(String run, Reply<@Nullable StoredRun> reply) {
    readers.ask(session -> Questions.find(session, run), reply);
  }

  @Override
  public void findKey(byte[] key, Reply<IdempotencyEntry.@Nullable Held> reply) {
    readers.ask(session -> Questions.findKey(session, key), reply);
  }

  @Override
  public void list(Query query, Reply<List<StoredRun>> reply) {
    readers.ask(session -> Questions.list(session, query), reply);
  }

  @Override
  public void endpoints(String tenant, Reply<List<Endpoint>> reply) {
    readers.ask(session -> Notices.endpoints(session, tenant), reply);
  }

  @Override
  public void notices(
      String endpoint, @Nullable String before, int most, Reply<List<Notice>> reply) {
    readers.ask(session -> Notices.list(session, endpoint, before, most), reply);
  }

  @Override
  public void due(
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails,
      Reply<List<Due>> reply) {
    writer.give(
        new Item.Job<>(
            false,
            (session, _) -> Notices.claim(session, database, busy, now, until, most, mostMails),
            reply));
  }

  @Override
  public void entries(Channel channel, Entries.Mark after, int most, Reply<Entries> reply) {
    readers.ask(session -> Channels.entries(session, channel, after, most), reply);
  }

  @Override
  public byte[] constant(String name, Supplier<byte[]> initial) {
    byte @Nullable [] value =
        Retain.<byte @Nullable []>await(
            writer,
            true,
            (session, _) -> {
              byte @Nullable [] is = session.first(CONSTANT, row -> row.getBytes(1), name);
              if (is != null) {
                return is;
              }
              session.update(NEW_CONSTANT, name, initial.get());
              return session.first(CONSTANT, row -> row.getBytes(1), name);
            });
    if (value == null) {
      throw new StoreException("The store could not be asked for '" + name + "': " + trouble());
    }
    return value;
  }

  /// Deletes now what is not to be kept any longer.
  void retain() {
    retain.run();
  }

  @Override
  public void close() {
    if (!open) {
      // It may have been prepared and never opened.
      connected
          .whenComplete((session, _) -> {
            if (session != null) {
              session.close();
            }
          })
          .exceptionally(_ -> null)
          .join();
      database.close();
      return;
    }
    open = false;
    if (timetable != null) {
      retain.stop();
      timetable.close();
    }
    writer.close();
    Watch watching = watch;
    if (watching != null) {
      watching.close();
    }
    readers.close();
    database.close();
  }
}
