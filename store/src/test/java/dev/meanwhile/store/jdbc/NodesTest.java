package dev.meanwhile.store.jdbc;

import static dev.meanwhile.testkit.StoreSamples.accept;
import static dev.meanwhile.testkit.StoreSamples.checkpoint;
import static dev.meanwhile.testkit.StoreSamples.completed;
import static dev.meanwhile.testkit.StoreSamples.digest;
import static dev.meanwhile.testkit.StoreSamples.join;
import static dev.meanwhile.testkit.StoreSamples.key;
import static dev.meanwhile.testkit.StoreSamples.labelled;
import static dev.meanwhile.testkit.StoreSamples.mailing;
import static dev.meanwhile.testkit.StoreSamples.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.store.Change;
import dev.meanwhile.store.Channel;
import dev.meanwhile.store.Entries;
import dev.meanwhile.store.Entries.Entry;
import dev.meanwhile.store.Entries.Mark;
import dev.meanwhile.store.Outcome;
import dev.meanwhile.store.Store;
import dev.meanwhile.store.Store.Claimed;
import dev.meanwhile.store.Store.Retention;
import dev.meanwhile.store.StoredAnswer;
import dev.meanwhile.testkit.StoreClient;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Several nodes on one PostgreSQL.
class NodesTest {
  private static final Outcome STORED = new Outcome.Stored();
  private static final Outcome FENCED = new Outcome.Fenced();
  private static final Retention LONG = new Retention(Duration.ofDays(100_000), Long.MAX_VALUE);

  private final String url;
  private final List<StoreClient> opened = new ArrayList<>();

  NodesTest() throws SQLException {
    url = Databases.create();
  }

  @AfterEach
  void end() throws SQLException {
    opened.forEach(it -> it.store().close());
    Databases.drop(url);
  }

  private StoreClient node(String name) {
    return node(name, Time.SYSTEM);
  }

  private StoreClient node(String name, Time time) {
    var client = new StoreClient(Databases.store(url, name, LONG, time)).open();
    opened.add(client);
    return client;
  }

