package dev.meanwhile.log;

import java.util.Arrays;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/// The record of one AI call: append-only, ended by exactly one terminal event.
///
/// Bytes live in growing chunks that are never moved, so a reader is handed parts of the log
/// itself; beside them stands one mark per event: where it ends, what it says and when it came. One
/// loop owns a log: only it appends and only it wakes followers. Readers are on any thread. A
/// closed log keeps no growing room and few objects, since what a collector has to look at again
/// and again costs more than what it frees.
///
/// The one race, and what decides it: a reader on another loop reads while the owner appends. `end`
/// is written after everything it covers, and read before anything it covers; the arrays are
/// volatile too because growing replaces them, and a reader may see the newer array first.
public final class RunLog implements LogReader {
  private static final int FIRST_CHUNK = 1 << 10;
  private static final int LAST_CHUNK = 1 << 16;
  private static final int DOUBLED = 2 * LAST_CHUNK - FIRST_CHUNK; // 1 + 2 + … + 64 KB

  /// A mark: 31 bits of where the event ends, 3 of its kind, 30 of when it came in steps of 4 µs.
  private static final int KIND_AT = 31;

  private static final int TIME_AT = 34;
  private static final long MAX_TIME = (1L << 30) - 1;

  private static final Kind[] KINDS = Kind.values();
  private static final Follower[] NOBODY = {};

  private final Executor owner;
  private final long began;
  private final int limit;

  private volatile byte[][] chunks = new byte[1][];
  private volatile long[] marks = new long[1];

  private volatile int start;
  private volatile int attempt;
  private volatile @Nullable Head head;
  private volatile @Nullable Terminal terminal;
  private volatile int end;

  /// Written before `terminal`, so that whoever sees that sees this.
  private long closedAt;

  // The owner's alone.
  private int appended;
  private int position;
  private int capacity;
  private Follower[] followers = NOBODY;
  private int following;

  /// @param owner runs what must happen on the log's loop: at once there, else later on it
  /// @param nanos now, on the clock that all later times are from
  /// @param limit the most bytes of events, 1 to 2^30
  public RunLog(Executor owner, long nanos, int limit) {
    if (limit < 1 || limit > 1 << 30) {
      throw new IllegalArgumentException("limit " + limit);
    }
    this.owner = owner;
    this.began = nanos;
    this.limit = limit;
  }

  /// Begins the next attempt: fences the one before. Only the log's loop may call.
  public LogWriter begin() {
    return begin(attempt + 1);
  }

  /// The same, of a number that is known: of a log that was stored, some attempts left nothing.
  public LogWriter begin(int number) {
    attempt = number;
    return new Attempt(number);
  }

  /// How much memory the events hold, in bytes, with the growing room. Exact once it is closed.
  public int footprint() {
    return capacity + marks.length * 8;
  }

  /// Wakes all who follow. Only the log's loop may call.
  public void wake() {
    // Downwards: a follower may leave while it is woken; what moves into its place was woken.
    for (int i = following - 1; i >= 0; i--) {
      if (i < following) {
        followers[i].wake();
      }
    }
  }

  /// When it was closed, in milliseconds since 1970; only once it is.
  public long closedAt() {
    return closedAt;
  }

  @Override
  public int end() {
    return end;
  }

  @Override
  public @Nullable Terminal terminal() {
    return terminal;
  }

  @Override
  public RunLog log() {
    return this;
  }

  @Override
  public int start() {
    return start;
  }

  @Override
  public @Nullable Head head() {
    return head;
  }

  @Override
  public int attempt() {
    return attempt;
  }

  @Override
  public Kind kind(int offset) {
    return KINDS[(int) (marks[checked(offset)] >>> KIND_AT) & 7];
  }

  @Override
  public long micros(int offset) {
    return (marks[checked(offset)] >>> TIME_AT) * 4;
  }

  @Override
  public int size(int from, int to) {
    return from == to ? 0 : place(to) - place(from);
  }

  @Override
  public void read(int from, int to, Piece piece) {
    int at = place(from);
    int stop = place(to);
    byte[][] all = chunks;
    while (at < stop) {
      int chunk = chunkOf(at);
      int begin = at - startOf(chunk);
      int length = Math.min(stop - at, sizeOf(chunk) - begin);
      piece.accept(all[chunk], begin, length);
      at += length;
    }
  }

