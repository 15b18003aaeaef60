package dev.meanwhile.openai;

import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// The output items of a Responses object while a chat answer is added to them: reasoning and
/// messages one after the other, tool calls beside them, since chat APIs may give several at once.
final class ResponsesOutput {
  private final String suffix;
  private final BiConsumer<String, Members> out;
  private final List<Item> items = new ArrayList<>();

  /// All tool calls in the order in which they came; one whose name has not come is no item yet.
  private final List<Call> calls = new ArrayList<>();

  /// The reasoning or message that grows, or null.
  private @Nullable Item current;

  /// @param suffix what the ids of all items have in common
  /// @param out gets each event, without type and number
  ResponsesOutput(String suffix, BiConsumer<String, Members> out) {
    this.suffix = suffix;
    this.out = out;
  }

  /// The items so far.
  Items items() {
    List<Tree> all = new ArrayList<>();
    items.forEach(item -> all.add(item.json));
    return new Items(all);
  }

  boolean hasContent() {
    return !items.isEmpty();
  }

  /// Adds a chat message or a fragment of one.
  void add(Members delta, List<Tree> logprobs) {
    if (!grow(delta.get("reasoning_content"), Part.REASONING, List.of())) {
      // Some upstreams give the same under both names.
      grow(delta.get("reasoning"), Part.REASONING, List.of());
    }
    if (delta.get("content") instanceof Items parts) {
      for (Tree part : parts.items()) {
        if (part instanceof Members members) {
          part(members, Part.TEXT);
        }
      }
    } else {
      grow(delta.get("content"), Part.TEXT, logprobs);
    }
    grow(delta.get("refusal"), Part.REFUSAL, List.of());
    if (delta.get("annotations") instanceof Items annotations) {
      annotations.items().forEach(this::annotation);
    }
    if (delta.get("tool_calls") instanceof Items fragments) {
      for (Tree fragment : fragments.items()) {
        if (fragment instanceof Members members) {
          call(members);
        }
      }
    }
  }

  /// The answer is whole, or ended early: closes what is open, in order.
  void close(String status) {
    for (Call call : calls) {
      if (call.item == null) {
        announce(call);
      }
    }
    items.forEach(item -> finish(item, status));
    current = null;
  }

  /// The answer broke off: what is open stays as it is.
  void abandon() {
    for (Item item : items) {
      if (item.open) {
        item.json.put("status", Text.of("incomplete"));
      }
    }
  }

  /// What can be streamed in parts of an item.
  private enum Part {
    TEXT("output_text", "text", "response.output_text"),
    REFUSAL("refusal", "refusal", "response.refusal"),
    REASONING("reasoning_text", "text", "response.reasoning_text");

    private final String type;
    private final String member;
    private final String event;

    Part(String type, String member, String event) {
      this.type = type;
      this.member = member;
      this.event = event;
    }
  }

  private static final class Item {
    private final Members json;
    private final int index;
    private final List<Tree> content = new ArrayList<>();

    /// What the last part of the content is, while it grows.
    private @Nullable Part part;

    private boolean open = true;

    Item(Members json, int index) {
      this.json = json;
      this.index = index;
    }

    String type() {
      return Tree.string(json.get("type"));
    }

    Members last() {
      return (Members) content.getLast();
    }
  }

  private static final class Call {
    private final int index;
    private String id;
    private String name = "";
    private final StringBuilder arguments = new StringBuilder();
    private @Nullable Item item;

    Call(int index, String id) {
      this.index = index;
      this.id = id;
    }
  }

  /// `{"type":"text","text":"…"}`, or `{"type":"thinking","thinking":[…]}` with such parts in it.
  private void part(Members part, Part kind) {
    if (part.get("thinking") instanceof Items thoughts) {
      for (Tree thought : thoughts.items()) {
        if (thought instanceof Members members) {
          part(members, Part.REASONING);
        }
      }
    } else {
      grow(part.get("thinking"), Part.REASONING, List.of());
    }
    grow(part.get("text"), kind, List.of());
    grow(part.get("refusal"), Part.REFUSAL, List.of());
  }

  private boolean grow(@Nullable Tree value, Part part, List<Tree> logprobs) {
    if (!(value instanceof Text text) || text.isEmpty()) {
      return false;
    }
    Item item = open(part);
    Members last = item.last();
    if (last.get(part.member) instanceof Text grown) {
      grown.text().append(text.text());
    }
    Members delta = place(item).put("delta", Text.of(text.text().toString()));
    if (part == Part.TEXT) {
      List<Tree> told = new ArrayList<>();
      logprobs.forEach(logprob -> told.add(logprob(logprob)));
      if (last.get("logprobs") instanceof Items all) {
        all.items().addAll(told);
      }
      delta.put("logprobs", new Items(told));
    }
    out.accept(part.event + ".delta", delta);
    return true;
  }

  /// The item and the part in it that such content belongs to.
  private Item open(Part part) {
    String type = part == Part.REASONING ? "reasoning" : "message";
    Item item = current;
    if (item == null || !item.type().equals(type)) {
      closeCurrent();
      item = new Item(empty(type), items.size());
      add(item);
      current = item;
    }
    if (item.part != part) {
      finishPart(item);
      item.part = part;
      Members json = new Members().put("type", Text.of(part.type)).put(part.member, Text.of(""));
      if (part == Part.TEXT) {
        json.put("annotations", new Items(new ArrayList<>()));
        json.put("logprobs", new Items(new ArrayList<>()));
      }
      item.content.add(json);
      out.accept("response.content_part.added", place(item).put("part", json));
    }
    return item;
  }

