package dev.meanwhile.server.config;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Budget;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.Purpose;
import dev.meanwhile.cache.Freshness;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.ChatTemplate.Kind;
import dev.meanwhile.openai.ChatTemplate.Message;
import dev.meanwhile.openai.ChatTemplate.Role;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.openai.Template;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/// Reads one entry of `operations`. For one thread.
final class OperationReader {
  private final String name;
  private final SectionReader reader;
  private final Errors errors;
  private final Values values = new Values();
  private final Values budget = new Values();
  private final Values cache = new Values();
  private final PrefetchReader prefetch;
  private final List<Message> messages = new ArrayList<>();
  private final Map<String, Kind> kinds = new LinkedHashMap<>();

  private OperationReader(String name, SectionReader reader) {
    this.name = name;
    this.reader = reader;
    this.errors = reader.errors();
    this.prefetch = new PrefetchReader(reader);
  }

  /// @param notified gets the place of `notify`, if that is said
  /// @param prefetched gets the place of `prefetch`
  /// @return null if it has a mistake, which has then been told
  static @Nullable Operation read(
      String name,
      String path,
      Node node,
      SectionReader reader,
      Map<String, Place> notified,
      Map<String, Place> prefetched) {
    var one = new OperationReader(name, reader);
    Operation operation = one.read(path, node);
    one.values.place(OperationOptions.NOTIFY).ifPresent(place -> notified.put(name, place));
    Place place = one.prefetch.place();
    if (place != null) {
      prefetched.put(name, place);
    }
    return operation;
  }

  private @Nullable Operation read(String path, Node node) {
    int before = errors.count();
    Section section =
        reader.read(path, node, OperationOptions.EXAMPLE, OperationOptions.ALL, values);
    if (section == null) {
      return null;
    }
    section
        .entries()
        .forEach((option, entry) -> {
          String at = section.path(option);
          if (option.equals(OperationOptions.BUDGET.name())) {
            reader.read(at, entry.value(), "total: 2s", OperationOptions.OF_BUDGET, budget);
          } else if (option.equals(OperationOptions.CACHE.name())) {
            reader.read(at, entry.value(), "max-age: 1h", OperationOptions.OF_CACHE, cache);
          } else if (option.equals(OperationOptions.PREFETCH.name())) {
            prefetch.read(at, entry.value());
          } else if (option.equals(OperationOptions.MESSAGES.name())) {
            readMessages(at, entry.value());
          } else if (option.equals(OperationOptions.INPUTS.name())) {
            readInputs(at, entry.value());
          }
        });
    if (errors.count() == before) {
      check(section);
    }
    return errors.count() == before ? operation() : null;
  }

  private void readMessages(String path, Node node) {
    String example = "{role: user, content: \"{{text}}\"}";
    if (!(node instanceof SequenceNode sequence) || sequence.getValue().isEmpty()) {
      errors.add(
          reader.place(path, node), "expected a list of messages, such as [" + example + "]");
      return;
    }
    for (Node element : sequence.getValue()) {
      var message = new Values();
      String at = path + "[" + messages.size() + "]";
      reader.read(at, element, example, OperationOptions.MESSAGE, message);
      Role role = message.find(OperationOptions.ROLE);
      Template content = message.find(OperationOptions.CONTENT);
      messages.add(
          new Message(
              role == null ? Role.USER : role, content == null ? Template.of("") : content));
    }
  }

  private void readInputs(String path, Node node) {
    Section section = Section.read(reader.file(), path, node, "photo: image", errors);
    if (section != null) {
      section
          .entries()
          .forEach((variable, entry) -> {
            Text text = reader.scalar(Types.KIND, section.path(variable), entry.value());
            Kind kind = text == null ? null : Types.KIND.read(text, errors);
            kinds.put(variable, kind == null ? Kind.TEXT : kind);
          });
    }
  }