  @Override
  public void follow(Follower follower) {
    owner.execute(() -> {
      if (following == followers.length) {
        followers = Arrays.copyOf(followers, Math.max(1, following * 2));
      }
      followers[following++] = follower;
      follower.wake();
    });
  }

  @Override
  @SuppressWarnings({"NullAway", "ReferenceEquality"}) // empty slots; the very same follower
  public void unfollow(Follower follower) {
    owner.execute(() -> {
      for (int i = following - 1; i >= 0; i--) {
        if (followers[i] == follower) {
          followers[i] = followers[--following];
          followers[following] = null;
          if (following == 0 && terminal != null) {
            followers = NOBODY;
          }
          return;
        }
      }
    });
  }

  /// The position of the first byte of the event at `offset`, or after the last one.
  private int place(int offset) {
    return offset == 0 ? 0 : (int) marks[checked(offset - 1)] & Integer.MAX_VALUE;
  }

  private int checked(int offset) {
    if (offset < 0 || offset >= end()) {
      throw new IndexOutOfBoundsException("event " + offset + " of " + end());
    }
    return offset;
  }

  private static int chunkOf(int position) {
    return position < DOUBLED
        ? 31 - Integer.numberOfLeadingZeros(position / FIRST_CHUNK + 1)
        : 7 + (position - DOUBLED) / LAST_CHUNK;
  }

  private static int startOf(int chunk) {
    return chunk < 7 ? (FIRST_CHUNK << chunk) - FIRST_CHUNK : DOUBLED + (chunk - 7) * LAST_CHUNK;
  }

  private static int sizeOf(int chunk) {
    return chunk < 7 ? FIRST_CHUNK << chunk : LAST_CHUNK;
  }

  /// Gives the growing room back. Readers may go on with the arrays that are replaced.
  private void trim() {
    if (position < capacity) {
      int last = chunkOf(position - 1);
      byte[][] all = Arrays.copyOf(chunks, last + 1);
      all[last] = Arrays.copyOf(all[last], position - startOf(last));
      chunks = all;
      capacity = position;
    }
    if (appended < marks.length) {
      marks = Arrays.copyOf(marks, appended);
    }
  }

  private void store(byte[] bytes, int offset, int length) {
    while (length > 0) {
      int chunk = chunkOf(position);
      if (chunk == chunks.length) {
        chunks = Arrays.copyOf(chunks, chunk * 2);
      }
      byte[][] all = chunks;
      if (position == capacity) {
        all[chunk] = new byte[sizeOf(chunk)];
        capacity += sizeOf(chunk);
      }
      int begin = position - startOf(chunk);
      int part = Math.min(length, sizeOf(chunk) - begin);
      System.arraycopy(bytes, offset, all[chunk], begin, part);
      position += part;
      offset += part;
      length -= part;
    }
  }

  private final class Attempt implements LogWriter {
    private final int number;

    Attempt(int number) {
      this.number = number;
    }

    private boolean current() {
      return number == attempt && terminal == null;
    }

    @Override
    public boolean head(Head value) {
      if (!current()) {
        return false;
      }
      head = value;
      return true;
    }

    @Override
    @SuppressWarnings("EnumOrdinal") // in memory only
    public boolean append(Kind kind, long nanos, byte[] bytes, int offset, int length) {
      if (!current() || length > limit - position) {
        return false;
      }
      int at = appended;
      if (at == marks.length) {
        marks = Arrays.copyOf(marks, Math.max(8, at * 2));
      }
      store(bytes, offset, length);
      long time = Math.min(MAX_TIME, Math.max(0, (nanos - began) / 4_000));
      marks[at] = time << TIME_AT | (long) kind.ordinal() << KIND_AT | position;
      appended = at + 1;
      if (kind == Kind.RESTARTED) {
        start = at + 1;
      }
      return true;
    }

    @Override
    public boolean publish() {
      if (!current()) {
        return false;
      }
      end = appended;
      wake();
      return true;
    }

    @Override
    public boolean close(Terminal value, long millis) {
      if (!current()) {
        return false;
      }
      closedAt = millis;
      trim();
      end = appended;
      terminal = value;
      wake();
      return true;
    }
  }
}
