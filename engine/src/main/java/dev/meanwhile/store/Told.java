package dev.meanwhile.store;

import org.jspecify.annotations.Nullable;

/// Who is told of the end of one run, in whatever way it ends, beside the endpoints that are told
/// of all.
///
/// @param webhook the id of an endpoint, or null
/// @param mail `mailto:` and the address of somebody who gets a mail, or null
public record Told(@Nullable String webhook, @Nullable String mail) {
  /// Nobody.
  public static final Told NOBODY = new Told(null, null);

  /// Whether there is anybody.
  public boolean any() {
    return webhook != null || mail != null;
  }
}
