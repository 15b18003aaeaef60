package dev.meanwhile.server.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/// From a file to its characters.
final class YamlText {
  static final int MAX_BYTES = 1 << 20;
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private YamlText() {}

  /// Reads a file.
  ///
  /// @return null if the file cannot be read as text, which has then been told to `errors`
  static @Nullable String read(Path file, Errors errors) {
    Place place = Place.file(file.toString());
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException _) {
      errors.add(place, "there is no such file; create it, or give another path");
      return null;
    } catch (AccessDeniedException _) {
      errors.add(place, "this user may not read it; change its permissions");
      return null;
    } catch (IOException e) {
      errors.add(place, "cannot be read (" + e.getMessage() + "); expected a YAML file");
      return null;
    }
    if (bytes.length > MAX_BYTES) {
      errors.add(place, "is bigger than 1 MB; expected a configuration, which is far smaller");
      return null;
    }
    return decode(file.toString(), bytes, errors);
  }

  private static @Nullable String decode(String file, byte[] bytes, Errors errors) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CharBuffer chars = CharBuffer.allocate(bytes.length);
    // A new decoder reports what is malformed, and stops in front of it.
    boolean malformed = decoder.decode(ByteBuffer.wrap(bytes), chars, true).isError();
    String text = chars.flip().toString();
    if (malformed) {
      errors.add(end(file, text), "this is not valid UTF-8; save the file in that encoding");
      return null;
    }
    text = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (!StreamReader.isPrintable(text.codePointAt(i))) {
        String code = "U+%04X".formatted(text.codePointAt(i));
        errors.add(
            end(file, text.substring(0, i)),
            "the control character " + code + " is not allowed in YAML; remove it");
        return null;
      }
    }
    return text;
  }

  /// Where the text ends.
  private static Place end(String file, String text) {
    int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
    int start = text.lastIndexOf('\n') + 1;
    return Place.file(file, line, 1 + text.codePointCount(start, text.length()));
  }
}
