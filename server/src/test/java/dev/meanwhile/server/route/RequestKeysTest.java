package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.budget.OnLeave;
import dev.meanwhile.cache.Key;
import dev.meanwhile.server.auth.Caller;
import dev.meanwhile.server.auth.Secret;
import dev.meanwhile.server.config.Coalesce;
import dev.meanwhile.testkit.Seeds;
import dev.meanwhile.upstream.Request;
import io.vertx.core.MultiMap;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// What makes two requests the same, and what does not: a wrong key gives somebody another's
/// answer.
class RequestKeysTest {
  private static final Secret SECRET = Secret.random();

  /// What a request says beside its body. The tables below know them by these numbers.
  private static final int CREDENTIAL = 1;

  private static final int USER = 10;
  private static final int VALUES = 11;
  private static final int BODY = 12;

  private static final Caller NOBODY = caller("", "");

  /// Members that count, each with values of different meanings.
  private static final Map<String, List<String>> COUNTED =
      Map.ofEntries(
          Map.entry(
              "messages",
              List.of(
                  "[{\"role\":\"user\",\"content\":\"Hello\"}]",
                  "[{\"role\":\"user\",\"content\":\"Hello \"}]",
                  "[{\"role\":\"system\",\"content\":\"Hello\"}]",
                  "[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"user\",\"content\":\"\"}]",
                  "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]}]",
                  "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAB\"}}]}]")),
          Map.entry("temperature", List.of("0", "1", "0.1", "null")),
          Map.entry("top_p", List.of("1", "0.5")),
          Map.entry("n", List.of("1", "2")),
          Map.entry("seed", List.of("9007199254740992", "9007199254740993")),
          Map.entry("max_tokens", List.of("10", "100")),
          Map.entry("max_completion_tokens", List.of("10", "100")),
          Map.entry("stop", List.of("\"a\"", "[\"a\"]", "[\"a\",\"b\"]", "[\"b\",\"a\"]")),
          Map.entry("logit_bias", List.of("{}", "{\"50256\":-100}", "{\"50256\":100}")),
          Map.entry("reasoning_effort", List.of("\"low\"", "\"high\"")),
          Map.entry(
              "tools",
              List.of(
                  "[]",
                  "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"a\":1,\"b\":2}}}]",
                  "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"b\":2,\"a\":1}}}]")),
          Map.entry(
              "response_format",
              List.of(
                  "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"properties\":{\"a\":{},\"b\":{}}}}}",
                  "{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"properties\":{\"b\":{},\"a\":{}}}}}")),
          Map.entry("nobody_knows_this", List.of("true", "false", "{\"stream\":true}")));

  /// Members that do not change an answer.
  private static final Map<String, List<String>> DENIED =
      Map.of(
          "stream", List.of("true", "false"),
          "stream_options", List.of("{}", "{\"include_usage\":true}"),
          "background", List.of("true", "false"),
          "store", List.of("true", "false"),
          "user", List.of("\"ann\"", "\"bob\""),
          "safety_identifier", List.of("\"ann\"", "\"bob\""),
          "metadata", List.of("{}", "{\"order\":\"1\"}"),
          "service_tier", List.of("\"auto\"", "\"flex\""),
          "prompt_cache_key", List.of("\"a\"", "\"b\""));

  /// It has seen all that was asked before, as one that runs has.
  private final RequestKeys keys = new RequestKeys(SECRET);

  private static Caller caller(String tenant, String credential) {
    return new Caller(tenant, credential, false, false, Coalesce.SAFE, OnLeave.CANCEL, false);
  }

  /// @param said by the numbers above: tenant, credential, operation, api, path, upstream, model,
  ///   beta, organization, project, user, values, body
  private static @Nullable Key key(RequestKeys keys, boolean cache, List<String> said) {
    Caller caller = caller(said.get(0), said.get(CREDENTIAL));
    var request = new Request(said.get(5), said.get(3), said.get(4), List.of(), new byte[0], false);
    var headers = MultiMap.caseInsensitiveMultiMap();
    headers.add("OpenAI-Beta", said.get(7));
    headers.add("OpenAI-Organization", said.get(8));
    headers.add("OpenAI-Project", said.get(9));
    byte[] body = said.get(BODY).getBytes(UTF_8);
    if (!cache) {
      return keys.ofSame(caller, request, said.get(2), headers, said.get(6), body);
    }
    String user = said.get(USER);
    String values = said.get(VALUES);
    return keys.ofCache(
        caller,
        request,
        said.get(2),
        headers,
        said.get(6),
        user.isEmpty() ? null : user,
        values.isEmpty() ? null : values.getBytes(UTF_8),
        body);
  }

  private static String word(SplittableRandom random) {
    return Seeds.pick(random, "", "a", "b", "ab", "ba", "a\n", "kept", "values kept", "\0");
  }

  private static String json(SplittableRandom random) {
    return Seeds.pick(random, "{}", "{\"a\":1}", "{\"a\":2}", "{\"a\":\"1\"}", "{\"b\":1}");
  }

