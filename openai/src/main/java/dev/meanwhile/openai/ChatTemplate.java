package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.Envelope.Problem;
import dev.meanwhile.openai.Template.Part.Hole;
import dev.meanwhile.openai.Template.Part.Literal;
import dev.meanwhile.openai.Tree.Items;
import dev.meanwhile.openai.Tree.Members;
import dev.meanwhile.openai.Tree.Raw;
import dev.meanwhile.openai.Tree.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A chat request with holes in its messages. Immutable.
public final class ChatTemplate {
  /// Members of a request that a template says itself.
  public static final Set<String> OWN = Set.of("model", "messages", "stream", "stream_options");

  private static final Pattern IMAGE = Pattern.compile("(?i)(https?://\\S+|data:image/\\S+)");
  private static final Pattern FILE = Pattern.compile("(?i)data:([\\w.+-]+/([\\w.+-]+))[;,]\\S*");

  private final String model;
  private final List<Message> messages;
  private final Map<String, Kind> variables;
  private final Map<String, String> parameters;
  private final Set<String> beside;

  /// Who says something.
  public enum Role {
    SYSTEM,
    DEVELOPER,
    USER,
    ASSISTANT;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// What fills a hole.
  public enum Kind {
    /// A text, or any other JSON value, which is then written out.
    TEXT,
    /// An image, by its http URL or as a data URL: becomes a part of the content.
    IMAGE,
    /// A file, as a data URL: becomes a part of the content.
    FILE
  }

  /// A message with holes.
  public record Message(Role role, Template content) {}

  /// @param model as callers would name it
  /// @param messages at least one
  /// @param kinds of the variables that are no text
  /// @param parameters all other members of the request, as JSON
  /// @param beside what may be given too, and is not asked
  public ChatTemplate(
      String model,
      List<Message> messages,
      Map<String, Kind> kinds,
      Map<String, String> parameters,
      Collection<String> beside) {
    this.model = model;
    this.messages = List.copyOf(messages);
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    var found = new LinkedHashMap<String, Kind>();
    for (Message message : messages) {
      for (String name : message.content.variables()) {
        found.put(name, kinds.getOrDefault(name, Kind.TEXT));
      }
    }
    this.variables = Collections.unmodifiableMap(found);
    var others = new LinkedHashSet<>(beside);
    others.removeAll(variables.keySet());
    this.beside = Collections.unmodifiableSet(others);
  }

  /// The model that is asked.
  public String model() {
    return model;
  }

  /// What must be given, in the order in which it stands in the messages.
  public Map<String, Kind> variables() {
    return variables;
  }

  /// The request with its holes filled; [Filled#problem] says whether they could be.
  ///
  /// @param input a JSON object with each of the variables, and nothing else but what may be given
  ///   beside them; nothing at all counts as one without members
  public Filled fill(byte[] input) {
    try {
      Members given = input.length == 0 ? new Members() : Tree.object(input, 0, input.length);
      return new Filled(check(given), given);
    } catch (MalformedJson e) {
      var problem =
          new Problem(
              "The input is not a JSON object with the variables: " + e.getMessage() + ".",
              null,
              "invalid_json");
      return new Filled(problem, new Members());
    }
  }

  private @Nullable Problem check(Members given) {
    for (String name : given.members().keySet()) {
      if (!variables.containsKey(name) && !beside.contains(name)) {
        return new Problem(
            "There is no variable '%s' here; %s".formatted(name, wanted()),
            name,
            "unknown_variable");
      }
    }
    for (var variable : variables.entrySet()) {
      String name = variable.getKey();
      Tree value = plain(given.get(name));
      if (value == null) {
        return new Problem(
            "The variable '%s' is missing; %s".formatted(name, wanted()), name, "missing_variable");
      }
      String text = Tree.string(value);
      switch (variable.getValue()) {
        case TEXT -> {
          if (value.isNull()) {
            return invalid(name, "a text, or any JSON but null");
          }
        }
        case IMAGE -> {
          if (!IMAGE.matcher(text).matches()) {
            return invalid(
                name, "an image: an http URL, or a data URL such as data:image/png;base64,…");
          }
        }
        case FILE -> {
          if (!FILE.matcher(text).matches()) {
            return invalid(name, "a file as a data URL, such as data:application/pdf;base64,…");
          }
        }
      }
    }
    return null;
  }

