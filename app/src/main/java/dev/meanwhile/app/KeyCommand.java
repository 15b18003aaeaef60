package dev.meanwhile.app;

import dev.meanwhile.server.config.Sha256;
import java.io.PrintStream;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import org.apache.commons.cli.Option;

/// `meanwhile key`: makes a key for an application.
final class KeyCommand implements Command {
  @Override
  public String name() {
    return "key";
  }

  @Override
  public List<String> description() {
    return List.of(
        "Makes a key for an application, and the lines for the configuration.",
        "Only its hash is configured, so nobody can read the key from there.");
  }

  @Override
  public List<Option> flags() {
    return List.of(Command.flag("tenant", "name", "whose key it is (default: default)"));
  }

  @Override
  public int run(Given given) {
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    String key = "mw_" + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    PrintStream out = System.out;
    out.println("Key, for the application (it is not shown again):");
    out.println("  " + key);
    out.println();
    out.println("Lines for the configuration:");
    out.println("  keys:");
    out.println(
        "    - {tenant: " + given.text("tenant", "default") + ", sha256: " + Sha256.of(key) + "}");
    return 0;
  }
}
