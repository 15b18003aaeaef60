package dev.meanwhile.server.config;

import dev.meanwhile.budget.AtBudget;
import dev.meanwhile.budget.Deliver;
import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.budget.Purpose;
import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.Template;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The tables of an entry of `operations`, and of what is in it.
final class OperationOptions {
  static final String EXAMPLE = "{for: page, model: gpt-4.1-mini, prompt: \"Summarise: {{text}}\"}";
  static final Type<String> NAME = Types.name("a name", "customer-summary");

  static final Option<Purpose> FOR =
      Option.optional("for", Types.PURPOSE, "not said", "what it is for: gives budget and deliver");
  static final Option<String> MODEL =
      Option.optional("model", Types.TEXT, "needed by a prompt", "model that is asked");
  static final Option<Template> PROMPT =
      Option.optional(
          "prompt",
          Types.TEMPLATE,
          "none: calls bring their own",
          "what the user says, with {{variables}}");
  static final Option<Template> SYSTEM =
      Option.optional(
          "system", Types.TEMPLATE, "none", "what is said before the prompt, as the system");
  static final Option<String> MESSAGES =
      Option.optional(
          "messages",
          Type.nested("[{role, content}, …]", "a list of messages"),
          "the prompt",
          "instead of prompt and system: all that is said");
  static final Option<String> INPUTS =
      Option.optional(
          "inputs",
          Type.nested("{name: kind, …}", "names of variables and their kinds"),
          "all are text",
          "which variables are an image or a file");
  static final Option<Map<String, String>> PARAMETERS =
      Option.optional(
          "parameters",
          Types.PARAMETERS,
          "none",
          "more members of the request, such as temperature: 0");
  static final Option<String> SCHEMA =
      Option.optional(
          "schema", Types.JSON_OBJECT, "none", "JSON Schema that the answer must match, strictly");
  static final Option<String> BUDGET =
      Option.optional(
          "budget",
          Type.nested("{total, first-token}", "durations by name"),
          "as for says",
          "what its user tolerates");
  static final Option<Deliver> DELIVER =
      Option.optional(
          "deliver", Types.DELIVER, "as for says", "how callers that do not say get the answer");
  static final Option<AtBudget> AT_BUDGET =
      Option.optional(
          "at-budget",
          Types.AT_BUDGET,
          "detach where 202 is allowed, else wait",
          "what a waiting caller gets when its budget runs out; detach written here allows 202");
  static final Option<Boolean> EXPIRE =
      Option.of(
          "expire",
          Types.BOOLEAN,
          "false",
          "a call that nobody waits for is cancelled when its budget runs out");
  static final Option<String> FALLBACK =
      Option.optional(
          "fallback-value",
          Types.TEXT,
          "none",
          "the text that at-budget: fallback-value answers with");
  static final Option<String> NOTIFY =
      Option.optional(
          "notify",
          Types.MAILTO,
          "nobody",
          "who gets a mail at the end of each call that does not say Meanwhile-Notify itself");
  static final Option<String> CACHE =
      Option.optional(
          "cache",
          Type.nested("{max-age, …}", "durations and lists by name"),
          "nothing is kept",
          "how answers are given again");
  static final Option<List<String>> SUPERSEDE =
      Option.optional(
          "supersede",
          Types.NAMES,
          "nothing",
          "a newer call stops the older one whose values of these are the same; user is the request's");
  static final Option<String> PREFETCH =
      Option.optional(
          "prefetch",
          Type.nested("{over, …}", "names and values"),
          "nothing is fetched ahead",
          "which answers are made before anyone asks");
  static final Option<OnLeave> ON_LEAVE =
      Option.optional(
          "on-leave", Types.ON_LEAVE, "the key's", "what to do when the last caller left");
  static final Option<Duration> FIRST_CONTENT =
      Option.optional(
          "first-content-timeout",
          Durations.positive(),
          "the server's",
          "how long an upstream may take to its first content");
  static final Option<Duration> BETWEEN =
      Option.optional(
          "between-timeout",
          Durations.positive(),
          "the server's",
          "how long an upstream may be silent between events");
  static final Option<Duration> TOTAL =
      Option.optional(
          "total-timeout", Durations.positive(), "the server's", "how long a whole call may take");