  private String wanted() {
    var taken = new ArrayList<>(variables.keySet());
    taken.addAll(beside);
    return taken.isEmpty() ? "none is taken." : "what is taken: " + String.join(", ", taken) + ".";
  }

  private static Problem invalid(String name, String expected) {
    return new Problem(
        "The variable '%s' must be %s.".formatted(name, expected), name, "invalid_variable");
  }

  /// A value in the words that the Responses API has for parts of a content, as what is in it.
  private static @Nullable Tree plain(@Nullable Tree value) {
    return value instanceof Members part
        ? switch (Tree.string(part.get("type"))) {
          case "input_text" -> part.get("text");
          case "input_image" -> part.get("image_url");
          case "input_file" -> part.get("file_data");
          default -> value;
        }
        : value;
  }

  /// A chat request whose holes are filled.
  public final class Filled {
    private final @Nullable Problem problem;
    private final Members given;

    private Filled(@Nullable Problem problem, Members given) {
      this.problem = problem;
      this.given = given;
    }

    /// Why there is no request, or null: then the rest is there.
    public @Nullable Problem problem() {
      return problem;
    }

    /// The template whose holes are filled.
    public ChatTemplate template() {
      return ChatTemplate.this;
    }

    /// Whether a chat request asks this and nothing else, of whatever model.
    public boolean isAllOf(byte[] chat) {
      return Arrays.equals(
          CanonicalRequest.of(chat).orElse(null), CanonicalRequest.of(chat(false)).orElseThrow());
    }

    /// What was given by this name, as JSON, or null.
    public @Nullable String given(String name) {
      Tree value = plain(given.get(name));
      return value == null || value.isNull()
          ? null
          : new String(bytes(new Members().put(name, value)), UTF_8);
    }

    /// What makes two requests the same if only these variables count: their values, and all that
    /// the template says. No two of them are alike by chance: each part stands in a list of its
    /// own.
    public byte[] values(List<String> counted) {
      var said = new ArrayList<Tree>();
      for (Message message : messages) {
        var parts = new ArrayList<Tree>();
        parts.add(Text.of(message.role.word()));
        for (var part : message.content.parts()) {
          parts.add(
              switch (part) {
                case Literal literal -> Text.of(literal.text());
                case Hole hole -> {
                  Kind kind = variables.getOrDefault(hole.name(), Kind.TEXT);
                  yield list(Text.of(hole.name()), Text.of(kind.name()));
                }
              });
        }
        said.add(new Items(parts));
      }
      var more = new ArrayList<Tree>();
      parameters.forEach((name, json) -> more.add(list(Text.of(name), new Raw(json))));
      var values = new ArrayList<Tree>();
      for (String name : counted) {
        Tree value = plain(given.get(name));
        values.add(list(Text.of(name), value == null ? Raw.NULL : value));
      }
      return bytes(
          new Members().put("counted", list(new Items(said), new Items(more), new Items(values))));
    }

    /// The names of all variables.
    public Set<String> variables() {
      return variables.keySet();
    }

    /// The values of these variables, as JSON.
    public List<String> texts(List<String> names) {
      return names.stream()
          .map(name -> {
            Tree value = plain(given.get(name));
            return value == null ? "null" : new String(bytes(value), UTF_8);
          })
          .toList();
    }

    /// All variables, as the JSON object that [#fill] takes.
    public String input() {
      return new String(bytes(given), UTF_8);
    }

    /// The chat request.
    ///
    /// @param streamed whether it is to ask for a stream, with its closing usage chunk
    public byte[] chat(boolean streamed) {
      var said = new ArrayList<Tree>();
      for (Message message : messages) {
        said.add(message(message, ChatTemplate::chatPart));
      }
      var chat = new Members().put("model", Text.of(model)).put("messages", new Items(said));
      parameters.forEach((name, json) -> chat.put(name, new Raw(json)));
      if (streamed) {
        chat.put("stream", new Raw("true"));
        chat.put("stream_options", new Members().put("include_usage", new Raw("true")));
      }
      return bytes(chat);
    }

