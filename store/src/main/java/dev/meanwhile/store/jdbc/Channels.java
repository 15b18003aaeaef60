package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Label;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/// What feeds read. Each labelled run has an entry in its channel, which says its state; at the end
/// of each group those whose state has changed get new numbers.
///
/// A channel's row is locked from the moment its numbers are given until they are committed, so
/// whoever has seen a number has seen, or been able to see, all lower ones, on all nodes.
final class Channels {
  private static final int CHUNK = 50;
  private static final String STATUS = "case when r.cut_at > 0 then 'cancelled' else l.status end";

  private static final String ANY = "select 1 from channel limit 1";
  // Updated even if it is there: the lock keeps it from being forgotten before the entry is in it.
  private static final String CHANNEL =
      "insert into channel (tenant, name, born, last, head, node, wrote)"
          + " values (?, ?, ?, 0, 0, 0, 0)"
          + " on conflict (tenant, name) do update set last = channel.last";
  private static final String ENTRY =
      "insert into entry (run, channel, number, title, status)"
          + " select r.id, c.n, 0, ?, '' from run r join channel c on c.tenant = r.tenant"
          + " where r.id = ? and c.name = ? on conflict do nothing";
  private static final String CHANGED =
      "select e.channel, e.run, "
          + STATUS
          + " from log l join run r on r.log = l.n join entry e on e.run = r.id"
          + " where l.id in ("
          + "?, ".repeat(CHUNK - 1)
          + "?) and e.status <> "
          + STATUS;
  private static final String NUMBERS =
      "update channel set last = last + ?, node = ?, wrote = ? where n = ?"
          + " returning last, tenant, name";
  private static final String NUMBER = "update entry set number = ?, status = ? where run = ?";

  private static final String AFTER =
      "case when c.born = ? and ? between c.head and c.last then ? else 0 end";
  private static final String ENTRIES =
      "select c.born, c.head, c.last, e.number, e.run, e.title, e.status, r.created_at,"
          + " case when r.cut_at > 0 then r.cut_at else l.ended_at end, r.late_at"
          + " from channel c left join entry e on e.channel = c.n and e.number > "
          + AFTER
          + " left join run r on r.id = e.run left join log l on l.n = r.log"
          + " where c.tenant = ? and c.name = ? order by e.number limit ?";

  private static final String OF_LOG = "select r.id from run r where r.log = ?";
  private static final String HEAD =
      "update channel set head = case when head < ? then ? else head end where n = ?";
  private static final String FORGET =
      "delete from channel where n = ?"
          + " and not exists (select 1 from entry e where e.channel = channel.n)";

  private record Labelled(String run, String tenant, Label label) {}

  private record Changed(long channel, String run, String status) {}

  private record Numbers(long last, Channel channel) {}

  private final Session session;
  private final long node;
  private final long group;
  private final List<Labelled> labelled = new ArrayList<>();
  private final Set<String> touched = new LinkedHashSet<>();

  /// @param group the number of the group that is written
  Channels(Session session, long node, long group) {
    this.session = session;
    this.node = node;
    this.group = group;
  }

  /// A run was accepted.
  void accepted(Change.Accept it) {
    if (it.label() != null) {
      labelled.add(new Labelled(it.run().id(), it.run().tenant(), it.label()));
      touched.add(it.run().log().id());
    }
  }

  /// The state of a log, or of a run over it, may have changed.
  void touched(String log) {
    touched.add(log);
  }

  /// Numbers what has changed.
  ///
  /// @return where there is more now
  List<Channel> number() throws SQLException {
    if (touched.isEmpty() || labelled.isEmpty() && !any(session)) {
      return List.of();
    }
    label();
    List<Changed> changed = changed();
    var channels = new ArrayList<Channel>();
    for (int from = 0; from < changed.size(); ) {
      int to = from;
      while (to < changed.size() && changed.get(to).channel == changed.get(from).channel) {
        to++;
      }
      channels.add(number(changed.subList(from, to)));
      from = to;
    }
    if (!changed.isEmpty()) {
      session.runBatch(NUMBER);
    }
    return channels;
  }

  private static boolean any(Session session) throws SQLException {
    return session.exists(ANY);
  }