  private void check(Section section) {
    Place place = section.place();
    if (!values.written(OperationOptions.FOR) && !values.written(OperationOptions.DELIVER)) {
      errors.add(
          place,
          "says neither what it is for nor how it is delivered: write for: "
              + Types.PURPOSE.placeholder().replaceAll("[<>]", "")
              + ", or deliver: sync if a caller that waits for the whole answer is meant");
    }
    boolean asks = values.written(OperationOptions.PROMPT) || !messages.isEmpty();
    if (values.written(OperationOptions.PROMPT) && !messages.isEmpty()) {
      errors.add(
          at(section, OperationOptions.MESSAGES), "goes instead of prompt: keep one of them");
    }
    if (values.written(OperationOptions.SYSTEM) && !messages.isEmpty()) {
      errors.add(
          at(section, OperationOptions.SYSTEM),
          "goes with prompt: write it into messages, as role: system");
    }
    if (asks && !values.written(OperationOptions.MODEL)) {
      errors.add(place, "model is missing: say which model is asked, such as model: gpt-4.1-mini");
    }
    for (Option<?> option : OperationOptions.OF_PROMPT) {
      if (!asks && section.entries().containsKey(option.name())) {
        errors.add(
            at(section, option),
            "goes with prompt or messages, which are missing; calls that bring their own question"
                + " bring this too");
      }
    }
    boolean falls = values.find(OperationOptions.AT_BUDGET) == AtBudget.FALLBACK_VALUE;
    if (falls && !values.written(OperationOptions.FALLBACK)) {
      errors.add(
          at(section, OperationOptions.AT_BUDGET),
          "fallback-value is missing: say what is answered then, such as fallback-value: \"…\"");
    } else if (!falls && values.written(OperationOptions.FALLBACK)) {
      errors.add(
          at(section, OperationOptions.FALLBACK),
          "is answered only with at-budget: fallback-value; write that too, or neither");
    }
    boolean expires = values.get(OperationOptions.EXPIRE);
    if (expires && budget(values.find(OperationOptions.FOR)).total() == null) {
      errors.add(
          at(section, OperationOptions.EXPIRE),
          "needs a budget for the whole answer: write budget: {total: 60s}, or a for that has one");
    }
    Map<String, String> parameters = values.find(OperationOptions.PARAMETERS);
    if (values.written(OperationOptions.SCHEMA)
        && parameters != null
        && parameters.containsKey("response_format")) {
      errors.add(
          at(section, OperationOptions.SCHEMA),
          "and parameters.response_format say the same thing: keep one of them");
    }
    checkInputs(section);
    checkCache(section);
    Set<String> variables = new LinkedHashSet<>();
    said().forEach(message -> variables.addAll(message.content().variables()));
    prefetch.check(variables, cache, asks);
  }

  private void checkCache(Section section) {
    List<String> key = cache.find(OperationOptions.CACHE_KEY);
    if (key != null) {
      Set<String> known = new HashSet<>();
      said().forEach(message -> known.addAll(message.content().variables()));
      for (String variable : key) {
        if (!known.contains(variable)) {
          errors.add(
              cache.place(OperationOptions.CACHE_KEY).orElse(section.place()),
              Errors.quote(variable)
                  + " is no variable of the prompt"
                  + Suggestion.nearest(variable, known)
                      .map(near -> "; did you mean '" + near + "'?")
                      .orElse("; the key is made of its variables, or leave it out"));
        }
      }
    }
    boolean stale = values.find(OperationOptions.AT_BUDGET) == AtBudget.STALE;
    Duration kept = cache.find(OperationOptions.IF_ERROR);
    if (stale && (kept == null || kept.isZero())) {
      errors.add(
          at(section, OperationOptions.AT_BUDGET),
          "stale needs an answer that was kept: write cache: {max-age: 1h, stale-if-error: 24h}, or"
              + " another at-budget");
    }
  }