  private void sql(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /// As if the node had been silent for long.
  private void runOut(String name) throws SQLException {
    sql(
        "update lease set until = 1 where node in (select n from node where name = '%s')"
            .formatted(name));
  }

  private static List<String> logs(List<Claimed> claimed) {
    return claimed.stream().map(it -> it.log().id()).toList();
  }

  @Test
  void any_node_reads_what_one_wrote() {
    var one = node("one");
    var two = node("two");
    one.write(accept("a", key("a")));
    one.write(started("a", 1));
    one.write(checkpoint("a", 1, 0, 3));
    assertThat(Objects.requireNonNull(two.find("run_a")).log().end()).isEqualTo(3);
    assertThat(two.pieces("log_a", 0)).hasSize(1);
    assertThat(two.write(accept("b", key("a")))).isInstanceOf(Outcome.Conflict.class);
    byte[] secret = one.store().constant("secret", () -> digest("one's"));
    assertThat(two.store().constant("secret", () -> digest("two's"))).isEqualTo(secret);
  }

  @Test
  void nodes_that_ask_at_once_give_a_recipient_no_more_mails_than_one() throws Exception {
    var one = node("one");
    var two = node("two");
    for (int i = 0; i < 10; i++) {
      one.write(mailing("a" + i, "mailto:ann@example.com"));
      one.write(completed("a" + i, 0, 5_000));
    }
    var claimed = ConcurrentHashMap.<String>newKeySet();
    int asked = 20;
    var answers = new CountDownLatch(2 * asked);
    for (int i = 0; i < asked; i++) {
      for (StoreClient each : List.of(one, two)) {
        each.store()
            .due(
                List.of(),
                10_000,
                70_000,
                32,
                3,
                new Store.Reply<>() {
                  @Override
                  public void is(List<Store.Due> due) {
                    due.forEach(it -> claimed.add(it.notice().event()));
                    answers.countDown();
                  }

                  @Override
                  public void failed(String trouble) {
                    claimed.add(trouble);
                    answers.countDown();
                  }
                });
      }
    }
    assertThat(answers.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(claimed).containsExactlyInAnyOrder("evt_a0", "evt_a1", "evt_a2");
  }

  @Test
  void channels_are_numbered_over_all_nodes_and_all_are_told() {
    var one = node("one");
    var two = node("two");
    var channel = new Channel("shop", "user:1");
    one.write(labelled("a", "user:1"));
    two.awaitHeard("changed user:1");
    two.write(labelled("b", "user:1"));
    one.awaitHeard("changed user:1");
    Entries both = one.entries(channel, Mark.BEGINNING, 9);
    assertThat(both.entries()).extracting(Entry::run).containsExactly("run_a", "run_b");
    assertThat(two.entries(channel, Mark.BEGINNING, 9)).isEqualTo(both);
    one.write(started("a", 1));
    two.awaitHeard("changed user:1");
    assertThat(two.entries(channel, both.end(), 9).entries())
        .extracting(Entry::status)
        .containsExactly("in_progress");
  }

  /// Many groups of both at once, over few channels: nothing that a reader has passed comes later.
  @Test
  void numbers_become_visible_in_their_order() {
    var nodes = List.of(node("one"), node("two"));
    var channels = List.of(new Channel("shop", "c0"), new Channel("shop", "c1"));
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 200; i++) {
      String name = "r" + i;
      StoreClient at = nodes.get(i % 2);
      answers.add(at.later(labelled(name, "c" + i / 2 % 2)));
      answers.add(at.later(started(name, 1)));
      answers.add(at.later(completed(name, 1, 5_000)));
    }
    var seen = new HashMap<String, String>();
    var marks = new ArrayList<>(List.of(Mark.BEGINNING, Mark.BEGINNING));
    boolean written = false;
    boolean more = true;
    while (!written || more) {
      written = answers.stream().allMatch(StoreClient.Answer::isThere);
      more = false;
      for (int i = 0; i < 2; i++) {
        Entries next = nodes.get(i).entries(channels.get(i), marks.get(i), 10);
        assertThat(next.reset()).isFalse();
        next.entries().forEach(it -> seen.put(it.run(), it.status()));
        marks.set(i, next.end());
        more |= !next.entries().isEmpty();
      }
    }
    assertThat(answers).allMatch(it -> it.now().equals(STORED));
    assertThat(seen).hasSize(200);
    assertThat(seen.values()).containsOnly("completed");
  }

  private static StoredAnswer answer(String name, long stamp, String... tags) {
    return new StoredAnswer(
        digest(name), "run_" + name, stamp, 5_000, 6_000, List.of(tags), digest("log"));
  }

  @Test
  void a_purge_holds_on_all_nodes_and_all_are_told() {
    var one = node("one");
    var two = node("two");
    one.write(new Change.Kept(answer("a", 0, "shop")));
    assertThat(two.answer(digest("a"), 5_500)).isNotNull();
    assertThat(two.write(new Change.Purged("shop"))).isEqualTo(STORED);
    assertThat(two.heard()).contains("purged shop");
    assertThat(one.answer(digest("a"), 5_500)).isNull();
    one.awaitHeard("purged shop");
    assertThat(one.lastPurge()).isEqualTo(two.lastPurge()).isEqualTo(1);
    one.write(new Change.Kept(answer("a", 1, "shop")));
    assertThat(two.answer(digest("a"), 5_500)).isNotNull();
    assertThat(node("three").lastPurge()).isEqualTo(1);
  }

  @Test
  void purges_of_many_at_once_are_all_told() throws InterruptedException {
    var nodes = List.of(node("one"), node("two"));
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int i = 0; i < 100; i++) {
      for (StoreClient each : nodes) {
        answers.add(each.later(new Change.Purged("tag" + i)));
        answers.add(each.later(new Change.Kept(answer("k" + (i * 7) % 100, 0))));
      }
    }
    answers.forEach(it -> assertThat(it.now()).isEqualTo(STORED));
    Awaiting.that(() -> nodes.stream().allMatch(it -> it.lastPurge() == 200));
    nodes.forEach(it ->
        assertThat(it.heard().stream().filter(heard -> heard.startsWith("purged")).distinct())
            .hasSize(100));
  }

