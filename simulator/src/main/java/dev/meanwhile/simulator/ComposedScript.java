package dev.meanwhile.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.buffer.Buffer;
import java.util.Arrays;

/// A stream of prose, or of a tool's arguments, in OpenAI's chunks. What surrounds a token is the
/// same for all of a stream's chunks and encoded once.
final class ComposedScript implements Script {
  private static final String CHOICE = "\"choices\":[{\"index\":0,\"delta\":{";
  private static final String OPEN_CHOICE = "},\"logprobs\":null,\"finish_reason\":null}]";

  private final ChatCall call;
  private final String start;
  private final String end;
  private final byte[] before;
  private final byte[] after;
  private final byte[] padding;

  /// @param id of the completion
  /// @param created Unix seconds
  ComposedScript(ChatCall call, String id, long created, Framing framing) {
    this.call = call;
    this.start =
        framing.before()
            + "\"id\":\""
            + id
            + "\",\"object\":\"chat.completion.chunk\",\"created\":"
            + created
            + ",\"model\":\""
            + call.target().name()
            + "\",";
    this.end = (call.usage() ? ",\"usage\":null}" : "}") + framing.after();
    boolean says = call.tool() == null;
    String member =
        says ? "\"content\":\"" : "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"";
    this.before = (start + CHOICE + member).getBytes(UTF_8);
    this.after = ((says ? "\"" : "\"}}]") + OPEN_CHOICE + end).getBytes(UTF_8);
    this.padding = padding(call.target().fault().bigLine());
  }

  /// So much that the line of the first token has that many bytes.
  private byte[] padding(int line) {
    if (line == 0) {
      return new byte[0];
    }
    int natural = before.length + call.token(0).length + after.length - 2;
    byte[] padding = new byte[Math.max(0, line - natural)];
    Arrays.fill(padding, (byte) 'x');
    return padding;
  }

  @Override
  public int tokens() {
    return call.tokens();
  }

  @Override
  public void opening(Buffer out) {
    ToolCall tool = call.tool();
    out.appendString(start)
        .appendString(CHOICE)
        .appendString("\"role\":\"assistant\",")
        .appendString(
            tool == null
                ? "\"content\":\"\",\"refusal\":null"
                : "\"content\":null,\"tool_calls\":[" + tool.json("\"index\":0,", "") + "]")
        .appendString(OPEN_CHOICE)
        .appendString(end);
  }

  @Override
  public void token(Buffer out, int index) {
    out.appendBytes(before).appendBytes(call.token(index));
    if (index == 0) {
      out.appendBytes(padding);
    }
    out.appendBytes(after);
  }

  @Override
  public void closing(Buffer out) {
    out.appendString(start)
        .appendString(CHOICE)
        .appendString("},\"logprobs\":null,\"finish_reason\":\"" + call.finish() + "\"}]")
        .appendString(end);
    if (call.usage()) {
      String withUsage = end.replaceFirst("null", Completion.usage(call));
      out.appendString(start).appendString("\"choices\":[]").appendString(withUsage);
    }
  }
}
