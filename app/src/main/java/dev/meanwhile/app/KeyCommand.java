package dev.meanwhile.app;

import dev.meanwhile.server.config.Sha256;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `meanwhile key`: makes a key for an application.
@Command(
    name = "key",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "Makes a key for an application, and the lines for the configuration.",
      "Only its hash is configured, so nobody can read the key from there."
    })
final class KeyCommand implements Callable<Integer> {
  @Option(
      names = "--tenant",
      paramLabel = "<name>",
      description = "whose key it is (default: ${DEFAULT-VALUE})")
  private String tenant = "default";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    String key = "mw_" + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    var out = spec.commandLine().getOut();
    out.println("Key, for the application (it is not shown again):");
    out.println("  " + key);
    out.println();
    out.println("Lines for the configuration:");
    out.println("  keys:");
    out.println("    - {tenant: " + tenant + ", sha256: " + Sha256.of(key) + "}");
    out.flush();
    return 0;
  }
}
