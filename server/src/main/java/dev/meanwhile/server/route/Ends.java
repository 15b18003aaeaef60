package dev.meanwhile.server.route;

import dev.meanwhile.log.Run;
import dev.meanwhile.log.Terminal;

/// What the events of a run end with, folded once for all who follow it on one loop: they are told
/// in a row, and the fold takes as long as the answer is. Only on the loop.
final class Ends {
  private String run = "";
  private String done = "";

  /// The data of the `done` event of a run that has ended so.
  String of(Run ended, Terminal terminal) {
    if (!ended.id().equals(run)) {
      done = Snapshot.done(ended, terminal);
      run = ended.id();
    }
    return done;
  }
}