  @Test
  void tenantsOperationsAndAllElseThatIsSaidAreKeptApart() {
    Seeds.check(
        3_000,
        random -> {
          List<String> said = new ArrayList<>();
          for (int i = 0; i < VALUES; i++) {
            said.add(word(random));
          }
          said.add(random.nextBoolean() ? "" : json(random));
          said.add(json(random));
          int at = random.nextInt(said.size());
          List<String> other = new ArrayList<>(said);
          while (other.equals(said)) {
            other.set(at, at >= VALUES ? json(random) : word(random));
          }
          for (boolean cache : new boolean[] {true, false}) {
            Key key = key(keys, cache, said);
            assertThat(key).isNotNull();
            // It is the same whether or not it was seen before.
            assertThat(key(keys, cache, List.copyOf(said))).isEqualTo(key);
            assertThat(key(new RequestKeys(SECRET), cache, said)).isEqualTo(key);
            assertThat(key(new RequestKeys(Secret.random()), cache, said)).isNotEqualTo(key);
            // Credentials are no part of what a tenant keeps. Where variables count alone the body
            // does not; who coalesces says neither user nor variables.
            boolean counts =
                cache
                    ? at != CREDENTIAL && (at != BODY || said.get(VALUES).isEmpty())
                    : at != USER && at != VALUES;
            if (counts) {
              assertThat(key(keys, cache, other)).as("%s / %s", said, other).isNotEqualTo(key);
            } else {
              assertThat(key(keys, cache, other)).as("%s / %s", said, other).isEqualTo(key);
            }
          }
          assertThat(key(keys, true, said)).isNotEqualTo(key(keys, false, said));
        });
  }

  @Test
  void anyMemberCountsButThoseThatDoNotChangeAnAnswer() {
    Seeds.check(
        2_000,
        random -> {
          Map<String, String> request = new TreeMap<>();
          COUNTED.forEach((name, values) -> some(random, request, name, values));
          DENIED.forEach((name, values) -> some(random, request, name, values));
          Key key = cached(request, random);
          assertThat(key).isNotNull();
          assertThat(cached(request, random)).as("%s", request).isEqualTo(key);
          assertThat(cached(other(request, DENIED, random), random))
              .as("%s", request)
              .isEqualTo(key);
          Map<String, String> another = other(request, COUNTED, random);
          assertThat(cached(another, random)).as("%s / %s", request, another).isNotEqualTo(key);
        });
  }

  private static void some(
      SplittableRandom random, Map<String, String> into, String name, List<String> values) {
    if (random.nextBoolean()) {
      into.put(name, values.get(random.nextInt(values.size())));
    }
  }

  /// The request with one of these members added, left out or changed.
  private static Map<String, String> other(
      Map<String, String> request, Map<String, List<String>> members, SplittableRandom random) {
    Map<String, String> other = new TreeMap<>(request);
    List<String> names = List.copyOf(new TreeMap<>(members).keySet());
    while (other.equals(request)) {
      String name = names.get(random.nextInt(names.size()));
      List<String> values = Objects.requireNonNull(members.get(name));
      if (random.nextInt(4) == 0) {
        other.remove(name);
      } else {
        other.put(name, values.get(random.nextInt(values.size())));
      }
    }
    return other;
  }

  /// The key of the request with its members in any order.
  private @Nullable Key cached(Map<String, String> request, SplittableRandom random) {
    List<String> names = new ArrayList<>(request.keySet());
    Collections.shuffle(names, new Random(random.nextLong()));
    String comma = Seeds.pick(random, ",", " ,\n");
    return cached(
        names.stream()
            .map(name -> "\"" + name + "\":" + request.get(name))
            .collect(Collectors.joining(comma, "{", "}")));
  }

  private @Nullable Key cached(String body) {
    return key(
        keys,
        true,
        List.of("t", "c", "o", "chat", "/chat/completions", "u", "m", "", "", "", "", "", body));
  }

  @Test
  void spellingOfNumbersDoesNotCountAndExactnessDoes() {
    Key one = cached("{\"a\":1}");
    assertThat(one).isNotNull();
    for (String same : List.of("1.0", "1e0", "10E-1", "0.1e+1")) {
      assertThat(cached("{\"a\":" + same + "}")).as(same).isEqualTo(one);
    }
    assertThat(cached("{\"a\":9007199254740993}")).isNotEqualTo(cached("{\"a\":9007199254740992}"));
  }

  @Test
  void theUpstreamsPrefixIsNoPartOfAModelsName() {
    var headers = MultiMap.caseInsensitiveMultiMap();
    var request = new Request("up", "chat", "/chat/completions", List.of(), new byte[0], false);
    Key bare = keys.ofSame(NOBODY, request, null, headers, "m", "{}".getBytes(UTF_8));
    assertThat(keys.ofSame(NOBODY, request, null, headers, "up/m", "{}".getBytes(UTF_8)))
        .isEqualTo(bare)
        .isNotNull();
    assertThat(keys.ofSame(NOBODY, request, null, headers, "down/m", "{}".getBytes(UTF_8)))
        .isNotEqualTo(bare);
  }

  @Test
  void allThatAHeaderSaysCounts() {
    var request = new Request("up", "chat", "/chat/completions", List.of(), new byte[0], false);
    var one = MultiMap.caseInsensitiveMultiMap().add("OpenAI-Beta", "a");
    var two = MultiMap.caseInsensitiveMultiMap().add("OpenAI-Beta", "a").add("OpenAI-Beta", "b");
    assertThat(keys.ofSame(NOBODY, request, null, two, "m", "{}".getBytes(UTF_8)))
        .isNotEqualTo(keys.ofSame(NOBODY, request, null, one, "m", "{}".getBytes(UTF_8)));
  }

  /// Whatever its size, of an image only the hash is in the key.
  @Test
  void anImageOfAnySizeCountsToItsLastByte() {
    String url = "data:image/png;base64," + "A".repeat(3_000_000);
    String body =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"}}]}]}";
    Key key = cached(body.formatted(url + "A"));
    assertThat(key).isNotNull().isEqualTo(cached(body.formatted(url + "A")));
    assertThat(cached(body.formatted(url + "B"))).isNotEqualTo(key);
  }
}
