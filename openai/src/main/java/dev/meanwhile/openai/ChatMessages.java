package dev.meanwhile.openai;

import static dev.meanwhile.openai.ResponsesRequest.given;
import static dev.meanwhile.openai.ResponsesRequest.inexpressible;
import static dev.meanwhile.openai.ResponsesRequest.items;
import static dev.meanwhile.openai.ResponsesRequest.members;
import static dev.meanwhile.openai.ResponsesRequest.put;
import static dev.meanwhile.openai.ResponsesRequest.refuseUnknown;
import static dev.meanwhile.openai.ResponsesRequest.text;
import static dev.meanwhile.openai.ResponsesRequest.wrongType;

import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Items of the Responses API as the messages of a chat request, while they are being added.
final class ChatMessages {
  private final List<Tree> messages = new ArrayList<>();

  /// What the assistant said last, as long as its turn goes on: its tool calls belong to it.
  private @Nullable Members turn;

  Items all() {
    return new Items(messages);
  }

  void say(String role, Tree content) {
    messages.add(new Members().put("role", Text.of(role)).put("content", content));
  }

  /// Adds a text of the user's, or items.
  ///
  /// @param at what a refusal calls it
  void addAll(@Nullable Tree input, String at) {
    switch (input) {
      case Text text -> {
        turn = null;
        say("user", text);
      }
      case Items items -> {
        for (int i = 0; i < items.items().size(); i++) {
          String here = at + "[" + i + "]";
          add(members(items.items().get(i), here), here);
        }
      }
      case null, default -> throw wrongType(at, "a string or an array");
    }
  }

  private void add(Members item, String at) {
    Tree type = item.get("type");
    switch (given(type) ? Tree.string(type) : "message") {
      case "message" -> message(item, at);
      case "function_call" -> call(item, at);
      case "function_call_output" -> output(item, at);
      // What a model thought before is not said to it again: chat APIs have no place for it. But
      // nobody here can read what is encrypted.
      case "reasoning" ->
          refuseUnknown(item, at, Set.of("type", "id", "status", "summary", "content"), List.of());
      default -> throw inexpressible(at + ".type", "such an item cannot be");
    }
  }

  private void message(Members item, String at) {
    // `phase` tells what a message was for, not what it said.
    refuseUnknown(item, at, Set.of("type", "id", "status", "role", "content", "phase"), List.of());
    String role = text(item, at, "role").text().toString();
    if (!Set.of("user", "assistant", "system", "developer").contains(role)) {
      throw inexpressible(at + ".role", "only user, assistant, system and developer can be");
    }
    Tree content = item.get("content");
    if (!(content instanceof Text)) {
      content = parts(items(item, at, "content"), at + ".content");
    }
    Members said = role.equals("assistant") ? turn : null;
    if (said != null && said.get("tool_calls") != null) {
      // Chat APIs want the outputs of calls right after them.
      said.put("content", joined(said.get("content"), content));
      return;
    }
    say(role, content);
    turn = role.equals("assistant") ? (Members) messages.getLast() : null;
  }

  private static Tree joined(@Nullable Tree before, Tree content) {
    if (before == null) {
      return content;
    }
    List<Tree> parts = new ArrayList<>();
    for (Tree each : List.of(before, content)) {
      if (each instanceof Items items) {
        parts.addAll(items.items());
      } else {
        parts.add(new Members().put("type", Text.of("text")).put("text", each));
      }
    }
    return new Items(parts);
  }

  private void call(Members item, String at) {
    refuseUnknown(
        item, at, Set.of("type", "id", "status", "call_id", "name", "arguments"), List.of());
    Members said = turn;
    if (said == null) {
      said = new Members().put("role", Text.of("assistant"));
      messages.add(said);
      turn = said;
    }
    if (!(said.get("tool_calls") instanceof Items)) {
      said.put("tool_calls", new Items(new ArrayList<>()));
    }
    var function =
        new Members()
            .put("name", text(item, at, "name"))
            .put("arguments", text(item, at, "arguments"));
    items(said, at, "tool_calls")
        .items()
        .add(
            new Members()
                .put("id", text(item, at, "call_id"))
                .put("type", Text.of("function"))
                .put("function", function));
  }

  private void output(Members item, String at) {
    refuseUnknown(item, at, Set.of("type", "id", "status", "call_id", "output"), List.of());
    Tree content = item.get("output");
    if (!(content instanceof Text)) {
      List<Tree> parts = new ArrayList<>();
      List<Tree> given = items(item, at, "output").items();
      for (int i = 0; i < given.size(); i++) {
        String here = at + ".output[" + i + "]";
        Members part = part(members(given.get(i), here), here);
        if (!Tree.string(part.get("type")).equals("text")) {
          throw inexpressible(here + ".type", "of a tool's output only text can be");
        }
        parts.add(part);
      }
      content = new Items(parts);
    }
    turn = null;
    messages.add(
        new Members()
            .put("role", Text.of("tool"))
            .put("tool_call_id", text(item, at, "call_id"))
            .put("content", content));
  }

  private static Items parts(Items content, String at) {
    List<Tree> parts = new ArrayList<>();
    for (int i = 0; i < content.items().size(); i++) {
      String here = at + "[" + i + "]";
      parts.add(part(members(content.items().get(i), here), here));
    }
    return new Items(parts);
  }

  static Members part(Members part, String at) {
    return switch (Tree.string(part.get("type"))) {
      case "input_text", "output_text", "text" -> {
        refuseUnknown(part, at, Set.of("type", "text", "annotations", "logprobs"), List.of());
        yield new Members().put("type", Text.of("text")).put("text", text(part, at, "text"));
      }
      case "refusal" -> {
        refuseUnknown(part, at, Set.of("type", "refusal"), List.of());
        yield part;
      }
      case "input_image" -> {
        refuseUnknown(part, at, Set.of("type", "image_url", "detail"), List.of());
        var image = new Members().put("url", text(part, at, "image_url"));
        put(image, "detail", part.get("detail"));
        yield new Members().put("type", Text.of("image_url")).put("image_url", image);
      }
      case "input_file" -> {
        List<String> names = List.of("file_id", "file_data", "filename");
        refuseUnknown(part, at, Set.of("type"), names);
        var file = new Members();
        for (String name : names) {
          put(file, name, part.get(name));
        }
        yield new Members().put("type", Text.of("file")).put("file", file);
      }
      case "input_audio" -> {
        refuseUnknown(part, at, Set.of("type", "input_audio"), List.of());
        yield part;
      }
      default -> throw inexpressible(at + ".type", "such content cannot be");
    };
  }
}
