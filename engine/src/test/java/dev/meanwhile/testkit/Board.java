package dev.meanwhile.testkit;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Endpoint;
import dev.meanwhile.store.Notice;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Told;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Endpoints and their notices as maps: that part of a store which every one of the tests' own has.
public final class Board {
  private final Map<String, Endpoint> endpoints = new HashMap<>();
  private final TreeMap<String, Notice> notices = new TreeMap<>();

  private static String key(String endpoint, String event) {
    return endpoint + " " + event;
  }

  /// A run has ended.
  ///
  /// @return whether somebody is to be told
  public boolean ended(
      String run, String api, String tenant, String status, long at, Change.Accept by) {
    Told told = by.told();
    boolean late = by.isLate(at);
    boolean any = false;
    for (Endpoint each : endpoints.values()) {
      if (each.wants(tenant, Notice.word(api, status), told)) {
        Notice notice = Notice.of(each, run, api, status, at, late);
        any |= notices.putIfAbsent(key(each.id(), notice.event()), notice) == null;
      }
    }
    if (told.mail() != null) {
      Notice notice = Notice.mail(told.mail(), tenant, run, api, status, at, late);
      any |= notices.putIfAbsent(key(told.mail(), notice.event()), notice) == null;
    }
    return any;
  }

  public void register(Endpoint endpoint) {
    endpoints.put(endpoint.id(), endpoint);
  }

  public void unregister(String id) {
    endpoints.remove(id);
    notices.values().removeIf(notice -> notice.endpoint().equals(id));
  }

  public void disable(String id, String reason) {
    Endpoint was = endpoints.get(id);
    if (was == null) {
      return;
    }
    endpoints.put(
        id,
        new Endpoint(
            id,
            was.tenant(),
            was.name(),
            was.url(),
            was.statuses(),
            was.secret(),
            was.oldSecret(),
            was.oldUntil(),
            was.createdAt(),
            was.updatedAt(),
            true));
    notices.replaceAll((_, it) ->
        it.endpoint().equals(id) && it.due() > 0
            ? new Notice(
                it.event(),
                id,
                it.tenant(),
                it.run(),
                it.api(),
                it.status(),
                it.endedAt(),
                it.tries(),
                0,
                it.triedAt(),
                reason,
                false,
                it.late())
            : it);
  }

  /// @return whether its endpoint is there
  public boolean schedule(Notice notice) {
    boolean known = endpoints.containsKey(notice.endpoint());
    if (known) {
      notices.put(key(notice.endpoint(), notice.event()), notice);
    }
    return known;
  }

  /// @return whether it stands like this now
  public boolean tried(Notice notice, long claimed) {
    String key = key(notice.endpoint(), notice.event());
    Notice was = notices.get(key);
    if (was != null && was.due() == claimed) {
      notices.put(key, notice);
      return true;
    }
    return notice.equals(was);
  }

  public List<Endpoint> endpoints(String tenant) {
    return endpoints.values().stream()
        .filter(it -> it.tenant().equals(tenant))
        .sorted(Comparator.comparing(Endpoint::id).reversed())
        .toList();
  }

  public List<Notice> notices(String endpoint, @Nullable String before, int most) {
    return notices.descendingMap().values().stream()
        .filter(it -> it.endpoint().equals(endpoint))
        .filter(it -> before == null || it.event().compareTo(before) < 0)
        .limit(most)
        .toList();
  }

  /// Every notice there is.
  public List<Notice> notices() {
    return List.copyOf(notices.values());
  }

  public List<Store.Due> due(
      Collection<String> busy, long now, long until, int most, int mostMails) {
    var due = new ArrayList<Store.Due>();
    for (Endpoint each : endpoints.values()) {
      if (busy.contains(each.id()) || each.disabled()) {
        continue;
      }
      notices.values().stream()
          .filter(it -> it.endpoint().equals(each.id()) && it.due() > 0 && it.due() <= now)
          .sorted(Comparator.comparingLong(Notice::due))
          .limit(most)
          .forEach(it -> due.add(new Store.Due(it.claimed(now, until), each)));
    }
    mails(busy, now, mostMails).forEach(it -> due.add(new Store.Due(it.claimed(now, until), null)));
    due.forEach(it -> notices.put(key(it.notice().endpoint(), it.notice().event()), it.notice()));
    return due;
  }

  /// Of each recipient who may have one, the mail that is due longest.
  private List<Notice> mails(Collection<String> busy, long now, int most) {
    long hourAgo = Math.max(0, now - Store.MAIL_HOUR);
    var first = new TreeMap<String, Notice>();
    notices.values().stream()
        .filter(it -> it.isMail() && it.due() > 0 && it.due() <= now)
        .filter(it -> !busy.contains(it.endpoint()))
        .filter(it -> it.triedAt() > hourAgo || begun(it.endpoint(), hourAgo) < most)
        .sorted(Comparator.comparingLong(Notice::due).thenComparing(Notice::event))
        .forEach(it -> first.putIfAbsent(it.endpoint(), it));
    return first.values().stream()
        .sorted(Comparator.comparingLong(Notice::due).thenComparing(Notice::endpoint))
        .limit(Math.max(0, Store.MAILS - busy.stream().filter(Board::isMail).count()))
        .toList();
  }

  private static boolean isMail(String endpoint) {
    return endpoint.startsWith(Notice.MAILTO);
  }

  private long begun(String recipient, long after) {
    return notices.values().stream()
        .filter(it -> it.endpoint().equals(recipient) && it.triedAt() > after)
        .count();
  }

  /// Forgets what is settled and older; of mails also what counts no longer.
  public void forget(long before, long now) {
    notices
        .values()
        .removeIf(it ->
            it.due() == 0
                && it.endedAt() < before
                && it.triedAt() < before
                && (!it.isMail() || it.triedAt() < now - Store.MAIL_HOUR));
  }
}
