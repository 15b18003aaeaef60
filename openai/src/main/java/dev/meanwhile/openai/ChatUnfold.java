package dev.meanwhile.openai;

import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Turns a plain chat answer into the stream that a streaming caller expects: per choice one chunk
/// with the whole message and one with its finish reason, then the usage if it was asked for, then
/// the end mark.
public final class ChatUnfold {
  /// What every chunk has; all else of the answer's top level is on the first one.
  private static final Set<String> EVERYWHERE =
      Set.of("id", "object", "created", "model", "system_fingerprint", "service_tier");

  private final Members answer;
  private final boolean includeUsage;
  private final Bytes out = new Bytes(4096);
  private boolean begun;

  private ChatUnfold(Members answer, boolean includeUsage) {
    this.answer = answer;
    this.includeUsage = includeUsage;
  }

  /// The answer as server-sent events.
  ///
  /// @param includeUsage whether the caller asked for usage by `stream_options`
  /// @return empty if the answer is not a JSON object
  public static Optional<byte[]> of(byte[] answer, boolean includeUsage) {
    try {
      Members tree = Tree.object(answer, 0, answer.length);
      return Optional.of(new ChatUnfold(tree, includeUsage).unfold());
    } catch (MalformedJson e) {
      return Optional.empty();
    }
  }

  private byte[] unfold() {
    if (answer.get("choices") instanceof Items choices) {
      int position = 0;
      for (Tree choice : choices.items()) {
        if (choice instanceof Members members) {
          choice(members, position);
        }
        position++;
      }
    }
    Tree usage = answer.get("usage");
    if (includeUsage && usage instanceof Members) {
      chunk(List.of(), usage);
    }
    return out.add("data: [DONE]\n\n").copy(0);
  }

  private void choice(Members choice, int position) {
    Tree given = choice.get("index");
    Tree index = given == null ? Raw.of(position) : given;
    Members first = choice.copy().put("index", index).put("finish_reason", Raw.NULL);
    Tree message = first.members().remove("message");
    first.put("delta", message instanceof Members members ? delta(members) : new Members());
    chunk(List.of(first), Raw.NULL);
    Tree reason = choice.get("finish_reason");
    if (reason != null && !reason.isNull()) {
      Members last = new Members().put("index", index).put("delta", new Members());
      chunk(List.of(last.put("finish_reason", reason)), Raw.NULL);
    }
  }

  /// The message, its tool calls with the index that clients merge by.
  private static Members delta(Members message) {
    if (!(message.get("tool_calls") instanceof Items calls)) {
      return message;
    }
    List<Tree> numbered = new ArrayList<>();
    for (Tree call : calls.items()) {
      if (call instanceof Members members) {
        numbered.add(members.copy().put("index", Raw.of(numbered.size())));
      } else {
        numbered.add(call);
      }
    }
    return message.copy().put("tool_calls", new Items(numbered));
  }

  private void chunk(List<Tree> choices, Tree usage) {
    Members chunk = new Members();
    for (Map.Entry<String, Tree> member : answer.members().entrySet()) {
      String name = member.getKey();
      if (name.equals("choices")) {
        chunk.put(name, new Items(choices));
      } else if (!name.equals("usage") && (!begun || EVERYWHERE.contains(name))) {
        chunk.put(name, member.getValue());
      }
    }
    chunk.put("object", Text.of("chat.completion.chunk")).put("choices", new Items(choices));
    if (includeUsage) {
      chunk.put("usage", usage);
    }
    begun = true;
    out.add("data: ");
    chunk.write(out);
    out.add("\n\n");
  }
}
