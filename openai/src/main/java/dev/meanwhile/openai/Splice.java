package dev.meanwhile.openai;

import java.util.LinkedHashMap;
import java.util.Map;

/// Changes a few members of a JSON object, and nothing else of its bytes.
public final class Splice {
  private Splice() {}

  /// The document with other values for some members of its top level: those that it has not come
  /// first.
  ///
  /// @param document one JSON object
  /// @param values what each member is to be, as JSON
  public static byte[] of(byte[] document, Map<String, String> values) {
    var missing = new LinkedHashMap<>(values);
    var changed = new Bytes(document.length + 80);
    JsonScanner in = new JsonScanner().reset(document, 0, document.length);
    in.enterObject();
    int first = -1;
    int at = 0;
    while (in.member()) {
      String name = in.name();
      in.skip();
      if (first < 0) {
        first = firstMember(document);
        at = first;
      }
      String value = values.get(name);
      if (value != null) {
        missing.remove(name);
        changed.add(document, at, in.start()).add(value);
        at = in.end();
      }
    }
    in.finish();
    boolean empty = first < 0;
    if (empty) {
      first = firstMember(document);
      at = first;
    }
    changed.add(document, at, document.length);
    var out = new Bytes(document.length + 80).add(document, 0, first);
    String before = "";
    for (Map.Entry<String, String> each : missing.entrySet()) {
      out.add(before).add(Json.quote(each.getKey())).add(":").add(each.getValue());
      before = ",";
    }
    if (!empty && !missing.isEmpty()) {
      out.add(",");
    }
    byte[] rest = changed.copy(0);
    return out.add(rest, 0, rest.length).copy(0);
  }

  /// Where the first member begins, or the closing brace of an empty object is.
  private static int firstMember(byte[] document) {
    int at = 0;
    while (document[at] != '{') {
      at++;
    }
    do {
      at++;
    } while (document[at] <= ' ' && document[at] >= 0);
    return at;
  }
}