    /// A request of the Responses API that named this as its prompt, written out: the messages are
    /// what is said before its own input. Its own model counts, if it has one.
    public byte[] responses(byte[] request) {
      Members asked = Tree.object(request, 0, request.length);
      var said = new ArrayList<Tree>();
      for (Message message : messages) {
        said.add(message(message, part -> part).put("type", Text.of("message")));
      }
      switch (asked.get("input")) {
        case Items more -> said.addAll(more.items());
        case Text text when !text.isEmpty() ->
            said.add(
                new Members()
                    .put("role", Text.of("user"))
                    .put("content", text)
                    .put("type", Text.of("message")));
        case null -> {}
        case Tree other when other.isEmpty() -> {}
        // Whoever reads the whole says that it is no item.
        case Tree other -> said.add(other);
      }
      var whole = new Members().put("model", Text.of(model));
      asked
          .members()
          .forEach((name, value) -> {
            if (!name.equals("prompt") && !(name.equals("model") && value.isNull())) {
              whole.put(name, value);
            }
          });
      return bytes(whole.put("input", new Items(said)));
    }

    /// A chat request with the parameters that it does not give itself.
    public byte[] withParameters(byte[] chat) {
      Members request = Tree.object(chat, 0, chat.length);
      parameters.forEach((name, json) -> {
        if (request.get(name) == null) {
          request.put(name, new Raw(json));
        }
      });
      return bytes(request);
    }

    /// The content is a text where it is nothing else.
    private Members message(Message message, Writing writing) {
      var parts = new ArrayList<Tree>();
      var text = new StringBuilder();
      boolean mixed = false;
      for (Template.Part part : message.content.parts()) {
        switch (part) {
          case Literal literal -> text.append(literal.text());
          case Hole hole -> {
            Kind kind = variables.getOrDefault(hole.name(), Kind.TEXT);
            Tree value = plain(given.get(hole.name()));
            if (kind == Kind.TEXT) {
              text.append(written(value));
            } else {
              mixed = true;
              flush(text, message.role, parts, writing);
              parts.add(writing.part(kind == Kind.IMAGE ? image(value) : file(hole.name())));
            }
          }
        }
      }
      var said = new Members().put("role", Text.of(message.role.word()));
      if (!mixed) {
        return said.put("content", new Text(text));
      }
      flush(text, message.role, parts, writing);
      return said.put("content", new Items(parts));
    }

    private Members file(String variable) {
      Tree value = given.get(variable);
      String data = Tree.string(plain(value));
      var type = FILE.matcher(data);
      String usual = variable + "." + (type.matches() ? type.group(2) : "bin");
      String name = value instanceof Members part ? Tree.string(part.get("filename")) : "";
      return new Members()
          .put("type", Text.of("input_file"))
          .put("filename", Text.of(name.isEmpty() ? usual : name))
          .put("file_data", Text.of(data));
    }
  }

  /// How a part of a content is written; each comes as the Responses API has it.
  private interface Writing {
    Members part(Members part);
  }

  private static void flush(StringBuilder text, Role role, List<Tree> parts, Writing writing) {
    if (!text.toString().isBlank()) {
      String type = role == Role.ASSISTANT ? "output_text" : "input_text";
      parts.add(
          writing.part(
              new Members().put("type", Text.of(type)).put("text", Text.of(text.toString()))));
    }
    text.setLength(0);
  }

  private static Members image(@Nullable Tree url) {
    return new Members()
        .put("type", Text.of("input_image"))
        .put("image_url", Text.of(Tree.string(url)));
  }

  private static Members chatPart(Members part) {
    return ChatMessages.part(part, "content");
  }

  private static String written(@Nullable Tree value) {
    return value instanceof Text text
        ? text.text().toString()
        : value == null ? "" : new String(bytes(value), UTF_8);
  }

  private static Items list(Tree... items) {
    return new Items(List.of(items));
  }

  private static byte[] bytes(Tree tree) {
    var out = new Bytes(1024);
    tree.write(out);
    return out.copy(0);
  }
}
