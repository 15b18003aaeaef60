package dev.meanwhile.server.prefetch;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meanwhile.openai.ChatTemplate;
import dev.meanwhile.openai.ChatTemplate.Filled;
import dev.meanwhile.openai.JsonText;
import dev.meanwhile.prefetch.Question;
import dev.meanwhile.prefetch.Questions;
import dev.meanwhile.server.config.Over;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Every combination of the values that an operation declares, for every tenant; none of them is
/// there before it is asked for.
final class Product implements Questions {
  private final ChatTemplate template;
  private final List<String> counted;
  private final List<Part> parts;
  private final List<String> tenants;
  private final int size;

  /// Variables whose values come together.
  record Part(List<String> names, List<List<String>> rows) {}

  /// @param counted the variables that make two questions the same
  /// @throws IllegalArgumentException if there are too many, with what to do
  Product(ChatTemplate template, List<String> counted, List<Part> parts, List<String> tenants) {
    this.template = template;
    this.counted = counted;
    this.parts = List.copyOf(parts);
    this.tenants = List.copyOf(tenants);
    long all = tenants.size();
    for (Part part : parts) {
      all *= part.rows.size();
      if (all > Over.MOST) {
        throw new IllegalArgumentException(
            "there are more than %,d combinations of values and tenants, the most; declare fewer"
                .formatted(Over.MOST));
      }
    }
    size = (int) all;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public @Nullable Question at(int index) {
    int left = index / tenants.size();
    var members = new ArrayList<String>();
    for (Part part : parts) {
      List<String> row = part.rows.get(left % part.rows.size());
      left /= part.rows.size();
      for (int i = 0; i < row.size(); i++) {
        members.add(JsonText.quoted(part.names.get(i)) + ":" + row.get(i));
      }
    }
    Filled filled = template.fill(("{" + String.join(",", members) + "}").getBytes(UTF_8));
    return filled.problem() == null
        ? question(tenants.get(index % tenants.size()), filled, counted)
        : null;
  }

  static Question question(String tenant, Filled filled, List<String> counted) {
    var key = new ArrayList<String>();
    key.add(tenant);
    key.addAll(filled.texts(counted));
    return new Question(key, filled.input());
  }
}
