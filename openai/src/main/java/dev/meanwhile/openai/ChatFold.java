package dev.meanwhile.openai;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.LogReader;
import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.Map;
import java.util.TreeMap;

/// Folds the events of a streamed chat answer into the one `chat.completion` that a plain call
/// would have got. Numbers are passed on as they are spelled. For one thread.
public final class ChatFold {
  private final Members top = new Members();

  /// The choices by index.
  private final Map<Integer, Members> choices = new TreeMap<>();

  /// Begins with no event.
  public ChatFold() {
    top.put("id", Text.of("")).put("object", Text.of("chat.completion"));
    top.put("created", new Raw("0")).put("model", Text.of(""));
    top.put("choices", new Items(new ArrayList<>()));
  }

  /// The events from `from` (inclusive) to `to` (exclusive) of a log as one JSON document, in UTF-8
  /// and on one line. A plain answer is given as it came.
  public static byte[] of(LogReader log, int from, int to) {
    if (from < to && log.kind(from) == Kind.ANSWER) {
      return log.bytes(from, from + 1);
    }
    ChatFold fold = new ChatFold();
    log.read(from, to, new DataEvents(fold::add)::feed);
    return fold.answer();
  }

  /// Adds the data of the next event. The end mark, errors and what is not a JSON object add
  /// nothing.
  public void add(byte[] bytes, int offset, int length) {
    Members event;
    try {
      event = Tree.object(bytes, offset, length);
    } catch (MalformedJson e) {
      return;
    }
    Tree error = event.get("error");
    if (error != null && !error.isNull()) {
      return;
    }
    for (Map.Entry<String, Tree> member : event.members().entrySet()) {
      Tree value = member.getValue();
      switch (member.getKey()) {
        case "choices" -> choices(value);
        case "object", "obfuscation", "error" -> {}
        case "created" -> {
          // The first chunk of some upstreams comes from before the answer, and has 0.
          if (Tree.natural(value) != 0) {
            Merge.latest(top, "created", value);
          }
        }
        case "usage", "system_fingerprint", "service_tier", "user" -> {
          if (!value.isNull()) {
            Merge.latest(top, member.getKey(), value);
          }
        }
        default -> Merge.latest(top, member.getKey(), value);
      }
    }
  }

  /// The answer so far.
  public byte[] answer() {
    Items all = new Items(new ArrayList<>());
    for (Members choice : choices.values()) {
      all.items().add(whole(choice));
    }
    Bytes out = new Bytes(1024);
    top.copy().put("choices", all).write(out);
    return out.copy(0);
  }

  /// The choice as a plain answer has it: its tool calls without the index that only streams need.
  private static Members whole(Members choice) {
    if (!(choice.get("message") instanceof Members message
        && message.get("tool_calls") instanceof Items calls)) {
      return choice;
    }
    Items without = new Items(new ArrayList<>());
    for (Tree call : calls.items()) {
      if (call instanceof Members members) {
        Members copy = members.copy();
        copy.members().remove("index");
        without.items().add(copy);
      } else {
        without.items().add(call);
      }
    }
    return choice.copy().put("message", message.copy().put("tool_calls", without));
  }

  private void choices(Tree value) {
    if (value instanceof Items items) {
      int position = 0;
      for (Tree item : items.items()) {
        if (item instanceof Members choice) {
          int index = Tree.natural(choice.get("index"));
          choice(index < 0 ? position : index, choice);
        }
        position++;
      }
    }
  }

  private void choice(int index, Members from) {
    Members into = choices.computeIfAbsent(index, ChatFold::choice);
    for (Map.Entry<String, Tree> member : from.members().entrySet()) {
      Tree value = member.getValue();
      switch (member.getKey()) {
        case "index" -> {}
        case "delta", "message" -> {
          if (value instanceof Members delta && into.get("message") instanceof Members message) {
            message(message, delta);
          }
        }
        case "logprobs" -> {
          if (into.get("logprobs") instanceof Members present && value instanceof Members more) {
            Merge.delta(present, more);
          } else {
            Merge.latest(into, "logprobs", value);
          }
        }
        default -> Merge.latest(into, member.getKey(), value);
      }
    }
  }

  private static Members choice(int index) {
    Members message = new Members().put("role", Text.of("assistant")).put("content", Raw.NULL);
    return new Members()
        .put("index", Raw.of(index))
        .put("message", message)
        .put("finish_reason", Raw.NULL);
  }

  private static void message(Members message, Members delta) {
    // Some upstreams repeat the choice's index here.
    if (delta.get("index") instanceof Raw) {
      delta.members().remove("index");
    }
    Merge.delta(message, delta);
  }
}
