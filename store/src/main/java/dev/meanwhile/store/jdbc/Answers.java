package dev.meanwhile.store.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Purge;
import dev.meanwhile.store.StoredAnswer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Answers that are kept to be given again, and purges of them.
///
/// The row that holds the last purge's number is locked from the moment a number is given until it
/// is committed, so whoever has seen a number has seen, or been able to see, all lower ones, on all
/// nodes. That comes last in a group, and answers are written in the order of their keys, so that
/// nodes do not lock each other out.
final class Answers {
  /// How many answers are deleted at a time.
  private static final int MOST = 100;

  /// How many purges are known one by one; what was asked before older ones is of no use any more.
  private static final int MOST_PURGES = 100_000;

  private static final int CHUNK = 8;
  private static final byte[] NUMBERS = {};

  private static final String KEEP =
      "insert into kept (key, run, stamp, made, until, tags, bytes, answer)"
          + " values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do update set run = excluded.run,"
          + " stamp = excluded.stamp, made = excluded.made, until = excluded.until,"
          + " tags = excluded.tags, bytes = excluded.bytes, answer = excluded.answer"
          + " where kept.stamp < excluded.stamp"
          + " or kept.stamp = excluded.stamp and kept.made <= excluded.made";
  private static final String MADE = "delete from making where key = ?";
  static final String FIND =
      "select key, run, stamp, made, until, tags, answer from kept where key = ? and until > ?";
  static final String LAST_OF =
      "select max(number) from purge where what in (" + "?, ".repeat(CHUNK - 1) + "?)";
  private static final String OF_RUN = "select key from kept where run = ?";
  private static final String ERASE = "delete from kept where run = ?";
  private static final String NUMBER =
      "update purge set number = number + 1 where what = ? returning number";
  private static final String PURGE =
      "insert into purge (what, number) values (?, ?)"
          + " on conflict (what) do update set number = excluded.number";
  static final String SINCE =
      "select what, number from purge where number > ? and what <> ? order by number";
  static final String LAST = "select number from purge where what = ?";
  private static final String HAS_OLD =
      "select 1 from purge where number <= ? and what <> ? and what <> ? limit 1";
  private static final String FORGET_OLD =
      "delete from purge where number <= ? and what <> ? and what <> ?";

  private final Session session;
  private final Database database;
  private final List<Item.Written> kept = new ArrayList<>();
  private final List<String> purged = new ArrayList<>();

  Answers(Session session, Database database) {
    this.session = session;
    this.database = database;
  }

  /// Keeps one; written when the group ends.
  void keep(Item.Written item) {
    kept.add(item);
    item.outcome(new Outcome.Stored());
  }

  /// Purges something; written when the group ends.
  void purge(String what) {
    purged.add(what);
  }

  /// Deletes what a run made, and has all nodes forget it.
  ///
  /// @return whether there was anything
  boolean erase(String run) throws SQLException {
    flush();
    List<byte[]> keys = session.query(OF_RUN, row -> row.getBytes(1), run);
    if (keys.isEmpty()) {
      return false;
    }
    session.update(ERASE, run);
    keys.forEach(key -> purge(Purge.ofKey(key)));
    return true;
  }

  /// Writes all that was given.
  ///
  /// @return what was purged, with the numbers
  List<Purge> end() throws SQLException {
    flush();
    var purges = new ArrayList<Purge>();
    for (String what : purged) {
      long number = Objects.requireNonNull(session.first(NUMBER, row -> row.getLong(1), NUMBERS));
      session.update(PURGE, bytes(what), number);
      purges.add(new Purge(what, number));
    }
    return purges;
  }

