package dev.meanwhile.openai;

import dev.meanwhile.openai.Envelope.Problem;
import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A request of the Responses API, and the chat request that says the same. What a chat request
/// cannot say is a [#problem] that names the member; nothing is left out in silence.
public final class ResponsesRequest {
  private static final List<String> NUMBERS =
      List.of("temperature", "top_p", "presence_penalty", "frequency_penalty");
  private static final List<String> WORDS =
      List.of(
          "user",
          "safety_identifier",
          "prompt_cache_key",
          "prompt_cache_retention",
          "service_tier");
  private static final List<String> COUNTS =
      List.of("max_output_tokens", "max_tool_calls", "top_logprobs");

  /// Members that mean the same in both APIs.
  private static final List<String> SAME = Stream.concat(NUMBERS.stream(), WORDS.stream()).toList();

  /// Members that are kept here, or translated below.
  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "input",
          "instructions",
          "stream",
          "stream_options",
          "background",
          "store",
          "previous_response_id",
          "metadata",
          "tools",
          "tool_choice",
          "parallel_tool_calls",
          // A limit for tools that the API itself calls; there are none.
          "max_tool_calls",
          "max_output_tokens",
          "reasoning",
          "text",
          "top_logprobs",
          "include",
          "truncation");

  private static final String LOGPROBS = "message.output_text.logprobs";

  private final Members asked;
  private final @Nullable Problem problem;

  private ResponsesRequest(Members asked, @Nullable Problem problem) {
    this.asked = asked;
    this.problem = problem;
  }

  /// An earlier answer with what it was asked, as both were on the wire.
  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  public record Turn(byte[] request, byte[] response) {}

  /// Reads a body; [#problem] says whether it can be used.
  public static ResponsesRequest of(byte[] body) {
    Members asked;
    try {
      asked = Tree.object(body, 0, body.length);
    } catch (MalformedJson e) {
      return notJson(e);
    }
    try {
      new ResponsesRequest(asked, null).chat(List.of());
      return new ResponsesRequest(asked, null);
    } catch (Inexpressible e) {
      return new ResponsesRequest(asked, e.problem);
    }
  }

  /// Reads a body that goes to an upstream which speaks this API and judges it.
  public static ResponsesRequest relayed(byte[] body) {
    try {
      var asked = new ResponsesRequest(Tree.object(body, 0, body.length), null);
      for (String flag : List.of("stream", "background", "store")) {
        asked.truth(flag, false);
      }
      return asked;
    } catch (MalformedJson e) {
      return notJson(e);
    } catch (Inexpressible e) {
      return new ResponsesRequest(new Members(), e.problem);
    }
  }

  private static ResponsesRequest notJson(MalformedJson e) {
    return new ResponsesRequest(
        new Members(),
        new Problem(
            "The body is not a JSON object: " + e.getMessage() + ".", null, "invalid_json"));
  }

  /// Reads a body again that was accepted before.
  ///
  /// @throws IllegalArgumentException if it is no JSON object
  static ResponsesRequest accepted(byte[] body) {
    try {
      return new ResponsesRequest(Tree.object(body, 0, body.length), null);
    } catch (MalformedJson e) {
      throw new IllegalArgumentException(e);
    }
  }

  /// Why the request cannot be made of a chat API, or null if it can.
  public @Nullable Problem problem() {
    return problem;
  }

  /// Whether a stream is asked for.
  public boolean stream() {
    return truth("stream", false);
  }

  /// Whether nobody is to wait.
  public boolean background() {
    return truth("background", false);
  }

  /// Whether the answer may be asked for later, which is so unless it is denied.
  public boolean store() {
    return truth("store", true);
  }

  /// Whether the answer is the same for all who ask this: it is kept for none, and goes on from
  /// none.
  public boolean isAlone() {
    return !store() && previous() == null;
  }

  /// The service tier that is asked for, or an empty text.
  public String serviceTier() {
    return Tree.string(asked.get("service_tier"));
  }

  /// The answer that this goes on from, or null.
  public @Nullable String previous() {
    return asked.get("previous_response_id") instanceof Text id ? id.text().toString() : null;
  }

  /// The request as JSON.
  Members asked() {
    return asked;
  }

  /// The chat request that says the same, where `before` is what was said before, in order.
  public byte[] chat(List<Turn> before) {
    refuseUnknown(asked, "", KNOWN, SAME);
    checkTypes();
    var chat = new Members();
    if (asked.get("model") != null) {
      chat.put("model", text(asked, "", "model"));
    }
    chat.put("messages", messages(before));
    tools(chat);
    for (String name : SAME) {
      put(chat, name, asked.get(name));
    }
    put(chat, "max_completion_tokens", asked.get("max_output_tokens"));
    reasoning(chat);
    format(chat);
    logprobs(chat);
    if (!"disabled".equals(stringOr(asked.get("truncation"), "disabled"))) {
      throw inexpressible("truncation", "only \"disabled\" can be");
    }
    if (stream()) {
      chat.put("stream", new Raw("true"));
      chat.put("stream_options", new Members().put("include_usage", new Raw("true")));
    }
    var out = new Bytes(1024);
    chat.write(out);
    return out.copy(0);
  }

  /// The object repeats these, and its readers expect them of their types. What is in range only
  /// the upstream knows.
  private void checkTypes() {
    for (String flag : List.of("stream", "background", "store", "parallel_tool_calls")) {
      truth(flag, false);
    }
    for (String name : NUMBERS) {
      Tree value = asked.get(name);
      boolean number = value instanceof Raw raw && !Set.of("true", "false").contains(raw.json());
      if (given(value) && !number) {
        throw wrongType(name, "a number");
      }
    }
    for (String name : COUNTS) {
      Tree value = asked.get(name);
      if (given(value) && Tree.natural(value) < 0) {
        throw wrongType(name, "a whole number from 0 to 999999999");
      }
    }
    for (String name : WORDS) {
      if (given(asked.get(name))) {
        text(asked, "", name);
      }
    }
    Tree metadata = asked.get("metadata");
    if (given(metadata)) {
      Members members = members(metadata, "metadata");
      members.members().keySet().forEach(name -> text(members, "metadata", name));
    }
  }

  private Items messages(List<Turn> before) {
    var messages = new ChatMessages();
    Tree instructions = asked.get("instructions");
    if (given(instructions)) {
      messages.say("system", text(asked, "", "instructions"));
    }
    for (Turn turn : before) {
      messages.addAll(Tree.object(turn.request, 0, turn.request.length).get("input"), "input");
      messages.addAll(Tree.object(turn.response, 0, turn.response.length).get("output"), "output");
    }
    Tree input = asked.get("input");
    if (!given(input)) {
      throw new Inexpressible("'input' is missing: say what to answer.", "input", "missing_input");
    }
    messages.addAll(input, "input");
    return messages.all();
  }

  private void tools(Members chat) {
    var tools = new ArrayList<Tree>();
    if (given(asked.get("tools"))) {
      List<Tree> given = items(asked, "", "tools").items();
      for (int i = 0; i < given.size(); i++) {
        String at = "tools[" + i + "]";
        tools.add(tool(members(given.get(i), at), at));
      }
    }
    Tree choice = asked.get("tool_choice");
    if (tools.isEmpty()) {
      // Without tools chat APIs refuse to hear of them; `auto` and `none` say nothing then.
      if (given(choice) && !Set.of("auto", "none").contains(Tree.string(choice))) {
        throw inexpressible("tool_choice", "there are no tools to choose from, so it cannot be");
      }
      return;
    }
    chat.put("tools", new Items(tools));
    if (choice instanceof Members members) {
      chat.put("tool_choice", toolChoice(members));
    } else if (given(choice)) {
      if (!Set.of("none", "auto", "required").contains(Tree.string(choice))) {
        throw wrongType("tool_choice", "\"none\", \"auto\", \"required\" or an object");
      }
      put(chat, "tool_choice", choice);
    }
    put(chat, "parallel_tool_calls", asked.get("parallel_tool_calls"));
  }

  private static Members tool(Members tool, String at) {
    if (!Tree.string(tool.get("type")).equals("function")) {
      throw inexpressible(at + ".type", "only function tools can be");
    }
    Set<String> ours = Set.of("name", "description", "parameters", "strict");
    refuseUnknown(tool, at, ours, List.of("type"));
    var function = new Members().put("name", text(tool, at, "name"));
    if (given(tool.get("description"))) {
      function.put("description", text(tool, at, "description"));
    }
    if (given(tool.get("parameters"))) {
      function.put("parameters", members(tool.get("parameters"), at + ".parameters"));
    }
    if (given(tool.get("strict"))) {
      function.put("strict", new Raw(Boolean.toString(truth(tool, at, "strict", false))));
    }
    return new Members().put("type", Text.of("function")).put("function", function);
  }

  private static Members toolChoice(Members choice) {
    String at = "tool_choice";
    return switch (Tree.string(choice.get("type"))) {
      case "function" -> {
        refuseUnknown(choice, at, Set.of("type", "name"), List.of());
        yield function(choice, at);
      }
      case "allowed_tools" -> {
        refuseUnknown(choice, at, Set.of("type", "mode", "tools"), List.of());
        var allowed = new ArrayList<Tree>();
        for (Tree tool : items(choice, at, "tools").items()) {
          Members named = members(tool, at + ".tools");
          if (!Tree.string(named.get("type")).equals("function")) {
            throw inexpressible(at + ".tools", "only function tools can be");
          }
          allowed.add(function(named, at + ".tools"));
        }
        var inside = new Members().put("mode", text(choice, at, "mode"));
        yield new Members()
            .put("type", Text.of("allowed_tools"))
            .put("allowed_tools", inside.put("tools", new Items(allowed)));
      }
      default -> throw inexpressible(at + ".type", "only function tools can be");
    };
  }

  private static Members function(Members named, String at) {
    return new Members()
        .put("type", Text.of("function"))
        .put("function", new Members().put("name", text(named, at, "name")));
  }

  private void reasoning(Members chat) {
    Tree reasoning = asked.get("reasoning");
    if (given(reasoning)) {
      Members members = members(reasoning, "reasoning");
      refuseUnknown(members, "reasoning", Set.of("effort"), List.of());
      if (given(members.get("effort"))) {
        chat.put("reasoning_effort", text(members, "reasoning", "effort"));
      }
    }
  }

  private void format(Members chat) {
    Tree text = asked.get("text");
    if (!given(text)) {
      return;
    }
    Members members = members(text, "text");
    refuseUnknown(members, "text", Set.of("format", "verbosity"), List.of());
    if (given(members.get("verbosity"))) {
      chat.put("verbosity", text(members, "text", "verbosity"));
    }
    if (!given(members.get("format"))) {
      return;
    }
    String at = "text.format";
    Members format = members(members.get("format"), at);
    switch (Tree.string(format.get("type"))) {
      case "text" -> refuseUnknown(format, at, Set.of("type"), List.of());
      case "json_object" -> {
        refuseUnknown(format, at, Set.of("type"), List.of());
        chat.put("response_format", format);
      }
      case "json_schema" -> {
        List<String> names = List.of("name", "description", "schema", "strict");
        refuseUnknown(format, at, Set.of("type"), names);
        var schema = new Members();
        for (String name : names) {
          put(schema, name, format.get(name));
        }
        chat.put(
            "response_format",
            new Members().put("type", Text.of("json_schema")).put("json_schema", schema));
      }
      default -> throw inexpressible(at + ".type", "only text, json_object and json_schema can be");
    }
  }

  private void logprobs(Members chat) {
    boolean wanted = false;
    if (given(asked.get("include"))) {
      List<Tree> include = items(asked, "", "include").items();
      for (int i = 0; i < include.size(); i++) {
        if (!Tree.string(include.get(i)).equals(LOGPROBS)) {
          throw inexpressible("include[" + i + "]", "only \"" + LOGPROBS + "\" can be");
        }
        wanted = true;
      }
    }
    Tree top = asked.get("top_logprobs");
    boolean some = given(top) && Tree.natural(top) != 0;
    if (wanted || some) {
      chat.put("logprobs", new Raw("true"));
    }
    if (some) {
      put(chat, "top_logprobs", top);
    }
  }

  private boolean truth(String name, boolean unsaid) {
    return truth(asked, "", name, unsaid);
  }

  private static boolean truth(Members from, String at, String name, boolean unsaid) {
    Tree value = from.get(name);
    if (!given(value)) {
      return unsaid;
    }
    if (value instanceof Raw raw && (raw.json().equals("true") || raw.json().equals("false"))) {
      return raw.json().equals("true");
    }
    throw wrongType(path(at, name), "a boolean");
  }

  static boolean given(@Nullable Tree value) {
    return value != null && !value.isNull();
  }

  static void put(Members into, String name, @Nullable Tree value) {
    if (value != null && !value.isNull()) {
      into.put(name, value);
    }
  }

  static String stringOr(@Nullable Tree value, String otherwise) {
    return value != null && !value.isNull() ? Tree.string(value) : otherwise;
  }

  /// Refuses members that would be left out.
  static void refuseUnknown(Members given, String at, Set<String> known, List<String> more) {
    for (var member : given.members().entrySet()) {
      String name = member.getKey();
      if (!known.contains(name) && !more.contains(name) && !member.getValue().isNull()) {
        throw inexpressible(path(at, name), "it cannot be");
      }
    }
  }

  static String path(String at, String name) {
    return at.isEmpty() ? name : at + "." + name;
  }

  static Members members(@Nullable Tree value, String at) {
    if (value instanceof Members members) {
      return members;
    }
    throw wrongType(at, "an object");
  }

  static Items items(Members from, String at, String name) {
    if (from.get(name) instanceof Items items) {
      return items;
    }
    throw wrongType(path(at, name), "an array");
  }

  static Text text(Members from, String at, String name) {
    if (from.get(name) instanceof Text text) {
      return text;
    }
    throw wrongType(path(at, name), "a string");
  }

  static Inexpressible wrongType(String param, String expected) {
    return new Inexpressible(
        "Invalid type for '" + param + "': expected " + expected + ".", param, "invalid_type");
  }

  /// @param what of it can be said; put before "said to an upstream …"
  static Inexpressible inexpressible(String param, String what) {
    return new Inexpressible(
        "'"
            + param
            + "' is not supported here: "
            + what
            + " said to an upstream that speaks chat completions only.",
        param,
        "unsupported_parameter");
  }

  /// The request says what a chat request cannot. Without a stack trace: it is a result, not a bug.
  static final class Inexpressible extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    Inexpressible(String message, String param, String code) {
      super(message, null, false, false);
      this.problem = new Problem(message, param, code);
    }
  }
}
