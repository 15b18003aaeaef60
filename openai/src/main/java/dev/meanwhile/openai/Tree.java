package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A JSON value that can be changed: for what is built from a whole answer, or for another API than
/// the upstream's; never for a token that is only relayed. Numbers keep their spelling, members
/// their order; of a name given twice the last counts.
sealed interface Tree {
  /// A number, true, false or null, as it is spelled.
  record Raw(String json) implements Tree {
    /// JSON's null.
    static final Raw NULL = new Raw("null");

    static Raw of(int number) {
      return new Raw(Integer.toString(number));
    }
  }

  /// A string, which can grow.
  record Text(StringBuilder text) implements Tree {
    static Text of(String text) {
      return new Text(new StringBuilder(text));
    }
  }

  /// An array.
  record Items(List<Tree> items) implements Tree {}

  /// An object.
  record Members(Map<String, Tree> members) implements Tree {
    Members() {
      this(new LinkedHashMap<>());
    }

    /// A shallow copy.
    Members copy() {
      return new Members(new LinkedHashMap<>(members));
    }

    @Nullable Tree get(String name) {
      return members.get(name);
    }

    Members put(String name, Tree value) {
      members.put(name, value);
      return this;
    }
  }

  /// Reads an object.
  ///
  /// @throws MalformedJson if it is not one
  static Members object(byte[] bytes, int offset, int length) {
    JsonScanner in = new JsonScanner().reset(bytes, offset, length);
    Members object = object(bytes, in);
    in.finish();
    return object;
  }

  private static Members object(byte[] bytes, JsonScanner in) {
    Members object = new Members();
    in.enterObject();
    while (in.member()) {
      object.put(in.name(), value(bytes, in));
    }
    return object;
  }

  private static Tree value(byte[] bytes, JsonScanner in) {
    return switch (in.peek()) {
      case OBJECT -> object(bytes, in);
      case ARRAY -> {
        List<Tree> items = new ArrayList<>();
        in.enterArray();
        while (in.element()) {
          items.add(value(bytes, in));
        }
        yield new Items(items);
      }
      case STRING -> Text.of(in.string());
      case NUMBER, TRUE, FALSE, NULL -> {
        in.skip();
        yield new Raw(new String(bytes, in.start(), in.end() - in.start(), UTF_8));
      }
    };
  }

  /// Whether it says nothing: null, or an empty string, array or object.
  default boolean isEmpty() {
    return switch (this) {
      case Raw _ -> isNull();
      case Text text -> text.text.isEmpty();
      case Items items -> items.items.isEmpty();
      case Members members -> members.members.isEmpty();
    };
  }

  default boolean isNull() {
    return this instanceof Raw raw && raw.json.equals("null");
  }

  /// The string that this is, or an empty one.
  static String string(@Nullable Tree value) {
    return value instanceof Text text ? text.text.toString() : "";
  }

  /// The natural number that this is, or -1.
  static int natural(@Nullable Tree value) {
    if (!(value instanceof Raw raw) || raw.json.length() > 9) {
      return -1;
    }
    boolean digits = raw.json.chars().allMatch(c -> c >= '0' && c <= '9');
    return digits ? Integer.parseInt(raw.json) : -1;
  }

  /// Writes it on one line.
  default void write(Bytes out) {
    switch (this) {
      case Raw raw -> out.add(raw.json);
      case Text text -> out.add(Json.quote(text.text));
      case Items items -> {
        char before = '[';
        for (Tree item : items.items) {
          out.add(before);
          item.write(out);
          before = ',';
        }
        out.add(before == '[' ? "[]" : "]");
      }
      case Members members -> {
        char before = '{';
        for (Map.Entry<String, Tree> member : members.members.entrySet()) {
          out.add(before).add(Json.quote(member.getKey())).add(':');
          member.getValue().write(out);
          before = ',';
        }
        out.add(before == '{' ? "{}" : "}");
      }
    }
  }
}