  private void flush() throws SQLException {
    if (kept.isEmpty()) {
      return;
    }
    List<StoredAnswer> answers =
        kept.stream()
            .map(item -> ((Change.Kept) item.change()).answer())
            .sorted(Comparator.comparing(StoredAnswer::key, Arrays::compare))
            .toList();
    kept.clear();
    for (StoredAnswer it : answers) {
      session.batch(
          KEEP,
          it.key(),
          it.run(),
          it.stamp(),
          it.made(),
          it.until(),
          bytes(it.tags()),
          it.log().length,
          it.log());
    }
    session.runBatch(KEEP);
    if (database.shared()) {
      for (StoredAnswer it : answers) {
        session.batch(MADE, it.key());
      }
      session.runBatch(MADE);
    }
  }

  static @Nullable StoredAnswer find(Session session, byte[] key, long now) throws SQLException {
    StoredAnswer answer = session.first(FIND, Answers::answer, key, now);
    // Purges are read after it, so that none is missed which came before.
    return answer != null && lastPurge(session, answer) <= answer.stamp() ? answer : null;
  }

  private static StoredAnswer answer(ResultSet row) throws SQLException {
    return new StoredAnswer(
        row.getBytes(1),
        row.getString(2),
        row.getLong(3),
        row.getLong(4),
        row.getLong(5),
        texts(row.getBytes(6)),
        row.getBytes(7));
  }

  /// The number of the last purge of anything that an answer is.
  private static long lastPurge(Session session, StoredAnswer answer) throws SQLException {
    var all = new ArrayList<>(answer.tags());
    all.add(Purge.ofKey(answer.key()));
    all.add(Purge.ALL);
    long last = 0;
    for (int from = 0; from < all.size(); from += CHUNK) {
      var chunk = new Object[CHUNK];
      for (int i = 0; i < CHUNK; i++) {
        // The last one again and again: the statement is always the same.
        chunk[i] = bytes(all.get(Math.min(from + i, all.size() - 1)));
      }
      Long number = session.first(LAST_OF, row -> row.getLong(1), chunk);
      last = Math.max(last, number == null ? 0 : number);
    }
    return last;
  }

  /// Takes the right to make an answer.
  static boolean lease(Session session, Database database, byte[] key, Duration time)
      throws SQLException {
    String sql =
        "insert into making (key, until) values (?, "
            + database.now()
            + " + ?) on conflict (key) do update set until = excluded.until"
            + " where making.until <= "
            + database.now();
    return session.update(sql, key, time.toMillis()) > 0;
  }

  /// The number of the last purge there was.
  static long last(Session session) throws SQLException {
    Long last = session.first(LAST, row -> row.getLong(1), NUMBERS);
    return last == null ? 0 : last;
  }

  /// What was purged after this number, in order.
  static List<Purge> since(Session session, long number) throws SQLException {
    return session.query(
        SINCE,
        row -> new Purge(new String(row.getBytes(1), UTF_8), row.getLong(2)),
        number,
        NUMBERS);
  }

  /// Deletes some of those that are of no use from `before` on, the first of them first.
  ///
  /// @return whether there may be more
  static boolean some(Session session, Database database, long before) throws SQLException {
    String sql =
        "delete from kept where key in (select key from kept where until <= ? order by until limit ?"
            + database.taken()
            + ")";
    return session.update(sql, before, MOST) == MOST;
  }

  /// Deletes old purges, and rights to make that have ended.
  static void tidy(Session session, Database database) throws SQLException {
    long old = last(session) - MOST_PURGES;
    byte[] all = bytes(Purge.ALL);
    if (session.exists(HAS_OLD, old, NUMBERS, all)) {
      session.update(PURGE, all, old);
      session.update(FORGET_OLD, old, NUMBERS, all);
    }
    if (database.shared()) {
      session.update("delete from making where until <= " + database.now());
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static byte[] bytes(List<String> texts) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      for (String text : texts) {
        byte[] utf8 = bytes(text);
        out.writeInt(utf8.length);
        out.write(utf8);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static List<String> texts(byte[] bytes) {
    var texts = new ArrayList<String>();
    try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      while (in.available() > 0) {
        texts.add(new String(in.readNBytes(in.readInt()), UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return texts;
  }
}
