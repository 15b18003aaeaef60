package dev.meanwhile.crash;

import dev.meanwhile.crash.Http.Answer;
import dev.meanwhile.crash.Promised.How;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// Looks whether the server kept what it promised: compares what it says now with the journals of
/// the client and of the AI API.
final class Check {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> ENDS = Set.of("completed", "incomplete", "failed", "cancelled");

  private final Http http;
  private final Node node;
  private final Journal journal;

  Check(Http http, Node node, Journal journal) {
    this.http = http;
    this.node = node;
    this.journal = journal;
  }

  /// Notes a snapshot that was read.
  ///
  /// @param cancel whether it was the answer to a cancel
  static void snapshot(Promised promised, String body, Journal journal, boolean cancel) {
    String status = JSON.readTree(body).path("status").asString();
    if (!ENDS.contains(status)) {
      if (cancel) {
        journal.violation("%s was cancelled, and is %s".formatted(promised.run, status));
      }
      return;
    }
    if (cancel && status.equals("cancelled")) {
      promised.cancelled = true;
    }
    if (promised.cancelled && !status.equals("cancelled")) {
      journal.violation("%s was cancelled, and is %s later".formatted(promised.run, status));
    }
    same(promised, "snapshot", body, journal);
  }

  private static void same(Promised promised, String way, String body, Journal journal) {
    String before = promised.reads(way, body);
    if (before != null) {
      journal.violation(
          "%s (%s) reads differently by %s:\n  first %s\n  now   %s"
              .formatted(promised.run, promised.marker(), way, before, body));
    }
  }

  /// Waits until nothing is under way.
  boolean idle(Duration limit) {
    return Pause.until(limit, () -> none("queued") && none("in_progress"));
  }

  private boolean none(String status) {
    Answer answer = http.get(node.port(), "/v1/runs?limit=1&status=" + status);
    return answer != null
        && answer.status() == 200
        && JSON.readTree(answer.body()).path("data").isEmpty();
  }

  /// Reads everything in every way, and compares it with what was read before.
  void readAll() {
    for (Promised each : journal.all()) {
      boolean keyed = each.how == How.KEYED || each.how == How.KEYED_ASYNC;
      // A run that is known is read first: if it has failed its key is free, and asking under it
      // would make another run.
      boolean known = each.run != null;
      if (keyed && !known) {
        again(each);
      }
      String run = each.run;
      if (run == null) {
        continue;
      }
      Answer answer = http.get(node.port(), "/v1/runs/" + run);
      if (answer == null) {
        journal.violation("no answer about " + run);
      } else if (answer.status() != 200) {
        if (answer.status() == 404 && each.eraseAsked) {
          continue;
        }
        journal.violation(
            "lost: %s (%s): %d %s".formatted(run, each.marker(), answer.status(), answer.body()));
      } else if (each.erased) {
        journal.violation(run + " was erased, and is there");
      } else {
        if (!ENDS.contains(JSON.readTree(answer.body()).path("status").asString())) {
          journal.violation("%s has not ended: %s".formatted(run, answer.body()));
        }
        snapshot(each, answer.body(), journal, false);
        events(each);
        Answer monitor = http.get(node.port(), "/v1/chat/completions/" + run);
        if (monitor != null) {
          same(each, "monitor", monitor.status() + " " + monitor.body(), journal);
        }
        if (keyed && known) {
          again(each);
        }
      }
    }
  }

  private void events(Promised each) {
    Answer replay = http.get(node.port(), "/v1/runs/" + each.run, "accept", "text/event-stream");
    if (replay == null || replay.status() != 200) {
      journal.violation("%s has no events: %s".formatted(each.run, replay));
      return;
    }
    same(each, "events", replay.body(), journal);
    int ends = 0;
    long attempt = 0;
    for (String line : replay.body().split("\n", -1)) {
      if (line.equals("event: done")) {
        ends++;
      } else if (line.startsWith("id: ")) {
        long its = Long.parseLong(line.substring(4, line.indexOf('.')));
        if (its < attempt) {
          journal.violation("%s has an event of an older attempt: %s".formatted(each.run, line));
        }
        attempt = its;
      }
    }
    if (ends != 1) {
      journal.violation("%s has %d terminal events".formatted(each.run, ends));
    }
  }

