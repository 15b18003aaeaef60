package dev.meanwhile.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValueClassesTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.255.1.2, true",
    "10.0.0.0/8, 11.0.0.0, false",
    "10.0.0.0/9, 10.127.0.1, true",
    "10.0.0.0/9, 10.128.0.1, false",
    "192.168.4.0/22, 192.168.7.255, true",
    "192.168.4.0/22, 192.168.8.0, false",
    "0.0.0.0/0, 1.2.3.4, true",
    "1.2.3.4, 1.2.3.4, true",
    "1.2.3.4, 1.2.3.5, false",
    "0.0.0.0/0, ::1, false",
    "::/0, ::1, true",
    "fd00::/8, fdff::1, true",
    "fd00::/8, fe00::1, false",
    "10.0.0.0/8, ::ffff:10.0.0.1, true",
  })
  void ranges(String range, String address, boolean contained) {
    assertThat(Cidr.parse(range).contains(InetAddress.ofLiteral(address))).isEqualTo(contained);
  }

  @Test
  void hashes() {
    Sha256 hash = Sha256.of("test");
    assertThat(hash)
        .hasToString("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        .isEqualTo(Sha256.parse(hash.toString()))
        .hasSameHashCodeAs(Sha256.parse(hash.toString()))
        .isNotEqualTo(Sha256.of("Test"));
    assertThatThrownBy(() -> Sha256.parse("secret"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("secret");
  }

  @Test
  void secretsDoNotPrint() {
    assertThat(new Secret("a")).hasToString("***").isEqualTo(new Secret("a"));
    assertThat(new Secret("a")).isNotEqualTo(new Secret("b"));
    assertThat(new Secret("a").reveal()).isEqualTo("a");
  }

  @ParameterizedTest
  @CsvSource({"port, port, 0", "prot, port, 1", "por, port, 1", "ca, abc, 3", "'', abc, 3"})
  void distances(String a, String b, int distance) {
    assertThat(Suggestion.distance(a, b)).isEqualTo(distance);
    assertThat(Suggestion.distance(b, a)).isEqualTo(distance);
  }

  @Test
  void suggestions() {
    List<String> known = List.of("max-run", "max-runs", "port");
    assertThat(Suggestion.nearest("max_run", known)).contains("max-run");
    assertThat(Suggestion.nearest("maxRuns", known)).contains("max-runs");
    assertThat(Suggestion.nearest("x", known)).isEmpty();
    assertThat(Suggestion.nearest("", known)).isEmpty();
  }

  @Test
  void quotesAreShortAndOnOneLine() {
    assertThat(Errors.quote("a\nb\u202e")).isEqualTo("'a?b?'");
    assertThat(Errors.quote("x".repeat(24))).isEqualTo("'" + "x".repeat(24) + "'");
    assertThat(Errors.quote("x".repeat(25))).isEqualTo("'" + "x".repeat(24) + "…'");
  }
}
