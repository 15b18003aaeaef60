package dev.meanwhile.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.server.config.Cidr;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuardTest {
  private final Guard guard = new Guard(List.of(Cidr.parse("10.1.0.0/16")));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "10.2.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:1::",
        "fe80::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1"
      })
  void isClosed(String address) {
    assertThat(guard.isOpen(InetAddress.ofLiteral(address))).isFalse();
    assertThat(Urls.problem("http://" + inUrl(address) + "/x", guard)).contains("webhooks-allow");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "8.8.8.8",
        "172.32.0.1",
        "100.63.0.1",
        "2606:4700::1111",
        "10.1.0.1",
        "10.1.255.9"
      })
  void isOpen(String address) {
    assertThat(guard.isOpen(InetAddress.ofLiteral(address))).isTrue();
    assertThat(Urls.problem("https://" + inUrl(address) + ":8443/x?y", guard)).isNull();
  }

  private static String inUrl(String address) {
    return address.contains(":") ? "[" + address + "]" : address;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "ftp://example.com/",
        "https:///x",
        "https://user:password@example.com/",
        "https://example.com/#x",
        "https://exa mple.com/",
        "file:///etc/passwd"
      })
  void refusesWhatIsNoAddress(String url) {
    assertThat(Urls.problem(url, guard)).isNotNull();
  }
}
