package dev.meanwhile.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where a tenant is told of its runs' ends: a webhook endpoint.
///
/// @param id `whe_…`
/// @param statuses which ends of all its tenant's runs it is told of; of a run that names it, it is
///   told in any case
/// @param secret what notices are signed with
/// @param oldSecret what they are signed with too until `oldUntil`, or null
/// @param createdAt in milliseconds since 1970, as all times here
/// @param disabled whether nothing is sent there until it is registered anew
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record Endpoint(
    String id,
    String tenant,
    String name,
    String url,
    List<String> statuses,
    byte[] secret,
    byte @Nullable [] oldSecret,
    long oldUntil,
    long createdAt,
    long updatedAt,
    boolean disabled) {
  /// Whether it is told of the end of a run.
  ///
  /// @param told who is told of this run in any case
  public boolean wants(String whose, String status, Told told) {
    return tenant.equals(whose) && (id.equals(told.webhook()) || statuses.contains(status));
  }

  /// Nothing of it that signs.
  @Override
  public String toString() {
    return "Endpoint[id=" + id + ", tenant=" + tenant + "]";
  }
}
