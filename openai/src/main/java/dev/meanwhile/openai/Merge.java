package dev.meanwhile.openai;

import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// How fragments of a streamed answer grow together.
final class Merge {
  /// Strings that name something: a later fragment repeats them, or leaves them empty.
  private static final Set<String> NAMES = Set.of("role", "id", "type", "name", "format");

  private Merge() {}

  /// Merges metadata: objects recursively; of all else the last that says something wins.
  static void latest(Members into, Members from) {
    for (Map.Entry<String, Tree> member : from.members().entrySet()) {
      latest(into, member.getKey(), member.getValue());
    }
  }

  /// Merges one member of metadata.
  static void latest(Members into, String name, Tree value) {
    Tree present = into.get(name);
    if (present instanceof Members inside && value instanceof Members more) {
      latest(inside, more);
    } else if (present == null || present.isEmpty() || !value.isEmpty()) {
      if (present == null || !value.isNull()) {
        into.put(name, value);
      }
    }
  }

  /// Merges a fragment of what is streamed: strings concatenate, arrays merge by index or append.
  static void delta(Members into, Members from) {
    for (Map.Entry<String, Tree> member : from.members().entrySet()) {
      String name = member.getKey();
      if (!name.equals("obfuscation")) {
        into.put(name, grown(name, into.get(name), member.getValue()));
      }
    }
  }

  private static Tree grown(String name, @Nullable Tree present, Tree value) {
    if (present == null || present.isNull()) {
      return value instanceof Items items ? grown(name, new ArrayList<>(), items) : value;
    }
    if (value.isNull()) {
      return present;
    }
    return switch (present) {
      case Text text -> grown(name, text, value);
      case Items items -> grown(name, items.items(), parts(value));
      case Members inside -> {
        if (value instanceof Members more) {
          delta(inside, more);
          yield inside;
        }
        yield value;
      }
      case Raw _ -> value;
    };
  }

  private static Tree grown(String name, Text present, Tree value) {
    return switch (value) {
      case Text more -> {
        if (!NAMES.contains(name)) {
          present.text().append(more.text());
          yield present;
        }
        yield more.isEmpty() ? present : more;
      }
      case Items more -> grown(name, parts(present).items(), more);
      case Raw _, Members _ -> value;
    };
  }

  /// A string that meets an array is a text part of it.
  private static Items parts(Tree value) {
    if (value instanceof Items items) {
      return items;
    }
    List<Tree> parts = new ArrayList<>();
    if (!value.isEmpty()) {
      parts.add(
          value instanceof Text
              ? new Members().put("type", Text.of("text")).put("text", value)
              : value);
    }
    return new Items(parts);
  }

  private static Items grown(String name, List<Tree> present, Items more) {
    // Only a fragment's first part can go on with what came before.
    boolean first = !present.isEmpty();
    for (Tree item : more.items()) {
      if (!(item instanceof Members fragment)) {
        present.add(item);
        continue;
      }
      int index = Tree.natural(fragment.get("index"));
      Members place =
          index >= 0
              ? at(present, index, fragment)
              : first ? lastOfType(name, present, fragment) : null;
      first = false;
      if (place != null) {
        delta(place, fragment);
      } else {
        present.add(index < 0 ? present.size() : placeFor(present, index), fragment);
      }
    }
    return new Items(present);
  }

  /// The item that a fragment with an index belongs to. Some upstreams give several calls the same
  /// index: another id is another item.
  private static @Nullable Members at(List<Tree> present, int index, Members fragment) {
    String id = Tree.string(fragment.get("id"));
    for (Tree item : present.reversed()) {
      if (item instanceof Members members && Tree.natural(members.get("index")) == index) {
        String known = Tree.string(members.get("id"));
        return id.isEmpty() || known.isEmpty() || id.equals(known) ? members : null;
      }
    }
    return null;
  }

  private static int placeFor(List<Tree> present, int index) {
    int place = present.size();
    while (place > 0
        && present.get(place - 1) instanceof Members before
        && Tree.natural(before.get("index")) > index) {
      place--;
    }
    return place;
  }

  /// Text that is streamed as parts grows in the last part while its type stays the same.
  private static @Nullable Members lastOfType(String name, List<Tree> present, Members fragment) {
    String type = Tree.string(fragment.get("type"));
    return (name.equals("content") || name.equals("thinking"))
            && (type.equals("text") || type.equals("thinking"))
            && present.getLast() instanceof Members last
            && Tree.string(last.get("type")).equals(type)
        ? last
        : null;
  }
}
