package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meanwhile.log.Terminal.Failure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorBodyTest {
  @Test
  void hasAllFourMembers() {
    assertThat(new String(ErrorBody.of(400, "a \"b\"\n\u0001é", null, null), UTF_8))
        .isEqualTo(
            "{\"error\":{\"message\":\"a \\\"b\\\"\\u000a\\u0001é\",\"type\":\"invalid_request_error\","
                + "\"param\":null,\"code\":null}}");
    assertThat(new String(ErrorBody.of(new Failure(504, "late", "x")), UTF_8))
        .isEqualTo(
            "{\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,\"code\":\"late\"}}");
  }

  @ParameterizedTest
  @CsvSource({
    "400,invalid_request_error",
    "401,authentication_error",
    "403,permission_error",
    "404,invalid_request_error",
    "409,invalid_request_error",
    "422,invalid_request_error",
    "429,rate_limit_error",
    "500,server_error",
    "503,server_error"
  })
  void typeFollowsStatus(int status, String type) {
    assertThat(new String(ErrorBody.of(status, "m", "p", "c"), UTF_8))
        .contains("\"type\":\"" + type + "\"");
  }
}
