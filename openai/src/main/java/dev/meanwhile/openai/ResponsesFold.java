package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.LogReader;
import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Folds the log of a chat call, or of one of the Responses API itself, into that API's events,
/// which it numbers, and its object. What it says depends on the run and its log only, so whoever
/// folds it again, from wherever, gets the same. For one thread.
///
/// A log of that API itself can be told in two ways: *theirs*, with the upstream's id, numbers and
/// words; or as any other of ours.
///
/// In this order: [#begin], [#add] as often as there is something, [#end].
public final class ResponsesFold {
  /// What of the upstream's object is not the same in ours.
  private static final Set<String> OURS =
      Set.of(
          "id",
          "created_at",
          "completed_at",
          "status",
          "background",
          "previous_response_id",
          "output");

  /// The codes of failures that the upstream reported.
  private static final Set<String> THEIRS = Set.of("upstream_error", "insufficient_quota");

  /// The codes that an object's error can have; SDKs know no others.
  private static final Set<String> CODES =
      Set.of(
          "server_error",
          "rate_limit_exceeded",
          "invalid_prompt",
          "data_residency_mismatch",
          "bio_policy",
          "vector_store_timeout",
          "invalid_image",
          "invalid_image_format",
          "invalid_base64_image",
          "invalid_image_url",
          "image_too_large",
          "image_too_small",
          "image_parse_error",
          "image_content_policy_violation",
          "invalid_image_mode",
          "image_file_too_large",
          "unsupported_image_media_type",
          "empty_image_file",
          "failed_to_download_image",
          "image_file_not_found");

  /// The service tiers of this API; chat APIs have others, which its SDKs do not know.
  private static final Set<String> TIERS = Set.of("auto", "default", "flex", "scale", "priority");

  private final String id;
  private final long createdAt;
  private final Members asked;
  private final boolean background;
  private final boolean theirs;
  private final ResponsesEcho echo = new ResponsesEcho();
  private final Out out;
  private final ResponsesOutput output;
  private final DataEvents data = new DataEvents(this::chunk);
  private Tree model;
  private Tree tier;
  private Tree usage = Raw.NULL;
  private String finish = "";

  /// The error that the upstream reported, in its own words, or null.
  private @Nullable Members trouble;

  private int number;
  private boolean working;

  /// Takes one event of the Responses API.
  public interface Out {
    void event(int number, String type, byte[] json);
  }

  /// The fold of a run of this API.
  ///
  /// @param out gets each event; null: nobody wants them, only the object
  public ResponsesFold(Run run, @Nullable Out out) {
    this(run, false, out);
  }

  /// The same.
  ///
  /// @param theirs whether it is told as the upstream told it, which must speak this API
  public ResponsesFold(Run run, boolean theirs, @Nullable Out out) {
    this.theirs = theirs;
    this.id = idOf(run.id());
    this.createdAt = run.createdAt() / 1000;
    ResponsesRequest request = request(run);
    this.asked = request.asked();
    this.background = request.background();
    this.model = Text.of(run.about().model());
    this.tier = ResponsesRequest.given(asked.get("service_tier")) ? at("service_tier") : auto();
    this.out = out == null ? (_, _, _) -> {} : out;
    this.output =
        new ResponsesOutput(
            id.substring(id.indexOf('_') + 1), out == null ? (_, _) -> {} : this::emit);
  }

  /// The id that a run has in this API.
  public static String idOf(String run) {
    return "resp_" + run.substring(run.indexOf('_') + 1);
  }

  /// The run of such an id, or null if no run of ours can have it.
  public static @Nullable String runOf(String response) {
    return response.startsWith("resp_") ? "run_" + response.substring(5) : null;
  }

  /// What was asked.
  public static ResponsesRequest request(Run run) {
    String asked = Objects.requireNonNull(run.about().asked(), "no run of this API");
    return ResponsesRequest.accepted(asked.getBytes(UTF_8));
  }

  /// A run as it stands, with the output so far.
  public static byte[] object(Run run) {
    return object(run, false);
  }

  /// The same, as the upstream tells it or as ours.
  public static byte[] object(Run run, boolean theirs) {
    // In this order: once there is a terminal event, the end read after it is final.
    Terminal terminal = run.terminal();
    int end = run.end();
    var fold = new ResponsesFold(run, theirs, null);
    fold.begin();
    fold.add(run, Math.min(run.start(), end), end);
    byte[] whole = fold.echo.whole();
    if (theirs && whole != null && !run.isCut()) {
      return whole;
    }
    if (terminal != null) {
      return fold.end(terminal, run.endedAt());
    }
    // As the events say it: nothing has happened yet.
    Status status = fold.background && !fold.working ? Status.QUEUED : Status.IN_PROGRESS;
    return bytes(fold.object(status, 0, null));
  }

