package dev.meanwhile.server.config;

/// How a connection to a mail server is kept from others.
public enum MailTls {
  /// It begins in plain text, and must become TLS before anything is said.
  STARTTLS,
  /// It is TLS from its beginning.
  TLS,
  /// It is not.
  NONE
}
