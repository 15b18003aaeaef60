package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store.Due;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Endpoints, and the ends they are told of.
final class Notices {
  private static final String ENDPOINT =
      "e.id, e.tenant, e.name, e.url, e.statuses, e.secret, e.old_secret, e.old_until,"
          + " e.created_at, e.updated_at, e.disabled";
  private static final int ENDPOINT_COLUMNS = 11;
  private static final String NOTICE =
      "o.event, o.endpoint, o.run, o.api, o.status, o.ended_at, o.tries, o.due, o.tried_at, o.result,"
          + " o.arrived";

  private static final String ANY = "select 1 from endpoint limit 1";
  // Columns of the run last, so that an endpoint can be read as everywhere.
  private static final String WANTED =
      "select "
          + ENDPOINT
          + ", r.id, r.api from run r join endpoint e on e.tenant = r.tenant"
          + " and (e.id = r.webhook or e.statuses like ?)";
  private static final String WANTED_OF_LOG =
      WANTED + " where r.cut_at = 0 and r.log = (select n from log where id = ?)";
  private static final String WANTED_OF_RUN = WANTED + " where r.id = ?";
  private static final String NEW =
      "insert into notice (event, endpoint, run, api, status, ended_at, tries, due, tried_at,"
          + " result, arrived) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing";
  private static final String KNOWN = "select 1 from endpoint where id = ?";
  private static final String SCHEDULE =
      NEW.replace(
          "do nothing",
          "(endpoint, event) do update set tries = excluded.tries, due = excluded.due,"
              + " arrived = excluded.arrived");
  private static final String TRIED =
      "update notice set tries = ?, due = ?, tried_at = ?, result = ?, arrived = ?"
          + " where endpoint = ? and event = ? and due = ?";
  private static final String WAS_TRIED =
      "select 1 from notice where endpoint = ? and event = ? and tries = ? and due = ?";
  private static final String REGISTER =
      "insert into endpoint (id, tenant, name, url, statuses, secret, old_secret, old_until,"
          + " created_at, updated_at, disabled) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
          + " on conflict (id) do update set name = excluded.name, url = excluded.url,"
          + " statuses = excluded.statuses, secret = excluded.secret,"
          + " old_secret = excluded.old_secret, old_until = excluded.old_until,"
          + " updated_at = excluded.updated_at, disabled = excluded.disabled";
  private static final String UNREGISTER = "delete from endpoint where id = ?";
  private static final String FORGET = "delete from notice where endpoint = ?";
  private static final String DISABLE = "update endpoint set disabled = 1 where id = ?";
  private static final String GIVE_UP =
      "update notice set due = 0, result = ? where endpoint = ? and due > 0";
  private static final String ENDPOINTS =
      "select " + ENDPOINT + " from endpoint e where e.tenant = ? order by e.id desc";
  private static final String LIST =
      "select "
          + NOTICE
          + " from notice o where o.endpoint = ? and (? = '' or o.event < ?)"
          + " order by o.event desc limit ?";
  private static final String IS_DUE =
      "select 1 from endpoint e join notice o on o.endpoint = e.id and o.due > 0 and o.due <= ?"
          + " where e.disabled = 0 limit 1";
  private static final String CLAIM = "update notice set due = ? where endpoint = ? and event = ?";
  private static final String SETTLED =
      "select endpoint, event from notice where due = 0 and ended_at < ? and tried_at < ? limit ?";
  private static final String DELETE = "delete from notice where endpoint = ? and event = ?";
  private static final int MOST_DELETED = 500;

  private Notices() {}

  /// Whether anybody is told of anything.
  static boolean any(Session session) throws SQLException {
    return session.exists(ANY);
  }

  /// A log has ended: whoever wants to know of its runs is to be told.
  ///
  /// @return whether there is anybody
  static boolean ended(Session session, String log, String status, long at) throws SQLException {
    return add(session, WANTED_OF_LOG, log, status, at);
  }

  /// A run was cut.
  static boolean cut(Session session, String run, long at) throws SQLException {
    return add(session, WANTED_OF_RUN, run, "cancelled", at);
  }

  private static boolean add(Session session, String wanted, String of, String status, long at)
      throws SQLException {
    List<Notice> notices =
        session.query(
            wanted,
            row ->
                Notice.of(
                    endpoint(row, 0),
                    row.getString(ENDPOINT_COLUMNS + 1),
                    row.getString(ENDPOINT_COLUMNS + 2),
                    status,
                    at),
            "% " + status + " %",
            of);
    for (Notice each : notices) {
      add(session, NEW, each);
    }
    return !notices.isEmpty();
  }

  private static int add(Session session, String how, Notice it) throws SQLException {
    return session.update(
        how,
        it.event(),
        it.endpoint(),
        it.run(),
        it.api(),
        it.status(),
        it.endedAt(),
        it.tries(),
        it.due(),
        it.triedAt(),
        it.result(),
        it.arrived() ? 1 : 0);
  }

