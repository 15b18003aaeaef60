package dev.meanwhile.testkit;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Label;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Piece;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.StoredBatch;
import dev.meanwhile.store.StoredLine;
import dev.meanwhile.store.StoredRun;
import dev.meanwhile.store.Told;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// The batches of a store in memory, over its runs.
public final class Batches {
  /// Who owns a batch's own log: nobody.
  public static final int NOBODY = Integer.MIN_VALUE;

  private static final int ENDED_AT_ONCE = 3;
  private static final Outcome STORED = new Outcome.Stored();
  private static final Outcome FENCED = new Outcome.Fenced();

  /// The runs and logs of the store.
  public interface Rows {
    /// Keeps a run with its log, unless it is there.
    void keep(StoredRun run, int owner, Told told, @Nullable Label label, String api);

    /// A run as it stands, or null.
    @Nullable StoredRun run(String id);

    /// Whether its log has not ended and is of this owner.
    boolean isOwned(String run, int owner);

    /// Its log ends by itself.
    void end(String run, String status, long at);

    /// It is this epoch's from now on.
    Store.Claimed take(String run, int by);

    List<Piece> pieces(String log);

    /// It is gone, with its log.
    void forget(String run);

    /// Its owner is to stop it.
    void cancel(String run);
  }

  private static final class Lot {
    final int owner;
    final int reader;
    final List<Change.Line> lines = new ArrayList<>();
    boolean submitted;
    int completed;
    int failed;
    int cancelled;

    Lot(int owner, int reader) {
      this.owner = owner;
      this.reader = reader;
    }

    boolean isOver() {
      return completed + failed + cancelled == lines.size();
    }

    Set<String> runs() {
      var runs = new LinkedHashSet<String>();
      lines.forEach(line -> runs.add(line.run().id()));
      return runs;
    }

    String tenant() {
      return lines.getFirst().run().tenant();
    }

    String upstream() {
      return lines.getFirst().run().log().upstream();
    }
  }

  private Rows rows;
  private final Map<String, Lot> lots = new LinkedHashMap<>();
  private final Map<String, String> ofRun = new LinkedHashMap<>();
  private int owners;

  public Batches(Rows rows) {
    this.rows = rows;
  }

  /// The runs and logs are in these from now on.
  public void over(Rows now) {
    rows = now;
  }

  /// Whether this run answers lines.
  public boolean isLine(String run) {
    return ofRun.containsKey(run);
  }

  public Outcome lines(Change.Lines it, int by) {
    Lot lot = lots.computeIfAbsent(it.batch(), _ -> new Lot(--owners, by));
    if (lot.reader != by || lot.submitted) {
      return FENCED;
    }
    Outcome outcome = STORED;
    for (Change.Line line : it.lines()) {
      Change.Line before =
          lot.lines.stream().filter(its -> its.id().equals(line.id())).findFirst().orElse(null);
      if (before == null) {
        lot.lines.add(line);
        ofRun.put(line.run().id(), it.batch());
        rows.keep(line.run(), lot.owner, Told.NOBODY, null, "chat");
      } else if (before.number() != line.number() && outcome.equals(STORED)) {
        outcome = new Outcome.Repeated(line.number(), before.number());
      }
    }
    return outcome;
  }

  public Outcome submit(Change.Submitted it, int by) {
    Lot lot = lots.get(it.run().id());
    if (lot == null || lot.reader != by || lot.lines.size() != it.lines()) {
      return FENCED;
    }
    lot.submitted = true;
    rows.keep(it.run(), NOBODY, it.told(), it.label(), "batch");
    return STORED;
  }

  public Outcome drop(String batch) {
    Lot lot = lots.get(batch);
    if (lot != null && lot.submitted) {
      return FENCED;
    }
    forget(batch);
    return STORED;
  }

  /// Those that were not read to their end, by epochs that are gone, are gone.
  public void abandon(IntPredicate gone) {
    for (var each : List.copyOf(lots.entrySet())) {
      if (!each.getValue().submitted && gone.test(each.getValue().reader)) {
        forget(each.getKey());
      }
    }
  }

