package dev.meanwhile.server.config;

import dev.meanwhile.store.Notice;
import java.util.Locale;
import java.util.regex.Pattern;

/// Who gets a mail, as a caller or the file says it: `mailto:ann@example.com`.
public final class Mailto {
  /// The most characters of an address.
  public static final int LONGEST = 254;

  private static final String LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

  // Less than the standards allow: nothing that is quoted, encoded, a list or a parameter anywhere.
  private static final Pattern ADDRESS =
      Pattern.compile(
          "(?=[^@]{1,64}@)[a-z0-9_+=~'&-]+(?:\\.[a-z0-9_+=~'&-]+)*@"
              + LABEL
              + "(?:\\."
              + LABEL
              + ")*");

  private Mailto() {}

  /// Reads one, in lower case, so that a recipient is counted once however it is written.
  ///
  /// @throws IllegalArgumentException if it is none
  public static String parse(String said) {
    String text = said.strip().toLowerCase(Locale.ROOT);
    String address = text.startsWith(Notice.MAILTO) ? text.substring(Notice.MAILTO.length()) : "";
    if (address.length() > LONGEST || !ADDRESS.matcher(address).matches()) {
      throw new IllegalArgumentException("no address");
    }
    return text;
  }

  /// The domain of what [#parse] gave.
  public static String domain(String mailto) {
    return mailto.substring(mailto.indexOf('@') + 1);
  }
}
