package dev.meanwhile.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.apache.commons.cli.Option;
import org.junit.jupiter.api.Test;

/// Flags as people give them, and as they should not.
class GivenTest {
  private static Given given(String... arguments) {
    Option open = Command.flag("open", "true|false", "a switch");
    open.setOptionalArg(true);
    return Given.parse(List.of(Command.flag("port", "number", "where"), open), List.of(arguments));
  }

  private static void refused(String says, String... arguments) {
    assertThatThrownBy(() -> given(arguments))
        .isInstanceOf(CannotRun.class)
        .hasMessageContaining(says);
  }

  @Test
  void a_value_stands_after_a_space_or_an_equals_sign() {
    assertThat(given("--port", "1").all()).containsOnly(Map.entry("port", "1"));
    assertThat(given("--port=1").number("port", 0, 9, 5)).isEqualTo(1);
    assertThat(given("--port=a=b").text("port")).isEqualTo("a=b");
    assertThat(given().number("port", 0, 9, 5)).isEqualTo(5);
    assertThat(given().text("port")).isNull();
  }

  @Test
  void a_switch_may_stand_alone() {
    assertThat(given("--open").text("open")).isEqualTo("true");
    assertThat(given("--open=false").text("open")).isEqualTo("false");
    assertThat(given("--open", "--port", "1").all()).hasSize(2);
  }

  @Test
  void help_and_version_are_everywhere() {
    assertThat(given("-h").help()).isTrue();
    assertThat(given("--version").version()).isTrue();
    assertThat(given("--help").all()).isEmpty();
  }

  @Test
  void what_is_wrong_is_named() {
    refused("--prot. Did you mean --port?", "--prot", "1");
    refused("--prot. Did you mean --port?", "--prot=secret");
    refused("There is no flag --x", "-x");
    refused("--port needs a value: --port <number>.", "--port");
    refused("--port is given twice.", "--port", "1", "--port=2");
    refused("'1' does not belong here", "1");
  }

  @Test
  void a_number_is_one_and_within_its_range() {
    for (String wrong : List.of("many", "", "1.5", "10", "-1", "99999999999999999999")) {
      assertThatThrownBy(() -> given("--port=" + wrong).number("port", 0, 9, 5))
          .isInstanceOf(CannotRun.class)
          .hasMessageContaining("--port must be a number from 0 to 9, and is '" + wrong + "'.");
    }
  }
}
