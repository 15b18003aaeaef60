package dev.meanwhile.openai;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JSON for those who write a few members around a document, or take one out, without a tree.
public final class JsonText {
  private JsonText() {}

  /// The text as a JSON string with its quotes, or `null`; safe inside a line of SSE.
  public static String quoted(@Nullable String text) {
    return text == null ? "null" : Json.quote(text);
  }

  /// The value of a member of the document's top level as it stands there, or null if the document
  /// is no JSON object or has no such member.
  ///
  /// @param name in ASCII
  public static @Nullable String member(byte[] document, String name) {
    byte[] wanted = Json.ascii(name);
    var scanner = new JsonScanner();
    try {
      scanner.reset(document, 0, document.length);
      scanner.enterObject();
      while (scanner.member()) {
        boolean found = scanner.named(wanted);
        scanner.skip();
        if (found) {
          return new String(document, scanner.start(), scanner.end() - scanner.start(), UTF_8);
        }
      }
    } catch (MalformedJson e) {
      return null;
    }
    return null;
  }

  /// The elements of a document that is a JSON array, as they stand there; null if it is none.
  public static @Nullable List<String> elements(byte[] document) {
    var elements = new ArrayList<String>();
    var scanner = new JsonScanner();
    try {
      scanner.reset(document, 0, document.length);
      scanner.enterArray();
      while (scanner.element()) {
        scanner.skip();
        elements.add(new String(document, scanner.start(), scanner.end() - scanner.start(), UTF_8));
      }
      scanner.finish();
    } catch (MalformedJson e) {
      return null;
    }
    return elements;
  }

  /// The values of all members of the document's top level as they stand there, or null if the
  /// document is no JSON object; of a name given twice the last counts.
  public static @Nullable Map<String, String> members(byte[] document) {
    var members = new LinkedHashMap<String, String>();
    var scanner = new JsonScanner();
    try {
      scanner.reset(document, 0, document.length);
      scanner.enterObject();
      while (scanner.member()) {
        String name = scanner.name();
        scanner.skip();
        members.put(
            name, new String(document, scanner.start(), scanner.end() - scanner.start(), UTF_8));
      }
      scanner.finish();
    } catch (MalformedJson e) {
      return null;
    }
    return members;
  }

  /// The same of a member that is a string, decoded; null if it is none.
  public static @Nullable String string(byte[] document, String name) {
    String json = member(document, name);
    if (json == null || json.charAt(0) != '"') {
      return null;
    }
    byte[] bytes = json.getBytes(UTF_8);
    return Json.decode(bytes, 1, bytes.length - 1);
  }

  /// Whether the bytes are one JSON document.
  public static boolean isDocument(byte[] bytes) {
    var scanner = new JsonScanner();
    try {
      scanner.reset(bytes, 0, bytes.length);
      scanner.skip();
      scanner.finish();
      return true;
    } catch (MalformedJson e) {
      return false;
    }
  }
}