  @Test
  void one_node_makes_an_answer_for_all() throws SQLException {
    var one = node("one");
    var two = node("two");
    assertThat(one.lease(digest("a"), Duration.ofHours(1))).isTrue();
    assertThat(two.lease(digest("a"), Duration.ofHours(1))).isFalse();
    assertThat(one.lease(digest("a"), Duration.ofHours(1))).isFalse();
    assertThat(two.lease(digest("b"), Duration.ofHours(1))).isTrue();
    one.write(new Change.Kept(answer("a", 0)));
    assertThat(two.lease(digest("a"), Duration.ofHours(1))).as("it was made").isTrue();
    sql("update making set until = 1");
    assertThat(one.lease(digest("a"), Duration.ofHours(1))).as("it took too long").isTrue();
  }

  @Test
  void a_node_that_hears_nothing_of_purges_says_so() throws SQLException {
    var time = new SettableTime(new AtomicLong());
    var one = node("one", time);
    Awaiting.that(() -> one.store().hears());
    Databases.refuse(url);
    time.passNanos(Duration.ofMinutes(49).toNanos());
    assertThat(one.store().hears()).isFalse();
    Databases.admit(url);
    Awaiting.that(() -> one.store().hears());
  }

  @Test
  void only_the_owner_writes() {
    var one = node("one");
    var two = node("two");
    one.write(accept("a"));
    one.write(started("a", 1));
    assertThat(two.write(started("a", 2))).isEqualTo(FENCED);
    assertThat(two.write(checkpoint("a", 1, 0, 3))).isEqualTo(FENCED);
    assertThat(two.write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    assertThat(two.write(join("b", "a"))).isEqualTo(FENCED);
    two.write(new Change.Released(List.of("log_a")));
    assertThat(two.claim(10)).isEmpty();
    assertThat(one.write(completed("a", 1, 5_000))).isEqualTo(STORED);
  }

  @Test
  void a_start_under_the_same_name_fences_the_predecessor_and_claims_at_once() {
    var before = node("one");
    before.write(accept("a"));
    before.write(started("a", 1));
    var after = node("one");
    assertThat(before.write(checkpoint("a", 1, 0, 3))).isEqualTo(FENCED);
    assertThat(before.write(accept("b"))).isInstanceOf(Outcome.Refused.class);
    before.awaitHeard("lease lost");
    Claimed claimed = after.claim(10).getFirst();
    assertThat(claimed.log().id()).isEqualTo("log_a");
    assertThat(claimed.log().lost()).isEqualTo(1);
    assertThat(before.write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    Awaiting.that(
        () -> String.valueOf(before.store().trouble()).contains("under the node name 'one'"));
    assertThat(before.write(accept("c"))).isInstanceOf(Outcome.Refused.class);
    assertThat(after.write(started("a", 2))).isEqualTo(STORED);
    assertThat(after.store().trouble()).isNull();
  }

  @Test
  void a_lease_that_ran_out_lets_others_claim_and_its_node_write_nothing() throws SQLException {
    var one = node("one");
    var two = node("two");
    one.write(accept("a"));
    one.write(started("a", 1));
    assertThat(two.claim(10)).isEmpty();
    runOut("one");
    two.awaitHeard("claimable");
    assertThat(logs(two.claim(10))).containsExactly("log_a");
    assertThat(one.write(checkpoint("a", 1, 0, 3))).isEqualTo(FENCED);
    one.awaitHeard("lease lost");
    one.awaitHeard("claimable");
    assertThat(one.write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    assertThat(two.write(started("a", 2))).isEqualTo(STORED);
    assertThat(one.write(accept("b"))).as("in its new epoch").isEqualTo(STORED);
    assertThat(one.claim(10)).isEmpty();
  }

  @Test
  void a_node_that_was_stopped_for_long_gives_up_by_its_own_clock() {
    var time = new SettableTime(new AtomicLong());
    var one = node("one", time);
    one.write(accept("a"));
    one.write(started("a", 1));
    time.passNanos(Duration.ofMinutes(48).toNanos());
    assertThat(one.write(completed("a", 1, 5_000))).isEqualTo(FENCED);
    one.awaitHeard("lease lost");
    one.awaitHeard("claimable");
    assertThat(logs(one.claim(10))).as("its own, in a new epoch").containsExactly("log_a");
    assertThat(one.write(started("a", 2))).isEqualTo(STORED);
  }

  @Test
  void a_node_renews_its_lease() throws SQLException {
    var time = new SettableTime(new AtomicLong());
    var one = node("one", time);
    one.write(accept("a"));
    String lease = "select until from lease join node on n = node where name = 'one'";
    for (int i = 0; i < 4; i++) {
      String before = single(lease);
      time.passNanos(Duration.ofMinutes(18).toNanos());
      Awaiting.that(() -> !single(lease).equals(before));
    }
    assertThat(one.write(completed("a", 0, 5_000))).isEqualTo(STORED);
    assertThat(one.heard()).isEmpty();
  }

  private String single(String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  @Test
  void the_owner_hears_of_another_nodes_cancel() {
    var one = node("one");
    var two = node("two");
    one.write(accept("a"));
    one.write(started("a", 1));
    assertThat(two.write(new Change.CancelRequested("run_a"))).isEqualTo(STORED);
    one.awaitHeard("cancel run_a");
    assertThat(two.heard()).isEmpty();
  }

  @Test
  void what_is_released_is_told_to_others_and_claimed_once() throws Exception {
    var one = node("one");
    var two = node("two");
    var three = node("three");
    for (int i = 0; i < 200; i++) {
      one.later(accept("r" + i));
    }
    var names = new ArrayList<String>();
    for (int i = 0; i < 200; i++) {
      names.add("log_r" + i);
    }
    one.write(new Change.Released(names));
    two.awaitHeard("claimable");
    three.awaitHeard("claimable");
    var claimed = new ArrayList<String>();
    var other = new ArrayList<String>();
    Thread thread = Thread.ofPlatform().start(() -> claimAll(three, other));
    claimAll(two, claimed);
    thread.join();
    claimed.addAll(other);
    assertThat(claimed).containsExactlyInAnyOrderElementsOf(names);
  }

  private static void claimAll(StoreClient node, List<String> into) {
    for (List<Claimed> some = node.claim(7); !some.isEmpty(); some = node.claim(7)) {
      into.addAll(logs(some));
    }
  }

  @Test
  void goes_on_when_all_connections_are_cut() throws Exception {
    var one = node("one");
    var two = node("two");
    var answers = new ArrayList<StoreClient.Answer<Outcome>>();
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 100; i++) {
        String name = round + "-" + i;
        answers.add(one.later(accept(name)));
        answers.add(one.later(started(name, 1)));
        answers.add(one.later(checkpoint(name, 1, 0, 2)));
        answers.add(one.later(completed(name, 1, 5_000)));
      }
      Databases.cut(url);
    }
    // An accept may have been refused; then all that follows is fenced. Nothing else may be.
    for (int i = 0; i < answers.size(); i += 4) {
      Outcome accepted = answers.get(i).now();
      for (int j = i + 1; j < i + 4; j++) {
        assertThat(answers.get(j).now()).isEqualTo(accepted.equals(STORED) ? STORED : FENCED);
      }
      String name = i / 400 + "-" + i / 4 % 100;
      assertThat(two.find("run_" + name) != null).isEqualTo(accepted.equals(STORED));
    }
    assertThat(one.heard()).isEmpty();
  }
}
