package dev.meanwhile.server.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.JsonText;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Rows with named columns, as CSV (RFC 4180, its first line the names) or as lines of JSON
/// objects.
///
/// @param rows values as JSON, as many in each as there are names
public record Table(List<String> names, List<List<String>> rows) {
  /// The most bytes of one.
  public static final int MOST_BYTES = 16 << 20;

  private static final String BYTE_ORDER_MARK = "\uFEFF";

  /// Reads the one in a file, which may take a moment.
  ///
  /// @throws IllegalArgumentException if there is none, as [#of]
  public static Table in(URI file) {
    Path path = Path.of(file);
    try {
      if (Files.isRegularFile(path) && Files.size(path) > MOST_BYTES) {
        throw new Wrong("it is bigger than %,d bytes".formatted(MOST_BYTES));
      }
      return of(Files.readString(path));
    } catch (CharacterCodingException _) {
      throw new Wrong("it is not UTF-8; save it in that encoding");
    } catch (IOException _) {
      throw new Wrong("it cannot be read; expected CSV whose first line names variables");
    }
  }

  /// Reads one.
  ///
  /// @throws IllegalArgumentException if it is none; the message says where and what to do, and
  ///   repeats nothing of it
  public static Table of(String text) {
    String clean = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    Table table = clean.stripLeading().startsWith("{") ? lines(clean) : new Csv(clean).table();
    if (table.rows.isEmpty()) {
      throw new Wrong("it has no rows: expected one for each combination of values");
    }
    if (table.rows.size() > Over.MOST) {
      throw new Wrong("it has more than %,d rows".formatted(Over.MOST));
    }
    return table;
  }

  /// The values of these columns, each combination once.
  ///
  /// @throws IllegalArgumentException if there is no such column
  public List<List<String>> columns(List<String> wanted) {
    var places = new ArrayList<Integer>();
    for (String name : wanted) {
      int place = names.indexOf(name);
      if (place < 0) {
        throw new Wrong(
            "it has no column "
                + Errors.quote(name)
                + "; its columns are "
                + String.join(", ", names));
      }
      places.add(place);
    }
    return rows.stream().map(row -> places.stream().map(row::get).toList()).distinct().toList();
  }

  private static Table lines(String text) {
    List<String> names = new ArrayList<>();
    var rows = new ArrayList<List<String>>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      Map<String, String> members = JsonText.members(line.strip().getBytes(UTF_8));
      if (members == null) {
        throw new Wrong("line " + number + " is no JSON object");
      }
      if (rows.isEmpty()) {
        names.addAll(members.keySet());
      }
      var row = new ArrayList<String>();
      for (String name : names) {
        String value = members.get(name);
        if (value == null) {
          throw new Wrong("line " + number + " has not all the names of the first");
        }
        row.add(value);
      }
      rows.add(row);
    }
    return new Table(names, rows);
  }

  /// Reads comma-separated values. For one thread.
  private static final class Csv {
    private final String text;
    private int at;
    private int line = 1;

    Csv(String text) {
      this.text = text;
    }

    Table table() {
      List<String> names = record();
      var rows = new ArrayList<List<String>>();
      while (at < text.length()) {
        int its = line;
        List<String> record = record();
        if (record.size() == 1 && record.getFirst().isEmpty()) {
          continue;
        }
        if (record.size() != names.size()) {
          throw new Wrong(
              "line %d has %d values, and the first has %d names"
                  .formatted(its, record.size(), names.size()));
        }
        rows.add(record.stream().map(JsonText::quoted).toList());
      }
      return new Table(names, rows);
    }

    private List<String> record() {
      var fields = new ArrayList<String>();
      fields.add(field());
      while (at < text.length() && text.charAt(at) == ',') {
        at++;
        fields.add(field());
      }
      if (text.startsWith("\r\n", at)) {
        at++;
      }
      if (at < text.length() && text.charAt(at) != '\n') {
        throw new Wrong("line " + line + " goes on after a closing quote");
      }
      at++;
      line++;
      return fields;
    }

    private String field() {
      var field = new StringBuilder();
      if (at == text.length() || text.charAt(at) != '"') {
        int begin = at;
        while (at < text.length() && ",\r\n".indexOf(text.charAt(at)) < 0) {
          at++;
        }
        return text.substring(begin, at);
      }
      int began = line;
      for (at++; at < text.length(); at++) {
        char c = text.charAt(at);
        if (c == '"' && !text.startsWith("\"\"", at)) {
          at++;
          return field.toString();
        }
        at += c == '"' ? 1 : 0;
        line += c == '\n' ? 1 : 0;
        field.append(c);
      }
      throw new Wrong("the quote of line " + began + " is not closed");
    }
  }
}
