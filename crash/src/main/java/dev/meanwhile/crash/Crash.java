package dev.meanwhile.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.LogManager;

/// The crash test's command: see `crash/run --help`.
public final class Crash {
  private static final int KILLS_EACH = 20;

  private Crash() {}

  public static void main(String[] words) throws IOException, SQLException {
    Locale.setDefault(Locale.ROOT);
    LogManager.getLogManager().getLogger("").setLevel(Level.WARNING);
    var options = Options.parse(List.of(words));
    var violations = new ArrayList<String>();
    if (!options.only().equals("kills")) {
      Path work = Files.createTempDirectory(options.work(), "case-");
      if (options.only().equals("retention")) {
        try (Storage storage = options.storage(work)) {
          System.exit(
              new RetentionKills(storage, options.seed(), options.kills(), work).run() ? 0 : 1);
        }
      }
      System.exit(new Cases(options.seed(), work).run(options.only()) ? 0 : 1);
    }
    for (int done = 0, i = 0; done < options.kills(); i++) {
      int kills = Math.min(KILLS_EACH, options.kills() - done);
      Tally tally = campaign(options, options.seed() + i, kills);
      done += tally.kills();
      System.out.println(tally.line());
      tally.violations().forEach(it -> System.out.println("  VIOLATION: " + it));
      violations.addAll(tally.violations());
    }
    System.exit(violations.isEmpty() ? 0 : 1);
  }

  private static Tally campaign(Options options, long seed, int kills)
      throws IOException, SQLException {
    Path work = Files.createTempDirectory(options.work(), "campaign-");
    try (Storage storage = options.storage(work)) {
      return new Campaign(storage, seed, kills, work).run();
    }
  }
}
