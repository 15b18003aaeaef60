package dev.meanwhile.server.kit;

/// Chat requests and answers, as short as they can be.
public final class Chat {
  /// A plain call; what it asks makes it different from others.
  public static String plain(String question, String... members) {
    var body =
        new StringBuilder(
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + question + "\"}]");
    for (String member : members) {
      body.append(',').append(member);
    }
    return body.append('}').toString();
  }

  public static String streamed(String question, String... members) {
    String plain = plain(question, members);
    return plain.substring(0, plain.length() - 1) + ",\"stream\":true}";
  }

  /// A streamed call that plain ones may share.
  public static String shared(String question) {
    return streamed(question, ZERO, "\"stream_options\":{\"include_usage\":true}");
  }

  /// What makes a chat call coalesce.
  public static final String ZERO = "\"temperature\":0";

  /// A chunk that says `text`.
  public static String chunk(String text) {
    return chunk("{\"content\":\"" + text + "\"}", "null");
  }

  /// A chunk with this delta and this finish reason, as JSON.
  public static String chunk(String delta, String finish) {
    return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
        + "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
        + delta
        + ",\"finish_reason\":"
        + finish
        + "}]}";
  }

  public static String stop() {
    return chunk("{}", "\"stop\"");
  }

  /// The closing chunk with the usage.
  public static String usage() {
    return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
        + "\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
        + "\"completion_tokens\":2,\"total_tokens\":3}}";
  }

  /// A whole plain answer.
  public static String answer(String text) {
    return "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\","
        + "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\""
        + text
        + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,"
        + "\"completion_tokens\":2,\"total_tokens\":3}}";
  }

  private Chat() {}
}
