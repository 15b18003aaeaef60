package dev.meanwhile.log;

import org.jspecify.annotations.Nullable;

/// The one event that ends a log.
///
/// @param status a final status
/// @param failure why: always of [Status#FAILED], perhaps of [Status#CANCELLED], else null
public record Terminal(Status status, @Nullable Failure failure) {
  /// The whole answer is there.
  public static final Terminal COMPLETED = new Terminal(Status.COMPLETED, null);

  /// The answer ended early by the upstream's own rules (length, content filter).
  public static final Terminal INCOMPLETE = new Terminal(Status.INCOMPLETE, null);

  /// Somebody stopped it, or everybody left.
  public static final Terminal CANCELLED = new Terminal(Status.CANCELLED, null);

  public Terminal {
    boolean answer = status == Status.COMPLETED || status == Status.INCOMPLETE;
    if (!status.isFinal() || (failure == null ? status == Status.FAILED : answer)) {
      throw new IllegalArgumentException(status + " with " + failure);
    }
  }

  /// The log failed.
  public static Terminal failed(Failure failure) {
    return new Terminal(Status.FAILED, failure);
  }

  /// Why a log ended without a whole answer.
  ///
  /// @param status the HTTP status (400 to 599) that tells it to a caller who has seen nothing yet
  /// @param code a stable name for programs, such as `upstream_first_content_timeout`
  /// @param message what happened and what to do, for people; never a credential, never a prompt
  public record Failure(int status, String code, String message) {
    public Failure {
      if (status < 400 || status > 599) {
        throw new IllegalArgumentException("status " + status);
      }
    }
  }
}