  static Outcome schedule(Session session, Notice notice) throws SQLException {
    if (!session.exists(KNOWN, notice.endpoint())) {
      return new Outcome.Fenced();
    }
    add(session, SCHEDULE, notice);
    return new Outcome.Stored();
  }

  static Outcome tried(Session session, Notice it, long claimed) throws SQLException {
    int changed =
        session.update(
            TRIED,
            it.tries(),
            it.due(),
            it.triedAt(),
            it.result(),
            it.arrived() ? 1 : 0,
            it.endpoint(),
            it.event(),
            claimed);
    boolean stored =
        changed > 0 || session.exists(WAS_TRIED, it.endpoint(), it.event(), it.tries(), it.due());
    return stored ? new Outcome.Stored() : new Outcome.Fenced();
  }

  static Outcome register(Session session, Endpoint it) throws SQLException {
    session.update(
        REGISTER,
        it.id(),
        it.tenant(),
        it.name(),
        it.url(),
        " " + String.join(" ", it.statuses()) + " ",
        it.secret(),
        it.oldSecret(),
        it.oldUntil(),
        it.createdAt(),
        it.updatedAt(),
        it.disabled() ? 1 : 0);
    return new Outcome.Stored();
  }

  static Outcome unregister(Session session, String endpoint) throws SQLException {
    session.update(UNREGISTER, endpoint);
    session.update(FORGET, endpoint);
    return new Outcome.Stored();
  }

  static Outcome disable(Session session, Change.Disabled it) throws SQLException {
    session.update(DISABLE, it.endpoint());
    session.update(GIVE_UP, it.reason(), it.endpoint());
    return new Outcome.Stored();
  }

  static List<Endpoint> endpoints(Session session, String tenant) throws SQLException {
    return session.query(ENDPOINTS, row -> endpoint(row, 0), tenant);
  }

  static List<Notice> list(Session session, String endpoint, @Nullable String before, int most)
      throws SQLException {
    String cursor = before == null ? "" : before;
    return session.query(LIST, row -> notice(row, 0), endpoint, cursor, cursor, most);
  }

  static boolean isDue(Session session, long now) throws SQLException {
    return session.exists(IS_DUE, now);
  }

  /// Takes some: of each endpoint those that are due longest.
  static List<Due> claim(
      Session session, Database database, Collection<String> busy, long now, long until, int most)
      throws SQLException {
    var arguments = new ArrayList<Object>(List.of(now, most, now));
    arguments.addAll(busy);
    String others =
        busy.isEmpty() ? "" : " and e.id not in (" + "?, ".repeat(busy.size() - 1) + "?)";
    List<Due> due =
        session.query(
            "select "
                + ENDPOINT
                + ", "
                + NOTICE
                + " from endpoint e join notice o on o.endpoint = e.id and o.event in"
                + " (select i.event from notice i where i.endpoint = e.id and i.due > 0"
                + " and i.due <= ? order by i.due limit ?)"
                + " and o.due > 0 and o.due <= ? where e.disabled = 0"
                + others
                + database.taken(),
            row -> new Due(notice(row, ENDPOINT_COLUMNS).claimed(until), endpoint(row, 0)),
            arguments.toArray());
    for (Due each : due) {
      session.batch(CLAIM, until, each.endpoint().id(), each.notice().event());
    }
    if (!due.isEmpty()) {
      session.runBatch(CLAIM);
    }
    return due;
  }

  /// Deletes some that nothing is to be done for any more and that are older than `before`.
  ///
  /// @return whether there may be more
  static boolean forget(Session session, long before) throws SQLException {
    List<List<String>> settled =
        session.query(
            SETTLED,
            row -> List.of(row.getString(1), row.getString(2)),
            before,
            before,
            MOST_DELETED);
    for (List<String> each : settled) {
      session.batch(DELETE, each.get(0), each.get(1));
    }
    if (!settled.isEmpty()) {
      session.runBatch(DELETE);
    }
    return settled.size() == MOST_DELETED;
  }

  private static Endpoint endpoint(ResultSet row, int before) throws SQLException {
    String statuses = row.getString(before + 5).strip();
    return new Endpoint(
        row.getString(before + 1),
        row.getString(before + 2),
        row.getString(before + 3),
        row.getString(before + 4),
        statuses.isEmpty() ? List.of() : Arrays.asList(statuses.split(" ", -1)),
        row.getBytes(before + 6),
        row.getBytes(before + 7),
        row.getLong(before + 8),
        row.getLong(before + 9),
        row.getLong(before + 10),
        row.getInt(before + 11) != 0);
  }

  private static Notice notice(ResultSet row, int before) throws SQLException {
    return new Notice(
        row.getString(before + 1),
        row.getString(before + 2),
        row.getString(before + 3),
        row.getString(before + 4),
        row.getString(before + 5),
        row.getLong(before + 6),
        row.getInt(before + 7),
        row.getLong(before + 8),
        row.getLong(before + 9),
        row.getString(before + 10),
        row.getInt(before + 11) != 0);
  }
}
