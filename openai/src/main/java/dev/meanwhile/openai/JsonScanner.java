package dev.meanwhile.openai;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Walks through one JSON document forward, without allocating: the caller asks for what comes next
/// and takes or skips it.
///
/// All that it passes is checked against RFC 8259 except that strings are well-formed UTF-8. Every
/// method may throw [MalformedJson]. Reusable by [#reset]; for one thread.
final class JsonScanner {
  /// The deepest nesting of objects and arrays.
  static final int MAX_DEPTH = 256;

  private static final byte[] NO_BYTES = {};
  private static final byte[] TRUE = Json.ascii("true");
  private static final byte[] FALSE = Json.ascii("false");
  private static final byte[] NULL = Json.ascii("null");
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101_0101_0101_0101L;
  private static final long HIGHS = 0x8080_8080_8080_8080L;

  private byte[] bytes = NO_BYTES;
  private int origin;
  private int limit;
  private int at;
  private int depth;

  /// Whether the innermost container was entered and nothing of it was read yet.
  private boolean fresh;

  /// Whether a value is next that the caller has not taken: asking for more skips it.
  private boolean pending;

  private boolean escaped;
  private int nameStart;
  private int nameEnd;
  private boolean nameEscaped;
  private int start;
  private int end;

  /// What a value is, told from its first byte.
  enum Value {
    OBJECT,
    ARRAY,
    STRING,
    NUMBER,
    TRUE,
    FALSE,
    NULL
  }

  /// Begins with another document; the bytes must not change while it is read.
  JsonScanner reset(byte[] document, int offset, int length) {
    bytes = document;
    origin = offset;
    at = offset;
    limit = offset + length;
    depth = 0;
    fresh = false;
    pending = true;
    return this;
  }

  /// What the next value is; takes nothing.
  Value peek() {
    return switch (token()) {
      case '{' -> Value.OBJECT;
      case '[' -> Value.ARRAY;
      case '"' -> Value.STRING;
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> Value.NUMBER;
      case 't' -> Value.TRUE;
      case 'f' -> Value.FALSE;
      case 'n' -> Value.NULL;
      default -> throw malformed("no value");
    };
  }

  /// Enters the object that is next; [#member] then goes through it, and leaves it.
  void enterObject() {
    enter('{');
  }

  /// Enters the array that is next; [#element] then goes through it, and leaves it.
  void enterArray() {
    enter('[');
  }

  /// Goes to the next member of the object: its name is known, its value is next. False means that
  /// the object has ended and was left.
  boolean member() {
    if (!next('}')) {
      return false;
    }
    if (token() != '"') {
      throw malformed("no member name");
    }
    passString();
    nameStart = start + 1;
    nameEnd = end - 1;
    nameEscaped = escaped;
    if (token() != ':') {
      throw malformed("no colon");
    }
    at++;
    pending = true;
    return true;
  }

  /// Goes to the next element of the array, whose value is next. False means that the array has
  /// ended and was left.
  boolean element() {
    if (!next(']')) {
      return false;
    }
    pending = true;
    return true;
  }

  /// Whether the member's name is this one, given in ASCII; escapes in it count for what they mean.
  boolean named(byte[] ascii) {
    return nameEscaped
        ? name().equals(Json.text(ascii))
        : Arrays.equals(bytes, nameStart, nameEnd, ascii, 0, ascii.length);
  }

  /// The member's name, decoded.
  String name() {
    return Json.decode(bytes, nameStart, nameEnd);
  }

  /// A number that is the same for the same name, escapes counted for what they mean, and differs
  /// for nearly all others.
  long nameHash() {
    if (nameEscaped) {
      byte[] name = Json.ascii(name());
      return hash(name, 0, name.length);
    }
    return hash(bytes, nameStart, nameEnd);
  }

  private static long hash(byte[] bytes, int from, int to) {
    long hash = 0xcbf2_9ce4_8422_2325L;
    for (int i = from; i < to; i++) {
      hash = (hash ^ bytes[i]) * 0x100_0000_01b3L;
    }
    return hash;
  }

  /// Takes the next value whatever it is; its span is then known.
  void skip() {
    Value value = peek();
    int from = at;
    switch (value) {
      case OBJECT -> {
        enterObject();
        while (member()) {
          skip();
        }
      }
      case ARRAY -> {
        enterArray();
        while (element()) {
          skip();
        }
      }
      case STRING -> passString();
      case NUMBER -> passNumber();
      case TRUE -> passWord(TRUE);
      case FALSE -> passWord(FALSE);
      case NULL -> passWord(NULL);
    }
    start = from;
    end = at;
    pending = false;
  }

  /// Takes the next value, which must be a string, and gives it decoded.
  String string() {
    skip();
    return Json.decode(bytes, start + 1, end - 1);
  }

