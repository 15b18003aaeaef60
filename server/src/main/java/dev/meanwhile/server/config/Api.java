package dev.meanwhile.server.config;

/// The dialect an upstream speaks.
public enum Api {
  /// OpenAI's chat completions, with embeddings and models.
  CHAT,
  /// The same, and OpenAI's Responses.
  RESPONSES
}
