package dev.meanwhile.server.config;

import dev.meanwhile.budget.OnLeave;
import java.util.List;

/// The table of an entry of `keys`.
final class KeyOptions {
  static final Option<String> TENANT =
      Option.required("tenant", Types.name("a name", "shop"), "whose key it is");
  static final Option<Sha256> SHA256 =
      Option.required("sha256", Types.SHA256, "SHA-256 of the key, in hexadecimal digits");
  static final Option<Boolean> MAY_DETACH =
      Option.of(
          "may-detach", Types.BOOLEAN, "false", "a waiting caller may be answered 202 unasked");
  static final Option<Coalesce> COALESCE =
      Option.optional(
          "coalesce",
          Types.COALESCE,
          "the server's",
          "which identical calls share one upstream call");
  static final Option<OnLeave> ON_LEAVE =
      Option.optional(
          "on-leave", Types.ON_LEAVE, "the server's", "what to do when the last caller left");
  static final Option<Boolean> ADMIN =
      Option.of("admin", Types.BOOLEAN, "false", "may see and change what belongs to all tenants");

  static final List<Option<?>> ALL = List.of(TENANT, SHA256, MAY_DETACH, COALESCE, ON_LEAVE, ADMIN);

  private KeyOptions() {}

  static Key key(Values values) {
    return new Key(
        values.get(TENANT),
        values.get(SHA256),
        values.get(MAY_DETACH),
        values.find(COALESCE),
        values.find(ON_LEAVE),
        values.get(ADMIN));
  }
}