  /// Takes the next value and tells whether it says anything: a string, array or object that is not
  /// empty, or true. Numbers, false and null say nothing.
  boolean substance() {
    return switch (peek()) {
      case STRING -> {
        skip();
        yield end - start > 2;
      }
      case OBJECT -> {
        skip();
        yield !blank(start + 1, end - 1);
      }
      case ARRAY -> {
        skip();
        yield !blank(start + 1, end - 1);
      }
      case TRUE -> {
        skip();
        yield true;
      }
      case NUMBER, FALSE, NULL -> {
        skip();
        yield false;
      }
    };
  }

  /// Takes the next value and gives it if it is an integer from 0 to 999,999,999, otherwise -1.
  int natural() {
    Value value = peek();
    skip();
    if (value != Value.NUMBER || end - start > 9) {
      return -1;
    }
    int number = 0;
    for (int i = start; i < end; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number * 10 + digit;
    }
    return number;
  }

  /// Where the value taken last begins, quotes included.
  int start() {
    return start;
  }

  /// Where the value taken last ends, exclusive, quotes included.
  int end() {
    return end;
  }

  /// Whether the string taken last has escapes.
  boolean escaped() {
    return escaped;
  }

  /// Checks that nothing but white space follows the document.
  void finish() {
    if (pending) {
      skip();
    }
    space();
    if (at < limit) {
      throw malformed("more than one value");
    }
  }

  private boolean blank(int from, int to) {
    for (int i = from; i < to; i++) {
      if (!white(bytes[i])) {
        return false;
      }
    }
    return true;
  }

  private void enter(char bracket) {
    if (token() != bracket) {
      throw malformed("no " + bracket);
    }
    if (++depth > MAX_DEPTH) {
      throw malformed("nested deeper than " + MAX_DEPTH);
    }
    at++;
    fresh = true;
    pending = false;
  }

  /// Passes the comma if there is one to come; false at the closing bracket, which is passed.
  private boolean next(char closing) {
    if (pending) {
      skip();
    }
    int token = token();
    if (token == closing) {
      at++;
      depth--;
      fresh = false;
      return false;
    }
    if (fresh) {
      fresh = false;
    } else if (token == ',') {
      at++;
    } else {
      throw malformed("no comma");
    }
    return true;
  }

  private static boolean white(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }

  private void space() {
    int i = at;
    while (i < limit && white(bytes[i])) {
      i++;
    }
    at = i;
  }

  private int token() {
    if (at < limit && bytes[at] > ' ') {
      return bytes[at];
    }
    space();
    if (at == limit) {
      throw malformed("ends too early");
    }
    return bytes[at];
  }

  private void passString() {
    start = at;
    escaped = false;
    int i = at + 1;
    while (true) {
      i = plain(i);
      if (i >= limit) {
        at = limit;
        throw malformed("string without an end");
      }
      byte b = bytes[i];
      if (b == '"') {
        at = i + 1;
        end = at;
        return;
      }
      at = i;
      if (b != '\\') {
        throw malformed("control character in a string");
      }
      escaped = true;
      i = escape(i + 1);
    }
  }

  /// The first byte from `i` on that is a quote, a backslash or a control character.
  private int plain(int i) {
    byte[] all = bytes;
    for (; i + 8 <= limit; i += 8) {
      long word = (long) WORD.get(all, i);
      long quote = word ^ (ONES * '"');
      long slash = word ^ (ONES * '\\');
      long found =
          (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((word - ONES * ' ') & ~word))
              & HIGHS;
      if (found != 0) {
        return i + (Long.numberOfTrailingZeros(found) >>> 3);
      }
    }
    while (i < limit) {
      byte b = all[i];
      if (b == '"' || b == '\\' || (b >= 0 && b < ' ')) {
        return i;
      }
      i++;
    }
    return i;
  }

  private int escape(int i) {
    if (i >= limit) {
      throw malformed("string without an end");
    }
    return switch (bytes[i]) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> i + 1;
      case 'u' -> unicode(i + 1);
      default -> throw malformed("wrong escape");
    };
  }

  private int unicode(int i) {
    if (limit - i < 4) {
      throw malformed("string without an end");
    }
    for (int digit = i; digit < i + 4; digit++) {
      if (Character.digit(bytes[digit], 16) < 0) {
        throw malformed("wrong escape");
      }
    }
    return i + 4;
  }

  private void passNumber() {
    if (bytes[at] == '-') {
      at++;
    }
    if (at < limit && bytes[at] == '0') {
      at++;
    } else {
      digits();
    }
    if (at < limit && bytes[at] == '.') {
      at++;
      digits();
    }
    if (at < limit && (bytes[at] | 0x20) == 'e') {
      at++;
      if (at < limit && (bytes[at] == '+' || bytes[at] == '-')) {
        at++;
      }
      digits();
    }
  }

  private void digits() {
    int from = at;
    while (at < limit && bytes[at] >= '0' && bytes[at] <= '9') {
      at++;
    }
    if (at == from) {
      throw malformed("wrong number");
    }
  }

  private void passWord(byte[] word) {
    int to = at + word.length;
    if (to > limit || !Arrays.equals(bytes, at, to, word, 0, word.length)) {
      throw malformed("no value");
    }
    at = to;
  }

  private MalformedJson malformed(String what) {
    return new MalformedJson(what, at - origin);
  }
}
