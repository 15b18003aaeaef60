package dev.meanwhile.simulator;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What is to go wrong with one answer, read from `fault[,fault]…` behind a model's colon
/// (`sim-fast:status=503,retry-after=2`) or in the header `x-sim-fault`.
///
/// @param status answer with this error status at once; 0 for no
/// @param retryAfter seconds for that answer's `retry-after`; -1 for no header
/// @param stall milliseconds of silence before the first token; [#FOREVER] for no end
/// @param holdHead nothing is sent before the first token, not even the head
/// @param bigLine the first token is padded until its line has so many bytes; 0 for no
/// @param end how the answer breaks; null for not at all
/// @param quirks what is odd about the framing of a stream, though allowed
record Fault(
    int status,
    int retryAfter,
    long stall,
    boolean holdHead,
    int bigLine,
    @Nullable End end,
    Set<Quirk> quirks) {

  static final Fault NONE = new Fault(0, -1, 0, false, 0, null, Set.of());
  static final long FOREVER = Long.MAX_VALUE;

  static final String GRAMMAR =
      "fault[,fault]... with fault one of: status=400..599, retry-after=SECONDS, stall,"
          + " stall=MILLISms, stall=SECONDSs, stall-after=TOKENS, cut-after=TOKENS,"
          + " end-after=TOKENS, error-after=TOKENS, garbage, garbage-after=TOKENS, slow-head,"
          + " big-line=BYTES, no-done, crlf, comments, bom, split, multi-line, trailing";

  private static final int LONGEST_LINE = 100 << 20;

  /// How an answer breaks, after so many tokens.
  record End(Way way, int after) {}

  /// The ways to break. `STALL`: silence for ever. `CUT`: the connection is closed (HTTP/2: the
  /// stream reset). `CLEAN`: the body ends as if complete. `ERROR`: an error event (a plain call:
  /// status 500), then a clean end. `GARBAGE`: bytes that are neither SSE nor JSON nor UTF-8, then
  /// a clean end.
  enum Way {
    STALL,
    CUT,
    CLEAN,
    ERROR,
    GARBAGE
  }

  /// Oddities of a stream's framing. `NO_DONE`: without `[DONE]`. `CRLF`: lines end so. `COMMENTS`:
  /// one before each event. `BOM`: at the very start. `SPLIT`: every byte is a write of its own.
  /// `MULTI_LINE`: each event has two data lines. `TRAILING`: garbage after the end.
  enum Quirk {
    NO_DONE,
    CRLF,
    COMMENTS,
    BOM,
    SPLIT,
    MULTI_LINE,
    TRAILING
  }

  boolean has(Quirk quirk) {
    return quirks.contains(quirk);
  }

  /// @throws IllegalArgumentException if the text is not of the grammar; the message explains it
  static Fault parse(String text) {
    var reading = new Reading();
    for (String item : text.split(",", -1)) {
      String trimmed = item.replace(" ", "");
      int equals = trimmed.indexOf('=');
      if (equals < 0) {
        reading.word(trimmed);
      } else {
        reading.pair(trimmed, trimmed.substring(0, equals), trimmed.substring(equals + 1));
      }
    }
    return reading.fault();
  }

  private static final class Reading {
    private int status;
    private int retryAfter = -1;
    private long stall;
    private boolean holdHead;
    private int bigLine;
    private @Nullable End end;
    private final Set<Quirk> quirks = EnumSet.noneOf(Quirk.class);

    void word(String word) {
      switch (word) {
        case "stall" -> stall = FOREVER;
        case "slow-head" -> holdHead = true;
        case "garbage" -> breaks(word, Way.GARBAGE, 0);
        case "no-done", "crlf", "comments", "bom", "split", "multi-line", "trailing" ->
            quirks.add(Quirk.valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_')));
        default -> throw refuse(word, "is not a fault");
      }
    }

    void pair(String item, String name, String value) {
      switch (name) {
        case "status" -> status = number(item, value, 400, 599);
        case "retry-after" -> retryAfter = number(item, value, 0, 86_400);
        case "stall" -> stall = duration(item, value);
        case "big-line" -> bigLine = number(item, value, 1, LONGEST_LINE);
        case "stall-after" -> breaks(item, Way.STALL, tokens(item, value));
        case "cut-after" -> breaks(item, Way.CUT, tokens(item, value));
        case "end-after" -> breaks(item, Way.CLEAN, tokens(item, value));
        case "error-after" -> breaks(item, Way.ERROR, tokens(item, value));
        case "garbage-after" -> breaks(item, Way.GARBAGE, tokens(item, value));
        default -> throw refuse(item, "is not a fault");
      }
    }

    Fault fault() {
      if (retryAfter >= 0 && status == 0) {
        throw refuse("retry-after=" + retryAfter, "needs a status=");
      }
      return new Fault(status, retryAfter, stall, holdHead, bigLine, end, Set.copyOf(quirks));
    }

    private void breaks(String item, Way way, int after) {
      if (end != null) {
        throw refuse(item, "is a second way to break");
      }
      end = new End(way, after);
    }

    private static int tokens(String item, String value) {
      return number(item, value, 0, Integer.MAX_VALUE);
    }

    private static long duration(String item, String value) {
      if (value.endsWith("ms")) {
        return number(item, value.substring(0, value.length() - 2), 0, Integer.MAX_VALUE);
      }
      if (value.endsWith("s")) {
        return 1_000L * number(item, value.substring(0, value.length() - 1), 0, 1_000_000);
      }
      throw refuse(item, "needs a unit, ms or s");
    }

    private static int number(String item, String value, int least, int most) {
      int number;
      try {
        number = Integer.parseInt(value);
      } catch (NumberFormatException e) {
        throw refuse(item, "needs a whole number");
      }
      if (number < least || number > most) {
        throw refuse(item, "must be " + least + " to " + most);
      }
      return number;
    }

    private static IllegalArgumentException refuse(String item, String why) {
      return new IllegalArgumentException(
          "fault '" + item + "' " + why + ". The grammar: " + GRAMMAR);
    }
  }
}
