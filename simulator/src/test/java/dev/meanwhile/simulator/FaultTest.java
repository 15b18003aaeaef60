package dev.meanwhile.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meanwhile.simulator.Fault.End;
import dev.meanwhile.simulator.Fault.Quirk;
import dev.meanwhile.simulator.Fault.Way;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FaultTest {
  @Test
  void aStatusMayAskToRetry() {
    assertThat(Fault.parse("status=503, retry-after=2"))
        .isEqualTo(new Fault(503, 2, 0, false, 0, null, Set.of()));
  }

  @ParameterizedTest
  @CsvSource({"stall, 9223372036854775807", "stall=5s, 5000", "stall=20ms, 20"})
  void aStallIsTimedOrForEver(String text, long millis) {
    assertThat(Fault.parse(text).stall()).isEqualTo(millis);
  }

  @ParameterizedTest
  @CsvSource({
    "stall-after=0, STALL, 0",
    "cut-after=3, CUT, 3",
    "end-after=3, CLEAN, 3",
    "error-after=3, ERROR, 3",
    "garbage-after=9, GARBAGE, 9",
    "garbage, GARBAGE, 0"
  })
  void thereIsOneWayToBreak(String text, Way way, int after) {
    assertThat(Fault.parse(text).end()).isEqualTo(new End(way, after));
    assertThatThrownBy(() -> Fault.parse(text + ",cut-after=1"))
        .hasMessageContaining("second way to break");
  }

  @Test
  void quirksAddUp() {
    var fault =
        Fault.parse("no-done,crlf,comments,bom,split,multi-line,trailing,slow-head,big-line=9");
    assertThat(fault.quirks()).containsExactlyInAnyOrder(Quirk.values());
    assertThat(fault.holdHead()).isTrue();
    assertThat(fault.bigLine()).isEqualTo(9);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",",
        "stat=1",
        "CRLF",
        "status",
        "status=",
        "status=200",
        "status=600",
        "status=5e2",
        "retry-after=1",
        "stall=5",
        "stall=xs",
        "cut-after",
        "cut-after=-1",
        "big-line=0",
        "cut-after=99999999999",
        "crlf=1",
        "crlf,",
        "status=503\"",
        "=",
        "slow-head=1"
      })
  void whatIsNotOfTheGrammarIsExplained(String text) {
    assertThatThrownBy(() -> Fault.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("The grammar: " + Fault.GRAMMAR);
  }
}
