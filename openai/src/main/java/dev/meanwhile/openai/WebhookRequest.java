package dev.meanwhile.openai;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A request about webhook endpoints, in OpenAI's words. What it does not say is null.
///
/// @param eventTypes which events are wanted
/// @param eventType which event is to be tried
/// @param keepOldSecret whether the secret before is good for 24 hours more
public record WebhookRequest(
    @Nullable String name,
    @Nullable String url,
    @Nullable List<String> eventTypes,
    @Nullable String eventType,
    boolean keepOldSecret) {
  private static final WebhookRequest NOTHING = new WebhookRequest(null, null, null, null, false);

  /// Reads one; an empty body says nothing.
  ///
  /// @throws IllegalArgumentException if it is no JSON object, or a member is not what it must be;
  ///   the message says which
  public static WebhookRequest of(byte[] body) {
    if (body.length == 0) {
      return NOTHING;
    }
    Tree.Members members;
    try {
      members = Tree.object(body, 0, body.length);
    } catch (MalformedJson e) {
      throw new IllegalArgumentException("The body is not a JSON object.", e);
    }
    return new WebhookRequest(
        text(members, "name"),
        text(members, "url"),
        texts(members, "event_types"),
        text(members, "event_type"),
        truth(members, "keep_old_secret_active_for_24_hours"));
  }

  private static @Nullable Tree given(Tree.Members members, String name) {
    Tree value = members.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private static @Nullable String text(Tree.Members members, String name) {
    return switch (given(members, name)) {
      case null -> null;
      case Tree.Text text -> text.text().toString();
      case Tree.Raw _, Tree.Items _, Tree.Members _ -> throw wrong(name, "a string");
    };
  }

  private static @Nullable List<String> texts(Tree.Members members, String name) {
    Tree value = given(members, name);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Tree.Items items)) {
      throw wrong(name, "a list of strings");
    }
    var texts = new ArrayList<String>();
    for (Tree item : items.items()) {
      if (!(item instanceof Tree.Text text)) {
        throw wrong(name, "a list of strings");
      }
      texts.add(text.text().toString());
    }
    return texts;
  }

  private static boolean truth(Tree.Members members, String name) {
    return switch (given(members, name)) {
      case null -> false;
      case Tree.Raw(String json) when json.equals("true") -> true;
      case Tree.Raw(String json) when json.equals("false") -> false;
      default -> throw wrong(name, "true or false");
    };
  }

  private static IllegalArgumentException wrong(String name, String wanted) {
    return new IllegalArgumentException("`" + name + "` must be " + wanted + ".");
  }
}