  private Members empty(String type) {
    boolean message = type.equals("message");
    Members json = new Members().put("id", Text.of(id(message ? "msg_" : "rs_")));
    json.put("type", Text.of(type)).put("status", Text.of("in_progress"));
    if (message) {
      return json.put("role", Text.of("assistant"));
    }
    return json.put("summary", new Items(new ArrayList<>()));
  }

  /// Ids derive from the run's, so that every fold gives the same.
  private String id(String prefix) {
    return prefix + suffix + "_" + items.size();
  }

  private void add(Item item) {
    items.add(item);
    if (!item.type().equals("function_call")) {
      item.json.put("content", new Items(item.content));
    }
    out.accept(
        "response.output_item.added",
        new Members().put("output_index", Raw.of(item.index)).put("item", item.json));
  }

  private static Members place(Item item) {
    Members place = new Members().put("item_id", Text.of(Tree.string(item.json.get("id"))));
    place.put("output_index", Raw.of(item.index));
    return item.type().equals("function_call")
        ? place
        : place.put("content_index", Raw.of(item.content.size() - 1));
  }

  private void closeCurrent() {
    if (current != null) {
      finish(current, "completed");
      current = null;
    }
  }

  private void finishPart(Item item) {
    Part part = item.part;
    if (part == null) {
      return;
    }
    item.part = null;
    Members json = item.last();
    Members done = place(item).put(part.member, Text.of(Tree.string(json.get(part.member))));
    if (json.get("logprobs") instanceof Items logprobs) {
      done.put("logprobs", logprobs);
    }
    out.accept(part.event + ".done", done);
    out.accept("response.content_part.done", place(item).put("part", json));
  }

  private void finish(Item item, String status) {
    if (!item.open) {
      return;
    }
    item.open = false;
    if (item.type().equals("function_call")) {
      Members done = place(item).put("name", Text.of(Tree.string(item.json.get("name"))));
      out.accept(
          "response.function_call_arguments.done",
          done.put("arguments", Text.of(Tree.string(item.json.get("arguments")))));
    } else {
      finishPart(item);
    }
    item.json.put("status", Text.of(status));
    out.accept(
        "response.output_item.done",
        new Members().put("output_index", Raw.of(item.index)).put("item", item.json));
  }

  private static Tree logprob(Tree chat) {
    if (!(chat instanceof Members members)) {
      return chat;
    }
    List<Tree> top = new ArrayList<>();
    if (members.get("top_logprobs") instanceof Items all) {
      all.items().forEach(each -> top.add(each instanceof Members one ? scored(one) : each));
    }
    return scored(members).put("top_logprobs", new Items(top));
  }

  private static Members scored(Members chat) {
    Members scored = new Members();
    for (String name : List.of("token", "logprob")) {
      ResponsesRequest.put(scored, name, chat.get(name));
    }
    Tree bytes = chat.get("bytes");
    return scored.put("bytes", bytes instanceof Items ? bytes : new Items(new ArrayList<>()));
  }

  private void annotation(Tree chat) {
    if (!(chat instanceof Members members
        && members.get("url_citation") instanceof Members citation)) {
      return;
    }
    Item item = open(Part.TEXT);
    if (item.last().get("annotations") instanceof Items annotations) {
      Members flat = new Members().put("type", Text.of("url_citation"));
      flat.members().putAll(citation.members());
      Members added = place(item).put("annotation_index", Raw.of(annotations.items().size()));
      annotations.items().add(flat);
      out.accept("response.output_text.annotation.added", added.put("annotation", flat));
    }
  }

  private void call(Members fragment) {
    closeCurrent();
    int index = Tree.natural(fragment.get("index"));
    String id = Tree.string(fragment.get("id"));
    Members function =
        fragment.get("function") instanceof Members members ? members : new Members();
    String name = Tree.string(function.get("name"));
    Call call = find(index, id, name);
    if (call == null) {
      call = new Call(index, id);
      calls.add(call);
    }
    if (call.id.isEmpty()) {
      call.id = id;
    }
    if (call.name.isEmpty()) {
      call.name = name;
    }
    String more = Tree.string(function.get("arguments"));
    call.arguments.append(more);
    if (call.item != null) {
      argue(call.item, more);
    } else if (!call.name.isEmpty()) {
      announce(call);
    }
  }

  /// The call that a fragment goes on with, or null if it begins one. Some upstreams give several
  /// calls the same index: another id is another call. Some give no index: then so is a name.
  private @Nullable Call find(int index, String id, String name) {
    for (Call call : calls.reversed()) {
      if (call.index == index) {
        boolean other = !id.isEmpty() && !call.id.isEmpty() && !id.equals(call.id);
        boolean anew = index < 0 && !name.isEmpty() && !id.equals(call.id);
        boolean nameless = index < 0 && !name.isEmpty() && id.isEmpty();
        return other || anew || nameless ? null : call;
      }
    }
    return null;
  }

  private void announce(Call call) {
    Members json = new Members().put("id", Text.of(id("fc_")));
    json.put("type", Text.of("function_call")).put("status", Text.of("in_progress"));
    json.put("call_id", Text.of(call.id.isEmpty() ? id("call_") : call.id));
    json.put("name", Text.of(call.name)).put("arguments", Text.of(""));
    Item item = new Item(json, items.size());
    call.item = item;
    add(item);
    argue(item, call.arguments.toString());
  }

  private void argue(Item item, String more) {
    if (!more.isEmpty() && item.json.get("arguments") instanceof Text arguments) {
      arguments.text().append(more);
      out.accept("response.function_call_arguments.delta", place(item).put("delta", Text.of(more)));
    }
  }
}