  /// The batch is erased: its lines are gone too, if it is one.
  public void forget(String batch) {
    Lot lot = lots.remove(batch);
    if (lot != null) {
      for (String run : lot.runs()) {
        ofRun.remove(run);
        rows.forget(run);
      }
    }
  }

  /// A run has ended, which may answer lines.
  public void ended(String run, String status, long at) {
    String batch = ofRun.get(run);
    if (batch == null) {
      return;
    }
    Lot lot = Objects.requireNonNull(lots.get(batch));
    int lines = (int) lot.lines.stream().filter(line -> line.run().id().equals(run)).count();
    switch (status) {
      case "failed" -> lot.failed += lines;
      case "cancelled" -> lot.cancelled += lines;
      default -> lot.completed += lines;
    }
    if (lot.isOver()) {
      rows.end(batch, isStopping(batch) ? "cancelled" : "completed", at);
    }
  }

  private boolean isStopping(String batch) {
    return Objects.requireNonNull(rows.run(batch)).cancelRequested();
  }

  /// A run is to be stopped, which may be a batch: so are its lines.
  ///
  /// @return whether it is one
  public boolean cancel(String run) {
    Lot lot = lots.get(run);
    if (lot != null) {
      for (String each : lot.runs()) {
        if (!rows.isOwned(each, lot.owner)) {
          rows.cancel(each);
        }
      }
    }
    return lot != null;
  }

  public Store.Taken take(Map<String, Integer> rooms, long now, int by) {
    int ended = 0;
    for (var each : List.copyOf(lots.entrySet())) {
      Lot lot = each.getValue();
      if (lot.submitted && !lot.isOver() && isStopping(each.getKey())) {
        List<String> held = held(lot);
        for (String run : held.subList(0, Math.min(ENDED_AT_ONCE, held.size()))) {
          rows.end(run, "cancelled", now);
          ended++;
        }
      }
    }
    var taken = new ArrayList<Store.Claimed>();
    rooms.forEach((upstream, room) -> {
      var tenants = new HashSet<String>();
      List<Lot> first =
          open().stream()
              .filter(lot -> lot.upstream().equals(upstream) && tenants.add(lot.tenant()))
              .toList();
      for (Lot lot : first) {
        List<String> held = held(lot);
        int share = Math.max(1, room / first.size());
        held.subList(0, Math.min(share, held.size())).forEach(run -> taken.add(rows.take(run, by)));
      }
    });
    var more = new HashSet<String>();
    open().forEach(lot -> more.add(lot.upstream()));
    return new Store.Taken(taken, more, ended);
  }

  /// Those that have lines to take.
  private List<Lot> open() {
    return lots.entrySet().stream()
        .filter(it -> it.getValue().submitted && !isStopping(it.getKey()))
        .map(Map.Entry::getValue)
        .filter(lot -> !held(lot).isEmpty())
        .toList();
  }

  private List<String> held(Lot lot) {
    return lot.runs().stream().filter(run -> rows.isOwned(run, lot.owner)).toList();
  }

  public @Nullable StoredBatch batch(String id) {
    Lot lot = lots.get(id);
    StoredRun run = rows.run(id);
    return lot == null || run == null
        ? null
        : new StoredBatch(run, lot.lines.size(), lot.completed, lot.failed, lot.cancelled);
  }

  public List<StoredLine> lines(String batch, int after, int most, boolean failed) {
    Lot lot = lots.get(batch);
    if (lot == null) {
      return List.of();
    }
    return lot.lines.stream()
        .filter(line -> line.number() > after)
        .map(line -> {
          StoredRun run = rows.run(line.run().id());
          return new StoredLine(
              line.number(), line.id(), run, run == null ? List.of() : rows.pieces(run.log().id()));
        })
        .filter(line -> !failed || line.run() == null || isWithout(line.run()))
        .limit(most)
        .toList();
  }

  private static boolean isWithout(StoredRun run) {
    return run.status().equals("failed") || run.status().equals("cancelled");
  }
}
