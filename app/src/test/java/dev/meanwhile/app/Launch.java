package dev.meanwhile.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Starts programs that are to be tested, without the variables of this process that would change
/// what they do.
final class Launch {
  private static final Pattern ADDRESS = Pattern.compile("http://[^ ]+?:(\\d+)/v1");

  private Launch() {}

  /// The command line, as a process of its own.
  static ProcessBuilder meanwhile(String... args) {
    var all = new ArrayList<String>();
    all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    all.add("-cp");
    all.add(System.getProperty("java.class.path"));
    all.add(Main.class.getName());
    all.addAll(List.of(args));
    ProcessBuilder builder = program(all);
    // Each has data of its own, below the build's folder.
    builder
        .environment()
        .put("MEANWHILE_DATA", Path.of("target", "data", UUID.randomUUID().toString()).toString());
    return builder;
  }

  static ProcessBuilder program(List<String> command) {
    var builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(Launch::changesWhatItDoes);
    return builder;
  }

  private static boolean changesWhatItDoes(String variable) {
    String name = variable.toLowerCase(Locale.ROOT);
    return name.startsWith("meanwhile_") || name.endsWith("_proxy");
  }

  /// The port that a banner tells, which is read up to its end: "Ctrl-C stops".
  static int port(InputStream banner) throws IOException {
    var text = new StringBuilder();
    while (text.indexOf("Ctrl-C stops") < 0) {
      int next = banner.read();
      assertThat(next).as("it ended early: " + text).isNotNegative();
      text.append((char) next);
    }
    Matcher address = ADDRESS.matcher(text);
    assertThat(address.find()).as(text.toString()).isTrue();
    return Integer.parseInt(address.group(1));
  }
}