  /// The upstream's own id of the answer, or null if it has none.
  public static @Nullable String theirId(Run run) {
    var fold = new ResponsesFold(run, null);
    fold.add(run, run.start(), run.end());
    String id = Tree.string(fold.echo.response().get("id"));
    return id.isEmpty() ? null : id;
  }

  /// Whether the upstream, which speaks this API, has told the end of its answer itself.
  public static boolean isWhole(Run run) {
    var fold = new ResponsesFold(run, null);
    fold.add(run, run.start(), run.end());
    return fold.echo.whole() != null;
  }

  /// How many events a run that has ended has.
  public static int count(Run run, boolean theirs) {
    var fold = new ResponsesFold(run, theirs, (_, _, _) -> {});
    fold.begin();
    fold.add(run, run.start(), run.end());
    fold.end(Objects.requireNonNull(run.terminal()), run.endedAt());
    return fold.count();
  }

  /// What is said before anything has happened.
  public void begin() {
    if (theirs) {
      return;
    }
    Status status = background ? Status.QUEUED : Status.IN_PROGRESS;
    emitObject("response.created", object(status, 0, null));
    if (background) {
      emitObject("response.queued", object(status, 0, null));
    } else {
      work();
    }
  }

  /// Adds the events from `from` (inclusive) to `to` (exclusive) of the log.
  public void add(LogReader log, int from, int to) {
    for (int i = from; i < to; i++) {
      work();
      switch (log.kind(i)) {
        case CONTENT, FRAME, USAGE, ERROR -> log.read(i, i + 1, data::feed);
        case ANSWER -> {
          byte[] answer = log.bytes(i, i + 1);
          chunk(answer, 0, answer.length);
        }
        case MARK -> {}
        // Only where nothing was said yet: see hasContent().
        case RESTARTED -> {
          finish = "";
          trouble = null;
        }
      }
    }
  }

  /// Whether anything was said of the answer itself.
  public boolean hasContent() {
    return output.hasContent() || echo.hasContent();
  }

  /// How many events there were.
  public int count() {
    return number;
  }

  /// The log has ended.
  ///
  /// @param millis when, in milliseconds since 1970
  /// @return the object as it is from now on
  public byte[] end(Terminal terminal, long millis) {
    boolean told = theirs && echo.whole() != null;
    if (terminal.status() != Status.CANCELLED) {
      work();
    }
    String type =
        switch (terminal.status()) {
          case COMPLETED -> "response.completed";
          case INCOMPLETE -> "response.incomplete";
          case FAILED -> "response.failed";
          // There is no event for it.
          case CANCELLED, QUEUED, IN_PROGRESS -> null;
        };
    Failure failure = inItsWords(terminal.failure());
    if (failure != null && !told && (!theirs || trouble == null)) {
      emitObject("error", error(failure));
    }
    if (terminal.status() == Status.COMPLETED || terminal.status() == Status.INCOMPLETE) {
      output.close(terminal.status().word());
    } else {
      output.abandon();
    }
    Members object = object(terminal.status(), millis / 1000, failure);
    if (type != null && !told) {
      emitObject(type, object);
    }
    return bytes(object);
  }

  private void work() {
    if (!working && !theirs) {
      working = true;
      emitObject("response.in_progress", object(Status.IN_PROGRESS, 0, null));
    }
  }

  private void emitObject(String type, Members value) {
    emit(type, type.equals("error") ? value : new Members().put("response", value));
  }

  private void emit(String type, Members members) {
    Members event = new Members().put("type", Text.of(type));
    event.put("sequence_number", Raw.of(number));
    event.members().putAll(members.members());
    out.event(number, type, bytes(event));
    number++;
  }

  private static byte[] bytes(Members members) {
    var bytes = new Bytes(1024);
    members.write(bytes);
    return bytes.copy(0);
  }

  /// Nested and flat at once: some SDKs read it this way, some that.
  private static Members error(Failure failure) {
    byte[] body = ErrorBody.of(failure);
    Members nested =
        (Members) Objects.requireNonNull(Tree.object(body, 0, body.length).get("error"));
    Members flat = new Members();
    for (String name : List.of("message", "code", "param")) {
      flat.put(name, Objects.requireNonNull(nested.get(name)));
    }
    return flat.put("error", nested);
  }