  /// An Idempotency-Key whose call was answered well is answered the same again.
  private void again(Promised each) {
    String snapshot = each.read.get("snapshot");
    if (each.eraseAsked || snapshot != null && !status(snapshot).equals("completed")) {
      return; // the key is free
    }
    Answer answer =
        http.send(
            node.port(), "POST", "/v1/chat/completions", each.question.body(), Load.headers(each));
    if (answer == null) {
      journal.violation("no answer under the key " + each.marker());
    } else if (each.how == How.KEYED) {
      if (answer.status() == 200) {
        same(each, "key", answer.body(), journal);
      } else if (each.read.containsKey("key") || answer.status() != 500) {
        journal.violation(
            "under the key %s: %d %s".formatted(each.marker(), answer.status(), answer.body()));
      }
    } else if (answer.status() == 200 || answer.status() == 202) {
      String before = each.run;
      if (before == null) {
        each.run = answer.run();
        idle(Duration.ofSeconds(20));
      } else if (snapshot != null && !before.equals(answer.run())) {
        journal.violation(
            "the key %s was of %s and is of %s".formatted(each.marker(), before, answer.run()));
      }
    }
  }

  static String status(String snapshot) {
    return JSON.readTree(snapshot).path("status").asString();
  }

  /// Compares the answers with the AI API's journal.
  ///
  /// @param kills when the server was killed, in nanoseconds
  void calls(List<UpstreamCall> calls, List<Long> kills) {
    Map<String, List<UpstreamCall>> byMarker = new HashMap<>();
    calls.forEach(
        call -> byMarker.computeIfAbsent(call.marker(), _ -> new ArrayList<>()).add(call));
    for (Promised each : journal.all()) {
      List<UpstreamCall> its = byMarker.getOrDefault(each.marker(), List.of());
      if (each.refused && !its.isEmpty()) {
        journal.violation("%s was refused, and runs".formatted(each.marker()));
      }
      for (int i = 1; i < its.size(); i++) {
        long before = its.get(i - 1).began();
        long then = its.get(i).began();
        if (!its.get(i - 1).refused() && kills.stream().noneMatch(k -> k > before && k < then)) {
          journal.violation("%s was called again without a kill".formatted(each.marker()));
        }
        if (then > each.knownEnd && !each.eraseAsked) {
          journal.violation("%s was called again after its end was told".formatted(each.marker()));
        }
      }
      String snapshot = each.read.get("snapshot");
      if (snapshot != null && !each.eraseAsked) {
        text(each, snapshot, its);
      }
    }
  }

  private void text(Promised each, String snapshot, List<UpstreamCall> its) {
    JsonNode run = JSON.readTree(snapshot);
    String text = run.path("text").asString();
    String status = run.path("status").asString();
    if (status.equals("completed")) {
      if (its.isEmpty() || !text.equals(each.question.answer(its.getLast().number()))) {
        journal.violation(
            "%s (%s) completed after %d calls with the text '%s'"
                .formatted(each.run, each.marker(), its.size(), text));
      }
    } else if (its.stream().noneMatch(c -> each.question.answer(c.number()).startsWith(text))) {
      if (!text.isEmpty()) {
        journal.violation(
            "%s (%s) is %s, with the text of several calls: '%s'"
                .formatted(each.run, each.marker(), status, text));
      }
    }
  }

  /// How many runs there are that the client was never told of, by its own fault: the answer was
  /// cut by a kill.
  int unanswered() {
    Set<String> known = new HashSet<>();
    journal
        .all()
        .forEach(each -> {
          if (each.run != null) {
            known.add(each.run);
          }
        });
    int found = 0;
    String after = "";
    for (int page = 0; page < 1000; page++) {
      Answer answer = http.get(node.port(), "/v1/runs?limit=100" + after);
      if (answer == null || answer.status() != 200) {
        journal.violation("the list of runs: " + answer);
        break;
      }
      JsonNode list = JSON.readTree(answer.body());
      for (JsonNode run : list.path("data")) {
        if (!known.contains(run.path("id").asString())) {
          found++;
        }
      }
      if (!list.path("has_more").asBoolean()) {
        break;
      }
      after = "&after=" + list.path("last_id").asString();
    }
    return found;
  }
}
