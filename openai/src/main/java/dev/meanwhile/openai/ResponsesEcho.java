package dev.meanwhile.openai;

import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What an upstream that speaks the Responses API itself has said so far of one answer.
final class ResponsesEcho {
  /// Where the text of a delta goes in an item: the member, and the list that it is in with the
  /// member of the event that tells the place there, or neither.
  private record Place(String member, @Nullable String list, @Nullable String index) {
    static Place of(String member) {
      return new Place(member, null, null);
    }

    static Place inContent(String member) {
      return new Place(member, "content", "content_index");
    }
  }

  private static final Map<String, Place> DELTAS =
      Map.of(
          "response.output_text.delta", Place.inContent("text"),
          "response.refusal.delta", Place.inContent("refusal"),
          "response.reasoning_text.delta", Place.inContent("text"),
          "response.reasoning_summary_text.delta", new Place("text", "summary", "summary_index"),
          "response.function_call_arguments.delta", Place.of("arguments"),
          "response.mcp_call_arguments.delta", Place.of("arguments"),
          "response.custom_tool_call_input.delta", Place.of("input"),
          "response.code_interpreter_call_code.delta", Place.of("code"));

  private final List<Tree> output = new ArrayList<>();
  private Members response = new Members();
  private byte @Nullable [] whole;

  /// Whether this is an event of that API, or its object, and no chat answer.
  static boolean is(Members event) {
    String type = Tree.string(event.get("type"));
    return type.startsWith("response.") || type.equals("error") || isObject(event);
  }

  static boolean isObject(Members event) {
    return Tree.string(event.get("object")).equals("response");
  }

  /// The object as the upstream gave it last; empty before that.
  Members response() {
    return response;
  }

  /// The output so far.
  Items output() {
    return whole != null && response.get("output") instanceof Items items
        ? items
        : new Items(output);
  }

  /// The bytes of the object once it is whole, or null.
  byte @Nullable [] whole() {
    return whole;
  }

  boolean hasContent() {
    return !output.isEmpty() || whole != null;
  }

  /// The upstream told how its object stands.
  ///
  /// @param bytes those of the object if it is whole, or null
  void object(@Nullable Tree given, byte @Nullable [] bytes) {
    if (given instanceof Members members) {
      response = members;
      whole = bytes;
    }
  }

  /// Adds any other event.
  void add(String type, Members event) {
    int index = Tree.natural(event.get("output_index"));
    if (index < 0) {
      return;
    }
    switch (type) {
      case "response.output_item.added", "response.output_item.done" ->
          put(output, index, event.get("item"));
      case "response.content_part.added", "response.content_part.done" ->
          put(list(index, "content"), Tree.natural(event.get("content_index")), event.get("part"));
      case "response.reasoning_summary_part.added", "response.reasoning_summary_part.done" ->
          put(list(index, "summary"), Tree.natural(event.get("summary_index")), event.get("part"));
      default -> {
        Place place = DELTAS.get(type);
        if (place != null) {
          grow(index, place, event);
        }
      }
    }
  }

  private void grow(int index, Place place, Members event) {
    Members into = index < output.size() && output.get(index) instanceof Members item ? item : null;
    if (place.list != null && place.index != null) {
      List<Tree> parts = list(index, place.list);
      int at = Tree.natural(event.get(place.index));
      into = at >= 0 && at < parts.size() && parts.get(at) instanceof Members part ? part : null;
    }
    if (into == null) {
      return;
    }
    if (!(into.get(place.member) instanceof Text)) {
      into.put(place.member, Text.of(""));
    }
    if (into.get(place.member) instanceof Text text) {
      text.text().append(Tree.string(event.get("delta")));
    }
  }

  /// The list of an item, made where it is missing.
  private List<Tree> list(int index, String name) {
    if (index >= output.size() || !(output.get(index) instanceof Members item)) {
      return new ArrayList<>();
    }
    if (!(item.get(name) instanceof Items)) {
      item.put(name, new Items(new ArrayList<>()));
    }
    return item.get(name) instanceof Items items ? items.items() : new ArrayList<>();
  }

  /// Nothing is put far from what there is: places come in order.
  private static void put(List<Tree> list, int index, @Nullable Tree value) {
    if (value == null || index < 0 || index > list.size()) {
      return;
    }
    if (index == list.size()) {
      list.add(value);
    } else {
      list.set(index, value);
    }
  }

  /// The number that the upstream gave an event, or `otherwise`.
  static int number(Members event, int otherwise) {
    int number = Tree.natural(event.get("sequence_number"));
    return number < 0 ? otherwise : number;
  }
}