  /// In one order on all nodes, so that they do not lock each other out.
  private void label() throws SQLException {
    if (labelled.isEmpty()) {
      return;
    }
    labelled.sort(Comparator.comparing(Labelled::tenant).thenComparing(it -> it.label().channel()));
    for (Labelled it : labelled) {
      String born = it.run.substring(it.run.indexOf('_') + 1);
      session.batch(CHANNEL, it.tenant, it.label.channel(), born);
    }
    session.runBatch(CHANNEL);
    for (Labelled it : labelled) {
      session.batch(ENTRY, it.label.title(), it.run, it.label.channel());
    }
    session.runBatch(ENTRY);
  }

  private List<Changed> changed() throws SQLException {
    List<String> logs = List.copyOf(touched);
    var changed = new ArrayList<Changed>();
    for (int from = 0; from < logs.size(); from += CHUNK) {
      var chunk = new Object[CHUNK];
      for (int i = 0; i < CHUNK; i++) {
        // The last one again and again: the statement is always the same.
        chunk[i] = logs.get(Math.min(from + i, logs.size() - 1));
      }
      changed.addAll(
          session.query(
              CHANGED,
              row -> new Changed(row.getLong(1), row.getString(2), row.getString(3)),
              chunk));
    }
    changed.sort(Comparator.comparingLong(Changed::channel).thenComparing(Changed::run));
    return changed;
  }

  private Channel number(List<Changed> ofOne) throws SQLException {
    long channel = ofOne.getFirst().channel;
    Numbers numbers =
        Objects.requireNonNull(
            session.first(
                NUMBERS,
                row -> new Numbers(row.getLong(1), new Channel(row.getString(2), row.getString(3))),
                ofOne.size(),
                node,
                group,
                channel));
    long next = numbers.last - ofOne.size();
    for (Changed it : ofOne) {
      session.batch(NUMBER, ++next, it.status, it.run);
    }
    return numbers.channel;
  }

  static Entries entries(Session session, Channel channel, Mark after, int most)
      throws SQLException {
    var entries = new ArrayList<Entry>();
    List<Entries> found =
        session.query(
            ENTRIES,
            row -> {
              if (row.getString(5) != null) {
                entries.add(entry(row));
              }
              String born = row.getString(1);
              boolean good = after.isGood(born, row.getLong(2), row.getLong(3));
              return new Entries(!good, new Mark(born, good ? after.number() : 0), entries);
            },
            after.born(),
            after.number(),
            after.number(),
            channel.tenant(),
            channel.name(),
            most);
    return found.isEmpty() ? Entries.none(after) : found.getFirst();
  }

  private static Entry entry(ResultSet row) throws SQLException {
    return new Entry(
        row.getLong(4),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        row.getLong(8),
        row.getLong(9),
        row.getLong(10) > 0 && row.getLong(9) >= row.getLong(10));
  }

  /// The runs of these logs are about to be deleted.
  static void forget(Session session, Collection<Long> logs) throws SQLException {
    if (any(session)) {
      for (Long log : logs) {
        forget(session, OF_LOG, log);
      }
    }
  }

  /// A run is about to be deleted.
  static void forget(Session session, String run) throws SQLException {
    if (any(session)) {
      forget(session, "?", run);
    }
  }

  private static void forget(Session session, String runs, Object of) throws SQLException {
    List<long[]> removed =
        session.query(
            "select e.channel, max(e.number) from entry e where e.run in ("
                + runs
                + ") group by e.channel order by e.channel",
            row -> new long[] {row.getLong(1), row.getLong(2)},
            of);
    if (removed.isEmpty()) {
      return;
    }
    for (long[] each : removed) {
      // Locks it too: whoever puts an entry in it has done so before this, or makes it anew after.
      session.update(HEAD, each[1], each[1], each[0]);
    }
    session.update("delete from entry where run in (" + runs + ")", of);
    for (long[] each : removed) {
      session.update(FORGET, each[0]);
    }
  }

  /// Which channels another node has changed since its group `wrote`.
  static List<Channel> since(Session session, long node, long wrote) throws SQLException {
    return session.query(
        "select tenant, name from channel where node = ? and wrote > ?",
        row -> new Channel(row.getString(1), row.getString(2)),
        node,
        wrote);
  }
}
