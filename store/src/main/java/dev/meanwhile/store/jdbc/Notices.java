package dev.meanwhile.store.jdbc;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
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
      "o.event, o.endpoint, o.tenant, o.run, o.api, o.status, o.ended_at, o.tries, o.due,"
          + " o.tried_at, o.result, o.arrived, o.late";

  /// Of the recipients of mails, and of nobody else.
  private static final String IS_MAIL = "o.endpoint >= 'mailto:' and o.endpoint < 'mailto;'";

  private static final String ANY = "select 1 from endpoint limit 1";
  private static final String ANY_MAIL = "select 1 from run where mail <> '' limit 1";
  private static final String MAILED =
      "select r.mail, r.tenant, r.id, r.api, r.late_at from run r where r.mail <> ''";
  private static final String MAILED_OF_LOG =
      MAILED + " and r.cut_at = 0 and r.log = (select n from log where id = ?)";
  private static final String MAILED_OF_RUN = MAILED + " and r.id = ?";
  // Columns of the run last, so that an endpoint can be read as everywhere.
  private static final String WANTED =
      "select "
          + ENDPOINT
          + ", r.id, r.api, r.late_at from run r join endpoint e on e.tenant = r.tenant"
          + " and (e.id = r.webhook or e.statuses like case when r.api = '"
          + Notice.BATCH
          + "' then ? else ? end)";
  // Of lines nobody is told: of their batch they are.
  private static final String WANTED_OF_LOG =
      WANTED + " where r.cut_at = 0 and r.batch = 0 and r.log = (select n from log where id = ?)";
  private static final String WANTED_OF_RUN = WANTED + " where r.id = ?";
  private static final String NEW =
      "insert into notice (event, endpoint, tenant, run, api, status, ended_at, tries, due,"
          + " tried_at, result, arrived, late) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
          + " on conflict do nothing";
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
  private static final String IS_MAIL_DUE =
      "select 1 from notice o where " + IS_MAIL + " and o.due > 0 and o.due <= ? limit 1";
  // One row of this node's that nobody writes: whoever has it is alone to count.
  private static final String COUNTING = "select 1 from node where n = 0";
  private static final String RECIPIENTS =
      "select o.endpoint from notice o where " + IS_MAIL + " and o.due > 0 and o.due <= ?";
  private static final String MAY_HAVE_ONE =
      " group by o.endpoint having max(o.tried_at) > ? or (select count(*) from notice t"
          + " where t.endpoint = o.endpoint and t.tried_at > ?) < ?"
          + " order by min(o.due), o.endpoint limit ?";
  private static final String BEGUN =
      "select count(*) from notice where endpoint = ? and tried_at > ?";
  private static final String MAIL =
      "select "
          + NOTICE
          + " from notice o where o.endpoint = ? and o.due > 0 and o.due <= ?"
          + " and (o.tried_at > ? or ? > 0) order by o.due, o.event limit 1";
  private static final String CLAIM_MAIL =
      "update notice set due = ?, tried_at = ? where endpoint = ? and event = ?";
  private static final String CLAIM = "update notice set due = ? where endpoint = ? and event = ?";
  private static final String SETTLED =
      "select o.endpoint, o.event from notice o where o.due = 0 and o.ended_at < ?"
          + " and o.tried_at < ? and (o.tried_at < ? or not ("
          + IS_MAIL
          + ")) limit ?";
  private static final String DELETE = "delete from notice where endpoint = ? and event = ?";
  private static final int MOST_DELETED = 500;

  private Notices() {}

  /// Whether anybody is told of anything.
  static boolean any(Session session) throws SQLException {
    return session.exists(ANY) || session.exists(ANY_MAIL);
  }

  /// A log has ended: whoever wants to know of its runs is to be told.
  ///
  /// @return whether there is anybody
  static boolean ended(Session session, String log, String status, long at) throws SQLException {
    return add(session, WANTED_OF_LOG, MAILED_OF_LOG, log, status, at);
  }

  /// A run was cut.
  static boolean cut(Session session, String run, long at) throws SQLException {
    return add(session, WANTED_OF_RUN, MAILED_OF_RUN, run, "cancelled", at);
  }

  private static boolean add(
      Session session, String wanted, String mailed, String of, String status, long at)
      throws SQLException {
    var notices = new ArrayList<Notice>();
    notices.addAll(
        session.query(
            wanted,
            row ->
                Notice.of(
                    endpoint(row, 0),
                    row.getString(ENDPOINT_COLUMNS + 1),
                    row.getString(ENDPOINT_COLUMNS + 2),
                    status,
                    at,
                    isLate(row.getLong(ENDPOINT_COLUMNS + 3), at)),
            like(Notice.word(Notice.BATCH, status)),
            like(status),
            of));
    notices.addAll(
        session.query(
            mailed,
            row ->
                Notice.mail(
                    row.getString(1),
                    row.getString(2),
                    row.getString(3),
                    row.getString(4),
                    status,
                    at,
                    isLate(row.getLong(5), at)),
            of));
    for (Notice each : notices) {
      add(session, NEW, each);
    }
    return !notices.isEmpty();
  }

  private static String like(String word) {
    return "% " + word + " %";
  }

  private static int add(Session session, String how, Notice it) throws SQLException {
    return session.update(
        how,
        it.event(),
        it.endpoint(),
        it.tenant(),
        it.run(),
        it.api(),
        it.status(),
        it.endedAt(),
        it.tries(),
        it.due(),
        it.triedAt(),
        it.result(),
        it.arrived() ? 1 : 0,
        it.late() ? 1 : 0);
  }

  private static boolean isLate(long lateAt, long at) {
    return lateAt > 0 && at >= lateAt;
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
    return session.exists(IS_DUE, now) || session.exists(IS_MAIL_DUE, now);
  }

  /// Takes some: of each endpoint those that are due longest, and mails.
  static List<Due> claim(
      Session session,
      Database database,
      Collection<String> busy,
      long now,
      long until,
      int most,
      int mostMails)
      throws SQLException {
    List<Due> due = new ArrayList<>(claim(session, database, busy, now, until, most));
    due.addAll(claimMails(session, database, busy, now, until, mostMails));
    return due;
  }

  private static List<Due> claim(
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
            row -> new Due(notice(row, ENDPOINT_COLUMNS).claimed(now, until), endpoint(row, 0)),
            arguments.toArray());
    for (Due each : due) {
      session.batch(CLAIM, until, each.notice().endpoint(), each.notice().event());
    }
    if (!due.isEmpty()) {
      session.runBatch(CLAIM);
    }
    return due;
  }

  /// Takes some mails: of each recipient who may have one, that which is due longest. One that was
  /// begun within the last hour counts already, and may be tried again.
  private static List<Due> claimMails(
      Session session, Database database, Collection<String> busy, long now, long until, int most)
      throws SQLException {
    long free = Store.MAILS - busy.stream().filter(Notices::isMail).count();
    if (free <= 0 || !session.exists(IS_MAIL_DUE, now)) {
      return List.of();
    }
    session.query(COUNTING + database.locked(), _ -> true);
    // Not below 0, which is what has not been tried.
    long hourAgo = Math.max(0, now - Store.MAIL_HOUR);
    var arguments = new ArrayList<Object>(List.of(now));
    arguments.addAll(busy);
    arguments.addAll(List.of(hourAgo, hourAgo, most, free));
    String others =
        busy.isEmpty() ? "" : " and o.endpoint not in (" + "?, ".repeat(busy.size() - 1) + "?)";
    List<String> recipients =
        session.query(
            RECIPIENTS + others + MAY_HAVE_ONE, row -> row.getString(1), arguments.toArray());
    var due = new ArrayList<Due>();
    for (String each : recipients) {
      Long begun = session.first(BEGUN, row -> row.getLong(1), each, hourAgo);
      long left = most - (begun == null ? 0 : begun);
      Notice mail = session.first(MAIL, row -> notice(row, 0), each, now, hourAgo, left);
      if (mail != null) {
        session.update(CLAIM_MAIL, until, now, each, mail.event());
        due.add(new Due(mail.claimed(now, until), null));
      }
    }
    return due;
  }

  private static boolean isMail(String endpoint) {
    return endpoint.startsWith(Notice.MAILTO);
  }

  /// Deletes some that nothing is to be done for any more and that are older than `before`.
  ///
  /// @param hourAgo what mails must be older than in any case, for until then they count
  /// @return whether there may be more
  static boolean forget(Session session, long before, long hourAgo) throws SQLException {
    List<List<String>> settled =
        session.query(
            SETTLED,
            row -> List.of(row.getString(1), row.getString(2)),
            before,
            before,
            hourAgo,
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
        row.getString(before + 6),
        row.getLong(before + 7),
        row.getInt(before + 8),
        row.getLong(before + 9),
        row.getLong(before + 10),
        row.getString(before + 11),
        row.getInt(before + 12) != 0,
        row.getInt(before + 13) != 0);
  }
}