  /// The data of a chat chunk, or a plain chat answer.
  private void chunk(byte[] bytes, int offset, int length) {
    Members chunk;
    try {
      chunk = Tree.object(bytes, offset, length);
    } catch (MalformedJson e) {
      return;
    }
    if (ResponsesEcho.is(chunk)) {
      echo(chunk, Arrays.copyOfRange(bytes, offset, offset + length));
      return;
    }
    if (ResponsesRequest.given(chunk.get("error"))) {
      trouble(chunk.get("error"));
      return;
    }
    if (chunk.get("model") instanceof Text name && !name.isEmpty()) {
      model = name;
    }
    if (chunk.get("service_tier") instanceof Text name && TIERS.contains(name.text().toString())) {
      tier = name;
    }
    if (chunk.get("usage") instanceof Members given) {
      usage = usage(given);
    } else if (chunk.get("x_groq") instanceof Members groq
        && groq.get("usage") instanceof Members given) {
      usage = usage(given);
    }
    if (chunk.get("choices") instanceof Items choices) {
      for (Tree choice : choices.items()) {
        // Only one is ever asked for.
        if (choice instanceof Members members && Tree.natural(members.get("index")) <= 0) {
          choice(members);
        }
      }
    }
  }

  /// An event of an upstream that speaks this API, or its plain answer.
  private void echo(Members event, byte[] bytes) {
    String type = ResponsesEcho.isObject(event) ? "" : Tree.string(event.get("type"));
    if (theirs && !type.isEmpty()) {
      number = ResponsesEcho.number(event, number);
      out.event(number, type, bytes);
      number++;
    }
    switch (type) {
      case "" -> {
        echo.object(event, bytes);
        if (event.get("output") instanceof Items items && !theirs) {
          items(items);
        }
      }
      case "response.created", "response.queued", "response.in_progress" ->
          echo.object(event.get("response"), null);
      case "response.completed", "response.incomplete", "response.failed", "response.cancelled" ->
          echo.object(
              event.get("response"),
              Objects.requireNonNullElse(JsonText.member(bytes, "response"), "{}").getBytes(UTF_8));
      case "error" -> trouble(event.get("error") instanceof Members nested ? nested : event);
      default -> {
        if (!theirs) {
          Members told = event.copy();
          told.members().remove("type");
          told.members().remove("sequence_number");
          emit(type, told);
        }
        echo.add(type, event);
      }
    }
  }

  /// A plain answer has come at once.
  private void items(Items items) {
    for (int i = 0; i < items.items().size(); i++) {
      Tree item = items.items().get(i);
      for (String type : List.of("response.output_item.added", "response.output_item.done")) {
        emit(type, new Members().put("output_index", Raw.of(i)).put("item", item));
      }
    }
  }

  private void choice(Members choice) {
    List<Tree> logprobs =
        choice.get("logprobs") instanceof Members all && all.get("content") instanceof Items items
            ? items.items()
            : List.of();
    if (choice.get("delta") instanceof Members delta) {
      output.add(delta, logprobs);
    }
    if (choice.get("message") instanceof Members message) {
      output.add(message, logprobs);
    }
    if (choice.get("finish_reason") instanceof Text reason && !reason.isEmpty()) {
      finish = reason.text().toString();
    }
  }

  private static Members usage(Members chat) {
    Tree in = number(chat, "prompt_tokens");
    Tree said = number(chat, "completion_tokens");
    Tree total = chat.get("total_tokens");
    Members cached = details(chat, "prompt_tokens_details");
    Members reasoned = details(chat, "completion_tokens_details");
    return new Members()
        .put("input_tokens", in)
        .put(
            "input_tokens_details",
            new Members()
                .put("cached_tokens", number(cached, "cached_tokens"))
                .put("cache_write_tokens", number(cached, "cache_write_tokens")))
        .put("output_tokens", said)
        .put(
            "output_tokens_details",
            new Members().put("reasoning_tokens", number(reasoned, "reasoning_tokens")))
        .put(
            "total_tokens",
            Tree.natural(total) >= 0
                ? Objects.requireNonNull(total)
                : Raw.of(Tree.natural(in) + Tree.natural(said)));
  }

  private static Members details(Members chat, String name) {
    return chat.get(name) instanceof Members details ? details : new Members();
  }

  private static Tree number(Members from, String name) {
    int number = Tree.natural(from.get(name));
    return Raw.of(Math.max(0, number));
  }

  /// The object with all its members, as contract.md §3 lists them.
  private Members object(Status status, long endedAt, @Nullable Failure failure) {
    Members said = echo.response();
    if (said.members().isEmpty()) {
      return ours(status, endedAt, failure);
    }
    Members object = theirs ? new Members() : ours(status, endedAt, failure);
    for (var member : said.members().entrySet()) {
      if (theirs || !OURS.contains(member.getKey())) {
        object.put(member.getKey(), member.getValue());
      }
    }
    if (failure != null && !ResponsesRequest.given(object.get("error"))) {
      object.put("error", reason(failure));
    }
    return object.put("status", Text.of(status.word())).put("output", echo.output());
  }

