package dev.meanwhile.simulator;

import io.vertx.core.Vertx;

/// A timer wheel for one event loop: thousands of streams, one tick a millisecond, and none when
/// nothing is due. Everything here runs on that loop.
@SuppressWarnings("ReferenceEquality") // An entry is where it is linked.
final class Wheel {
  /// Something that waits for its time. In the wheel at most once.
  abstract static class Entry {
    private Entry previous = this;
    private Entry next = this;
    private long tick;

    /// Called once when due; may schedule itself again.
    abstract void fire();

    private void unlink() {
      previous.next = next;
      next.previous = previous;
      previous = this;
      next = this;
    }

    private void append(Entry entry) {
      entry.previous = previous;
      entry.next = this;
      previous.next = entry;
      previous = entry;
    }
  }

  private static final class Slot extends Entry {
    @Override
    void fire() {
      throw new IllegalStateException("a slot is never due");
    }
  }

  private static final int SLOTS = 4_096;
  private static final long TICK = 1_000_000;

  private final Vertx vertx;
  private final long base = System.nanoTime();
  private final Entry[] slots = new Entry[SLOTS];
  private final Entry firing = new Slot();
  private long turned;
  private int waiting;
  private boolean armed;

  Wheel(Vertx vertx) {
    this.vertx = vertx;
    for (int i = 0; i < SLOTS; i++) {
      slots[i] = new Slot();
    }
  }

  /// @param due on the clock of [System#nanoTime]; never fired earlier, at most about 2 ms later
  void schedule(Entry entry, long due) {
    cancel(entry);
    if (waiting == 0) {
      // No tick ran while nothing waited: what lies behind is empty.
      turned = (System.nanoTime() - base) / TICK;
    }
    entry.tick = Math.max(turned + 1, Math.ceilDiv(due - base, TICK));
    slots[(int) (entry.tick % SLOTS)].append(entry);
    waiting++;
    arm();
  }

  /// One timer at a time, and the next only after a turn: a wheel that is late does not hurry, so
  /// that the loop gets to its sockets in between.
  private void arm() {
    if (!armed && waiting > 0) {
      armed = true;
      vertx.setTimer(1, _ -> turn());
    }
  }

  void cancel(Entry entry) {
    if (entry.next != entry) {
      entry.unlink();
      waiting--;
    }
  }

  private void turn() {
    long now = (System.nanoTime() - base) / TICK;
    long from = Math.max(turned + 1, now - SLOTS + 1);
    // Before anything fires: what schedules itself for a time gone by must wait for the next turn.
    turned = now;
    for (long tick = from; tick <= now && waiting > 0; tick++) {
      fire(slots[(int) (tick % SLOTS)], now);
    }
    armed = false;
    arm();
  }

  /// What is due leaves the slot first, since what fires may schedule into the same one.
  private void fire(Entry slot, long now) {
    for (Entry entry = slot.next; entry != slot; ) {
      Entry following = entry.next;
      if (entry.tick <= now) {
        entry.unlink();
        firing.append(entry);
      }
      entry = following;
    }
    while (firing.next != firing) {
      Entry entry = firing.next;
      entry.unlink();
      waiting--;
      entry.fire();
    }
  }
}
