package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The page for users is as the code is.
class ConfigurationPageTest {
  private static final Path PAGE = Path.of("..", "docs", "configuration.md");
  private static final String WRITE = "meanwhile.docs.write";

  @TempDir private Path directory;

  @Test
  void tablesAreThoseOfTheCode() throws IOException {
    String page = Files.readString(PAGE);
    String expected = replace(page, "server", table(ConfigReader.options()));
    expected = replace(expected, "keys", table(infos(KeyOptions.ALL)));
    expected = replace(expected, "upstreams", table(infos(UpstreamOptions.ALL)));
    expected = replace(expected, "mail", table(infos(MailOptions.ALL)));
    expected = replace(expected, "operations", table(infos(OperationOptions.ALL)));
    expected = replace(expected, "messages", table(infos(OperationOptions.MESSAGE)));
    expected = replace(expected, "budget", table(infos(OperationOptions.OF_BUDGET)));
    expected = replace(expected, "prefetch", table(infos(OperationOptions.OF_PREFETCH)));
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(PAGE, expected);
    } else {
      assertThat(page)
          .as(
              "write docs/configuration.md anew with: mvn -pl server -am test -D%s=true"
                  + " -Dtest=ConfigurationPageTest -Dsurefire.failIfNoSpecifiedTests=false",
              WRITE)
          .isEqualTo(expected);
    }
  }

  @Test
  void theExampleIsRight() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf("```yaml\n") + "```yaml\n".length();
    String example = page.substring(begin, page.indexOf("```", begin));
    Config config = Written.in(directory, example).read(Map.of(), Map.of("OPENAI_API_KEY", "sk-1"));
    assertThat(config.upstreams().keySet()).containsExactly("openai", "local");
    assertThat(config.keys()).hasSize(2);
    assertThat(config.operations()).hasSize(2);
  }

  private static List<OptionInfo> infos(List<Option<?>> options) {
    return options.stream().map(option -> option.info(true)).toList();
  }

  private static String table(List<OptionInfo> options) {
    return options.stream()
        .map(option ->
            "| `%s` | %s | %s | %s |\n"
                .formatted(
                    option.inFile() ? option.name() : "--" + option.name(),
                    "`" + option.placeholder().replace("|", "\\|") + "`",
                    option.defaultText(),
                    option.description()))
        .collect(
            Collectors.joining("", "| name | value | default | what |\n|---|---|---|---|\n", ""));
  }

  private static String replace(String page, String name, String table) {
    String begin = "<!-- " + name + ": generated -->\n";
    int from = page.indexOf(begin);
    int to = page.indexOf("<!-- end -->", from);
    assertThat(from).as("%s in %s", begin, PAGE).isNotNegative();
    assertThat(to).isNotNegative();
    return page.substring(0, from + begin.length()) + table + page.substring(to);
  }
}
