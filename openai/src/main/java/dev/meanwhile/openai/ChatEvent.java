package dev.meanwhile.openai;

import dev.meanwhile.log.Kind;
import dev.meanwhile.log.Terminal;
import dev.meanwhile.log.Terminal.Failure;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// Tells what the data of a chat event says, and remembers which choices have ended and how. Builds
/// no tree. One for each stream; for one thread.
final class ChatEvent implements AnswerEvent {
  private static final int MAX_MESSAGE = 1024;

  /// Choices from this index on count as one: no upstream gives so many.
  private static final int MAX_CHOICE = 1023;

  private static final byte[] CHOICES = Json.ascii("choices");
  private static final byte[] USAGE = Json.ascii("usage");
  private static final byte[] ERROR = Json.ascii("error");
  private static final byte[] INDEX = Json.ascii("index");
  private static final byte[] DELTA = Json.ascii("delta");
  private static final byte[] MESSAGE = Json.ascii("message");
  private static final byte[] FINISH_REASON = Json.ascii("finish_reason");
  private static final byte[] ROLE = Json.ascii("role");
  private static final byte[] OBFUSCATION = Json.ascii("obfuscation");
  private static final byte[] CODE = Json.ascii("code");
  private static final byte[] STATUS = Json.ascii("status");
  private static final byte[] LENGTH = Json.ascii("\"length\"");
  private static final byte[] CONTENT_FILTER = Json.ascii("\"content_filter\"");

  private final JsonScanner scanner = new JsonScanner();
  private final BitSet seen = new BitSet();
  private final BitSet finished = new BitSet();
  private boolean early;

  // What the event under way says.
  private boolean content;
  private boolean noChoices;
  private boolean usage;
  private boolean failed;
  private @Nullable Failure failure;

  /// Reads one event's data, or a plain answer, which must be one JSON object.
  ///
  /// @throws MalformedJson if it is not
  @Override
  public Kind read(byte[] bytes, int offset, int length) {
    content = false;
    noChoices = false;
    usage = false;
    failed = false;
    JsonScanner in = scanner.reset(bytes, offset, length);
    in.enterObject();
    while (in.member()) {
      if (in.named(CHOICES)) {
        choices(bytes, in);
      } else if (in.named(USAGE)) {
        usage = in.peek() == JsonScanner.Value.OBJECT;
      } else if (in.named(ERROR)) {
        error(in);
      }
    }
    in.finish();
    if (failed) {
      return Kind.ERROR;
    }
    if (content) {
      return Kind.CONTENT;
    }
    return noChoices && usage ? Kind.USAGE : Kind.FRAME;
  }

  /// Whether every choice that was seen has ended, and there was one.
  @Override
  public boolean finished() {
    return !finished.isEmpty() && finished.equals(seen);
  }

  /// How a whole answer ended: early if a choice did.
  @Override
  public Terminal terminal() {
    Failure error = failure;
    return error != null
        ? Terminal.failed(error)
        : early ? Terminal.INCOMPLETE : Terminal.COMPLETED;
  }

  @Override
  public boolean whole() {
    return false;
  }

  @Override
  public boolean errorEnds() {
    return true;
  }

  private void choices(byte[] bytes, JsonScanner in) {
    if (in.peek() != JsonScanner.Value.ARRAY) {
      return;
    }
    in.enterArray();
    int position = 0;
    while (in.element()) {
      if (in.peek() == JsonScanner.Value.OBJECT) {
        choice(bytes, in, position);
      }
      position++;
    }
    noChoices = position == 0;
  }

  private void choice(byte[] bytes, JsonScanner in, int position) {
    int index = position;
    boolean ended = false;
    in.enterObject();
    while (in.member()) {
      if (in.named(DELTA) || in.named(MESSAGE)) {
        delta(in);
      } else if (in.named(FINISH_REASON)) {
        if (in.peek() == JsonScanner.Value.STRING && in.substance()) {
          ended = true;
          early |= is(bytes, in, LENGTH) || is(bytes, in, CONTENT_FILTER);
        }
      } else if (in.named(INDEX)) {
        int number = in.natural();
        index = number < 0 ? position : number;
      }
    }
    int choice = Math.min(index, MAX_CHOICE);
    seen.set(choice);
    if (ended) {
      finished.set(choice);
    }
  }

  private static boolean is(byte[] bytes, JsonScanner in, byte[] quoted) {
    return Arrays.equals(bytes, in.start(), in.end(), quoted, 0, quoted.length);
  }

  private void delta(JsonScanner in) {
    if (in.peek() != JsonScanner.Value.OBJECT) {
      return;
    }
    in.enterObject();
    while (in.member()) {
      if (!in.named(ROLE) && !in.named(OBFUSCATION)) {
        content |= in.substance();
      }
    }
  }

  private void error(JsonScanner in) {
    int status = 502;
    String message = "";
    switch (in.peek()) {
      case NULL -> {
        return;
      }
      case STRING -> message = in.string();
      case OBJECT -> {
        in.enterObject();
        while (in.member()) {
          if (in.named(CODE) || in.named(STATUS)) {
            int number = in.natural();
            status = number >= 400 && number <= 599 ? number : status;
          } else if (in.named(MESSAGE) && in.peek() == JsonScanner.Value.STRING) {
            message = in.string();
          }
        }
      }
      case ARRAY, NUMBER, TRUE, FALSE -> in.skip();
    }
    failed = true;
    failure =
        new Failure(
            status,
            "upstream_error",
            message.isBlank()
                ? "the upstream reported an error and did not say which"
                : cut(message));
  }

  /// At most 1 KB of the message, whole characters.
  private static String cut(String message) {
    int bytes = 0;
    int end = 0;
    while (end < message.length()) {
      int c = message.codePointAt(end);
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      if (bytes > MAX_MESSAGE) {
        break;
      }
      end += Character.charCount(c);
    }
    return message.substring(0, end);
  }
}