  private @Nullable CachePolicy cachePolicy() {
    return values.written(OperationOptions.CACHE) || cache.written(OperationOptions.MAX_AGE)
        ? new CachePolicy(
            new Freshness(
                cache.get(OperationOptions.MAX_AGE),
                cache.get(OperationOptions.WHILE_REVALIDATE),
                cache.get(OperationOptions.IF_ERROR),
                cache.get(OperationOptions.ERRORS)),
            cache.find(OperationOptions.CACHE_KEY),
            cache.find(OperationOptions.TAGS) == null
                ? List.of()
                : cache.get(OperationOptions.TAGS),
            cache.get(OperationOptions.SHARE))
        : null;
  }

  private void checkInputs(Section section) {
    Set<String> used = new HashSet<>();
    for (Message message : said()) {
      used.addAll(message.content().variables());
      for (String variable : message.content().variables()) {
        if (message.role() != Role.USER && kinds.getOrDefault(variable, Kind.TEXT) != Kind.TEXT) {
          errors.add(
              at(section, OperationOptions.INPUTS),
              Errors.quote(variable) + " is an image or a file, which only role: user can say");
        }
      }
    }
    for (String variable : kinds.keySet()) {
      if (!used.contains(variable)) {
        errors.add(
            at(section, OperationOptions.INPUTS),
            Errors.quote(variable)
                + " stands nowhere in the prompt"
                + Suggestion.nearest(variable, used)
                    .map(near -> "; did you mean '" + near + "'?")
                    .orElse("; write {{" + variable + "}} there, or remove it"));
      }
    }
  }

  private static Place at(Section section, Option<?> option) {
    Section.Entry entry = section.entries().get(option.name());
    return entry == null ? section.place() : entry.name().in(option.name());
  }

  private List<Message> said() {
    Template prompt = values.find(OperationOptions.PROMPT);
    if (prompt == null) {
      return messages;
    }
    Template system = values.find(OperationOptions.SYSTEM);
    var said = new ArrayList<Message>();
    if (system != null) {
      said.add(new Message(Role.SYSTEM, system));
    }
    said.add(new Message(Role.USER, prompt));
    return said;
  }

  private Operation operation() {
    Purpose purpose = values.find(OperationOptions.FOR);
    Deliver deliver = values.find(OperationOptions.DELIVER);
    return new Operation(
        name,
        purpose,
        template(),
        budget(purpose),
        deliver != null ? deliver : purpose != null ? purpose.deliver() : Deliver.SYNC,
        values.find(OperationOptions.AT_BUDGET),
        values.get(OperationOptions.EXPIRE),
        values.find(OperationOptions.FALLBACK),
        values.find(OperationOptions.NOTIFY),
        cachePolicy(),
        superseding(),
        prefetch.policy(),
        values.find(OperationOptions.ON_LEAVE),
        values.find(OperationOptions.FIRST_CONTENT),
        values.find(OperationOptions.BETWEEN),
        values.find(OperationOptions.TOTAL));
  }

  private Budget budget(@Nullable Purpose purpose) {
    Duration total = budget.find(OperationOptions.BUDGET_TOTAL);
    Duration first = budget.find(OperationOptions.BUDGET_FIRST);
    return purpose == null
        ? new Budget(total, first)
        : new Budget(
            total == null ? purpose.budget().total() : total,
            first == null ? purpose.budget().firstToken() : first);
  }

  private @Nullable ChatTemplate template() {
    List<Message> said = said();
    if (said.isEmpty()) {
      return null;
    }
    var parameters = new LinkedHashMap<String, String>();
    Map<String, String> more = values.find(OperationOptions.PARAMETERS);
    if (more != null) {
      parameters.putAll(more);
    }
    String schema = values.find(OperationOptions.SCHEMA);
    if (schema != null) {
      parameters.put(
          "response_format",
          "{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
              + JsonText.quoted(name.replace('.', '_'))
              + ",\"strict\":true,\"schema\":"
              + schema
              + "}}");
    }
    return new ChatTemplate(
        values.get(OperationOptions.MODEL), said, kinds, parameters, superseding());
  }

  private List<String> superseding() {
    List<String> names = values.find(OperationOptions.SUPERSEDE);
    return names == null ? List.of() : names;
  }
}