  private Members ours(Status status, long endedAt, @Nullable Failure failure) {
    boolean completed = status == Status.COMPLETED;
    return new Members()
        .put("id", Text.of(id))
        .put("object", Text.of("response"))
        .put("created_at", new Raw(Long.toString(createdAt)))
        .put("completed_at", completed ? new Raw(Long.toString(endedAt)) : Raw.NULL)
        .put("status", Text.of(status.word()))
        .put("incomplete_details", status == Status.INCOMPLETE ? why() : Raw.NULL)
        .put("model", model)
        .put("previous_response_id", at("previous_response_id"))
        .put("instructions", at("instructions"))
        .put("output", output.items())
        .put("error", failure == null ? Raw.NULL : reason(failure))
        .put("tools", tools())
        .put("tool_choice", or("tool_choice", auto()))
        .put("truncation", or("truncation", Text.of("disabled")))
        .put("parallel_tool_calls", or("parallel_tool_calls", new Raw("true")))
        .put("text", text())
        .put("top_p", or("top_p", Raw.of(1)))
        .put("presence_penalty", or("presence_penalty", Raw.of(0)))
        .put("frequency_penalty", or("frequency_penalty", Raw.of(0)))
        .put("top_logprobs", or("top_logprobs", Raw.of(0)))
        .put("temperature", or("temperature", Raw.of(1)))
        .put("reasoning", reasoning())
        .put("usage", usage)
        .put("max_output_tokens", at("max_output_tokens"))
        .put("max_tool_calls", at("max_tool_calls"))
        .put("store", or("store", new Raw("true")))
        .put("background", new Raw(Boolean.toString(background)))
        .put("service_tier", tier)
        .put("metadata", or("metadata", new Members()))
        .put("safety_identifier", at("safety_identifier"))
        .put("prompt_cache_key", at("prompt_cache_key"));
  }

  private Members why() {
    boolean filtered = finish.equals("content_filter");
    return new Members().put("reason", Text.of(filtered ? "content_filter" : "max_output_tokens"));
  }

  private void trouble(@Nullable Tree said) {
    if (said instanceof Members members) {
      trouble = members;
    } else if (said instanceof Text message) {
      trouble = new Members().put("message", message);
    }
  }

  /// The failure with the upstream's message, if it is the upstream's.
  private @Nullable Failure inItsWords(@Nullable Failure failure) {
    if (failure == null || trouble == null || !THEIRS.contains(failure.code())) {
      return failure;
    }
    String message = Tree.string(trouble.get("message"));
    return message.isBlank() ? failure : new Failure(failure.status(), failure.code(), message);
  }

  /// With one of the codes that SDKs know, the upstream's own if it is one; the `error` event has
  /// ours.
  private Members reason(Failure failure) {
    byte[] body = ErrorBody.of(failure);
    Members error =
        (Members) Objects.requireNonNull(Tree.object(body, 0, body.length).get("error"));
    String said = trouble == null ? "" : Tree.string(trouble.get("code"));
    return error.put("code", Text.of(CODES.contains(said) ? said : code(failure.status())));
  }

  private static String code(int status) {
    return switch (status) {
      case 429 -> "rate_limit_exceeded";
      // What was asked is at fault, and not who asked it, when or where.
      case 400, 413, 414, 415, 422 -> "invalid_prompt";
      default -> "server_error";
    };
  }

  /// With the members that clients want to see although they need not be said.
  private Items tools() {
    List<Tree> tools = new ArrayList<>();
    if (asked.get("tools") instanceof Items items) {
      for (Tree tool : items.items()) {
        Members whole = new Members();
        for (String name : List.of("description", "parameters", "strict")) {
          whole.put(name, Raw.NULL);
        }
        if (tool instanceof Members given) {
          whole.members().putAll(given.members());
        }
        tools.add(whole);
      }
    }
    return new Items(tools);
  }

  private Members text() {
    Members text = asked.get("text") instanceof Members members ? members.copy() : new Members();
    if (!ResponsesRequest.given(text.get("format"))) {
      text.put("format", new Members().put("type", Text.of("text")));
    }
    return text;
  }

  private Members reasoning() {
    Members reasoning = new Members().put("effort", Raw.NULL).put("summary", Raw.NULL);
    if (asked.get("reasoning") instanceof Members members) {
      reasoning.members().putAll(members.members());
    }
    return reasoning;
  }

  private static Tree auto() {
    return Text.of("auto");
  }

  private Tree at(String name) {
    return or(name, Raw.NULL);
  }

  private Tree or(String name, Tree otherwise) {
    Tree value = asked.get(name);
    return value == null || value.isNull() ? otherwise : value;
  }
}
