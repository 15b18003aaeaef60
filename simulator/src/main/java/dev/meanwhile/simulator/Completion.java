package dev.meanwhile.simulator;

/// The JSON of a plain chat answer.
final class Completion {
  private Completion() {}

  static String json(ChatCall call, String id, long created) {
    ToolCall tool = call.tool();
    String said =
        tool == null
            ? "\"" + call.whole() + "x".repeat(call.target().fault().bigLine()) + "\""
            : "null,\"tool_calls\":[" + tool.json("", tool.arguments()) + "]";
    return "{\"id\":\""
        + id
        + "\",\"object\":\"chat.completion\",\"created\":"
        + created
        + ",\"model\":\""
        + call.target().name()
        + "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
        + said
        + ",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\""
        + call.finish()
        + "\"}],"
        + "\"usage\":"
        + usage(call)
        + "}";
  }

  static String usage(ChatCall call) {
    return "{\"prompt_tokens\":"
        + call.promptTokens()
        + ",\"completion_tokens\":"
        + call.tokens()
        + ",\"total_tokens\":"
        + (call.promptTokens() + call.tokens())
        + ",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
        + "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
        + "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}";
  }
}