  static final List<Option<?>> ALL =
      List.of(
          FOR,
          MODEL,
          PROMPT,
          SYSTEM,
          MESSAGES,
          INPUTS,
          PARAMETERS,
          SCHEMA,
          BUDGET,
          DELIVER,
          AT_BUDGET,
          EXPIRE,
          FALLBACK,
          NOTIFY,
          CACHE,
          SUPERSEDE,
          PREFETCH,
          ON_LEAVE,
          FIRST_CONTENT,
          BETWEEN,
          TOTAL);

  /// What belongs to a prompt, and says nothing without one.
  static final List<Option<?>> OF_PROMPT = List.of(MODEL, SYSTEM, INPUTS, PARAMETERS, SCHEMA);

  /// The table of a message.
  static final Option<ChatTemplate.Role> ROLE = Option.required("role", Types.ROLE, "who says it");

  static final Option<Template> CONTENT =
      Option.required("content", Types.TEMPLATE, "what is said, with {{variables}}");
  static final List<Option<?>> MESSAGE = List.of(ROLE, CONTENT);

  /// The table of a budget.
  static final Option<Duration> BUDGET_TOTAL =
      Option.optional("total", Durations.positive(), "as for says", "to the whole answer");

  static final Option<Duration> BUDGET_FIRST =
      Option.optional(
          "first-token",
          Durations.positive(),
          "as for says",
          "to the first content of a streamed answer");
  static final List<Option<?>> OF_BUDGET = List.of(BUDGET_TOTAL, BUDGET_FIRST);

  /// The table of a cache.
  static final Option<Duration> MAX_AGE =
      Option.required("max-age", Durations.positive(), "how long an answer is fresh");

  static final Option<Duration> WHILE_REVALIDATE =
      Option.of(
          "stale-while-revalidate",
          Durations.orZero(),
          "0s",
          "how long after that it is still given, while a new one is made");
  static final Option<Duration> IF_ERROR =
      Option.of(
          "stale-if-error",
          Durations.orZero(),
          "0s",
          "how long after max-age it is given in the place of an upstream's failure, and with at-budget: stale of a late answer");
  static final Option<Duration> ERRORS =
      Option.of(
          "errors",
          Durations.orZero(),
          "0s",
          "how long an upstream's 400, 404, 413 or 422 is given again");
  static final Option<List<String>> CACHE_KEY =
      Option.optional(
          "key",
          Types.NAMES,
          "all that is asked",
          "the variables that make two calls the same, beside prompt and model");
  static final Option<List<String>> TAGS =
      Option.optional("tags", Types.NAMES, "none", "by which answers can be purged together");
  static final Option<CachePolicy.Share> SHARE =
      Option.of("share", Types.SHARE, "tenant", "who is given an answer again");
  static final List<Option<?>> OF_CACHE =
      List.of(MAX_AGE, WHILE_REVALIDATE, IF_ERROR, ERRORS, CACHE_KEY, TAGS, SHARE);

  /// The table of a prefetch.
  static final Option<String> OVER =
      Option.optional(
          "over",
          Type.nested("{variable: [value, …], …}", "variables and their values"),
          "none",
          "all that will be asked: every combination of these values; instead of a list, or of all of it, a CSV file or a URL");

  static final Option<Cron> AT =
      Option.optional(
          "at", Types.CRON, "when answers near their end", "when all of over is fetched");
  static final Option<Boolean> LEARN =
      Option.of(
          "learn",
          Types.BOOLEAN,
          "false",
          "fetch what is likely to be asked, as its past says; of over only that");
  static final Option<Long> TOKENS_PER_HOUR =
      Option.optional(
          "tokens-per-hour",
          Types.COUNT,
          "any number; needed by learn",
          "the most tokens that are spent on it in any 60 minutes");
  static final Option<Double> MIN_PROBABILITY =
      Option.of("min-probability", Types.FRACTION, "0.8", "how likely learn must find it");
  static final Option<Double> WASTE_MAX =
      Option.of(
          "waste-max", Types.FRACTION, "0.2", "which part of what learn fetches may go unread");
  static final Option<List<String>> TENANTS =
      Option.optional(
          "tenants",
          Types.NAMES,
          "all that have a key",
          "for whom over is fetched; without keys for those who send no credential");
  static final List<Option<?>> OF_PREFETCH =
      List.of(OVER, AT, LEARN, TOKENS_PER_HOUR, MIN_PROBABILITY, WASTE_MAX, TENANTS);

  private OperationOptions() {}
}
