package dev.meanwhile.openai;

import dev.meanwhile.log.Run;
import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a response was asked, as a list of items.
public final class ResponsesInput {
  private ResponsesInput() {}

  /// A page of the input items of a run: those of its own request.
  ///
  /// @param ascending whether the first comes first
  /// @param after the id of the item before the page, or null
  /// @param most how many at most
  public static byte[] page(Run run, boolean ascending, @Nullable String after, int most) {
    List<Tree> items = items(run);
    if (!ascending) {
      Collections.reverse(items);
    }
    int from = 0;
    for (int i = 0; i < items.size() && after != null; i++) {
      if (id(items.get(i)).equals(after)) {
        from = i + 1;
      }
    }
    List<Tree> page = items.subList(from, Math.min(items.size(), from + most));
    var out = new Bytes(1024);
    new Members()
        .put("object", Text.of("list"))
        .put("data", new Items(page))
        .put("first_id", page.isEmpty() ? Raw.NULL : Text.of(id(page.getFirst())))
        .put("last_id", page.isEmpty() ? Raw.NULL : Text.of(id(page.getLast())))
        .put("has_more", new Raw(Boolean.toString(from + page.size() < items.size())))
        .write(out);
    return out.copy(0);
  }

  private static String id(Tree item) {
    return item instanceof Members members ? Tree.string(members.get("id")) : "";
  }

  private static List<Tree> items(Run run) {
    Tree input = ResponsesFold.request(run).asked().get("input");
    List<Tree> items = new ArrayList<>();
    if (input instanceof Text text) {
      items.add(new Members().put("role", Text.of("user")).put("content", text));
    } else if (input instanceof Items given) {
      given.items().stream().filter(Members.class::isInstance).forEach(items::add);
    }
    String suffix = run.id().substring(run.id().indexOf('_') + 1);
    for (int i = 0; i < items.size(); i++) {
      items.set(i, whole((Members) items.get(i), suffix + "_in" + i));
    }
    return items;
  }

  /// The item with all that clients want to see although it need not be said.
  private static Members whole(Members given, String suffix) {
    String type = ResponsesRequest.stringOr(given.get("type"), "message");
    String prefix =
        switch (type) {
          case "message" -> "msg_";
          case "reasoning" -> "rs_";
          case "function_call" -> "fc_";
          default -> "fco_";
        };
    Members item = new Members().put("id", Text.of(prefix + suffix)).put("type", Text.of(type));
    if (!type.equals("reasoning")) {
      item.put("status", Text.of("completed"));
    }
    for (var member : given.members().entrySet()) {
      if (!member.getValue().isNull()) {
        item.put(member.getKey(), member.getValue());
      }
    }
    if (type.equals("message")) {
      item.put("content", parts(item));
    }
    return item;
  }

  private static Items parts(Members message) {
    boolean said = Tree.string(message.get("role")).equals("assistant");
    List<Tree> parts = new ArrayList<>();
    if (message.get("content") instanceof Text text) {
      parts.add(
          new Members()
              .put("type", Text.of(said ? "output_text" : "input_text"))
              .put("text", text));
    } else if (message.get("content") instanceof Items given) {
      given.items().stream().filter(Members.class::isInstance).forEach(parts::add);
    }
    List<Tree> whole = new ArrayList<>();
    for (Tree part : parts) {
      Members copy = ((Members) part).copy();
      switch (Tree.string(copy.get("type"))) {
        case "output_text" -> {
          copy.members().putIfAbsent("annotations", new Items(List.of()));
          copy.members().putIfAbsent("logprobs", new Items(List.of()));
        }
        case "input_image" -> copy.members().putIfAbsent("detail", Text.of("auto"));
        default -> {}
      }
      whole.add(copy);
    }
    return new Items(whole);
  }
}
