package dev.meanwhile.server.route;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.log.Run;
import dev.meanwhile.log.Status;
import dev.meanwhile.openai.ResponsesFold;
import dev.meanwhile.openai.ResponsesRequest;
import dev.meanwhile.openai.ResponsesRequest.Turn;
import dev.meanwhile.server.Refusal;
import dev.meanwhile.store.Store;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What was said before a request: follows `previous_response_id` back to the first one.
final class Turns {
  /// What an id of ours looks like; others may too.
  static final Pattern OURS = Pattern.compile("resp_[0-9a-z]{26}");

  private final Loop loop;
  private final String tenant;
  private final Consumer<List<Turn>> found;
  private final Consumer<Refusal> refused;

  /// From the last to the first.
  private final List<Turn> turns = new ArrayList<>();

  /// @param found gets all turns, the first one first
  /// @param refused is told why there are none
  Turns(Loop loop, String tenant, Consumer<List<Turn>> found, Consumer<Refusal> refused) {
    this.loop = loop;
    this.tenant = tenant;
    this.found = found;
    this.refused = refused;
  }

  /// Looks for what came before a request that goes on from `previous`, or from nothing. At once or
  /// later, on this loop.
  void before(@Nullable String previous) {
    if (previous == null) {
      found.accept(turns.reversed());
      return;
    }
    String ours = ResponsesFold.runOf(previous);
    find(previous, OURS.matcher(previous).matches() && ours != null ? ours : previous);
  }

  /// @param id a run's, or what its upstream calls its answer
  private void find(String previous, String id) {
    loop.dispatcher()
        .find(
            id,
            tenant,
            new Store.Reply<@Nullable Run>() {
              @Override
              public void is(@Nullable Run run) {
                if (run == null && !id.equals(previous)) {
                  find(previous, previous);
                } else {
                  add(previous, run);
                }
              }

              @Override
              public void failed(String trouble) {
                refuse(trouble, refused);
              }
            });
  }

  /// Looks for the name that an answer of ours has at its upstream, which speaks this API itself.
  ///
  /// @param found gets it, or null where the answer is not known here or is called so there too
  static void theirName(
      Loop loop,
      String tenant,
      @Nullable String previous,
      Consumer<@Nullable String> found,
      Consumer<Refusal> refused) {
    if (previous == null || !OURS.matcher(previous).matches()) {
      found.accept(null);
      return;
    }
    loop.dispatcher()
        .find(
            Objects.requireNonNull(ResponsesFold.runOf(previous)),
            tenant,
            new Store.Reply<@Nullable Run>() {
              @Override
              public void is(@Nullable Run run) {
                if (run == null || ResponsesRoute.kept(run) == null) {
                  found.accept(null);
                  return;
                }
                String name = ResponsesFold.theirId(run);
                if (name == null) {
                  refused.accept(missing(previous));
                } else {
                  found.accept(name);
                }
              }

              @Override
              public void failed(String trouble) {
                refuse(trouble, refused);
              }
            });
  }

  private static void refuse(String trouble, Consumer<Refusal> refused) {
    var failure = RunRoute.storeUnavailable(trouble);
    refused.accept(new Refusal(failure.status(), failure.code(), failure.message()));
  }

  private void add(String previous, @Nullable Run run) {
    ResponsesRequest asked = run == null ? null : ResponsesRoute.kept(run);
    if (run == null || asked == null) {
      refused.accept(missing(previous));
      return;
    }
    Status status = run.status();
    if (status != Status.COMPLETED && status != Status.INCOMPLETE) {
      refused.accept(
          new Refusal(
              400,
              "previous_response_not_completed",
              "The previous response '%s' is %s: only one that has an answer can be gone on from."
                  .formatted(previous, status.word()),
              "previous_response_id"));
      return;
    }
    String request = Objects.requireNonNull(run.about().asked());
    turns.add(new Turn(request.getBytes(UTF_8), ResponsesFold.object(run)));
    before(asked.previous());
  }

  private static Refusal missing(String previous) {
    return new Refusal(
        400,
        "previous_response_not_found",
        "Previous response with id '%s' not found.".formatted(previous),
        "previous_response_id");
  }
}
